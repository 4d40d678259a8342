//! A recount of the input topics that shares nothing with the processor but the topics: records are decoded by prost, and
//! the rules of intake are written down a second time, in their shortest form.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use events::v1::{
    self, Classifier, container_event, planner_event, rail_event, reference_event, telemetry_event,
    vessel_event,
};
use events::{Event, Stream};
use kafka::Isolation;
use kafka::tail::{From, Tail};
use pipeline::outcome::Tally;
use pipeline::settings::{Settings, micros};

use super::outputs::Outputs;
use crate::cli::CliError;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(20);
/// Windows of query Y3 that a moment lies in: an hour long, one every five minutes.
const Y3_WINDOWS: u64 = 12;

/// Counts of the input topics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recount {
    /// All records.
    pub records: u64,
    /// Rows that count.
    pub accepted: u64,
    /// Exact copies.
    pub duplicates: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Rows that came too late.
    pub late: u64,
    /// Records that cannot be used for another reason.
    pub unusable: u64,
    /// Lorries that left, by the gate's record: accepted gate-outs.
    pub gate_outs: u64,
}

/// The state of one partition.
#[derive(Default)]
struct Partition {
    latest_us: HashMap<String, i64>,
    seen: HashMap<(String, String, i64), u32>,
}

impl Recount {
    /// Reads all input topics.
    pub fn read(config: &Config) -> Result<Recount, CliError> {
        let mut recount = Recount::default();
        for input in &config.engine.inputs {
            let mut partitions: BTreeMap<i32, Partition> = BTreeMap::new();
            let mut tail = Tail::open(
                &config.kafka,
                &input.topic,
                None,
                From::Beginning,
                Isolation::ReadCommitted,
            )?;
            while !tail.at_end() {
                let Some(record) = tail.next(PATIENCE)? else {
                    if tail.at_end() {
                        break;
                    }
                    return Err(CliError::Usage(format!(
                        "topic {} was not readable to its end",
                        input.topic
                    )));
                };
                let partition = partitions.entry(record.partition).or_default();
                recount.records += 1;
                let value = record.value.unwrap_or_default();
                recount.count(
                    partition,
                    &config.engine,
                    input.stream,
                    &value,
                    record.timestamp_ms,
                );
            }
        }
        Ok(recount)
    }

    fn count(
        &mut self,
        partition: &mut Partition,
        settings: &Settings,
        stream: Stream,
        value: &[u8],
        timestamp_ms: i64,
    ) {
        let readable = Event::decode(stream, value)
            .ok()
            .filter(|_| !value.is_empty());
        let Some((event, kind)) = readable
            .and_then(|event| Some((kind_of(&event)?, event)).map(|(kind, event)| (event, kind)))
        else {
            self.unusable += 1;
            return;
        };
        let Some(envelope) = event.envelope() else {
            self.unusable += 1;
            return;
        };
        let is_heartbeat = kind == Kind::Heartbeat;
        let is_dated =
            envelope.record_time_us != 0 && (is_heartbeat || envelope.event_time_us != 0);
        let is_named =
            !envelope.source.is_empty() && (is_heartbeat || !envelope.event_id.is_empty());
        let row_time_us = row_time_us(envelope, is_heartbeat);
        let is_future = row_time_us > timestamp_ms * 1_000 + micros(settings.future_max);
        if !is_dated || !is_named || is_future {
            self.unusable += 1;
            return;
        }
        if !is_heartbeat {
            let id = (
                envelope.source.clone(),
                envelope.event_id.clone(),
                envelope.record_time_us,
            );
            let copies = partition.seen.entry(id.clone()).or_default();
            *copies += 1;
            if *copies > 1 {
                self.duplicates += 1;
                return;
            }
            let bound_us =
                settings.out_of_order_us(&envelope.source) + micros(settings.correction_max);
            if partition
                .latest_us
                .get(&envelope.source)
                .is_some_and(|latest_us| row_time_us < latest_us - bound_us)
            {
                // A late row was never accepted: a copy of it is late again.
                partition.seen.remove(&id);
                self.late += 1;
                return;
            }
            self.accepted += 1;
            self.gate_outs += u64::from(kind == Kind::GateOut);
        } else {
            self.heartbeats += 1;
        }
        let latest_us = partition
            .latest_us
            .entry(envelope.source.clone())
            .or_insert(row_time_us);
        *latest_us = row_time_us.max(*latest_us);
    }

    /// What the processor counted otherwise; empty if nothing. The windowed figure that is recounted is that of lorries.
    pub fn differences(&self, tally: &Tally, outputs: &Outputs) -> Vec<String> {
        let counts = tally.intake_counts();
        let rejects = tally.rejects();
        let late = rejects.get("late").copied().unwrap_or_default();
        // These two are found behind intake: the row was accepted first.
        let behind = ["late_in_merge", "query_error", "check_digit"]
            .iter()
            .filter_map(|reason| rejects.get(reason))
            .sum::<u64>();
        let unusable = rejects.values().sum::<u64>() - late - behind;
        let pairs = [
            ("records", self.records, counts.records),
            ("accepted", self.accepted, counts.accepted),
            ("duplicates", self.duplicates, counts.duplicates),
            ("heartbeats", self.heartbeats, counts.heartbeats),
            ("late", self.late, late),
            ("otherwise rejected", self.unusable, unusable),
        ];
        let y3 = outputs.sum("y3_truck_turn_time", "trucks").map(|trucks| {
            (
                "lorries out, in each of their windows",
                self.gate_outs * Y3_WINDOWS,
                trucks.unsigned_abs(),
            )
        });
        let pairs: Vec<_> = pairs.into_iter().chain(y3).collect();
        let differing = pairs.iter().filter(|(_, mine, theirs)| mine != theirs);
        differing
            .map(|(name, mine, theirs)| format!("{name}: recounted {mine}, processor {theirs}"))
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Heartbeat,
    GateOut,
    Other,
}

/// What an event is about; none if it has no body.
fn kind_of(event: &Event) -> Option<Kind> {
    let is_heartbeat = match event {
        Event::Vessel(event) => matches!(event.body.as_ref()?, vessel_event::Body::Heartbeat(_)),
        Event::Container(event) => match event.body.as_ref()? {
            container_event::Body::Heartbeat(_) => true,
            container_event::Body::GateEvent(gate)
                if gate.direction == i32::from(v1::GateDirection::Out) =>
            {
                return Some(Kind::GateOut);
            }
            _ => false,
        },
        Event::Rail(event) => matches!(event.body.as_ref()?, rail_event::Body::Heartbeat(_)),
        Event::Telemetry(event) => {
            matches!(event.body.as_ref()?, telemetry_event::Body::Heartbeat(_))
        }
        Event::Reference(event) => {
            matches!(event.body.as_ref()?, reference_event::Body::Heartbeat(_))
        }
        Event::Planner(event) => matches!(event.body.as_ref()?, planner_event::Body::Heartbeat(_)),
    };
    Some(if is_heartbeat {
        Kind::Heartbeat
    } else {
        Kind::Other
    })
}

fn row_time_us(envelope: &v1::Envelope, is_heartbeat: bool) -> i64 {
    let is_forecast = matches!(
        envelope.classifier(),
        Classifier::Est | Classifier::Pln | Classifier::Req
    );
    if is_heartbeat || is_forecast {
        envelope.record_time_us
    } else {
        envelope.event_time_us
    }
}
