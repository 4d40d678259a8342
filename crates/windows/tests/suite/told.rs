//! What is told of a window before it is final: early, on time, corrected, withdrawn, by rows computed by hand.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use windows::merge::{Absorbed, Merge, MergeSettings, OnTime, Reached};
use windows::program::Program;
use windows::sql::parse::SqlFile;
use windows::state::activity;

use crate::engine::compile;
use crate::text::{cell, input, instant_us};

pub const MINUTE_US: i64 = 60_000_000;
const KINDS: [&str; 6] = ["?", "early", "on time", "corrected", "final", "withdrawn"];

/// Ten minutes from rows on time to final ones, a look at corrections every two minutes.
pub fn settings() -> MergeSettings {
    MergeSettings {
        correction_us: 10 * MINUTE_US,
        on_time: OnTime {
            corrected_every_us: 2 * MINUTE_US,
            ..OnTime::default()
        },
        ..MergeSettings::default()
    }
}

/// Reads commits one after the other. `until` is the watermark after each. Returns what was told after each commit, as
/// `kind revision: cells`.
fn told(files: &[SqlFile], settings: &MergeSettings, commits: &[(&str, &str)]) -> Vec<Vec<String>> {
    told_anew(files, settings, commits, None)
}

/// As [`told`]; behind a commit of this number the query is taken up anew, and counts revisions from there.
fn told_anew(
    files: &[SqlFile],
    settings: &MergeSettings,
    commits: &[(&str, &str)],
    anew: Option<(usize, i64)>,
) -> Vec<Vec<String>> {
    let fold = compile(files);
    let mut merge = Merge::new(compile(files), settings).expect("merge");
    let mut all = Vec::new();
    for (text, watermark) in commits {
        if let Some((_, first)) = anew.filter(|(commit, _)| *commit == all.len()) {
            merge.set_first_revision(0, first);
        }
        absorb(&fold, &mut merge, &input(text));
        all.push(fire(
            &mut merge,
            instant_us(watermark) - settings.correction_us,
        ));
    }
    all
}

/// A commit of fold with rows of sources that correct nothing.
pub fn absorb(fold: &Program, merge: &mut Merge, rows: &BTreeMap<String, RecordBatch>) {
    let hours = activity::told(rows.values()).expect("told");
    merge.absorb(activity::NAME, activity::FINGERPRINT, &hours);
    for (name, batch) in rows {
        fold.fill(name, vec![batch.clone()]);
    }
    let queries = fold.queries.iter().flat_map(|query| {
        let inputs = query.inputs.iter();
        inputs.map(|input| (&query.name, &input.fold, input.fingerprint))
    });
    let tables = fold.tables.iter();
    let tables = tables.map(|table| (&table.name, &table.fold, table.fingerprint));
    for (name, plan, fingerprint) in queries.chain(tables) {
        for batch in plan.run().expect(name) {
            let absorbed = merge.absorb(name, fingerprint, &batch);
            assert!(matches!(absorbed, Absorbed::All), "{name}: {absorbed:?}");
        }
    }
    fold.needed_columns()
        .keys()
        .for_each(|name| fold.fill(name, Vec::new()));
}

/// What is told once no row to come is earlier than `frontier_us`.
pub fn fire(merge: &mut Merge, frontier_us: i64) -> Vec<String> {
    let reached = Reached {
        frontier_us,
        begin_us: instant_us("00:00"),
        horizon_us: None,
    };
    let mut told = Vec::new();
    while let Some(at_us) = merge.next_at(&reached) {
        let fired = merge.fire(at_us, &reached);
        assert!(fired.failures.is_empty(), "{:?}", fired.failures);
        for output in fired.outputs {
            let width = output.rows.num_columns() - 3;
            let number = output.rows.column(width).as_primitive::<Int64Type>();
            let kinds = output.rows.column(width + 2).as_primitive::<Int32Type>();
            for row in 0..output.rows.num_rows() {
                let cells = output.rows.columns()[..width].iter();
                let cells: Vec<String> = cells.map(|column| cell(column, row)).collect();
                let kind = KINDS[kinds.value(row) as usize];
                let kind = match (kind, output.is_final) {
                    ("final", true) | (_, false) => kind.to_owned(),
                    (kind, true) => format!("{kind} for good"),
                };
                told.push(format!("{kind} {}: {}", number.value(row), cells.join(" ")));
            }
        }
    }
    told
}

pub fn query(text: &str) -> SqlFile {
    SqlFile::new("q", text)
}

pub fn moves(more: &str) -> [SqlFile; 1] {
    [query(&format!(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
         GROUP BY window_start, window_end, equipment_id {more}"
    ))]
}

const HEAD: &str = "stream move_event\nrow_time | equipment_id | teu_quarters\n";

/// Commits of moves.
fn check(
    files: &[SqlFile],
    settings: &MergeSettings,
    commits: &[(&str, &str)],
    expected: &[&[&str]],
) {
    let texts: Vec<(String, &str)> = commits
        .iter()
        .map(|(rows, watermark)| (format!("{HEAD}{rows}"), *watermark))
        .collect();
    let commits: Vec<(&str, &str)> = texts
        .iter()
        .map(|(rows, watermark)| (rows.as_str(), *watermark))
        .collect();
    assert_eq!(told(files, settings, &commits), expected);
}

#[test]
fn a_window_is_told_early_on_time_corrected_and_final() {
    let early = MergeSettings {
        early_us: [("q".to_owned(), 5 * MINUTE_US)].into(),
        ..settings()
    };
    check(
        &moves(""),
        &early,
        &[
            ("00:01 | C1 | 1\n00:03 | C1 | 1", "00:04"),
            ("00:06 | C2 | 1", "00:06"),
            // Nothing changed of C1.
            ("00:09 | C2 | 1", "00:12"),
            ("00:13 | C1 | 1\n00:16 | C1 | 1", "00:16"),
            // Late, and taken in. The place of the grid at 00:16 has not been told of, the next is at 00:18.
            ("00:14 | C2 | 1", "00:17"),
            ("00:14 | C1 | 1\n00:20 | C1 | 1", "00:19"),
            ("00:24 | C1 | 1", "00:24"),
            ("00:26 | C1 | 1", "00:26"),
        ],
        &[
            &[],
            &["early 0: 00:00 00:15 C1 2", "early 0: 00:00 00:15 C2 1"],
            &["early 1: 00:00 00:15 C2 2"],
            &[
                "on time 1: 00:00 00:15 C1 3",
                "on time 2: 00:00 00:15 C2 2",
                "early 0: 00:15 00:30 C1 1",
            ],
            &["corrected 3: 00:00 00:15 C2 3"],
            &["corrected 2: 00:00 00:15 C1 4"],
            // At the tick of 00:20, which comes after the row of 00:24 was read.
            &["early 1: 00:15 00:30 C1 3"],
            &[
                "final 3: 00:00 00:15 C1 4",
                "final 4: 00:00 00:15 C2 3",
                "early 2: 00:15 00:30 C1 4",
            ],
        ],
    );
}

#[test]
fn what_a_life_before_has_told_is_told_once_more_above_it() {
    let commits = [
        ("00:01 | C1 | 1\n00:02 | C2 | 1\n00:16 | C1 | 1", "00:16"),
        ("00:14 | C1 | 1\n00:20 | C1 | 1", "00:19"),
        ("00:26 | C1 | 1", "00:26"),
    ]
    .map(|(rows, watermark)| (format!("{HEAD}{rows}"), watermark));
    let commits = commits
        .iter()
        .map(|(rows, watermark)| (rows.as_str(), *watermark));
    let commits: Vec<(&str, &str)> = commits.collect();
    // Others may have told more of the window than was seen here: revision 0 is not followed by 1.
    assert_eq!(
        told_anew(&moves(""), &settings(), &commits, Some((1, 1_000))),
        [
            vec!["on time 0: 00:00 00:15 C1 1", "on time 0: 00:00 00:15 C2 1"],
            vec![
                "corrected 1000: 00:00 00:15 C1 2",
                "corrected 1000: 00:00 00:15 C2 1"
            ],
            vec![
                "final 1001: 00:00 00:15 C1 2",
                "final 1001: 00:00 00:15 C2 1"
            ],
        ]
    );
}

#[test]
fn without_time_for_corrections_there_is_one_row_and_it_is_final() {
    let at_once = MergeSettings {
        correction_us: 0,
        ..settings()
    };
    let commits = [("00:01 | C1 | 1", "00:14"), ("00:16 | C1 | 1", "00:15")];
    check(
        &moves(""),
        &at_once,
        &commits,
        &[&[], &["final 0: 00:00 00:15 C1 1"]],
    );
    // Nor if the frontier passes the end in the same step.
    let commits = [("00:01 | C1 | 1", "00:04"), ("00:26 | C1 | 1", "00:25")];
    check(
        &moves(""),
        &settings(),
        &commits,
        &[&[], &["final 0: 00:00 00:15 C1 1"]],
    );
}

#[test]
fn a_query_that_is_excepted_gives_final_rows_alone() {
    let mut except = settings();
    except.on_time.except.insert("q".to_owned());
    let commits = [("00:01 | C1 | 1", "00:16"), ("00:27 | C1 | 1", "00:26")];
    check(
        &moves(""),
        &except,
        &commits,
        &[&[], &["final 0: 00:00 00:15 C1 1"]],
    );
}

#[test]
fn a_window_whose_first_row_is_late_is_told_as_corrected() {
    check(
        &moves(""),
        &settings(),
        &[
            ("00:01 | C1 | 1", "00:15"),
            ("00:14 | C2 | 1", "00:18"),
            ("00:26 | C1 | 1", "00:25"),
        ],
        &[
            &["on time 0: 00:00 00:15 C1 1"],
            &["corrected 0: 00:00 00:15 C2 1"],
            &["final 1: 00:00 00:15 C1 1", "final 1: 00:00 00:15 C2 1"],
        ],
    );
}

#[test]
fn a_row_that_is_none_any_more_is_withdrawn_and_closed() {
    check(
        &moves("HAVING count(*) < 2"),
        &settings(),
        &[
            ("00:01 | C1 | 1\n00:02 | C2 | 1\n00:03 | C3 | 1", "00:15"),
            ("00:14 | C1 | 1", "00:18"),
            ("00:14 | C2 | 1\n00:26 | C1 | 1", "00:25"),
        ],
        &[
            &[
                "on time 0: 00:00 00:15 C1 1",
                "on time 0: 00:00 00:15 C2 1",
                "on time 0: 00:00 00:15 C3 1",
            ],
            &["withdrawn 1: 00:00 00:15 C1 -"],
            &[
                "final 1: 00:00 00:15 C3 1",
                "withdrawn for good 2: 00:00 00:15 C1 -",
                "withdrawn for good 1: 00:00 00:15 C2 -",
            ],
        ],
    );
}

#[test]
fn windows_that_slide_are_each_told_on_time() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, sum(teu_quarters) AS teu
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    )];
    check(
        &files,
        &settings(),
        &[
            ("01:01 | C1 | 1", "01:04"),
            ("01:07 | C1 | 2", "01:11"),
            // Late for the windows that end at 01:05 and 01:10.
            ("01:04 | C1 | 4", "01:12"),
            ("01:13 | C1 | 8", "01:15"),
        ],
        &[
            &[],
            &["on time 0: 00:05 01:05 C1 1", "on time 0: 00:10 01:10 C1 3"],
            &[
                "corrected 1: 00:05 01:05 C1 5",
                "corrected 1: 00:10 01:10 C1 7",
            ],
            &["final 2: 00:05 01:05 C1 5", "on time 0: 00:15 01:15 C1 15"],
        ],
    );
}

#[test]
fn levels_are_told_on_time_and_late_changes_correct_all_after_them() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, level_end, changes
         FROM LEVEL(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), teu_quarters, INTERVAL '5' MINUTE)",
    )];
    check(
        &files,
        &settings(),
        &[
            ("00:01 | C1 | 4", "00:10"),
            // Late; the interval behind it begins with it.
            ("00:04 | C1 | -1\n00:07 | C2 | 2", "00:12"),
            ("00:13 | C1 | -3", "00:15"),
            ("00:20 | C2 | 1", "00:20"),
        ],
        &[
            &[
                "on time 0: 00:00 00:05 C1 4 1",
                "on time 0: 00:05 00:10 C1 4 0",
            ],
            &[
                "corrected 1: 00:00 00:05 C1 3 2",
                "corrected 1: 00:05 00:10 C1 3 0",
                "corrected 0: 00:05 00:10 C2 2 1",
            ],
            &[
                "final 2: 00:00 00:05 C1 3 2",
                "on time 0: 00:10 00:15 C1 0 1",
                "on time 0: 00:10 00:15 C2 2 0",
            ],
            &[
                "final 2: 00:05 00:10 C1 3 0",
                "final 1: 00:05 00:10 C2 2 1",
                "on time 0: 00:15 00:20 C2 2 0",
            ],
        ],
    );
}

#[test]
fn a_table_is_read_as_far_as_it_is_known_until_the_row_is_final() {
    let files = [
        SqlFile::new(
            "crane_state",
            "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id, terminal_id FROM crane",
        ),
        query(
            "INSERT INTO window_stat SELECT r.window_start, r.window_end, h.terminal_id, count(*) AS n
             FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) r
             JOIN crane_state_history h ON h.crane_id = r.equipment_id
              AND h.valid_from <= r.row_time AND r.row_time < h.valid_to
             GROUP BY r.window_start, r.window_end, h.terminal_id",
        ),
    ];
    let crane = |rows: &str| {
        format!("stream crane\nrow_time | event_id | crane_id | terminal_id\n{rows}\n")
    };
    let commits = [
        (
            crane("00:01 | e1 | C1 | DGT") + HEAD + "00:02 | C1 | 1\n00:08 | C1 | 1",
            "00:15",
        ),
        // The crane had been elsewhere since 00:05, as is known now: the row that was told counts what is left.
        (
            crane("00:05 | e2 | C1 | DIT") + HEAD + "00:14 | C9 | 1",
            "00:18",
        ),
        (HEAD.to_owned() + "00:26 | C9 | 1", "00:25"),
    ];
    let commits: Vec<(&str, &str)> = commits
        .iter()
        .map(|(text, watermark)| (text.as_str(), *watermark))
        .collect();
    assert_eq!(
        told(&files, &settings(), &commits),
        [
            vec!["on time 0: 00:00 00:15 DGT 2"],
            vec![
                "corrected 1: 00:00 00:15 DGT 1",
                "corrected 0: 00:00 00:15 DIT 1"
            ],
            vec!["final 2: 00:00 00:15 DGT 1", "final 1: 00:00 00:15 DIT 1"],
        ]
    );
}

/// What was made of a pane with a version of the table is made again once another comes of its time.
#[test]
fn panes_that_were_made_with_a_table_are_made_again_with_what_comes_of_their_time() {
    let files = [
        SqlFile::new(
            "crane_state",
            "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id, terminal_id FROM crane",
        ),
        query(
            "INSERT INTO window_stat SELECT r.window_start, r.window_end, h.terminal_id, count(*) AS n
             FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '20' MINUTE) r
             JOIN crane_state_history h ON h.crane_id = r.equipment_id
              AND h.valid_from <= r.row_time AND r.row_time < h.valid_to
             GROUP BY r.window_start, r.window_end, h.terminal_id",
        ),
    ];
    let crane = |rows: &str| {
        format!("stream crane\nrow_time | event_id | crane_id | terminal_id\n{rows}\n")
    };
    let commits = [
        (
            crane("00:01 | e1 | C1 | DGT")
                + HEAD
                + "00:02 | C1 | 1\n00:08 | C1 | 1\n00:12 | C1 | 1",
            "00:20",
        ),
        // Two panes were made with the crane at DGT, of which it had been at DIT since 00:05.
        (
            crane("00:05 | e2 | C1 | DIT") + HEAD + "00:18 | C9 | 1",
            "00:22",
        ),
        (HEAD.to_owned() + "00:41 | C9 | 1", "00:30"),
        (HEAD.to_owned() + "00:51 | C9 | 1", "00:40"),
    ];
    let commits: Vec<(&str, &str)> = commits
        .iter()
        .map(|(text, watermark)| (text.as_str(), *watermark))
        .collect();
    assert_eq!(
        told(&files, &settings(), &commits),
        [
            vec![
                "final 0: -1d23:50 00:10 DGT 2",
                "on time 0: 00:00 00:20 DGT 3"
            ],
            vec![
                "corrected 1: 00:00 00:20 DGT 1",
                "corrected 0: 00:00 00:20 DIT 2"
            ],
            vec![
                "final 2: 00:00 00:20 DGT 1",
                "final 1: 00:00 00:20 DIT 2",
                "on time 0: 00:10 00:30 DIT 1"
            ],
            vec!["final 1: 00:10 00:30 DIT 1"],
        ]
    );
}

#[test]
fn streams_that_are_joined_are_told_on_time_as_far_as_their_rows_have_met() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
         FROM TUMBLE((SELECT m.row_time, m.equipment_id FROM move_event m
           JOIN gate_event g ON g.truck_id = m.equipment_id
             AND g.row_time BETWEEN m.row_time AND m.row_time + INTERVAL '5' MINUTE),
           DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    )];
    let gate = |rows: &str| format!("stream gate_event\nrow_time | truck_id\n{rows}\n");
    let commits = [
        (gate("00:04 | C1") + HEAD + "00:02 | C1 | 1", "00:19"),
        (gate("00:20 | C9") + HEAD + "00:14 | C1 | 1", "00:20"),
        (gate("00:16 | C1") + HEAD + "00:22 | C9 | 1", "00:24"),
        (gate("00:31 | C9") + HEAD + "00:31 | C9 | 1", "00:30"),
    ];
    let commits: Vec<(&str, &str)> = commits
        .iter()
        .map(|(text, watermark)| (text.as_str(), *watermark))
        .collect();
    assert_eq!(
        told(&files, &settings(), &commits),
        [
            vec![],
            // Five minutes after its end, as a move at its end may meet a lorry so long after.
            vec!["on time 0: 00:00 00:15 C1 1"],
            vec!["corrected 1: 00:00 00:15 C1 2"],
            vec!["final 2: 00:00 00:15 C1 2"],
        ]
    );
}

#[test]
fn sessions_may_grow_together_and_are_told_when_they_are_final() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '5' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    )];
    check(
        &files,
        &settings(),
        &[
            ("00:01 | C1 | 1", "00:07"),
            ("00:08 | C1 | 1", "00:15"),
            ("00:05 | C1 | 1\n00:30 | C2 | 1", "00:24"),
        ],
        &[&[], &[], &["final 0: 00:01 00:13 C1 3"]],
    );
}
