//! A steady stream through Kafka's protocol: how long after its window closes a final row can be read, and whether memory
//! stays flat. Broker, producer, processor and reader share one process and this machine.
//!
//! ```text
//! cargo bench --bench steady                      one minute at half of the peak rate that it measures first
//! cargo bench --bench steady -- --seconds 3600    a soak of an hour
//! cargo bench --bench steady -- --rate 2000       records a second, without measuring the peak
//! ```
//!
//! The program fails if the process holds more than docs/CONFIGURATION.md says (Memory), or if what is neither state nor
//! topics goes on growing; latency is only printed.
//!
//! The shipped queries run, and one over windows of a quarter second, whose rows are timed: from the moment in which the
//! event was sent that closed the window in the last partition, to the moment in which a `read_committed` reader had the row.

#![allow(clippy::expect_used, clippy::print_stdout)] // a benchmark says what it found, or why it cannot run

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use events::v1::{
    Classifier, ContainerEvent, Envelope, GateDirection, GateEvent, WindowStat, container_event,
};
use events::{Event, Message, Stream};
use kafka::Isolation;
use kafka::feed::Feeder;
use kafka::tail::{From, Tail};
use pipeline::outcome::Tally;
use quaystream::config::{Config, Folder};
use quaystream::demo::scene::Scene;
use quaystream::wiring::logging;
use quaystream::wiring::processor::Processor;
use quaystream::wiring::signals::StopRequest;
use windows::sql::parse::SqlFile;

const WINDOW_US: i64 = 250_000;
const PARTITIONS: i32 = 2;
const MIB: u64 = 1 << 20;
/// What the process has beside all that is counted: program, plans, threads, clients, what the allocator keeps. Measured by this
/// program; docs/CONFIGURATION.md has it too.
const BESIDE_BYTES: u64 = 128 * MIB;
/// From the third quarter of the time to the last, what is neither state nor topics grows by at most this share: of a run of
/// minutes, and of one so short that the process is still warming up.
const GROWTH_MOST: f64 = 0.1;
const GROWTH_MOST_SHORT: f64 = 0.25;
const SHORT_S: u64 = 300;
const TERMINALS: [&str; 5] = ["DGT", "DIT", "LOG1", "LOG2", "RRT"];
const QUERY: &str = "
INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS passages
FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '250' MILLISECOND)
GROUP BY window_start, window_end, terminal_id";

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
    steady(rate.max(1), Duration::from_secs(options.seconds));
}

struct Options {
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
    folder.queries.push(SqlFile::new("timed", QUERY));
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

/// When each window was closed, by its end: the latest of the partitions' first events behind it.
#[derive(Default)]
struct Closings {
    /// By window end and partition.
    sent: BTreeMap<i64, [Option<Instant>; PARTITIONS as usize]>,
}

impl Closings {
    fn note(&mut self, event_us: i64, partition: usize) {
        let end = event_us.div_euclid(WINDOW_US) * WINDOW_US;
        self.sent.entry(end).or_default()[partition].get_or_insert_with(Instant::now);
    }

    fn closed(&self, end: i64) -> Option<Instant> {
        let sent = self.sent.get(&end)?;
        sent.iter()
            .copied()
            .collect::<Option<Vec<Instant>>>()?
            .into_iter()
            .max()
    }
}

fn steady(rate: u64, time: Duration) {
    let scene = Scene::embedded_for_ever(config()).expect("a broker");
    let stop = StopRequest::default();
    let processor = Processor::start(&scene.config, &stop).expect("workers");
    let closings = Mutex::new(Closings::default());
    let is_over = AtomicBool::new(false);
    // Until the partitions without events have been found idle nothing is final.
    let settled_us = now_us() + time.as_micros() as i64 / 3;
    let (latencies, memory) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read(&scene.config, &closings, &is_over, settled_us));
        let memory = send(&scene, &closings, rate, time, &processor.tally);
        // What is on its way may arrive.
        std::thread::sleep(Duration::from_secs(2));
        is_over.store(true, Ordering::Relaxed);
        (reading.join().expect("the reader"), memory)
    });
    let largest = processor.tally.largest();
    stop.request();
    processor
        .wait(Duration::from_millis(100), |_| {})
        .expect("a good end");
    tell(rate, time, latencies, &memory);
    if let Some((query, bytes)) = largest {
        println!("  most of it: {query}, {:.1}", mib(bytes));
    }
    let faults = judge(&memory, &scene.config, time);
    if !faults.is_empty() {
        eprintln!("{}", faults.join("\n"));
        std::process::exit(1);
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB as f64
}

/// Memory at some second, bytes.
struct Memory {
    /// Of the process: broker, producer and reader with it.
    resident: u64,
    /// What the broker's topics hold: each grows to its bound.
    topics: u64,
    /// What the engine holds, by the formula of docs/CONFIGURATION.md, but for the clients' queues.
    held: u64,
}

impl Memory {
    /// What is not the broker's.
    fn without_topics(&self) -> u64 {
        self.resident.saturating_sub(self.topics)
    }

    /// What is neither topics nor state.
    fn beside(&self) -> u64 {
        self.without_topics().saturating_sub(self.held)
    }
}

/// Holds the process to what docs/CONFIGURATION.md says of its memory; what is wrong.
fn judge(memory: &[Memory], config: &Config, time: Duration) -> Vec<String> {
    let mut faults = Vec::new();
    let workers = (config.fold_workers + config.merge_workers) as u64;
    let queues = config.queued_bytes_max as u64 * workers;
    let may_hold = config.engine.memory_bytes_max as u64 + queues;
    let is_worst = |memory: &&Memory| memory.beside();
    if let Some(worst) = memory.iter().max_by_key(is_worst) {
        let bound = worst.held + queues + BESIDE_BYTES;
        println!(
            "resident without topics, at its worst: {:.0} MiB, of {:.0} by the formula: {:.1} held and {:.0} of queues now (memory_bytes_max: {:.0}), {:.0} beside",
            mib(worst.without_topics()),
            mib(bound),
            mib(worst.held),
            mib(queues),
            mib(may_hold),
            mib(BESIDE_BYTES)
        );
        if worst.without_topics() > bound {
            faults.push(format!(
                "resident memory without topics is {:.0} MiB, above the bound of {:.0}",
                mib(worst.without_topics()),
                mib(bound)
            ));
        }
    }
    let quarter = memory.len() / 4;
    let median_of = |part: &[Memory]| {
        let mut beside: Vec<u64> = part.iter().map(Memory::beside).collect();
        beside.sort_unstable();
        beside.get(beside.len() / 2).copied().unwrap_or_default()
    };
    let (third, last) = memory[memory.len() - 2 * quarter..].split_at(quarter);
    let (before, after) = (median_of(third), median_of(last));
    let most = match time.as_secs() < SHORT_S {
        true => GROWTH_MOST_SHORT,
        false => GROWTH_MOST,
    };
    println!(
        "neither state nor topics: {:.0} MiB in the third quarter of the time, {:.0} in the last (at most {:.0} % more)",
        mib(before),
        mib(after),
        most * 100.0
    );
    if after as f64 > before as f64 * (1.0 + most) {
        faults.push(format!(
            "what is neither state nor topics grew from {:.0} to {:.0} MiB in the second half, more than {:.0} %",
            mib(before),
            mib(after),
            most * 100.0
        ));
    }
    faults
}

/// Sends at a steady rate; memory once a second.
fn send(
    scene: &Scene,
    closings: &Mutex<Closings>,
    rate: u64,
    time: Duration,
    tally: &Tally,
) -> Vec<Memory> {
    let (topic, mut feeder) = (topic(&scene.config), feeder(&scene.config));
    let broker = scene.broker.as_ref().expect("an embedded broker");
    let (began, mut number, mut memory) = (Instant::now(), 0, Vec::new());
    while began.elapsed() < time {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        while number < due {
            let now = now_us();
            let partition = number as i32 % PARTITIONS;
            let value = passage(number, now).encode_to_vec();
            feeder
                .send(&topic, Some(partition), None, Some(&value), now / 1_000)
                .expect("sent");
            closings
                .lock()
                .expect("not poisoned")
                .note(now, partition as usize);
            number += 1;
        }
        if memory.len() as u64 <= began.elapsed().as_secs() {
            memory.push(Memory {
                resident: resident_bytes(),
                topics: broker.used_bytes() as u64,
                held: tally.held_bytes(),
            });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    feeder.flush().expect("written");
    memory
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4_096
}

/// Seconds from a window's closing to its final row, of every window that ends after `settled_us`.
fn read(
    config: &Config,
    closings: &Mutex<Closings>,
    is_over: &AtomicBool,
    settled_us: i64,
) -> Vec<f64> {
    let topic = &config.engine.topics.sinks["window_stat"];
    let mut tail = Tail::open(
        &config.kafka,
        topic,
        None,
        From::Beginning,
        Isolation::ReadCommitted,
    )
    .expect("a reader");
    let mut latencies = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let Some(record) = tail.next(Duration::from_millis(20)).expect("readable") else {
            continue;
        };
        let arrived = Instant::now();
        let row = WindowStat::decode(record.value.as_deref().unwrap_or_default()).expect("a row");
        if row.query != "timed" || !row.is_final || row.window_end_us < settled_us {
            continue;
        }
        let closed = closings
            .lock()
            .expect("not poisoned")
            .closed(row.window_end_us);
        if let Some(closed) = closed {
            latencies.push(arrived.saturating_duration_since(closed).as_secs_f64());
        }
    }
    latencies
}

fn tell(rate: u64, time: Duration, mut latencies: Vec<f64>, memory: &[Memory]) {
    assert!(!latencies.is_empty(), "no final row was read: run longer");
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share).round() as usize] * 1e3;
    println!("{rate} records/s for {} s", time.as_secs());
    println!(
        "final rows: {}; after their window closed, ms: p50 {:.0}, p95 {:.0}, p99 {:.0}, longest {:.0}",
        latencies.len(),
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
    let tenth = memory.len().div_ceil(10).max(1);
    let of = |bytes: fn(&Memory) -> u64| {
        let medians = memory.chunks(tenth).map(|part| {
            let mut part: Vec<u64> = part.iter().map(bytes).collect();
            part.sort_unstable();
            format!("{:.0}", mib(part[part.len() / 2]))
        });
        medians.collect::<Vec<_>>().join(" ")
    };
    println!("memory, MiB, medians of the tenths of the time:");
    println!("  process {}", of(|memory| memory.resident));
    println!("  of it the broker's topics {}", of(|memory| memory.topics));
    println!("  engine by its formula {}", of(|memory| memory.held));
}
