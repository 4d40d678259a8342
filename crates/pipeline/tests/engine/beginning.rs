//! The group's offsets are gone, or set by hand, and the state that was committed with them is there; or the other way round.

use std::time::Duration;

use events::Stream;
use pipeline::error::EngineError;
use pipeline::log::Partition;

use crate::crew::{Crew, old, undisturbed};

/// Both stages in the middle of the input, with snapshots; all processes have stopped.
fn stopped() -> Crew {
    let mut crew = Crew::new();
    crew.fold(old());
    crew.merge(old());
    crew.read_percent(50);
    crew.folds.clear();
    crew.merges.clear();
    crew
}

/// What a new fold says.
fn fold_begins(crew: &mut Crew) -> Result<(), EngineError> {
    crew.fold(old());
    let mut fold = crew.folds.pop().expect("it has come");
    fold.turn(Duration::ZERO).map(drop)
}

/// What a new merge says.
fn merge_begins(crew: &mut Crew) -> Result<(), EngineError> {
    crew.merge(old());
    let mut merge = crew.merges.pop().expect("it has come");
    merge.turn(Duration::ZERO).map(drop)
}

fn says(begun: Result<(), EngineError>, parts: &[&str]) {
    let error = begun.expect_err("rows would leave twice").to_string();
    for part in parts.iter().chain(&["Beginning anew"]) {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn merge_whose_offsets_are_gone_or_set_back_tells_nothing_twice() {
    let mut crew = stopped();
    let partition = Partition::new("partials", 0);
    let position = crew.log.position("merge", &partition);
    let position = position.expect("it has committed");
    assert!(position.within.is_empty(), "{position}");
    let told = crew.log.records("window-stats");

    crew.log.set_offset("merge", &partition, None);
    let gone = [
        "no committed offset of partials[0]",
        "snapshots[0] holds its state",
        "snapshot of everything below offset",
    ];
    says(merge_begins(&mut crew), &gone);
    crew.log.set_offset("merge", &partition, Some(1));
    let set_back = ["offset of partials[0] is 1", "set back"];
    says(merge_begins(&mut crew), &set_back);
    assert!(crew.log.records("window-stats") == told);

    // Set to where it was it goes on.
    let offset = position.next_offset;
    crew.log.set_offset("merge", &partition, Some(offset));
    assert!(crew.finish(&old()) == undisturbed(&old()));
}

/// Before the first snapshot the roster alone tells that rows have left.
#[test]
fn merge_whose_offsets_are_gone_before_its_first_snapshot_notices() {
    let mut settings = old();
    settings.snapshots.interval = Duration::from_secs(100_000);
    let mut crew = Crew::new();
    crew.fold(settings.clone());
    crew.merge(settings);
    crew.read_percent(30);
    crew.folds.clear();
    crew.merges.clear();
    let partition = Partition::new("partials", 1);
    crew.log.set_offset("merge", &partition, None);
    let gone = ["no committed offset of partials[1], and snapshots[1] holds its state:"];
    says(merge_begins(&mut crew), &gone);
}

#[test]
fn fold_whose_offsets_are_gone_or_set_back_sends_nothing_twice() {
    let mut crew = stopped();
    let partition = Partition::new(Stream::Container.name(), 1);
    let position = crew.log.position("fold", &partition);
    let offset = position.expect("it has committed").next_offset;
    let sent = crew.log.records("partials");

    crew.log.set_offset("fold", &partition, None);
    let held = format!("holds its intake state up to offset {offset}");
    let gone = format!("no committed offset of {partition}");
    says(fold_begins(&mut crew), &[&gone, &held]);
    crew.log.set_offset("fold", &partition, Some(offset - 1));
    let set_back = format!("offset of {partition} is {}", offset - 1);
    says(fold_begins(&mut crew), &[&set_back, &held]);
    assert!(crew.log.records("partials") == sent);

    crew.log.set_offset("fold", &partition, Some(offset));
    assert!(crew.finish(&old()) == undisturbed(&old()));
}

/// Copies would count, and what is late would not be.
#[test]
fn fold_whose_intake_state_was_emptied_does_not_begin_without_it() {
    let mut crew = stopped();
    crew.log.empty(&old().topics.intake_state);
    let emptied = ["was read up to offset", "holds no intake state of it"];
    says(fold_begins(&mut crew), &emptied);
}

/// A partition whose beginning the log has let go before anybody read it, and of which nothing came since.
#[test]
fn a_partition_that_nothing_came_of_is_no_contradiction() {
    let mut crew = Crew::new();
    let partition = Partition::new(Stream::Container.name(), 1);
    let records = crew.log.records(&partition.topic);
    let end = records[1].len() as i64;
    // An operator may also say where a group begins that has never read.
    crew.log.set_offset("fold", &partition, Some(end));
    crew.fold(old());
    crew.turn(20);
    let read = Partition::new(Stream::Container.name(), 0);
    assert!(
        crew.log.position("fold", &read).is_some(),
        "it has committed"
    );
    crew.folds.clear();
    fold_begins(&mut crew).expect("it goes on");
}

/// As a process that is stopped between hearing where to begin and reading the state that belongs there: that is no longer the
/// state of then, and is another's.
#[test]
fn who_sleeps_while_it_takes_up_finds_that_others_went_on_and_goes_on_itself() {
    let mut crew = stopped();
    crew.fold(old());
    crew.merge(old());
    crew.sleep_at_start(60);
    crew.turn(2);
    crew.fold(old());
    crew.merge(old());
    let before = crew.percent_read();
    crew.turn(50);
    assert!(crew.percent_read() > before, "others went on");
    crew.turn(50);
    assert!(crew.finish(&old()) == undisturbed(&old()));
}
