//! What the planner of rail slots remembers, in snapshots.

use std::collections::BTreeMap;

use domain::rail::{Assigned, RailPlan};
use events::DecodeError;
use events::internal::{PlannerState, RailMemory, RailWarmStart, RowKind, RowPrice, UnitPath};
use optimise::rail::Warm;
use optimise::rail::full::rows::Row;

use super::RailPlanner;
use crate::plans::published::Published;

impl RailPlanner {
    pub(super) fn save_memory(&self, state: &mut PlannerState) {
        self.publisher.save(state);
        let (tried, learnt) = self.loads.save();
        state.rail = Some(RailMemory {
            paths: self
                .paths
                .iter()
                .map(|(unit, legs)| path(unit, legs))
                .collect(),
            warm: self.warm.as_ref().map(saved_warm),
            tried,
            learnt,
            loads: self.published_loads.save(),
        });
    }

    pub(super) fn restore_memory(&mut self, mut state: PlannerState) -> Result<(), DecodeError> {
        self.publisher.restore(&mut state)?;
        let memory = state.rail.unwrap_or_default();
        self.paths = legs(memory.paths).collect();
        self.warm = memory.warm.map(restored_warm);
        self.loads.restore(memory.tried, memory.learnt)?;
        self.published_loads = Published::restore(memory.loads)?;
        Ok(())
    }
}

fn path(unit: &str, legs: &[String]) -> UnitPath {
    UnitPath {
        unit: unit.to_owned(),
        legs: legs.to_vec(),
    }
}

fn legs(paths: Vec<UnitPath>) -> impl Iterator<Item = (String, Vec<String>)> {
    paths.into_iter().map(|path| (path.unit, path.legs))
}

fn saved_warm(warm: &Warm) -> RailWarmStart {
    let plan = warm.plan.assignments.iter();
    let prices = warm.prices.iter().map(|((slot, row), price)| {
        let (kind, place) = match *row {
            Row::Room(kind) => (RowKind::Room, u32::from(kind)),
            Row::DangerousUnits(place) => (RowKind::DangerousUnits, place),
            Row::DangerousGross(place) => (RowKind::DangerousGross, place),
            Row::Cut(place) => (RowKind::Cut, place),
        };
        RowPrice {
            slot: slot.clone(),
            kind: kind.into(),
            place,
            price: *price,
        }
    });
    RailWarmStart {
        plan: plan.map(|unit| path(&unit.unit, &unit.legs)).collect(),
        prices: prices.collect(),
    }
}

/// Of the units that stayed the solver asks nothing.
fn restored_warm(warm: RailWarmStart) -> Warm {
    let prices = warm.prices.into_iter().filter_map(|price| {
        let row = match price.kind() {
            RowKind::Room => Row::Room(u8::try_from(price.place).ok()?),
            RowKind::DangerousUnits => Row::DangerousUnits(price.place),
            RowKind::DangerousGross => Row::DangerousGross(price.place),
            RowKind::Cut => Row::Cut(price.place),
            RowKind::Unspecified => return None,
        };
        Some(((price.slot, row), price.price))
    });
    let prices: BTreeMap<_, _> = prices.collect();
    let assigned = legs(warm.plan).map(|(unit, legs)| Assigned { unit, legs });
    Warm {
        prices,
        plan: RailPlan {
            assignments: assigned.collect(),
            rolled_over: Vec::new(),
        },
    }
}
