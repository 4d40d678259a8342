//! Each partial says which input it stands for. Merge takes none that does not continue those before: a commit of fold that was
//! lost or doubled would be rows that lack or count twice.

use std::sync::Arc;
use std::time::Duration;

use events::internal::Covered;
use pipeline::error::EngineError;
use pipeline::log::{Commit, LogError, Partition, Sink, Source};
use pipeline::memory::{HandClock, MemoryLog, MemorySink, MemorySource};
use pipeline::partials::{self, Told};
use pipeline::settings::{Bounded, Settings, SnapshotSettings};
use pipeline::worker::{MergeWorker, Shared, Stop};

use crate::fixture::{settings, topics};

/// Input offsets [from, to) of two partitions of a topic, one after the other.
type Stretch = (i32, i64, i64);

/// Two commits that all is well with: partitions do not wait for one another.
const BEFORE: [Stretch; 2] = [(0, 0, 10), (1, 3, 4)];

/// What may come behind them: where partition 0 goes on, and whether that is where it should.
const BEHIND: [(Stretch, bool); 5] = [
    ((0, 10, 15), true),
    ((1, 4, 5), true),
    ((0, 12, 15), false),
    ((0, 5, 10), false),
    ((0, 0, 10), false),
];

fn endless() -> Settings {
    Settings {
        bounded: Bounded::Never,
        ..settings(2, 1)
    }
}

/// Writes a commit of fold that stands for this input and brings nothing else.
fn write(log: &MemoryLog, (partition, from, to): Stretch) {
    let told = Told {
        covered: vec![Covered {
            topic: "container".to_owned(),
            partition,
            from,
            to,
            ..Covered::default()
        }],
        ..Told::default()
    };
    let records = partials::write(&"partials".into(), 1, &[], &told, 1_000, 0);
    for record in records.expect("it can be written") {
        log.append(record).expect("the topic exists");
    }
}

/// A log in which the first commits lie.
fn log_of(settings: &Settings) -> MemoryLog {
    let log = topics(settings);
    for stretch in BEFORE {
        write(&log, stretch);
    }
    log
}

/// Its commits may be half seen, as far as its owner knows.
struct AtLeastOnce(MemorySink);

impl Sink for AtLeastOnce {
    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        self.0.commit(commit)
    }

    fn is_atomic(&self) -> bool {
        false
    }
}

/// A worker of merge for some turns: how often it took up from a snapshot.
fn merge(log: &MemoryLog, settings: &Settings, is_strict: bool) -> Result<u64, EngineError> {
    let (source, sink) = log.join("merge", None, &["partials".into()], 4);
    match is_strict {
        true => run(settings, source, sink),
        false => run(settings, source, AtLeastOnce(sink)),
    }
}

fn run(settings: &Settings, source: MemorySource, sink: impl Sink) -> Result<u64, EngineError> {
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(settings.clone(), clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let mut merge = MergeWorker::new(shared, source, sink);
    for _ in 0..20 {
        clock.advance(Duration::from_millis(100));
        merge.turn(Duration::ZERO)?;
    }
    Ok(tally.snapshots().1)
}

fn position(log: &MemoryLog) -> Option<i64> {
    let position = log.position("merge", &Partition::new("partials", 0));
    position.map(|position| position.next_offset)
}

#[track_caller]
fn assert_stops(merged: Result<u64, EngineError>, log: &MemoryLog, (_, from, _): Stretch) {
    let error = merged.expect_err("it does not continue");
    let text = error.to_string();
    assert!(
        matches!(&error, EngineError::Gap { partition, expected: 10, found } if partition == "container[0]" && *found == from),
        "{text}"
    );
    assert!(text.contains("begin anew"), "{text}");
    assert!(position(log) <= Some(2), "nothing of it is committed");
}

#[test]
fn partials_that_do_not_continue_those_before_stop_merge() {
    let settings = endless();
    for (stretch, is_next) in BEHIND {
        // All at once, and behind a commit: then what was before is read in silence.
        for is_committed in [false, true] {
            let log = log_of(&settings);
            if is_committed {
                merge(&log, &settings, true).expect("all is well");
                assert_eq!(position(&log), Some(2));
            }
            write(&log, stretch);
            let merged = merge(&log, &settings, true);
            match is_next {
                true => assert_eq!((merged.ok(), position(&log)), (Some(0), Some(3))),
                false => assert_stops(merged, &log, stretch),
            }
        }
    }
}

#[test]
fn so_do_those_that_do_not_continue_a_snapshot() {
    let settings = Settings {
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(200),
            ..SnapshotSettings::default()
        },
        ..endless()
    };
    for (stretch, is_next) in BEHIND {
        let log = log_of(&settings);
        merge(&log, &settings, true).expect("all is well");
        // So that the snapshot alone knows what was before.
        let (mut source, _) = log.join("trim", None, &[], 1);
        let trimmed = source.trim(&Partition::new("partials", 0), 2);
        trimmed.expect("trimmed");
        write(&log, stretch);
        let merged = merge(&log, &settings, true);
        match is_next {
            true => assert_eq!((merged.ok(), position(&log)), (Some(1), Some(3))),
            false => assert_stops(merged, &log, stretch),
        }
    }
}

#[test]
fn at_least_once_they_are_taken_as_they_come() {
    let settings = endless();
    let log = log_of(&settings);
    for (stretch, _) in BEHIND {
        write(&log, stretch);
    }
    merge(&log, &settings, false).expect("it goes on");
    assert_eq!(position(&log), Some(7));
}
