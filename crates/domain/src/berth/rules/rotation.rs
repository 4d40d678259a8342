//! A barge is at one terminal at a time, with the travel time between two calls, in the listed order where that is fixed.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem, Stay};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for rotation in &problem.rotations {
        let stays: Vec<&Stay> = rotation
            .calls
            .iter()
            .filter_map(|call| plan.stay_of(*call))
            .collect();
        for (n, a) in stays.iter().enumerate() {
            for b in &stays[n + 1..] {
                let in_order =
                    follows(problem, a, b) || (!rotation.order_fixed && follows(problem, b, a));
                if !in_order {
                    let (id_a, id_b) = (&problem.calls[a.call].id, &problem.calls[b.call].id);
                    out.push(Violation {
                        rule: Rule::Rotation,
                        calls: vec![a.call, b.call],
                        message: format!(
                            "barge {} cannot get from {id_a} to {id_b} in time",
                            rotation.barge
                        ),
                    });
                }
            }
        }
    }
}

fn follows(problem: &BerthProblem, first: &Stay, second: &Stay) -> bool {
    let from = problem.berths[first.berth].terminal;
    let to = problem.berths[second.berth].terminal;
    second.start_min >= first.end_min + problem.travel_between_min(from, to)
}
