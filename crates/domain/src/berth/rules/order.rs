//! Locked orders of berthing hold wherever both calls have a stay.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for order in &problem.orders {
        let (Some(first), Some(second)) = (plan.stay_of(order.first), plan.stay_of(order.second))
        else {
            continue;
        };
        if second.start_min < first.start_min {
            let (first_id, second_id) = (
                &problem.calls[order.first].id,
                &problem.calls[order.second].id,
            );
            out.push(Violation {
                rule: Rule::Order,
                calls: vec![order.first, order.second],
                message: format!("{second_id} berths before {first_id}, against the locked order"),
            });
        }
    }
}
