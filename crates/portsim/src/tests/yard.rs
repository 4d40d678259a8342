//! Yards, gates, customs, and the numbers on things.

use super::*;
use crate::{HOUR_US, MINUTE_US};
use std::collections::{BTreeMap, HashMap};

#[test]
fn a_yard_block_never_holds_less_than_nothing_and_stays_within_its_terminal() {
    for seed in SEEDS {
        let events = events_of(quiet(seed));
        let mut stocks: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut standing: HashMap<String, (String, i64)> = HashMap::new();
        for (envelope, body, _) in bodies!(events, Container, container_event::EquipmentEvent) {
            let delta = i64::from(body.yard_delta_teu_quarters);
            assert_eq!(delta.unsigned_abs(), u64::from(body.teu_quarters));
            let block = (envelope.terminal_id.clone(), body.yard_block.clone());
            assert!(body.yard_block.starts_with(&envelope.terminal_id));
            let stock = stocks.entry(block).or_default();
            *stock += delta;
            assert!(
                *stock >= 0,
                "{} at {}",
                body.yard_block,
                envelope.event_time_us
            );
            if delta > 0 {
                let old =
                    standing.insert(body.container_id.clone(), (body.yard_block.clone(), delta));
                assert_eq!(old, None, "{} came in twice", body.container_id);
            } else {
                let came = standing.remove(&body.container_id);
                assert_eq!(
                    came,
                    Some((body.yard_block.clone(), -delta)),
                    "{} was not there",
                    body.container_id
                );
            }
        }
        for terminal in crate::terminals::TERMINALS {
            let of_it = stocks.iter().filter(|((id, _), _)| id == terminal.id);
            let stock: i64 = of_it.map(|(_, stock)| stock).sum();
            let percent = stock * 100 / i64::from(terminal.yard_teu * 4);
            assert!(
                (5..=115).contains(&percent),
                "{} is {percent} % full in the evening, seed {seed}",
                terminal.id
            );
        }
    }
}

#[test]
fn identifiers_are_valid_where_they_should_be() {
    use domain::ids::{ContainerId, Eni, ImoNumber, Mmsi, WagonNumber};
    let events = events_of(quiet(3));
    for (_, body, _) in bodies!(events, Container, container_event::EquipmentEvent) {
        assert!(
            ContainerId::check(&body.container_id).is_valid(),
            "{}",
            body.container_id
        );
        let size = domain::codes::SizeType::parse(&body.iso_code).unwrap();
        assert_eq!(
            size.teu_quarters().0,
            body.teu_quarters,
            "{}",
            body.iso_code
        );
    }
    let (mut sea, mut inland) = (0, 0);
    for (_, body, _) in bodies!(events, Vessel, vessel_event::PortCallTimestamp) {
        let vessel = body.vessel.as_ref().unwrap();
        assert!(Mmsi::check(&vessel.mmsi).is_valid());
        match vessel.imo.is_empty() {
            true => inland += u32::from(Eni::check(&vessel.eni).is_valid()),
            false => sea += u32::from(ImoNumber::check(&vessel.imo).is_valid()),
        }
    }
    assert_eq!(
        (sea + inland) as usize,
        bodies!(events, Vessel, vessel_event::PortCallTimestamp).count(),
        "each vessel has a valid IMO or ENI number"
    );
    assert!(sea > 0 && inland > sea);
    for (_, body, _) in bodies!(events, Rail, rail_event::TrainComposition) {
        assert!(
            body.wagon_numbers
                .iter()
                .all(|number| WagonNumber::check(number).is_valid())
        );
        assert_eq!(body.wagon_numbers.len(), body.wagon_types.len());
        assert!(body.length_dm <= 7_400, "a train of {} dm", body.length_dm);
    }
}

#[test]
fn gates_customs_and_gauge_behave() {
    let events = events_of(quiet(9));
    let mut inside: BTreeMap<String, i64> = BTreeMap::new();
    let mut turns = 0;
    for (envelope, body, _) in bodies!(events, Container, container_event::GateEvent) {
        if body.direction == i32::from(v1::GateDirection::In) {
            assert_eq!(body.entered_at_us, None);
            inside.insert(body.truck_id.clone(), envelope.event_time_us);
        } else {
            let entered_us = inside
                .remove(&body.truck_id)
                .expect("a lorry comes in before it goes out");
            assert_eq!(body.entered_at_us, Some(entered_us));
            let turn_us = envelope.event_time_us - entered_us;
            assert!((8 * MINUTE_US..4 * HOUR_US).contains(&turn_us), "{turn_us}");
            turns += 1;
        }
    }
    assert!(turns > 1_500, "{turns}");
    let mut states: BTreeMap<String, i32> = BTreeMap::new();
    for (_, body, _) in bodies!(events, Container, container_event::CustomsStatus) {
        let before = states
            .insert(body.container_id.clone(), body.state)
            .unwrap_or(0);
        assert!(before < body.state && before != i32::from(v1::CustomsState::Release));
    }
    let levels: Vec<i32> = bodies!(events, Telemetry, telemetry_event::WaterLevel)
        .filter(|(_, _, event)| is_act(event))
        .map(|(_, body, _)| body.level_cm)
        .collect();
    assert!((96..=101).contains(&levels.len()), "{}", levels.len());
    assert!(
        levels.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 5),
        "the Rhine is slow"
    );
}
