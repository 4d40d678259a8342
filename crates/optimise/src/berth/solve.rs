//! The entry: picks the solver, hands over the warm start, returns plan, bound and duals.

use super::{full, kernel};
use crate::answer::Answer;
use crate::budget::Budget;
use domain::berth::{BerthPlan, BerthProblem};

/// Prices learnt by the bound; handed to the next solve they make its bound good at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duals {
    /// By name, ascending, in fixed point (1/1024 cost unit): of the call with that id for discrete berths; for all rules of
    /// a berth's cell, a quay's cranes, a barge or a pair of calls in one hour, and the starts by which its clock is known.
    pub prices: Vec<(String, i64)>,
}

/// What is known from the last solve.
#[derive(Debug, Clone, Copy, Default)]
pub struct Warm<'a> {
    /// The last plan in the indices of the new problem; calls that it does not mention are inserted.
    pub plan: Option<&'a BerthPlan>,
    /// The last duals.
    pub duals: Option<&'a Duals>,
}

/// A plan with its proof and the duals for the next solve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solved {
    /// Plan, value, bound and statistics.
    pub answer: Answer<BerthPlan>,
    /// Prices for the next solve.
    pub duals: Duals,
}

/// Plans the berths. `previous` is a plan of the same problem to start from; the plan returned is never worse than it
/// once it is repaired. One iteration of the budget is one ruin and recreate, or the same effort of the bound.
pub fn solve(
    problem: &BerthProblem,
    previous: Option<&BerthPlan>,
    seed: u64,
    budget: &Budget<'_>,
) -> Answer<BerthPlan> {
    let warm = Warm {
        plan: previous,
        duals: None,
    };
    solve_warm(problem, warm, seed, budget).answer
}

/// As [`solve`], with the duals of the last solve in and those of this one out.
pub fn solve_warm(
    problem: &BerthProblem,
    warm: Warm<'_>,
    seed: u64,
    budget: &Budget<'_>,
) -> Solved {
    match kernel::solve(problem, warm, seed, budget) {
        Some(solved) => solved,
        None => full::solve(problem, warm, seed, budget),
    }
}

/// As [`solve_warm`] by the solver for all rules, with all effort for the plan and none for the bound, which stays at what
/// each call would cost alone.
pub fn search_only(
    problem: &BerthProblem,
    warm: Warm<'_>,
    seed: u64,
    budget: &Budget<'_>,
) -> Solved {
    full::search_only(problem, warm, seed, budget)
}
