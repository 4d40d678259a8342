//! Cranes on one quay cannot pass one another: of two stays worked at the same time, the one further along the quay has the
//! cranes of higher order.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem, Stay};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for (n, a) in plan.stays.iter().enumerate() {
        for b in &plan.stays[n + 1..] {
            let same_time = a.start_min < b.end_min && b.start_min < a.end_min;
            let same_quay = problem.berths[a.berth].quay == problem.berths[b.berth].quay;
            if !same_time || !same_quay || a.from_m == b.from_m {
                continue;
            }
            let (near, far) = if a.from_m < b.from_m { (a, b) } else { (b, a) };
            let highest = order(problem, near).max();
            let lowest = order(problem, far).min();
            if let (Some(highest), Some(lowest)) = (highest, lowest)
                && highest > lowest
            {
                let (near_id, far_id) = (&problem.calls[near.call].id, &problem.calls[far.call].id);
                out.push(Violation {
                    rule: Rule::CraneCrossing,
                    calls: vec![near.call, far.call],
                    message: format!(
                        "the cranes of {near_id} and {far_id} would have to pass one another"
                    ),
                });
            }
        }
    }
}

fn order<'a>(problem: &'a BerthProblem, stay: &'a Stay) -> impl Iterator<Item = i64> + 'a {
    stay.cranes
        .iter()
        .map(|crane| problem.cranes[*crane].rail_order)
}
