//! Joins of streams by time: queries as a user writes them, against the oracle, and what is refused.

use std::collections::BTreeMap;
use std::fmt::Write;

use arrow::array::RecordBatch;
use windows::program::{MergeKey, Program, Strategy};
use windows::sql::parse::SqlFile;

use crate::engine::{Outputs, Reading, compile, run};
use crate::oracle::{MINUTE_US, check_equal};
use crate::random::Random;
use crate::text::{DAY_US, input, instant_text, shown, streams};
use crate::trees;

/// From the gate to the stack: units that came by lorry, and the first moves after.
const GATE_TO_STACK: &str = "INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS units, sum(wait_s) AS wait_s, max(wait_s) AS wait_max_s
FROM TUMBLE((
  SELECT g.row_time, g.terminal_id, (CAST(m.row_time AS BIGINT) - CAST(g.row_time AS BIGINT)) / 1000000 AS wait_s
  FROM equipment_event g
  JOIN move_event m ON m.container_id = g.container_id AND m.terminal_id = g.terminal_id
    AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '40' MINUTE
  WHERE g.event_type = 'GTIN'), DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
GROUP BY window_start, window_end, terminal_id";

/// How wrong the forecasts of the hours before an arrival were; a stream joined with itself.
const FORECAST_ERROR: &str = "INSERT INTO window_stat
SELECT window_start, window_end, source, count(*) AS forecasts, max(error_min) AS error_max_min
FROM HOP((
  SELECT act.row_time, est.source, abs(CAST(act.row_time AS BIGINT) - CAST(est.event_time AS BIGINT)) / 60000000 AS error_min
  FROM port_call_timestamp act, port_call_timestamp est
  WHERE act.port_call_id = est.port_call_id AND act.classifier = 'ACT' AND est.classifier = 'EST'
    AND est.row_time >= act.row_time - INTERVAL '1' HOUR AND est.row_time < act.row_time),
  DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE)
GROUP BY window_start, window_end, source";

/// Units at the gate that nothing moved within four minutes, before or after.
const NOT_MOVED: &str = "INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS units, count(*) FILTER (WHERE mover IS NULL) AS not_moved
FROM TUMBLE((
  SELECT g.row_time, g.terminal_id, m.equipment_id AS mover
  FROM equipment_event g
  LEFT JOIN move_event m ON m.container_id = g.container_id
    AND g.row_time <= m.row_time + INTERVAL '4' MINUTE AND m.row_time - INTERVAL '4' MINUTE <= g.row_time),
  DESCRIPTOR(row_time), INTERVAL '20' MINUTE)
GROUP BY window_start, window_end, terminal_id";

/// Three streams, of which one is bounded by way of another; the moves that no gate event follows are the outer query's.
const CHAIN: &str = "INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS n
FROM CUMULATE((
  SELECT m.row_time, m.terminal_id
  FROM move_event m
  JOIN equipment_event g ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '20' MINUTE AND m.row_time + INTERVAL '5' MINUTE
  JOIN port_call_timestamp p ON p.terminal_id = g.terminal_id AND p.row_time BETWEEN g.row_time - INTERVAL '10' MINUTE AND g.row_time),
  DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '60' MINUTE)
GROUP BY window_start, window_end, terminal_id";

/// Anti-join: units that nothing moved at all in time.
const NEVER: &str = "INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS units
FROM TUMBLE((
  SELECT g.row_time, g.terminal_id FROM equipment_event g
  WHERE NOT EXISTS (SELECT 1 FROM move_event m WHERE m.container_id = g.container_id
    AND m.row_time > g.row_time AND m.row_time <= g.row_time + INTERVAL '25' MINUTE)),
  DESCRIPTOR(row_time), INTERVAL '20' MINUTE)
GROUP BY window_start, window_end, terminal_id";

/// The same as [`GATE_TO_STACK`] within fewer minutes, the bound a difference of times.
const WITHIN: &str = "INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS units, max(wait_s) AS wait_max_s
FROM TUMBLE((
  SELECT g.row_time, g.terminal_id, (CAST(m.row_time AS BIGINT) - CAST(g.row_time AS BIGINT)) / 1000000 AS wait_s
  FROM equipment_event g
  JOIN move_event m ON m.container_id = g.container_id
    AND m.row_time - g.row_time BETWEEN INTERVAL '-3' MINUTE AND INTERVAL '25' MINUTE), DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
GROUP BY window_start, window_end, terminal_id";

/// The same with who worked there at the time: a table outside the window, as the refusal of the table itself advises.
const WITH_HISTORY: &str = "INSERT INTO window_stat
SELECT r.window_start, r.window_end, h.terminal_id, count(*) AS units, max(r.wait_s) AS wait_max_s
FROM TUMBLE((
  SELECT g.row_time, m.equipment_id, (CAST(m.row_time AS BIGINT) - CAST(g.row_time AS BIGINT)) / 1000000 AS wait_s
  FROM equipment_event g
  JOIN move_event m ON m.container_id = g.container_id
    AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '40' MINUTE), DESCRIPTOR(row_time), INTERVAL '15' MINUTE) AS r
LEFT JOIN crane_state_history AS h
  ON h.crane_id = r.equipment_id AND h.valid_from <= r.row_time AND r.row_time < h.valid_to
GROUP BY r.window_start, r.window_end, h.terminal_id";

/// Who worked where, and where the crane was when it moved each unit: a table as of each row's time under a session.
const SHIFTS: &str = "INSERT INTO window_stat
SELECT s.window_start, s.window_end, s.equipment_id, h.terminal_id, count(*) AS n, min(CAST(s.row_time AS BIGINT)) AS first_us
FROM SESSION((SELECT row_time, equipment_id FROM move_event), DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '9' MINUTE) AS s
LEFT JOIN crane_state_history AS h
  ON h.crane_id = s.equipment_id AND h.valid_from <= s.row_time AND s.row_time < h.valid_to
GROUP BY s.window_start, s.window_end, s.equipment_id, h.terminal_id";

/// The same of joined rows.
const JOINED_SHIFTS: &str = "INSERT INTO window_stat
SELECT s.window_start, s.window_end, s.unit, h.terminal_id, count(*) AS n, max(s.wait_s) AS wait_max_s
FROM SESSION((
  SELECT g.row_time, g.container_id AS unit, m.equipment_id, (CAST(m.row_time AS BIGINT) - CAST(g.row_time AS BIGINT)) / 1000000 AS wait_s
  FROM equipment_event g
  JOIN move_event m ON m.container_id = g.container_id
    AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '30' MINUTE), DESCRIPTOR(row_time), DESCRIPTOR(unit), INTERVAL '20' MINUTE) AS s
LEFT JOIN crane_state_history AS h
  ON h.crane_id = s.equipment_id AND h.valid_from <= s.row_time AND s.row_time < h.valid_to
GROUP BY s.window_start, s.window_end, s.unit, h.terminal_id";

pub const CRANE_STATE: &str =
    "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id, terminal_id FROM crane";

pub fn port(seed: u64) -> BTreeMap<String, RecordBatch> {
    let mut random = Random::new(seed);
    let at = |random: &mut Random| instant_text(DAY_US + random.below(4 * 180) as i64 * 15_000_000);
    let mut text =
        String::from("stream move_event\nrow_time | terminal_id | container_id | equipment_id\n");
    for _ in 0..70 {
        let (time, unit) = (at(&mut random), random.below(9));
        let terminal = random.pick(&["DGT", "DIT"]);
        let _ = writeln!(text, "{time} | {terminal} | U{unit} | C1");
    }
    text += "stream equipment_event\nrow_time | terminal_id | container_id | event_type\n";
    for _ in 0..60 {
        let (time, unit) = (at(&mut random), random.below(9));
        let terminal = random.pick(&["DGT", "DIT"]);
        let kind = random.pick(&["GTIN", "GTIN", "GTOT"]);
        let _ = writeln!(text, "{time} | {terminal} | U{unit} | {kind}");
    }
    text += "stream port_call_timestamp\nrow_time | terminal_id | port_call_id | classifier | source | event_time\n";
    for _ in 0..60 {
        let (time, forecast, call) = (at(&mut random), at(&mut random), random.below(4));
        let kind = random.pick(&["ACT", "EST", "EST"]);
        let source = random.pick(&["ais", "pcs"]);
        let _ = writeln!(
            text,
            "{time} | DGT | P{call} | {kind} | {source} | {forecast}"
        );
    }
    input(&text)
}

/// The crane goes from terminal to terminal.
pub fn with_cranes(seed: u64) -> BTreeMap<String, RecordBatch> {
    let mut random = Random::new(9);
    let mut text = String::from("stream crane\nrow_time | crane_id | terminal_id\n");
    for _ in 0..30 {
        let time = instant_text(DAY_US + (10 + random.below(170)) as i64 * MINUTE_US);
        let terminal = random.pick(&["DGT", "DIT", "RRT"]);
        let _ = writeln!(text, "{time} | C1 | {terminal}");
    }
    let mut rows = port(seed);
    rows.extend(input(&text));
    rows
}

#[test]
fn rows_of_streams_meet_within_their_bounds() {
    let files = [
        ("gate_to_stack", GATE_TO_STACK),
        ("forecast_error", FORECAST_ERROR),
        ("not_moved", NOT_MOVED),
        ("chain", CHAIN),
        ("never", NEVER),
        ("within", WITHIN),
    ]
    .map(|(name, text)| SqlFile::new(name, text));
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Joined, "{}", query.name);
        // A move need not carry the terminal of the gate event that it meets.
        assert_eq!(query.merge_key, MergeKey::Port, "{}", query.name);
    }
    let rows = check_equal(&files, &port(1), &[3, 6, 10]);
    for (name, rows) in &rows {
        assert!(rows.len() > 5, "{name}: {rows:?}");
    }
    let alone = |line: &&String| !line.ends_with("| 0");
    assert!(
        rows["not_moved"].iter().any(|line| alone(&line)),
        "{rows:?}"
    );
}

#[test]
fn a_join_of_streams_meets_a_tables_history_outside_the_window() {
    let files = [
        ("crane_state", CRANE_STATE),
        ("q", WITH_HISTORY),
        ("shifts", SHIFTS),
        ("joined_shifts", JOINED_SHIFTS),
    ];
    let files = files.map(|(name, text)| SqlFile::new(name, text));
    assert_eq!(compile(&files).queries[0].strategy, Strategy::Joined);
    let rows = check_equal(&files, &with_cranes(4), &[3, 6, 9, 10, 14]);
    for (name, rows) in &rows {
        assert!(rows.len() > 10, "{name}: {rows:?}");
    }

    // The table itself is refused, with this way to mend it.
    let now = WITH_HISTORY.replace("crane_state_history", "crane_state");
    let now = now.replace(
        " AND h.valid_from <= r.row_time AND r.row_time < h.valid_to",
        "",
    );
    let files = [("crane_state", CRANE_STATE), ("q", now.as_str())];
    let files = files.map(|(name, text)| SqlFile::new(name, text));
    let Err(faults) = Program::compile(&files, &streams()) else {
        panic!("`{now}` was accepted");
    };
    let fault = faults[0].to_string();
    assert!(
        fault.contains(
            "crane_state is read as of the end of the window, which a join of streams outlasts"
        ) && fault.contains("(join crane_state_history as of the row's time"),
        "{fault}"
    );
}

/// Rows of the streams of [`trees`], whole minutes apart.
fn minutes(seed: u64) -> BTreeMap<String, RecordBatch> {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for stream in trees::STREAMS {
        let _ = writeln!(text, "stream {stream}\nrow_time | terminal_id");
        for _ in 0..40 {
            let time = instant_text(DAY_US + random.below(50) as i64 * MINUTE_US);
            let _ = writeln!(text, "{time} | {}", random.pick(&["A", "A", "B"]));
        }
    }
    input(&text)
}

/// Joins of three and four streams, of every kind, with a row_time that is that of a stream or one of several.
#[test]
fn trees_of_joins_of_every_kind_are_as_over_the_bounded_log() {
    let mut files = Vec::new();
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let windows = [
            "TUMBLE|INTERVAL '3' MINUTE",
            "HOP|INTERVAL '2' MINUTE, INTERVAL '6' MINUTE",
            "CUMULATE|INTERVAL '2' MINUTE, INTERVAL '6' MINUTE",
        ][seed as usize % 3];
        let text = trees::query(&mut |below| random.below(below as u64) as usize, windows);
        let file = SqlFile::new(format!("tree_{seed}"), text);
        if Program::compile(std::slice::from_ref(&file), &streams()).is_ok() {
            // Added up pane by pane, as well as row by row.
            let (_, from) = file.text.split_once(" FROM ").expect("FROM");
            let sums = format!(
                "INSERT INTO s SELECT window_start, window_end, count(*) AS n, max(CAST(row_time AS BIGINT)) AS last_us FROM {from} GROUP BY window_start, window_end"
            );
            files.push(SqlFile::new(format!("tree_{seed}_sum"), sums));
            files.push(file);
        }
    }
    assert!(files.len() > 30, "{}", files.len());
    let rows = check_equal(&files, &minutes(5), &[3, 6, 10]);
    let some = rows.values().filter(|rows| rows.len() > 20).count();
    assert!(some > 20, "{some}");
}

/// What each query told, in the order in which it left, without the last column of the query itself.
fn told(outputs: &Outputs, name: &str) -> Vec<String> {
    let outputs = outputs.get(name).into_iter().flatten();
    let lines = outputs.flat_map(|output| {
        let last = output.rows.num_columns() - 4;
        let columns: Vec<usize> = (0..output.rows.num_columns()).collect();
        let columns: Vec<usize> = columns
            .into_iter()
            .filter(|column| *column != last)
            .collect();
        let lines = shown(&output.rows.project(&columns).expect("columns")).into_iter();
        lines
            .map(|line| format!("{line} {}", output.is_final))
            .collect::<Vec<_>>()
    });
    lines.collect()
}

/// A join that is added up pane by pane tells the rows that one tells that is computed window by window: early, on time,
/// corrected and final, with the same revisions.
#[test]
fn joining_pane_by_pane_tells_the_same_rows_and_revisions() {
    let wholes = [
        ("gate", GATE_TO_STACK.replace("sum(wait_s) AS wait_s, ", "")),
        ("error", FORECAST_ERROR.to_owned()),
        ("moved", NOT_MOVED.to_owned()),
        ("chain", CHAIN.replace("count(*) AS n", "count(*) AS n, min(terminal_id) AS least")),
        (
            "full",
            "INSERT INTO s SELECT window_start, window_end, unit, count(*) AS n, count(mover) AS movers
FROM HOP((
               SELECT coalesce(g.row_time, m.row_time + INTERVAL '3' MINUTE) AS row_time, coalesce(g.container_id, m.container_id) AS unit, m.equipment_id AS mover
               FROM equipment_event g FULL JOIN move_event m ON m.container_id = g.container_id
                 AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '9' MINUTE),
               DESCRIPTOR(row_time), INTERVAL '2' MINUTE, INTERVAL '40' MINUTE)
             GROUP BY window_start, window_end, unit"
                .to_owned(),
        ),
    ];
    // An aggregate over the bounds of the window cannot be cut.
    let lasts = [
        ("by_pane", "0"),
        ("whole", "max(CAST(window_end AS BIGINT))"),
    ];
    let mut files = Vec::new();
    for (name, text) in &wholes {
        let (columns, from) = text.split_once("\nFROM").expect("FROM");
        for (way, last) in lasts {
            let text = format!("{columns}, {last} AS last\nFROM{from}");
            files.push(SqlFile::new(format!("{name}_{way}"), text));
        }
    }
    for query in &compile(&files).queries {
        assert_eq!(
            query.is_joined_by_pane(),
            query.name.ends_with("_by_pane"),
            "{}",
            query.name
        );
    }
    let input = port(2);
    for seed in [3, 6, 7, 11] {
        let reading = Reading {
            seed,
            disorder_us: 12 * MINUTE_US,
            commit_rows_max: 1 + seed % 5 * 3,
            early_us: (seed != 7).then_some(5 * MINUTE_US),
            correction_us: 10 * MINUTE_US,
        };
        let outputs = run(&files, &input, &reading);
        for name in ["gate", "error", "moved", "chain", "full"] {
            let by_pane = told(&outputs, &format!("{name}_by_pane"));
            let whole = told(&outputs, &format!("{name}_whole"));
            assert!(by_pane.len() > 20, "{name}: {}", by_pane.len());
            assert_eq!(by_pane, whole, "{name}, seed {seed}");
        }
    }
}

#[track_caller]
fn refused(input: &str, expected: &str) {
    let text = format!(
        "INSERT INTO s SELECT window_start, window_end, count(*) AS n FROM TUMBLE(({input}), DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end"
    );
    let table = "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id FROM crane";
    let files = [SqlFile::new("crane_state", table), SqlFile::new("q", text)];
    let Err(faults) = Program::compile(&files, &streams()) else {
        panic!("`{input}` was accepted");
    };
    assert!(faults[0].to_string().starts_with(expected), "{}", faults[0]);
}

#[test]
fn a_join_without_a_bound_in_time_is_refused() {
    let from = "SELECT g.row_time FROM equipment_event g JOIN move_event m ON m.container_id = g.container_id";
    refused(
        from,
        "q.sql:1:67: no bound in time between equipment_event and move_event, so their rows would be kept for ever (bound it on both sides",
    );
    refused(
        &format!("{from} AND m.row_time >= g.row_time"),
        "q.sql:1:67: no bound in time between equipment_event and move_event",
    );
    refused(
        &format!("{from} AND m.row_time BETWEEN g.event_time AND g.event_time + INTERVAL '1' HOUR"),
        "q.sql:1:67: no bound in time between equipment_event and move_event",
    );
    // Two that have no such time meet at any distance.
    let some =
        |side: &str| format!("CASE WHEN {side}.event_type = 'GTIN' THEN {side}.row_time END");
    refused(
        &format!(
            "SELECT g.row_time FROM equipment_event g JOIN equipment_event h ON {} IS NOT DISTINCT FROM {}",
            some("g"),
            some("h")
        ),
        "q.sql:1:67: no bound in time between equipment_event and equipment_event",
    );
    // A difference of times has no days: it is less than any.
    refused(
        &format!(
            "{from} AND m.row_time - g.row_time BETWEEN INTERVAL '-1' DAY AND INTERVAL '1' DAY"
        ),
        "q.sql:1:67: no bound in time between equipment_event and move_event",
    );
    refused(
        "SELECT g.row_time FROM equipment_event g CROSS JOIN move_event m",
        "q.sql:1:67: no bound in time between equipment_event and move_event, so their rows would be kept for ever (bound it",
    );
    let near = "m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '1' HOUR";
    refused(
        &format!(
            "SELECT greatest(g.row_time, m.event_time) AS row_time FROM equipment_event g JOIN move_event m ON {near}"
        ),
        "q.sql:1:67: row_time of the joined rows is not made of the streams' row_times (select the row_time of one of them, or COALESCE",
    );
    // Of the three, two are bounded.
    refused(
        &format!(
            "SELECT g.row_time FROM equipment_event g LEFT JOIN move_event m ON {near} LEFT JOIN gate_event q ON q.row_time >= m.row_time"
        ),
        "q.sql:1:67: no bound in time between equipment_event and gate_event",
    );
    // What meets no row of the middle stream is bounded by nothing.
    refused(
        &format!(
            "SELECT q.row_time FROM equipment_event g LEFT JOIN move_event m ON {near} RIGHT JOIN gate_event q ON q.container_id = m.container_id"
        ),
        "q.sql:1:67: no bound in time between gate_event and",
    );
    refused(
        "SELECT g.row_time FROM equipment_event g WHERE g.container_id NOT IN (SELECT nullif(m.container_id, '') FROM move_event m)",
        "q.sql:1:67: NOT IN gives nothing once any value is NULL",
    );
    refused(
        "SELECT g.row_time FROM equipment_event g JOIN crane_state c ON c.crane_id = g.container_id",
        "q.sql:1:67: a table under the window, where its rows have no time (join NAME_history as of row_time, or tables to",
    );
    let history = "JOIN crane_state_history c ON c.crane_id = g.container_id";
    let as_of = "c.valid_from <= g.row_time AND g.row_time < c.valid_to";
    for text in [
        format!("SELECT g.row_time FROM equipment_event g {history}"),
        format!(
            "SELECT g.row_time FROM equipment_event g {history} AND c.valid_from <= g.row_time"
        ),
        format!(
            "SELECT g.row_time FROM equipment_event g {history} AND c.valid_from <= g.row_time AND g.row_time <= c.valid_to"
        ),
        format!(
            "SELECT g.row_time FROM equipment_event g {history} AND c.valid_from <= g.event_time AND g.event_time < c.valid_to"
        ),
        format!("SELECT g.row_time FROM equipment_event g RIGHT {history} AND {as_of}"),
        format!("SELECT g.row_time FROM equipment_event g FULL {history} AND {as_of}"),
        format!(
            "SELECT g.row_time FROM equipment_event g {history} AND {as_of} WHERE c.valid_to > c.valid_from + INTERVAL '1' HOUR"
        ),
        format!(
            "SELECT g.row_time FROM equipment_event g {history} AND {as_of} AND g.event_time < c.valid_to"
        ),
        format!(
            "SELECT g.row_time FROM equipment_event g {history} AND {as_of} AND g.event_time = c.valid_to"
        ),
        format!(
            "SELECT g.row_time FROM equipment_event g JOIN (SELECT crane_id, valid_from, valid_from + INTERVAL '1' DAY AS valid_to FROM crane_state_history) c ON c.crane_id = g.container_id AND {as_of}"
        ),
        format!(
            "SELECT g.row_time FROM equipment_event g JOIN (SELECT crane_id, valid_from, valid_to, valid_to AS ends FROM crane_state_history) c ON c.crane_id = g.container_id AND {as_of} WHERE c.ends <> g.event_time"
        ),
        format!(
            "SELECT g.row_time FROM (SELECT container_id, row_time + INTERVAL '1' HOUR AS row_time FROM equipment_event) g {history} AND {as_of}"
        ),
    ] {
        refused(
            &text,
            "q.sql:1:67: a table under the window is read as of the row_time of a stream (JOIN or LEFT JOIN NAME_history h ON",
        );
    }
    refused(
        &format!("SELECT c.valid_from AS row_time FROM equipment_event g {history} AND {as_of}"),
        "q.sql:1:67: row_time of the joined rows is not made of the streams' row_times",
    );
}

/// The rows that meet may name different terminals: spread by terminal they would miss each other.
#[test]
fn a_join_of_streams_is_not_spread_by_terminal() {
    for text in [GATE_TO_STACK, NOT_MOVED, CHAIN] {
        let query = &compile(&[SqlFile::new("join", text)]).queries[0];
        assert_eq!(query.merge_key, MergeKey::Port, "{text}");
    }
}
