//! What a query is told before it runs: where, what, and how to mend it.

use windows::program::Program;
use windows::sql::parse::SqlFile;

use crate::text::streams;

#[track_caller]
fn check(text: &str, expected: &str) {
    let files = [
        SqlFile::new(
            "crane_state",
            "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id, moves_per_h FROM crane",
        ),
        SqlFile::new("q", text),
    ];
    let Err(faults) = Program::compile(&files, &streams()) else {
        panic!("`{text}` was accepted");
    };
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n");
    assert!(
        shown.starts_with(expected),
        "\n  got: {shown}\n want: {expected}"
    );
}

#[test]
fn names_that_are_not_there() {
    check(
        "INSERT INTO s SELECT window_start, window_end, crane_name\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)",
        "q.sql:1:48: column 'crane_name' not found",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM TUMBLE(move_events, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)",
        "q.sql:2:13: table 'move_events' not found (streams are named after their messages",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end, percentile_disc(teu_quarters) AS p\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)",
        "q.sql:1:48: Invalid function 'percentile_disc'",
    );
    check(
        "SELECT crane_id FROM crane_states",
        "q.sql:1:22: table 'crane_states' not found",
    );
}

#[test]
fn windows_that_are_none() {
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM TUMBLE(move_event, DESCRIPTOR(event_time), INTERVAL '5' MINUTE)",
        "q.sql:2:25: windows are over row_time, not event_time (write DESCRIPTOR(row_time)",
    );
    check(
        "INSERT INTO s SELECT a.window_start, a.window_end\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) a\nCROSS JOIN TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) b",
        "q.sql:3:12: rows of different windows meet here, so they would be kept for ever (join windowed relations ON a.window_start = b.window_start",
    );
    check(
        "INSERT INTO s SELECT crane_id FROM crane_state",
        "q.sql: the query has no window",
    );
    check(
        "INSERT INTO s SELECT count(*) AS n\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)",
        "q.sql:2:6: the rows have no column window_start (add window_start and window_end",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '60' MINUTE, INTERVAL '5' MINUTE)",
        "q.sql:2:22: a window of 300000000 us cannot slide by 3600000000 us",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '1' MONTH)",
        "q.sql:2:56: `INTERVAL '1' MONTH` is not a fixed length of time above zero",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM TUMBLE(move_event, DESCRIPTOR(row_time))",
        "q.sql:2:6: TUMBLE has 2 arguments (TUMBLE(stream, DESCRIPTOR(row_time), INTERVAL '15' MINUTE), and",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '7' HOUR, INTERVAL '1' DAY)",
        "q.sql:2:27: a window cannot grow to 86400000000 us by 25200000000 us (make the size a multiple of the step",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '1' DAY, time_zone => 'Europe/Ruhrort')",
        "q.sql:2:78: no windows of INTERVAL '1' DAY by the clock of 'Europe/Ruhrort' (name a zone of the tz database",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE, time_zone => 'Europe/Berlin')",
        "q.sql:2:82: no windows of INTERVAL '15' MINUTE by the clock of 'Europe/Berlin'",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '1' DAY, INTERVAL '7' DAY, time_zone => 'Europe/Berlin')",
        "q.sql:2:80: HOP does not take `time_zone => 'Europe/Berlin'`",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end\nFROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(crane), INTERVAL '30' MINUTE)",
        "q.sql:2:48: the windowed rows have no column crane",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end, count(*) AS n\nFROM TUMBLE((SELECT terminal_id FROM move_event), DESCRIPTOR(row_time), INTERVAL '5' MINUTE)\nGROUP BY window_start, window_end",
        "q.sql:2:51: the windowed rows have no column row_time (add row_time to the sub-query's SELECT)",
    );
}

#[test]
fn streams_and_tables_are_read_in_their_places() {
    check(
        "INSERT INTO s SELECT window_start, window_end, count(*) AS n FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) m JOIN crane c ON c.crane_id = m.equipment_id GROUP BY window_start, window_end",
        "q.sql: the stream crane is read without a window",
    );
    check(
        "SELECT crane_id FROM crane",
        "q.sql: the stream crane is read without a window",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end, count(*) AS n FROM TUMBLE((SELECT max(row_time) AS row_time, equipment_id FROM move_event GROUP BY equipment_id), DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end",
        "q.sql: aggregates, sorts and joins under the window would run over each commit's rows of move_event alone",
    );
    check(
        "INSERT INTO s SELECT window_start, window_end, h.crane_id FROM TICK(INTERVAL '5' MINUTE) CROSS JOIN crane_state_history h",
        "q.sql:1:64: crane_state_history is kept for open windows alone",
    );
    check(
        "CREATE TABLE t AS SELECT crane_id FROM crane",
        "q.sql:1:14: table t has no primary key or no SELECT",
    );
    check(
        "CREATE TABLE t (PRIMARY KEY (crane)) AS SELECT crane_id FROM crane",
        "q.sql: the key column crane is not selected",
    );
    check(
        "DROP TABLE crane_state",
        "q.sql: `DROP TABLE crane_state` is not something a query file can do",
    );
    check("SELECT 1; SELECT 2", "q.sql: 2 statements in one file");
    check(
        "SELECT crane_id FROM\ncrane_state WHERE )",
        "q.sql:2:19: sql parser error: Expected: an expression",
    );
    check(
        "SELECT crane_id FROM crane_state UNION ALL SELECT crane_id FROM crane_state",
        "q.sql: UNION is not supported",
    );
}

#[test]
fn what_hangs_on_the_order_of_arrival_or_on_a_clock_is_refused() {
    let query = |measure: &str| {
        format!(
            "INSERT INTO s SELECT window_start, window_end, {measure} AS x FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end"
        )
    };
    for name in ["first_value", "last_value", "array_agg"] {
        let text = query(&format!("{name}(teu_quarters)"));
        check(
            &text,
            &format!("q.sql:1:48: {name} without ORDER BY depends on the order"),
        );
    }
    check(
        &query("string_agg(equipment_id, ',')"),
        "q.sql:1:48: string_agg without ORDER BY",
    );
    check(
        &query("approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY teu_quarters)"),
        "q.sql:1:48: approx_percentile_cont depends on the order in which partial results arrive (use approx_percentile(x, 0.5)",
    );
    check(
        &query("approx_median(teu_quarters)"),
        "q.sql:1:48: approx_median depends",
    );
    check(
        &query("any_value(teu_quarters)"),
        "q.sql:1:48: any_value depends",
    );
    check(
        &query("bit_xor(DISTINCT teu_quarters)"),
        "q.sql:1:48: bit_xor of DISTINCT values has no partial results",
    );
    check(
        &query("now()"),
        "q.sql:1:48: now is not a function of the log (use window_end",
    );
    check(
        &query("random()"),
        "q.sql:1:48: random is not a function of the log",
    );
}

#[test]
fn two_files_of_one_name_are_refused() {
    let files = ["a", "a"].map(|name| {
        SqlFile::new(
            name,
            "CREATE TABLE t (PRIMARY KEY (crane_id)) AS SELECT crane_id FROM crane",
        )
    });
    let Err(faults) = Program::compile(&files, &streams()) else {
        panic!("accepted");
    };
    assert!(
        faults[0].to_string().contains("two files of the name a"),
        "{faults:?}"
    );
    check(
        "CREATE TABLE crane (PRIMARY KEY (crane_id)) AS SELECT crane_id FROM crane",
        "q.sql: The table crane already exists",
    );
}

#[test]
fn every_fault_of_every_file_is_told() {
    let files = ["a", "b"].map(|name| SqlFile::new(name, "SELECT x FROM nowhere"));
    let Err(faults) = Program::compile(&files, &streams()) else {
        panic!("accepted");
    };
    let named: Vec<&str> = faults.iter().map(|fault| fault.file.as_str()).collect();
    assert_eq!(named, ["a.sql", "b.sql"]);
}

#[test]
fn a_query_behind_one_with_a_fault_is_not_blamed_for_its_window() {
    let query = |name: &str, column: &str| {
        let text = format!(
            "INSERT INTO s SELECT window_start, window_end, {column} FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)"
        );
        SqlFile::new(name, text)
    };
    let files = [query("a", "nothing"), query("b", "equipment_id")];
    let Err(faults) = Program::compile(&files, &streams()) else {
        panic!("accepted");
    };
    let named: Vec<&str> = faults.iter().map(|fault| fault.file.as_str()).collect();
    assert_eq!(named, ["a.sql"], "{faults:?}");
}
