//! The independent checker: every hard rule, then the objective.

use super::cost::{PlanCost, plan_cost};
use super::plan::BerthPlan;
use super::problem::BerthProblem;
use super::rules::{self, Violation};

/// What the plan costs if it keeps every hard rule, or all the ways in which it does not.
pub fn check(problem: &BerthProblem, plan: &BerthPlan) -> Result<PlanCost, Vec<Violation>> {
    let mut violations = Vec::new();
    rules::complete::check(problem, plan, &mut violations);
    if !violations.is_empty() {
        return Err(violations); // the other rules index by call, berth and crane
    }
    for rule in rules::ALL {
        rule(problem, plan, &mut violations);
    }
    if violations.is_empty() {
        Ok(plan_cost(problem, plan))
    } else {
        Err(violations)
    }
}
