//! A backfill over a table whose rows may be taken back: rows of before the change still wait when its state is taken over, and
//! merge has never seen them, if no query read the table, or not as the queries that come read it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use events::Message;
use events::internal::SnapshotManifest;
use pipeline::backfill::BackfillFrom;
use pipeline::memory::Stored;
use pipeline::settings::{Bounded, Settings};

use crate::backfill::{assert_is_done, with_quick_snapshots};
use crate::crew::{Crew, NEW, Row, old, undisturbed, with};

/// With those of [`NEW`] over the gate, of every kind that has a state.
const OVER_GATE: [(&str, &str); 6] = [
    (
        "gate_session",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS passages
         FROM SESSION(gate_event, DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), INTERVAL '1' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "gate_level",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, CAST(1 AS BIGINT) AS one FROM gate_event), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id), one, INTERVAL '5' MINUTE)",
    ),
    (
        "gate_level_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((
           SELECT g.row_time, g.terminal_id, CAST(1 AS BIGINT) AS one FROM gate_event g
           JOIN equipment_event m ON m.terminal_id = g.terminal_id
             AND m.row_time BETWEEN g.row_time - INTERVAL '3' MINUTE AND g.row_time + INTERVAL '2' MINUTE),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), one, INTERVAL '5' MINUTE)",
    ),
    (
        "gate_beside",
        "INSERT INTO window_stat SELECT g.window_start, g.window_end, g.terminal_id, count(*) AS pairs
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) AS g
         JOIN TUMBLE(equipment_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) AS e
           ON e.window_start = g.window_start AND e.terminal_id = g.terminal_id
         GROUP BY g.window_start, g.window_end, g.terminal_id",
    ),
    (
        "passage",
        "CREATE TABLE passage (PRIMARY KEY (terminal_id)) AS SELECT terminal_id, container_id, row_time AS passed_at FROM gate_event",
    ),
    (
        "last_passage",
        "INSERT INTO window_stat SELECT b.window_start, b.window_end, coalesce(p.container_id, '') AS container_id, count(*) AS moves
         FROM TUMBLE((SELECT row_time, terminal_id FROM move_event), DESCRIPTOR(row_time), INTERVAL '5' MINUTE) AS b
         LEFT JOIN passage_history AS p
           ON p.terminal_id = b.terminal_id AND p.valid_from <= b.row_time AND b.row_time < p.valid_to
         GROUP BY b.window_start, b.window_end, coalesce(p.container_id, '')",
    ),
];

/// Rows may be taken back for long.
fn before() -> Settings {
    Settings {
        correction_max: Duration::from_secs(900),
        ..old()
    }
}

/// The queries and tables to come.
fn over_gate() -> Vec<(&'static str, &'static str)> {
    let new = NEW
        .into_iter()
        .filter(|(name, _)| name.starts_with("new_gate"));
    new.chain(OVER_GATE).collect()
}

/// Old queries up to some place of the input, then the new ones with their past, done before any more of it is read.
fn added(before: &Settings, settings: &Settings) -> Crew {
    let endless = |settings| {
        with_quick_snapshots(Settings {
            bounded: Bounded::Never,
            ..settings
        })
    };
    let new = || Settings {
        backfill: Some(BackfillFrom::Earliest),
        ..endless(settings.clone())
    };
    let mut crew = Crew::new();
    crew.fold(endless(before.clone()));
    crew.merge(endless(before.clone()));
    crew.read_percent(92);
    crew.folds.clear();
    crew.merges.clear();
    crew.fold(new());
    // Fold has read some of each partition by then.
    crew.turn(12);
    crew.folds.clear();
    crew.merge(new());
    crew.turn(400);
    crew
}

fn names() -> impl Iterator<Item = &'static str> {
    let queries = over_gate()
        .into_iter()
        .filter(|(_, text)| text.starts_with("INSERT"));
    queries.map(|(name, _)| name)
}

#[track_caller]
fn assert_same(found: &BTreeMap<String, Vec<Row>>, after: &BTreeMap<String, Vec<Row>>) {
    for (name, after) in after {
        let found = &found[name];
        let same = found.iter().filter(|row| after.contains(row)).count();
        assert!(
            found == after,
            "{name}: {} rows, {same} of them among the {} expected",
            found.len(),
            after.len()
        );
    }
}

/// Of the snapshots that were written.
fn formats(crew: &Crew) -> BTreeSet<u32> {
    let written = crew.log.written("snapshots").into_iter().flatten();
    let is_manifest = |record: &Stored| {
        let key = record.key.as_deref().unwrap_or_default();
        key.ends_with(b"manifest")
    };
    let manifests = written.filter(|(_, record)| is_manifest(record));
    let manifests = manifests.filter_map(|(_, record)| record.value);
    let formats = manifests.map(|value| {
        let manifest = SnapshotManifest::decode(value.as_slice());
        manifest.expect("a manifest").format
    });
    formats.collect()
}

#[track_caller]
fn assert_handed_over(before: &Settings) {
    let settings = with(before.clone(), &over_gate());
    let mut crew = added(before, &settings);
    assert_is_done(&crew, names());
    assert!(crew.percent_read() < 98, "nothing is left to come");
    assert_eq!(
        formats(&crew),
        [3, 4].into(),
        "a version that does not know such rows would drop them"
    );
    assert_same(&crew.finish(&settings), &undisturbed(&settings));
}

#[test]
fn rows_that_wait_go_over_to_queries_of_a_table_that_none_read_before() {
    assert_handed_over(&before());
}

#[test]
fn rows_that_wait_with_fewer_columns_go_over_to_queries_that_read_more() {
    let reader = (
        "gate_before",
        "INSERT INTO window_stat SELECT window_start, window_end, gate, count(*) AS passages
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, gate",
    );
    assert_handed_over(&with(before(), &[reader]));
}
