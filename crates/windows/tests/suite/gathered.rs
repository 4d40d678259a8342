//! Sessions and levels of joined streams, against the oracle.

use windows::program::Strategy;
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::joins::{CRANE_STATE, port, with_cranes};
use crate::oracle::check_equal;

/// A unit's time in the port: a session of the moves that lie near an event at the gate.
const VISITS: &str = "INSERT INTO window_stat
SELECT window_start, window_end, unit, count(*) AS n, max(wait_s) AS wait_max_s
FROM SESSION((
  SELECT g.row_time, g.container_id AS unit, (CAST(m.row_time AS BIGINT) - CAST(g.row_time AS BIGINT)) / 1000000 AS wait_s
  FROM equipment_event g
  JOIN move_event m ON m.container_id = g.container_id
    AND m.row_time BETWEEN g.row_time - INTERVAL '5' MINUTE AND g.row_time + INTERVAL '15' MINUTE),
  DESCRIPTOR(row_time), DESCRIPTOR(unit), INTERVAL '11' MINUTE)
GROUP BY window_start, window_end, unit HAVING count(*) > 1";

/// Rows of either stream, each with how much of its session is left.
const EITHER: &str = "INSERT INTO window_stat
SELECT window_start, window_end, unit, terminal_id, count(*) AS n, max(CAST(window_end AS BIGINT) - CAST(row_time AS BIGINT)) AS left_us
FROM SESSION((
  SELECT coalesce(g.row_time, m.row_time + INTERVAL '3' MINUTE) AS row_time, coalesce(g.container_id, m.container_id) AS unit, m.terminal_id
  FROM equipment_event g FULL JOIN move_event m ON m.container_id = g.container_id
    AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '9' MINUTE),
  DESCRIPTOR(row_time), DESCRIPTOR(unit), INTERVAL '7' MINUTE)
GROUP BY window_start, window_end, unit, terminal_id";

/// Grouped by other columns than the session's, with what nothing moved.
const IDLE: &str = "INSERT INTO window_stat
SELECT window_start, window_end, kind, count(*) AS n
FROM SESSION((
  SELECT g.row_time, g.terminal_id, g.event_type AS kind FROM equipment_event g
  WHERE NOT EXISTS (SELECT 1 FROM move_event m WHERE m.container_id = g.container_id
    AND m.row_time > g.row_time AND m.row_time <= g.row_time + INTERVAL '25' MINUTE)),
  DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), INTERVAL '90' SECOND)
GROUP BY window_start, window_end, kind";

/// How many more units came than went, of those that were moved near their passage of the gate.
const STOCK: &str = "INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, level_start, level_end, level_us, changes
FROM LEVEL((
  SELECT m.row_time, m.terminal_id, CASE WHEN g.event_type = 'GTIN' THEN 1 ELSE -1 END AS change
  FROM move_event m JOIN equipment_event g ON g.container_id = m.container_id
    AND g.row_time BETWEEN m.row_time - INTERVAL '20' MINUTE AND m.row_time + INTERVAL '5' MINUTE),
  DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), change, INTERVAL '15' MINUTE)";

/// Told more often than rows lie apart, of rows of either stream; each counts for a while.
const BUSY: &str = "INSERT INTO window_stat
SELECT window_start, window_end, unit, sum(level_end) AS level_end, sum(level_us) / 60000000 AS level_min
FROM LEVEL((
  SELECT coalesce(g.row_time, m.row_time + INTERVAL '3' MINUTE) AS row_time, coalesce(g.container_id, m.container_id) AS unit,
    CASE WHEN m.row_time IS NULL THEN -1 WHEN g.row_time IS NULL THEN 1 ELSE 2 END AS change
  FROM equipment_event g FULL JOIN move_event m ON m.container_id = g.container_id
    AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '9' MINUTE),
  DESCRIPTOR(row_time), DESCRIPTOR(unit), change, INTERVAL '4' MINUTE)
GROUP BY window_start, window_end, unit";

/// What a crane has moved of units from the gate, by where it stood when the interval began.
const BY_PLACE: &str = "INSERT INTO window_stat
SELECT l.window_start, l.window_end, h.terminal_id, l.level_end, l.changes
FROM LEVEL((
  SELECT m.row_time, m.equipment_id FROM move_event m JOIN equipment_event g ON g.container_id = m.container_id
    AND g.row_time BETWEEN m.row_time - INTERVAL '20' MINUTE AND m.row_time),
  DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), 1, INTERVAL '10' MINUTE) AS l
LEFT JOIN crane_state_history AS h
  ON h.crane_id = l.equipment_id AND h.valid_from <= l.window_start AND l.window_start < h.valid_to";

/// The same of all that it has moved, by all the places where it stood within the interval.
const BY_PLACES: &str = "INSERT INTO window_stat
SELECT l.window_start, l.window_end, h.terminal_id, count(*) AS times, max(l.level_end) AS level_end
FROM LEVEL(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), 1, INTERVAL '10' MINUTE) AS l
LEFT JOIN crane_state_history AS h
  ON h.crane_id = l.equipment_id AND h.valid_from < l.window_end AND l.window_start < h.valid_to
GROUP BY l.window_start, l.window_end, h.terminal_id";

/// What a crane has moved, by where it stood then: a table under the window.
const WEIGHED: &str = "INSERT INTO window_stat
SELECT window_start, window_end, place, level_end, level_us, changes
FROM LEVEL((
  SELECT m.row_time, coalesce(h.terminal_id, '') AS place, CASE WHEN h.terminal_id = m.terminal_id THEN 1 ELSE 2 END AS weight
  FROM move_event m LEFT JOIN crane_state_history h
    ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to),
  DESCRIPTOR(row_time), DESCRIPTOR(place), weight, INTERVAL '10' MINUTE)";

/// A session at each place where the crane stood.
const AT_PLACES: &str = "INSERT INTO window_stat
SELECT window_start, window_end, place, count(*) AS n, max(CAST(window_end AS BIGINT) - CAST(row_time AS BIGINT)) AS left_us
FROM SESSION((
  SELECT m.row_time, h.terminal_id AS place FROM move_event m JOIN crane_state_history h
    ON h.crane_id = m.equipment_id AND m.row_time < h.valid_to AND h.valid_from <= m.row_time AND h.terminal_id <> 'DIT'),
  DESCRIPTOR(row_time), DESCRIPTOR(place), INTERVAL '6' MINUTE)
GROUP BY window_start, window_end, place";

/// Two streams, and the table as of the time of the one that the joined rows are not of; behind an anti-join with the table.
const OF_THE_OTHER: &str = "INSERT INTO window_stat
SELECT window_start, window_end, place, count(*) AS n, max(wait_s) AS wait_max_s
FROM HOP((
  SELECT g.row_time, h.terminal_id AS place, (CAST(m.row_time AS BIGINT) - CAST(g.row_time AS BIGINT)) / 1000000 AS wait_s
  FROM equipment_event g
  JOIN move_event m ON m.container_id = g.container_id AND m.row_time BETWEEN g.row_time - INTERVAL '5' MINUTE AND g.row_time + INTERVAL '20' MINUTE
  LEFT JOIN crane_state_history h ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to
  WHERE NOT EXISTS (SELECT 1 FROM crane_state_history o WHERE o.terminal_id = g.terminal_id AND o.valid_from <= g.row_time AND g.row_time < o.valid_to)),
  DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE)
GROUP BY window_start, window_end, place";

#[test]
fn sessions_of_joined_rows_are_as_over_the_bounded_log() {
    let files = [("visits", VISITS), ("either", EITHER), ("idle", IDLE)]
        .map(|(name, text)| SqlFile::new(name, text));
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Joined, "{}", query.name);
    }
    for seed in 1..4 {
        let rows = check_equal(&files, &port(seed), &[3, 6, 7, 10, 11]);
        for (name, rows) in &rows {
            assert!(rows.len() > 5, "{name}: {rows:?}");
        }
    }
}

#[test]
fn levels_of_joined_rows_are_as_over_the_bounded_log() {
    let files = [("stock", STOCK), ("busy", BUSY)].map(|(name, text)| SqlFile::new(name, text));
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Joined, "{}", query.name);
    }
    for seed in 1..4 {
        let rows = check_equal(&files, &port(seed), &[3, 6, 7, 10, 11]);
        for (name, rows) in &rows {
            assert!(rows.len() > 10, "{name}: {rows:?}");
        }
    }
}

#[test]
fn a_level_meets_a_tables_history() {
    let files = [
        ("crane_state", CRANE_STATE),
        ("by_place", BY_PLACE),
        ("by_places", BY_PLACES),
    ];
    let files = files.map(|(name, text)| SqlFile::new(name, text));
    let rows = check_equal(&files, &with_cranes(4), &[3, 6, 9, 10, 14]);
    for (name, rows) in &rows {
        assert!(rows.len() > 10, "{name}: {rows:?}");
    }
}

#[test]
fn tables_are_met_under_the_window_as_of_their_rows_times() {
    let files = [
        ("crane_state", CRANE_STATE),
        ("weighed", WEIGHED),
        ("at_places", AT_PLACES),
        ("of_the_other", OF_THE_OTHER),
    ];
    let files = files.map(|(name, text)| SqlFile::new(name, text));
    for query in &compile(&files).queries {
        assert_eq!(query.tables, ["crane_state"], "{}", query.name);
    }
    for seed in 4..7 {
        let rows = check_equal(&files, &with_cranes(seed), &[3, 6, 9, 10, 14]);
        for (name, rows) in &rows {
            assert!(rows.len() > 5, "{name}: {rows:?}");
        }
    }
}
