//! Dangerous goods: no more cones than the berth allows, and the distance by cones to every other vessel on the quay, measured
//! from hull to hull. Two vessels that are both alongside are a fact.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for (n, a) in plan.stays.iter().enumerate() {
        let call_a = &problem.calls[a.call];
        let berth_a = &problem.berths[a.berth];
        if call_a.cones > berth_a.cones_max && !is_alongside(problem, a.call) {
            out.push(Violation {
                rule: Rule::Cones,
                calls: vec![a.call],
                message: format!(
                    "{} shows {} cones, berth {} allows {}",
                    call_a.id, call_a.cones, berth_a.id, berth_a.cones_max
                ),
            });
        }
        for b in &plan.stays[n + 1..] {
            let call_b = &problem.calls[b.call];
            let same_quay = berth_a.quay == problem.berths[b.berth].quay;
            let same_time = a.start_min < b.end_min && b.start_min < a.end_min;
            let facts = is_alongside(problem, a.call) && is_alongside(problem, b.call);
            if !same_quay || !same_time || facts {
                continue;
            }
            let cones = usize::from(call_a.cones.max(call_b.cones)).min(3);
            let needed_m = if cones == 0 {
                0
            } else {
                problem.cone_distance_m[cones]
            };
            let between_m = (b.from_m - (a.from_m + call_a.length_m))
                .max(a.from_m - (b.from_m + call_b.length_m));
            if needed_m > 0 && between_m < needed_m {
                out.push(Violation {
                    rule: Rule::Cones,
                    calls: vec![a.call, b.call],
                    message: format!(
                        "{} and {} lie {} m apart, {cones} cones ask for {needed_m} m",
                        call_a.id,
                        call_b.id,
                        between_m.max(0)
                    ),
                });
            }
        }
    }
}
