//! `guarantee = "at-least-once"`: processes that die between the records of a commit and its positions. Rows of that commit are
//! there twice, none is missing, and whoever takes over finds a state that goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::v1::WindowStat;
use events::v1::cell::Value;
use pipeline::log::{Commit, LogError, Outgoing, Partition, Sink};
use pipeline::memory::{HandClock, MemoryLog, MemorySink};
use pipeline::outcome::Tally;
use pipeline::settings::{Settings, SnapshotSettings, SourceSettings};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};

use crate::fixture::{port, settings, stats};
use crate::relay::{OUTPUTS, Relay, everything};

const DEATH: &str = "the process died between records and positions";
const TURNS_MAX: usize = 3_000;

/// Records, then positions.
struct Plain {
    log: MemoryLog,
    positions: MemorySink,
    deaths: Arc<Mutex<Deaths>>,
}

/// After how many commits with news a process dies, one after the other, and what those commits held.
#[derive(Default)]
struct Deaths {
    due: Vec<usize>,
    commits: usize,
    written: Vec<Outgoing>,
    count: usize,
    /// Offsets that were read for those commits.
    read: i64,
    /// Behind the last of them, by partition.
    to: BTreeMap<Partition, i64>,
    committed: BTreeMap<Partition, i64>,
}

impl Deaths {
    fn new(due: &[usize]) -> Arc<Mutex<Deaths>> {
        let due = due.iter().rev().copied().collect();
        Arc::new(Mutex::new(Deaths {
            due,
            ..Deaths::default()
        }))
    }
}

impl Sink for Plain {
    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        let mut deaths = self.deaths.lock().expect("not poisoned");
        let is_news = |record: &Outgoing| &*record.topic != "snapshots";
        let has_news = commit.records.iter().any(is_news);
        deaths.commits += usize::from(has_news);
        for record in &commit.records {
            self.log.append(record.clone())?;
        }
        let is_due = deaths.due.last() == Some(&deaths.commits);
        if is_due && has_news {
            deaths.due.pop();
            deaths.commits = 0;
            deaths.count += 1;
            deaths.written.extend(commit.records);
            for (partition, position) in &commit.positions {
                let before = deaths.committed.get(partition).copied();
                deaths.read += position.next_offset - before.unwrap_or_default();
                deaths.to.insert(partition.clone(), position.next_offset);
            }
            return Err(LogError::Fatal(DEATH.to_owned()));
        }
        for (partition, position) in &commit.positions {
            let next_offset = position.next_offset;
            deaths.committed.insert(partition.clone(), next_offset);
        }
        self.positions.commit(Commit {
            records: Vec::new(),
            positions: commit.positions,
        })
    }

    fn is_atomic(&self) -> bool {
        false
    }
}

/// A turn of a worker: whether it is done, or has died.
fn outlived<E: std::fmt::Display>(turn: Result<Turn, E>) -> Option<Turn> {
    match turn {
        Ok(turn) => Some(turn),
        Err(error) if error.to_string().contains(DEATH) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Merge over all partials of a relay, with deaths.
fn merges(relay: &Relay, due: &[usize]) -> (Arc<Tally>, Arc<Mutex<Deaths>>) {
    let (tally, deaths) = (Arc::<Tally>::default(), Deaths::new(due));
    let topics = [Arc::clone(&relay.shared.settings.topics.partials)];
    for _ in 0..=due.len() {
        let shared = Shared {
            tally: Arc::clone(&tally),
            ..relay.shared.clone()
        };
        let (source, positions) = relay.log.join("merge", None, &topics, 2);
        let sink = Plain {
            log: relay.log.clone(),
            positions,
            deaths: Arc::clone(&deaths),
        };
        let mut merge = MergeWorker::new(shared, source, sink);
        for _ in 0..TURNS_MAX {
            relay.clock.advance(Duration::from_millis(50));
            match outlived(merge.turn(Duration::ZERO)) {
                Some(Turn::Done) => return (tally, deaths),
                Some(_) => {}
                None => break,
            }
        }
    }
    panic!("merge does not come to its end");
}

type Counted = BTreeMap<(String, Vec<u8>, Option<Vec<u8>>), usize>;

fn counted(records: impl Iterator<Item = (String, Option<Vec<u8>>, Option<Vec<u8>>)>) -> Counted {
    let mut counted = Counted::new();
    for (topic, key, value) in records {
        let record = (topic, key.unwrap_or_default(), value);
        *counted.entry(record).or_default() += 1;
    }
    counted
}

#[test]
fn a_merge_that_dies_before_its_positions_repeats_the_rows_of_that_commit_and_no_other() {
    // Whole ones, often: some of those who die leave a snapshot that is ahead of the group.
    let settings = Settings {
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(200),
            ..SnapshotSettings::default()
        },
        ..everything()
    };
    let outputs = |relay: &Relay| {
        let records = OUTPUTS.iter().flat_map(|topic| {
            let stored = relay.log.records(topic).into_iter().flatten();
            stored.map(|stored| ((*topic).to_owned(), stored.key, stored.value))
        });
        counted(records)
    };
    let undisturbed = Relay::new(settings.clone(), 2, 1_500);
    undisturbed.run(usize::MAX, 1);
    let mut expected = outputs(&undisturbed);

    let relay = Relay::new(settings, 2, 1_500);
    let (tally, deaths) = merges(&relay, &[1, 4, 3, 7, 5, 2, 9]);
    let deaths = deaths.lock().expect("not poisoned");
    assert_eq!(deaths.count, 7);
    let (written, restored) = tally.snapshots();
    assert!(written >= 3 && restored >= 3, "{written} {restored}");
    let again = deaths.written.iter();
    let again = again.filter(|record| OUTPUTS.contains(&&*record.topic));
    let again = again.map(|it| (it.topic.to_string(), it.key.clone(), it.value.clone()));
    let again = counted(again);
    assert!(again.len() > 20, "{}", again.len());
    for (record, times) in again {
        *expected.entry(record).or_default() += times;
    }
    let found = outputs(&relay);
    let differing = expected
        .iter()
        .find(|(record, times)| found.get(record) != Some(times));
    assert!(differing.is_none(), "{differing:?}");
    assert_eq!(found.len(), expected.len());
}

/// Both stages to the end of the input; fold dies as said.
fn run(log: &MemoryLog, settings: &Settings, due: &[usize]) -> Arc<Mutex<Deaths>> {
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(settings.clone(), clock.clone(), Stop::default());
    let inputs = settings.inputs.iter();
    let inputs: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
    let (deaths, nobody) = (Deaths::new(due), Deaths::new(&[]));
    let plain = |positions: MemorySink, deaths: &Arc<Mutex<Deaths>>| Plain {
        log: log.clone(),
        positions,
        deaths: Arc::clone(deaths),
    };
    let new_fold = || {
        let (source, sink) = log.join("fold", None, &inputs, 400);
        FoldWorker::new(shared.clone(), source, plain(sink, &deaths)).expect("fold starts")
    };
    let mut fold = new_fold();
    let (source, sink) = log.join("merge", None, &["partials".into()], 64);
    let mut merge = MergeWorker::new(shared.clone(), source, plain(sink, &nobody));
    let (mut folded, mut merged) = (false, false);
    for _ in 0..TURNS_MAX {
        clock.advance(Duration::from_millis(50));
        if !folded {
            match outlived(fold.turn(Duration::ZERO)) {
                Some(turn) => folded = turn == Turn::Done,
                // The dead one leaves the group before its heir comes.
                None => {
                    drop(fold);
                    fold = new_fold();
                }
            }
        }
        merged = merged || merge.turn(Duration::ZERO).expect("merge goes on") == Turn::Done;
        if folded && merged {
            return deaths;
        }
    }
    panic!("the engine does not come to its end; {:?}", merge.slowest());
}

type Window = (String, i64, Vec<String>);

/// Final rows: the count in each, by query, window and key.
fn counts(rows: &[WindowStat], query: &str, column: &str) -> BTreeMap<Window, i64> {
    let mut counts = BTreeMap::new();
    for row in rows.iter().filter(|row| row.query == query && row.is_final) {
        let texts = row.cells.iter().filter_map(|cell| match &cell.value {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        });
        let key: Vec<String> = texts.collect();
        let counted = row.cells.iter().find(|cell| cell.name == column);
        let count = match counted.and_then(|cell| cell.value.as_ref()) {
            Some(Value::Integer(count)) => *count,
            _ => panic!("no {column}: {row:?}"),
        };
        let window = (query.to_owned(), row.window_start_us, key);
        let before = counts.insert(window, count);
        assert_eq!(before, None, "final once");
    }
    counts
}

/// Behind this instant no row of a source was read by who died, with room for disorder.
fn undisturbed_from_us(log: &MemoryLog, deaths: &Deaths, topics: &[&str]) -> i64 {
    const DISORDER_US: i64 = 600_000_000;
    let of_topics = deaths.to.iter();
    let of_topics = of_topics.filter(|(partition, _)| topics.contains(&&*partition.topic));
    let last_us = of_topics.map(|(partition, to)| {
        let records = &log.records(&partition.topic)[partition.index as usize];
        records[..*to as usize]
            .last()
            .map_or(0, |record| record.timestamp_ms * 1_000)
    });
    last_us.max().unwrap_or_default() + DISORDER_US
}

#[test]
fn a_fold_that_dies_before_its_positions_has_that_input_counted_twice_and_no_other() {
    let settings = settings(2, 2);
    let (undisturbed, _) = port(9, 5, 3_000, &settings);
    run(&undisturbed, &settings, &[]);
    let (log, _) = port(9, 5, 3_000, &settings);
    let deaths = run(&log, &settings, &[20, 4, 4]);
    let deaths = deaths.lock().expect("not poisoned");
    assert_eq!(deaths.count, 3);
    for (query, column) in [("moves", "moves"), ("intake_all", "records")] {
        let expected = counts(&stats(&undisturbed), query, column);
        let found = counts(&stats(&log), query, column);
        assert_eq!(found.len(), expected.len(), "{query}");
        let (mut more, mut behind) = (0, 0);
        for (window, count) in &expected {
            let found = found.get(window).copied().unwrap_or_default();
            assert!(found >= *count, "{window:?}: {found} of {count}");
            more += found - count;
            let of_row = |source: &&SourceSettings| window.2.contains(&source.name);
            let sources = settings.sources.iter().filter(of_row);
            let streams = sources.flat_map(|source| &source.streams);
            let topics: Vec<&str> = match query {
                "moves" => vec!["container"],
                _ => streams.map(|stream| stream.name()).collect(),
            };
            // What is known of the input is whole again: copies and lateness are told as ever.
            if window.1 >= undisturbed_from_us(&log, &deaths, &topics) {
                assert_eq!(found, *count, "{window:?}");
                behind += 1;
            }
        }
        // Windows of `intake_all` overlap, two for a record.
        assert!((1..=2 * deaths.read).contains(&more), "{query}: {more}");
        assert!(behind > 10, "{query}: {behind}");
    }
}
