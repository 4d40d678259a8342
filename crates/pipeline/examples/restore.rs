//! How long a start of merge takes: from nothing over the whole partials log, and from a snapshot, by keys and log length.
//!
//! `cargo run --release -p quaystream-pipeline --example restore -- [KEYS:EVENTS ...]`: a table and a window of 28 days hold
//! a row for each of so many containers, which so many events have moved. All times are of the processor.

#![allow(clippy::expect_used, clippy::print_stdout)] // a program for a person at a terminal

#[path = "../tests/engine/fixture.rs"]
#[allow(dead_code)]
mod fixture;

use std::sync::Arc;
use std::time::Duration;

use events::v1::container_event::Body;
use events::v1::{Classifier, ContainerEvent, Envelope, MoveEvent};
use events::{Message, Stream};
use pipeline::log::Outgoing;
use pipeline::memory::{HandClock, MemoryLog, MemorySink, MemorySource};
use pipeline::settings::{Bounded, Input, Settings, SnapshotSettings, SourceSettings};
use pipeline::worker::programs::Programs;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

const QUERIES: [(&str, &str); 2] = [
    (
        "container",
        "CREATE TABLE container (PRIMARY KEY (container_id)) AS
         SELECT container_id, terminal_id, teu_quarters FROM move_event",
    ),
    (
        "moved",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves, max(teu_quarters) AS teu
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '7' DAY, INTERVAL '28' DAY)
         GROUP BY window_start, window_end, container_id",
    ),
];

/// 2026-03-05T00:00:00Z, a Thursday: no window ends within five days.
const START_US: i64 = 1_772_668_800_000_000;
const DAYS_US: i64 = 5 * 86_400_000_000;

fn main() {
    let mut cases: Vec<(u64, u64)> = std::env::args()
        .skip(1)
        .map(|case| {
            let (keys, events) = case.split_once(':').expect("KEYS:EVENTS");
            (keys.parse().expect("keys"), events.parse().expect("events"))
        })
        .collect();
    if cases.is_empty() {
        cases = vec![(50_000, 50_000), (200_000, 200_000), (50_000, 400_000)];
    }
    println!(
        "   keys   events  partials MB  snapshot MB  stall s  written s  from nothing s  from snapshot s"
    );
    for (keys, events) in cases {
        case(keys, events);
    }
}

fn case(keys: u64, events: u64) {
    let clock = Arc::new(HandClock::default());
    let programs = Programs::default();
    let shared = |interval_s: u64| Shared {
        programs: programs.clone(),
        ..Shared::new(settings(interval_s), clock.clone(), Stop::default())
    };
    let log = filled(keys, events);
    let (source, sink) = log.join("fold", None, &["container".into()], 20_000);
    let mut fold = FoldWorker::new(shared(0), source, sink).expect("fold starts");
    loop {
        clock.advance(Duration::from_millis(200));
        if fold.turn(Duration::ZERO).expect("fold goes on") == Turn::Idle {
            break;
        }
    }
    drop(fold);

    let mut first = merge(&log, shared(0));
    while first.turn(Duration::ZERO).expect("merge goes on") != Turn::Idle {
        clock.advance(Duration::from_millis(200));
    }
    clock.advance(Duration::from_secs(1));
    first.turn(Duration::ZERO).expect("it commits");
    drop(first);

    let mut second = merge(&log, shared(1));
    let tally = Arc::clone(&second.1);
    let (from_nothing, _) = timed(|| second.0.turn(Duration::ZERO));
    let (mut stall, mut written) = (0.0_f64, 0.0);
    while tally.snapshots().0 == 0 {
        clock.advance(Duration::from_secs(2));
        let (seconds, turn) = timed(|| second.0.turn(Duration::ZERO));
        turn.expect("it writes");
        stall = stall.max(seconds);
        written += seconds;
    }
    drop(second);

    let mut third = merge(&log, shared(0));
    let (from_snapshot, turn) = timed(|| third.0.turn(Duration::ZERO));
    turn.expect("it takes up");
    assert_eq!(third.1.snapshots().1, 1, "from a snapshot");
    let megabytes = |topic: &str| {
        let records = log.records(topic).into_iter().flatten();
        let bytes: usize = records
            .filter_map(|record| record.value)
            .map(|value| value.len())
            .sum();
        bytes as f64 / 1e6
    };
    println!(
        "{keys:7} {events:8} {:12.1} {:12.1} {stall:8.2} {written:10.2} {from_nothing:15.2} {from_snapshot:16.2}",
        megabytes("partials"),
        megabytes("snapshots"),
    );
}

/// A worker of merge with its totals.
struct Started(
    MergeWorker<MemorySource, MemorySink>,
    Arc<pipeline::outcome::Tally>,
);

impl Started {
    fn turn(&mut self, wait: Duration) -> Result<Turn, pipeline::error::EngineError> {
        self.0.turn(wait)
    }
}

fn merge(log: &MemoryLog, shared: Shared) -> Started {
    let topics = [Arc::clone(&shared.settings.topics.partials)];
    let (source, sink) = log.join("merge", None, &topics, 64);
    let tally = Arc::clone(&shared.tally);
    Started(MergeWorker::new(shared, source, sink, true), tally)
}

/// Seconds of the processor that something takes on this thread.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = processor_s();
    let done = work();
    (processor_s() - before, done)
}

fn processor_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("nanoseconds") / 1e9
}

fn settings(interval_s: u64) -> Settings {
    let queries = QUERIES.map(|(name, text)| SqlFile::new(name, text));
    Settings {
        inputs: vec![Input {
            stream: Stream::Container,
            topic: "container".into(),
            partitions: 1,
        }],
        sources: vec![SourceSettings {
            name: "tos".to_owned(),
            streams: vec![Stream::Container],
            out_of_order_max: Duration::from_secs(60),
        }],
        queries: queries.to_vec(),
        bounded: Bounded::Never,
        table_keys_max: 10_000_000,
        query_keys_max: 10_000_000,
        snapshots: SnapshotSettings {
            interval: Duration::from_secs(interval_s),
            ..SnapshotSettings::default()
        },
        ..fixture::settings(1, 1)
    }
}

fn filled(keys: u64, events: u64) -> MemoryLog {
    let log = MemoryLog::default();
    for topic in [
        "container",
        "partials",
        "intake-state",
        "snapshots",
        "rejects",
        "window-stats",
    ] {
        log.create(topic, 1);
    }
    for id in 0..events {
        let at_us = START_US + (DAYS_US / events as i64) * id as i64;
        let envelope = Envelope {
            event_id: format!("move-{id}"),
            source: "tos".to_owned(),
            event_time_us: at_us,
            record_time_us: at_us,
            classifier: Classifier::Act.into(),
            terminal_id: format!("T{}", id % 10),
            ..Envelope::default()
        };
        let body = MoveEvent {
            container_id: format!("MSCU{:07}", id % keys),
            teu_quarters: 4,
            ..MoveEvent::default()
        };
        let event = ContainerEvent {
            envelope: Some(envelope),
            body: Some(Body::MoveEvent(body)),
        };
        let record = Outgoing {
            topic: "container".into(),
            partition: Some(0),
            key: None,
            value: Some(event.encode_to_vec()),
            timestamp_ms: at_us / 1_000,
            headers: Vec::new(),
        };
        log.append(record).expect("the topic exists");
    }
    log
}
