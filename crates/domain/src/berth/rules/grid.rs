//! Starts and ends lie on the time grid, places on the berth's grid. A vessel already alongside lies and began where it is.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem, Layout};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let id = &problem.calls[stay.call].id;
        let mut fault = |message: String| {
            out.push(Violation {
                rule: Rule::Grid,
                calls: vec![stay.call],
                message,
            });
        };
        let step = problem.time_step_min.max(1);
        if stay.end_min.rem_euclid(step) != 0 {
            fault(format!("end of {id} is not a multiple of {step} min"));
        }
        if is_alongside(problem, stay.call) {
            continue;
        }
        if stay.start_min.rem_euclid(step) != 0 {
            fault(format!("start of {id} is not a multiple of {step} min"));
        }
        let berth = &problem.berths[stay.berth];
        let on_grid = match berth.layout {
            Layout::Discrete => stay.from_m == berth.from_m,
            Layout::ByMetre { step_m, .. } => {
                (stay.from_m - berth.from_m).rem_euclid(step_m.max(1)) == 0
            }
        };
        if !on_grid {
            fault(format!(
                "{id} lies between the mooring places of berth {}",
                berth.id
            ));
        }
    }
}
