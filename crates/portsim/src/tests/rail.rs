//! Trains and their bookings.

use super::*;
use crate::{HOUR_US, SECOND_US};
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[test]
fn every_train_runs_in_order_and_is_well_filled() {
    for seed in SEEDS {
        let settings = quiet(seed);
        let start_us = settings.start_at_us;
        let events = events_of(settings);
        let mut last_us: HashMap<&str, i64> = HashMap::new();
        let mut departed = BTreeSet::new();
        for (envelope, body, event) in bodies!(events, Rail, rail_event::TrainRunning) {
            assert!(body.booked_at_us.is_some() && !body.corridor.is_empty());
            let booked_us = body.booked_at_us.unwrap();
            let delay_s = (envelope.event_time_us - booked_us).div_euclid(SECOND_US);
            assert_eq!(i64::from(body.delay_s.unwrap()), delay_s);
            if !is_act(event) {
                assert!(
                    envelope.event_time_us > envelope.record_time_us,
                    "a forecast is about the future"
                );
                continue;
            }
            let before_us = last_us.insert(&envelope.train_id, booked_us);
            assert!(
                before_us.is_none_or(|before_us| before_us < booked_us),
                "{}",
                envelope.train_id
            );
            if body.location_status == i32::from(v1::TrainLocationStatus::DepartureOrigin) {
                departed.insert(envelope.train_id.clone());
            }
        }
        assert!(departed.len() >= 15, "{} trains left", departed.len());
        let slots: HashMap<String, v1::TrainSlot> =
            bodies!(events, Reference, reference_event::TrainSlot)
                .map(|(_, slot, _)| (slot.train_slot_id.clone(), slot.clone()))
                .collect();
        let mut on_board: BTreeMap<String, (u32, u32, u32)> = BTreeMap::new();
        for (_, body, _) in bodies!(events, Rail, rail_event::RailBooking) {
            if body.status == i32::from(v1::BookingStatus::Loaded) {
                let load = on_board.entry(body.train_slot_id.clone()).or_default();
                *load = (
                    load.0 + body.teu_quarters,
                    load.1 + body.length_dm,
                    load.2 + body.gross_kg,
                );
            }
        }
        let mut fills = Vec::new();
        for (slot_id, load) in &on_board {
            let slot = &slots[slot_id];
            assert!(
                load.0 <= slot.teu_max_quarters
                    && load.1 <= slot.length_max_dm
                    && load.2 <= slot.gross_max_kg
            );
            fills.push(load.0 * 100 / slot.teu_max_quarters);
        }
        let mean = fills.iter().sum::<u32>() / fills.len() as u32;
        assert!(
            (70..=100).contains(&mean),
            "trains are {mean} % full, seed {seed}: {fills:?}"
        );
        assert!(
            slots
                .values()
                .any(|slot| slot.departure_planned_at_us > start_us + 36 * HOUR_US)
        );
    }
}

#[test]
fn some_trains_are_overbooked() {
    let events = events_of(quiet(1));
    let mut newest: BTreeMap<&str, &v1::RailBooking> = BTreeMap::new();
    let mut overfull = BTreeSet::new();
    let slots: HashMap<String, &v1::TrainSlot> =
        bodies!(events, Reference, reference_event::TrainSlot)
            .map(|(_, slot, _)| (slot.train_slot_id.clone(), slot))
            .collect();
    for (_, body, _) in bodies!(events, Rail, rail_event::RailBooking) {
        newest.insert(&body.unit_id, body);
        let Some(slot) = slots.get(&body.train_slot_id) else {
            continue;
        };
        let booked = newest
            .values()
            .filter(|b| b.train_slot_id == slot.train_slot_id);
        if booked.map(|b| b.teu_quarters).sum::<u32>() > slot.teu_max_quarters {
            overfull.insert(slot.train_slot_id.clone());
        }
    }
    assert!(
        (2..=30).contains(&overfull.len()),
        "{} overfull trains of {}",
        overfull.len(),
        slots.len()
    );
}
