//! The shipped queries over hours of the simulated port with all that goes wrong, through fold and merge, against plain
//! DataFusion over the rows that a second reading of the rules accepts. `QUAYSTREAM_TESTS=full` takes whole days: what plain
//! DataFusion does for tables as of a tick grows with the square of the time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use events::v1::{Reject, WindowStat};
use events::{Event, Message, Stream};
use pipeline::memory::MemoryLog;
use pipeline::settings::Settings;
use windows::sql::parse::SqlFile;

use crate::fixture::{append, run, settings, topics};
use crate::reading::{Record, Rules, expect};

const PARTITIONS: i32 = 3;
const HOUR_US: i64 = 3_600_000_000;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pipelines/duisburg")
}

/// The files of a folder that hold SQL.
fn files(folder: &str) -> Vec<SqlFile> {
    let entries = std::fs::read_dir(shipped().join(folder)).expect("it is shipped");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let file = |path: &PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy();
        SqlFile::new(name, std::fs::read_to_string(path).expect("readable"))
    };
    paths.iter().map(file).collect()
}

fn with_shipped_queries() -> Settings {
    Settings {
        queries: [files("tables"), files("queries")].concat(),
        correction_max: Duration::from_secs(600),
        idle_timeout: Duration::from_secs(2),
        ..settings(PARTITIONS, 2)
    }
}

/// A log with some hours of the port, in the middle of which one source falls silent, heartbeats and all.
fn port(seed: u64, hours: u32, silent: &str, settings: &Settings) -> MemoryLog {
    let port = portsim::Settings {
        seed,
        hours,
        traffic_percent: 60,
        chatter_percent: 10,
        partitions: portsim::Partitions::all(PARTITIONS as u32),
        ..portsim::Settings::default()
    };
    let silent_from_ms = (port.start_at_us + i64::from(hours) * HOUR_US / 2) / 1_000;
    let log = topics(settings);
    for produced in portsim::Simulation::new(port).expect("settings are in range") {
        let event = Event::decode(produced.stream, &produced.value).ok();
        let envelope = event.as_ref().and_then(Event::envelope);
        let is_silent = envelope.is_some_and(|envelope| envelope.source == silent);
        if is_silent && produced.timestamp_ms >= silent_from_ms {
            continue;
        }
        append(&log, produced);
    }
    log
}

/// The records of the input topics, one partition after the other.
fn records(log: &MemoryLog) -> Vec<Record> {
    let mut records = Vec::new();
    for stream in Stream::ALL {
        for (partition, of) in (0..).zip(log.records(stream.name())) {
            records.extend(of.into_iter().map(|record| Record {
                stream,
                partition,
                timestamp_ms: record.timestamp_ms,
                value: record.value.unwrap_or_default(),
            }));
        }
    }
    records
}

/// Final rows by query, without their revision.
fn finals(log: &MemoryLog) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut finals: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for record in log.records("window-stats").into_iter().flatten() {
        let value = record.value.expect("no tombstones");
        let mut stat = WindowStat::decode(value.as_slice()).expect("a WindowStat");
        if stat.is_final {
            stat.revision = 0;
            let of = finals.entry(stat.query.clone()).or_default();
            of.push(stat.encode_to_vec());
        }
    }
    finals.values_mut().for_each(|rows| rows.sort());
    finals
}

fn rejects(log: &MemoryLog) -> BTreeSet<(String, i32, i64)> {
    let records = log.records("rejects").into_iter().flatten();
    let mut places = BTreeSet::new();
    for record in records {
        let value = record.value.expect("no tombstones");
        let reject = Reject::decode(value.as_slice()).expect("a Reject");
        let place = (reject.topic, reject.partition, reject.offset);
        assert!(places.insert(place.clone()), "rejected twice: {place:?}");
    }
    places
}

fn streaming_equals_bounded(seed: u64, hours: u32, silent: &str) {
    let settings = with_shipped_queries();
    let log = port(seed, hours, silent, &settings);
    let expected = expect(&records(&log), &Rules::of(&settings), &settings.queries);
    for outcome in [
        "accepted",
        "corrected",
        "retracted",
        "superseded",
        "duplicate",
        "late",
    ] {
        let count = expected.outcomes.get(outcome).copied();
        assert!(count > Some(0), "{outcome}: {:?}", expected.outcomes);
    }
    let tally = run(&log, settings, 200, 37);
    assert_eq!(tally.rejects().get("late_in_merge"), None);
    let expected_rejects = expected.rejects.into_iter();
    let expected_rejects: BTreeSet<_> = expected_rejects
        .map(|(topic, partition, offset, _)| (topic, partition, offset))
        .collect();
    assert_eq!(rejects(&log), expected_rejects);
    let found = finals(&log);
    let mut telling = 0;
    for (query, expected) in expected.rows {
        let found = found.get(&query).map_or(&[][..], Vec::as_slice);
        let only = |left: &[Vec<u8>], right: &[Vec<u8>]| {
            let row = left.iter().find(|row| !right.contains(row));
            row.map(|row| WindowStat::decode(row.as_slice()))
        };
        assert!(
            found == expected,
            "seed {seed}, {query}: {} rows, expected {}; found alone {:?}, expected alone {:?}",
            found.len(),
            expected.len(),
            only(found, &expected),
            only(&expected, found)
        );
        telling += usize::from(!expected.is_empty());
    }
    // In some hours no reefer is too warm for long, or nobody who had booked stays away.
    assert!(telling >= 13, "{telling} queries tell something");
}

#[test]
fn shipped_queries_tell_what_plain_datafusion_tells() {
    if std::env::var("QUAYSTREAM_TESTS").is_ok_and(|tests| tests == "full") {
        let silent = ["customs", "gate", "tos", "ais", "rail", "pcs"];
        for (seed, silent) in (3..).zip(silent) {
            streaming_equals_bounded(seed, 24, silent);
            eprintln!("a day without {silent} in its second half: equal");
        }
    }
    streaming_equals_bounded(2, 4, "gate");
}
