//! What earlier versions left behind: partials and a snapshot of theirs. Merge goes on from it, and its rows are those of a
//! merge that was never stopped, now; its final rows those of the version that wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use events::Message;
use events::internal::SnapshotManifest;
use events::v1::{Cell, WindowStat};
use pipeline::log::{Batch, Commit, Outgoing, Partition, Signal, Sink, Source};
use pipeline::memory::{HandClock, MemoryLog, Stored};
use pipeline::settings::{Settings, SnapshotSettings};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

use crate::fixture::{port, settings};

/// Of format 1: 4c1059d was the first version with another. Of format 2: f1fec55 was the first to change the state of
/// percentiles. Of format 3: 0df164f was the first with rows that wait for some queries alone.
const FORMER: [(u32, &[u8]); 3] = [
    (1, include_bytes!("fixtures/history_1.bin")),
    (2, include_bytes!("fixtures/history_2.bin")),
    (3, include_bytes!("fixtures/history_3.bin")),
];

/// Every kind of state that both had. Their texts must stay: state is known by them.
const QUERIES: [(&str, &str); 9] = [
    (
        "sums",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves, max(teu_quarters) AS most
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "percentiles",
        "INSERT INTO window_stat SELECT window_start, window_end,
           CAST(round(100 * percentile_cont(0.5) WITHIN GROUP (ORDER BY teu_quarters)) AS BIGINT) AS middle,
           CAST(round(100 * percentile_cont(0.9) WITHIN GROUP (ORDER BY teu_quarters)) AS BIGINT) AS most,
           approx_percentile(teu_quarters, 0.9) AS about
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end",
    ),
    (
        "different",
        "INSERT INTO window_stat SELECT window_start, window_end, count(DISTINCT container_id) AS containers
         FROM CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '120' MINUTE)
         GROUP BY window_start, window_end",
    ),
    (
        "sessions",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), INTERVAL '8' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "early",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, sum(teu_quarters) AS teu
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '60' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "joined",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((
           SELECT g.row_time, g.terminal_id FROM equipment_event g
           JOIN move_event m ON m.terminal_id = g.terminal_id
             AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '20' MINUTE), DESCRIPTOR(row_time), INTERVAL '30' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "level",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id), yard_delta_teu_quarters, INTERVAL '30' MINUTE)",
    ),
    (
        "slot",
        "CREATE TABLE slot (PRIMARY KEY (train_slot_id)) AS SELECT train_slot_id, corridor, departure_planned_at FROM train_slot",
    ),
    (
        "ticks",
        "INSERT INTO window_stat SELECT window_start, window_end, corridor, count(*) AS trains
         FROM TICK(INTERVAL '60' MINUTE) AS t JOIN slot ON slot.departure_planned_at > t.tick_at
         GROUP BY window_start, window_end, corridor",
    ),
];

const PARTIALS: &str = "partials";
const SNAPSHOTS: &str = "snapshots";
const ROWS: &str = "window-stats";

fn history() -> Settings {
    let queries = QUERIES.map(|(name, text)| SqlFile::new(name, text));
    Settings {
        queries: queries.to_vec(),
        early: BTreeMap::from([("early".to_owned(), Duration::from_secs(300))]),
        correction_max: Duration::from_secs(120),
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(300),
            ..SnapshotSettings::default()
        },
        ..settings(1, 1)
    }
}

/// What a version left, and what it wrote in the end.
struct History {
    partials: Vec<Stored>,
    /// Records of one whole snapshot.
    snapshot: Vec<Stored>,
    /// So far the partials were read when it was stopped.
    read: i64,
    rows: Vec<Stored>,
}

impl History {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |value: &[u8]| {
            let written = value.to_vec().encode_length_delimited(&mut bytes);
            written.expect("memory is enough");
        };
        put(self.read.to_string().as_bytes());
        for records in [&self.partials, &self.snapshot, &self.rows] {
            put(records.len().to_string().as_bytes());
            for record in records {
                put(record.timestamp_ms.to_string().as_bytes());
                put(record.key.as_deref().unwrap_or_default());
                put(record.value.as_deref().expect("no tombstones"));
            }
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> History {
        let mut take = || Vec::<u8>::decode_length_delimited(&mut bytes).expect("whole");
        let number = |text: &[u8]| -> i64 {
            let text = std::str::from_utf8(text).expect("a number");
            text.parse().expect("a number")
        };
        let read = number(&take());
        let mut records = || -> Vec<Stored> {
            let count = number(&take());
            let record = |_| Stored {
                timestamp_ms: number(&take()),
                key: Some(take()),
                value: Some(take()),
            };
            (0..count).map(record).collect()
        };
        History {
            partials: records(),
            snapshot: records(),
            rows: records(),
            read,
        }
    }

    fn manifest(&self) -> SnapshotManifest {
        let is_manifest = |record: &&Stored| {
            let key = record.key.as_deref().expect("a key");
            key.ends_with(b"/manifest")
        };
        let record = self.snapshot.iter().find(is_manifest).expect("a manifest");
        let value = record.value.as_deref().expect("no tombstone");
        SnapshotManifest::decode(value).expect("readable")
    }
}

/// A log with the topics of merge, and partials in it.
fn log_of(partials: &[Stored]) -> MemoryLog {
    let log = MemoryLog::default();
    for topic in [PARTIALS, SNAPSHOTS, ROWS, "rejects"] {
        log.create(topic, 1);
    }
    write(&log, PARTIALS, partials);
    log
}

fn write(log: &MemoryLog, topic: &str, records: &[Stored]) {
    for record in records.iter().cloned() {
        let outgoing = Outgoing {
            topic: topic.into(),
            partition: Some(0),
            key: record.key,
            value: record.value,
            timestamp_ms: record.timestamp_ms,
            headers: Vec::new(),
        };
        log.append(outgoing).expect("the topic exists");
    }
}

/// One worker of merge, to the end of the input or for so many turns. How often it took up from a snapshot.
fn merge(log: &MemoryLog, turns: usize) -> u64 {
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(history(), clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let (source, sink) = log.join("merge", None, &[PARTIALS.into()], 1);
    let mut merge = MergeWorker::new(shared, source, sink);
    for _ in 0..turns {
        clock.advance(Duration::from_millis(100));
        if merge.turn(Duration::ZERO).expect("merge goes on") == Turn::Done {
            break;
        }
    }
    tally.snapshots().1
}

fn rows(log: &MemoryLog) -> Vec<Stored> {
    log.records(ROWS).remove(0)
}

fn decoded(rows: &[Stored]) -> Vec<WindowStat> {
    let rows = rows.iter().map(|row| {
        let value = row.value.as_deref().expect("no tombstones");
        WindowStat::decode(value).expect("a WindowStat")
    });
    rows.collect()
}

/// The group has read the partials up to an offset.
fn commit(log: &MemoryLog, read: i64) {
    let (mut source, mut sink) = log.join("merge", None, &[PARTIALS.into()], 1);
    let mut is_ours = false;
    while !is_ours {
        let signals = source.fetch(&mut Batch::default(), Duration::ZERO);
        let signals = signals.expect("it can be reached");
        is_ours = signals.iter().any(|it| matches!(it, Signal::Assigned(_)));
    }
    let commit = Commit {
        records: Vec::new(),
        positions: vec![(Partition::new(PARTIALS, 0), read.into())],
    };
    sink.commit(commit).expect("committed");
}

#[test]
fn rows_computed_from_snapshots_of_former_formats_are_those_of_an_undisturbed_run() {
    const TURNS_MAX: usize = 10_000;
    if let Some(path) = std::env::var_os("QUAYSTREAM_WRITE_HISTORY") {
        write_history(Path::new(&path));
        return;
    }
    for (format, bytes) in FORMER {
        let history = History::decode(bytes);
        let manifest = history.manifest();
        assert_eq!(manifest.format, format);

        let undisturbed = log_of(&history.partials);
        assert_eq!(merge(&undisturbed, TURNS_MAX), 0);
        let expected = rows(&undisturbed);
        let finals = finals_of(&expected);
        assert_eq!(finals, finals_of(&history.rows), "of format {format}");
        // So many rows leave before that place in the log.
        let read = usize::try_from(history.read).expect("a place");
        let before = log_of(&history.partials[..read]);
        merge(&before, 2 * read);
        let told = rows(&before).len();

        let log = log_of(&history.partials);
        write(&log, SNAPSHOTS, &history.snapshot);
        commit(&log, history.read);
        // So that nothing else can give the state.
        let (mut source, _) = log.join("trim", None, &[], 1);
        let trimmed = source.trim(&Partition::new(PARTIALS, 0), manifest.next_offset);
        trimmed.expect("trimmed");
        assert_eq!(merge(&log, TURNS_MAX), 1, "taken up from the snapshot");
        let found = decoded(&rows(&log));
        let expected = decoded(&expected);
        let (before, after) = expected.split_at(told);
        for (place, (found, expected)) in found.iter().zip(after).enumerate() {
            assert_eq!(found, expected, "row {place} of format {format}");
        }
        assert_eq!(found.len(), after.len(), "of format {format}");
        assert_eq!(carried(before, after), all_queries(), "of format {format}");
    }
}

type Final = (String, i64, i64, Vec<Cell>);

/// Final rows, in whatever order they left. Their revision counts what was told before, which versions do not agree on.
fn finals_of(rows: &[Stored]) -> Vec<Final> {
    let rows = decoded(rows).into_iter().filter(|row| row.is_final);
    let mut finals: Vec<Final> = rows
        .map(|row| (row.query, row.window_start_us, row.window_end_us, row.cells))
        .collect();
    finals.sort_by_key(|row| format!("{row:?}"));
    finals
}

fn all_queries() -> BTreeSet<&'static str> {
    let queries = QUERIES.iter().map(|(name, _)| *name);
    queries.filter(|name| *name != "slot").collect()
}

/// Queries with rows of windows that had begun when the snapshot was taken.
fn carried<'a>(before: &[WindowStat], after: &'a [WindowStat]) -> BTreeSet<&'a str> {
    let reached_us = before.iter().map(|row| row.window_end_us).max();
    let is_carried = |row: &&WindowStat| Some(row.window_start_us) < reached_us;
    let carried = after.iter().filter(is_carried);
    carried.map(|row| row.query.as_str()).collect()
}

/// Writes what this version leaves. To make a file of a former version: check it out, put this file and its line in `main.rs`
/// beside its tests, without [`FORMER`], and run `QUAYSTREAM_WRITE_HISTORY=FILE cargo test --test engine former`.
fn write_history(path: &Path) {
    let settings = history();
    let (input, _) = port(5, 2, 40, &settings);
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(settings.clone(), clock.clone(), Stop::default());
    let inputs = settings.inputs.iter();
    let inputs: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
    let (source, sink) = input.join("fold", None, &inputs, 1200);
    let mut fold = FoldWorker::new(shared, source, sink).expect("fold starts");
    while fold.turn(Duration::ZERO).expect("fold goes on") != Turn::Done {
        clock.advance(Duration::from_millis(200));
    }
    // Without the ends of transactions, so that offsets are places.
    let partials = input.records(PARTIALS).remove(0);
    let log = log_of(&partials);
    merge(&log, partials.len() * 4 / 5);
    let read = log.position("merge", &Partition::new(PARTIALS, 0));
    let read = read.expect("a position").to_string();
    let snapshots = log.records(SNAPSHOTS).remove(0);
    let number = |record: &Stored| -> Option<u64> {
        let key = std::str::from_utf8(record.key.as_deref()?).ok()?;
        key.split_once('/')?.0.parse().ok()
    };
    let is_whole = |record: &&Stored| {
        let key = record.key.as_deref().unwrap_or_default();
        record.value.is_some() && key.ends_with(b"/manifest")
    };
    let newest = snapshots.iter().filter(is_whole).filter_map(number).max();
    assert!(newest.is_some(), "no whole snapshot: run it for longer");
    let of_newest = |record: &Stored| number(record) == newest && record.value.is_some();
    let snapshot = snapshots.into_iter().filter(of_newest).collect();
    merge(&log, usize::MAX);
    let history = History {
        partials,
        snapshot,
        read: read.parse().expect("between two records"),
        rows: rows(&log),
    };
    std::fs::write(path, history.encode()).expect("it can be written");
}
