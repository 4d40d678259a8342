//! Depth at the reference gauge, plus the forecast level at its lowest during the stay, less the keel clearance, carries the
//! vessel.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        if is_alongside(problem, stay.call) {
            continue;
        }
        let call = &problem.calls[stay.call];
        let berth = &problem.berths[stay.berth];
        let lowest_cm = problem.water.range_cm(stay.start_min, stay.end_min).0;
        let depth_cm = berth.depth_between_cm(stay.from_m, stay.from_m + call.length_m);
        let carries_cm = depth_cm + lowest_cm - problem.under_keel_cm;
        if call.draught_cm > carries_cm {
            out.push(Violation {
                rule: Rule::Draught,
                calls: vec![stay.call],
                message: format!(
                    "{} draws {} cm, berth {} carries {carries_cm} cm during its stay",
                    call.id, call.draught_cm, berth.id
                ),
            });
        }
    }
}
