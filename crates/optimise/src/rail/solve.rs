//! The level-1 planner: full-rule problem in, plan with a proven bound out.

use domain::rail::{RailPlan, RailProblem};

use super::full::{build, read_back, warm::Warm};
use super::kernel;
use crate::answer::Answer;
use crate::budget::Budget;

/// Plans `problem`. The unit of work of the budget is one move of the local search. The plan is always feasible (staying
/// is), and breaks no rule of `domain::rail`; callers still run the checker over it.
pub fn solve(
    problem: &RailProblem,
    warm: Option<&Warm>,
    seed: u64,
    budget: &Budget,
) -> Answer<RailPlan> {
    re_plan(problem, warm, seed, budget).0
}

/// As [`solve`], and returns what the next run may start from.
pub fn re_plan(
    problem: &RailProblem,
    warm: Option<&Warm>,
    seed: u64,
    budget: &Budget,
) -> (Answer<RailPlan>, Warm) {
    let built = build::build(problem);
    let start = warm.map(|warm| kernel::Start {
        choice: warm.choice(problem, &built),
        prices: warm.row_prices(problem, &built),
    });
    let solved = kernel::solve(&built.core, start.as_ref(), seed, budget);
    let plan = read_back::plan(problem, &built, &solved.answer.plan);
    let warm = Warm::keep(problem, &built, &solved.prices, &plan);
    let answer = Answer {
        plan,
        value: solved.answer.value,
        // With paths left out the bound would be one of the shortened problem only; prices are never negative.
        bound: if built.is_complete {
            solved.answer.bound
        } else {
            0
        },
        statistics: solved.answer.statistics,
    };
    (answer, warm)
}
