//! A recount of the input topics that shares nothing with the processor but the topics: records are decoded by prost, and
//! the rules of intake are written down a second time, in their shortest form.

use std::cmp::Ordering;
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
    /// Of the rows that count, those in place of a version before.
    pub corrected: u64,
    /// Retractions.
    pub retracted: u64,
    /// Versions that came after a newer one.
    pub superseded: u64,
    /// Rows that came too late.
    pub late: u64,
    /// Records that cannot be used for another reason.
    pub unusable: u64,
    /// Lorries that left, by the gate's record: accepted gate-outs that were not taken back.
    pub gate_outs: u64,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Counts,
    Retraction,
    Duplicate,
    Superseded,
    Late,
}

/// A version of an event whose source corrects and retracts.
#[derive(Debug, Clone, Copy)]
struct Version {
    /// Record time; of one instant a retraction is the later.
    order: (i64, bool),
    row_time_us: i64,
    is_gate_out: bool,
}

/// The state of one partition.
#[derive(Default)]
struct Partition {
    latest_us: HashMap<String, i64>,
    seen: HashMap<(String, String, i64), u32>,
    versions: HashMap<(String, String), Vec<Version>>,
}

impl Partition {
    /// Rows of a source before this are late.
    fn limit_us(&self, settings: &Settings, source: &str) -> Option<i64> {
        let latest_us = self.latest_us.get(source)?;
        Some(latest_us - settings.rules(source).out_of_order_us - micros(settings.correction_max))
    }

    /// Where every version is an event of its own.
    fn event(&mut self, envelope: &v1::Envelope, row_time_us: i64, limit_us: Option<i64>) -> Class {
        let id = (
            envelope.source.clone(),
            envelope.event_id.clone(),
            envelope.record_time_us,
        );
        let copies = self.seen.entry(id.clone()).or_default();
        *copies += 1;
        if *copies > 1 {
            return Class::Duplicate;
        }
        if limit_us.is_some_and(|limit_us| row_time_us < limit_us) {
            // A late row was never accepted: a copy of it is late again.
            self.seen.remove(&id);
            return Class::Late;
        }
        Class::Counts
    }

    /// Where the latest version counts; with the version that it takes back.
    fn version(
        &mut self,
        envelope: &v1::Envelope,
        version: Version,
        limit_us: Option<i64>,
    ) -> (Class, Option<Version>) {
        let is_late = |time_us: i64| limit_us.is_some_and(|limit_us| time_us < limit_us);
        let id = (envelope.source.clone(), envelope.event_id.clone());
        let versions = self.versions.entry(id).or_default();
        if versions.iter().all(|known| is_late(known.row_time_us)) {
            versions.clear();
        }
        let newest = versions.iter().max_by_key(|known| known.order).copied();
        match newest.map(|newest| version.order.cmp(&newest.order)) {
            Some(Ordering::Equal) => return (Class::Duplicate, None),
            Some(Ordering::Less) => return (Class::Superseded, None),
            _ if is_late(version.row_time_us) => return (Class::Late, None),
            _ => versions.push(version),
        }
        let class = match version.order.1 {
            true => Class::Retraction,
            false => Class::Counts,
        };
        let former = newest.filter(|newest| !newest.order.1 && !is_late(newest.row_time_us));
        (class, former)
    }
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
        let is_gate_out = kind == Kind::GateOut;
        let limit_us = partition.limit_us(settings, &envelope.source);
        if is_heartbeat {
            self.heartbeats += 1;
        } else {
            let class = match settings.rules(&envelope.source).has_corrections {
                false => partition.event(envelope, row_time_us, limit_us),
                true => {
                    let version = Version {
                        order: (envelope.record_time_us, envelope.is_retracted),
                        row_time_us,
                        is_gate_out,
                    };
                    let (class, former) = partition.version(envelope, version, limit_us);
                    let is_corrected = class == Class::Counts && former.is_some();
                    self.corrected += u64::from(is_corrected);
                    self.gate_outs -= u64::from(former.is_some_and(|former| former.is_gate_out));
                    class
                }
            };
            let count = match class {
                Class::Counts => &mut self.accepted,
                Class::Retraction => &mut self.retracted,
                Class::Duplicate => &mut self.duplicates,
                Class::Superseded => &mut self.superseded,
                Class::Late => &mut self.late,
            };
            *count += 1;
            self.gate_outs += u64::from(class == Class::Counts && is_gate_out);
            if !matches!(class, Class::Counts | Class::Retraction) {
                return;
            }
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
            ("corrected", self.corrected, counts.corrected),
            ("retracted", self.retracted, counts.retracted),
            ("superseded", self.superseded, counts.superseded),
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
