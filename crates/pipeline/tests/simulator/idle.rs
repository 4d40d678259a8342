//! A source that falls silent lets the others go on after the idle timeout, and not before; what it writes of the time
//! that is over then is told, not lost in silence.

use std::time::Duration;

use events::v1::Reject;
use pipeline::ticks::TickBy;

use crate::check::{finals, rejects};
use crate::dice::Dice;
use crate::program::{Change, IDLE_TIMEOUT, Shelves, expected};
use crate::reading::Record;
use crate::silence::{self, Ran, SOURCE, is_pointer};
use crate::workload::{DAY_US, day, source};
use crate::world::World;

const HOUR_US: i64 = 3_600_000_000;

/// The records of the source that falls silent, and those of the others.
fn apart(records: &[Record]) -> (Vec<Record>, Vec<Record>) {
    let records = records.iter().cloned();
    records.partition(|record| source(record) == SOURCE)
}

/// Feeds and turns everything, with so much time from turn to turn.
fn pass(world: &mut World, records: &[Record], each: usize, step: Duration) {
    let mut dice = Dice(1);
    for chunk in records.chunks(each) {
        chunk.iter().for_each(|record| world.feed(record));
        world.clock.advance(step);
        for place in 0..world.processes.len() {
            world.turn(place, &mut dice).expect("no fault, no error");
        }
    }
}

fn rest(world: &mut World, turns: usize, step: Duration) {
    let mut dice = Dice(1);
    for _ in 0..turns {
        world.clock.advance(step);
        for place in 0..world.processes.len() {
            world.turn(place, &mut dice).expect("no fault, no error");
        }
    }
}

/// Fold never reads a partition to its end as it is then, and still finds out who is silent in it.
#[test]
fn a_source_is_found_silent_in_a_partition_that_is_always_being_written_to() {
    const ROWS: usize = 20;
    let day = day(2);
    let (first, second) = day.split_at(day.len() / 3);
    let mut others = second.iter().filter(|record| source(record) != "gate");
    let mut world = World::new(Shelves::default(), ROWS as u64, TickBy::Watermark);
    for stage in ["fold", "merge", "merge"] {
        world.start(stage);
    }
    let step = Duration::from_millis(200);
    pass(&mut world, first, ROWS / 2, step);
    rest(&mut world, 20, step);
    let held_at_us = world.tally.frontier_us();
    // Always some records ahead of what a turn reads.
    let ahead: Vec<Record> = others.by_ref().take(10 * ROWS).cloned().collect();
    ahead.iter().for_each(|record| world.feed(record));
    let steady: Vec<Record> = others.cloned().collect();
    pass(&mut world, &steady, ROWS, IDLE_TIMEOUT / 10);
    assert!(
        world.tally.frontier_us() > held_at_us + HOUR_US / 2,
        "{} after {held_at_us}",
        world.tally.frontier_us()
    );
}

#[test]
fn a_silent_source_holds_the_port_for_the_timeout_and_what_it_writes_later_is_told() {
    let day = day(2);
    let (first, second) = day.split_at(day.len() / 2);
    let (held, others) = apart(second);
    let mut world = World::new(Shelves::default(), 500, TickBy::Watermark);
    for stage in ["fold", "merge", "merge"] {
        world.start(stage);
    }
    let step = Duration::from_millis(200);
    pass(&mut world, first, 40, step);
    pass(&mut world, &others, 80, step);
    rest(&mut world, 20, step);
    let held_at_us = world.tally.frontier_us();
    assert!(
        held_at_us < DAY_US + 2 * HOUR_US + HOUR_US / 4,
        "the gate holds the port: {held_at_us}"
    );
    // The process sleeps for an hour: nobody has listened meanwhile.
    world.clock.advance(Duration::from_secs(3_600));
    rest(&mut world, 3, step);
    assert_eq!(world.tally.frontier_us(), held_at_us);
    let turns = (IDLE_TIMEOUT.as_millis() / step.as_millis()) as usize;
    rest(&mut world, turns + 20, step);
    // All are silent by now, the gate for longest; the last word of the others counts.
    assert!(
        world.tally.frontier_us() > DAY_US + 3 * HOUR_US,
        "{}",
        world.tally.frontier_us()
    );
    assert_eq!(world.tally.rejects().get("late_in_merge"), None);

    pass(&mut world, &held, 40, step);
    rest(&mut world, 20, step);
    let late = world.tally.rejects()["late_in_merge"];
    let pointers: Vec<Reject> = rejects(&world.log).filter(is_pointer).collect();
    assert!(late > 0 && !pointers.is_empty());
    for pointer in &pointers {
        assert_eq!(pointer.topic, "partials");
        assert!(
            ["intake_all", "goes_gates"].contains(&pointer.query.as_str()),
            "{} reads the gate's rows",
            pointer.query
        );
        assert!(
            pointer.detail.contains("input: container["),
            "{}",
            pointer.detail
        );
    }

    // Queries that the gate has no part in are as if nothing had been.
    world.drain();
    rest(&mut world, 200, step);
    assert!(world.is_done());
    let rows = finals(&world.log, |_| false).expect("each row once");
    let order: Vec<Record> = first.iter().chain(&others).chain(&held).cloned().collect();
    let expected = expected(&order);
    for query in ["moves", "yard", "open_bookings"] {
        assert_eq!(rows.get(query), expected.rows.get(query), "{query}");
    }
    // Of the others nothing is missing but what is pointed at.
    for query in ["intake_all", "goes_gates"] {
        let (due, found) = (&expected.rows[query], &rows[query]);
        assert!(found != due, "{query}: all came in time");
        let verdict = silence::check(&world.log, &order, (query, Ran::AllAlong), due, found);
        assert_eq!(verdict, Ok(()));
    }
}

#[test]
fn what_comes_too_late_for_a_backfill_is_pointed_at() {
    const QUERY: &str = "comes_gates";
    let day = day(2);
    let (first, second) = day.split_at(day.len() / 3);
    let (held, others) = apart(second);
    let mut world = World::new(Shelves::default(), 200, TickBy::Watermark);
    for stage in ["fold", "merge", "merge"] {
        world.start(stage);
    }
    let step = Duration::from_millis(200);
    pass(&mut world, first, 10, step);
    pass(&mut world, &others, 10, step);
    rest(&mut world, 100, step);
    world.change_queries(Change::WithPast);
    (0..3).for_each(|place| world.kill(place, 0));
    // It tells windows in many small commits, without the rows of the gate that are yet to come.
    let is_telling = (0..500).any(|_| {
        rest(&mut world, 1, step);
        finals(&world.log, |_| true).is_ok_and(|rows| rows.contains_key(QUERY))
    });
    assert!(is_telling);
    held.iter().for_each(|record| world.feed(record));
    rest(&mut world, 400, step);
    world.drain();
    rest(&mut world, 400, step);
    assert!(world.is_done());
    let order: Vec<Record> = first.iter().chain(&others).chain(&held).cloned().collect();
    let due = &expected(&order).rows[QUERY];
    let found = finals(&world.log, |_| false)
        .expect("each row once")
        .remove(QUERY);
    let found = found.expect("it has told some");
    assert!(found != *due, "all came in time");
    let verdict = silence::check(&world.log, &order, (QUERY, Ran::Since), due, &found);
    assert_eq!(verdict, Ok(()));
}
