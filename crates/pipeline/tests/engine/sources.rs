//! Sick sources: one whose clock is a year behind, and names that are none.

use std::sync::Arc;
use std::time::Duration;

use events::v1::cell::Value;
use events::v1::container_event::Body;
use events::v1::{
    Classifier, ContainerEvent, Envelope, MoveEvent, Reject, RejectReason, WindowStat,
};
use events::{Event, Message, Stream};
use pipeline::log::Outgoing;
use pipeline::memory::{HandClock, MemoryLog};
use pipeline::outcome::Tally;
use pipeline::settings::{Bounded, Settings};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop};
use windows::sql::parse::SqlFile;

use crate::fixture::{self, QUERIES, port, port_with, settings, stats, topics};

/// Where the simulated port begins: 2026-03-02T00:00:00Z.
const START_US: i64 = 1_772_409_600_000_000;
const MINUTE_US: i64 = 60_000_000;
const YEAR_US: i64 = 365 * 24 * 60 * MINUTE_US;

/// A move of a source that is not listed, `behind_us` before its Kafka timestamp.
fn own(source: &str, minute: i64, behind_us: i64) -> Outgoing {
    let now_us = START_US + minute * MINUTE_US;
    let event = Event::Container(ContainerEvent {
        envelope: Some(Envelope {
            event_id: format!("{source}-{minute}"),
            source: source.to_owned(),
            event_time_us: now_us - behind_us,
            record_time_us: now_us - behind_us,
            classifier: Classifier::Act.into(),
            terminal_id: "RRT".to_owned(),
            ..Envelope::default()
        }),
        body: Some(Body::MoveEvent(MoveEvent::default())),
    });
    Outgoing {
        topic: Stream::Container.name().into(),
        partition: Some(0),
        key: None,
        value: Some(event.encode_to_vec()),
        timestamp_ms: now_us / 1_000,
        headers: Vec::new(),
    }
}

/// Both stages, as long as there is something to read, with no end of the input.
fn run(log: &MemoryLog, settings: Settings) -> Arc<Tally> {
    let clock = Arc::new(HandClock::default());
    let settings = Settings {
        bounded: Bounded::Never,
        ..settings
    };
    let shared = Shared::new(settings, clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let inputs = shared.settings.inputs.iter();
    let inputs: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
    let partials = [Arc::clone(&shared.settings.topics.partials)];
    let (source, sink) = log.join("fold", None, &inputs, 100);
    let mut fold = FoldWorker::new(shared.clone(), source, sink).expect("fold starts");
    let (source, sink) = log.join("merge", None, &partials, 64);
    let mut merge = MergeWorker::new(shared, source, sink);
    for _ in 0..400 {
        clock.advance(Duration::from_millis(50));
        fold.turn(Duration::ZERO).expect("fold goes on");
        merge.turn(Duration::ZERO).expect("merge goes on");
    }
    tally
}

fn rejected(log: &MemoryLog, reason: RejectReason) -> Vec<Reject> {
    let records = log.records("rejects").into_iter().flatten();
    let rejects = records.map(|record| {
        let value = record.value.expect("no tombstones");
        Reject::decode(value.as_slice()).expect("a Reject")
    });
    rejects.filter(|reject| reject.reason() == reason).collect()
}

#[test]
fn a_source_with_a_clock_far_behind_holds_the_port_back_unless_it_is_refused() {
    let own: Vec<Outgoing> = (1..110)
        .map(|minute| own("sick", minute, YEAR_US))
        .collect();
    let told = |past_max| {
        let settings = Settings {
            past_max,
            ..settings(2, 2)
        };
        let (log, _) = port_with(4, 2, 3_000, &settings, &own);
        let tally = run(&log, settings);
        (stats(&log), rejected(&log, RejectReason::Past), tally)
    };
    let (rows, refused, tally) = told(None);
    assert!(refused.is_empty());
    // As far as the others had come when it was heard first.
    let held_at_us = START_US + 20 * MINUTE_US;
    assert!(tally.frontier_us() < held_at_us);
    assert!(rows.iter().all(|row| row.window_end_us < held_at_us));

    let (rows, refused, tally) = told(Some(Duration::from_secs(86_400)));
    assert!(tally.frontier_us() > START_US + 60 * MINUTE_US);
    assert_eq!(refused.len(), own.len());
    let detail = &refused[0].detail;
    assert!(
        detail.contains("past_max_s = 86400") && detail.contains("source sick"),
        "{detail}"
    );
    // The others are as if it had never been.
    let settings = settings(2, 2);
    let (log, _) = port(4, 2, 3_000, &settings);
    run(&log, settings);
    let others = |rows: Vec<events::v1::WindowStat>| -> Vec<_> {
        let others = rows.into_iter().filter(|row| row.query != "intake_all");
        others.collect()
    };
    let rows = others(rows);
    assert!(rows.len() > 10);
    assert_eq!(rows, others(stats(&log)));
}

#[test]
fn names_that_are_none_are_refused_at_the_bound_and_listed_sources_go_on() {
    const SOURCES_MAX: usize = 20;
    const NAMES: usize = 10 * SOURCES_MAX;
    // They come before any listed source is heard.
    let names = 0..NAMES;
    let own: Vec<Outgoing> = names
        .map(|name| own(&format!("truck-{name}"), -70, 0))
        .collect();
    let settings = Settings {
        sources_max: SOURCES_MAX,
        idle_timeout: Duration::from_secs(1),
        ..settings(2, 2)
    };
    let (log, _) = port_with(4, 2, 3_000, &settings, &own);
    let tally = run(&log, settings);
    let refused = rejected(&log, RejectReason::SourceLimit);
    // Listed sources that were heard before have places, too.
    assert!((NAMES - SOURCES_MAX..NAMES).contains(&refused.len()));
    let detail = &refused[0].detail;
    assert!(
        detail.contains("source truck-")
            && detail.contains("is not listed")
            && detail.contains("sources_max"),
        "{detail}"
    );
    // The silent names fall idle, and what listed sources have written counts.
    assert!(tally.frontier_us() > START_US + 60 * MINUTE_US);
    let mut others = tally.rejects();
    others.remove("source_limit");
    let undisturbed = Settings {
        sources_max: SOURCES_MAX,
        ..crate::fixture::settings(2, 2)
    };
    let (log, _) = port(4, 2, 3_000, &undisturbed);
    assert_eq!(others, run(&log, undisturbed).rejects());
}

/// Of a query: minute from which a window is, and how many moves it has.
fn moves(rows: &[WindowStat], query: &str) -> Vec<(i64, i64)> {
    let rows = rows.iter().filter(|row| row.query == query);
    let moves = rows.map(|row| {
        assert!(row.is_final, "{row:?}");
        let mut cells = row.cells.iter();
        let moves = cells.find(|cell| cell.name == "moves");
        let Some(Value::Integer(moves)) = moves.and_then(|cell| cell.value.clone()) else {
            panic!("{row:?}");
        };
        ((row.window_start_us - START_US) / MINUTE_US, moves)
    });
    moves.collect()
}

#[test]
fn a_query_that_waits_for_one_source_is_told_before_the_port_has_come_so_far() {
    let (_, select) = QUERIES[0];
    let mut settings = Settings {
        queries: ["own", "all"]
            .map(|name| SqlFile::new(name, select))
            .to_vec(),
        waits_for: [("own".to_owned(), ["gate".to_owned()].into())].into(),
        ..settings(1, 2)
    };
    let names = ["gate", "customs"];
    settings
        .sources
        .retain(|source| names.contains(&source.name.as_str()));
    let log = topics(&settings);
    let write = |source, minute| {
        log.append(own(source, minute, 0))
            .expect("the topic exists")
    };
    // Customs has come to minute 3, and the port with it, less the twenty of its bound.
    write("customs", 3);
    (1..60).for_each(|minute| write("gate", minute));
    let tally = run(&log, settings.clone());
    assert!(tally.frontier_us() < START_US);
    let own_alone = [(0, 15), (15, 15), (30, 15)];
    assert_eq!(moves(&stats(&log), "own"), own_alone);
    assert_eq!(moves(&stats(&log), "all"), [], "it waits for customs");

    // What the one that has gone on lacks now is told, and the other has it.
    write("customs", 20);
    write("customs", 50);
    fixture::run(&log, settings, 100, 0);
    let own_alone = [(0, 15), (15, 15), (30, 15), (45, 16)];
    assert_eq!(moves(&stats(&log), "own"), own_alone);
    let all = [(0, 15), (15, 16), (30, 15), (45, 16)];
    assert_eq!(moves(&stats(&log), "all"), all);
    let late = rejected(&log, RejectReason::LateInMerge);
    let late: Vec<&str> = late.iter().map(|reject| reject.query.as_str()).collect();
    assert_eq!(late, ["own"]);
}
