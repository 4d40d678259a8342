//! Overbooking: how often bookings show up, by what was measured, how far a train may be booked beyond its room, and who
//! gives way if too many come.

use std::collections::BTreeMap;

use domain::rail::{RailPlan, RailProblem, TrainSlot, UNLIMITED, Unit};
use optimise::rail::overbook::{Booking, Overbooking, Room, accept, stretched_teu_quarters};

use super::inputs::{Inputs, RateRow, UnitRow};
use super::rules::RailRules;

/// What shows up for certain, thousandths.
pub const CERTAIN_PERMILLE: i64 = 1000;

/// Twice the square of the 97.5 % quantile of the normal distribution would be 7.68; the interval is Wilson's at 95 %.
const Z: f64 = 1.96;

/// How often bookings show up, by customer and service.
#[derive(Debug, Default)]
pub struct Shows {
    /// Shows and no-shows by (customer, service).
    pairs: BTreeMap<(String, String), (i64, i64)>,
    /// The same by service.
    services: BTreeMap<String, (i64, i64)>,
}

impl Shows {
    /// What was measured.
    pub fn new(rates: &[RateRow]) -> Self {
        let mut shows = Shows::default();
        for row in rates {
            let add = |sum: &mut (i64, i64)| {
                sum.0 += row.shows.max(0);
                sum.1 += row.no_shows.max(0);
            };
            let pair = (row.customer.clone(), row.service_id.clone());
            add(shows.pairs.entry(pair).or_default());
            add(shows.services.entry(row.service_id.clone()).or_default());
        }
        shows
    }

    /// How often a unit's booking shows up, thousandths: the upper end of what was measured for its customer on its
    /// service, else on its service; always, where too little was measured or where it stands in the yard already.
    pub fn permille(&self, row: &UnitRow, rules: &RailRules) -> i64 {
        if row.is_present {
            return CERTAIN_PERMILLE;
        }
        let pair = (row.customer.clone(), row.service_id.clone());
        let measured = [self.pairs.get(&pair), self.services.get(&row.service_id)];
        let enough = |counts: &&(i64, i64)| counts.0 + counts.1 >= rules.no_show_bookings_min.max(1);
        let found = measured.into_iter().flatten().find(enough);
        found.map_or(CERTAIN_PERMILLE, |(shows, no_shows)| {
            upper_permille(*shows, shows + no_shows)
        })
    }
}

/// The upper end of Wilson's interval for `hits` of `count`, thousandths, rounded up.
fn upper_permille(hits: i64, count: i64) -> i64 {
    let (hits, count) = (hits as f64, count.max(1) as f64);
    let share = hits / count;
    let middle = share + Z * Z / (2.0 * count);
    let spread = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    let upper = (middle + spread) / (1.0 + Z * Z / count);
    ((upper * 1000.0).ceil() as i64).clamp(0, CERTAIN_PERMILLE)
}

/// The room of the trains and what may be booked on it.
#[derive(Debug, Default)]
pub struct Rooms {
    /// By slot: room in TEU quarters and kilograms.
    pub rooms: BTreeMap<String, Room>,
    /// By unit: how often it shows up, thousandths.
    permille: BTreeMap<String, i64>,
    confidence_permille: i64,
}

impl Rooms {
    /// Notes the room of every train and lets the plan book as much more as the confidence allows.
    pub fn stretch(
        problem: &mut RailProblem,
        inputs: &Inputs,
        rows: &[usize],
        rules: &RailRules,
    ) -> Self {
        let shows = Shows::new(&inputs.rates);
        let unit_rows = rows.iter().map(|row| &inputs.units[*row]);
        let mut rooms = Rooms {
            permille: problem
                .units
                .iter()
                .zip(unit_rows)
                .map(|(unit, row)| (unit.id.clone(), shows.permille(row, rules)))
                .collect(),
            confidence_permille: rules.overbooking_confidence_permille,
            ..Rooms::default()
        };
        let units = &problem.units;
        for slot in &mut problem.trains {
            if slot.max_teu_quarters == UNLIMITED {
                continue;
            }
            let room = Room {
                teu_quarters: slot.max_teu_quarters,
                gross_kg: slot.max_gross_kg.min(MASS_MAX_KG),
            };
            rooms.rooms.insert(slot.id.clone(), room);
            if slot.is_frozen(problem.now_at_min) {
                continue; // its list can no longer change
            }
            let like: Vec<Booking> = units
                .iter()
                .filter(|unit| unit.origin == slot.origin && slot.serves(&unit.destination))
                .map(|unit| rooms.booking(unit, 0))
                .collect();
            let booked = stretched_teu_quarters(room, &like, rooms.confidence_permille);
            widen(slot, room.teu_quarters, booked);
        }
        rooms
    }

    /// The bookings on a train, with their chances.
    pub fn overbooking(
        &self,
        problem: &RailProblem,
        plan: &RailPlan,
        slot: &TrainSlot,
    ) -> Option<Overbooking> {
        let room = *self.rooms.get(&slot.id)?;
        let next_at_min = |unit: &Unit| {
            let later = problem.trains.iter().filter(|train| {
                train.origin == slot.origin
                    && train.serves(&unit.destination)
                    && train.departure_at_min > slot.departure_at_min
            });
            later.map(|train| train.departure_at_min).min().unwrap_or(i64::MAX)
        };
        let aboard: std::collections::BTreeSet<&str> = plan
            .assignments
            .iter()
            .filter(|one| one.legs.contains(&slot.id))
            .map(|one| one.unit.as_str())
            .collect();
        let bookings: Vec<Booking> = problem
            .units
            .iter()
            .filter(|unit| aboard.contains(unit.id.as_str()))
            .map(|unit| self.booking(unit, next_at_min(unit)))
            .collect();
        Some(accept(room, &bookings, self.confidence_permille))
    }

    /// How often a unit shows up, thousandths.
    pub fn permille(&self, unit: &str) -> i64 {
        self.permille.get(unit).copied().unwrap_or(CERTAIN_PERMILLE)
    }

    /// Takes back what was allowed beyond a train's room.
    pub fn narrow(&self, slot: &mut TrainSlot) {
        if let Some(room) = self.rooms.get(&slot.id) {
            let booked = slot.max_teu_quarters;
            if booked > room.teu_quarters {
                narrow(slot, room.teu_quarters, booked);
            }
        }
    }

    fn booking(&self, unit: &Unit, next_train_at_min: i64) -> Booking {
        Booking {
            id: unit.id.clone(),
            teu_quarters: unit.teu_quarters,
            gross_kg: unit.gross_kg,
            show_permille: self.permille(&unit.id),
            roll_over_price: unit.roll_over_price,
            priority: unit.priority,
            next_train_at_min,
        }
    }
}

/// Masses beyond this are no limit; the distribution of what shows up has a step for every 100 kg.
const MASS_MAX_KG: i64 = 5_000_000;

/// Length and mass that may be booked grow with the TEU.
fn widen(slot: &mut TrainSlot, room: i64, booked: i64) {
    slot.max_teu_quarters = booked;
    for limit in [&mut slot.max_length_dm, &mut slot.max_gross_kg] {
        if *limit != UNLIMITED && room > 0 {
            *limit = limit.saturating_mul(booked) / room;
        }
    }
}

fn narrow(slot: &mut TrainSlot, room: i64, booked: i64) {
    slot.max_teu_quarters = room;
    for limit in [&mut slot.max_length_dm, &mut slot.max_gross_kg] {
        if *limit != UNLIMITED && booked > 0 {
            *limit = limit.saturating_mul(room) / booked;
        }
    }
}
