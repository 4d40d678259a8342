//! Bounds of a query: rows of new keys are refused, old keys go on, and other queries do not notice.

use arrow::array::RecordBatch;
use windows::merge::{Absorbed, Merge, MergeSettings, Reached, Refused};
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::text::{input, instant_us, shown};

const TUMBLE: &str = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, equipment_id";
const HOP: &str = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '30' MINUTE) GROUP BY window_start, window_end, equipment_id";
const SESSION: &str = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '10' MINUTE) GROUP BY window_start, window_end, equipment_id";
const LEVEL: &str = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, level_end FROM LEVEL(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), teu_quarters, INTERVAL '15' MINUTE)";

/// Reads commits one after the other, with room for so many keys; fires up to the given time after each. Returns the
/// refused rows of each commit, with those that there was no room for once they had met, and the rows that left.
fn run(text: &str, keys_max: usize, commits: &[(&str, &str)]) -> (Vec<Refused>, Vec<String>) {
    let files = [SqlFile::new("q", text)];
    let settings = MergeSettings {
        query_keys_max: keys_max,
        ..MergeSettings::default()
    };
    let fold = compile(&files);
    let mut merge = Merge::new(compile(&files), &settings).expect("merge");
    let (mut refused, mut rows) = (Vec::new(), Vec::new());
    for (lines, until) in commits {
        let text = format!("stream move_event\nrow_time | equipment_id | teu_quarters\n{lines}");
        let input = input(&text);
        let told = windows::state::activity::told(input.values()).expect("told");
        merge.absorb(
            windows::state::activity::NAME,
            windows::state::activity::FINGERPRINT,
            &told,
        );
        fold.fill("move_event", vec![input["move_event"].clone()]);
        let mut commit = Refused::default();
        for stage in &fold.queries[0].inputs {
            for batch in stage.fold.run().expect("fold") {
                match merge.absorb("q", stage.fingerprint, &batch) {
                    Absorbed::All => {}
                    Absorbed::But(more) => {
                        commit.late += more.late;
                        commit.full += more.full;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        let until_us = instant_us(until);
        let reached = Reached {
            frontier_us: until_us,
            begin_us: instant_us("00:00"),
            horizon_us: None,
        };
        while let Some(at_us) = merge.next_at(&reached) {
            for output in merge.fire(at_us, &reached).outputs {
                rows.extend(shown(&output.rows));
            }
            commit.full += merge
                .take_full()
                .iter()
                .map(|(_, full)| full)
                .sum::<usize>();
        }
        refused.push(commit);
    }
    (refused, rows)
}

/// Cranes that move twice within five minutes.
const JOINED: &str = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
    FROM HOP((SELECT a.row_time, a.equipment_id FROM move_event a JOIN move_event b
               ON b.equipment_id = a.equipment_id AND b.row_time > a.row_time AND b.row_time <= a.row_time + INTERVAL '5' MINUTE),
             DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '30' MINUTE)
    GROUP BY window_start, window_end, equipment_id";

#[test]
fn rows_that_some_final_window_lacks_are_counted() {
    const CUMULATE: &str = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n FROM CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '60' MINUTE) GROUP BY window_start, window_end, equipment_id";
    // The windows that end at 00:30 are final, those that end at 00:45 are not.
    let commits = [
        (
            "00:01 | C1 | 1\n00:16 | C2 | 1\n00:31 | C1 | 1\n00:34 | C1 | 1",
            "00:40",
        ),
        ("00:05 | C1 | 1", "00:40"),
        ("00:20 | C1 | 1", "00:40"),
        ("00:36 | C1 | 1", "04:00"),
    ];
    let late = |late| Refused { late, full: 0 };
    // A join needs a row once for each side.
    let kinds = [
        (TUMBLE, [0, 1, 1, 0], ["00:45 | C1 | 3"].as_slice()),
        (HOP, [0, 1, 1, 0], &["00:45 | C1 | 4", "01:00 | C1 | 3"]),
        (
            CUMULATE,
            [0, 1, 1, 0],
            &["00:45 | C1 | 6", "01:00 | C1 | 6"],
        ),
        (JOINED, [0, 2, 2, 0], &["00:45 | C1 | 3"]),
    ];
    for (text, counted, last) in kinds {
        let (refused, rows) = run(text, usize::MAX, &commits);
        assert_eq!(refused, counted.map(late), "{text}");
        for row in last {
            let is_there = rows.iter().any(|told| told.contains(row));
            assert!(is_there, "{text}: {row} in {rows:#?}");
        }
    }
}

fn full(full: usize) -> Refused {
    Refused { late: 0, full }
}

#[test]
fn a_query_holds_so_many_keys_and_no_more() {
    let commits = [
        ("00:01 | C1 | 1\n00:02 | C2 | 1", "00:03"),
        ("00:03 | C3 | 1\n00:04 | C1 | 1\n00:04 | C4 | 1", "00:05"),
        ("00:06 | C2 | 1\n00:07 | C3 | 1", "00:40"),
        ("00:41 | C3 | 1\n00:41 | C2 | 1\n00:42 | C1 | 1", "02:00"),
    ];
    for text in [TUMBLE, SESSION] {
        let (refused, rows) = run(text, 2, &commits);
        assert_eq!(refused, [full(0), full(2), full(1), full(1)], "{text}");
        let count = |key: &str, n: i64| {
            let cell = format!("| {key} | {n} |");
            rows.iter().filter(|row| row.contains(&cell)).count()
        };
        assert_eq!((count("C1", 2), count("C2", 2)), (1, 1), "{rows:?}");
        assert_eq!(rows.len(), 4, "{rows:?}");
        assert!(!rows.iter().any(|row| row.contains("C4")));
    }
    let (refused, rows) = run(HOP, 2, &commits);
    assert_eq!(refused, [full(0), full(2), full(1), full(1)]);
    assert_eq!(rows.len(), 2 * 2 + 2 * 2, "{rows:?}");
    let (refused, rows) = run(LEVEL, 2, &commits);
    // A level stays where it is, and so does its key.
    assert_eq!(refused, [full(0), full(2), full(1), full(1)]);
    assert!(
        rows.iter()
            .all(|row| row.contains("C1") || row.contains("C2"))
    );
}

#[test]
fn ten_times_as_many_keys_leave_the_first_ones_as_they_were() {
    const KEYS_MAX: usize = 40;
    let lines = |minute: &str, keys: std::ops::Range<usize>| {
        let lines = keys.map(|key| format!("{minute} | C{key} | 1"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let first = lines("00:01", 0..KEYS_MAX);
    let flood = [
        lines("00:02", KEYS_MAX..10 * KEYS_MAX),
        lines("00:03", 0..KEYS_MAX),
    ];
    let (flooded, again) = (flood.join("\n"), &flood[1]);
    for text in [TUMBLE, HOP, SESSION, LEVEL] {
        let commits = |second| [(first.as_str(), "00:01"), (second, "02:00")];
        let (refused, rows) = run(text, KEYS_MAX, &commits(&flooded));
        assert_eq!(refused, [full(0), full(9 * KEYS_MAX)], "{text}");
        let (refused, expected) = run(text, usize::MAX, &commits(again));
        assert_eq!(refused, [full(0); 2], "{text}");
        assert!(expected.len() >= KEYS_MAX && rows == expected, "{text}");
    }
}

/// Moves with those of the same crane up to five minutes later, itself among them.
const MET: &str = "(SELECT a.row_time, a.equipment_id, a.teu_quarters FROM move_event a JOIN move_event b
    ON b.equipment_id = a.equipment_id AND b.row_time >= a.row_time AND b.row_time <= a.row_time + INTERVAL '5' MINUTE)";

#[test]
fn ten_times_as_many_keys_of_joined_rows_leave_the_first_ones_as_they_were() {
    const KEYS_MAX: usize = 40;
    let lines = |minute: &str, keys: std::ops::Range<usize>| {
        let lines = keys.map(|key| format!("{minute} | C{key} | 1"));
        lines.collect::<Vec<_>>().join("\n")
    };
    // Rows are met pane by pane: the others are new in a later one.
    for (text, others, again) in [(SESSION, "00:04", "00:06"), (LEVEL, "00:16", "00:17")] {
        let text = text.replace("move_event", MET);
        let first = lines("00:01", 0..KEYS_MAX);
        let again = lines(again, 0..KEYS_MAX);
        let flooded = format!("{}\n{again}", lines(others, KEYS_MAX..10 * KEYS_MAX));
        let commits = |second| [(first.as_str(), "00:01"), (second, "02:00")];
        let (refused, rows) = run(&text, KEYS_MAX, &commits(&flooded));
        assert_eq!(refused, [full(0), full(9 * KEYS_MAX)], "{text}");
        let (refused, expected) = run(&text, usize::MAX, &commits(&again));
        assert_eq!(refused, [full(0); 2], "{text}");
        assert!(expected.len() >= KEYS_MAX && rows == expected, "{text}");
    }
}

#[test]
fn ten_times_as_many_keys_of_a_table_leave_the_first_ones_as_they_were() {
    const KEYS_MAX: usize = 40;
    let files = [
        SqlFile::new(
            "crane_state",
            "CREATE TABLE crane_state (PRIMARY KEY (equipment_id)) AS SELECT equipment_id, teu_quarters FROM move_event",
        ),
        SqlFile::new(
            "cranes",
            "INSERT INTO window_stat SELECT t.window_start, t.window_end, s.equipment_id, s.teu_quarters
             FROM TICK(INTERVAL '30' MINUTE) AS t CROSS JOIN crane_state AS s",
        ),
    ];
    let run = |keys_max: usize, keys: usize| {
        let settings = MergeSettings {
            table_keys_max: keys_max,
            ..MergeSettings::default()
        };
        let fold = compile(&files);
        let mut merge = Merge::new(compile(&files), &settings).expect("merge");
        let mut full = 0;
        let commits = [
            ("00:01", 0..KEYS_MAX, 1),
            ("00:02", KEYS_MAX..keys, 1),
            ("00:03", 0..KEYS_MAX, 2),
        ];
        for (minute, keys, teu) in commits.into_iter().filter(|(_, keys, _)| !keys.is_empty()) {
            let lines = keys.map(|key| format!("{minute} | C{key} | {teu}"));
            let lines = lines.collect::<Vec<_>>().join("\n");
            let input = input(&format!(
                "stream move_event\nrow_time | equipment_id | teu_quarters\n{lines}"
            ));
            let told = windows::state::activity::told(input.values()).expect("told");
            merge.absorb(
                windows::state::activity::NAME,
                windows::state::activity::FINGERPRINT,
                &told,
            );
            fold.fill("move_event", vec![input["move_event"].clone()]);
            let table = &fold.tables[0];
            for batch in table.fold.run().expect("fold") {
                match merge.absorb(&table.name, table.fingerprint, &batch) {
                    Absorbed::All => {}
                    Absorbed::But(more) => full += more.full,
                    other => panic!("{other:?}"),
                }
            }
        }
        let reached = Reached {
            frontier_us: instant_us("00:40"),
            begin_us: instant_us("00:00"),
            horizon_us: None,
        };
        let mut rows = Vec::new();
        while let Some(at_us) = merge.next_at(&reached) {
            for output in merge.fire(at_us, &reached).outputs {
                rows.extend(shown(&output.rows));
            }
        }
        (full, rows)
    };
    let (full, rows) = run(KEYS_MAX, 10 * KEYS_MAX);
    assert_eq!(full, 9 * KEYS_MAX);
    let (full, expected) = run(usize::MAX, KEYS_MAX);
    assert_eq!(full, 0);
    assert!(expected.len() >= KEYS_MAX && rows == expected, "{rows:?}");
}

/// Merge keeps such rows for hours, thousands of times, and counts what they hold.
#[test]
fn few_rows_that_a_filter_lets_pass_take_no_room_for_many() {
    let text = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, level_end FROM LEVEL(
        (SELECT row_time, equipment_id, teu_quarters FROM move_event WHERE teu_quarters > 1), DESCRIPTOR(row_time),
        DESCRIPTOR(equipment_id), teu_quarters, INTERVAL '15' MINUTE)";
    let fold = compile(&[SqlFile::new("q", text)]);
    let lines =
        "stream move_event\nrow_time | equipment_id | teu_quarters\n00:01 | C1 | 1\n00:02 | C2 | 4";
    fold.fill("move_event", vec![input(lines)["move_event"].clone()]);
    let rows = fold.queries[0].inputs[0].fold.run().expect("fold");
    let held: usize = rows.iter().map(RecordBatch::get_array_memory_size).sum();
    assert!(!rows.is_empty() && held < 4_096, "{held} bytes");
}
