//! What the port writes: three sources, four partitions a topic, disorder, copies, corrections, retractions, late rows,
//! unreadable and future-dated records. A day's workload hangs on its number alone.

use events::Event;
use events::v1::container_event::Body as Container;
use events::v1::rail_event::Body as Rail;
use events::v1::{
    BookingStatus, Classifier, ContainerEvent, Envelope, EquipmentEvent, EquipmentEventType,
    GateDirection, GateEvent, MoveEvent, RailBooking, RailEvent, SourceHeartbeat,
};

use crate::dice::Dice;
use crate::program::{CORRECTION_S, OUT_OF_ORDER_S, PARTITIONS};
use crate::reading::Record;

/// 2026-03-02T00:00:00Z.
pub const DAY_US: i64 = 1_772_409_600_000_000;
const SECOND_US: i64 = 1_000_000;
const HOURS: i64 = 4;
pub const EVENTS: usize = 2_000;
/// Between two heartbeats of a source in a partition.
const HEARTBEAT_US: i64 = 450 * SECOND_US;

fn envelope(source: &str, id: u64, at_us: i64) -> Envelope {
    Envelope {
        event_id: format!("{source}-{id}"),
        source: source.to_owned(),
        event_time_us: at_us,
        record_time_us: at_us + 2 * SECOND_US,
        classifier: Classifier::Act.into(),
        terminal_id: format!("T{}", id % 3),
        ..Envelope::default()
    }
}

fn container(envelope: Envelope, body: Container) -> Event {
    Event::Container(ContainerEvent {
        envelope: Some(envelope),
        body: Some(body),
    })
}

fn rail(envelope: Envelope, body: Rail) -> Event {
    Event::Rail(RailEvent {
        envelope: Some(envelope),
        body: Some(body),
    })
}

fn event(dice: &mut Dice, id: u64, at_us: i64) -> Event {
    match dice.below(20) {
        0..=7 => {
            let body = MoveEvent {
                container_id: format!("C{}", id % 97),
                teu_quarters: 4 + 4 * dice.below(2) as u32,
                ..MoveEvent::default()
            };
            container(envelope("tos", id, at_us), Container::MoveEvent(body))
        }
        8..=13 => {
            let comes = dice.below(5) < 3;
            let body = EquipmentEvent {
                container_id: format!("C{}", id % 97),
                event_type: EquipmentEventType::Gtin.into(),
                yard_block: format!("B{}", id % 2),
                teu_quarters: 4,
                yard_delta_teu_quarters: if comes { 4 } else { -4 },
                ..EquipmentEvent::default()
            };
            container(envelope("tos", id, at_us), Container::EquipmentEvent(body))
        }
        14..=17 => {
            let body = GateEvent {
                truck_id: format!("K{id}"),
                direction: GateDirection::In.into(),
                ..GateEvent::default()
            };
            container(envelope("gate", id, at_us), Container::GateEvent(body))
        }
        _ => {
            let booking = dice.below(25);
            let status = match dice.below(5) {
                0 => BookingStatus::Cancelled,
                _ => BookingStatus::Booked,
            };
            let body = RailBooking {
                booking_id: format!("K{booking}"),
                unit_id: format!("U{booking}"),
                teu_quarters: 4,
                length_dm: 122,
                gross_kg: 10_000,
                status: status.into(),
                ..RailBooking::default()
            };
            rail(envelope("rail", id, at_us), Rail::RailBooking(body))
        }
    }
}

fn heartbeat(source: &str, at_us: i64) -> Event {
    let envelope = Envelope {
        source: source.to_owned(),
        record_time_us: at_us,
        ..Envelope::default()
    };
    match source {
        "rail" => rail(envelope, Rail::Heartbeat(SourceHeartbeat {})),
        _ => container(envelope, Container::Heartbeat(SourceHeartbeat {})),
    }
}

/// The source that wrote a record; empty if it cannot be read.
pub fn source(record: &Record) -> String {
    let event = Event::decode(record.stream, &record.value);
    let envelope = event.ok().and_then(|event| event.envelope().cloned());
    envelope.map_or_else(String::new, |envelope| envelope.source)
}

/// A version of an event, and when its source could have written it.
struct Version {
    event: Event,
    at_us: i64,
}

/// An event, and what its source says of it later: another time, another place, or that it never was.
fn versions(dice: &mut Dice, id: u64, at_us: i64) -> Vec<Version> {
    let first = event(dice, id, at_us);
    let mut versions = vec![Version {
        event: first,
        at_us,
    }];
    while dice.one_in(5) && versions.len() < 5 {
        let before = &versions[versions.len() - 1];
        let mut at_us = before.at_us;
        let mut event = before.event.clone();
        if dice.one_in(2) {
            at_us += (dice.below(1_200) as i64 - 600) * SECOND_US;
            let other = self::event(dice, id, at_us);
            let source = |event: &Event| event.envelope().map(|envelope| envelope.source.clone());
            if source(&other) == source(&event) {
                event = other;
            }
        }
        let written_us = before
            .event
            .envelope()
            .map_or(0, |envelope| envelope.record_time_us);
        let envelope = event.envelope_mut();
        envelope.event_time_us = at_us;
        envelope.record_time_us = written_us + (1 + dice.below(300) as i64) * SECOND_US;
        envelope.terminal_id = format!("T{}", dice.below(3));
        envelope.is_retracted = dice.one_in(3);
        versions.push(Version { event, at_us });
    }
    versions
}

/// The records of a day in the order of arrival.
pub fn day(number: u64) -> Vec<Record> {
    let mut dice = Dice(0x5eed ^ number);
    let mut arrivals: Vec<(i64, Record)> = Vec::new();
    for id in 0..EVENTS as u64 {
        let at_us = DAY_US + (dice.below((HOURS * 3_600) as u64) as i64) * SECOND_US;
        for version in versions(&mut dice, id, at_us) {
            post(&mut dice, id, &version, &mut arrivals);
        }
    }
    beat(&mut arrivals);
    arrivals.sort_by_key(|(arrives_us, _)| *arrives_us);
    arrivals.into_iter().map(|(_, record)| record).collect()
}

/// A version on its way into the log, with copies and with records that are wrong.
fn post(dice: &mut Dice, id: u64, version: &Version, arrivals: &mut Vec<(i64, Record)>) {
    let Version { event, at_us } = version;
    let source = event.envelope().map(|envelope| envelope.source.clone());
    let bound = OUT_OF_ORDER_S
        .iter()
        .find(|(name, _)| Some(*name) == source.as_deref())
        .map_or(60, |(_, seconds)| *seconds);
    let delay_s = match dice.below(40) {
        // Late, most of them.
        0 => bound + 200 + dice.below(2_400),
        // Behind the watermark, and in time for corrections.
        1..=8 => bound + dice.below(CORRECTION_S),
        _ => dice.below(bound),
    };
    let arrives_us = at_us + delay_s as i64 * SECOND_US;
    let stream = event.stream();
    let record = |value: Vec<u8>, arrives_us: i64| Record {
        stream,
        partition: (id % PARTITIONS as u64) as i32,
        timestamp_ms: arrives_us / 1_000,
        value,
    };
    let value = event.encode_to_vec();
    if dice.one_in(6) {
        let again_us = arrives_us + dice.below(2 * bound) as i64 * SECOND_US;
        arrivals.push((again_us, record(value.clone(), again_us)));
    }
    match dice.below(200) {
        0 => arrivals.push((arrives_us, record(vec![0xff; 9], arrives_us))),
        // The clock of its record is an hour behind that of the event.
        1 => arrivals.push((
            arrives_us,
            record(value.clone(), arrives_us - 3_600 * SECOND_US),
        )),
        _ => {}
    }
    arrivals.push((arrives_us, record(value, arrives_us)));
}

/// Heartbeats of every source in every partition.
fn beat(arrivals: &mut Vec<(i64, Record)>) {
    let mut at_us = DAY_US;
    while at_us < DAY_US + HOURS * 3_600 * SECOND_US {
        for (source, _) in OUT_OF_ORDER_S {
            for partition in 0..PARTITIONS {
                let event = heartbeat(source, at_us);
                let record = Record {
                    stream: event.stream(),
                    partition,
                    timestamp_ms: at_us / 1_000,
                    value: event.encode_to_vec(),
                };
                arrivals.push((at_us, record));
            }
        }
        at_us += HEARTBEAT_US;
    }
}
