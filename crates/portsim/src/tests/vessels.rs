//! Berths and calls.

use super::*;
use crate::{HOUR_US, MINUTE_US};
use std::collections::{BTreeMap, HashMap};

/// Who lies where from when to when, from the arrivals and departures at berth.
fn stays(events: &[Event]) -> Vec<(String, u32, u32, i64, i64)> {
    let mut open = HashMap::new();
    let mut stays = Vec::new();
    let last_us = events
        .iter()
        .filter(|e| is_act(e))
        .map(|e| envelope(e).event_time_us)
        .max()
        .unwrap();
    for (envelope, body, event) in bodies!(events, Vessel, vessel_event::PortCallTimestamp) {
        if !is_act(event) || body.service != i32::from(v1::PortCallService::Berth) {
            continue;
        }
        let visit = envelope.berth_visit_id.clone();
        if body.event_type == i32::from(v1::OperationsEventType::Arri) {
            let (from_dm, to_dm) = (body.quay_from_dm.unwrap(), body.quay_to_dm.unwrap());
            let stay = (
                body.facility_code.clone(),
                from_dm,
                to_dm,
                envelope.event_time_us,
                last_us,
            );
            assert!(open.insert(visit, stay).is_none(), "one arrival a visit");
        } else {
            let mut stay = open.remove(&visit).expect("arrives before it departs");
            stay.4 = envelope.event_time_us;
            stays.push(stay);
        }
    }
    stays.extend(open.into_values());
    stays
}

#[test]
fn no_two_vessels_lie_in_one_place_and_berths_are_well_used() {
    for seed in SEEDS {
        let settings = quiet(seed);
        let (start_us, end_us) = (settings.start_at_us, settings.end_at_us());
        let events = events_of(settings);
        let stays = stays(&events);
        assert!(stays.len() > 60, "{} stays", stays.len());
        let berths: HashMap<String, &v1::Berth> =
            bodies!(events, Reference, reference_event::Berth)
                .map(|(_, b, _)| (b.berth_id.clone(), b))
                .collect();
        let (mut used, mut offered) = (0, 0);
        for (i, one) in stays.iter().enumerate() {
            let berth = berths[&one.0];
            assert!(
                berth.from_dm <= one.1 && one.2 <= berth.to_dm,
                "{one:?} lies beside its berth"
            );
            let metres = if berth.is_single {
                berth.to_dm - berth.from_dm
            } else {
                one.2 - one.1 + berth.gap_dm
            };
            used += i64::from(metres) * ((one.4.min(end_us) - one.3.max(start_us)) / MINUTE_US);
            for other in &stays[i + 1..] {
                let meet = one.0 == other.0 && one.3 < other.4 && other.3 < one.4;
                let apart = one.2 + berth.gap_dm <= other.1 || other.2 + berth.gap_dm <= one.1;
                assert!(
                    !meet || (!berth.is_single && apart),
                    "{one:?} and {other:?}"
                );
            }
        }
        for berth in berths.values() {
            offered += i64::from(berth.to_dm - berth.from_dm) * ((end_us - start_us) / MINUTE_US);
        }
        let percent = used * 100 / offered;
        assert!(
            (50..=88).contains(&percent),
            "berths are {percent} % used, seed {seed}"
        );
    }
}

#[test]
fn a_berth_visit_goes_its_way_in_order() {
    let events = events_of(quiet(11));
    let mut steps: BTreeMap<String, Vec<(i32, i32)>> = BTreeMap::new();
    for (envelope, body, event) in bodies!(events, Vessel, vessel_event::PortCallTimestamp) {
        if is_act(event) && body.service != i32::from(v1::PortCallService::Anchorage) {
            let step = (body.service, body.event_type);
            steps
                .entry(envelope.berth_visit_id.clone())
                .or_default()
                .push(step);
        }
    }
    use v1::{OperationsEventType as Type, PortCallService as Service};
    let whole = [
        (Service::Berth, Type::Arri),
        (Service::AllFast, Type::Cmpl),
        (Service::CargoOperations, Type::Strt),
        (Service::CargoOperations, Type::Cmpl),
        (Service::Berth, Type::Depa),
    ]
    .map(|(service, event_type)| (i32::from(service), i32::from(event_type)));
    let mut complete = 0;
    for (visit, taken) in &steps {
        assert_eq!(taken[..], whole[..taken.len()], "{visit}");
        complete += usize::from(taken.len() == whole.len());
    }
    assert!(complete > 50, "{complete}");
}

#[test]
fn estimates_get_better_as_the_arrival_comes_near() {
    let events = events_of(quiet(2));
    let is_berth_arrival = |body: &v1::PortCallTimestamp| {
        body.service == i32::from(v1::PortCallService::Berth)
            && body.event_type == i32::from(v1::OperationsEventType::Arri)
    };
    let mut arrived: HashMap<&str, i64> = HashMap::new();
    for (envelope, body, event) in bodies!(events, Vessel, vessel_event::PortCallTimestamp) {
        let is_first = body.rotation_seq <= 1;
        let waited = body.service == i32::from(v1::PortCallService::Anchorage);
        if is_act(event) && is_first && (is_berth_arrival(body) || waited) {
            arrived
                .entry(&envelope.berth_visit_id)
                .or_insert(envelope.event_time_us);
        }
    }
    let (mut far, mut near) = (Vec::new(), Vec::new());
    let mut per_visit: BTreeMap<&str, u32> = BTreeMap::new();
    for (envelope, body, _) in bodies!(events, Vessel, vessel_event::PortCallTimestamp) {
        let Some(at_us) = arrived.get(envelope.berth_visit_id.as_str()) else {
            continue;
        };
        if envelope.classifier != i32::from(v1::Classifier::Est) || !is_berth_arrival(body) {
            continue;
        }
        let (left_us, error_us) = (
            at_us - envelope.record_time_us,
            (envelope.event_time_us - at_us).abs(),
        );
        match left_us {
            left if left > 10 * HOUR_US => far.push(error_us),
            left if left < HOUR_US => near.push(error_us),
            _ => {}
        }
        *per_visit.entry(&envelope.berth_visit_id).or_default() += 1;
    }
    let median = |errors: &mut Vec<i64>| {
        errors.sort_unstable();
        errors[errors.len() / 2]
    };
    assert!(
        far.len() > 50 && near.len() > 50,
        "{} {}",
        far.len(),
        near.len()
    );
    assert!(
        median(&mut far) > 4 * median(&mut near),
        "{} {}",
        median(&mut far),
        median(&mut near)
    );
    assert!(
        per_visit.values().filter(|count| **count >= 6).count() > 30,
        "ETA series are long enough to drift"
    );
}
