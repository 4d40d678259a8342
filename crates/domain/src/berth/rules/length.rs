//! The vessel fits between the first and the last metre of its berth.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let call = &problem.calls[stay.call];
        let berth = &problem.berths[stay.berth];
        let to_m = stay.from_m + call.length_m;
        if stay.from_m < berth.from_m || to_m > berth.to_m {
            out.push(Violation {
                rule: Rule::Length,
                calls: vec![stay.call],
                message: format!(
                    "{} would lie from {} to {} m, berth {} has {} to {} m",
                    call.id, stay.from_m, to_m, berth.id, berth.from_m, berth.to_m
                ),
            });
        }
    }
}
