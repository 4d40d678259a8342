//! Frozen stays that facts have overtaken: the vessel is late, the berth before it is not cleared, a crane is down. They are
//! thawed before planning, so that they are planned anew at their berth instead of left out.

use super::full;
use domain::berth::horizon::{Hold, hold_of};
use domain::berth::{BerthPlan, BerthProblem};

/// Makes frozen stays that can no longer stand slushy: their berth stays, their time is free from the frozen horizon's end
/// as far as the change penalty counts. Returns the calls thawed, ascending. `last` is the last plan, whose cranes are
/// kept where they fit.
pub fn thaw(problem: &mut BerthProblem, last: Option<&BerthPlan>) -> Vec<usize> {
    let mut thawed = Vec::new();
    loop {
        let stuck: Vec<usize> = full::stuck(problem, last)
            .into_iter()
            .filter(|call| hold_of(problem, &problem.calls[*call]) == Hold::Frozen)
            .collect();
        if stuck.is_empty() {
            thawed.sort_unstable();
            return thawed;
        }
        for call in stuck {
            let frozen_until_min = problem.round_up_min(problem.frozen_until_min);
            if let Some(previous) = &mut problem.calls[call].previous {
                previous.start_min = frozen_until_min;
            }
            thawed.push(call);
        }
    }
}
