//! Where the tests run: the embedded broker, and a real Kafka if there is one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use events::v1::WindowStat;
use quaystream::config::{Config, Folder};
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::logging;

/// Held for reading by tests on the real Kafka, for writing by the one that kills it.
static KAFKA: RwLock<()> = RwLock::new(());
static SCENES: AtomicU64 = AtomicU64::new(0);

/// The bootstrap servers of a real Kafka; says so where there is none.
pub fn kafka(test: &str) -> Option<String> {
    let bootstrap = std::env::var("KAFKA_BOOTSTRAP")
        .ok()
        .filter(|text| !text.is_empty());
    if bootstrap.is_none() {
        eprintln!(
            "SKIPPED {test} on Apache Kafka: KAFKA_BOOTSTRAP is not set (deploy/kafka/kafka.sh up)"
        );
    }
    bootstrap
}

/// Keeps the real Kafka up as long as it is held.
pub fn undisturbed() -> RwLockReadGuard<'static, ()> {
    KAFKA.read().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody else uses the real Kafka as long as this is held.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    KAFKA.write().unwrap_or_else(PoisonError::into_inner)
}

/// The shipped configuration with the options of `toml` in it.
///
/// Says what `RUST_LOG` asks for, so that a failure on a real broker can be looked into.
pub fn config(toml: &str) -> Config {
    logging::start("off");
    Config::parse("test.toml", toml, |_| Ok(Folder::shipped())).expect("a sound configuration")
}

/// Runs deploy/kafka/kafka.sh; what it printed, if it went well.
pub fn script(arguments: &[&str]) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka/kafka.sh");
    let output = Command::new(path).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Of every window and key, revisions count up, and the last row alone is final.
pub fn assert_told_in_order(found: &Outputs) {
    let mut told: BTreeMap<(String, i64), (u32, bool)> = BTreeMap::new();
    for (key, row) in found.row_keys.iter().zip(&found.rows) {
        let key = (String::from_utf8_lossy(key).into_owned(), row.window_end_us);
        match told.insert(key.clone(), (row.revision, row.is_final)) {
            None => assert_eq!(row.revision, 0, "{key:?}: {row:?}"),
            Some((revision, was_final)) => {
                assert!(!was_final, "{key:?}: {row:?} after the final row");
                assert_eq!(row.revision, revision + 1, "{key:?}: {row:?}");
            }
        }
    }
    let open = told.iter().find(|(_, (_, is_final))| !is_final);
    assert!(open.is_none(), "no final row: {open:?}");
}

/// Final rows and plans are the same, each once.
pub fn assert_same(found: &Outputs, expected: &Outputs) {
    assert_told_in_order(found);
    let (found_rows, expected_rows) = (found.final_rows(), expected.final_rows());
    assert_eq!(
        found_rows.keys().collect::<Vec<_>>(),
        expected_rows.keys().collect::<Vec<_>>()
    );
    for (query, rows) in &expected_rows {
        let again = &found_rows[query];
        let sorted = |rows: &[&WindowStat]| {
            // How often a row was told before hangs on how the log was read.
            let rows = rows.iter().map(|row| WindowStat {
                revision: 0,
                ..(*row).clone()
            });
            let mut texts: Vec<String> = rows.map(|row| format!("{row:?}")).collect();
            texts.sort();
            texts
        };
        for (again, row) in sorted(again).iter().zip(&sorted(rows)) {
            assert_eq!(again, row, "a row of {query}");
        }
        assert_eq!(again.len(), rows.len(), "rows of {query}");
    }
    assert_eq!(rejects(found), rejects(expected), "rejects");
    assert_eq!(found.berths, expected.berths, "berth plans");
    assert_eq!(found.rail, expected.rail, "rail plans");
    assert_eq!(found.digest, expected.digest, "all plans, in their order");
    let records = |outputs: &Outputs| outputs.plan_records.len();
    assert_eq!(records(found), records(expected), "changes and reasons");
    assert!(
        found.plan_records == expected.plan_records,
        "changes of plans, explanations or train loads differ"
    );
}

/// Each reject: stream, partition, offset, reason, and the record's bytes.
fn rejects(outputs: &Outputs) -> Vec<(&str, i32, i64, i32, &[u8])> {
    let rejects = outputs.rejects.iter().map(|reject| {
        // Topics of a test have a prefix of their own.
        let stream = reject.topic.rsplit('.').next().unwrap_or_default();
        let raw = reject.raw.as_slice();
        (stream, reject.partition, reject.offset, reject.reason, raw)
    });
    let mut rejects: Vec<_> = rejects.collect();
    rejects.sort_unstable();
    rejects
}

/// A prefix of topics and groups that nobody else has.
pub fn prefix() -> String {
    let number = SCENES.fetch_add(1, Ordering::Relaxed);
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    format!(
        "test-{}-{}-{number}.",
        since.as_micros(),
        std::process::id()
    )
}

/// A scene on a real Kafka, with topics that nobody else uses.
pub fn on_kafka(config: Config, bootstrap: &str) -> Scene {
    Scene::at(config, bootstrap, &prefix()).expect("topics on Kafka")
}

/// Runs `test` on the embedded broker and, where it is there, on Kafka.
pub fn on_each(name: &str, toml: &str, test: impl Fn(&Scene, &str)) {
    test(
        &Scene::embedded(config(toml)).expect("the embedded broker"),
        "embedded broker",
    );
    if let Some(bootstrap) = kafka(name) {
        let _up = undisturbed();
        test(&on_kafka(config(toml), &bootstrap), "Apache Kafka");
    }
}
