//! The clearance above the berth, less the forecast level at its highest during the stay, lets the vessel through.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let call = &problem.calls[stay.call];
        let berth = &problem.berths[stay.berth];
        let Some(clearance_cm) = berth.air_clearance_cm else {
            continue;
        };
        let highest_cm = problem.water.range_cm(stay.start_min, stay.end_min).1;
        let left_cm = clearance_cm - highest_cm;
        if call.air_draught_cm > left_cm && !is_alongside(problem, stay.call) {
            out.push(Violation {
                rule: Rule::AirDraught,
                calls: vec![stay.call],
                message: format!(
                    "{} stands {} cm high, berth {} leaves {left_cm} cm during its stay",
                    call.id, call.air_draught_cm, berth.id
                ),
            });
        }
    }
}
