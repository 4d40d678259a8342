//! Several windowed relations over the same windows, against the oracle, and what is refused.

use windows::program::{MergeKey, Program, Strategy};
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::joins::{CRANE_STATE, port, with_cranes};
use crate::oracle::check_equal;
use crate::text::streams;

/// Passages of the gate beside moves, by terminal; where there was one of them.
const GATE_AND_YARD: &str = "INSERT INTO window_stat
SELECT coalesce(g.window_start, m.window_start) AS window_start, coalesce(m.window_end, g.window_end) AS window_end,
  coalesce(g.terminal_id, m.terminal_id) AS terminal_id, coalesce(g.n, 0) AS passages, coalesce(m.n, 0) AS moves
FROM (SELECT window_start, window_end, terminal_id, count(*) AS n FROM TUMBLE(equipment_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
      GROUP BY window_start, window_end, terminal_id) AS g
FULL JOIN (SELECT window_start, window_end, terminal_id, count(*) AS n FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
      GROUP BY window_start, window_end, terminal_id) AS m
ON m.window_start = g.window_start AND m.window_end = g.window_end AND m.terminal_id = g.terminal_id";

/// Units that passed the gate in a window in which they were moved; whole rows meet.
const SAME_HOUR: &str = "INSERT INTO window_stat
SELECT g.window_start, g.window_end, g.container_id, count(*) AS pairs, max(m.row_time) AS last_moved_at
FROM HOP(equipment_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE) AS g
JOIN HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE) AS m
  ON m.window_start = g.window_start AND m.container_id = g.container_id
GROUP BY g.window_start, g.window_end, g.container_id";

/// Units that passed the gate and were not moved in the hour so far; a stream with itself and another.
const NOT_MOVED: &str = "INSERT INTO window_stat
SELECT g.window_start, g.window_end, g.terminal_id, count(*) AS n, count(h.container_id) AS others
FROM CUMULATE(equipment_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '60' MINUTE) AS g
LEFT JOIN CUMULATE(equipment_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '60' MINUTE) AS h
  ON h.window_end = g.window_end AND h.event_type <> g.event_type AND h.container_id = g.container_id
WHERE NOT EXISTS (SELECT 1 FROM CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '60' MINUTE) AS m
  WHERE m.window_end = g.window_end AND m.container_id = g.container_id)
GROUP BY g.window_start, g.window_end, g.terminal_id";

/// Pairs, each ranked by what came before in its quarter hour; three streams.
const RANKED: &str = "INSERT INTO window_stat
SELECT window_start, window_end, source, count(*) AS n, sum(place) AS places, max(place) AS place_max
FROM (SELECT m.window_start, m.window_end, p.source,
        rank() OVER (PARTITION BY m.window_start, m.window_end ORDER BY m.row_time, g.row_time, p.row_time) AS place
      FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) AS m
      JOIN TUMBLE(equipment_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) AS g
        ON m.window_start = g.window_start AND m.window_end = g.window_end AND m.terminal_id = g.terminal_id
      JOIN TUMBLE(port_call_timestamp, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) AS p
        ON p.window_start = g.window_start AND p.window_end = m.window_end)
GROUP BY window_start, window_end, source";

/// By the clock on the wall, with tables: as of the row's time, and as of the window's end.
const BY_PLACE: &str = "INSERT INTO window_stat
SELECT m.window_start, m.window_end, h.terminal_id, c.terminal_id AS terminal_now, count(*) AS n
FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '1' HOUR, time_zone => 'Europe/Berlin') AS m
JOIN TUMBLE(equipment_event, DESCRIPTOR(row_time), INTERVAL '1' HOUR, time_zone => 'Europe/Berlin') AS g
  ON m.window_end = g.window_end AND m.container_id = g.container_id
LEFT JOIN crane_state_history AS h
  ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to
LEFT JOIN crane_state AS c ON c.crane_id = m.equipment_id
GROUP BY m.window_start, m.window_end, h.terminal_id, c.terminal_id";

#[test]
fn rows_of_one_window_meet() {
    let files = [
        ("gate_and_yard", GATE_AND_YARD),
        ("same_hour", SAME_HOUR),
        ("not_moved", NOT_MOVED),
        ("ranked", RANKED),
    ]
    .map(|(name, text)| SqlFile::new(name, text));
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Joined, "{}", query.name);
        assert_eq!(query.merge_key, MergeKey::Port, "{}", query.name);
    }
    for seed in 1..4 {
        let rows = check_equal(&files, &port(seed), &[3, 6, 7, 10, 11]);
        for (name, rows) in &rows {
            assert!(rows.len() > 3, "{name}: {rows:?}");
        }
    }
}

#[test]
fn rows_of_one_window_meet_tables() {
    let files = [("crane_state", CRANE_STATE), ("by_place", BY_PLACE)];
    let files = files.map(|(name, text)| SqlFile::new(name, text));
    let rows = check_equal(&files, &with_cranes(4), &[3, 6, 9, 10, 14]);
    assert!(rows["by_place"].len() > 5, "{rows:?}");
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let table = "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id FROM crane";
    let files = [SqlFile::new("crane_state", table), SqlFile::new("q", text)];
    let Err(faults) = Program::compile(&files, &streams()) else {
        panic!("`{text}` was accepted");
    };
    assert!(faults[0].to_string().starts_with(expected), "{}", faults[0]);
}

#[test]
fn rows_of_different_windows_do_not_meet() {
    let joined = |second: &str, on: &str| {
        format!(
            "INSERT INTO s SELECT a.window_start, a.window_end, count(*) AS n\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) a\nJOIN {second} b ON {on} GROUP BY a.window_start, a.window_end"
        )
    };
    let tumble = "TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)";
    let apart = "q.sql:3:6: rows of different windows meet here, so they would be kept for ever (join windowed relations ON a.window_start";
    for on in [
        "a.container_id = b.container_id",
        "a.window_start <= b.window_start AND a.container_id = b.container_id",
        "a.window_start = b.window_end AND a.container_id = b.container_id",
        "a.window_start = b.row_time",
        "a.window_start + INTERVAL '5' MINUTE = b.window_start",
    ] {
        refused(&joined(tumble, on), apart);
    }
    // Windows that begin together and end apart.
    let growing = |on: &str| {
        let cumulate =
            "CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '1' HOUR)";
        joined(cumulate, on).replace(
            "TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)",
            cumulate,
        )
    };
    refused(&growing("a.window_start = b.window_start"), apart);
    compile(&[SqlFile::new("q", growing("a.window_end = b.window_end"))]);
    // What is grouped by no window, or by that of a row which may not be there.
    let grouped = |by: &str| {
        format!(
            "INSERT INTO s SELECT window_start, window_end, sum(n) AS n\nFROM (SELECT min(b.window_start) AS window_start, max(b.window_end) AS window_end, count(*) AS n\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) a\nLEFT JOIN {tumble} b ON a.window_start = b.window_start AND a.container_id = b.container_id GROUP BY {by})\nGROUP BY window_start, window_end"
        )
    };
    for by in ["a.container_id", "b.window_start, a.container_id"] {
        refused(
            &grouped(by),
            "q.sql:4:11: rows of different windows meet here",
        );
    }
    // Others than windows side by side, or of other lengths.
    for other in [
        "TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE)",
        "SESSION(gate_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), INTERVAL '10' MINUTE)",
        "LEVEL(gate_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), 1, INTERVAL '5' MINUTE)",
        "TICK(INTERVAL '5' MINUTE)",
    ] {
        refused(
            &joined(other, "a.window_start = b.window_start"),
            "q.sql:3:6: windowed relations of one query have the same windows (take TUMBLE, HOP or CUMULATE of equal lengths",
        );
    }
    // Of what there is no row it may be NULL; of USING it is the first's.
    for kind in ["RIGHT JOIN", "FULL JOIN"] {
        let text = format!(
            "INSERT INTO s SELECT a.window_start, a.window_end, b.container_id\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) a\n{kind} {tumble} b ON a.window_start = b.window_start AND a.container_id = b.container_id"
        );
        let column = kind.len() + 2;
        refused(
            &text,
            &format!(
                "q.sql:3:{column}: window_start of the rows may be NULL, or is not that of their window (select it of a relation that always has a row"
            ),
        );
    }
    let under = "TUMBLE((SELECT g.row_time FROM gate_event g JOIN move_event m ON g.row_time = m.row_time), DESCRIPTOR(row_time), INTERVAL '5' MINUTE)";
    refused(
        &joined(under, "a.window_start = b.window_start"),
        "q.sql:3:6: 2 sources",
    );
}
