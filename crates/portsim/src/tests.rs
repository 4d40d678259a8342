//! What must hold of every simulated day, whatever the seed: read back from the records, not from the simulator's state.

use crate::{
    Disorder, HOUR_US, MINUTE_US, Partitions, SECOND_US, Settings, Simulation, Source, Truth,
    WrongKind,
};
use events::{Event, Stream, v1};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const SEEDS: [u64; 3] = [1, 7, 4242];

/// Few positions and readings: the port is the same, the test is quick.
fn quiet(seed: u64) -> Settings {
    Settings {
        seed,
        chatter_percent: 10,
        disorder: Disorder::none(),
        ..Settings::default()
    }
}

/// All events in the order of their event time, heartbeats left out.
fn events_of(settings: Settings) -> Vec<Event> {
    let simulation = Simulation::new(settings).unwrap();
    let decoded = simulation.filter(|record| record.partition.is_none());
    let mut events: Vec<Event> = decoded
        .map(|record| Event::decode(record.stream, &record.value).unwrap())
        .collect();
    events.sort_by_key(|event| (envelope(event).event_time_us, envelope(event).source_seq));
    events
}

fn envelope(event: &Event) -> &v1::Envelope {
    event.envelope().unwrap()
}

fn is_act(event: &Event) -> bool {
    envelope(event).classifier == i32::from(v1::Classifier::Act)
}

macro_rules! bodies {
    ($events:expr, $stream:ident, $module:ident :: $body:ident) => {
        $events.iter().filter_map(|event| match event {
            Event::$stream(inner) => match &inner.body {
                Some(v1::$module::Body::$body(body)) => Some((envelope(event), body, event)),
                _ => None,
            },
            _ => None,
        })
    };
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let run = |seed| -> Vec<_> {
        let settings = Settings {
            seed,
            hours: 3,
            ..Settings::default()
        };
        Simulation::new(settings).unwrap().collect()
    };
    let first = run(5);
    assert!(first.len() > 20_000, "{}", first.len());
    assert!(first == run(5));
    assert!(first != run(6));
}

#[test]
fn a_usual_day_has_all_tables_and_its_size() {
    let mut simulation = Simulation::new(Settings::default()).unwrap();
    let records = simulation.by_ref().count() as u64;
    let truth = simulation.truth();
    assert_eq!(truth.records, records);
    assert!((220_000..400_000).contains(&records), "{records}");
    assert_eq!(
        records,
        truth.events() + truth.duplicates() + truth.wrong() + truth.heartbeats(),
        "every record is one thing"
    );
    for table in [
        "port_call_timestamp",
        "moves_forecast",
        "vessel_position",
        "vessel_notice",
        "equipment_event",
        "customs_status",
        "move_event",
        "gate_event",
        "train_running",
        "train_composition",
        "train_ready",
        "rail_booking",
        "water_level",
        "reefer_telemetry",
        "device_status",
        "terminal",
        "berth",
        "crane",
        "rail_service",
        "train_slot",
        "wagon_type",
        "source_profile",
        "berth_command",
        "rail_command",
        "berth_closure",
    ] {
        assert!(
            truth.events_by_table.contains_key(table),
            "{table} has no events"
        );
    }
    for kind in WrongKind::ALL {
        assert!(
            truth
                .wrong_by_kind
                .get(kind.name())
                .is_some_and(|count| *count >= 5),
            "{kind:?}"
        );
    }
}

#[test]
fn records_by_number_can_be_asked_for() {
    for wanted in [100_000, 500_000] {
        let simulation = Simulation::new(Settings::default().with_records(wanted)).unwrap();
        let records = simulation.count() as u64;
        let difference = records.abs_diff(wanted) * 100 / wanted;
        assert!(difference <= 15, "{records} instead of {wanted}");
    }
}

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

/// Lateness as the engine decides it: against the largest row time seen before from the same partition and source.
#[test]
fn disorder_is_as_set_and_bounds_hold() {
    let settings = Settings {
        partitions: Partitions::all(1),
        ..Settings::default()
    };
    let start_us = settings.start_at_us;
    let mut simulation = Simulation::new(settings.clone()).unwrap();
    let bounds: HashMap<&str, i64> = Source::ALL
        .iter()
        .map(|s| (s.name(), i64::from(s.decl().out_of_order_max_s) * SECOND_US))
        .collect();
    let mut newest: HashMap<(Stream, String), i64> = HashMap::new();
    let mut seen: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let (mut late, mut copies) = (0, 0);
    for record in simulation.by_ref() {
        let Ok(event) = Event::decode(record.stream, &record.value) else {
            continue;
        };
        let Some(envelope) = event.envelope().filter(|e| !e.event_id.ends_with("-wrong")) else {
            continue;
        };
        let Some(bound_us) = bounds.get(envelope.source.as_str()) else {
            continue;
        };
        if envelope.event_id.is_empty() || envelope.event_time_us == 0 {
            continue;
        }
        let row_us = match is_act(&event) {
            true => envelope.event_time_us,
            false => envelope.record_time_us,
        };
        let key = [
            envelope.source.as_bytes(),
            b"/",
            envelope.event_id.as_bytes(),
        ]
        .concat();
        if record.partition.is_none() && seen.insert(key, row_us).is_some() {
            copies += 1;
            continue;
        }
        let newest = newest
            .entry((record.stream, envelope.source.clone()))
            .or_insert(row_us);
        if row_us < *newest - bound_us {
            late += 1;
            let by_s = (*newest - bound_us - row_us) / SECOND_US;
            assert!(
                by_s > 300,
                "{} of {} is late by {by_s} s only",
                envelope.event_id,
                (row_us - start_us) / SECOND_US
            );
        }
        *newest = (*newest).max(row_us);
        assert!(row_us >= start_us - 2 * HOUR_US);
    }
    let truth = simulation.truth();
    assert_eq!(late, truth.late(), "late is what was made late");
    assert_eq!(copies, truth.duplicates());
    close_to(
        "late",
        truth.late(),
        truth.events(),
        settings.disorder.late_ppm,
        15,
    );
    close_to(
        "wrong",
        truth.wrong(),
        truth.events(),
        settings.disorder.wrong_ppm,
        30,
    );
    let ais = &truth.sources["ais"];
    // One copy in four out of five cases, up to four in the rest.
    close_to(
        "ais copies",
        ais.duplicates,
        ais.events,
        settings.disorder.duplicate_ais_ppm * 131 / 100,
        5,
    );
    close_to(
        "held up",
        ais.held_up,
        ais.events,
        settings.disorder.out_of_order_ppm,
        5,
    );
    let others = |count: fn(&crate::SourceTruth) -> u64| -> u64 {
        let sources = truth.sources.iter().filter(|(name, _)| **name != "ais");
        sources.map(|(_, source)| count(source)).sum()
    };
    let shares = (
        others(|source| source.duplicates),
        others(|source| source.events),
    );
    close_to(
        "copies",
        shares.0,
        shares.1,
        settings.disorder.duplicate_ppm,
        15,
    );
}

fn close_to(what: &str, count: u64, of: u64, ppm: u32, percent: u64) {
    let expected = of * u64::from(ppm) / 1_000_000;
    assert!(
        count.abs_diff(expected) * 100 <= expected * percent,
        "{what}: {count} instead of {expected}"
    );
}

#[test]
fn disorder_leaves_the_port_as_it_is() {
    let key = |settings: Settings| -> BTreeSet<(String, i64)> {
        let events = Simulation::new(settings).unwrap().filter_map(|record| {
            let event = Event::decode(record.stream, &record.value).ok()?;
            let envelope = event.envelope()?.clone();
            let is_plain = !envelope.event_id.ends_with("-wrong") && !envelope.event_id.is_empty();
            // An event without its source or time stands beside the whole one.
            let is_whole = envelope.event_time_us > 0 && !envelope.source.is_empty();
            (is_plain && is_whole && record.partition.is_none())
                .then_some((envelope.event_id, envelope.event_time_us))
        });
        events.collect()
    };
    let settings = Settings {
        hours: 4,
        ..quiet(1)
    };
    let untidy = Settings {
        disorder: Disorder::default(),
        ..settings.clone()
    };
    assert!(key(settings) == key(untidy));
}

#[test]
fn memory_is_bounded_by_the_port_not_by_the_days() {
    let most = |hours| {
        let settings = Settings {
            hours,
            chatter_percent: 20,
            ..Settings::default()
        };
        let mut simulation = Simulation::new(settings).unwrap();
        let mut most = 0;
        while simulation.next().is_some() {
            let held = simulation.held();
            most = most.max(
                held.steps
                    + held.records
                    + held.containers
                    + held.craft
                    + held.calls
                    + held.rail_units,
            );
        }
        most
    };
    let (one_day, four_days) = (most(24), most(96));
    assert!(
        four_days < one_day * 3 / 2,
        "{one_day} things in one day, {four_days} in four"
    );
}

#[test]
fn heartbeats_reach_every_partition_of_every_stream_of_a_source() {
    let settings = Settings {
        hours: 2,
        partitions: Partitions {
            vessel: 3,
            container: 2,
            ..Partitions::all(1)
        },
        ..quiet(1)
    };
    let end_us = settings.end_at_us();
    let mut last: BTreeMap<(String, Stream, i32), i64> = BTreeMap::new();
    for record in Simulation::new(settings.clone()).unwrap() {
        let Some(partition) = record.partition else {
            continue;
        };
        let event = Event::decode(record.stream, &record.value).unwrap();
        let envelope = envelope(&event);
        assert_eq!(envelope.event_time_us, envelope.record_time_us);
        let place = (envelope.source.clone(), record.stream, partition);
        let before_us = last
            .insert(place, envelope.record_time_us)
            .unwrap_or(envelope.record_time_us);
        let span_s = (envelope.record_time_us - before_us) / SECOND_US;
        assert!(
            (0..=305).contains(&span_s),
            "{span_s} s after the last of {}",
            envelope.source
        );
    }
    let mut expected = 0;
    for source in crate::sources() {
        expected += source
            .streams
            .iter()
            .map(|stream| settings.partitions.of(*stream) as usize)
            .sum::<usize>();
    }
    assert_eq!(last.len(), expected);
    assert!(
        last.values().all(|at_us| *at_us >= end_us),
        "the last one closes the day"
    );
}

#[test]
fn settings_out_of_range_are_named() {
    let error = |settings| {
        Simulation::new(settings)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    };
    let text = error(Settings {
        hours: 0,
        ..Settings::default()
    });
    assert_eq!(text, "hours is 0: choose 1 to 8784");
    let text = error(Settings {
        start_at_us: -1,
        ..Settings::default()
    });
    assert!(text.starts_with("start_at_us is -1"), "{text}");
    assert_eq!(Truth::default().events(), 0);
}
