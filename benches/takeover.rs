//! How long fold is away that takes over a partition: from the start of its process to its first record, by the number of
//! events that it has to know again. Broker and processor are processes of their own.
//!
//! ```text
//! cargo bench --bench takeover                       1, 3 and 10 million events
//! cargo bench --bench takeover -- 300000 600000      so many
//! cargo bench --bench takeover -- --binary PATH ...  another build of the processor
//! ```
//!
//! Containers are moved for ten hours, and rows may be a day out of order: no event is ever late, and the intake state holds all of
//! them. A fold works them off and stops. Then an event is written that is new, and a copy of an old one. What is timed is a
//! new fold, up to the commit of these two; the copy must be known.
//!
//! Target: less than five seconds for ten million events. The program fails if that is missed.

#![allow(clippy::expect_used, clippy::print_stdout)] // a benchmark says what it found, or why it cannot run
#![allow(dead_code)] // the crew knows more

#[path = "broker_process.rs"]
mod broker_process;
#[path = "restore/crew.rs"]
mod crew;
#[path = "target.rs"]
mod target;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crew::{Crew, Processor, Subject};
use events::v1::{Classifier, ContainerEvent, Envelope, MoveEvent, container_event};
use events::{Message, Stream};
use kafka::Isolation;
use kafka::feed::Feeder;
use kafka::tail::{From, Tail};
use target::Targets;

/// Bound on each wait.
const WAIT_MAX: Duration = Duration::from_secs(1_800);
/// 2026-03-05T00:00:00Z.
const START_US: i64 = 1_772_668_800_000_000;
const SPAN_US: i64 = 36_000_000_000;
const PARTITIONS: u64 = 2;
/// So many events are to be known again, and the first record committed, in less than so many seconds.
const TARGET: (u64, f64) = (10_000_000, 5.0);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let binary = arguments.iter().position(|argument| argument == "--binary");
    let binary = binary.map(|at| arguments.get(at + 1).expect("a path after --binary"));
    let binary = binary.map_or(env!("CARGO_BIN_EXE_quaystream"), String::as_str);
    let sizes = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok());
    let mut sizes: Vec<u64> = sizes.collect();
    let is_quick = arguments.iter().any(|argument| argument == "--test");
    if sizes.is_empty() {
        sizes = match is_quick {
            true => vec![50_000],
            false => vec![1_000_000, 3_000_000, 10_000_000],
        };
    }
    println!(
        "   events  records read      MB  bytes an event  of these newest of their keys  folded CPU s  first record s  of these takeover s   CPU s  CPU s a million"
    );
    let mut targets = Targets::new(is_quick);
    for events in sizes {
        let first_s = case(binary, events);
        if events == TARGET.0 {
            let word = targets.judge_time("takeover of ten million", first_s, TARGET.1);
            println!("ten million known again, first record: {first_s:.2} s {word}");
        }
    }
    targets.end();
}

/// Seconds from the start of a fold to its first record.
fn case(binary: &str, events: u64) -> f64 {
    let subject = Subject {
        pipeline: "takeover",
        out_of_order_s: 86_400,
    };
    let crew = Crew::new(binary, subject);
    let mut feed = Feed::open(&crew);
    (0..events).for_each(|number| feed.send(number, events));
    feed.feeder.flush().expect("written");

    let fold = crew.start("fold", 0);
    wait(&fold, |fold| records(fold) >= events as f64);
    let folded_s = fold.cpu_s();
    let copies = fold.metric("quaystream_duplicates_total");
    assert!(copies == 0.0, "{copies} of the events are copies");
    fold.stop();
    let topic = topic(&crew);

    feed.send(events / 2, events);
    feed.send(events, events);
    feed.feeder.flush().expect("written");
    let began = Instant::now();
    let fold = crew.start("fold", 0);
    wait(&fold, |fold| records(fold) >= 2.0);
    let (first_s, cpu_s) = (began.elapsed().as_secs_f64(), fold.cpu_s());
    let known = fold.metric("quaystream_takeover_events_total");
    let copies = fold.metric("quaystream_duplicates_total");
    assert!(
        (known, copies) == (events as f64, 1.0),
        "{known} events and {copies} copies are known, of {events} and one"
    );
    let takeover_s = fold.metric("quaystream_takeover_seconds_sum");
    fold.stop();
    let millions = events as f64 / 1e6;
    let each = |bytes: usize| bytes as f64 / events as f64;
    println!(
        "{events:9} {:13} {:7.1} {:15.2} {:29.2} {folded_s:13.2} {first_s:15.2} {takeover_s:20.2} {cpu_s:7.2} {:16.3}",
        topic.records,
        topic.bytes as f64 / 1e6,
        each(topic.bytes),
        each(topic.newest_bytes),
        cpu_s / millions,
    );
    first_s
}

fn records(fold: &Processor) -> f64 {
    fold.metric("quaystream_records_total")
}

fn wait(fold: &Processor, is_there: impl Fn(&Processor) -> bool) {
    let began = Instant::now();
    while !is_there(fold) {
        assert!(began.elapsed() < WAIT_MAX, "it takes too long");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The intake-state topic as a takeover meets it. What a broker has not yet compacted is read too.
struct State {
    records: usize,
    /// Of keys and values.
    bytes: usize,
    /// Of those that no later record of the same key replaces.
    newest_bytes: usize,
}

fn topic(crew: &Crew) -> State {
    let topic = &crew.config.engine.topics.intake_state;
    let mut tail = Tail::open(
        &crew.config.kafka,
        topic,
        None,
        From::Beginning,
        Isolation::ReadCommitted,
    )
    .expect("a reader");
    let (mut bytes, mut records) = (0, 0);
    let mut newest = BTreeMap::new();
    while !tail.at_end() {
        if let Some(record) = tail.next(Duration::from_millis(100)).expect("readable") {
            let key = record.key.expect("a compacted topic");
            let size = key.len() + record.value.map_or(0, |value| value.len());
            bytes += size;
            records += 1;
            newest.insert(key, size);
        }
    }
    State {
        records,
        bytes,
        newest_bytes: newest.values().sum(),
    }
}

struct Feed {
    feeder: Feeder,
    topic: String,
}

impl Feed {
    fn open(crew: &Crew) -> Self {
        let topic = crew.config.topic_of(Stream::Container);
        Feed {
            feeder: Feeder::connect(&crew.config.kafka, 1 << 20, Duration::from_secs(20))
                .expect("a feeder"),
            topic: topic.expect("a topic").to_owned(),
        }
    }

    /// The event of a number, of so many in all.
    fn send(&mut self, number: u64, events: u64) {
        let at_us =
            START_US + (i128::from(SPAN_US) * i128::from(number) / i128::from(events)) as i64;
        let body = MoveEvent {
            ended_at_us: at_us,
            teu_quarters: 4,
            ..MoveEvent::default()
        };
        let event = ContainerEvent {
            envelope: Some(Envelope {
                event_id: format!("{number:x}"),
                source: "bench".to_owned(),
                event_time_us: at_us,
                record_time_us: at_us,
                classifier: Classifier::Act.into(),
                terminal_id: "DIT".to_owned(),
                ..Envelope::default()
            }),
            body: Some(container_event::Body::MoveEvent(body)),
        };
        let partition = Some((number % PARTITIONS) as i32);
        let value = event.encode_to_vec();
        self.feeder
            .send(&self.topic, partition, None, Some(&value), at_us / 1_000)
            .expect("sent");
    }
}
