//! Frozen stays keep place and start; slushy stays keep their berth, and their place within the allowed shift.

use super::{Rule, Violation};
use crate::berth::horizon::{Hold, hold_of};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let call = &problem.calls[stay.call];
        let Some(previous) = call.previous else {
            continue;
        };
        let same_berth = stay.berth == previous.place.berth;
        let shift_m = (stay.from_m - previous.place.from_m).abs();
        let kept = match hold_of(problem, call) {
            Hold::Free => true,
            Hold::Slushy => same_berth && shift_m <= problem.slushy_shift_m,
            Hold::Frozen | Hold::Alongside => {
                same_berth && shift_m == 0 && stay.start_min == previous.start_min
            }
        };
        if !kept {
            out.push(Violation {
                rule: Rule::Frozen,
                calls: vec![stay.call],
                message: format!(
                    "{} is held to its last planned stay and moved from it",
                    call.id
                ),
            });
        }
    }
}
