//! A plan as records.

use std::collections::BTreeMap;

use domain::rail::index::Index;
use domain::rail::rules::{self, Path};
use domain::rail::{Lock, RailPlan, RailProblem, Unit, cost};
use events::v1;

use super::inputs::{Inputs, UnitRow};
use super::translate::Translated;
use crate::plans::published::PlanRow;
use crate::plans::times::{instant_us, text};

/// What all rows of one plan have in common.
pub struct Frame<'p> {
    pub plan_seq: u64,
    pub planned_at_us: i64,
    pub inputs: &'p Inputs,
    pub translated: &'p Translated,
}

impl Frame<'_> {
    /// One row for each unit, by its key.
    pub fn rows(&self, plan: &RailPlan) -> BTreeMap<String, v1::RailSlotPlan> {
        let (inputs, translated) = (self.inputs, self.translated);
        let problem = &translated.problem;
        let index = Index::new(problem);
        let mut rows = BTreeMap::new();
        let mut add = |row: v1::RailSlotPlan| {
            if !row.unit_id.is_empty() {
                rows.entry(row.unit_id.clone()).or_insert(row);
            }
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
                ..self.stays(
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
                add(self.stays(row, rolled.reason.code(), cost));
            }
        }
        for (row, reason) in &translated.left_out {
            add(self.stays(&inputs.units[*row], reason, 0));
        }
        rows
    }

    fn stays(&self, row: &UnitRow, reason: &str, cost: i64) -> v1::RailSlotPlan {
        v1::RailSlotPlan {
            plan_seq: self.plan_seq,
            planned_at_us: self.planned_at_us,
            terminal_id: row.terminal_id.clone(),
            unit_id: row.unit_id.clone(),
            booking_id: row.booking_id.clone(),
            destination: row.destination.clone(),
            teu_quarters: u32::try_from(row.teu_quarters).unwrap_or(0),
            gross_kg: u32::try_from(row.gross_kg).unwrap_or(0),
            reason: reason.to_owned(),
            cost,
            ..v1::RailSlotPlan::default()
        }
    }
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

impl PlanRow for v1::RailSlotPlan {
    /// The price of waiting rises all the time and is no news.
    fn is_same(before: &Self, after: &Self) -> bool {
        let renumbered = v1::RailSlotPlan {
            plan_seq: after.plan_seq,
            planned_at_us: after.planned_at_us,
            cost: after.cost,
            ..before.clone()
        };
        renumbered == *after
    }

    fn in_words(row: Option<&Self>) -> String {
        match row {
            None => String::new(),
            Some(row) if !row.is_assigned => "rolled over".to_owned(),
            Some(row) => format!(
                "{} at {}",
                row.train_slot_ids.join(" then "),
                text(row.departure_planned_at_us)
            ),
        }
    }

    fn is_moved(before: &Self, after: &Self, _tolerance_us: i64) -> bool {
        before.is_assigned && before.train_slot_ids != after.train_slot_ids
    }

    fn why(before: Option<&Self>, after: Option<&Self>) -> String {
        match (before, after) {
            (_, None) => "the unit is loaded, or its booking is cancelled".to_owned(),
            (None, Some(after)) => format!("new: {}", after.reason),
            (Some(_), Some(after)) => after.reason.clone(),
        }
    }
}
