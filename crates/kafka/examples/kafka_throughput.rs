//! Measures the client side: fetching, small transactions, an idle source.
//!
//! ```text
//! cargo run --release -p quaystream-kafka --example kafka_throughput -- BOOTSTRAP [RECORDS]
//! ```
//!
//! Prints CPU-seconds of this process (so the broker should be another one), read from `/proc/self/stat`.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kafka::admin::{Admin, Topic};
use kafka::feed::Feeder;
use kafka::{Connection, KafkaSink, KafkaSource, Membership, Worker, connect};
use pipeline::log::{Batch, Commit, Outgoing, Signal, Sink, Source};

const PARTITIONS: usize = 8;
const VALUE_BYTES: usize = 150;
const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(60);
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let mut args = std::env::args().skip(1);
    let bootstrap = args.next().unwrap_or_else(|| "127.0.0.1:9092".to_owned());
    let records: usize = args
        .next()
        .map_or(4_000_000, |text| text.parse().expect("a number of records"));
    let connection = Connection::new(bootstrap, "throughput");
    let name = format!(
        "throughput-{}",
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("clock")
            .as_millis()
    );
    Admin::connect(&connection, PATIENCE)
        .and_then(|admin| {
            admin.ensure(&[Topic {
                name: name.clone(),
                partitions: PARTITIONS,
                replication: 1,
                settings: vec![],
            }])
        })
        .expect("topic");

    produce(&connection, &name, records);
    let pair = join(&connection, &name);
    let (source, sink) = fetch(pair, records);
    let (source, _sink) = commits(source, sink, &name);
    idle(source);
    Admin::connect(&connection, PATIENCE)
        .and_then(|admin| admin.delete(&[&name]))
        .expect("delete");
}

fn produce(connection: &Connection, name: &str, records: usize) {
    let mut feeder = Feeder::connect(connection, RECORD_BYTES_MAX, PATIENCE).expect("feeder");
    let mut value = [b'x'; VALUE_BYTES];
    let meter = Meter::start();
    for n in 0..records {
        value[..8].copy_from_slice(&n.to_be_bytes());
        feeder
            .send(
                name,
                Some((n % PARTITIONS) as i32),
                Some(b"DEDUI"),
                Some(&value),
                1 + n as i64,
            )
            .expect("send");
    }
    feeder.flush().expect("flush");
    meter.stop("produce", records);
}

fn join(connection: &Connection, name: &str) -> (KafkaSource, KafkaSink) {
    let worker = Worker::new(name, "a", Membership::Topics(vec![name.to_owned()]));
    connect(connection, worker).expect("connect")
}

fn fetch((mut source, sink): (KafkaSource, KafkaSink), records: usize) -> (KafkaSource, KafkaSink) {
    let mut batch = Batch::default();
    let (mut seen, mut fetches) = (0, 0);
    let meter = Meter::start();
    while seen < records {
        batch.clear();
        source
            .fetch(&mut batch, Duration::from_millis(100))
            .expect("fetch");
        seen += batch.len();
        fetches += usize::from(!batch.is_empty());
    }
    meter.stop("fetch", seen);
    println!(
        "        {:.0} records a fetch",
        seen as f64 / fetches as f64
    );
    (source, sink)
}

/// Small transactions: ten records and the positions of all partitions.
fn commits(mut source: KafkaSource, mut sink: KafkaSink, name: &str) -> (KafkaSource, KafkaSink) {
    const COMMITS: usize = 200;
    let mut took = Vec::with_capacity(COMMITS);
    let meter = Meter::start();
    for n in 0..COMMITS {
        let records = (0..10)
            .map(|key| Outgoing {
                topic: name.into(),
                partition: None,
                key: Some(vec![key]),
                value: Some(vec![0; VALUE_BYTES]),
                timestamp_ms: 1 + n as i64,
                headers: vec![],
            })
            .collect();
        let started = Instant::now();
        sink.commit(Commit {
            records,
            positions: vec![],
        })
        .expect("commit");
        took.push(started.elapsed());
    }
    meter.stop("commit", COMMITS);
    took.sort_unstable();
    println!(
        "        a commit: median {:?}, p99 {:?}",
        took[COMMITS / 2],
        took[COMMITS * 99 / 100]
    );
    // Read what was written, so that the source is idle afterwards.
    let mut batch = Batch::default();
    while !source
        .fetch(&mut batch, Duration::from_secs(1))
        .expect("fetch")
        .is_empty()
        || !batch.is_empty()
    {
        batch.clear();
    }
    (source, sink)
}

fn idle(mut source: KafkaSource) {
    let meter = Meter::start();
    let mut fetches = 0;
    while meter.started.elapsed() < Duration::from_secs(5) {
        let signals = source
            .fetch(&mut Batch::default(), Duration::from_millis(100))
            .expect("fetch");
        assert!(
            !signals
                .iter()
                .any(|signal| matches!(signal, Signal::Lost(_)))
        );
        fetches += 1;
    }
    let cpu_s = cpu_seconds() - meter.cpu_s;
    println!(
        "idle    {:.2} % of a core over 5 s, {fetches} fetches of 100 ms",
        cpu_s / meter.started.elapsed().as_secs_f64() * 100.0
    );
}

struct Meter {
    started: Instant,
    cpu_s: f64,
}

impl Meter {
    fn start() -> Self {
        Meter {
            started: Instant::now(),
            cpu_s: cpu_seconds(),
        }
    }

    fn stop(&self, what: &str, count: usize) {
        let (wall_s, cpu_s) = (
            self.started.elapsed().as_secs_f64(),
            cpu_seconds() - self.cpu_s,
        );
        println!(
            "{what:7} {count} in {wall_s:.2} s: {:.0}/s, {:.2} CPU-s a million",
            count as f64 / wall_s,
            cpu_s / count as f64 * 1e6
        );
    }
}

/// User and system time of this process, all threads.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / TICKS_PER_SECOND
}
