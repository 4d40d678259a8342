//! Every call appears exactly once, and every index exists.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    let mut seen = vec![0_usize; problem.calls.len()];
    let calls = plan.stays.iter().map(|stay| stay.call);
    for call in calls.chain(plan.unassigned.iter().map(|left| left.call)) {
        match seen.get_mut(call) {
            Some(count) => *count += 1,
            None => out.push(fault(call, format!("call number {call} does not exist"))),
        }
    }
    for (call, count) in seen.iter().enumerate() {
        if *count != 1 {
            let id = &problem.calls[call].id;
            out.push(fault(
                call,
                format!("call {id} appears {count} times instead of once"),
            ));
        }
    }
    for stay in &plan.stays {
        if stay.berth >= problem.berths.len() {
            out.push(fault(
                stay.call,
                format!("berth number {} does not exist", stay.berth),
            ));
        }
        for pair in stay.cranes.windows(2) {
            if pair[0] >= pair[1] {
                out.push(fault(
                    stay.call,
                    "cranes are not listed once each, ascending".to_owned(),
                ));
            }
        }
        for crane in &stay.cranes {
            if *crane >= problem.cranes.len() {
                out.push(fault(
                    stay.call,
                    format!("crane number {crane} does not exist"),
                ));
            }
        }
    }
}

fn fault(call: usize, message: String) -> Violation {
    Violation {
        rule: Rule::Complete,
        calls: vec![call],
        message,
    }
}
