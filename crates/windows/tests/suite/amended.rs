//! What is told of windows ahead of their final rows while a source corrects and retracts events, by rows computed by hand.
//! Such events wait in merge as they came until nothing can take them back; rows early, on time and corrected show them as
//! they are at the moment.

use windows::merge::MergeSettings;
use windows::sql::parse::SqlFile;

use crate::amending::{Commit, HEAD, check, told};
use crate::telling::{MINUTE_US, moves, query, settings};

#[test]
fn a_move_that_turns_out_to_be_of_another_time_leaves_one_window_and_comes_to_the_other() {
    check(
        &moves(""),
        &settings(),
        &[
            ("00:03 | 0 | C1 | 1\n00:05 | 1 | C1 | 1", &[], "00:15"),
            ("00:20 | 2 | C1 | 1", &[(1, "00:05")], "00:18"),
            ("00:29 | 3 | C2 | 1", &[], "00:26"),
            ("", &[], "00:30"),
            ("", &[], "00:40"),
        ],
        &[
            &["on time 0: 00:00 00:15 C1 2"],
            &["corrected 1: 00:00 00:15 C1 1"],
            &["final 2: 00:00 00:15 C1 1"],
            &["on time 0: 00:15 00:30 C1 1", "on time 0: 00:15 00:30 C2 1"],
            &["final 1: 00:15 00:30 C1 1", "final 1: 00:15 00:30 C2 1"],
        ],
    );
}

#[test]
fn a_move_that_turns_out_to_be_of_another_crane_withdraws_the_row_of_the_first() {
    check(
        &moves(""),
        &settings(),
        &[
            ("00:03 | 0 | C1 | 1\n00:05 | 1 | C2 | 1", &[], "00:15"),
            ("00:05 | 2 | C1 | 1", &[(1, "00:05")], "00:18"),
            ("", &[], "00:25"),
        ],
        &[
            &["on time 0: 00:00 00:15 C1 1", "on time 0: 00:00 00:15 C2 1"],
            &[
                "corrected 1: 00:00 00:15 C1 2",
                "withdrawn 1: 00:00 00:15 C2 -",
            ],
            &[
                "final 2: 00:00 00:15 C1 2",
                "withdrawn for good 2: 00:00 00:15 C2 -",
            ],
        ],
    );
}

#[test]
fn a_move_that_is_retracted_after_it_was_told_may_come_again() {
    check(
        &moves(""),
        &settings(),
        &[
            ("00:06 | 0 | C1 | 1\n00:11 | 1 | C2 | 1", &[], "00:15"),
            // Offset 2 is the retraction, which is no row.
            ("", &[(0, "00:06")], "00:18"),
            ("00:09 | 3 | C1 | 1", &[], "00:20"),
            ("", &[(1, "00:11")], "00:22"),
            ("", &[], "00:25"),
        ],
        &[
            &["on time 0: 00:00 00:15 C1 1", "on time 0: 00:00 00:15 C2 1"],
            &["withdrawn 1: 00:00 00:15 C1 -"],
            &["corrected 2: 00:00 00:15 C1 1"],
            &["withdrawn 1: 00:00 00:15 C2 -"],
            &[
                "final 3: 00:00 00:15 C1 1",
                "withdrawn for good 2: 00:00 00:15 C2 -",
            ],
        ],
    );
}

#[test]
fn what_is_corrected_before_the_watermark_is_told_as_it_is_by_then() {
    check(
        &moves(""),
        &settings(),
        &[
            ("00:03 | 0 | C1 | 1\n00:05 | 1 | C2 | 1", &[], "00:07"),
            // In one commit with what corrects it.
            (
                "00:04 | 2 | C3 | 1\n00:06 | 3 | C4 | 1\n00:08 | 4 | C4 | 1",
                &[(0, "00:03"), (2, "00:04")],
                "00:12",
            ),
            ("", &[(1, "00:05")], "00:15"),
            ("", &[], "00:25"),
        ],
        &[
            &[],
            &[],
            &["on time 0: 00:00 00:15 C4 2"],
            &["final 1: 00:00 00:15 C4 2"],
        ],
    );
}

#[test]
fn rows_told_early_follow_what_is_taken_back() {
    let early = MergeSettings {
        early_us: [("q".to_owned(), 5 * MINUTE_US)].into(),
        ..settings()
    };
    check(
        &moves(""),
        &early,
        &[
            ("00:03 | 0 | C1 | 1", &[], "00:05"),
            ("00:04 | 1 | C2 | 1", &[(0, "00:03")], "00:10"),
            ("", &[], "00:15"),
            ("", &[], "00:25"),
        ],
        &[
            &["early 0: 00:00 00:15 C1 1"],
            &["early 0: 00:00 00:15 C2 1", "withdrawn 1: 00:00 00:15 C1 -"],
            &["on time 1: 00:00 00:15 C2 1"],
            &[
                "final 2: 00:00 00:15 C2 1",
                "withdrawn for good 2: 00:00 00:15 C1 -",
            ],
        ],
    );
}

#[test]
fn a_late_move_is_told_as_corrected_and_withdrawn_once_it_is_retracted() {
    check(
        &moves(""),
        &settings(),
        &[
            ("00:03 | 0 | C1 | 1", &[], "00:15"),
            ("00:14 | 1 | C2 | 1", &[], "00:18"),
            ("", &[(1, "00:14")], "00:20"),
            ("", &[], "00:25"),
        ],
        &[
            &["on time 0: 00:00 00:15 C1 1"],
            &["corrected 0: 00:00 00:15 C2 1"],
            &["withdrawn 1: 00:00 00:15 C2 -"],
            &[
                "final 1: 00:00 00:15 C1 1",
                "withdrawn for good 2: 00:00 00:15 C2 -",
            ],
        ],
    );
}

#[test]
fn a_correction_that_changes_nothing_that_is_told_is_not_told() {
    check(
        &moves(""),
        &settings(),
        &[
            ("00:06 | 0 | C1 | 1", &[], "00:15"),
            ("00:09 | 1 | C1 | 4", &[(0, "00:06")], "00:18"),
            ("", &[], "00:25"),
        ],
        &[
            &["on time 0: 00:00 00:15 C1 1"],
            &[],
            &["final 1: 00:00 00:15 C1 1"],
        ],
    );
}

#[test]
fn the_largest_is_the_next_largest_once_it_is_taken_back() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, min(teu_quarters) AS least, max(teu_quarters) AS most
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    )];
    check(
        &files,
        &settings(),
        &[
            (
                "00:11 | 0 | C1 | 3\n00:12 | 1 | C1 | 7\n00:13 | 2 | C1 | 5",
                &[],
                "00:15",
            ),
            ("", &[(1, "00:12")], "00:18"),
            ("00:10 | 4 | C1 | 4", &[(0, "00:11")], "00:20"),
            ("", &[], "00:25"),
        ],
        &[
            &["on time 0: 00:00 00:15 C1 3 7"],
            &["corrected 1: 00:00 00:15 C1 3 5"],
            &["corrected 2: 00:00 00:15 C1 4 5"],
            &["final 3: 00:00 00:15 C1 4 5"],
        ],
    );
}

#[test]
fn windows_that_slide_are_each_corrected() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, sum(teu_quarters) AS teu
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    )];
    check(
        &files,
        &settings(),
        &[
            ("01:03 | 0 | C1 | 1\n01:07 | 1 | C1 | 2", &[], "01:10"),
            ("01:08 | 2 | C1 | 5", &[(0, "01:03")], "01:12"),
            ("", &[], "01:15"),
            ("", &[], "01:20"),
            ("", &[], "01:30"),
        ],
        &[
            &["on time 0: 00:55 01:05 C1 1", "on time 0: 01:00 01:10 C1 3"],
            &[
                "withdrawn 1: 00:55 01:05 C1 -",
                "corrected 1: 01:00 01:10 C1 7",
            ],
            &[
                "withdrawn for good 2: 00:55 01:05 C1 -",
                "on time 0: 01:05 01:15 C1 7",
            ],
            &["final 2: 01:00 01:10 C1 7"],
            &["final 1: 01:05 01:15 C1 7"],
        ],
    );
}

#[test]
fn rows_of_sources_that_correct_nothing_and_rows_that_wait_count_together() {
    let of_others = "stream move_event\nrow_time | equipment_id | teu_quarters\n";
    let rows = format!("{of_others}00:02 | C1 | 1\n00:06 | C2 | 1");
    let late = format!("{of_others}00:14 | C2 | 1");
    let kept = format!("{HEAD}00:07 | 0 | C1 | 1\n00:05 | 1 | C3 | 1");
    let again = format!("{HEAD}00:13 | 2 | C2 | 1");
    let commits = [
        Commit {
            rows: &rows,
            kept: &kept,
            watermark: "00:15",
            ..Commit::default()
        },
        Commit {
            rows: &late,
            kept: &again,
            back: &[(0, "00:07"), (1, "00:05")],
            watermark: "00:18",
            ..Commit::default()
        },
        Commit {
            watermark: "00:25",
            ..Commit::default()
        },
    ];
    assert_eq!(
        told(&moves(""), &settings(), &commits),
        [
            vec![
                "on time 0: 00:00 00:15 C1 2",
                "on time 0: 00:00 00:15 C2 1",
                "on time 0: 00:00 00:15 C3 1",
            ],
            vec![
                "corrected 1: 00:00 00:15 C1 1",
                "corrected 1: 00:00 00:15 C2 3",
                "withdrawn 1: 00:00 00:15 C3 -",
            ],
            vec![
                "final 2: 00:00 00:15 C1 1",
                "final 2: 00:00 00:15 C2 3",
                "withdrawn for good 2: 00:00 00:15 C3 -",
            ],
        ]
    );
}

#[test]
fn rows_that_wait_no_more_since_their_source_is_ahead_count_once() {
    let kept = format!("{HEAD}00:03 | 0 | C1 | 1\n00:05 | 1 | C1 | 1\n00:13 | 2 | C1 | 1");
    let again = format!("{HEAD}00:14 | 3 | C1 | 1\n00:16 | 4 | C1 | 1");
    let commits = [
        Commit {
            kept: &kept,
            watermark: "00:12",
            passed: Some("00:10"),
            ..Commit::default()
        },
        // Of the three one still waits, and is taken back; so may one of those that come now.
        Commit {
            kept: &again,
            back: &[(2, "00:13")],
            watermark: "00:15",
            passed: Some("00:12"),
            ..Commit::default()
        },
        Commit {
            back: &[(3, "00:14")],
            watermark: "00:18",
            passed: Some("00:13"),
            ..Commit::default()
        },
        Commit {
            watermark: "00:25",
            passed: Some("00:30"),
            ..Commit::default()
        },
        Commit {
            watermark: "00:30",
            passed: Some("00:30"),
            ..Commit::default()
        },
    ];
    assert_eq!(
        told(&moves(""), &settings(), &commits),
        [
            vec![],
            vec!["on time 0: 00:00 00:15 C1 3"],
            vec!["corrected 1: 00:00 00:15 C1 2"],
            vec!["final 2: 00:00 00:15 C1 2"],
            vec!["on time 0: 00:15 00:30 C1 1"],
        ]
    );
}

#[test]
fn levels_are_corrected_by_what_is_taken_back_from_there_on() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, level_end, changes
         FROM LEVEL(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), teu_quarters, INTERVAL '5' MINUTE)",
    )];
    check(
        &files,
        &settings(),
        &[
            ("00:01 | 0 | C1 | 4\n00:02 | 1 | C2 | 2", &[], "00:10"),
            // It came later, and was less.
            ("00:06 | 2 | C1 | 3", &[(0, "00:01")], "00:12"),
            ("", &[(2, "00:06")], "00:14"),
            ("", &[], "00:20"),
        ],
        &[
            &[
                "on time 0: 00:00 00:05 C1 4 1",
                "on time 0: 00:00 00:05 C2 2 1",
                "on time 0: 00:05 00:10 C1 4 0",
                "on time 0: 00:05 00:10 C2 2 0",
            ],
            &[
                "withdrawn 1: 00:00 00:05 C1 - -",
                "corrected 1: 00:05 00:10 C1 3 1",
            ],
            &["withdrawn 2: 00:05 00:10 C1 - -"],
            &[
                "final 1: 00:00 00:05 C2 2 1",
                "withdrawn for good 2: 00:00 00:05 C1 - -",
                "on time 0: 00:10 00:15 C2 2 0",
                "final 1: 00:05 00:10 C2 2 0",
                "withdrawn for good 3: 00:05 00:10 C1 - -",
                "on time 0: 00:15 00:20 C2 2 0",
            ],
        ],
    );
}

#[test]
fn streams_that_are_joined_are_corrected_by_what_is_taken_back_of_either() {
    let files = [query(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
         FROM TUMBLE((SELECT m.row_time, m.equipment_id FROM move_event m
           JOIN gate_event g ON g.truck_id = m.equipment_id
             AND g.row_time BETWEEN m.row_time AND m.row_time + INTERVAL '5' MINUTE),
           DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    )];
    let gates = |rows: &str| format!("stream gate_event\nrow_time | offset | truck_id\n{rows}\n");
    let first = gates("00:13 | 0 | C1\n00:12 | 1 | C2")
        + HEAD
        + "00:12:30 | 2 | C1 | 1\n00:12 | 3 | C1 | 1\n00:10 | 4 | C2 | 1";
    let commits = [
        Commit {
            kept: &first,
            watermark: "00:20",
            ..Commit::default()
        },
        // One move never was; one lorry came later, and another move with it.
        Commit {
            kept: &(gates("00:16 | 5 | C2") + HEAD + "00:13 | 6 | C2 | 1"),
            back: &[(3, "00:12"), (1, "00:12")],
            watermark: "00:22",
            ..Commit::default()
        },
        Commit {
            back: &[(2, "00:12:30"), (6, "00:13")],
            watermark: "00:24",
            ..Commit::default()
        },
        Commit {
            watermark: "00:30",
            ..Commit::default()
        },
    ];
    assert_eq!(
        told(&files, &settings(), &commits),
        [
            vec!["on time 0: 00:00 00:15 C1 2", "on time 0: 00:00 00:15 C2 1"],
            // The move of 00:10 meets no lorry up to 00:15, that of 00:13 the one of 00:16.
            vec!["corrected 1: 00:00 00:15 C1 1"],
            vec![
                "withdrawn 2: 00:00 00:15 C1 -",
                "withdrawn 1: 00:00 00:15 C2 -"
            ],
            vec![
                "withdrawn for good 3: 00:00 00:15 C1 -",
                "withdrawn for good 2: 00:00 00:15 C2 -"
            ],
        ]
    );
}

#[test]
fn a_table_is_read_without_the_versions_that_were_taken_back() {
    let files = [
        SqlFile::new(
            "lorry",
            "CREATE TABLE lorry (PRIMARY KEY (truck_id)) AS SELECT truck_id, haulier FROM gate_event",
        ),
        query(
            "INSERT INTO window_stat SELECT r.window_start, r.window_end, h.haulier, count(*) AS n
             FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) r
             JOIN lorry_history h ON h.truck_id = r.equipment_id
              AND h.valid_from <= r.row_time AND r.row_time < h.valid_to
             GROUP BY r.window_start, r.window_end, h.haulier",
        ),
    ];
    let gates =
        |rows: &str| format!("stream gate_event\nrow_time | offset | truck_id | haulier\n{rows}\n");
    let commits = [
        Commit {
            kept: &(gates("00:01 | 0 | L1 | H1\n00:06 | 1 | L1 | H2")
                + HEAD
                + "00:02 | 2 | L1 | 1\n00:08 | 3 | L1 | 1"),
            watermark: "00:15",
            ..Commit::default()
        },
        // The second haulier was an error; a late move has the window looked at.
        Commit {
            kept: &format!("{HEAD}00:09 | 4 | L1 | 1"),
            back: &[(1, "00:06")],
            watermark: "00:18",
            ..Commit::default()
        },
        Commit {
            watermark: "00:25",
            ..Commit::default()
        },
    ];
    assert_eq!(
        told(&files, &settings(), &commits),
        [
            vec!["on time 0: 00:00 00:15 H1 1", "on time 0: 00:00 00:15 H2 1"],
            vec![
                "corrected 1: 00:00 00:15 H1 3",
                "withdrawn 1: 00:00 00:15 H2 -"
            ],
            vec![
                "final 2: 00:00 00:15 H1 3",
                "withdrawn for good 2: 00:00 00:15 H2 -"
            ],
        ]
    );
}
