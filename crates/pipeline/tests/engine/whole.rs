//! What comes out is a function of what went in, and adds up.

use std::sync::Arc;
use std::time::Duration;

use events::v1::WindowStat;
use events::v1::cell::Value;
use pipeline::error::EngineError;
use pipeline::memory::HandClock;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop};

use crate::fixture::{port, run, settings, stats};

fn integer(stat: &WindowStat, name: &str) -> i64 {
    match stat
        .cells
        .iter()
        .find(|cell| cell.name == name)
        .and_then(|cell| cell.value.clone())
    {
        Some(Value::Integer(value)) => value,
        other => panic!("{name} is {other:?}"),
    }
}

fn text(stat: &WindowStat, name: &str) -> String {
    match stat
        .cells
        .iter()
        .find(|cell| cell.name == name)
        .and_then(|cell| cell.value.clone())
    {
        Some(Value::Text(value)) => value,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn every_record_is_in_one_class_and_every_accepted_move_in_one_window() {
    let settings = settings(2, 2);
    let (log, truth) = port(7, 6, 20_000, &settings);
    let tally = run(&log, settings, 5_000, 0);
    let counts = tally.intake_counts();
    let rejects: u64 = tally.rejects().values().sum();
    assert_eq!(counts.records, truth.records);
    assert_eq!(
        counts.accepted
            + counts.retracted
            + counts.duplicates
            + counts.superseded
            + counts.heartbeats
            + rejects,
        counts.records
    );
    assert_eq!(log.records("rejects")[0].len() as u64, rejects);
    let duplicates: u64 = truth.sources.values().map(|source| source.duplicates).sum();
    assert!(
        counts.duplicates >= duplicates * 9 / 10 && duplicates > 0,
        "{counts:?} of {duplicates}"
    );
    let stats = stats(&log);
    assert!(stats.iter().all(|stat| stat.is_final && stat.revision == 0));
    let of = |query: &str| {
        stats
            .iter()
            .filter(move |stat| stat.query == query)
            .cloned()
            .collect::<Vec<_>>()
    };
    let moved: i64 = of("moves").iter().map(|stat| integer(stat, "moves")).sum();
    let late = truth
        .late_by_table
        .get("move_event")
        .copied()
        .unwrap_or_default();
    let produced = truth.events_by_table["move_event"];
    assert!(
        moved as u64 <= produced && moved as u64 >= produced - late - 20,
        "{moved} of {produced}, {late} late"
    );
    // Every record but heartbeats lies in two hopping windows.
    let seen: i64 = of("intake_all")
        .iter()
        .filter(|stat| text(stat, "outcome") != "flagged")
        .map(|stat| integer(stat, "records"))
        .sum();
    assert_eq!(seen as u64, 2 * (counts.records - counts.heartbeats));
    assert!(
        of("yard")
            .iter()
            .all(|stat| integer(stat, "level_end") >= 0),
        "a yard cannot hold less than nothing"
    );
    assert!(of("open_slots").len() > 5);
}

#[test]
fn rows_are_the_same_for_every_interleaving_partitioning_of_merge_and_aborted_commit() {
    let expected = {
        let settings = settings(3, 1);
        let (log, _) = port(11, 4, 12_000, &settings);
        run(&log, settings, 100_000, 0);
        stats(&log)
    };
    assert!(expected.len() > 100);
    for (rows_max, partials, abort_every) in [(700, 1, 0), (2_500, 3, 0), (1_500, 2, 3)] {
        let settings = settings(3, partials);
        let (log, _) = port(11, 4, 12_000, &settings);
        run(&log, settings, rows_max, abort_every);
        let found = stats(&log);
        assert_eq!(
            found.len(),
            expected.len(),
            "rows_max {rows_max}, {partials} partitions, abort every {abort_every}"
        );
        assert!(
            found == expected,
            "rows differ: rows_max {rows_max}, {partials} partitions, abort every {abort_every}"
        );
    }
}

/// A step may have hours of windows to go: a stop does not wait for them, and what was not committed is done again.
#[test]
fn a_stop_in_the_middle_of_a_step_leaves_nothing_half_done() {
    let settings = settings(1, 1);
    let (log, _) = port(3, 3, 3_000, &settings);
    let clock = Arc::new(HandClock::default());
    let inputs: Vec<Arc<str>> = settings
        .inputs
        .iter()
        .map(|input| Arc::clone(&input.topic))
        .collect();
    let partials = [Arc::clone(&settings.topics.partials)];
    let shared = |stop: &Stop| Shared::new(settings.clone(), clock.clone(), stop.clone());

    let (source, sink) = log.join("fold", None, &inputs, 5_000);
    let mut fold = FoldWorker::new(shared(&Stop::default()), source, sink).expect("fold starts");
    fold.run().expect("fold comes to its end");

    let stop = Stop::default();
    let (source, sink) = log.join("merge", None, &partials, 10_000);
    let mut stopped = MergeWorker::new(shared(&stop), source, sink);
    stop.request();
    let turns = (0..10).map(|_| stopped.turn(Duration::ZERO));
    let error = turns.filter_map(Result::err).next().expect("it gives up");
    assert!(matches!(error, EngineError::Stopped), "{error}");
    assert_eq!(stats(&log), Vec::new());
    drop(stopped);

    let (source, sink) = log.join("merge", None, &partials, 10_000);
    let mut heir = MergeWorker::new(shared(&Stop::default()), source, sink);
    heir.run().expect("the heir comes to its end");
    let (undisturbed, _) = port(3, 3, 3_000, &settings);
    run(&undisturbed, settings.clone(), 5_000, 0);
    assert!(!stats(&log).is_empty());
    assert_eq!(stats(&log), stats(&undisturbed));
}
