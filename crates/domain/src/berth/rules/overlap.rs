//! At most one vessel at a discrete berth; by the metre, vessels keep the berth's gap. Two vessels that are both alongside
//! are a fact.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem, Layout};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for (n, a) in plan.stays.iter().enumerate() {
        for b in &plan.stays[n + 1..] {
            let same_time = a.start_min < b.end_min && b.start_min < a.end_min;
            if a.berth != b.berth || !same_time {
                continue;
            }
            if is_alongside(problem, a.call) && is_alongside(problem, b.call) {
                continue;
            }
            let (call_a, call_b) = (&problem.calls[a.call], &problem.calls[b.call]);
            let berth = &problem.berths[a.berth];
            let clash = match berth.layout {
                Layout::Discrete => true,
                Layout::ByMetre { gap_m, .. } => {
                    a.from_m < b.from_m + call_b.length_m + gap_m
                        && b.from_m < a.from_m + call_a.length_m + gap_m
                }
            };
            if clash {
                out.push(Violation {
                    rule: Rule::Overlap,
                    calls: vec![a.call, b.call],
                    message: format!(
                        "{} and {} overlap at berth {}",
                        call_a.id, call_b.id, berth.id
                    ),
                });
            }
        }
    }
}
