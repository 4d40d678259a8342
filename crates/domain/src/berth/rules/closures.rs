//! A stay lies within one opening of its berth and touches no closed stretch.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem, Interval};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        if is_alongside(problem, stay.call) {
            continue;
        }
        let call = &problem.calls[stay.call];
        let berth = &problem.berths[stay.berth];
        let time = Interval::new(stay.start_min, stay.end_min);
        let is_open = berth.open.is_empty() || berth.open.iter().any(|open| open.contains(&time));
        let is_closed = berth.closures.iter().any(|closure| {
            closure.interval.overlaps(&time)
                && closure.from_m < stay.from_m + call.length_m
                && stay.from_m < closure.to_m
        });
        if !is_open || is_closed {
            let what = if is_closed {
                "a closure"
            } else {
                "closed hours"
            };
            out.push(Violation {
                rule: Rule::Closures,
                calls: vec![stay.call],
                message: format!("{} would lie at berth {} during {what}", call.id, berth.id),
            });
        }
    }
}
