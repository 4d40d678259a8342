//! A query that cannot compute leaves the others as they were.

use events::v1::WindowStat;
use windows::sql::parse::SqlFile;

use crate::fixture::{port, rejects, run, settings, stats};

fn query(name: &str, select: &str) -> SqlFile {
    SqlFile::new(
        name,
        format!(
            "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, {select} FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '30' MINUTE) GROUP BY window_start, window_end, terminal_id"
        ),
    )
}

/// With the four of the fixture, nine.
fn healthy() -> Vec<SqlFile> {
    let more = [
        ("count", "count(*) AS n"),
        ("most", "max(teu_quarters) AS most"),
        ("distinct_cranes", "count(DISTINCT equipment_id) AS cranes"),
        (
            "exact",
            "CAST(median(teu_quarters) AS BIGINT) AS median_quarters",
        ),
        (
            "shares",
            "approx_percentile(teu_quarters, 0.9) AS p90_quarters",
        ),
    ];
    let fixture = settings(2, 2).queries.into_iter();
    fixture
        .chain(more.map(|(name, select)| query(name, select)))
        .collect()
}

/// Of every kind, those that fail in merge.
fn sick_in_merge() -> [SqlFile; 4] {
    let file =
        |name: &str, text: &str| SqlFile::new(name, format!("INSERT INTO window_stat {text}"));
    [
        file(
            "sick_session",
            "SELECT window_start, window_end, equipment_id, sum(teu_quarters) / (count(*) - count(*)) AS x
             FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '10' MINUTE)
             GROUP BY window_start, window_end, equipment_id",
        ),
        file(
            "sick_level",
            "SELECT window_start, window_end, terminal_id, 7 / (level_end - level_end) AS x
             FROM LEVEL(move_event, DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), teu_quarters, INTERVAL '30' MINUTE)",
        ),
        file(
            "sick_tick",
            "SELECT window_start, window_end, corridor, count(*) / (count(*) - count(*)) AS x
             FROM TICK(INTERVAL '60' MINUTE) AS t JOIN slot ON slot.departure_planned_at > t.tick_at
             GROUP BY window_start, window_end, corridor",
        ),
        file(
            "sick_join",
            "SELECT window_start, window_end, terminal_id, count(*) / (count(*) - count(*)) AS x
             FROM TUMBLE((SELECT g.row_time, g.terminal_id FROM equipment_event g JOIN move_event m
                           ON m.container_id = g.container_id
                           AND m.row_time BETWEEN g.row_time - INTERVAL '10' MINUTE AND g.row_time + INTERVAL '5' MINUTE),
                         DESCRIPTOR(row_time), INTERVAL '30' MINUTE)
             GROUP BY window_start, window_end, terminal_id",
        ),
    ]
}

#[test]
fn queries_that_fail_leave_nine_others_unchanged() {
    let sick = [
        query("divides_rows", "sum(1000 / (teu_quarters - 8)) AS x"),
        query("casts", "sum(CAST(equipment_id AS BIGINT)) AS x"),
        query("overflows", "min(teu_quarters * 1500000000000000000) AS x"),
        query(
            "divides_sums",
            "sum(teu_quarters) / (count(*) - count(*)) AS x",
        ),
        // Each row fits, and so does what fold makes of a few.
        query(
            "overflows_sums",
            "sum(teu_quarters * 200000000000000000) AS x",
        ),
    ];
    let sick = sick.into_iter().chain(sick_in_merge());
    let sick: Vec<SqlFile> = sick.collect();
    let of = |queries: Vec<SqlFile>| {
        let mut settings = settings(2, 2);
        settings.queries = queries;
        let (log, _) = port(11, 2, 4_000, &settings);
        let tally = run(&log, settings, 700, 0);
        let rejects = rejects(&log);
        (stats(&log), rejects, tally.failures())
    };
    let (alone, rejects_alone, failures_alone) = of(healthy());
    let mixed = sick.iter().cloned().chain(healthy()).collect();
    let (beside, rejects, failures) = of(mixed);
    assert!(failures_alone.is_empty(), "{failures_alone:?}");
    let is_sick = |name: &str| sick.iter().any(|file| file.name == name);
    let others: Vec<WindowStat> = beside
        .iter()
        .filter(|stat| !is_sick(&stat.query))
        .cloned()
        .collect();
    assert!(alone.len() > 50, "{}", alone.len());
    assert_eq!(others.len(), alone.len());
    assert!(others == alone, "the others changed");
    assert!(rejects_alone.iter().all(|reject| reject.query.is_empty()));
    for name in ["divides_rows", "casts", "overflows"] {
        let named = rejects.iter().filter(|reject| reject.query == name).count();
        assert!(named > 0, "{name} rejects nothing");
    }
    // What divides by zero in every window stops at the first, once a partition of merge, and says so.
    let merge = sick_in_merge().map(|file| file.name);
    let sums = ["divides_sums", "overflows_sums"];
    for name in merge.iter().map(String::as_str).chain(sums) {
        let of = failures.iter().filter(|failure| failure.contains(name));
        assert!((1..=2).contains(&of.count()), "{name}: {failures:?}");
        assert!(!beside.iter().any(|stat| stat.query == name), "{name}");
    }
    let known = |failure: &&String| {
        let mut names = merge.iter().map(String::as_str).chain(sums);
        names.any(|name| failure.contains(name))
    };
    assert!(
        failures.iter().all(|failure| known(&failure)),
        "{failures:?}"
    );
    assert!(
        beside.iter().any(|stat| stat.query == "divides_rows"),
        "rows that it can use count"
    );
}
