//! What is told of a window before it is final: early, on time, corrected, withdrawn, by rows computed by hand.

use windows::merge::MergeSettings;
use windows::sql::parse::SqlFile;

use crate::telling::{MINUTE_US, moves, query, settings, told, told_anew};

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
