//! Start, search and bound put together.

use super::bound::Bound;
use super::construct::start;
use super::model::Model;
use super::search::Search;
use super::tree::Tree;
use crate::answer::{Answer, Statistics};
use crate::berth::solve::{Duals, Solved, Warm};
use crate::budget::{Budget, Stop};
use domain::berth::{BerthPlan, BerthProblem};

/// Search iterations before the first bound.
const OPENING: u64 = 300;
/// Effort of one turn of search or bound.
const TURN: u64 = 100;
/// Options are fixed once in so many iterations of the bound.
pub(super) const FIX_EVERY: u64 = 20;

/// Plans with all rules.
pub(crate) fn solve(
    problem: &BerthProblem,
    warm: Warm<'_>,
    seed: u64,
    budget: &Budget<'_>,
) -> Solved {
    // after the opening the bound takes half
    let expected = match budget.iterations {
        0 => 0,
        all => all.saturating_add(OPENING) / 2,
    };
    solve_with(problem, warm, seed, expected, |run, model, search| {
        run.go(model, search, budget);
    })
}

/// As [`solve`], with all effort for the plan and none for its bound, which is the sum of the floors.
pub(crate) fn search_only(
    problem: &BerthProblem,
    warm: Warm<'_>,
    seed: u64,
    budget: &Budget<'_>,
) -> Solved {
    solve_with(problem, warm, seed, budget.iterations, |run, _, search| {
        if run.bound_value < search.best.value {
            search.run(budget.iterations, budget.stop);
        }
    })
}

fn solve_with(
    problem: &BerthProblem,
    warm: Warm<'_>,
    seed: u64,
    expected: u64,
    spend: impl FnOnce(&mut Run<'_>, &Model<'_>, &mut Search<'_>),
) -> Solved {
    let model = Model::new(problem);
    let start = start(&model, warm.plan, expected > 0);
    let mut search = Search::new(&model, seed, start, expected);
    let mut run = Run::new(&model);
    if let (Some(duals), Some(plan)) = (warm.duals, warm.plan) {
        run.last = Some((duals, plan));
    }
    spend(&mut run, &model, &mut search);
    run.solved(&model, &search)
}

struct Run<'a> {
    /// Prices and plan of the last solve, until the bound has taken them up.
    last: Option<(&'a Duals, &'a BerthPlan)>,
    bound: Option<Bound>,
    bound_value: i64,
    /// Effort spent on the bound, in search iterations.
    bound_effort: u64,
    /// Parts of all trees.
    nodes: u64,
    /// The tree at work, once the bound has stalled.
    tree: Option<Tree>,
}

impl Run<'_> {
    fn new(model: &Model<'_>) -> Self {
        Run {
            last: None,
            bound_value: model.calls.iter().map(|call| call.floor).sum(),
            bound: None,
            bound_effort: 0,
            nodes: 0,
            tree: None,
        }
    }

    fn solved(mut self, model: &Model<'_>, search: &Search<'_>) -> Solved {
        let value = search.best.value;
        let plan = search.best.to_plan(model);
        if let (Some(bound), Some(tree)) = (&mut self.bound, self.tree) {
            bound.enter(&tree.into_root());
        }
        let prices = self
            .bound
            .as_ref()
            .map_or(Vec::new(), |bound| bound.remember(model, &plan));
        Solved {
            answer: Answer {
                value,
                bound: self.bound_value.min(value),
                plan,
                statistics: Statistics {
                    iterations: search.iterations + self.bound_effort,
                    improvements: search.improvements,
                    bound_iterations: self.bound.map_or(0, |bound| bound.iterations),
                    nodes: self.nodes,
                },
            },
            duals: Duals { prices },
        }
    }

    fn go(&mut self, model: &Model<'_>, search: &mut Search<'_>, budget: &Budget<'_>) {
        let opening = OPENING.min(budget.iterations);
        if self.bound_value >= search.best.value || search.run(opening, budget.stop) {
            return;
        }
        loop {
            let done = search.iterations + self.bound_effort;
            if done >= budget.iterations || self.bound_value >= search.best.value {
                return;
            }
            let turn = TURN.min(budget.iterations - done);
            let is_bound_turn = self.bound_effort <= search.iterations;
            let stopped = match (&mut self.bound, is_bound_turn) {
                (Some(bound), true) if self.tree.is_some() || bound.is_done() => {
                    if !bound.is_too_large() {
                        self.branch(model, search, budget.stop);
                    } else {
                        self.bound_effort = u64::MAX / 2;
                    }
                    budget.stop.stop()
                }
                (_, true) => self.turn(model, search.best.value, turn, budget.stop),
                (_, false) => search.run(turn, budget.stop),
            };
            if stopped {
                return;
            }
        }
    }

    /// One part of the tree that looks for plans in the lower part of the gap; an empty tree raises the bound to there.
    fn branch(&mut self, model: &Model<'_>, search: &mut Search<'_>, stop: &dyn Stop) {
        let Some(bound) = &mut self.bound else {
            return;
        };
        let value = search.best.value;
        let tree = self
            .tree
            .get_or_insert_with(|| Tree::new(bound, self.bound_value, value));
        let (effort, plan) = tree.step(model, bound, &search.best, stop);
        self.nodes += 1;
        self.bound_effort = match tree.is_full() {
            true => u64::MAX / 2,
            false => self.bound_effort + effort,
        };
        self.bound_value = self.bound_value.max(tree.bound());
        if let Some(plan) = plan {
            search.restart_from(&plan);
        }
        if tree.is_closed() {
            let root = self.tree.take().map(Tree::into_root);
            if let Some(root) = root {
                bound.enter(&root);
                bound.rest();
            }
        }
    }

    fn turn(&mut self, model: &Model<'_>, value: i64, effort: u64, stop: &dyn Stop) -> bool {
        let bound = self.bound.get_or_insert_with(|| Bound::new(model, value));
        let is_warm = self
            .last
            .take()
            .is_some_and(|(duals, plan)| bound.recall(model, &duals.prices, plan));
        let until = self.bound_effort + effort;
        while self.bound_effort < until
            && !bound.is_done()
            && !bound.is_empty()
            && bound.value() < value
        {
            if stop.stop() {
                return true;
            }
            self.bound_effort += bound.effort();
            bound.iterate(value);
            // remembered prices leave few options at once
            if bound.iterations.is_multiple_of(FIX_EVERY) || is_warm && bound.iterations == 1 {
                self.bound_effort += 2 * bound.effort();
                bound.fix(value);
                bound.agree(model);
            }
        }
        // where a call has no option left, no plan is cheaper
        let proven = if bound.is_empty() {
            value
        } else {
            bound.value()
        };
        self.bound_value = self.bound_value.max(proven);
        false
    }
}
