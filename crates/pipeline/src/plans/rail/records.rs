//! A plan as records.

use std::collections::BTreeMap;

use domain::rail::index::Index;
use domain::rail::rules::{self, Path};
use domain::rail::{Lock, RailPlan, RailProblem, Unit, cost};
use events::v1;

use super::inputs::{Inputs, UnitRow};
use super::translate::Translated;
use crate::plans::published::Change;
use crate::plans::times::{instant_us, text};

/// One row for each unit, by its key.
pub fn rows(
    plan_seq: u64,
    planned_at_us: i64,
    inputs: &Inputs,
    translated: &Translated,
    plan: &RailPlan,
) -> BTreeMap<String, v1::RailSlotPlan> {
    let problem = &translated.problem;
    let index = Index::new(problem);
    let mut rows = BTreeMap::new();
    let mut add = |row: v1::RailSlotPlan| {
        if !row.unit_id.is_empty() {
            rows.entry(row.unit_id.clone()).or_insert(row);
        }
    };
    let stays = |row: &UnitRow, reason: &str, cost: i64| v1::RailSlotPlan {
        plan_seq,
        planned_at_us,
        terminal_id: row.terminal_id.clone(),
        unit_id: row.unit_id.clone(),
        booking_id: row.booking_id.clone(),
        destination: row.destination.clone(),
        teu_quarters: u32::try_from(row.teu_quarters).unwrap_or(0),
        gross_kg: u32::try_from(row.gross_kg).unwrap_or(0),
        reason: reason.to_owned(),
        cost,
        ..v1::RailSlotPlan::default()
    };
    for assigned in &plan.assignments {
        let Some(unit) = index.unit(&assigned.unit) else {
            continue;
        };
        let legs = index.path(problem, &assigned.legs).unwrap_or_default();
        let first = legs.first().map_or(0, |leg| leg.departure_at_min);
        let row = &inputs.units[translated.rows[unit]];
        let unit = &problem.units[unit];
        add(v1::RailSlotPlan {
            is_assigned: true,
            train_slot_ids: assigned.legs.clone(),
            departure_planned_at_us: instant_us(0, first),
            ..stays(
                row,
                reason(problem, unit, &legs),
                price(problem, &index, unit, &assigned.legs),
            )
        });
    }
    for rolled in &plan.rolled_over {
        if let Some(unit) = index.unit(&rolled.unit) {
            let row = &inputs.units[translated.rows[unit]];
            let cost = price(problem, &index, &problem.units[unit], &[]);
            add(stays(row, rolled.reason.code(), cost));
        }
    }
    for (row, reason) in &translated.left_out {
        add(stays(&inputs.units[*row], reason, 0));
    }
    rows
}

/// What a unit's path costs, without what changing it cost.
fn price(problem: &RailProblem, index: &Index<'_>, unit: &Unit, legs: &[String]) -> i64 {
    let previous = index.path(problem, &unit.previous).unwrap_or_default();
    let held = &previous[..rules::held(problem, &previous)];
    let legs = index.path(problem, legs).unwrap_or_default();
    let path = Path {
        problem,
        unit,
        held,
        legs: &legs,
    };
    cost::of_path(&path).without_change()
}

fn reason(problem: &RailProblem, unit: &Unit, legs: &[&domain::rail::TrainSlot]) -> &'static str {
    if legs.iter().any(|leg| leg.is_frozen(problem.now_at_min)) {
        return "FROZEN";
    }
    match unit.lock {
        Lock::Pinned(_) => "PIN",
        Lock::Free | Lock::Bumped(_) => "CHEAPEST",
    }
}

/// True if nothing but the plan's number and instant, and the price of waiting, differs.
pub fn is_same(before: &v1::RailSlotPlan, after: &v1::RailSlotPlan) -> bool {
    let renumbered = v1::RailSlotPlan {
        plan_seq: after.plan_seq,
        planned_at_us: after.planned_at_us,
        cost: after.cost,
        ..before.clone()
    };
    renumbered == *after
}

/// One row's change in words.
pub fn change(change: &Change<'_, v1::RailSlotPlan>) -> v1::PlanChange {
    let words = |row: Option<&v1::RailSlotPlan>| row.map(in_words).unwrap_or_default();
    let why = match (change.before, change.after) {
        (_, None) => "the unit is loaded, or its booking is cancelled".to_owned(),
        (None, Some(after)) => format!("new: {}", after.reason),
        (Some(_), Some(after)) => after.reason.clone(),
    };
    v1::PlanChange {
        object_id: change.key.to_owned(),
        before: words(change.before),
        after: words(change.after),
        why,
    }
}

fn in_words(row: &v1::RailSlotPlan) -> String {
    if !row.is_assigned {
        return "rolled over".to_owned();
    }
    format!(
        "{} at {}",
        row.train_slot_ids.join(" then "),
        text(row.departure_planned_at_us)
    )
}
