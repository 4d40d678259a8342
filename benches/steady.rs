//! A steady stream through Kafka's protocol: how long after its window closes a final row can be read, and whether memory
//! stays flat. Broker, producer, processor and reader share this machine, and one process but for the broker of a soak.
//!
//! ```text
//! cargo bench --bench steady                                  one minute at half of the peak rate that it measures first
//! cargo bench --bench steady -- --rate 2000                   records a second, without measuring the peak
//! cargo bench --bench steady -- --rate 2000 --seconds 3600    a soak of an hour
//! ```
//!
//! The program fails if a row that is due does not come, or comes twice. At half of the measured peak it judges latency: 99 of
//! 100 rows within a second. At a rate that it is given it judges memory, which no run at the peak has swollen before; the broker is a
//! process of its own then. The process holds no more than docs/CONFIGURATION.md says (Memory), and what the engine holds, what stands
//! beside, and both together do not go on growing. Either way the rate has to be reached.
//!
//! The shipped queries run, and one over windows of a quarter second, whose rows are timed: from the moment in which the
//! event was sent that closed the window in the last partition, to the moment in which a `read_committed` reader had the row.

#![allow(clippy::expect_used, clippy::print_stdout)] // a benchmark says what it found, or why it cannot run

#[path = "broker_process.rs"]
mod broker_process;
#[path = "steady/memory.rs"]
mod memory;
#[path = "steady/rows.rs"]
mod rows;
#[path = "target.rs"]
mod target;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use broker_process::BrokerProcess;
use events::v1::{Classifier, ContainerEvent, Envelope, GateDirection, GateEvent, container_event};
use events::{Event, Stream};
use kafka::feed::Feeder;
use memory::{Memory, mib, resident_bytes};
use pipeline::outcome::Tally;
use quaystream::config::{Config, Folder};
use quaystream::demo::scene::Scene;
use quaystream::wiring::logging;
use quaystream::wiring::processor::Processor;
use quaystream::wiring::signals::StopRequest;
use rows::{Arrived, Sent};
use target::Targets;
use windows::sql::parse::SqlFile;

const PARTITIONS: i32 = 2;
const TERMINALS: [&str; 5] = ["DGT", "DIT", "LOG1", "LOG2", "RRT"];
/// Memory of a broker of its own, MiB.
const BROKER_MIB: u32 = 512;
/// The share of the rate that has to be reached.
const RATE_LEAST: f64 = 0.98;
/// At half of the peak 99 of 100 rows come in less than so many seconds.
const P99_LESS_S: f64 = 1.0;

fn main() {
    logging::start("warn");
    let options = Options::read();
    let rate = options.rate.unwrap_or_else(|| {
        let peak = peak(options.peak_records);
        println!(
            "peak: {peak} records/s of {} written before",
            options.peak_records
        );
        peak / 2
    });
    let mut targets = Targets::new(options.is_quick);
    let time = Duration::from_secs(options.seconds);
    let broker = env!("CARGO_BIN_EXE_quaystream");
    let broker = options
        .rate
        .map(|_| BrokerProcess::start(broker, BROKER_MIB));
    let (arrived, memory) = steady(rate.max(1), time, broker.as_ref(), &mut targets);
    if options.rate.is_some() {
        memory::judge(&memory, &config(), rate, time, &mut targets);
    } else {
        println!(
            "memory: not judged, the run before at the peak has left its own (--rate judges it)"
        );
        let p99_s = arrived.within(0.99);
        let word = targets.judge_time("p99 at half of the peak", p99_s, P99_LESS_S);
        println!("p99 at half of the peak: {p99_s:.3} s {word}");
    }
    targets.end();
}

struct Options {
    is_quick: bool,
    seconds: u64,
    rate: Option<u64>,
    peak_records: u64,
}

impl Options {
    fn read() -> Options {
        let arguments: Vec<String> = std::env::args().collect();
        let number = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            let value = arguments.get(at + 1).expect("a number after the option");
            Some(value.parse().expect("a number"))
        };
        let is_quick = arguments.iter().any(|argument| argument == "--test");
        Options {
            is_quick,
            seconds: number("--seconds").unwrap_or(if is_quick { 20 } else { 60 }),
            rate: number("--rate").or(is_quick.then_some(500)),
            peak_records: 400_000,
        }
    }
}

fn config() -> Config {
    let toml = "[delivery]\ncommit_interval_ms = 200\n\n\
                [time]\nout_of_order_max_s = 0\ncorrection_max_s = 0\nidle_timeout_s = 2\n\n\
                [planners.berths]\nis_on = false\n\n[planners.rail]\nis_on = false\n";
    let mut folder = Folder::shipped();
    folder.queries.push(SqlFile::new("timed", rows::QUERY));
    Config::parse("steady.toml", toml, |_| Ok(folder)).expect("a sound configuration")
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_micros() as i64
}

/// A lorry leaves a terminal now.
fn passage(number: u64, now_us: i64) -> Event {
    Event::Container(ContainerEvent {
        envelope: Some(Envelope {
            event_id: format!("steady-{number}"),
            source: "steady".to_owned(),
            event_time_us: now_us,
            record_time_us: now_us,
            classifier: Classifier::Act as i32,
            terminal_id: TERMINALS[number as usize % TERMINALS.len()].to_owned(),
            un_location_code: "DEDUI".to_owned(),
            ..Envelope::default()
        }),
        body: Some(container_event::Body::GateEvent(GateEvent {
            truck_id: format!("DU-QS {}", number % 5_000),
            gate: format!("G{}", number % 3),
            direction: GateDirection::Out as i32,
            entered_at_us: Some(now_us - 1_800_000_000),
            ..GateEvent::default()
        })),
    })
}

fn topic(config: &Config) -> String {
    let of_containers = |input: &&pipeline::settings::Input| input.stream == Stream::Container;
    let input = config.engine.inputs.iter().find(of_containers);
    input.expect("a topic of containers").topic.to_string()
}

fn feeder(config: &Config) -> Feeder {
    Feeder::connect(&config.kafka, 1 << 20, Duration::from_secs(20)).expect("a feeder")
}

/// Records a second that the processor takes where all have been written before it starts.
fn peak(records: u64) -> u64 {
    let scene = Scene::embedded(config()).expect("a broker");
    let (topic, mut feeder) = (topic(&scene.config), feeder(&scene.config));
    for number in 0..records {
        let now = now_us();
        let value = passage(number, now).encode_to_vec();
        let partition = Some(number as i32 % PARTITIONS);
        feeder
            .send(&topic, partition, None, Some(&value), now / 1_000)
            .expect("sent");
    }
    feeder.flush().expect("written");
    let processed = scene
        .process(&StopRequest::default(), |_| {})
        .expect("processed");
    (records as f64 / processed.seconds) as u64
}

/// `broker`: where the records are; else in this process.
fn steady(
    rate: u64,
    time: Duration,
    broker: Option<&BrokerProcess>,
    targets: &mut Targets,
) -> (Arrived, Vec<Memory>) {
    let scene = match broker {
        Some(broker) => Scene::at(Scene::for_ever(config()), &broker.bootstrap, ""),
        None => Scene::embedded_for_ever(config()),
    };
    let scene = scene.expect("a broker");
    let stop = StopRequest::default();
    let processor = Processor::start(&scene.config, &stop).expect("workers");
    let sent = Mutex::new(Sent::default());
    let is_over = AtomicBool::new(false);
    // Until the partitions without events have been found idle nothing is final.
    let settled_us = now_us() + time.as_micros() as i64 / 3;
    let (arrived, memory) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| rows::read(&scene.config, &sent, &is_over, settled_us));
        let sending = Sending {
            sent: &sent,
            rate,
            time,
            broker: broker.map(|broker| broker.child.id()),
        };
        let (reached, memory) = sending.run(&scene, &processor.tally);
        is_over.store(true, Ordering::Relaxed);
        if reached < RATE_LEAST * rate as f64 {
            targets.miss(format!("{reached:.0} records/s were sent, of {rate}"));
        }
        (reading.join().expect("the reader"), memory)
    });
    let largest = processor.tally.largest();
    stop.request();
    processor
        .wait(Duration::from_millis(100), |_| {})
        .expect("a good end");
    println!("{rate} records/s for {} s", time.as_secs());
    arrived.tell();
    memory::tell(&memory);
    if let Some((query, bytes)) = largest {
        println!("  most of it: {query}, {:.1}", mib(bytes));
    }
    arrived.judge(targets);
    (arrived, memory)
}

/// What is sent at a steady rate.
struct Sending<'a> {
    sent: &'a Mutex<Sent>,
    /// Records a second.
    rate: u64,
    time: Duration,
    /// The broker's process, if it has one of its own.
    broker: Option<u32>,
}

impl Sending<'_> {
    /// Sends; looks at memory once a second. Returns the records a second that were written.
    fn run(&self, scene: &Scene, tally: &Tally) -> (f64, Vec<Memory>) {
        let (topic, mut feeder) = (topic(&scene.config), feeder(&scene.config));
        let (began, mut number, mut memory) = (Instant::now(), 0, Vec::new());
        while began.elapsed() < self.time {
            let due = (began.elapsed().as_secs_f64() * self.rate as f64) as u64;
            while number < due {
                let now = now_us();
                let partition = number as i32 % PARTITIONS;
                let value = passage(number, now).encode_to_vec();
                let terminal = number as usize % TERMINALS.len();
                let mut noted = self.sent.lock().expect("not poisoned");
                noted.note(now, partition as usize, terminal);
                drop(noted);
                feeder
                    .send(&topic, Some(partition), None, Some(&value), now / 1_000)
                    .expect("sent");
                number += 1;
            }
            if memory.len() as u64 <= began.elapsed().as_secs() {
                memory.push(Memory {
                    resident: resident_bytes(std::process::id()),
                    broker: self.broker.map(resident_bytes),
                    held: tally.held_bytes(),
                });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        feeder.flush().expect("written");
        (number as f64 / began.elapsed().as_secs_f64(), memory)
    }
}
