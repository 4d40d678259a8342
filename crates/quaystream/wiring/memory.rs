//! The whole pipeline in memory, one step after the other on this thread: for benchmarks and tests without Kafka.

use std::sync::Arc;
use std::time::Duration;

use pipeline::error::EngineError;
use pipeline::log::{LogError, Outgoing};
use pipeline::memory::{HandClock, MemoryLog};
use pipeline::outcome::Tally;
use pipeline::settings::{Bounded, Settings};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use portsim::Simulation;

use super::feed;
use crate::config::Config;

/// Moved on by each turn, so that every turn may commit.
const TURN: Duration = Duration::from_millis(500);

/// A log in memory with all topics of a configuration and a simulated port in them. Returns the number of records too.
pub fn simulated(config: &Config, simulation: Simulation) -> Result<(MemoryLog, u64), LogError> {
    let log = MemoryLog::default();
    for topic in &config.topics {
        log.create(
            &topic.name,
            i32::try_from(topic.partitions).unwrap_or(i32::MAX),
        );
    }
    let topics = feed::topics(config);
    let mut records = 0;
    for produced in simulation {
        let Some(topic) = topics.get(&produced.stream) else {
            continue;
        };
        log.append(Outgoing {
            topic: topic.as_str().into(),
            partition: produced.partition,
            key: Some(produced.key),
            value: Some(produced.value),
            timestamp_ms: produced.timestamp_ms,
            headers: Vec::new(),
        })?;
        records += 1;
    }
    Ok((log, records))
}

/// Runs fold and merge to the end of the log, `rows_max` records a turn, under the consumer groups of `name`: another name
/// reads the same log anew.
pub fn run(
    log: &MemoryLog,
    settings: &Settings,
    rows_max: usize,
    name: &str,
) -> Result<Arc<Tally>, EngineError> {
    let clock = Arc::new(HandClock::default());
    let settings = Settings {
        bounded: Bounded::UntilEnd,
        ..settings.clone()
    };
    let shared = Shared::new(settings.clone(), clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let inputs: Vec<Arc<str>> = settings
        .inputs
        .iter()
        .map(|input| Arc::clone(&input.topic))
        .collect();
    let partials = [Arc::clone(&settings.topics.partials)];
    let groups = [format!("{name}.fold"), format!("{name}.merge")];
    let (source, sink) = log.join(&groups[0], None, &inputs, rows_max);
    let mut fold = FoldWorker::new(shared.clone(), source, sink)?;
    let (source, sink) = log.join(&groups[1], None, &partials, 64);
    let mut merge = MergeWorker::new(shared, source, sink);
    let (mut is_folded, mut is_merged) = (false, false);
    while !(is_folded && is_merged) {
        clock.advance(TURN);
        is_folded = is_folded || fold.turn(Duration::ZERO)? == Turn::Done;
        is_merged = is_merged || merge.turn(Duration::ZERO)? == Turn::Done;
    }
    Ok(tally)
}
