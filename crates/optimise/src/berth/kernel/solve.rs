//! Search and bound, interleaved by effort.

use super::arcs::{Graph, SCALE_BITS};
use super::branch::Tree;
use super::dual::{Dual, Step};
use super::instance::Instance;
use super::search::{Search, first_come, insert_all};
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
    /// Effort of the bound for each search iteration.
    bound_share: u64,
    /// A plan is built from the bound's averages once in so many root iterations.
    repair_every: u64,
    /// First step of the subgradient, and its patience.
    step: f64,
    patience: u32,
}

/// Nothing is known.
const COLD: Pace = Pace {
    opening: 1_500,
    bound_share: 1,
    repair_every: 50,
    step: 1.0,
    patience: 40,
};
/// Plan and prices of the last solve are near: small steps from there, and most of the time for the bound, which shows the
/// search where to go.
const WARM: Pace = Pace {
    opening: 300,
    bound_share: 2,
    repair_every: 10,
    step: 0.1,
    patience: 20,
};
/// Effort of one turn of search or bound.
const TURN: u64 = 1_000;
/// Arcs are fixed once in so many iterations of the root bound.
const FIX_EVERY: u64 = 25;
/// With duals from the last solve, early fixing already leaves few arcs.
const EARLY_FIXES: [u64; 3] = [1, 4, 10];
/// The root bound ends when its step has shrunk to this.
const STEP_END: f64 = 0.02;
/// The tree looks first for plans in this part of the gap above the bound.
const TARGET_PART: i64 = 4;

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
                if let Ok(found) = duals.calls.binary_search_by(|(id, _)| id.cmp(&call.id)) {
                    *price = duals.calls[found].1;
                }
            }
        } else {
            prices.iter_mut().for_each(|price| *price <<= SCALE_BITS);
        }
        let mut dual = Dual::new(instance, &prices);
        let search = Search::new(instance, seed, start);
        let is_warm =
            warm.plan.is_some() && warm.duals.is_some_and(|duals| !duals.calls.is_empty());
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
                self.bound_turn(TURN.min(left), budget.stop)
            } else {
                self.search.run(TURN.min(left), budget.stop)
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
            self.dual.fix(&mut self.graph, value);
        }
        if self.root_iterations.is_multiple_of(self.pace.repair_every) {
            self.offer_average();
        }
        if self.dual.step < STEP_END {
            self.dual.fix(&mut self.graph, value);
            self.phase = Phase::Tree(Box::new(Tree::new(&self.dual)));
        }
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
            let target = (self.bound + ((value - self.bound) / TARGET_PART).max(1)).min(value);
            tree.plant(&mut self.dual, &self.graph, target);
            self.bound_effort += self.graph.effort();
            return;
        }
        let target = tree.target.min(value);
        let outcome = tree.expand(self.instance, target);
        self.bound_effort += outcome.effort;
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

    /// Each ship at the berth that the bound's recent paths prefer, in the order in which they start it; the next annealing
    /// cycle begins there.
    fn offer_average(&mut self) {
        let mean = &self.dual.mean_start;
        self.order
            .sort_by(|a, b| mean[*a].total_cmp(&mean[*b]).then(a.cmp(b)));
        let mut plan = Sequences::empty(self.instance);
        let berths = self.instance.berths;
        for ship in &self.order {
            let shares = &self.dual.share[ship * berths..(ship + 1) * berths];
            let favourite =
                (0..berths).max_by(|a, b| shares[*a].total_cmp(&shares[*b]).then(b.cmp(a)));
            if let Some(berth) = favourite {
                plan.append(self.instance, *ship, berth);
            }
        }
        self.order.retain(|ship| plan.is_without(*ship));
        insert_all(self.instance, &mut plan, &self.order);
        self.order.clear();
        self.order.extend(0..self.instance.ships);
        self.search.restart_from(&plan);
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
            duals: Duals { calls },
        }
    }
}
