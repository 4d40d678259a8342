//! A backfill over a table whose rows may be taken back: rows of before the change still wait when its state is taken over, and
//! merge has never seen them, if no query read the table, or not as the queries that come read it.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline::backfill::BackfillFrom;
use pipeline::settings::{Bounded, Settings};
use windows::sql::parse::SqlFile;

use crate::backfill::{assert_is_done, with_quick_snapshots};
use crate::crew::{Crew, Row, old, undisturbed};

/// Of every kind that has a state.
const OVER_GATE: [(&str, &str); 6] = [
    (
        "gate_tumble",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS passages
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
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
        "gate_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((
           SELECT g.row_time, g.terminal_id FROM gate_event g
           JOIN equipment_event e ON e.terminal_id = g.terminal_id
             AND e.row_time BETWEEN g.row_time - INTERVAL '10' MINUTE AND g.row_time),
           DESCRIPTOR(row_time), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
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

fn with(settings: Settings, added: &[(&str, &str)]) -> Settings {
    let mut settings = settings;
    let files = added.iter();
    settings
        .queries
        .extend(files.map(|(name, text)| SqlFile::new(*name, *text)));
    settings
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
    let names = OVER_GATE.iter().map(|(name, _)| *name);
    names.filter(|name| *name != "passage")
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

#[track_caller]
fn assert_handed_over(before: &Settings) {
    let settings = with(before.clone(), &OVER_GATE);
    let mut crew = added(before, &settings);
    assert_is_done(&crew, names());
    assert!(crew.percent_read() < 98, "nothing is left to come");
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
