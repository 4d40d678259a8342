//! Cranes: as many as the work asks for, on the stay's quay, within reach of the whole vessel, and each at one vessel at a
//! time. Stays handled without cranes list none.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem, Handling, Stay};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for (n, stay) in plan.stays.iter().enumerate() {
        let call = &problem.calls[stay.call];
        let mut fault = |calls: Vec<usize>, message: String| {
            out.push(Violation {
                rule: Rule::CraneWork,
                calls,
                message,
            });
        };
        let (fewest, most) = match call.handling.get(stay.berth) {
            Some(Handling::Cranes) => (call.work.cranes_min.max(1), call.work.cranes_max),
            _ => (0, 0),
        };
        if stay.cranes.len() < fewest || stay.cranes.len() > most {
            let count = stay.cranes.len();
            fault(
                vec![stay.call],
                format!(
                    "{} has {count} cranes, {fewest} to {most} are allowed",
                    call.id
                ),
            );
        }
        for crane in &stay.cranes {
            if let Some(reason) = cannot_work(problem, stay, *crane) {
                let id = &problem.cranes[*crane].id;
                fault(
                    vec![stay.call],
                    format!("crane {id} cannot work {}: {reason}", call.id),
                );
            }
        }
        for other in &plan.stays[n + 1..] {
            let same_time = stay.start_min < other.end_min && other.start_min < stay.end_min;
            if let Some(crane) = stay
                .cranes
                .iter()
                .find(|crane| same_time && other.cranes.contains(crane))
            {
                let id = &problem.cranes[*crane].id;
                let other_id = &problem.calls[other.call].id;
                fault(
                    vec![stay.call, other.call],
                    format!("crane {id} works {} and {other_id} at once", call.id),
                );
            }
        }
    }
}

fn cannot_work(problem: &BerthProblem, stay: &Stay, crane: usize) -> Option<&'static str> {
    let crane = &problem.cranes[crane];
    let to_m = stay.from_m + problem.calls[stay.call].length_m;
    if crane.quay != problem.berths[stay.berth].quay {
        return Some("it stands on another quay");
    }
    let is_reached = crane.reach_from_m <= stay.from_m && to_m <= crane.reach_to_m;
    (!is_reached).then_some("the vessel lies out of its reach")
}
