//! The call may be handled at its berth, and the stay lasts until the handling is done: so many minutes, or until the stay's
//! cranes have made the moves. A crane that is out of order stands still and the others go on.

use super::{Rule, Violation};
use crate::berth::{BerthPlan, BerthProblem, Handling, Stay};

/// Checks the rule.
pub fn check(problem: &BerthProblem, plan: &BerthPlan, out: &mut Vec<Violation>) {
    for stay in &plan.stays {
        let id = &problem.calls[stay.call].id;
        let mut fault = |message: String| {
            out.push(Violation {
                rule: Rule::Handling,
                calls: vec![stay.call],
                message,
            });
        };
        match finish_min(problem, stay) {
            None => fault(format!(
                "{id} cannot be handled at berth {}",
                problem.berths[stay.berth].id
            )),
            Some(done_min) if stay.end_min < done_min => fault(format!(
                "{id} would leave at minute {}, its handling ends at minute {done_min}",
                stay.end_min
            )),
            Some(_) => {}
        }
    }
}

/// The minute at which the handling of a stay is done, given its start, berth and cranes; none if never.
pub fn finish_min(problem: &BerthProblem, stay: &Stay) -> Option<i64> {
    let call = &problem.calls[stay.call];
    match call.handling.get(stay.berth)? {
        Handling::Forbidden => None,
        Handling::Minutes(minutes) => Some(stay.start_min + minutes),
        Handling::Cranes => {
            let moves_start_min = stay.start_min + call.work.setup_min;
            moves_done_min(problem, &stay.cranes, moves_start_min, call.work.moves)
        }
    }
}

/// Follows the cranes from one change of their availability to the next. A rate of one hundredth of a move an hour makes
/// 1/6000 of a move a minute, the unit of `left`.
fn moves_done_min(
    problem: &BerthProblem,
    cranes: &[usize],
    start_min: i64,
    moves: i64,
) -> Option<i64> {
    let mut minute = start_min;
    let mut left = moves * 6000;
    while left > 0 {
        let mut rate = 0;
        let mut change_min = i64::MAX;
        for crane in cranes.iter().map(|crane| &problem.cranes[*crane]) {
            let is_out = crane
                .outages
                .iter()
                .any(|outage| outage.start_min <= minute && minute < outage.end_min);
            rate += if is_out { 0 } else { crane.rate_centimoves_h };
            let edges = crane
                .outages
                .iter()
                .flat_map(|outage| [outage.start_min, outage.end_min]);
            change_min = edges
                .filter(|edge| *edge > minute)
                .fold(change_min, i64::min);
        }
        if change_min == i64::MAX {
            return (rate > 0).then(|| minute + (left + rate - 1) / rate);
        }
        if rate > 0 && minute + (left + rate - 1) / rate <= change_min {
            return Some(minute + (left + rate - 1) / rate);
        }
        left -= rate * (change_min - minute);
        minute = change_min;
    }
    Some(minute)
}
