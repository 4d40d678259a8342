//! A plan as records.

use std::collections::BTreeMap;

use domain::berth::horizon::hold_of;
use domain::berth::{BerthPlan, BerthProblem, Hold, PlanCost, Stay};
use events::v1;

use super::inputs::{Inputs, VisitRow};
use super::translate::Translated;
use crate::plans::published::PlanRow;
use crate::plans::times::{MINUTE_US, instant_us, text};

/// Reason of a stay that is a fact.
const ALONGSIDE: &str = "alongside";

/// Reason of a stay that begins as soon as the vessel is there.
const ON_ARRIVAL: &str = "berths on arrival";

/// What all rows of one plan have in common.
pub struct Frame<'p> {
    pub plan_seq: u64,
    pub planned_at_us: i64,
    pub epoch_us: i64,
    pub inputs: &'p Inputs,
    pub problem: &'p BerthProblem,
}

impl Frame<'_> {
    /// One row for each visit that is due, by its key.
    pub fn rows(
        &self,
        translated: &Translated,
        plan: &BerthPlan,
        cost: &PlanCost,
    ) -> BTreeMap<String, v1::BerthPlan> {
        let mut rows = BTreeMap::new();
        let mut add = |row: v1::BerthPlan| {
            if !row.berth_visit_id.is_empty() {
                rows.entry(row.berth_visit_id.clone()).or_insert(row);
            }
        };
        for stay in &plan.stays {
            let visit = &self.inputs.visits[translated.rows[stay.call]];
            add(self.assigned(visit, stay, plan, cost));
        }
        for left in &plan.unassigned {
            let visit = &self.inputs.visits[translated.rows[left.call]];
            let cost = cost.calls[left.call].without_change();
            add(self.unassigned(visit, &left.reason, cost));
        }
        for (row, reason) in &translated.left_out {
            add(self.unassigned(&self.inputs.visits[*row], reason, 0));
        }
        rows
    }

    fn unassigned(&self, visit: &VisitRow, reason: &str, cost: i64) -> v1::BerthPlan {
        v1::BerthPlan {
            plan_seq: self.plan_seq,
            planned_at_us: self.planned_at_us,
            terminal_id: visit.terminal_id.clone(),
            port_call_id: visit.port_call_id.clone(),
            berth_visit_id: visit.berth_visit_id.clone(),
            vessel_name: visit.vessel_name.clone(),
            arrival_estimated_at_us: visit.arrival_us,
            reason: reason.to_owned(),
            cost,
            ..v1::BerthPlan::default()
        }
    }

    fn assigned(
        &self,
        visit: &VisitRow,
        stay: &Stay,
        plan: &BerthPlan,
        cost: &PlanCost,
    ) -> v1::BerthPlan {
        let call = &self.problem.calls[stay.call];
        let reason = self.reason(stay, plan);
        v1::BerthPlan {
            is_assigned: true,
            berth_id: self.problem.berths[stay.berth].id.clone(),
            quay_from_dm: decimetres(stay.from_m),
            quay_to_dm: decimetres(stay.from_m + call.length_m),
            berthing_planned_at_us: instant_us(self.epoch_us, stay.start_min),
            departure_planned_at_us: instant_us(self.epoch_us, stay.end_min),
            is_frozen: call.alongside || stay.start_min < self.problem.frozen_until_min,
            ..self.unassigned(visit, &reason, cost.calls[stay.call].without_change())
        }
    }

    /// What binds the start of a stay.
    fn reason(&self, stay: &Stay, plan: &BerthPlan) -> String {
        let problem = self.problem;
        let call = &problem.calls[stay.call];
        if call.alongside {
            return ALONGSIDE.to_owned();
        }
        let is_locked = call.lock.berth.is_some() || call.lock.start_min.is_some();
        if is_locked {
            return "locked by a planner".to_owned();
        }
        if hold_of(problem, call) == Hold::Frozen {
            return "frozen".to_owned();
        }
        if stay.start_min <= problem.round_up_min(call.release_min) {
            return ON_ARRIVAL.to_owned();
        }
        let before = plan.stays.iter().filter(|other| {
            other.call != stay.call && other.berth == stay.berth && other.end_min <= stay.start_min
        });
        let last = before
            .filter(|other| other.end_min > call.release_min)
            .max_by_key(|other| (other.end_min, other.call));
        match last {
            Some(other) => {
                let id = &problem.calls[other.call].id;
                format!("waits for {id} to leave the berth")
            }
            None => "waits for water, a closure, its other calls or a neighbour".to_owned(),
        }
    }
}

fn decimetres(metres: i64) -> u32 {
    u32::try_from(metres.max(0) * 10).unwrap_or(u32::MAX)
}

impl PlanRow for v1::BerthPlan {
    fn is_same(before: &Self, after: &Self) -> bool {
        let renumbered = v1::BerthPlan {
            plan_seq: after.plan_seq,
            planned_at_us: after.planned_at_us,
            ..before.clone()
        };
        renumbered == *after
    }

    fn in_words(row: Option<&Self>) -> String {
        match row {
            None => String::new(),
            Some(row) if !row.is_assigned => "no berth".to_owned(),
            Some(row) => format!(
                "{} {}-{} m, {} to {}",
                row.berth_id,
                row.quay_from_dm / 10,
                row.quay_to_dm / 10,
                text(row.berthing_planned_at_us),
                text(row.departure_planned_at_us)
            ),
        }
    }

    /// A vessel that came alongside meanwhile, or berths when it comes as before, was not moved by the plan; nor is a
    /// later end a move.
    fn is_moved(before: &Self, after: &Self, tolerance_us: i64) -> bool {
        let place = |row: &Self| (row.is_assigned, row.berth_id.clone(), row.quay_from_dm);
        let follows = before.reason == ON_ARRIVAL && after.reason == ON_ARRIVAL;
        let shift_us = after.berthing_planned_at_us - before.berthing_planned_at_us;
        let same_start = follows || shift_us.abs() <= tolerance_us;
        let is_kept = place(before) == place(after) && same_start;
        before.is_assigned && after.reason != ALONGSIDE && !is_kept
    }

    fn why(before: Option<&Self>, after: Option<&Self>) -> String {
        let (before, after) = match (before, after) {
            (_, None) => return "the visit is over or cancelled".to_owned(),
            (None, Some(after)) => return format!("new: {}", after.reason),
            (Some(before), Some(after)) => (before, after),
        };
        let later_us = after.arrival_estimated_at_us - before.arrival_estimated_at_us;
        match later_us / MINUTE_US {
            0 => after.reason.clone(),
            later if later > 0 => format!("arrives {later} min later; {}", after.reason),
            earlier => format!("arrives {} min earlier; {}", -earlier, after.reason),
        }
    }
}
