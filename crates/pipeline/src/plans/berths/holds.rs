//! Stays of the last plan that reality has overtaken: they are let off their hold, so that they are planned anew instead of
//! left out. Frozen ones that cannot stand keep their berth (`optimise::berth::thaw`); what then still finds no place is
//! let go altogether.

use std::collections::BTreeMap;

use domain::berth::horizon::{Hold, hold_of};
use domain::berth::{BerthPlan, BerthProblem, Previous, Stay, check};
use optimise::berth::thaw;

/// The calls let off in one run, with the stay that each was held to.
#[derive(Debug, Default)]
pub struct LetOff {
    from: BTreeMap<usize, Previous>,
}

impl LetOff {
    /// Thaws the frozen stays that cannot stand.
    pub fn thaw(problem: &mut BerthProblem, last: &BerthPlan) -> Self {
        let before: Vec<Option<Previous>> =
            problem.calls.iter().map(|call| call.previous).collect();
        let thawed = thaw(problem, Some(last)).into_iter();
        LetOff {
            from: thawed
                .filter_map(|call| Some((call, before[call]?)))
                .collect(),
        }
    }

    /// Lets calls that found no berth, and the other calls of their barges, go from the last plan. False if none was held.
    pub fn let_go(&mut self, problem: &mut BerthProblem, plan: &BerthPlan) -> bool {
        let mut stuck: Vec<usize> = Vec::new();
        for left in &plan.unassigned {
            let mut rotations = problem.rotations.iter();
            let rotation = rotations.find(|rotation| rotation.calls.contains(&left.call));
            let fellows = rotation.map_or(&[][..], |rotation| &rotation.calls);
            stuck.extend(fellows.iter().chain([&left.call]));
        }
        let mut has_let_go = false;
        for index in stuck {
            if hold_of(problem, &problem.calls[index]) == Hold::Alongside {
                continue;
            }
            if let Some(previous) = problem.calls[index].previous.take() {
                self.from.entry(index).or_insert(previous);
                has_let_go = true;
            }
        }
        has_let_go
    }

    /// Why a call was let off; nothing if it was not.
    pub fn why(&self, problem: &BerthProblem, plan: &BerthPlan, call: usize) -> Option<String> {
        let from = self.from.get(&call)?;
        let minutes = match plan.stay_of(call) {
            Some(stay) => stay.end_min - stay.start_min,
            None => problem.time_step_min,
        };
        let old = Stay {
            call,
            berth: from.place.berth,
            from_m: from.place.from_m,
            start_min: from.start_min,
            end_min: from.start_min + minutes,
            cranes: Vec::new(),
        };
        let mut moved = plan.clone();
        moved.stays.retain(|stay| stay.call != call);
        moved.unassigned.retain(|left| left.call != call);
        moved.stays.push(old);
        let violations = check(problem, &moved).err().unwrap_or_default();
        let mut own = violations
            .iter()
            .filter(|violation| violation.calls.contains(&call));
        Some(match own.next() {
            Some(violation) => {
                let others = violation.calls.iter().copied();
                let others: Vec<usize> = others.filter(|other| *other != call).collect();
                let why = violation.rule.with(problem, &others);
                format!("its last stay cannot stand any more: {why}")
            }
            None => "its last stay could not stand beside the others".to_owned(),
        })
    }
}
