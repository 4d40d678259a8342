//! No stay starts before its vessel is released.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let call = &problem.calls[stay.call];
        if stay.start_min < call.release_min && !is_alongside(problem, stay.call) {
            out.push(Violation {
                rule: Rule::Arrival,
                calls: vec![stay.call],
                message: format!(
                    "{} would start at minute {}, it is there from minute {}",
                    call.id, stay.start_min, call.release_min
                ),
            });
        }
    }
}
