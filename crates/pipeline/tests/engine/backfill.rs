//! Queries that are added with the input of before: they tell what they would have told had they always been there.

use std::collections::BTreeMap;
use std::time::Duration;

use events::Message;
use events::internal::{Partials, Roster, RosterEntry};
use pipeline::backfill::BackfillFrom;
use pipeline::log::{Batch, Position};
use pipeline::roster;
use pipeline::settings::{Bounded, Settings, SnapshotSettings};

use crate::crew::{Crew, NEW, Row, finals, new, old, rows, told_ahead, undisturbed, with};
use crate::fixture::merge_of;

/// Kinds of queries of which a state goes on from the beginning.
const WITH_STATE: [(&str, &str); 3] = [
    (
        "new_level",
        "INSERT INTO window_stat SELECT window_start, window_end, yard_block, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, yard_block, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(yard_block), yard_delta_teu_quarters, INTERVAL '15' MINUTE)",
    ),
    (
        "new_level_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((
           SELECT g.row_time, g.terminal_id, CAST(1 AS BIGINT) AS one FROM equipment_event g
           JOIN move_event m ON m.container_id = g.container_id
             AND m.row_time BETWEEN g.row_time - INTERVAL '3' MINUTE AND g.row_time + INTERVAL '2' MINUTE),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), one, INTERVAL '10' MINUTE)",
    ),
    (
        "new_tick",
        "INSERT INTO window_stat SELECT window_start, window_end, corridor, count(*) AS trains
         FROM TICK(INTERVAL '10' MINUTE) AS t JOIN slot ON slot.departure_planned_at > t.tick_at
         GROUP BY window_start, window_end, corridor",
    ),
];

/// All new queries.
fn wanted() -> Settings {
    with(new(), &WITH_STATE)
}

fn names() -> impl Iterator<Item = &'static str> {
    NEW.iter().chain(&WITH_STATE).map(|(name, _)| *name)
}

fn from(from: BackfillFrom, settings: Settings) -> Settings {
    Settings {
        backfill: Some(from),
        ..settings
    }
}

/// Without an end, as a pipeline runs.
fn endless(settings: Settings) -> Settings {
    Settings {
        bounded: Bounded::Never,
        ..settings
    }
}

/// Old queries up to some place of the input; then all processes are replaced, merge so many times by one that dies.
fn added(
    begin: BackfillFrom,
    change: fn(Settings) -> Settings,
    deaths: usize,
) -> BTreeMap<String, Vec<Row>> {
    let mut crew = adding(begin, |settings| endless(change(settings)), deaths);
    crew.turn(60);
    crew.finish(&change(wanted()))
}

fn adding(begin: BackfillFrom, change: impl Fn(Settings) -> Settings, deaths: usize) -> Crew {
    let backfilled = || from(begin, change(wanted()));
    let mut crew = Crew::new();
    crew.fold(change(old()));
    crew.merge(change(old()));
    crew.read_percent(60);
    crew.folds.clear();
    crew.merges.clear();
    crew.fold(backfilled());
    for _ in 0..deaths {
        crew.turn(2);
        crew.merge(backfilled());
        crew.die_after_a_commit();
    }
    crew.merge(backfilled());
    crew
}

/// A snapshot with every turn, in many commits.
pub fn with_quick_snapshots(settings: Settings) -> Settings {
    Settings {
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(40),
            commit_bytes_max: 2_000,
            ..settings.snapshots
        },
        ..settings
    }
}

/// The new queries told what they would have told from the beginning.
#[track_caller]
fn assert_told(
    found: &BTreeMap<String, Vec<Row>>,
    after: &BTreeMap<String, Vec<Row>>,
    deaths: usize,
) {
    for name in names() {
        let (found, after) = (&found[name], &after[name]);
        assert!(
            found == after,
            "{name} after {deaths} deaths: {} rows, {} expected",
            found.len(),
            after.len()
        );
    }
}

/// Every partition of merge has these queries with all of their past.
#[track_caller]
pub fn assert_is_done(crew: &Crew, names: impl Iterator<Item = &'static str>) {
    let mut entries = Vec::new();
    for records in crew.log.records("snapshots") {
        let mut newest = records.iter().rev();
        let newest = newest.find(|record| record.key.as_deref() == Some(roster::KEY));
        let value = newest.and_then(|record| record.value.as_deref());
        let roster = Roster::decode(value.expect("a roster")).expect("a roster");
        entries.extend(roster.entries);
    }
    for name in names {
        let of = entries.iter().filter(|entry| entry.name == name);
        let of: Vec<_> = of.collect();
        assert!(!of.is_empty(), "{name} is on no roster");
        let is_done = |entry: &&RosterEntry| entry.was_backfilled && !entry.is_backfilled;
        assert!(of.iter().all(is_done), "{name} waits");
    }
}

fn assert_each_once(found: &BTreeMap<String, Vec<Row>>) {
    for (name, rows) in found {
        let mut once = rows.clone();
        once.dedup();
        assert!(once == *rows, "{name}: a row left twice");
    }
}

#[test]
fn a_backfilled_query_tells_what_it_would_have_told_from_the_beginning() {
    let (before, after) = (undisturbed(&old()), undisturbed(&wanted()));
    for deaths in [0, 3] {
        let found = added(BackfillFrom::Earliest, |settings| settings, deaths);
        for name in ["moves", "yard", "open_slots"] {
            assert!(found[name] == before[name], "{name} differs");
        }
        assert_each_once(&found);
        assert_told(&found, &after, deaths);
    }
}

/// What a commit of fold holds takes several records here: a hand-over in the middle would lack what lies before.
#[test]
fn a_backfill_hands_over_between_two_commits_of_fold() {
    let in_parts = Settings {
        partials_bytes: 1_500,
        ..wanted()
    };
    let settings = from(BackfillFrom::Earliest, endless(in_parts));
    let mut crew = Crew::new();
    crew.fold(settings.clone());
    crew.read_percent(10);
    let mut merge = merge_of(&settings);
    let begin = Position::from(0);
    let nobody = pipeline::roster::Roster::default();
    merge.enrol(Some(&nobody), &begin).expect("queries");
    merge.resume_at(&begin).expect("a position");
    merge.write_down(&begin);
    let (mut places, mut parts) = (0, 0);
    for (offset, record) in crew.log.written("partials").swap_remove(0) {
        let value = record.value.expect("partials");
        let message = Partials::decode(value.as_slice()).expect("partials");
        let mut batch = Batch::default();
        let timestamp_ms = record.timestamp_ms;
        batch.push(merge.partition(), offset, timestamp_ms, None, Some(&value));
        merge.take(&batch).expect("taken");
        parts = parts.max(message.parts);
        if merge.hand_over().is_some() {
            places += 1;
            assert_eq!(message.part + 1, message.parts, "at offset {offset}");
        }
    }
    assert!(places > 3 && parts > 3, "{places} places, {parts} parts");
}

#[test]
fn a_backfill_waits_for_the_folds_that_know_a_new_table() {
    let added = [
        (
            "newest",
            "CREATE TABLE newest (PRIMARY KEY (yard_block)) AS SELECT yard_block, row_time AS seen_at FROM equipment_event",
        ),
        (
            "new_tick",
            "INSERT INTO window_stat SELECT t.window_start, t.window_end, n.yard_block, n.seen_at
             FROM TICK(INTERVAL '10' MINUTE) AS t CROSS JOIN newest AS n",
        ),
    ];
    let with_table = || with(old(), &added);
    let backfilled = || from(BackfillFrom::Earliest, endless(with_table()));
    let after = undisturbed(&with_table());
    let mut crew = Crew::new();
    crew.fold(endless(old()));
    crew.merge(endless(old()));
    crew.read_percent(20);
    crew.merges.clear();
    crew.merge(backfilled());
    // The fold of before goes on, and sends no rows of the table.
    crew.read_percent(70);
    crew.folds.clear();
    crew.fold(backfilled());
    crew.turn(60);
    let found = crew.finish(&with_table());
    assert_each_once(&found);
    assert!(found["new_tick"] == after["new_tick"], "ticks differ");
}

#[test]
fn a_backfill_from_an_instant_tells_the_windows_that_begin_there_or_later() {
    let after = undisturbed(&wanted());
    let all = &after["new_tumble"];
    let begin_us = all[all.len() / 4].0;
    let found = added(BackfillFrom::Instant(begin_us), |settings| settings, 1);
    for name in [
        "new_tumble",
        "new_hop",
        "new_session",
        "new_joined",
        "new_gate",
        "new_gate_met",
        "new_as_of",
    ] {
        let expected = after[name].iter().filter(|row| row.0 >= begin_us);
        assert!(found[name].iter().eq(expected), "{name} differs");
        assert!(found[name].len() < after[name].len(), "{name}");
    }
}

#[test]
fn a_backfill_of_input_that_ends_tells_all_before_the_processes_end() {
    let (before, after) = (undisturbed(&old()), undisturbed(&wanted()));
    for deaths in [0, 3] {
        let mut crew = adding(BackfillFrom::Earliest, |settings| settings, deaths);
        let has_ended = (0..20_000).any(|_| crew.turn(1));
        assert!(has_ended, "no end");
        let found = rows(&crew.log);
        for name in ["moves", "yard", "open_slots"] {
            assert!(found[name] == before[name], "{name} differs");
        }
        assert_each_once(&found);
        assert_told(&found, &after, deaths);
        // Whoever comes later finds nothing that is left to tell.
        assert!(crew.finish(&wanted()) == found);
    }
}

#[test]
fn rows_ahead_and_split_commits_go_on_behind_a_backfill() {
    let (before, after) = (
        undisturbed(&told_ahead(old())),
        undisturbed(&told_ahead(wanted())),
    );
    let found = added(BackfillFrom::Earliest, told_ahead, 1);
    for name in ["moves", "yard", "open_slots"] {
        assert!(
            finals(&found[name]) == finals(&before[name]),
            "{name} differs"
        );
    }
    assert_each_once(&found);
    for name in names() {
        assert!(
            finals(&found[name]) == finals(&after[name]),
            "{name} differs"
        );
    }
    let rows = &found["new_tumble"];
    assert!(
        rows.len() > finals(rows).len(),
        "nothing is told ahead behind the backfill"
    );
}

#[test]
fn what_is_taken_over_survives_a_snapshot_that_was_under_way() {
    let after = undisturbed(&wanted());
    for deaths in [0, 5] {
        let found = added(BackfillFrom::Earliest, with_quick_snapshots, deaths);
        assert_told(&found, &after, deaths);
    }
}

#[test]
fn a_backfill_is_done_where_no_event_comes_any_more() {
    let endless = |settings| endless(with_quick_snapshots(settings));
    let backfilled = || from(BackfillFrom::Earliest, endless(wanted()));
    let mut crew = Crew::new();
    crew.fold(endless(old()));
    crew.merge(endless(old()));
    crew.read_percent(100);
    crew.folds.clear();
    crew.fold(backfilled());
    // To the end of what there is, with a snapshot there.
    crew.turn(100);
    crew.merges.clear();
    crew.merge(backfilled());
    crew.turn(400);
    assert_is_done(&crew, names());
}
