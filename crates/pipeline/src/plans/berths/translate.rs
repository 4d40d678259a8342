//! Rows to the problem of `domain::berth`.

use std::collections::BTreeMap;

use domain::berth::{BerthPlan, BerthProblem, Call, Rotation, Stay};

use super::harbour::Harbour;
use super::inputs::{Inputs, VisitRow};
use super::rules::BerthRules;
use super::visits::{self, Fit};

/// A stay of the last published plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastStay {
    /// Where.
    pub berth_id: String,
    /// First metre on the quay.
    pub from_m: i64,
    /// Start, microseconds since 1970.
    pub start_us: i64,
    /// End, microseconds since 1970.
    pub end_us: i64,
}

/// What is known from earlier plans and attempts, by visit.
#[derive(Debug, Default)]
pub struct Memory {
    /// The last published stays.
    pub stays: BTreeMap<String, LastStay>,
    /// Visits that the problem cannot hold, with the reason; found by `domain::berth::validate`.
    pub refused: BTreeMap<String, String>,
}

/// The problem, with the way back to the rows.
#[derive(Debug, Default)]
pub struct Translated {
    /// The problem; minutes count from the instant of planning, rounded down to the time step.
    pub problem: BerthProblem,
    /// By call: the row of its visit.
    pub rows: Vec<usize>,
    /// Visits that are due and cannot be planned: row and reason.
    pub left_out: Vec<(usize, String)>,
    /// Berths that cannot be used: id and reason.
    pub berths_left_out: Vec<(String, String)>,
    /// The last plan in the indices of this problem.
    pub last_plan: BerthPlan,
}

/// Translates all rows.
pub fn translate(
    inputs: &Inputs,
    memory: &Memory,
    epoch_us: i64,
    rules: &BerthRules,
) -> Translated {
    let harbour = Harbour::new(inputs, epoch_us, rules);
    let mut translated = Translated {
        problem: frame(&harbour, rules),
        berths_left_out: harbour.left_out.clone(),
        ..Translated::default()
    };
    let releases = visits::releases(&inputs.visits, epoch_us, rules);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (row, visit) in inputs.visits.iter().enumerate() {
        if let Some(reason) = memory.refused.get(&visit.berth_visit_id) {
            translated.left_out.push((row, reason.clone()));
            continue;
        }
        if seen.insert(&visit.berth_visit_id, row).is_some() {
            let reason = "the visit appears under two port calls, correct one".to_owned();
            translated.left_out.push((row, reason));
            continue;
        }
        let port = visits::Port {
            inputs,
            harbour: &harbour,
            memory,
            epoch_us,
            rules,
        };
        match visits::fit(visit, releases[row], &port) {
            Fit::Call(call) => {
                translated.rows.push(row);
                translated.problem.calls.push(*call);
            }
            Fit::LeftOut(reason) => translated.left_out.push((row, reason)),
            Fit::Later => {}
        }
    }
    translated.problem.rotations = rotations(&translated, inputs, rules);
    translated.problem.berths = harbour.berths;
    translated.last_plan = last_plan(&translated, inputs, memory, epoch_us);
    translated
}

fn frame(harbour: &Harbour, rules: &BerthRules) -> BerthProblem {
    BerthProblem {
        time_step_min: rules.time_step_min,
        horizon_end_min: visits::horizon_end_min(rules),
        travel_min: harbour.travel_min(rules),
        water: harbour.water.clone(),
        under_keel_cm: rules.under_keel_cm,
        cone_distance_m: rules.cone_distance_m,
        frozen_until_min: rules.frozen_min,
        slushy_until_min: rules.slushy_min,
        slushy_shift_m: rules.slushy_shift_m,
        weights: rules.weights,
        ..BerthProblem::default()
    }
}

/// The calls of one barge. What lies alongside comes first whatever was announced; of two that lie alongside at once, one
/// is wrong, and only the later takes part.
fn rotations(translated: &Translated, inputs: &Inputs, rules: &BerthRules) -> Vec<Rotation> {
    let visit_of = |call: usize| &inputs.visits[translated.rows[call]];
    let mut barges: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for call in 0..translated.rows.len() {
        let visit = visit_of(call);
        if !visit.rotation_id.is_empty() {
            barges.entry(&visit.rotation_id).or_default().push(call);
        }
    }
    let mut rotations = Vec::new();
    for (barge, mut calls) in barges {
        let lies = |call: &usize| visit_of(*call).is_alongside;
        let newest = calls
            .iter()
            .copied()
            .filter(lies)
            .max_by_key(|call| (visit_of(*call).arrival_us, *call));
        calls.retain(|call| !lies(call) || Some(*call) == newest);
        calls.sort_by_key(|call| (!lies(call), visit_of(*call).rotation_seq, *call));
        if calls.len() > 1 {
            rotations.push(Rotation {
                barge: barge.to_owned(),
                calls,
                order_fixed: rules.is_rotation_order_fixed,
            });
        }
    }
    rotations
}

fn last_plan(
    translated: &Translated,
    inputs: &Inputs,
    memory: &Memory,
    epoch_us: i64,
) -> BerthPlan {
    use crate::plans::times::floor_min;
    let stay = |(call, row): (usize, &usize)| {
        let visit: &VisitRow = &inputs.visits[*row];
        let last = memory.stays.get(&visit.berth_visit_id)?;
        let is_it = |berth: &domain::berth::Berth| berth.id == last.berth_id;
        let berth = translated.problem.berths.iter().position(is_it)?;
        let known: &Call = &translated.problem.calls[call];
        let start_min = match known.previous.filter(|_| known.alongside) {
            Some(fact) => fact.start_min,
            None => floor_min(last.start_us, epoch_us),
        };
        Some(Stay {
            call,
            berth,
            from_m: last.from_m,
            start_min,
            end_min: floor_min(last.end_us, epoch_us),
            cranes: Vec::new(),
        })
    };
    BerthPlan {
        stays: translated
            .rows
            .iter()
            .enumerate()
            .filter_map(stay)
            .collect(),
        unassigned: Vec::new(),
    }
}
