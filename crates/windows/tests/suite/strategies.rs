//! Each strategy on its own small queries, against the oracle and against rows written down.

use std::collections::BTreeMap;
use std::fmt::Write;

use arrow::array::RecordBatch;
use windows::merge::{Merge, MergeSettings};
use windows::program::{MergeKey, Strategy};
use windows::sql::parse::SqlFile;

use crate::engine::{compile, extent};
use crate::oracle::{SEEDS, check_equal};
use crate::random::Random;
use crate::text::{DAY_US, input, instant_text, shown};

fn file(name: &str, text: &str) -> SqlFile {
    SqlFile::new(name, text)
}

/// Random moves, gate passages and train slots over three hours, with ties in time.
fn port(seed: u64, rows: usize) -> BTreeMap<String, RecordBatch> {
    let mut random = Random::new(seed);
    let time = |random: &mut Random| {
        instant_text(
            DAY_US + random.below(180) as i64 * 60_000_000 + random.below(3) as i64 * 20_000_000,
        )
    };
    let mut text = String::from(
        "stream move_event\nrow_time | terminal_id | equipment_id | teu_quarters | from_position\n",
    );
    for _ in 0..rows {
        let at = time(&mut random);
        let _ = writeln!(
            text,
            "{at} | {} | {} | {} | {}",
            random.pick(&["DGT", "DIT"]),
            random.pick(&["C1", "C2", "C3"]),
            random.below(40),
            random.pick(&["a", "b", "c"])
        );
    }
    text +=
        "stream equipment_event\nrow_time | terminal_id | yard_block | yard_delta_teu_quarters\n";
    for _ in 0..rows / 2 {
        let at = time(&mut random);
        let _ = writeln!(
            text,
            "{at} | {} | {} | {}",
            random.pick(&["DGT", "DIT"]),
            random.pick(&["A", "B"]),
            random.below(17) as i64 - 8
        );
    }
    text += "stream crane\nrow_time | event_id | terminal_id | crane_id | moves_per_h\n";
    for n in 0..rows / 4 {
        let at = time(&mut random);
        let _ = writeln!(
            text,
            "{at} | e{n} | DGT | {} | {}",
            random.pick(&["C1", "C2", "C3"]),
            20 + random.below(10)
        );
    }
    input(&text)
}

const CRANE_STATE: &str = "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id, terminal_id, moves_per_h FROM crane";

#[test]
fn exact_aggregates_are_cut_and_merge_in_any_order() {
    let files = [
        file(
            "tumble",
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, equipment_id, count(*) AS moves, sum(teu_quarters) AS teu, min(teu_quarters) AS least, max(row_time) AS latest, avg(teu_quarters) AS mean, count(*) FILTER (WHERE teu_quarters > 20) AS large FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, terminal_id, equipment_id",
        ),
        file(
            "hop",
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, median(teu_quarters) AS m, percentile_cont(0.9) WITHIN GROUP (ORDER BY teu_quarters) AS p90, approx_distinct(from_position) AS a, count(DISTINCT from_position) AS d, count(DISTINCT teu_quarters) AS e, sum(teu_quarters) AS s FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '45' MINUTE) GROUP BY window_start, window_end, terminal_id",
        ),
        file(
            "ordered",
            "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, array_agg(teu_quarters ORDER BY row_time) AS series, first_value(from_position ORDER BY row_time) AS f, last_value(teu_quarters ORDER BY row_time) AS l, string_agg(from_position, ',' ORDER BY row_time DESC) AS s, array_agg(from_position ORDER BY row_time DESC, offset) AS back, array_agg(DISTINCT from_position ORDER BY from_position) AS places, sign_flips(array_agg(teu_quarters ORDER BY row_time)) AS flips FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '60' MINUTE) GROUP BY window_start, window_end, equipment_id",
        ),
        file(
            "distinct_only",
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(DISTINCT from_position) AS d FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE) GROUP BY window_start, window_end, terminal_id",
        ),
        file(
            "by_day",
            "INSERT INTO window_stat SELECT window_start, window_end, date_trunc('hour', window_end) AS hour, count(*) AS n FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '20' MINUTE) GROUP BY window_start, window_end, date_trunc('hour', window_end)",
        ),
        file(
            "sub_query",
            "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) * 4 AS per_h FROM TUMBLE((SELECT row_time, upper(equipment_id) AS equipment_id FROM move_event WHERE teu_quarters > 3), DESCRIPTOR(row_time), INTERVAL '15' MINUTE) AS w WHERE w.equipment_id <> 'C3' GROUP BY window_start, window_end, equipment_id",
        ),
    ];
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Partials, "{}", query.name);
    }
    let rows = check_equal(&files, &port(1, 120), &SEEDS);
    assert!(
        rows.values().all(|rows| rows.len() > 6),
        "every query has rows"
    );
}

#[test]
fn two_ordered_aggregates_keep_their_own_orders_apart() {
    let files = [file(
        "both",
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, first_value(from_position ORDER BY row_time) AS f, last_value(teu_quarters ORDER BY row_time) AS l FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '60' MINUTE) GROUP BY window_start, window_end, equipment_id",
    )];
    check_equal(&files, &port(1, 120), &SEEDS);
}

#[test]
fn what_cannot_be_cut_runs_over_whole_rows() {
    let files = [
        file("crane_state", CRANE_STATE),
        file(
            "as_of",
            "INSERT INTO window_stat SELECT window_start, window_end, m.equipment_id, count(*) AS moves, sum(h.moves_per_h) AS rated FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) AS m LEFT JOIN crane_state_history h ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to GROUP BY window_start, window_end, m.equipment_id",
        ),
        file(
            "renamed",
            "INSERT INTO window_stat SELECT w AS window_start, e AS window_end, count(*) AS n FROM (SELECT window_start AS w, window_end AS e FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)) GROUP BY w, e",
        ),
        file(
            "computes",
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, sum(CAST(window_end AS BIGINT) - CAST(row_time AS BIGINT)) AS left_us FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '20' MINUTE) GROUP BY window_start, window_end, terminal_id",
        ),
    ];
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Rows, "{}", query.name);
        assert_eq!(query.merge_key, MergeKey::Port, "{}", query.name);
    }
    check_equal(&files, &port(2, 120), &SEEDS);
}

/// A windowed query over moves as `m` with the cranes' state as of each move as `h`: window, kind of join, what is selected.
fn as_of(name: &str, window: &str, join: &str, select: &str) -> SqlFile {
    file(
        name,
        &format!(
            "INSERT INTO window_stat SELECT window_start, window_end, {select} FROM {window} AS m {join} crane_state_history h
               ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to
             GROUP BY window_start, window_end, m.equipment_id"
        ),
    )
}

#[test]
fn rows_that_meet_a_table_as_of_their_time_are_aggregated_once_a_pane() {
    let hop = "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE)";
    let tumble = "TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)";
    let cumulate =
        "CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE)";
    let all = "m.equipment_id, count(*) AS moves, sum(h.moves_per_h) AS rated, max(m.from_position) AS last";
    let met = "m.equipment_id, count(*) AS moves";
    let files = [
        file("crane_state", CRANE_STATE),
        as_of("hop", hop, "LEFT JOIN", all),
        as_of("tumble", tumble, "LEFT JOIN", all),
        as_of("growing", cumulate, "JOIN", all),
        as_of("met", hop, "LEFT SEMI JOIN", met),
        as_of("unmet", hop, "LEFT ANTI JOIN", met),
        as_of("turned", hop, "JOIN", "m.equipment_id, count(DISTINCT h.moves_per_h) AS rates, sum(m.teu_quarters) FILTER (WHERE h.moves_per_h > 20) AS fast"),
        file(
            "table_first",
            &format!(
                "INSERT INTO window_stat SELECT window_start, window_end, h.crane_id, count(*) AS moves
                 FROM (SELECT crane_id, valid_from, valid_to FROM crane_state_history WHERE moves_per_h > 0) h
                 JOIN {hop} AS m ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to
                 GROUP BY window_start, window_end, h.crane_id"
            ),
        ),
    ];
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Rows, "{}", query.name);
        assert!(query.is_made_by_pane(), "{}", query.name);
    }
    let rows = check_equal(&files, &port(2, 180), &SEEDS);
    let few: Vec<&String> = (rows.iter().filter(|(_, rows)| rows.len() < 6))
        .map(|(name, _)| name)
        .collect();
    assert!(few.is_empty(), "{few:?}");
}

/// What hangs on the window, or of which rows come that no windowed row has a part in, is computed window by window.
#[test]
fn joins_that_hang_on_the_window_are_not_made_by_pane() {
    let hop = "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '20' MINUTE)";
    let all = "m.equipment_id, count(*) AS moves, sum(h.moves_per_h) AS rated";
    let files = [
        file("crane_state", CRANE_STATE),
        file(
            "as_of_its_end",
            &format!(
                "INSERT INTO window_stat SELECT window_start, window_end, m.equipment_id, count(*) AS moves FROM {hop} AS m
                 JOIN crane_state_history h ON h.crane_id = m.equipment_id AND h.valid_from < window_end AND window_end <= h.valid_to
                 GROUP BY window_start, window_end, m.equipment_id"
            ),
        ),
        file(
            "newest",
            &format!(
                "INSERT INTO window_stat SELECT window_start, window_end, m.equipment_id, sum(c.moves_per_h) AS rated FROM {hop} AS m
                 JOIN crane_state c ON c.crane_id = m.equipment_id GROUP BY window_start, window_end, m.equipment_id"
            ),
        ),
        as_of("of_the_table_too", hop, "FULL JOIN", all),
        as_of("until_when", hop, "LEFT JOIN", "m.equipment_id, max(h.valid_to) AS until"),
        file(
            "any_version",
            &format!(
                "INSERT INTO window_stat SELECT window_start, window_end, m.equipment_id, count(*) AS n FROM {hop} AS m
                 JOIN crane_state_history h ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time
                 GROUP BY window_start, window_end, m.equipment_id"
            ),
        ),
    ];
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Rows, "{}", query.name);
        assert!(!query.is_made_by_pane(), "{}", query.name);
    }
    check_equal(&files[..3], &port(2, 120), &SEEDS);
}

#[test]
fn tables_are_joined_as_of_the_end_of_the_window_above_the_cut() {
    let files = [
        file("crane_state", CRANE_STATE),
        file(
            "rate",
            "INSERT INTO window_stat SELECT s.window_start, s.window_end, s.equipment_id, s.moves, c.moves_per_h FROM (SELECT window_start, window_end, equipment_id, count(*) AS moves FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '30' MINUTE) GROUP BY window_start, window_end, equipment_id) s LEFT JOIN crane_state c ON c.crane_id = s.equipment_id",
        ),
    ];
    let program = compile(&files);
    assert_eq!(program.queries[0].strategy, Strategy::Partials);
    assert_eq!(program.queries[0].tables, ["crane_state"]);
    check_equal(&files, &port(3, 80), &SEEDS);
}

#[test]
fn a_second_aggregate_above_the_cut_is_not_spread_by_terminal() {
    let files = [file(
        "busiest",
        "INSERT INTO window_stat SELECT window_start, window_end, max(n) AS most, max(terminal_id) AS terminal_id FROM (SELECT window_start, window_end, terminal_id, count(*) AS n FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '30' MINUTE) GROUP BY window_start, window_end, terminal_id) GROUP BY window_start, window_end",
    )];
    assert_eq!(compile(&files).queries[0].merge_key, MergeKey::Port);
    check_equal(&files, &port(4, 60), &SEEDS);
}

#[test]
fn levels_are_told_at_every_end_and_ticks_read_tables() {
    let files = [
        file("crane_state", CRANE_STATE),
        file(
            "level",
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, yard_block, level_start, level_end, level_us, changes FROM LEVEL(equipment_event, DESCRIPTOR(row_time), DESCRIPTOR(terminal_id, yard_block), yard_delta_teu_quarters, INTERVAL '15' MINUTE)",
        ),
        file(
            "level_table",
            "INSERT INTO window_stat SELECT l.window_start, l.window_end, l.terminal_id, l.level_end, c.rated FROM LEVEL((SELECT row_time, terminal_id, yard_delta_teu_quarters FROM equipment_event WHERE yard_block = 'A'), DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), yard_delta_teu_quarters, INTERVAL '30' MINUTE) l LEFT JOIN (SELECT terminal_id, sum(moves_per_h) AS rated FROM crane_state GROUP BY terminal_id) c ON c.terminal_id = l.terminal_id",
        ),
        file(
            "tick",
            "INSERT INTO window_stat SELECT t.window_start, t.window_end, c.crane_id, c.moves_per_h, t.tick_at FROM TICK(INTERVAL '20' MINUTE) t CROSS JOIN crane_state c",
        ),
    ];
    let program = compile(&files);
    let strategies: Vec<Strategy> = program.queries.iter().map(|query| query.strategy).collect();
    assert_eq!(
        strategies,
        [Strategy::Levels, Strategy::Levels, Strategy::Ticks]
    );
    assert_eq!(program.queries[0].merge_key, MergeKey::Terminal);
    let rows = check_equal(&files, &port(5, 120), &SEEDS);
    assert!(rows["tick"].len() > 10, "{rows:?}");
}

#[test]
fn a_level_goes_on_where_nothing_happens() {
    let files = [file(
        "level",
        "INSERT INTO window_stat SELECT window_start, window_end, yard_block, level_start, level_end, level_us / 60000000 AS level_min, changes FROM LEVEL(equipment_event, DESCRIPTOR(row_time), DESCRIPTOR(yard_block), yard_delta_teu_quarters, INTERVAL '15' MINUTE)",
    )];
    let rows = check_equal(
        &files,
        &input(
            "stream equipment_event\nrow_time | yard_block | yard_delta_teu_quarters\n08:05 | A | 4\n08:50 | A | -4\n08:55 | B | 1",
        ),
        &SEEDS,
    );
    assert_eq!(
        rows["level"],
        [
            "08:00 | 08:15 | A | 0 | 4 | 40 | 1",
            "08:15 | 08:30 | A | 4 | 4 | 60 | 0",
            "08:30 | 08:45 | A | 4 | 4 | 60 | 0",
            "08:45 | 09:00 | A | 4 | 0 | 20 | 1",
            "08:45 | 09:00 | B | 0 | 1 | 5 | 1",
        ]
    );
}

#[test]
fn a_planner_reads_its_input_as_of_its_tick() {
    let files = [
        file("crane_state", CRANE_STATE),
        file(
            "cranes",
            "SELECT crane_id, moves_per_h FROM crane_state WHERE terminal_id = 'DGT' ORDER BY crane_id",
        ),
    ];
    let rows = input(
        "stream crane\nrow_time | terminal_id | crane_id | moves_per_h\n08:00 | DGT | C2 | 20\n08:10 | DGT | C1 | 25\n08:20 | DGT | C2 | 30\n08:30 | DIT | C9 | 9",
    );
    let fold = compile(&files);
    let mut merge = Merge::new(compile(&files), &MergeSettings::default()).expect("merge");
    fold.fill("crane", vec![rows["crane"].clone()]);
    for batch in fold.tables[0].fold.run().expect("fold") {
        merge.absorb("crane_state", fold.tables[0].fingerprint, &batch);
    }
    let at = |time: &str| crate::text::instant_us(time) + 1;
    assert_eq!(
        shown(&merge.snapshot("cranes", at("08:09")).expect("snapshot")),
        ["C2 | 20"]
    );
    assert_eq!(
        shown(&merge.snapshot("cranes", at("08:20")).expect("snapshot")),
        ["C1 | 25", "C2 | 30"]
    );
    let fault = merge
        .snapshot("crane", at("09:00"))
        .expect_err("no such input")
        .to_string();
    assert!(fault.contains("crane.sql"), "{fault}");
    assert_eq!(extent(&rows).horizon_us, at("08:30") - 1);
}

#[test]
fn fold_decodes_only_the_columns_that_queries_read() {
    let files = [
        file("crane_state", CRANE_STATE),
        file(
            "n",
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS n FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '30' MINUTE) GROUP BY window_start, window_end, terminal_id",
        ),
    ];
    let program = compile(&files);
    let needed = program.needed_columns();
    assert_eq!(needed["move_event"], ["terminal_id", "row_time"]);
    assert_eq!(
        needed["crane"],
        [
            "event_id",
            "record_time",
            "terminal_id",
            "row_time",
            "crane_id",
            "moves_per_h"
        ]
    );
    let explained = program.explain();
    assert!(
        explained.contains("table crane_state: newest row of crane by (crane_id)"),
        "{explained}"
    );
    assert!(explained.contains("fold aggregates by pane"), "{explained}");
}
