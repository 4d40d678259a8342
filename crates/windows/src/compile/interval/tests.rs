//! Random trees of joins: what is joined of the rows within reach of an instant is what is joined of all, at that instant.

#[path = "../../../tests/suite/trees.rs"]
mod trees;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::bounded::sorted;
use crate::joining::Join;
use crate::program::Program;
use crate::sql::call::{ROW_TIME, instant};
use crate::sql::parse::SqlFile;
use crate::sql::session::{concatenate, run};
use crate::state::instants;
use crate::state::joined::Reach;

const MINUTE_US: i64 = 60_000_000;
/// The log, minutes.
const LENGTH: i64 = 26;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(ROW_TIME, instant(), false),
        Field::new("terminal_id", DataType::Utf8, true),
        Field::new("event_id", DataType::Utf8, false),
    ]))
}

/// Rows of one stream, at most two a minute.
fn rows(random: &mut Random) -> RecordBatch {
    let (mut times, mut keys, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for minute in 0..LENGTH {
        for _ in 0..random.below(3) {
            ids.push(format!("{minute}-{}", ids.len()));
            times.push(minute * MINUTE_US);
            keys.push([Some("A"), Some("B"), None][random.below(5) / 2]);
        }
    }
    let columns: [ArrayRef; 3] = [
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
        Arc::new(StringArray::from(keys)),
        Arc::new(StringArray::from(ids)),
    ];
    RecordBatch::try_new(schema(), columns.to_vec()).expect("rows")
}

fn compile(text: &str) -> Result<Program, String> {
    let streams: BTreeMap<_, _> = trees::STREAMS
        .iter()
        .map(|name| ((*name).to_owned(), schema()))
        .collect();
    let files = [SqlFile::new("q", text)];
    Program::compile(&files, &streams).map_err(|faults| format!("{faults:?}"))
}

fn between(batch: &RecordBatch, from_us: i64, to_us: i64) -> RecordBatch {
    let times = batch.column_by_name(ROW_TIME).expect("row_time").clone();
    let times = times
        .as_any()
        .downcast_ref::<TimestampMicrosecondArray>()
        .expect("times")
        .clone();
    let mask = times
        .iter()
        .map(|time| Some(time.is_some_and(|time| from_us <= time && time <= to_us)));
    filter_record_batch(batch, &mask.collect::<BooleanArray>()).expect("filter")
}

/// A random join, with the rows of its sides.
struct Case {
    text: String,
    program: Program,
    sides: Vec<RecordBatch>,
    all: RecordBatch,
}

impl Case {
    /// None if the join is refused.
    fn new(seed: u64) -> Option<Self> {
        let mut random = Random(seed * 7_919);
        let minutes = "TUMBLE|INTERVAL '1' MINUTE";
        let text = trees::query(&mut |bound| random.below(bound), minutes);
        let program = compile(&text)
            .inspect_err(|fault| assert!(fault.contains("no bound in time"), "{text}: {fault}"))
            .ok()?;
        // A join that can give nothing is none.
        let inputs = &program.queries[0].inputs;
        program.queries[0].join.as_ref()?;
        let mut sides = Vec::new();
        for input in inputs {
            program.fill(&input.stream, vec![rows(&mut random)]);
            let framed = input.fold.run().expect("fold");
            program.fill(&input.stream, Vec::new());
            sides.push(concatenate(&framed[0].schema(), &framed).expect("side"));
        }
        let mut case = Case {
            text,
            program,
            sides,
            all: RecordBatch::new_empty(schema()),
        };
        let everything = vec![(i64::MIN, i64::MAX); case.sides.len()];
        case.all = case.join(&everything);
        Some(case)
    }

    fn reaches(&self) -> Vec<Reach> {
        let reaches = self.its_join().reaches.iter();
        reaches.map(|(reach, _)| *reach).collect()
    }

    fn its_join(&self) -> &Join {
        self.program.queries[0].join.as_ref().expect("join")
    }

    /// The joined rows of the rows of each side between two instants.
    fn join(&self, spans: &[(i64, i64)]) -> RecordBatch {
        let join = self.its_join();
        for (place, slot) in join.slots.iter().enumerate() {
            let time = &join.reaches[place].1;
            let side = &self.sides[place];
            let (from_us, to_us) = spans[place];
            let times = instants(side, time).expect("times").iter();
            let mask = times.map(|&time| Some(from_us <= time && time <= to_us));
            let held = filter_record_batch(side, &mask.collect::<BooleanArray>());
            slot.fill(vec![held.expect("held")]);
        }
        let joined = run(&join.plan, &self.program.task).expect("join");
        concatenate(&join.plan.schema(), &joined).expect("joined")
    }

    /// True if the rows within these reaches give the joined rows of every instant.
    fn is_enough(&self, reaches: &[Reach]) -> bool {
        (-10..LENGTH + 10).all(|minute| {
            let at_us = minute * MINUTE_US;
            let spans = reaches
                .iter()
                .map(|reach| (at_us - reach.before_us, at_us + reach.after_us));
            let near = self.join(&spans.collect::<Vec<_>>());
            let [near, all] = [&near, &self.all].map(|rows| between(rows, at_us, at_us));
            sorted(&near).expect("sorted") == sorted(&all).expect("sorted")
        })
    }
}

#[test]
fn rows_within_reach_are_enough_whatever_the_kinds_of_the_joins() {
    let mut accepted = 0;
    for seed in 0..150 {
        let Some(case) = Case::new(seed) else {
            continue;
        };
        accepted += 1;
        let reaches = case.reaches();
        assert!(
            case.is_enough(&reaches),
            "seed {seed}: {}: {reaches:?}",
            case.text
        );
    }
    assert!(accepted > 100, "{accepted}");
}

/// The rows of the test above are such that it shows if a reach is a minute less, where it is as narrow as can be.
#[test]
fn a_reach_that_is_a_minute_less_is_not_enough() {
    let (mut shown, mut tried) = (0, 0);
    for case in (0..40).filter_map(Case::new) {
        let reaches = case.reaches();
        for side in 0..reaches.len() {
            for narrow in [
                |reach: &mut Reach| reach.before_us -= MINUTE_US,
                |reach: &mut Reach| reach.after_us -= MINUTE_US,
            ] {
                let mut less = reaches.clone();
                narrow(&mut less[side]);
                if less[side].before_us < 0 || less[side].after_us < 0 {
                    continue;
                }
                tried += 1;
                shown += usize::from(!case.is_enough(&less));
            }
        }
    }
    assert!(shown * 10 > tried * 4, "{shown} of {tried}");
}

fn reaches_min(from: &str) -> Vec<(f64, f64)> {
    let text = format!(
        "INSERT INTO s SELECT window_start, window_end FROM TUMBLE((SELECT {from}), DESCRIPTOR(row_time), INTERVAL '5' MINUTE)"
    );
    let program = compile(&text).expect("accepted");
    let join = program.queries[0].join.as_ref().expect("join");
    let minutes = |us: i64| us as f64 / MINUTE_US as f64;
    let reaches = join.reaches.iter();
    reaches
        .map(|(reach, _)| (minutes(reach.before_us), minutes(reach.after_us)))
        .collect()
}

#[test]
fn what_an_outer_join_gives_without_a_partner_narrows_nothing() {
    let between = |kind: &str| {
        format!(
            "a.row_time FROM move_event a {kind} JOIN gate_event b ON b.row_time BETWEEN a.row_time - INTERVAL '10' HOUR AND a.row_time
             {kind} JOIN equipment_event c ON c.row_time BETWEEN b.row_time AND b.row_time + INTERVAL '1' HOUR
               AND c.row_time BETWEEN a.row_time - INTERVAL '2' HOUR AND a.row_time"
        )
    };
    assert_eq!(
        reaches_min(&between("LEFT")),
        [(0.0, 0.0), (600.0, 0.0), (120.0, 0.0)]
    );
    // Among inner joins a row of b that meets no c is in no row.
    assert_eq!(
        reaches_min(&between("INNER")),
        [(0.0, 0.0), (180.0, 0.0), (120.0, 0.0)]
    );
}

#[test]
fn a_time_that_is_cut_to_seconds_may_lie_a_second_off() {
    let cut = "a.row_time FROM move_event a JOIN gate_event b
        ON CAST(b.row_time AS TIMESTAMP(0)) BETWEEN a.row_time AND a.row_time + INTERVAL '1' MINUTE";
    let less_us = 1e-6 / 60.0;
    let second = 1.0 / 60.0 - less_us;
    let [itself, (before, after)] = reaches_min(cut)[..] else {
        panic!("two sides");
    };
    assert_eq!(itself, (0.0, 0.0));
    assert!((before - second).abs() < less_us && (after - 1.0 - second).abs() < less_us);
}

#[test]
fn times_of_one_hour_lie_less_than_an_hour_apart() {
    for same in [
        "date_trunc('hour', a.row_time) = date_trunc('hour', b.row_time)",
        "date_bin(INTERVAL '60' MINUTE, a.row_time) = date_bin(INTERVAL '60' MINUTE, b.row_time)",
    ] {
        let from = format!("a.row_time FROM move_event a LEFT JOIN gate_event b ON {same}");
        let [itself, (before, after)] = reaches_min(&from)[..] else {
            panic!("two sides");
        };
        assert_eq!(itself, (0.0, 0.0));
        let is_an_hour = |minutes: f64| (59.99..60.0).contains(&minutes);
        assert!(is_an_hour(before) && is_an_hour(after), "{before} {after}");
    }
}

#[test]
fn a_difference_of_times_bounds_both() {
    let from = |differences: &str| {
        format!("a.row_time FROM move_event a LEFT JOIN gate_event b ON {differences}")
    };
    let near =
        from("a.row_time - b.row_time BETWEEN INTERVAL '-10' MINUTE AND INTERVAL '5' MINUTE");
    assert_eq!(reaches_min(&near), [(0.0, 0.0), (5.0, 10.0)]);
    let turned = from(
        "INTERVAL '1' HOUR >= b.row_time - a.row_time AND INTERVAL '2' HOUR > a.row_time - b.row_time",
    );
    assert_eq!(reaches_min(&turned), [(0.0, 0.0), (120.0, 60.0)]);
}

#[test]
fn one_of_two_bounds_is_as_wide_as_both() {
    let near = |condition: &str| {
        reaches_min(&format!(
            "a.row_time FROM move_event a JOIN gate_event b ON {condition}"
        ))
    };
    assert_eq!(
        near(
            "b.row_time BETWEEN a.row_time - INTERVAL '10' MINUTE AND a.row_time
             OR b.row_time BETWEEN a.row_time + INTERVAL '3' MINUTE AND a.row_time + INTERVAL '4' MINUTE"
        ),
        [(0.0, 0.0), (10.0, 4.0)]
    );
    // Equal within, of whatever unit, beside others that hold in any case.
    assert_eq!(
        near(
            "a.row_time < b.row_time + INTERVAL '1' HOUR AND (a.event_id = b.event_id AND b.row_time <= a.row_time
             OR a.terminal_id = b.terminal_id AND a.row_time = b.row_time)"
        ),
        [(0.0, 0.0), (60.0, 0.0)]
    );
    let three = "a.row_time FROM move_event a LEFT JOIN gate_event b ON a.row_time = b.row_time
        JOIN equipment_event c ON c.row_time = a.row_time OR c.row_time = b.row_time";
    let program = format!(
        "INSERT INTO s SELECT window_start, window_end FROM TUMBLE((SELECT {three}), DESCRIPTOR(row_time), INTERVAL '5' MINUTE)"
    );
    // Of each branch another pair is equal: neither holds for certain, and by way of b nothing does, which may be missing.
    assert!(compile(&program).is_err());
}

#[test]
fn differences_of_times_may_be_numbers() {
    let seconds = 1.0 / 60.0;
    for (condition, (before, after)) in [
        (
            "abs(to_unixtime(a.row_time) - to_unixtime(b.row_time)) <= 600",
            (10.0, 10.0),
        ),
        (
            "to_unixtime(b.row_time) BETWEEN to_unixtime(a.row_time) - 600 AND to_unixtime(a.row_time) + 300",
            (10.0, 5.0),
        ),
        (
            "abs(CAST(a.row_time AS BIGINT) - CAST(b.row_time AS BIGINT)) < 60000000",
            (1.0, 1.0),
        ),
        (
            "(CAST(a.row_time AS BIGINT) - CAST(b.row_time AS BIGINT)) / 60000000 BETWEEN 2 AND 5",
            (6.0, -1.0),
        ),
        (
            "date_part('epoch', a.row_time) - date_part('epoch', b.row_time) BETWEEN -120 AND 60",
            (1.0, 2.0),
        ),
        (
            "300 > extract(epoch FROM a.row_time) - extract(epoch FROM b.row_time) AND b.row_time < a.row_time",
            (5.0, 0.0),
        ),
        (
            "CAST(CAST(a.row_time AS TIMESTAMP(0)) AS BIGINT) - CAST(CAST(b.row_time AS TIMESTAMP(0)) AS BIGINT) BETWEEN 0 AND 60",
            (1.0, 0.0),
        ),
    ] {
        let from = format!(
            "a.row_time FROM move_event a JOIN gate_event b ON a.terminal_id = b.terminal_id AND {condition}"
        );
        let [itself, found] = reaches_min(&from)[..] else {
            panic!("two sides");
        };
        assert_eq!(itself, (0.0, 0.0));
        // By seconds that are cut off it may be more, and after what is left of nothing is nothing.
        let is_near = |found: f64, meant: f64| {
            (meant.max(0.0)..=meant.max(0.0) + 2.0 * seconds).contains(&found)
        };
        assert!(
            is_near(found.0, before) && is_near(found.1, after),
            "{condition}: {found:?}"
        );
    }
    for condition in [
        "abs(to_unixtime(a.row_time) - to_unixtime(b.row_time)) >= 600",
        "abs(to_unixtime(a.row_time) - CAST(b.event_id AS BIGINT)) <= 600",
        "abs(to_unixtime(a.row_time) + to_unixtime(b.row_time)) <= 600",
        "date_part('hour', a.row_time) - date_part('hour', b.row_time) BETWEEN 0 AND 1",
    ] {
        let text = format!(
            "INSERT INTO s SELECT window_start, window_end FROM TUMBLE((SELECT a.row_time FROM move_event a JOIN gate_event b ON a.terminal_id = b.terminal_id AND {condition}), DESCRIPTOR(row_time), INTERVAL '5' MINUTE)"
        );
        assert!(compile(&text).is_err(), "{condition}");
    }
}

#[test]
fn a_month_has_28_to_31_days() {
    let month = "a.row_time FROM move_event a JOIN gate_event b
        ON b.row_time BETWEEN a.row_time - INTERVAL '1' MONTH AND a.row_time + INTERVAL '2' MONTH";
    let days = |days: i64| (days * 24 * 60) as f64;
    assert_eq!(reaches_min(month), [(0.0, 0.0), (days(31), days(62))]);
}

/// What no row_time of the streams is chosen of, and what compares with no time at all, has no bound.
#[test]
fn one_of_several_times_reaches_as_far_as_any_of_them() {
    let full = |time: &str| {
        format!(
            "{time} AS row_time FROM move_event a FULL JOIN gate_event b
             ON b.row_time BETWEEN a.row_time - INTERVAL '3' MINUTE AND a.row_time + INTERVAL '7' MINUTE"
        )
    };
    let both = reaches_min(&full("coalesce(a.row_time, b.row_time)"));
    assert_eq!(both, [(7.0, 3.0), (3.0, 7.0)]);
    let later = reaches_min(&full(
        "coalesce(a.row_time, b.row_time) + INTERVAL '2' MINUTE",
    ));
    assert_eq!(later, [(9.0, 1.0), (5.0, 5.0)]);
    let inner = full("greatest(a.row_time, b.row_time)").replace("FULL", "INNER");
    assert_eq!(reaches_min(&inner), [(7.0, 0.0), (3.0, 0.0)]);
}
