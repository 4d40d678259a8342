//! At high water traffic stops: no stay starts or ends then. Lying alongside is allowed.

use super::{Rule, Violation, is_alongside};
use crate::berth::{BerthPlan, BerthProblem};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let starts =
            problem.water.traffic_flows(stay.start_min) || is_alongside(problem, stay.call);
        let ends = problem.water.traffic_flows(stay.end_min);
        if !(starts && ends) {
            let id = &problem.calls[stay.call].id;
            let what = if starts { "leave" } else { "berth" };
            out.push(Violation {
                rule: Rule::TrafficStop,
                calls: vec![stay.call],
                message: format!("{id} would {what} while high water stops traffic"),
            });
        }
    }
}
