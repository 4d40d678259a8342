//! Rows to the problem of `domain::rail`. Minutes count from 1970.

use std::collections::{BTreeMap, BTreeSet};

use domain::rail::{
    Cargo, Customs, CutOff, CutOffKind, DangerousLimit, Forecast, Lock, Milestone, RailProblem,
    SlotStatus, TrainSlot, UNLIMITED, Unit,
};

use super::inputs::{Inputs, SlotRow, UnitRow};
use super::rules::RailRules;
use crate::plans::times::{ceil_min, floor_min};

/// Largest length, mass and size of one unit that is believed, in the units of its fields.
const UNIT_MAX: i64 = 1_000_000;

/// Largest capacity of a train that is believed.
const TRAIN_MAX: i64 = 1_000_000_000;

/// Instants further from the instant of planning are wrong, minutes.
const AWAY_MAX_MIN: i64 = 1_000_000;

/// The problem, with the way back to the rows.
#[derive(Debug, Default)]
pub struct Translated {
    /// The problem.
    pub problem: RailProblem,
    /// By unit: its row.
    pub rows: Vec<usize>,
    /// Rows of units that cannot be planned, with the reason.
    pub left_out: Vec<(usize, String)>,
    /// Slots that cannot be used: id and reason.
    pub slots_left_out: Vec<(String, String)>,
}

/// Translates all rows. `last` is the path of each unit in the last published plan.
pub fn translate(
    inputs: &Inputs,
    last: &BTreeMap<String, Vec<String>>,
    planned_at_us: i64,
    rules: &RailRules,
) -> Translated {
    let mut translated = Translated::default();
    let now_at_min = floor_min(planned_at_us, 0);
    translated.problem.now_at_min = now_at_min;
    translated.problem.weights = rules.weights.clone();
    // Units do not get from one terminal of the port to another by themselves.
    let ports: BTreeSet<&str> = inputs
        .units
        .iter()
        .map(|unit| unit.origin.as_str())
        .collect();
    let mut slots = BTreeSet::new();
    for row in &inputs.slots {
        match slot_fault(row, now_at_min) {
            Some(reason) => {
                let slot = (row.train_slot_id.clone(), reason);
                translated.slots_left_out.push(slot);
            }
            None if !slots.insert(row.train_slot_id.as_str()) => {}
            None => {
                let is_here = ports.contains(row.origin.as_str());
                translated.problem.trains.push(slot(row, is_here, rules));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (row, unit_row) in inputs.units.iter().enumerate() {
        let fault = unit_fault(unit_row, now_at_min).or_else(|| {
            let is_new = seen.insert(unit_row.unit_id.as_str());
            (!is_new).then(|| "the unit is booked twice, cancel one booking".to_owned())
        });
        match fault {
            Some(reason) => translated.left_out.push((row, reason)),
            None => {
                let lock = lock(unit_row, inputs, &slots, rules);
                let previous = match last.get(&unit_row.unit_id) {
                    Some(legs) => legs.clone(),
                    None if slots.contains(unit_row.train_slot_id.as_str()) => {
                        vec![unit_row.train_slot_id.clone()]
                    }
                    None => Vec::new(),
                };
                let unit = unit(unit_row, lock, previous, now_at_min, rules);
                translated.problem.units.push(unit);
                translated.rows.push(row);
            }
        }
    }
    translated
}

fn place(origin: &str, terminal_id: &str, is_here: bool) -> String {
    if is_here && !terminal_id.is_empty() {
        format!("{origin}/{terminal_id}")
    } else {
        origin.to_owned()
    }
}

fn slot_fault(row: &SlotRow, now_at_min: i64) -> Option<String> {
    if row.train_slot_id.is_empty() {
        return Some("it has no train_slot_id, send one".to_owned());
    }
    let measures = [
        ("length_max_dm", row.length_max_dm),
        ("gross_max_kg", row.gross_max_kg),
        ("teu_max_quarters", row.teu_max_quarters),
        ("length_loaded_dm", row.length_loaded_dm),
        ("gross_loaded_kg", row.gross_loaded_kg),
        ("teu_loaded_quarters", row.teu_loaded_quarters),
        ("dangerous_goods_max", row.dangerous_goods_max.unwrap_or(0)),
    ];
    for (name, value) in measures {
        if !(0..=TRAIN_MAX).contains(&value) {
            return Some(format!("{name} is {value}, send the slot again"));
        }
    }
    let times = [
        ("departure_at", Some(row.departure_us)),
        ("arrival_at", Some(row.arrival_us)),
        ("cut_off_fco_at", row.cut_off_fco_us),
        ("cut_off_dco_at", row.cut_off_dco_us),
        ("cut_off_vco_at", row.cut_off_vco_us),
        ("cut_off_dgc_at", row.cut_off_dgc_us),
        ("closing_at", row.closing_us),
    ];
    times_fault(&times, now_at_min)
}

fn times_fault(times: &[(&str, Option<i64>)], now_at_min: i64) -> Option<String> {
    let is_wild = |at_us: i64| (floor_min(at_us, 0) - now_at_min).abs() > AWAY_MAX_MIN;
    let wild = times.iter().find(|(_, at_us)| at_us.is_some_and(is_wild));
    wild.map(|(name, _)| format!("{name} is years away, send it again"))
}

fn unit_fault(row: &UnitRow, now_at_min: i64) -> Option<String> {
    if row.unit_id.is_empty() {
        return Some("the booking has no unit_id, send one".to_owned());
    }
    let measures = [
        ("teu_quarters", row.teu_quarters, 1),
        ("length_dm", row.length_dm, 0),
        ("gross_kg", row.gross_kg, 0),
    ];
    for (name, value, least) in measures {
        if !(least..=UNIT_MAX).contains(&value) {
            return Some(format!("{name} is {value}, send the booking again"));
        }
    }
    let times = [
        ("ready_at", row.ready_us),
        (
            "customs_release_estimated_at",
            row.customs_release_estimated_us,
        ),
        ("vgm_at", row.vgm_us),
        ("due_at", row.due_us),
    ];
    times_fault(&times, now_at_min)
}

fn slot(row: &SlotRow, is_here: bool, rules: &RailRules) -> TrainSlot {
    let status = match row.status.as_str() {
        "CANCELLED" => SlotStatus::Cancelled,
        "CLOSED" => SlotStatus::Closed,
        "DEPARTED" => SlotStatus::Departed,
        _ => SlotStatus::Open,
    };
    // What is loaded already has its room.
    let room = |max: i64, loaded: i64| match max {
        0 => UNLIMITED,
        max => (max - loaded).max(0),
    };
    let departure_at_min = floor_min(row.departure_us, 0);
    let cut_offs = [
        (CutOffKind::FullDelivery, row.cut_off_fco_us),
        (CutOffKind::Terminal, row.cut_off_fco_us),
        (
            CutOffKind::Documentation,
            row.cut_off_dco_us.or(row.cut_off_fco_us),
        ),
        (
            CutOffKind::VerifiedGrossMass,
            row.cut_off_vco_us.or(row.cut_off_fco_us),
        ),
        (
            CutOffKind::DangerousGoods,
            row.cut_off_dgc_us.or(row.cut_off_fco_us),
        ),
    ];
    let cut_off = |(kind, at_us): (CutOffKind, Option<i64>)| {
        Some(CutOff {
            kind,
            at_min: floor_min(at_us?, 0),
        })
    };
    let dangerous = |max_units: i64| DangerousLimit {
        classes: Vec::new(),
        max_units: (max_units - row.dangerous_goods_loaded).max(0),
        max_gross_kg: UNLIMITED,
    };
    TrainSlot {
        id: row.train_slot_id.clone(),
        origin: place(&row.origin, &row.terminal_id, is_here),
        destination: row.destination.clone(),
        corridor: row.corridor.clone(),
        track: row.track.clone(),
        gauge_mm: rules.gauge_mm,
        departure_at_min,
        arrival_at_min: floor_min(row.arrival_us, 0).max(departure_at_min),
        status,
        closing_at_min: row
            .closing_us
            .map_or(departure_at_min, |at_us| floor_min(at_us, 0)),
        max_length_dm: room(row.length_max_dm, row.length_loaded_dm),
        max_teu_quarters: room(row.teu_max_quarters, row.teu_loaded_quarters),
        max_gross_kg: room(row.gross_max_kg, row.gross_loaded_kg),
        max_unit_gross_kg: UNLIMITED,
        max_unit_length_dm: UNLIMITED,
        max_profile_code: UNLIMITED,
        dangerous_limits: row.dangerous_goods_max.map(dangerous).into_iter().collect(),
        cut_offs: cut_offs.into_iter().filter_map(cut_off).collect(),
        ..TrainSlot::default()
    }
}

/// The planner's word, else the booking's train where that is binding. A bump takes the unit off every train.
fn lock(row: &UnitRow, inputs: &Inputs, slots: &BTreeSet<&str>, rules: &RailRules) -> Lock {
    let word = inputs.locks.iter().find(|lock| lock.unit_id == row.unit_id);
    match word.map(|lock| lock.train_slot_id.as_deref()) {
        Some(Some(slot)) => Lock::Pinned(vec![slot.to_owned()]),
        Some(None) => Lock::Bumped(slots.iter().map(|slot| (*slot).to_owned()).collect()),
        None if rules.is_booked_slot_binding && slots.contains(row.train_slot_id.as_str()) => {
            Lock::Pinned(vec![row.train_slot_id.clone()])
        }
        None => Lock::Free,
    }
}

/// When a unit can be lifted, as K1 sees it; what lies further ahead is less certain.
fn ready(row: &UnitRow, now_at_min: i64, rules: &RailRules) -> Forecast {
    match row.ready_us.map(|at_us| ceil_min(at_us, 0)) {
        Some(ready_at_min) if row.is_present => Forecast::fact(ready_at_min),
        Some(ready_at_min) => {
            let ahead_min = (ready_at_min - now_at_min).max(0);
            let growth_min = rules
                .ready_spread_per_h_min
                .max(0)
                .saturating_mul(ahead_min)
                / 60;
            let forecast = Forecast {
                expected_min: ready_at_min,
                spread_min: rules.ready_spread_min.max(0).saturating_add(growth_min),
            };
            forecast.not_before(now_at_min)
        }
        None => Forecast {
            expected_min: now_at_min + rules.ready_unknown_min.max(0),
            spread_min: rules.ready_unknown_spread_min,
        },
    }
}

fn unit(
    row: &UnitRow,
    lock: Lock,
    previous: Vec<String>,
    now_at_min: i64,
    rules: &RailRules,
) -> Unit {
    let ready = ready(row, now_at_min, rules);
    let customs = match (row.customs_state.as_str(), row.customs_release_estimated_us) {
        ("RELEASE", _) => Customs::Released,
        (_, Some(at_us)) => Customs::Expected(ceil_min(at_us, 0)),
        (_, None) => Customs::Held,
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    // Documents and declarations have no source yet and are taken as in.
    let taken_as_in = Milestone::At(now_at_min - AWAY_MAX_MIN * 2);
    Unit {
        id: row.unit_id.clone(),
        origin: place(&row.origin, &row.terminal_id, true),
        destination: row.destination.clone(),
        teu_quarters: row.teu_quarters,
        length_dm: row.length_dm,
        gross_kg: row.gross_kg,
        cargo: Cargo {
            is_empty: row.is_empty,
            is_reefer: row.is_reefer,
            is_out_of_gauge: false,
            dangerous_class: some(&row.dangerous_goods_class),
        },
        ready_at_min: ready.expected_min,
        ready_spread_min: ready.spread_min,
        customs,
        vgm: row.vgm_us.map_or(Milestone::Unknown, |at_us| {
            Milestone::At(ceil_min(at_us, 0))
        }),
        documents: taken_as_in,
        declaration: taken_as_in,
        // 1 is usual in the events, 0 in the planner.
        priority: (row.priority - 1).clamp(0, 9),
        due_at_min: row.due_us.map(|at_us| floor_min(at_us, 0)),
        roll_over_price: rules.roll_over.max(0),
        keep_together: some(&row.keep_together_id),
        lock,
        previous,
        ..Unit::default()
    }
}
