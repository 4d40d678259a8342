//! Locks on berth, place and start hold.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let call = &problem.calls[stay.call];
        let broken = [
            (
                "berth",
                call.lock.berth.is_some_and(|berth| berth != stay.berth),
            ),
            (
                "place",
                call.lock.from_m.is_some_and(|from_m| from_m != stay.from_m),
            ),
            (
                "start",
                call.lock
                    .start_min
                    .is_some_and(|start_min| start_min != stay.start_min),
            ),
        ];
        for (what, _) in broken.iter().filter(|(_, is_broken)| *is_broken) {
            out.push(Violation {
                rule: Rule::Lock,
                calls: vec![stay.call],
                message: format!("the {what} of {} is locked to another value", call.id),
            });
        }
    }
}
