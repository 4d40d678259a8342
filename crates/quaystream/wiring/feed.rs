//! Writes a simulated port, or imported events, into the input topics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use events::{Event, Stream};
use kafka::admin::Topic;
use kafka::feed::Feeder;
use portsim::{Partitions, Simulation};

use super::clock;
use super::signals::StopRequest;
use crate::config::Config;

/// Records between two looks at the clock.
const LOOK_EVERY: u64 = 64;

/// Names of the topics by stream.
pub type Topics = BTreeMap<Stream, String>;

/// The input topics of a configuration.
pub fn topics(config: &Config) -> Topics {
    config
        .engine
        .inputs
        .iter()
        .map(|input| (input.stream, input.topic.to_string()))
        .collect()
}

/// The number of partitions of each input topic, as the simulator wants it.
pub fn partitions(config: &Config) -> Partitions {
    let count = |stream| {
        let input = config
            .engine
            .inputs
            .iter()
            .find(|input| input.stream == stream);
        input.map_or(1, |input| input.partitions.unsigned_abs())
    };
    Partitions {
        vessel: count(Stream::Vessel),
        container: count(Stream::Container),
        rail: count(Stream::Rail),
        telemetry: count(Stream::Telemetry),
        reference: count(Stream::Reference),
        planner: count(Stream::Planner),
    }
}

/// How much is written, and how fast.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Records a second; none: as fast as they can be written.
    pub per_second: Option<u64>,
    /// At most so many records.
    pub records_max: Option<u64>,
}

/// Writes a simulation until it is over, `pace` ends it, or a stop is requested. `look` sees the number of records and
/// the simulated time, about every 64 records. Returns the number of records.
pub fn simulation(
    simulation: &mut Simulation,
    feeder: &mut Feeder,
    topics: &Topics,
    pace: Pace,
    stop: &StopRequest,
    mut look: impl FnMut(u64, i64),
) -> Result<u64, kafka::Error> {
    let began = Instant::now();
    let mut records = 0;
    while !stop.is_requested() && pace.records_max.is_none_or(|max| records < max) {
        let Some(produced) = simulation.next() else {
            break;
        };
        if let Some(topic) = topics.get(&produced.stream) {
            let key = Some(produced.key.as_slice()).filter(|key| !key.is_empty());
            feeder.send(
                topic,
                produced.partition,
                key,
                Some(&produced.value),
                produced.timestamp_ms,
            )?;
            records += 1;
        }
        if records % LOOK_EVERY == 0 {
            look(records, simulation.now_us());
            if let Some(per_second) = pace.per_second {
                let due = Duration::from_secs_f64(records as f64 / per_second.max(1) as f64);
                sleep_until(began + due, stop);
            }
        }
    }
    feeder.flush()?;
    Ok(records)
}

fn sleep_until(due: Instant, stop: &StopRequest) {
    while let Some(left) = due.checked_duration_since(Instant::now()) {
        if left.is_zero() || stop.is_requested() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}

/// Writes one event to the topic of its stream. Kafka's timestamp is now: retention counts from here, however old the event
/// is, and an event time ahead of it is in the future indeed.
pub fn event(feeder: &mut Feeder, topics: &Topics, event: &Event) -> Result<(), kafka::Error> {
    let Some(topic) = topics.get(&event.stream()) else {
        return Ok(());
    };
    let written_ms = clock::now_us() / 1_000;
    let (key, value) = (event.key(), event.encode_to_vec());
    feeder.send(topic, None, Some(&key), Some(&value), written_ms)
}

/// The input topics whose retention time lets go of records of this age, with that time, hours.
pub fn too_old_for(config: &Config, timestamp_ms: i64) -> Vec<(&str, i64)> {
    let age_ms = clock::now_us() / 1_000 - timestamp_ms;
    let retention_ms = |topic: &Topic| {
        let found = topic.settings.iter().find(|(key, _)| key == "retention.ms");
        found.and_then(|(_, value)| value.parse::<i64>().ok())
    };
    let inputs: BTreeSet<String> = topics(config).into_values().collect();
    let of_inputs = config
        .topics
        .iter()
        .filter(|topic| inputs.contains(&topic.name));
    of_inputs
        .filter_map(|topic| {
            let kept_ms = retention_ms(topic).filter(|kept| (0..age_ms).contains(kept))?;
            Some((topic.name.as_str(), kept_ms / 3_600_000))
        })
        .collect()
}
