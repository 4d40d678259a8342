//! Merge takes up from its snapshots: what leaves is the same to the byte as if it had never stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use events::Message;
use events::internal::{MergeProgress, PlannerState, SnapshotManifest};
use pipeline::depot::Depot;
use pipeline::log::{Outgoing, Partition, Source};
use pipeline::memory::{HandClock, MemoryLog, MemoryStore};
use pipeline::merge::Merge;
use pipeline::settings::{Bounded, OnTimeSettings, Settings, SnapshotSettings};
use pipeline::snapshot::pieces::{Decoder, encode, read};
use pipeline::snapshot::{FORMAT, State};
use pipeline::worker::{MergeWorker, Shared, Stop};

use crate::fixture::{merge_of, settings};
use crate::relay::{OUTPUTS, Relay, everything};

/// Everything, with rows on time and corrections.
fn everything_ahead() -> Settings {
    Settings {
        correction_max: Duration::from_secs(600),
        on_time: OnTimeSettings {
            corrected_every: Duration::from_secs(60),
            except: BTreeSet::new(),
        },
        ..everything()
    }
}

#[test]
fn merges_that_take_over_from_snapshots_write_the_same_bytes() {
    let never = SnapshotSettings {
        interval: Duration::ZERO,
        ..SnapshotSettings::default()
    };
    let expected = {
        let relay = Relay::new(
            Settings {
                snapshots: never,
                ..everything_ahead()
            },
            2,
            3_000,
        );
        let tally = relay.run(usize::MAX, 1);
        assert_eq!(tally.failures(), Vec::<String>::new());
        assert_eq!(tally.snapshots(), (0, 0));
        relay.outputs()
    };
    for (topic, records) in OUTPUTS.iter().zip(&expected) {
        assert!(records[0].len() > 4, "{topic}: {}", records[0].len());
    }
    // In the topic in large and in small portions, and in an object store.
    let cases = [
        (100, 8 << 20, 6, false),
        (150, 20_000, 17, false),
        (120, 0, 9, true),
    ];
    for (interval_ms, commit_bytes_max, turns, is_stored) in cases {
        let snapshots = SnapshotSettings {
            interval: Duration::from_millis(interval_ms),
            commit_bytes_max,
            object_bytes: 100_000,
        };
        let mut relay = Relay::new(
            Settings {
                snapshots,
                ..everything_ahead()
            },
            2,
            3_000,
        );
        if is_stored {
            let store = Arc::<MemoryStore>::default();
            relay.shared.depot = Some(Depot::new(store, "relay", false));
        }
        let tally = relay.run(turns, 10_000);
        let (written, restored) = tally.snapshots();
        assert!(written >= 6 && restored >= 3, "{written} {restored}");
        let found = relay.outputs();
        for ((topic, expected), found) in OUTPUTS.iter().zip(&expected).zip(&found) {
            assert!(
                found == expected,
                "{topic} differs with {interval_ms} ms, {written} snapshots, {restored} starts from one"
            );
        }
        let alive = relay.log.records("snapshots");
        assert!(alive.iter().all(|records| !records.is_empty()));
    }
}

#[test]
fn the_log_is_trimmed_below_the_oldest_kept_snapshot_and_is_not_needed_any_more() {
    let settings = Settings {
        bounded: Bounded::Never,
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(300),
            ..SnapshotSettings::default()
        },
        ..settings(2, 1)
    };
    let relay = Relay::new(
        Settings {
            bounded: Bounded::UntilEnd,
            ..settings.clone()
        },
        2,
        3_000,
    );
    let partials = relay.log.records("partials")[0].len();
    let endless = Relay {
        shared: Shared::new(settings, relay.clock.clone(), Stop::default()),
        clock: relay.clock.clone(),
        log: relay.log.clone(),
    };
    let tally = endless.run(60, 1);
    let (written, _) = tally.snapshots();
    let left = relay.log.records("partials")[0].len();
    assert!(written >= 3, "{written}");
    assert!(left < partials, "{left} of {partials}");
    let tally = relay.run(usize::MAX, 1);
    assert_eq!(tally.snapshots().1, 1, "taken over from a snapshot");
    let whole = Relay::new(
        Settings {
            bounded: Bounded::UntilEnd,
            ..relay.shared.settings.as_ref().clone()
        },
        2,
        3_000,
    );
    whole.run(usize::MAX, 1);
    assert!(relay.outputs() == whole.outputs());

    // Without its snapshots a trimmed log says what to do.
    let bare = MemoryLog::default();
    for topic in ["partials", "snapshots"] {
        bare.create(topic, 1);
    }
    let topics = [Arc::clone(&relay.shared.settings.topics.partials)];
    for record in relay.log.records("partials").remove(0) {
        let outgoing = Outgoing {
            topic: "partials".into(),
            partition: Some(0),
            key: record.key,
            value: record.value,
            timestamp_ms: record.timestamp_ms,
            headers: Vec::new(),
        };
        bare.append(outgoing).expect("the topic exists");
    }
    let (mut source, _) = bare.join("other", None, &topics, 4);
    let partition = Partition::new("partials", 0);
    source.trim(&partition, 3).expect("trimmed");
    let (source, sink) = bare.join("merge", None, &topics, 4);
    let mut merge = MergeWorker::new(relay.shared.clone(), source, sink);
    let error = merge.turn(Duration::ZERO).expect_err("the start is gone");
    let text = error.to_string();
    assert!(text.contains("holds offsets 3 to"), "{text}");
    assert!(text.contains("delete the engine's own topics"), "{text}");
}

/// A log with a snapshot alone, which stands for no partials.
fn log_with(records: &[(&str, Vec<u8>)]) -> MemoryLog {
    let log = MemoryLog::default();
    for topic in ["partials", "snapshots"] {
        log.create(topic, 1);
    }
    for (key, value) in records {
        let record = Outgoing {
            topic: "snapshots".into(),
            partition: Some(0),
            key: Some(key.as_bytes().to_vec()),
            value: Some(value.clone()),
            timestamp_ms: 0,
            headers: Vec::new(),
        };
        log.append(record).expect("the topic exists");
    }
    log
}

#[test]
fn a_snapshot_of_a_version_to_come_is_refused_by_its_format() {
    let manifest = SnapshotManifest {
        format: FORMAT + 1,
        number: 7,
        ..SnapshotManifest::default()
    };
    let log = log_with(&[("7/0", vec![1]), ("7/manifest", manifest.encode_to_vec())]);
    let (source, sink) = log.join("merge", None, &["partials".into()], 4);
    let shared = Shared::new(settings(1, 1), Arc::<HandClock>::default(), Stop::default());
    let mut merge = MergeWorker::new(shared, source, sink);
    let error = merge.turn(Duration::ZERO).expect_err("it cannot be read");
    let text = error.to_string();
    let expected = format!("format {}, this version reads {FORMAT}", FORMAT + 1);
    assert!(text.contains(&expected), "{text}");
    assert!(text.contains("start the version that wrote it"), "{text}");
}

/// Written by the first version with snapshots; every later one must read it.
const FIXTURE: &[u8] = include_bytes!("fixtures/snapshot_1.bin");

type Normal = BTreeMap<(String, String), (Vec<i64>, Option<RecordBatch>)>;

/// What the values of a snapshot's records say, however it is cut.
fn normal(values: &[Vec<u8>]) -> (Normal, MergeProgress, BTreeMap<String, PlannerState>) {
    let mut decoder = Decoder::default();
    let mut parts = Normal::new();
    for value in values {
        let Some(piece) = decoder.gather(read(value).expect("readable")) else {
            continue;
        };
        let part = format!("{:?}", piece.part);
        let (numbers, rows) = parts.entry((piece.name.clone(), part)).or_default();
        numbers.extend(&piece.numbers);
        let more = piece.batch().expect("one schema");
        *rows = match (rows.take(), more) {
            (Some(rows), Some(more)) => {
                Some(concat_batches(&rows.schema(), [&rows, &more]).expect("one schema"))
            }
            (rows, more) => rows.or(more),
        };
    }
    let (progress, planners) = decoder.finish().expect("readable");
    (parts, progress, planners)
}

fn saved(merge: &Merge) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for state in merge.save().expect("it can be saved") {
        encode(&state, &mut |value| values.push(value)).expect("it can be written");
    }
    values
}

#[test]
fn the_snapshot_of_the_first_format_is_read_whole() {
    let mut settings = everything();
    settings.planners.berths.iterations = 20;
    if std::env::var_os("QUAYSTREAM_WRITE_FIXTURE").is_some() {
        write_fixture(settings);
        return;
    }
    let mut values = Vec::new();
    let mut left = FIXTURE;
    while !left.is_empty() {
        values.push(Vec::<u8>::decode_length_delimited(&mut left).expect("whole"));
    }
    let expected = normal(&values);
    let kinds: BTreeSet<&str> = expected.0.keys().map(|(_, part)| part.as_str()).collect();
    let all = [
        "Live",
        "Numbers",
        "Pending",
        "Revisions",
        "Rows(0)",
        "Rows(1)",
    ];
    assert!(kinds.iter().eq(all.iter()), "{kinds:?}");
    for (name, memory) in &expected.2 {
        assert!(memory.plan_seq > 0 && !memory.rows.is_empty(), "{name}");
    }
    let mut merge = merge_of(&settings);
    merge.restore(12, values).expect("it can be read");
    let found = normal(&saved(&merge));
    assert_eq!(found.1, expected.1);
    assert_eq!(found.2, expected.2);
    // Queries that are shipped since then have no state in it.
    let names: BTreeSet<&String> = expected.0.keys().map(|(name, _)| name).collect();
    let known = found.0.keys().filter(|(name, _)| names.contains(name));
    assert!(known.eq(expected.0.keys()), "{names:?}");
    for (name, (numbers, rows)) in &expected.0 {
        let (numbers_again, again) = &found.0[name];
        assert_eq!(numbers_again, numbers, "{name:?} differs");
        let again = again.as_ref().map(|rows| as_first(&name.1, rows));
        assert!(again == *rows, "{name:?} differs");
    }
}

/// Rows as the first format had them: it did not say which row of its key a revision is of.
fn as_first(part: &str, rows: &RecordBatch) -> RecordBatch {
    let width = rows.num_columns() - usize::from(part == "Revisions");
    let columns: Vec<usize> = (0..width).collect();
    rows.project(&columns).expect("its columns")
}

/// `QUAYSTREAM_WRITE_FIXTURE=1 cargo test -p quaystream-pipeline --test engine first_format` writes the fixture anew. Never
/// over one that a release has.
fn write_fixture(settings: Settings) {
    let relay = Relay::new(settings.clone(), 2, 600);
    let mut merge = merge_of(&settings);
    let (mut source, _) = relay.log.join("fixture", None, &[], 4);
    let partition = Partition::new("partials", 0);
    // Before the end of the input, which empties everything.
    let end = source.end(&partition).expect("it is there") * 4 / 5;
    source
        .replay(&partition, None, Some(end), &mut |batch| {
            merge.take(batch).expect("it goes on");
            Ok(())
        })
        .expect("it is there");
    let mut bytes = Vec::new();
    for state in merge.save().expect("it can be saved") {
        encode(&small(state), &mut |value| {
            let written = value.encode_length_delimited(&mut bytes);
            written.expect("memory is enough");
        })
        .expect("it can be written");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/fixtures/snapshot_1.bin");
    std::fs::write(path, bytes).expect("it can be written");
}

/// A little of everything.
fn small(mut state: State) -> State {
    match &mut state {
        State::Rows(piece) => {
            piece.rows.truncate(2);
            for rows in &mut piece.rows {
                *rows = rows.slice(0, rows.num_rows().min(3));
            }
        }
        State::Planner(_, memory) => {
            memory.rows.truncate(3);
            memory.explanations.truncate(3);
            for watch in &mut memory.watches {
                watch.sights.truncate(3);
            }
            if let Some(berths) = &mut memory.berths {
                berths.stays.truncate(3);
                berths.prices.truncate(3);
            }
            if let Some(rail) = &mut memory.rail {
                rail.paths.truncate(3);
                rail.tried.truncate(3);
                rail.learnt.truncate(3);
                rail.loads.truncate(3);
                if let Some(warm) = &mut rail.warm {
                    warm.plan.truncate(3);
                    warm.prices.truncate(3);
                }
            }
        }
        State::Progress(_) => {}
    }
    state
}
