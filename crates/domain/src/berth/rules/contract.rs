//! While a berth is reserved for a contract, only that contract's calls lie there.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem, Interval};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let call = &problem.calls[stay.call];
        let time = Interval::new(stay.start_min, stay.end_min);
        for reservation in &problem.reservations {
            if reservation.berth == stay.berth
                && call.contract != Some(reservation.contract)
                && reservation.interval.overlaps(&time)
                && !is_alongside(problem, stay.call)
            {
                out.push(Violation {
                    rule: Rule::Contract,
                    calls: vec![stay.call],
                    message: format!(
                        "{} would lie at berth {} while it is reserved for contract {}",
                        call.id, problem.berths[stay.berth].id, reservation.contract
                    ),
                });
            }
        }
    }
}
