//! The level-1 planner: full-rule problem in, plan with a proven bound out.

use domain::rail::{RailPlan, RailProblem};

use super::active::Active;
use super::full::build::{self, Built};
use super::full::network::{self, Network};
use super::full::{read_back, sift, warm::Warm};
use super::kernel;
use super::prices::Prices;
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
    let network = network::network(problem);
    if sift::options(&network) > sift::MAX_OPTIONS {
        return sifted(problem, &network, warm, seed, budget);
    }
    let built = build::select(problem, &network, None);
    let start = warm.map(|warm| kernel::Start {
        choice: warm.choice(problem, &built),
        prices: warm.row_prices(problem, &built.rows),
        share: Vec::new(),
    });
    let solved = kernel::solve(&built.core, start.as_ref(), seed, budget);
    let bound = solved.answer.bound;
    answer(problem, &built, solved, bound)
}

/// The same where there are more paths than the kernel can look at.
fn sifted(
    problem: &RailProblem,
    network: &Network,
    warm: Option<&Warm>,
    seed: u64,
    budget: &Budget,
) -> (Answer<RailPlan>, Warm) {
    let known = warm.map(|warm| warm.row_prices(problem, &network.rows.meaning));
    let keep = warm.map_or_else(Vec::new, |warm| warm.paths(problem, network));
    let stop = || budget.stop.stop();
    let sift::Sifted {
        built,
        mut start,
        bound: sifted,
    } = sift::sift(problem, network, known.as_deref(), &keep, &stop);
    if let Some(warm) = warm {
        start.choice = warm.choice(problem, &built);
    }
    let solved = kernel::solve(&built.core, Some(&start), seed, budget);
    let prices = Prices::new(&built.core, &Active::new(&built.core), &solved.prices);
    let bound = sift::bound(problem, network, &prices);
    let bound = prices.in_money(bound).max(sifted);
    let bound = bound.min(solved.answer.value);
    answer(problem, &built, solved, bound)
}

fn answer(
    problem: &RailProblem,
    built: &Built,
    solved: kernel::Solved,
    bound: i64,
) -> (Answer<RailPlan>, Warm) {
    let plan = read_back::plan(problem, built, &solved.answer.plan);
    let warm = Warm::keep(problem, built, &solved.prices, &plan);
    let answer = Answer {
        plan,
        value: solved.answer.value,
        // With paths left out the bound would be one of the shortened problem only; prices are never negative.
        bound: if built.is_complete { bound } else { 0 },
        statistics: solved.answer.statistics,
    };
    (answer, warm)
}
