//! Every stay ends by the call's latest departure and by the horizon's end.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let call = &problem.calls[stay.call];
        let latest_min = match call.latest_departure_min {
            Some(latest_min) if !is_alongside(problem, stay.call) => {
                latest_min.min(problem.horizon_end_min)
            }
            _ => problem.horizon_end_min,
        };
        if stay.end_min > latest_min {
            out.push(Violation {
                rule: Rule::Departure,
                calls: vec![stay.call],
                message: format!(
                    "{} would end at minute {}, it must be gone by minute {latest_min}",
                    call.id, stay.end_min
                ),
            });
        }
    }
}
