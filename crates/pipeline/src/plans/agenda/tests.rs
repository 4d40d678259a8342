use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use events::DecodeError;
use events::internal::PlannerState;
use windows::sql::parse::SqlFile;

use super::*;
use crate::memory::HandClock;
use crate::outcome::PlanReport;

const MINUTE_US: i64 = 60_000_000;

/// Notes when it planned and why.
#[derive(Default)]
struct Notes(Vec<(i64, Vec<String>)>);

impl Planner for Notes {
    const NAME: &'static str = "notes";

    fn plan(
        &mut self,
        planned_at_us: i64,
        causes: Vec<String>,
        _: &mut ReadInput<'_>,
        _: &Topics,
    ) -> Result<Option<Planned>, EngineError> {
        self.0.push((planned_at_us / MINUTE_US, causes));
        Ok(Some(Planned {
            records: Vec::new(),
            report: PlanReport::default(),
        }))
    }

    fn save(&self, _: &mut PlannerState) {}

    fn restore(&mut self, _: PlannerState) -> Result<(), DecodeError> {
        Ok(())
    }
}

fn topics() -> Topics {
    Topics {
        partials: "partials".into(),
        partials_partitions: 1,
        intake_state: "intake-state".into(),
        snapshots: "snapshots".into(),
        rejects: "rejects".into(),
        sinks: BTreeMap::new(),
        berth_plan: "berth-plan".into(),
        rail_plan: "rail-plan".into(),
        plan_deltas: "plan-deltas".into(),
        plan_explanations: "plan-explanations".into(),
        train_loads: "train-loads".into(),
    }
}

/// A planner that plans hourly, looks every five minutes, and rests for fifteen; ETAs may move by 30 min.
fn scheduled(watch_min: u64) -> Scheduled<Notes> {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let inputs = ["notes/calls", "notes/watch_eta_min", "notes/watch_closures"];
    Scheduled::new(
        Notes::default(),
        &PlannerRun {
            is_on: true,
            inputs: inputs.map(|name| SqlFile::new(name, "")).to_vec(),
            every: minutes(60),
            triggers: Triggers {
                every: minutes(watch_min),
                interval_min: minutes(15),
                tolerances: BTreeMap::from([("eta_min".to_owned(), 30)]),
            },
            iterations: 1,
            seed: 1,
        },
    )
}

fn rows(rows: &[(&str, Option<i64>)]) -> RecordBatch {
    let objects: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
    let values: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>());
    RecordBatch::try_from_iter([("object_id", objects), ("value", values)]).expect("two columns")
}

/// Runs until `end_min`; `eta` and `is_closed` say what the watches see at a minute.
fn run(
    scheduled: &mut Scheduled<Notes>,
    end_min: i64,
    eta: impl Fn(i64) -> i64,
    is_closed: impl Fn(i64) -> bool,
) {
    loop {
        let next_tick = |after_us: i64, every_us: i64| {
            Some(after_us - after_us.rem_euclid(every_us) + every_us)
        };
        let at_us = scheduled
            .next_at(&next_tick, 0, None)
            .expect("input has not ended");
        let now_min = (at_us - 1) / MINUTE_US;
        if now_min > end_min {
            return;
        }
        let mut read = |name: &str| {
            let closed = [("B1", None)];
            Ok(match name {
                "notes/watch_eta_min" => rows(&[("V1", Some(eta(now_min)))]),
                _ => rows(&closed[..usize::from(is_closed(now_min))]),
            })
        };
        scheduled
            .look(at_us - 1, &mut read, &topics(), &HandClock::default())
            .expect("the inputs have their columns");
    }
}

fn causes(text: &str) -> Vec<String> {
    match text {
        "" => Vec::new(),
        one => vec![one.to_owned()],
    }
}

#[test]
fn without_watches_plans_come_at_their_ticks() {
    let mut scheduled = scheduled(0);
    run(&mut scheduled, 200, |_| 0, |_| true);
    let plans = [60, 120, 180].map(|minute| (minute, Vec::new()));
    assert_eq!(scheduled.planner.0, plans);
}

#[test]
fn a_value_fires_once_it_has_moved_by_more_than_is_tolerated_and_counts_from_the_last_plan() {
    let mut scheduled = scheduled(5);
    // Two minutes later every minute from minute 60 on.
    run(
        &mut scheduled,
        125,
        |now| 1_000 + 2 * (now - 60).max(0),
        |_| false,
    );
    assert_eq!(
        scheduled.planner.0,
        [
            (60, causes("")),
            (80, causes("eta_min V1: +40")),
            (100, causes("eta_min V1: +40")),
            (120, causes("")),
        ]
    );
}

#[test]
fn what_appears_or_vanishes_fires_and_no_plan_comes_sooner_than_the_interval() {
    let mut scheduled = scheduled(5);
    run(
        &mut scheduled,
        135,
        |_| 0,
        |now| (62..68).contains(&now) || (108..=112).contains(&now),
    );
    assert_eq!(
        scheduled.planner.0,
        [
            (60, causes("")),
            // At 65 it is too early, and at 75 the closure is over again.
            (110, causes("closures B1: now")),
            // The tick at 120 came too soon after that.
            (125, causes("")),
        ]
    );
}
