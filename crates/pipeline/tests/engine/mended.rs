//! A query that stops at an error, and its mended text: it goes on where the other stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use events::Message;
use events::v1::WindowStat;
use pipeline::roster::REVISIONS_A_LIFE;
use pipeline::settings::{Bounded, Settings};
use windows::sql::parse::SqlFile;

use crate::crew::{Crew, Row, finals, old, rows, told_ahead, undisturbed};

/// Of each kind of window one; `{n}` is what fails in the sick text.
const TEXTS: [(&str, &str); 6] = [
    (
        "tumble",
        "SELECT window_start, window_end, terminal_id, {n} AS moves
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "hop",
        "SELECT window_start, window_end, terminal_id, {n} AS moves
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "session",
        "SELECT window_start, window_end, equipment_id, {n} AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '7' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    ),
    (
        "joined",
        "SELECT window_start, window_end, terminal_id, {n} AS met
         FROM TUMBLE((
           SELECT g.row_time, g.terminal_id FROM equipment_event g
           JOIN move_event m ON m.container_id = g.container_id
             AND m.row_time BETWEEN g.row_time - INTERVAL '10' MINUTE AND g.row_time + INTERVAL '5' MINUTE),
           DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "level",
        "SELECT window_start, window_end, yard_block, level_end + {n} - {n} AS held
         FROM LEVEL((SELECT row_time, yard_block, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(yard_block), yard_delta_teu_quarters, INTERVAL '15' MINUTE)",
    ),
    (
        "as_of",
        "SELECT b.window_start, b.window_end, coalesce(h.corridor, '') AS corridor, {n} AS moves
         FROM TUMBLE((SELECT row_time, train_id FROM move_event), DESCRIPTOR(row_time), INTERVAL '5' MINUTE) AS b
         LEFT JOIN slot_history AS h
           ON h.train_slot_id = b.train_id AND h.valid_from <= b.row_time AND b.row_time < h.valid_to
         GROUP BY b.window_start, b.window_end, coalesce(h.corridor, '')",
    ),
];

/// With the queries of [`TEXTS`]; from `sick_us` on they fail, if it is given.
fn with(settings: Settings, sick_us: Option<i64>) -> Settings {
    let mut settings = settings;
    for source in &mut settings.sources {
        // Windows are told while the input is still read.
        source.out_of_order_max = source.out_of_order_max.min(Duration::from_secs(600));
    }
    settings.queries.extend(TEXTS.map(|(name, text)| {
        let start = match name {
            "as_of" => "b.window_start",
            _ => "window_start",
        };
        let n = match (name, sick_us) {
            ("level", None) => "1".to_owned(),
            (_, None) => "count(*)".to_owned(),
            ("level", Some(at)) => {
                format!("1 / (CASE WHEN CAST({start} AS BIGINT) < {at} THEN 1 ELSE 0 END)")
            }
            (_, Some(at)) => {
                format!("count(*) / (CASE WHEN CAST({start} AS BIGINT) < {at} THEN 1 ELSE 0 END)")
            }
        };
        SqlFile::new(
            name,
            format!("INSERT INTO window_stat {}", text.replace("{n}", &n)),
        )
    }));
    settings
}

/// Sick queries up to some place of the input, then mended ones, merge so many times by a process that dies.
fn mended(
    change: fn(Settings) -> Settings,
    sick_us: i64,
    deaths: usize,
) -> BTreeMap<String, Vec<Row>> {
    let endless = |settings| Settings {
        bounded: Bounded::Never,
        ..change(settings)
    };
    let sick = || with(endless(old()), Some(sick_us));
    let healthy = || with(endless(old()), None);
    let mut crew = Crew::new();
    crew.fold(sick());
    crew.merge(sick());
    crew.read_percent(90);
    for _ in 0..deaths {
        crew.merges.clear();
        crew.merge(sick());
        crew.turn(4);
    }
    let failing = rows(&crew.log);
    for (name, _) in TEXTS {
        let told = failing.get(name).map_or(&[][..], Vec::as_slice);
        assert!(
            finals(told).iter().all(|row| row.0 < sick_us),
            "{name} did not stop"
        );
        assert!(!finals(told).is_empty(), "{name} told nothing");
    }
    crew.folds.clear();
    crew.merges.clear();
    crew.fold(healthy());
    for _ in 0..deaths {
        crew.turn(2);
        crew.merge(healthy());
        crew.die_after_a_commit();
    }
    crew.merge(healthy());
    crew.turn(60);
    crew.finish(&with(change(old()), None))
}

/// A place in the windows at which the sick queries begin to fail.
fn sick_us(told: &BTreeMap<String, Vec<Row>>) -> i64 {
    let starts = &told["tumble"];
    starts[starts.len() / 4].0
}

#[test]
fn a_mended_query_tells_each_window_from_where_it_stopped_on() {
    for (change, deaths) in [
        ((|settings| settings) as fn(Settings) -> Settings, 0),
        (|settings| settings, 3),
        (told_ahead, 1),
    ] {
        let before = undisturbed(&with(change(old()), None));
        let expected = undisturbed(&with(change(old()), None));
        let sick_us = sick_us(&expected);
        let found = mended(change, sick_us, deaths);
        for name in ["moves", "yard", "open_slots"] {
            assert!(
                finals(&found[name]) == finals(&before[name]),
                "{name} differs"
            );
        }
        for (name, _) in TEXTS {
            let (found, expected) = (finals(&found[name]), finals(&expected[name]));
            assert!(
                found == expected,
                "{name} after {deaths} deaths: {} rows, {} expected, {} of them in common",
                found.len(),
                expected.len(),
                found.iter().filter(|row| expected.contains(row)).count()
            );
        }
        for (name, _) in TEXTS {
            let stats = found[name].iter().map(|(start_us, value)| {
                (
                    *start_us,
                    WindowStat::decode(value.as_slice()).expect("a WindowStat"),
                )
            });
            // Readers know rows of the mended text for newer ones.
            let (newer, older): (Vec<_>, Vec<_>) =
                stats.partition(|(_, stat)| i64::from(stat.revision) >= REVISIONS_A_LIFE);
            assert!(!newer.is_empty() && !older.is_empty(), "{name}");
        }
    }
}
