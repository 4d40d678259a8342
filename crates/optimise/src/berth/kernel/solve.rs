//! Search and bound, interleaved by effort.

use super::arcs::{Graph, SCALE_BITS};
use super::branch::Tree;
use super::dual::{Dual, Step};
use super::instance::Instance;
use super::search::{Cycle, Search, first_come, insert_all};
use super::sequences::Sequences;
use crate::answer::{Answer, Statistics};
use crate::berth::solve::{Duals, Solved, Warm};
use crate::budget::{Budget, Stop};
use domain::berth::{BerthPlan, BerthProblem};

/// How search and bound share the work.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Search iterations before the first bound.
    opening: u64,
    /// Effort of one turn of search or bound.
    turn: u64,
    /// Effort of the bound for each search iteration.
    bound_share: u64,
    /// A plan is built from the bound's averages once in so many root iterations.
    repair_every: u64,
    /// The search goes on from such a plan with this cycle.
    cycle: Cycle,
    /// First step of the subgradient, its patience, and the step at which the root gives way to the tree.
    step: f64,
    patience: u32,
    step_end: f64,
    /// Iterations of the bound in a node of the tree.
    node_iterations: u32,
    /// The tree looks first for plans in this part of the gap above the bound.
    target_part: i64,
}

/// Nothing is known.
const COLD: Pace = Pace {
    opening: 1_500,
    turn: 1_000,
    bound_share: 1,
    repair_every: 50,
    cycle: Cycle {
        length: 3_000,
        skipped: 1_500,
    },
    step: 1.0,
    patience: 40,
    step_end: 0.02,
    node_iterations: 60,
    target_part: 4,
};
/// Plan and prices of the last solve are near: small steps from there, an early tree, most of the time for the bound, which
/// shows the search where to go, and short turns, so that the search follows it.
const WARM: Pace = Pace {
    opening: 300,
    turn: 300,
    bound_share: 2,
    repair_every: 10,
    cycle: Cycle {
        length: 600,
        skipped: 420,
    },
    step: 0.1,
    patience: 20,
    step_end: 0.06,
    node_iterations: 40,
    target_part: 6,
};
/// Arcs are fixed once in so many iterations of the root bound.
const FIX_EVERY: u64 = 25;
/// With duals from the last solve, early fixing already leaves few arcs.
const EARLY_FIXES: [u64; 3] = [1, 4, 10];
/// A plan is built from the averages of the tree's bounds once in so many nodes.
const REPAIR_NODES: u64 = 2;

/// Solves the problem if it is one for the kernel.
pub(crate) fn solve(
    problem: &BerthProblem,
    warm: Warm<'_>,
    seed: u64,
    budget: &Budget<'_>,
) -> Option<Solved> {
    let instance = Instance::from_problem(problem)?;
    let mut start = first_come(&instance);
    if let Some(plan) = warm.plan {
        let repaired = repair(&instance, plan);
        if repaired.value <= start.value {
            start = repaired;
        }
    }
    let mut run = Run::new(problem, &instance, warm, seed, start);
    run.go(budget);
    Some(run.finish(problem))
}

/// The last plan's sequences with what is missing inserted.
fn repair(instance: &Instance, plan: &BerthPlan) -> Sequences {
    let mut stays: Vec<_> = plan
        .stays
        .iter()
        .filter(|stay| stay.call < instance.ships)
        .collect();
    stays.sort_by_key(|stay| (stay.start_min, stay.call));
    let mut repaired = Sequences::empty(instance);
    let mut left: Vec<usize> = Vec::new();
    let mut seen = vec![false; instance.ships];
    for stay in stays {
        if !std::mem::replace(&mut seen[stay.call], true)
            && !repaired.append(instance, stay.call, stay.berth)
        {
            left.push(stay.call);
        }
    }
    left.extend((0..instance.ships).filter(|ship| !seen[*ship]));
    insert_all(instance, &mut repaired, &left);
    repaired
}

/// Where the bound stands.
enum Phase {
    Root,
    Tree(Box<Tree>),
    Done,
}

struct Run<'a> {
    instance: &'a Instance,
    search: Search<'a>,
    dual: Dual,
    graph: Graph,
    phase: Phase,
    bound: i64,
    /// Effort spent on bounds, in search iterations.
    bound_effort: u64,
    root_iterations: u64,
    order: Vec<usize>,
    pace: Pace,
}

impl<'a> Run<'a> {
    fn new(
        problem: &BerthProblem,
        instance: &'a Instance,
        warm: Warm<'_>,
        seed: u64,
        start: Sequences,
    ) -> Self {
        let floors = instance.options.iter().zip(&instance.price);
        let floor = |(options, price): (&Vec<super::instance::BerthOption>, &i64)| {
            options
                .first()
                .map_or(*price, |option| option.floor.min(*price))
        };
        let mut prices = start.marginal_costs(instance);
        if let Some(duals) = warm.duals {
            for (call, price) in problem.calls.iter().zip(&mut prices) {
                if let Ok(found) = duals.prices.binary_search_by(|(id, _)| id.cmp(&call.id)) {
                    *price = duals.prices[found].1;
                }
            }
        } else {
            prices.iter_mut().for_each(|price| *price <<= SCALE_BITS);
        }
        let mut dual = Dual::new(instance, &prices);
        let search = Search::new(instance, seed, start);
        let is_warm =
            warm.plan.is_some() && warm.duals.is_some_and(|duals| !duals.prices.is_empty());
        let pace = if is_warm { WARM } else { COLD };
        (dual.step, dual.patience) = (pace.step, pace.patience);
        Run {
            instance,
            bound: floors.map(floor).sum(),
            dual,
            search,
            graph: Graph {
                berths: vec![Vec::new(); instance.berths],
            },
            phase: Phase::Root,
            bound_effort: 0,
            root_iterations: 0,
            order: (0..instance.ships).collect(),
            pace,
        }
    }

    fn effort(&self) -> u64 {
        self.search.iterations + self.bound_effort
    }

    fn is_proved(&self) -> bool {
        self.bound >= self.search.best.value
    }

    fn go(&mut self, budget: &Budget<'_>) {
        let opening = self.pace.opening.min(budget.iterations);
        if self.is_proved() || self.search.run(opening, budget.stop) {
            return;
        }
        let value = self.search.best.value;
        let (graph, bound) = Graph::new(self.instance, value, self.bound, &self.dual.lambda);
        self.dual.accept(bound);
        self.bound = self.bound.max(self.dual.bound().min(value));
        match graph {
            Some(graph) => self.graph = graph,
            None => self.phase = Phase::Done,
        }
        while self.effort() < budget.iterations && !self.is_proved() {
            let left = budget.iterations - self.effort();
            let bound_turn = match self.phase {
                Phase::Done => false,
                _ => self.bound_effort <= self.pace.bound_share * self.search.iterations,
            };
            let stopped = if bound_turn {
                self.bound_turn(self.pace.turn.min(left), budget.stop)
            } else {
                self.search.run(self.pace.turn.min(left), budget.stop)
            };
            if stopped {
                break;
            }
        }
    }

    /// Spends about `effort` on the bound; true if the outside asks to stop.
    fn bound_turn(&mut self, effort: u64, stop: &dyn Stop) -> bool {
        let until = self.bound_effort + effort;
        while self.bound_effort < until && !self.is_proved() {
            if stop.stop() {
                return true;
            }
            match self.phase {
                Phase::Root => self.root_step(),
                Phase::Tree(_) => self.tree_step(),
                Phase::Done => return false,
            }
        }
        false
    }

    fn root_step(&mut self) {
        self.bound_effort += self.graph.effort();
        self.root_iterations += 1;
        let value = self.search.best.value;
        let step = self.dual.iterate(self.instance, &self.graph, value);
        self.bound = self.bound.max(self.dual.bound().min(value));
        if step == Step::Optimal {
            self.offer_paths();
            self.phase = Phase::Done;
            return;
        }
        let is_early = EARLY_FIXES.contains(&self.root_iterations);
        if is_early || self.root_iterations.is_multiple_of(FIX_EVERY) {
            self.fix(value);
        }
        if self.root_iterations.is_multiple_of(self.pace.repair_every) {
            self.offer_average();
        }
        if self.dual.step < self.pace.step_end {
            self.fix(value);
            let tree = Tree::new(&self.dual, self.pace.node_iterations);
            self.phase = Phase::Tree(Box::new(tree));
        }
    }

    /// Takes from bound and search the stays that no plan cheaper than `value` has.
    fn fix(&mut self, value: i64) {
        self.dual.fix(&mut self.graph, value);
        let berths = self.instance.berths;
        let mut may_lie = vec![false; self.instance.ships * berths];
        for (berth, arcs) in self.graph.berths.iter().enumerate() {
            for arc in arcs {
                may_lie[usize::from(arc.ship) * berths + berth] = true;
            }
        }
        self.search
            .narrow(|ship, berth| may_lie[ship * berths + berth]);
    }

    fn tree_step(&mut self) {
        let value = self.search.best.value;
        let Phase::Tree(tree) = &mut self.phase else {
            return;
        };
        if tree.is_empty() {
            if tree.target > self.bound {
                self.bound = tree.target.min(value);
            }
            if self.bound >= value {
                return;
            }
            let target =
                (self.bound + ((value - self.bound) / self.pace.target_part).max(1)).min(value);
            tree.plant(&mut self.dual, &self.graph, target);
            self.bound_effort += self.graph.effort();
            return;
        }
        let target = tree.target.min(value);
        let outcome = tree.expand(self.instance, target);
        self.bound_effort += outcome.effort;
        if tree.nodes.is_multiple_of(REPAIR_NODES) {
            let plan = average(self.instance, tree.dual(), &mut self.order);
            self.search.restart_from(&plan, self.pace.cycle);
            self.bound_effort += self.instance.ships as u64 / 4;
        }
        if let Some(plan) = outcome.plan {
            let mut stays: Vec<(usize, usize, usize)> = Vec::new();
            for (ship, place) in plan.iter().enumerate() {
                stays.extend(place.map(|(berth, start)| (start, ship, berth)));
            }
            self.offer_stays(stays);
        }
    }

    /// The last evaluation's paths are a plan.
    fn offer_paths(&mut self) {
        let mut stays = Vec::new();
        self.dual.paths(&self.graph, &mut |ship, berth, start| {
            stays.push((start, ship, berth))
        });
        self.offer_stays(stays);
    }

    fn offer_stays(&mut self, mut stays: Vec<(usize, usize, usize)>) {
        stays.sort_unstable();
        let mut plan = Sequences::empty(self.instance);
        for (_, ship, berth) in stays {
            plan.append(self.instance, ship, berth);
        }
        self.search.offer(&plan);
    }

    /// The next annealing cycle begins at the plan that the root's recent paths prefer.
    fn offer_average(&mut self) {
        let plan = average(self.instance, &self.dual, &mut self.order);
        self.search.restart_from(&plan, self.pace.cycle);
        self.bound_effort += self.instance.ships as u64 / 4;
    }

    fn finish(self, problem: &BerthProblem) -> Solved {
        let best = &self.search.best;
        let (nodes, tree_iterations) = match &self.phase {
            Phase::Tree(tree) => (tree.nodes, tree.bound_iterations),
            _ => (0, 0),
        };
        let prices = self.dual.prices(self.instance);
        let mut calls: Vec<(String, i64)> = problem
            .calls
            .iter()
            .map(|call| call.id.clone())
            .zip(prices)
            .collect();
        calls.sort_unstable();
        Solved {
            answer: Answer {
                plan: self.instance.to_plan(problem, &best.stays()),
                value: best.value,
                bound: self.bound.min(best.value),
                statistics: Statistics {
                    iterations: self.effort(),
                    improvements: self.search.improvements,
                    bound_iterations: self.root_iterations + tree_iterations,
                    nodes,
                },
            },
            duals: Duals { prices: calls },
        }
    }
}

/// Each ship at the berth that a bound's recent paths prefer, in the order in which they start it. `order` is scratch: all
/// ships, in any order.
fn average(instance: &Instance, dual: &Dual, order: &mut Vec<usize>) -> Sequences {
    let mean = &dual.mean_start;
    order.sort_by(|a, b| mean[*a].total_cmp(&mean[*b]).then(a.cmp(b)));
    let mut plan = Sequences::empty(instance);
    let berths = instance.berths;
    for ship in order.iter() {
        let shares = &dual.share[ship * berths..(ship + 1) * berths];
        let favourite = (0..berths).max_by(|a, b| shares[*a].total_cmp(&shares[*b]).then(b.cmp(a)));
        if let Some(berth) = favourite {
            plan.append(instance, *ship, berth);
        }
    }
    order.retain(|ship| plan.is_without(*ship));
    insert_all(instance, &mut plan, order);
    order.clear();
    order.extend(0..instance.ships);
    plan
}
