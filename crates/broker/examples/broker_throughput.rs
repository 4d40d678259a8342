//! How many records a second go through the embedded broker, and what they cost it.
//!
//! `cargo run --release -p quaystream-broker --example broker_throughput [records] [codec] [partitions]`
//!
//! Producer, broker and consumer share one process; the broker's CPU time is read off its threads (Linux).

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use broker::{Broker, Settings};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

const TOPIC: &str = "throughput";
const VALUE_BYTES: usize = 150;

/// CPU seconds that the broker's threads have used.
fn broker_cpu_s() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return f64::NAN;
    };
    let mut ticks = 0u64;
    for thread in threads.flatten() {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        if name.contains("(broker") {
            let fields: Vec<&str> = rest.split_whitespace().collect();
            ticks +=
                fields[11].parse::<u64>().unwrap_or(0) + fields[12].parse::<u64>().unwrap_or(0);
        }
    }
    // 100 ticks a second, as on every Linux that matters here.
    ticks as f64 / 100.0
}

fn report(what: &str, records: usize, started: Instant, cpu_before_s: f64) {
    let took_s = started.elapsed().as_secs_f64();
    let millions = records as f64 / 1e6;
    println!(
        "{what}: {records} records of {VALUE_BYTES} bytes in {took_s:.2} s: {:.0} records/s, {:.0} MB/s; broker {:.3} CPU-s per million",
        records as f64 / took_s,
        records as f64 * VALUE_BYTES as f64 / 1e6 / took_s,
        (broker_cpu_s() - cpu_before_s) / millions
    );
}

fn produce(producer: &BaseProducer, records: usize, partitions: i32) {
    let value = [b'q'; VALUE_BYTES];
    for number in 0..records {
        let partition = i32::try_from(number % 1_000_000).unwrap() % partitions;
        let mut record = BaseRecord::<(), [u8]>::to(TOPIC)
            .partition(partition)
            .payload(&value[..]);
        while let Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) =
            producer.send(record)
        {
            record = back;
            producer.poll(Duration::from_millis(2));
        }
        if number % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

fn consume(config: &ClientConfig, codec: &str, partitions: i32, records: usize) {
    let consumer: BaseConsumer = config
        .clone()
        .set("group.id", "throughput")
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.min.messages", "1000000")
        .set("queued.max.messages.kbytes", "200000")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(TOPIC, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let (started, cpu_before_s) = (Instant::now(), broker_cpu_s());
    let mut count = 0;
    while count < records {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            message.unwrap();
            count += 1;
        }
    }
    report(
        &format!("consume ({codec})"),
        records,
        started,
        cpu_before_s,
    );
}

/// Small transactions one after the other: how long each takes from its start to the answer to its commit.
fn commit(config: &ClientConfig, count: usize) {
    let producer: BaseProducer = config
        .clone()
        .set("transactional.id", "throughput")
        .set("linger.ms", "0")
        .create()
        .unwrap();
    producer.init_transactions(Duration::from_secs(10)).unwrap();
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        producer.begin_transaction().unwrap();
        for _ in 0..10 {
            let record = BaseRecord::<(), [u8]>::to(TOPIC)
                .partition(0)
                .payload(&[b'q'; VALUE_BYTES]);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        // The client's flush polls in slices of 100 ms; with nothing in flight its commit does not wait for it.
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_millis(1));
        }
        producer
            .commit_transaction(Duration::from_secs(10))
            .unwrap();
        took.push(started.elapsed());
    }
    took.sort();
    println!(
        "{count} transactions of 10 records: median {:?}, 99 in 100 within {:?}",
        took[count / 2],
        took[count * 99 / 100]
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let records: usize = arguments
        .next()
        .map_or(2_000_000, |count| count.parse().unwrap());
    let codec = arguments.next().unwrap_or_else(|| "none".to_owned());
    let partitions: i32 = arguments.next().map_or(4, |count| count.parse().unwrap());
    let broker = Broker::start(Settings {
        memory_max_bytes: 2 << 30,
        ..Settings::default()
    })
    .unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap());
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let topic = NewTopic::new(TOPIC, partitions, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(admin.create_topics([&topic], &AdminOptions::new()))
        .unwrap()[0]
        .as_ref()
        .unwrap();
    let producer: BaseProducer = config
        .clone()
        .set("linger.ms", "5")
        .set("batch.size", "1000000")
        .set("compression.type", codec.as_str())
        .set("queue.buffering.max.messages", "500000")
        .create()
        .unwrap();
    let (started, cpu_before_s) = (Instant::now(), broker_cpu_s());
    produce(&producer, records, partitions);
    report(
        &format!("produce ({codec})"),
        records,
        started,
        cpu_before_s,
    );

    consume(&config, &codec, partitions, records);
    commit(&config, 300);
    println!("the broker holds {} MB", broker.used_bytes() / 1_000_000);
}
