//! A query comes to merge behind a snapshot that does not know it: what the log below still holds of it is read again, also
//! where commits of fold take several records.

use std::collections::BTreeMap;
use std::time::Duration;

use events::internal::Partials;
use events::v1::WindowStat;
use events::{Message, Stream};
use pipeline::backfill::BackfillFrom;
use pipeline::log::{Batch, Partition, Source};
use pipeline::roster::{self, Roster};
use pipeline::settings::{Bounded, Settings};

use crate::crew::{Crew, NEW, Row, old, undisturbed, with};
use crate::fixture::merge_of;

/// Its rows may be taken back: fold sends them once for all queries, and no record but the last of a commit names it.
const NAME: &str = "new_gate";

/// Without an end, so that merge trims the log behind its snapshots. A commit of fold spans more than a window.
fn before() -> Settings {
    Settings {
        partials_bytes: 1_500,
        commit_interval: Duration::from_millis(1_000),
        bounded: Bounded::Never,
        ..old()
    }
}

fn after() -> Settings {
    let new = NEW.into_iter().filter(|(name, _)| *name == NAME);
    with(before(), &new.collect::<Vec<_>>())
}

/// By terminal: rows of one terminal are made in one partition.
fn by_terminal(rows: &[Row]) -> BTreeMap<String, Vec<&Row>> {
    let mut terminals: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let stat = WindowStat::decode(row.1.as_slice()).expect("a WindowStat");
        let terminal = format!("{:?}", stat.cells.first());
        terminals.entry(terminal).or_default().push(row);
    }
    terminals
}

/// The offsets of records that are not the first of their commit, where it holds container events and is not the first to do
/// so, below `end`.
fn places(crew: &Crew, index: usize, end: i64) -> Vec<i64> {
    let written = crew.log.written("partials").swap_remove(index).into_iter();
    let parts = written.filter_map(|(offset, record)| {
        let value = record.value.expect("partials");
        let message = Partials::decode(value.as_slice()).expect("partials");
        let mut input = message.input.iter().chain(&message.covered);
        let is_later = input.any(|input| input.topic == Stream::Container.name() && input.from > 0);
        (message.part > 0 && is_later && offset < end).then_some(offset)
    });
    parts.collect()
}

#[test]
fn a_log_that_begins_within_a_commit_gives_whole_windows_behind_it() {
    let bounded = || Settings {
        bounded: Bounded::UntilEnd,
        ..after()
    };
    let all = undisturbed(&bounded());
    let mut untold = 0;
    // The port begins with all that lies in it: most of the log is of its first minutes.
    for share in [80, 84, 88, 92, 95] {
        let mut crew = Crew::new();
        crew.fold(after());
        crew.merge(before());
        crew.read_percent(95);
        crew.turn(20);
        crew.merges.clear();
        for index in 0..2 {
            let partition = Partition::new("partials", index);
            let committed = crew.log.position("merge", &partition);
            let end = committed.map_or(0, |position| position.next_offset);
            let places = places(&crew, index as usize, end);
            let place = places[places.len() * share / 100];
            let (mut source, _sink) = crew.log.join("trimmer", None, &[], 1);
            source.trim(&partition, place).expect("trimmed");
        }
        let found = crew.finish(&bounded());
        let (found, all) = (by_terminal(&found[NAME]), by_terminal(&all[NAME]));
        for (terminal, rows) in &found {
            let first = rows[0].0;
            let expected = all[terminal].iter().filter(|row| row.0 >= first);
            assert!(
                rows.iter().eq(expected),
                "{terminal} from {first} on, trimmed to {share} %"
            );
        }
        let told = |rows: &BTreeMap<_, Vec<&Row>>| rows.values().map(Vec::len).sum::<usize>();
        assert!(told(&found) > 0, "nothing, trimmed to {share} %");
        untold += told(&all) - told(&found);
    }
    assert!(untold > 0, "it was there from the start");
}

/// Merge without what fold has from the beginning would not let go of the first record.
#[track_caller]
fn assert_kept(with: Settings) {
    let mut crew = Crew::new();
    crew.fold(with);
    crew.read_percent(10);
    let mut merge = merge_of(&before());
    let mut parts = 0;
    for (offset, record) in crew.log.written("partials").swap_remove(0) {
        let value = record.value.expect("partials");
        let message = Partials::decode(value.as_slice()).expect("partials");
        let mut batch = Batch::default();
        batch.push(merge.partition(), offset, 0, None, Some(&value));
        merge.take(&batch).expect("taken");
        parts = parts.max(message.parts);
        if !message.running.is_empty() {
            break;
        }
    }
    assert!(parts > 1, "the first commit is one record");
    assert_eq!(merge.needed_from(i64::MAX), 0, "its first record would go");
}

#[test]
fn what_a_query_to_come_needs_stays_in_the_log_from_the_beginning_of_its_commit() {
    assert_kept(after());
}

fn with_table() -> Settings {
    let table = "CREATE TABLE last_gate (PRIMARY KEY (terminal_id)) AS SELECT terminal_id, row_time AS seen_at FROM gate_event";
    with(before(), &[("last_gate", table)])
}

#[test]
fn what_a_table_to_come_needs_stays_too() {
    assert_kept(with_table());
}

/// The older of two snapshots may be all that is left. No query comes with the table, so that it is not backfilled.
#[test]
fn what_a_new_table_was_read_from_stays_as_long_as_a_snapshot_lacks_it() {
    for backfill in [None, Some(BackfillFrom::Earliest)] {
        assert_table_kept(&Settings {
            backfill,
            ..with_table()
        });
    }
}

#[track_caller]
fn assert_table_kept(with_table: &Settings) {
    let mut crew = Crew::new();
    crew.fold(before());
    crew.merge(before());
    crew.read_percent(92);
    crew.folds.clear();
    crew.fold(with_table.clone());
    crew.read_percent(95);
    crew.turn(20);
    crew.merges.clear();
    // Tables are the port's.
    let partition = Partition::new("partials", 0);
    let since = crew.log.position("merge", &partition);
    let since = since.expect("a position").next_offset;
    crew.merge(with_table.clone());
    crew.turn(5);
    let (mut source, _sink) = crew.log.join("reader", None, &[], 1_000);
    let mut first = None;
    let read = source.replay(&partition, None, None, &mut |batch| {
        for entry in batch.entries() {
            let value = batch.value(entry).expect("partials");
            let message = Partials::decode(value).expect("partials");
            let tables = message.tables.map_or(0, |tables| tables.fingerprints.len());
            first = first.or((tables > 1).then_some(entry.offset));
        }
        Ok(())
    });
    read.expect("read");
    let first = first.expect("partials with the table");
    assert!(first < since, "nothing was read back");
    let written = crew.log.records("snapshots").swap_remove(0);
    let mut newest = written.into_iter().rev();
    let newest = newest.find(|record| record.key.as_deref() == Some(roster::KEY));
    let value = newest.and_then(|record| record.value).expect("a roster");
    let roster = Roster::decode(&value).expect("a roster");
    let needed = roster.needed_from(since - 1);
    assert!(
        needed <= first,
        "{needed} on, and {first} has the first of it"
    );
    assert_eq!(roster.needed_from(i64::MAX), i64::MAX);
}
