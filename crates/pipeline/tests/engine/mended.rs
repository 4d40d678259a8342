//! A query that stops at an error, and its mended text: it goes on where the other stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use events::Message;
use events::internal::Roster;
use events::v1::WindowStat;
use pipeline::roster::{self, REVISIONS_A_LIFE};
use pipeline::settings::{Bounded, Settings};
use windows::sql::parse::SqlFile;

use crate::crew::{Crew, NEW, Row, finals, old, rows, told_ahead, undisturbed};

/// The queries of [`NEW`] whose rows nothing takes back, and two of levels; what fails in the sick text stands in place of `{n}`.
fn texts() -> impl Iterator<Item = (&'static str, String)> {
    let level = "INSERT INTO window_stat SELECT window_start, window_end, yard_block, level_end + {n} - {n} AS held
         FROM LEVEL((SELECT row_time, yard_block, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(yard_block), yard_delta_teu_quarters, INTERVAL '15' MINUTE)";
    let level_met = "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end + {n} - {n} AS held
         FROM LEVEL((
           SELECT g.row_time, g.terminal_id, CAST(1 AS BIGINT) AS one FROM equipment_event g
           JOIN move_event m ON m.container_id = g.container_id
             AND m.row_time BETWEEN g.row_time - INTERVAL '3' MINUTE AND g.row_time + INTERVAL '2' MINUTE),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), one, INTERVAL '10' MINUTE)";
    let known = NEW.iter().filter(|(name, _)| !name.contains("gate"));
    let known = known.map(|(name, text)| (*name, text.replace("count(*)", "{n}")));
    known.chain(
        [("new_level", level), ("new_level_met", level_met)]
            .map(|(name, text)| (name, text.to_owned())),
    )
}

fn names() -> impl Iterator<Item = &'static str> {
    texts().map(|(name, _)| name)
}

/// With the queries of [`texts`]; from `sick_us` on they fail, if it is given.
fn with(settings: Settings, sick_us: Option<i64>) -> Settings {
    let mut settings = settings;
    for source in &mut settings.sources {
        // Windows are told while the input is still read.
        source.out_of_order_max = source.out_of_order_max.min(Duration::from_secs(600));
    }
    settings.queries.extend(texts().map(|(name, text)| {
        let start = match name {
            "new_as_of" => "b.window_start",
            _ => "window_start",
        };
        let sound = if name.starts_with("new_level") {
            "1"
        } else {
            "count(*)"
        };
        let n = match sick_us {
            None => sound.to_owned(),
            Some(at) => {
                format!("{sound} / (CASE WHEN CAST({start} AS BIGINT) < {at} THEN 1 ELSE 0 END)")
            }
        };
        SqlFile::new(name, text.replace("{n}", &n))
    }));
    settings
}

/// How processes are replaced.
#[derive(Debug, Clone, Copy)]
enum Replaced {
    /// All at once; merge dies so many times on the way.
    AtOnce(usize),
    /// One by one; the second stage is that of before once more for a while.
    OneByOne,
    /// By a text that is as sick from later on; then all at once.
    Twice,
}

/// Sick queries up to some place of the input, then mended ones.
fn mended(
    change: fn(Settings) -> Settings,
    sick_us: (i64, i64),
    replaced: Replaced,
) -> BTreeMap<String, Vec<Row>> {
    let endless = |settings| Settings {
        bounded: Bounded::Never,
        ..change(settings)
    };
    let sick = |from_us| with(endless(old()), Some(from_us));
    let healthy = || with(endless(old()), None);
    let mut crew = Crew::new();
    crew.fold(sick(sick_us.0));
    crew.merge(sick(sick_us.0));
    crew.read_percent(90);
    assert_stopped(&crew, sick_us.0);
    let deaths = match replaced {
        Replaced::AtOnce(deaths) => deaths,
        Replaced::OneByOne => {
            crew.fold(healthy());
            crew.turn(3);
            crew.merge(healthy());
            crew.turn(3);
            drop(crew.merges.remove(0));
            crew.turn(4);
            crew.merge(sick(sick_us.0));
            drop(crew.merges.remove(0));
            crew.turn(4);
            0
        }
        Replaced::Twice => {
            (crew.folds, crew.merges) = (Vec::new(), Vec::new());
            crew.fold(sick(sick_us.1));
            crew.merge(sick(sick_us.1));
            crew.turn(60);
            assert_stopped(&crew, sick_us.1);
            1
        }
    };
    (crew.folds, crew.merges) = (Vec::new(), Vec::new());
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

/// Each of the queries told something, nothing from there on, and is written down as one that stopped.
#[track_caller]
fn assert_stopped(crew: &Crew, sick_us: i64) {
    let told = rows(&crew.log);
    let mut stopped = BTreeSet::new();
    for records in crew.log.records("snapshots") {
        let mut newest = records.iter().rev();
        let newest = newest.find(|record| record.key.as_deref() == Some(roster::KEY));
        let value = newest.and_then(|record| record.value.as_deref());
        let roster = Roster::decode(value.unwrap_or_default()).expect("a roster");
        stopped.extend(roster.stopped.into_iter().map(|stopped| stopped.name));
    }
    for name in names() {
        let finals = finals(told.get(name).map_or(&[][..], Vec::as_slice));
        assert!(!finals.is_empty(), "{name} told nothing");
        let has_stopped = finals.iter().all(|row| row.0 < sick_us) && stopped.contains(name);
        assert!(has_stopped, "{name} did not stop: {stopped:?}");
    }
}

/// A commit of fold brings so much that many windows and sessions are due at once.
fn in_great_steps(settings: Settings) -> Settings {
    Settings {
        commit_interval: Duration::from_millis(1_500),
        ..settings
    }
}

/// Two places in the windows at which sick queries begin to fail.
fn sick_us(told: &BTreeMap<String, Vec<Row>>) -> (i64, i64) {
    let starts = &told["new_tumble"];
    (starts[starts.len() / 6].0, starts[starts.len() / 4].0)
}

#[test]
fn a_mended_query_tells_each_window_from_where_it_stopped_on() {
    for (change, ways) in [
        (
            (|settings| settings) as fn(Settings) -> Settings,
            &[
                Replaced::AtOnce(0),
                Replaced::AtOnce(3),
                Replaced::OneByOne,
                Replaced::Twice,
            ][..],
        ),
        (told_ahead, &[Replaced::AtOnce(1)]),
        (in_great_steps, &[Replaced::AtOnce(0)]),
    ] {
        let expected = undisturbed(&with(change(old()), None));
        let sick_us = sick_us(&expected);
        for &replaced in ways {
            let found = mended(change, sick_us, replaced);
            for (name, rows) in &expected {
                let (found, expected) = (finals(&found[name]), finals(rows));
                assert!(
                    found == expected,
                    "{name}, {replaced:?}: {} rows, {} expected, {} of them in common",
                    found.len(),
                    expected.len(),
                    found.iter().filter(|row| expected.contains(row)).count()
                );
            }
            for name in names() {
                let lives = found[name].iter().map(|(_, value)| {
                    let stat = WindowStat::decode(value.as_slice()).expect("a WindowStat");
                    i64::from(stat.revision) / REVISIONS_A_LIFE
                });
                // Readers know rows of the mended text for newer ones.
                let lives: BTreeSet<i64> = lives.collect();
                assert!(lives.len() > 1, "{name}, {replaced:?}: {lives:?}");
            }
        }
    }
}
