//! Kinds of windows: long hops, windows that grow, local time, and rest in silence.

use std::collections::BTreeMap;
use std::fmt::Write;

use arrow::array::RecordBatch;
use windows::program::Strategy;
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::oracle::{SEEDS, check_equal};
use crate::random::Random;
use crate::text::{DAY_US, input, instant_text};

const MINUTE_US: i64 = 60_000_000;
/// Without early rows, which would be computed anew for each window that is open.
const LATE_ALONE: [u64; 2] = [10, 14];

/// A query over move_event: `select` after the bounds, `from`, and the grouping columns.
pub fn moves(name: &str, select: &str, from: &str, groups: &str) -> SqlFile {
    SqlFile::new(
        name,
        format!(
            "INSERT INTO window_stat SELECT window_start, window_end, {groups}, {select} FROM {from} GROUP BY window_start, window_end, {groups}"
        ),
    )
}

/// Random moves over so many minutes, some of them a long silence apart.
pub fn random_moves(seed: u64, rows: usize, minutes: u64) -> BTreeMap<String, RecordBatch> {
    let mut random = Random::new(seed);
    let mut text = String::from(
        "stream move_event\nrow_time | terminal_id | equipment_id | teu_quarters | from_position\n",
    );
    for _ in 0..rows {
        let minute = random.below(minutes) as i64;
        // The middle third is silent.
        let minute = match minute * 3 / minutes as i64 {
            1 => minute / 3,
            _ => minute,
        };
        let at = DAY_US + minute * MINUTE_US + random.below(3) as i64 * 20_000_000;
        let _ = writeln!(
            text,
            "{} | {} | {} | {} | {}",
            instant_text(at),
            random.pick(&["DGT", "DIT"]),
            random.pick(&["C1", "C2", "C3"]),
            random.below(40),
            random.pick(&["a", "b", "c"])
        );
    }
    input(&text)
}

const AGGREGATES: &str = "count(*) AS moves, sum(teu_quarters) AS teu, min(teu_quarters) AS least, max(row_time) AS latest, median(teu_quarters) AS m, count(DISTINCT from_position) AS d, approx_distinct(teu_quarters) AS a, last_value(teu_quarters ORDER BY row_time) AS l";

#[test]
fn long_hops_are_added_up_once() {
    let hop = |slide: i64, size: i64| {
        let from = format!(
            "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '{slide}' MINUTE, INTERVAL '{size}' MINUTE)"
        );
        let name = format!("hop_{slide}_{size}");
        moves(&name, AGGREGATES, &from, "terminal_id, equipment_id")
    };
    let files = [hop(2, 96), hop(6, 45), hop(20, 140)];
    let rows = check_equal(&files, &random_moves(1, 60, 300), &LATE_ALONE);
    assert!(rows["hop_2_96"].len() > 300, "{}", rows["hop_2_96"].len());
}

#[test]
fn growing_windows_add_to_what_they_hold() {
    let files = [
        moves(
            "by_hour",
            AGGREGATES,
            "CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '120' MINUTE)",
            "terminal_id",
        ),
        moves(
            "thirds",
            AGGREGATES,
            "CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '60' MINUTE)",
            "equipment_id",
        ),
        SqlFile::new(
            "rows",
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, sum(CAST(window_end AS BIGINT) - CAST(row_time AS BIGINT)) AS left_us FROM CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '30' MINUTE, INTERVAL '60' MINUTE) GROUP BY window_start, window_end, terminal_id",
        ),
    ];
    assert_eq!(compile(&files).queries[2].strategy, Strategy::Rows);
    check_equal(&files, &random_moves(2, 60, 300), &SEEDS[2..]);
    let few = "stream move_event\nrow_time | terminal_id | teu_quarters\n00:05 | DGT | 4\n00:25 | DGT | 8\n02:01 | DGT | 2";
    let file = [moves(
        "n",
        "sum(teu_quarters) AS teu",
        "CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE)",
        "terminal_id",
    )];
    assert_eq!(
        check_equal(&file, &input(few), &SEEDS)["n"],
        [
            "00:00 | 00:10 | DGT | 4",
            "00:00 | 00:20 | DGT | 4",
            "00:00 | 00:30 | DGT | 12",
            "02:00 | 02:10 | DGT | 2",
            "02:00 | 02:20 | DGT | 2",
            "02:00 | 02:30 | DGT | 2",
        ]
    );
}

#[test]
fn days_shifts_and_weeks_follow_the_clocks() {
    let tumble = |name: &str, size: &str, begins: &str| {
        let from = format!(
            "TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL {size}, time_zone => 'Europe/Berlin'{begins})"
        );
        moves(name, "count(*) AS n", &from, "terminal_id")
    };
    let files = [
        tumble("day", "'1' DAY", ""),
        tumble("shift", "'8' HOUR", ", begins => INTERVAL '6' HOUR"),
        tumble("week", "'7' DAY", ""),
    ];
    // The clocks go forward on 29 March 2026, the 27th day, and back on 25 October, the 237th.
    let mut text = String::from("stream move_event\nrow_time | terminal_id\n");
    for day in [26, 27, 28, 236, 237, 238] {
        for hour in 0..24 {
            let _ = writeln!(
                text,
                "{day}d{hour:02}:00 | DGT\n{day}d{hour:02}:59:59 | DGT"
            );
        }
    }
    let rows = check_equal(&files, &input(&text), &SEEDS[2..]);
    let line = |query: &str, start: &str| {
        let mut lines = rows[query].iter().filter(|line| line.starts_with(start));
        lines.next().cloned().unwrap_or_default()
    };
    assert_eq!(line("day", "26d23:00"), "26d23:00 | 27d22:00 | DGT | 46");
    assert_eq!(line("day", "236d22:00"), "236d22:00 | 237d23:00 | DGT | 50");
    assert_eq!(line("shift", "26d21:00"), "26d21:00 | 27d04:00 | DGT | 14");
    assert_eq!(
        line("shift", "236d20:00"),
        "236d20:00 | 237d05:00 | DGT | 18"
    );
    assert_eq!(line("week", "20d23:00"), "20d23:00 | 27d22:00 | DGT | 92");
}

#[test]
fn levels_and_ticks_rest_through_years_of_silence() {
    let files = [
        SqlFile::new(
            "crane_state",
            "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id, terminal_id, moves_per_h FROM crane",
        ),
        SqlFile::new(
            "level",
            "INSERT INTO window_stat SELECT window_start, window_end, yard_block, level_start, level_end, level_us, changes FROM LEVEL(equipment_event, DESCRIPTOR(row_time), DESCRIPTOR(yard_block), yard_delta_teu_quarters, INTERVAL '60' MINUTE)",
        ),
        SqlFile::new(
            "tick",
            "INSERT INTO window_stat SELECT t.window_start, t.window_end, c.crane_id, t.tick_at FROM TICK(INTERVAL '60' MINUTE) t CROSS JOIN crane_state c",
        ),
        SqlFile::new(
            "fortnight",
            "INSERT INTO window_stat SELECT window_start, window_end, yard_block, level_end FROM LEVEL(equipment_event, DESCRIPTOR(row_time), DESCRIPTOR(yard_block), yard_delta_teu_quarters, INTERVAL '14' DAY)",
        ),
    ];
    let rows = check_equal(
        &files,
        &input(
            "stream equipment_event\nrow_time | yard_block | yard_delta_teu_quarters\n00:30 | A | 4\n900d10:30 | A | 4\n900d11:00 | B | 1\n\
             stream crane\nrow_time | event_id | crane_id | moves_per_h\n00:00 | e1 | C1 | 20\n01:00 | e2 | C1 | 21",
        ),
        &SEEDS[2..],
    );
    // A day after 01:00, then the two intervals of the 900th day.
    assert_eq!(rows["level"].len(), 25 + 1 + 2, "{:?}", rows["level"]);
    assert!(
        rows["level"].contains(&"900d10:00 | 900d11:00 | A | 4 | 8 | 21600000000 | 1".to_owned())
    );
    assert_eq!(rows["tick"].len(), 25 + 1, "{:?}", rows["tick"]);
    assert_eq!(rows["fortnight"].len(), 3, "{:?}", rows["fortnight"]);
}

#[test]
fn sessions_grow_together_whatever_comes_first() {
    let session = |name: &str, select: &str, keys: &str, groups: &str, gap: u32| {
        let from = format!(
            "SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR({keys}), INTERVAL '{gap}' MINUTE)"
        );
        moves(name, select, &from, groups)
    };
    let files = [
        session("one", AGGREGATES, "equipment_id", "equipment_id", 7),
        session(
            "two",
            AGGREGATES,
            "terminal_id, equipment_id",
            "terminal_id, equipment_id",
            20,
        ),
        session(
            "finer",
            "count(*) AS n",
            "equipment_id",
            "equipment_id, terminal_id",
            7,
        ),
        // Sessions of two cranes may have the same bounds: they are one row then.
        session("coarser", "count(*) AS n", "equipment_id", "terminal_id", 7),
        SqlFile::new(
            "rows",
            "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, max(CAST(window_end AS BIGINT) - CAST(row_time AS BIGINT)) AS left_us FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '7' MINUTE) GROUP BY window_start, window_end, equipment_id",
        ),
        SqlFile::new(
            "crane_state",
            "CREATE TABLE crane_state (PRIMARY KEY (terminal_id)) AS SELECT equipment_id, terminal_id, teu_quarters FROM move_event",
        ),
        SqlFile::new(
            "as_of_end",
            "INSERT INTO window_stat SELECT s.window_start, s.window_end, s.equipment_id, s.n, c.teu_quarters FROM (SELECT window_start, window_end, equipment_id, min(terminal_id) AS t, count(*) AS n FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '7' MINUTE) GROUP BY window_start, window_end, equipment_id) s LEFT JOIN crane_state c ON c.terminal_id = s.t",
        ),
    ];
    let strategies: Vec<Strategy> = compile(&files)
        .queries
        .iter()
        .map(|query| query.strategy)
        .collect();
    use Strategy::{Partials, Rows};
    assert_eq!(
        strategies,
        [Partials, Partials, Partials, Rows, Rows, Partials]
    );
    let rows = check_equal(&files, &random_moves(3, 130, 500), &SEEDS);
    assert!(rows["one"].len() > 20 && rows["finer"].len() > rows["one"].len());
    let few = "stream move_event\nrow_time | equipment_id\n00:00 | C1\n00:10 | C1\n00:06 | C1\n00:17 | C1\n00:16:59 | C2\n00:20 | C2";
    assert_eq!(
        check_equal(&files[..1], &input(few), &SEEDS)["one"]
            .iter()
            .map(|line| line.split(" | ").take(4).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>(),
        [
            "00:00 00:17 C1 3",
            "00:16:59 00:27 C2 2",
            "00:17 00:24 C1 1"
        ],
        "a silence as long as the gap ends a session"
    );
}

#[test]
fn a_session_that_never_ends_is_added_up() {
    let file = [moves(
        "long",
        "count(*) AS n, sum(teu_quarters) AS teu",
        "SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '90' MINUTE)",
        "equipment_id",
    )];
    let rows = check_equal(&file, &random_moves(4, 700, 200), &[2]);
    assert_eq!(rows["long"].len(), 3);
}
