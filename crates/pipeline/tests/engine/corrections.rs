//! Versions of events through the whole engine, with what must come of them worked out by hand.

use events::v1::container_event::Body;
use events::v1::{Classifier, ContainerEvent, Envelope, MoveEvent, Reject, RejectReason};
use events::{Event, Message, Stream};
use pipeline::log::Outgoing;
use pipeline::memory::MemoryLog;
use pipeline::outcome::IntakeCounts;
use pipeline::settings::Settings;
use windows::sql::parse::SqlFile;

use crate::fixture::{run, settings, stats, topics};

/// 2026-03-02T00:00:00Z.
const DAY_US: i64 = 1_772_409_600_000_000;
const MINUTE_US: i64 = 60_000_000;

/// A version of a move of 1 TEU: id, minute it was written, minute it happened, terminal.
struct Version(&'static str, i64, i64, &'static str);
/// That one never was: id, minute it was written, minute it had happened.
struct Retraction(&'static str, i64, i64);

impl From<Version> for Envelope {
    fn from(Version(id, written_min, at_min, terminal_id): Version) -> Envelope {
        Envelope {
            event_id: id.to_owned(),
            source: "tos".to_owned(),
            event_time_us: DAY_US + at_min * MINUTE_US,
            record_time_us: DAY_US + written_min * MINUTE_US,
            classifier: Classifier::Act.into(),
            terminal_id: terminal_id.to_owned(),
            ..Envelope::default()
        }
    }
}

impl From<Retraction> for Envelope {
    fn from(Retraction(id, written_min, at_min): Retraction) -> Envelope {
        Envelope {
            is_retracted: true,
            ..Envelope::from(Version(id, written_min, at_min, "A"))
        }
    }
}

const SELECTS: [(&str, &str); 6] = [
    (
        "moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS n, sum(teu_quarters) AS teu
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "extremes",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, min(event_time) AS first_at,
           count(DISTINCT container_id) AS containers
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "sessions",
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    ),
    (
        "level",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, changes
         FROM LEVEL((SELECT row_time, terminal_id, teu_quarters FROM move_event), DESCRIPTOR(row_time), DESCRIPTOR(terminal_id),
                    teu_quarters, INTERVAL '10' MINUTE)",
    ),
    (
        "newest",
        "CREATE TABLE newest (PRIMARY KEY (equipment_id)) AS SELECT equipment_id, terminal_id, event_time, is_retracted FROM move_event",
    ),
    (
        "seen",
        "INSERT INTO window_stat SELECT t.window_start, t.window_end, n.terminal_id, n.event_time AS newest_at, n.is_retracted
         FROM TICK(INTERVAL '20' MINUTE) AS t CROSS JOIN newest AS n",
    ),
];

fn of_moves(partials: i32) -> Settings {
    let mut settings = settings(1, partials);
    settings.queries = SELECTS
        .map(|(name, text)| SqlFile::new(name, text))
        .to_vec();
    settings.sources.retain(|source| source.name == "tos");
    settings
}

fn fed(settings: &Settings, envelopes: Vec<Envelope>) -> MemoryLog {
    let log = topics(settings);
    for envelope in envelopes {
        let written_us = envelope.record_time_us;
        let body = MoveEvent {
            container_id: format!("C-{}", envelope.event_id),
            equipment_id: "crane".to_owned(),
            teu_quarters: 4,
            ..MoveEvent::default()
        };
        let event = Event::Container(ContainerEvent {
            envelope: Some(envelope),
            body: Some(Body::MoveEvent(body)),
        });
        log.append(Outgoing {
            topic: Stream::Container.name().into(),
            partition: Some(0),
            key: None,
            value: Some(event.encode_to_vec()),
            timestamp_ms: written_us / 1_000 + 3_600_000,
            headers: Vec::new(),
        })
        .expect("the topic exists");
    }
    log
}

/// The final rows of a query in short: minutes of the window, then the cells.
fn rows(log: &MemoryLog, query: &str) -> Vec<String> {
    use events::v1::cell::Value;
    let minute = |instant_us: i64| (instant_us - DAY_US) / MINUTE_US;
    let stats = stats(log).into_iter();
    let stats = stats.filter(|stat| stat.query == query && stat.is_final);
    let rows = stats.map(|stat| {
        let mut row = format!(
            "{}-{}",
            minute(stat.window_start_us),
            minute(stat.window_end_us)
        );
        for cell in stat
            .cells
            .iter()
            .filter(|cell| !cell.name.starts_with("window_"))
        {
            row += &match &cell.value {
                Some(Value::Text(text)) => format!(" {text}"),
                Some(Value::Integer(number)) => format!(" {number}"),
                Some(Value::InstantUs(instant_us)) => format!(" @{}", minute(*instant_us)),
                Some(Value::Flag(flag)) => format!(" {flag}"),
                other => format!(" {other:?}"),
            };
        }
        row
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

/// Runs the engine in several ways, which must not differ, and returns the log of the last.
fn after(envelopes: &[Envelope]) -> (MemoryLog, IntakeCounts) {
    let mut last: Option<(MemoryLog, IntakeCounts)> = None;
    for (rows_max, partials, abort_every) in [(1, 1, 0), (3, 2, 3), (1_000, 2, 0)] {
        let settings = of_moves(partials);
        let log = fed(&settings, envelopes.to_vec());
        let counts = run(&log, settings, rows_max, abort_every).intake_counts();
        if let Some((before, counts_before)) = &last {
            assert_eq!(stats(&log), stats(before), "{rows_max} {partials}");
            assert_eq!(counts, *counts_before);
        }
        last = Some((log, counts));
    }
    last.expect("it ran")
}

#[test]
fn a_correction_moves_a_row_to_another_key_and_pane() {
    let (log, counts) = after(&[
        Version("1", 1, 1, "A").into(),
        Version("2", 2, 2, "A").into(),
        Version("1", 3, 14, "B").into(),
    ]);
    assert_eq!(rows(&log, "moves"), ["0-10 A 1 4", "10-20 B 1 4"]);
    assert_eq!(rows(&log, "extremes"), ["0-10 A @2 1", "10-20 B @14 1"]);
    assert_eq!(rows(&log, "sessions"), ["14-24 crane 1", "2-12 crane 1"]);
    assert_eq!(
        rows(&log, "level"),
        ["0-10 A 4 1", "10-20 A 4 0", "10-20 B 4 1"]
    );
    assert_eq!((counts.accepted, counts.corrected), (3, 1));
}

#[test]
fn a_retraction_leaves_nothing_and_the_version_before_is_the_newest() {
    let (log, counts) = after(&[
        Version("1", 1, 1, "A").into(),
        Version("2", 2, 8, "B").into(),
        Retraction("2", 3, 8).into(),
        Version("2", 2, 8, "B").into(),
        Version("3", 30, 30, "A").into(),
    ]);
    assert_eq!(rows(&log, "moves"), ["0-10 A 1 4", "30-40 A 1 4"]);
    assert_eq!(rows(&log, "sessions"), ["1-11 crane 1", "30-40 crane 1"]);
    assert_eq!(
        rows(&log, "level"),
        ["0-10 A 4 1", "10-20 A 4 0", "20-30 A 4 0", "30-40 A 8 1"]
    );
    assert_eq!(rows(&log, "seen"), ["0-20 A @1 false", "20-40 A @30 false"]);
    let classes = (counts.accepted, counts.retracted, counts.superseded);
    assert_eq!(classes, (3, 1, 1));
}

#[test]
fn versions_and_retractions_that_come_out_of_order_come_to_the_same() {
    let (log, counts) = after(&[
        Version("1", 5, 3, "B").into(),
        Version("1", 2, 1, "A").into(),
        Retraction("2", 6, 4).into(),
        Version("2", 4, 4, "A").into(),
        Version("2", 4, 4, "A").into(),
        Version("3", 7, 5, "A").into(),
        Retraction("3", 7, 5).into(),
        Version("3", 9, 6, "C").into(),
        Retraction("3", 7, 5).into(),
    ]);
    assert_eq!(rows(&log, "moves"), ["0-10 B 1 4", "0-10 C 1 4"]);
    assert_eq!(rows(&log, "sessions"), ["3-16 crane 2"]);
    let classes = (counts.accepted, counts.retracted, counts.superseded);
    assert_eq!(classes, (3, 2, 4));
    assert_eq!((counts.corrected, counts.duplicates), (0, 0));
}

/// The bound of the source is 5 minutes: what lies further back is final.
#[test]
fn what_is_final_stays_and_tables_are_told() {
    let (log, counts) = after(&[
        Version("1", 1, 1, "A").into(),
        Version("2", 30, 30, "B").into(),
        // Late itself.
        Version("1", 31, 2, "C").into(),
        Retraction("1", 32, 1).into(),
        // In time, and what they speak of is not.
        Version("1", 33, 28, "D").into(),
        Version("4", 27, 26, "E").into(),
        Version("5", 41, 41, "F").into(),
        Retraction("4", 42, 39).into(),
    ]);
    assert_eq!(
        rows(&log, "moves"),
        [
            "0-10 A 1 4",
            "20-30 D 1 4",
            "20-30 E 1 4",
            "30-40 B 1 4",
            "40-50 F 1 4"
        ]
    );
    assert_eq!(counts.accepted, 5);
    assert_eq!((counts.corrected, counts.retracted), (0, 1));
    let rejects = log.records("rejects").into_iter().flatten();
    let reasons = rejects.map(|record| {
        let value = record.value.expect("no tombstones");
        Reject::decode(value.as_slice()).expect("a Reject").reason()
    });
    assert_eq!(reasons.collect::<Vec<_>>(), [RejectReason::Late; 2]);
    let seen = rows(&log, "seen");
    assert!(seen.contains(&"20-40 A @39 true".to_owned()), "{seen:?}");
}
