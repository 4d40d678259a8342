//! Records: what goes in comes out, in all codecs and sizes, and is found by time.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};

use super::Outcome;
use super::client::{Target, deliveries, now_ms, send, send_record, settle, take, texts};

const DAY_MS: i64 = 86_400_000;

pub fn headers_and_timestamps(target: &Target) -> Outcome {
    let topic = target.create_topic("headers", 1, &[]);
    let producer = target.producer(&[]);
    let headers = OwnedHeaders::new()
        .insert(Header {
            key: "type",
            value: Some("gate-in"),
        })
        .insert(Header {
            key: "type",
            value: Some("again"),
        })
        .insert(Header::<&str> {
            key: "none",
            value: None,
        })
        .insert(Header {
            key: "empty",
            value: Some(""),
        });
    let stamped_ms = now_ms() - DAY_MS;
    send_record(
        &producer,
        BaseRecord::to(&topic)
            .key("k")
            .payload("v")
            .timestamp(stamped_ms)
            .headers(headers),
    );
    producer
        .send(BaseRecord::<(), ()>::to(&topic).timestamp(0))
        .map_err(|(error, _)| error)
        .unwrap();
    producer
        .send(
            BaseRecord::<str, ()>::to(&topic)
                .key("deleted")
                .timestamp(5),
        )
        .map_err(|(error, _)| error)
        .unwrap();
    settle(&producer);
    let mut seen: Outcome = target
        .read(&topic, 3, &[])
        .iter()
        .map(|message| {
            let headers: Vec<String> = message.headers().map_or_else(Vec::new, |headers| {
                headers
                    .iter()
                    .map(|one| format!("{}={:?}", one.key, one.value))
                    .collect()
            });
            let age_ms = message
                .timestamp()
                .to_millis()
                .map(|ms| if ms > 1_000 { ms - stamped_ms } else { ms })
                // Without one the client stamps the record: some time later.
                .map(|ms| if ms > DAY_MS { DAY_MS } else { ms });
            format!(
                "{} {:?} {:?} {age_ms:?} {headers:?}",
                message.offset(),
                message.key(),
                message.payload()
            )
        })
        .collect();
    let stamping = target.create_topic(
        "append-time",
        1,
        &[("message.timestamp.type", "LogAppendTime")],
    );
    let before_ms = now_ms();
    send_record(
        &producer,
        BaseRecord::to(&stamping).key("k").payload("v").timestamp(1),
    );
    settle(&producer);
    let message = &target.read(&stamping, 1, &[])[0];
    let is_now = matches!(message.timestamp(), rdkafka::Timestamp::LogAppendTime(ms) if ms >= before_ms - 1_000);
    seen.push(format!("append time {is_now}"));
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[3], "append time true");
    seen
}

pub fn codecs(target: &Target) -> Outcome {
    let topic = target.create_topic("codecs", 1, &[]);
    // gzip is not built into every client library; the kcat and Python tests cover it.
    for codec in ["none", "snappy", "lz4", "zstd"] {
        let producer = target.producer(&[("compression.type", codec), ("linger.ms", "50")]);
        for number in 0..500 {
            send(
                &producer,
                &topic,
                "key",
                &format!("{codec} {number} {}", "quay ".repeat(20)),
            );
        }
        assert!(deliveries(&producer).iter().all(Result::is_ok));
    }
    let read = texts(&target.read(&topic, 2_000, &[("check.crcs", "true")]));
    let is_whole = |codec: &str, from: usize| {
        (0..500).all(|number| read[from + number].starts_with(&format!("{codec} {number} quay ")))
    };
    assert!(
        is_whole("none", 0)
            && is_whole("snappy", 500)
            && is_whole("lz4", 1_000)
            && is_whole("zstd", 1_500)
    );
    vec![format!("{} records", read.len())]
}

pub fn offsets_by_time(target: &Target) -> Outcome {
    let topic = target.create_topic("times", 1, &[("retention.ms", "-1")]);
    let start_ms = now_ms() - 10_000_000;
    for codec in ["none", "zstd"] {
        // One batch each, with times out of order: 0 2 1 4 3 .. seconds.
        let producer = target.producer(&[("compression.type", codec), ("linger.ms", "200")]);
        let base_ms = start_ms + if codec == "zstd" { 1_000_000 } else { 0 };
        for number in 0..100i64 {
            let second = if number == 0 {
                0
            } else if number % 2 == 1 {
                number + 1
            } else {
                number - 1
            };
            let value = second.to_string();
            send_record(
                &producer,
                BaseRecord::to(&topic)
                    .key("k")
                    .payload(value.as_str())
                    .timestamp(base_ms + second * 1_000),
            );
        }
        settle(&producer);
    }
    let consumer = target.reader(&topic, 0, Offset::Beginning, &[]);
    let seek = |timestamp_ms: i64| {
        let mut wanted = TopicPartitionList::new();
        wanted
            .add_partition_offset(&topic, 0, Offset::Offset(timestamp_ms))
            .unwrap();
        let found = consumer
            .offsets_for_times(wanted, Duration::from_secs(10))
            .unwrap();
        format!("{:?}", found.elements()[0].offset())
    };
    let times_ms = [
        0,
        start_ms,
        start_ms + 1,
        start_ms + 1_500,
        start_ms + 50_000,
        start_ms + 500_000,
        start_ms + 1_049_001,
    ];
    let mut seen: Outcome = times_ms.iter().map(|time_ms| seek(*time_ms)).collect();
    seen.push(seek(start_ms + 1_100_001));
    let (low, high) = consumer
        .fetch_watermarks(&topic, 0, Duration::from_secs(10))
        .unwrap();
    seen.push(format!("{low} {high}"));
    let expected = [
        "Offset(0)",
        "Offset(0)",
        "Offset(1)",
        "Offset(1)",
        "Offset(49)",
        "Offset(100)",
        "Offset(149)",
        "End",
        "0 200",
    ];
    assert_eq!(seen, expected);
    seen
}

pub fn idle_latency(target: &Target) -> Outcome {
    let topic = target.create_topic("latency", 1, &[]);
    let producer = target.producer(&[]);
    let reader = target.reader(
        &topic,
        0,
        Offset::Beginning,
        &[("fetch.wait.max.ms", "5000")],
    );
    send(&producer, &topic, "k", "warm");
    settle(&producer);
    take(&reader, 1);
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..21 {
        std::thread::sleep(Duration::from_millis(30));
        let started = Instant::now();
        send(&producer, &topic, "k", "v");
        producer.poll(Duration::ZERO);
        while reader.poll(Duration::from_millis(100)).is_none() {}
        took.push(started.elapsed());
    }
    took.sort();
    eprintln!(
        "idle latency on {}: median {:?}, highest {:?}",
        target.bootstrap, took[10], took[20]
    );
    // A broker without wake-ups takes hundreds of milliseconds; the bound leaves room for a busy machine.
    assert!(
        took[10] < Duration::from_millis(100),
        "median {:?}",
        took[10]
    );
    vec!["wakes".to_owned()]
}

pub fn message_sizes(target: &Target) -> Outcome {
    let small = target.create_topic("small", 1, &[]);
    let large = target.create_topic("large", 1, &[("max.message.bytes", "16777216")]);
    let producer = target.producer(&[("message.max.bytes", "20000000")]);
    let mut seen = Vec::new();
    for (topic, bytes) in [
        (&small, 1_000_000),
        (&small, 1_100_000),
        (&large, 10_000_000),
        (&large, 17_000_000),
    ] {
        let value = "x".repeat(bytes);
        send_record(
            &producer,
            BaseRecord::to(topic).key("k").payload(value.as_str()),
        );
        let last = *deliveries(&producer).last().unwrap();
        seen.push(format!("{bytes} {last:?}"));
    }
    let options = [
        ("fetch.message.max.bytes", "20000000"),
        ("receive.message.max.bytes", "60000000"),
    ];
    let read = target.read(&large, 1, &options);
    seen.push(format!("{} bytes read", read[0].payload().unwrap().len()));
    // A record that is larger than what the reader asks for still comes.
    let read = target.read(&large, 1, &[("fetch.message.max.bytes", "1000")]);
    seen.push(format!("{} bytes read", read[0].payload().unwrap().len()));
    let expected = [
        "1000000 Ok(0)",
        "1100000 Err(MessageSizeTooLarge)",
        "10000000 Ok(0)",
        "17000000 Err(MessageSizeTooLarge)",
        "10000000 bytes read",
        "10000000 bytes read",
    ];
    assert_eq!(seen, expected);
    seen
}

pub fn invalid_records(target: &Target) -> Outcome {
    let plain = target.create_topic("invalid", 1, &[]);
    let compacted = target.create_topic("keyed", 1, &[("cleanup.policy", "compact")]);
    let producer = target.producer(&[]);
    send_record(
        &producer,
        BaseRecord::to(&plain)
            .key("k")
            .payload("future")
            .timestamp(now_ms() + 7_200_000),
    );
    let future = *deliveries(&producer).last().unwrap();
    producer
        .send(BaseRecord::<str, str>::to(&compacted).payload("no key"))
        .map_err(|(error, _)| error)
        .unwrap();
    let keyless = *deliveries(&producer).last().unwrap();
    let missing = super::client::unique("missing");
    let hasty = target.producer(&[
        ("message.timeout.ms", "3000"),
        ("topic.metadata.propagation.max.ms", "100"),
    ]);
    let sent = hasty
        .send(BaseRecord::to(&missing).key("k").payload("v"))
        .map_err(|(error, _)| super::client::code(&error));
    let unknown = match sent {
        Err(code) => code,
        Ok(()) => format!("{:?}", deliveries(&hasty).last().unwrap().unwrap_err()),
    };
    let beyond = producer.send(BaseRecord::to(&plain).partition(7).key("k").payload("v"));
    let beyond = match beyond {
        Err((error, _)) => super::client::code(&error),
        Ok(()) => format!("{:?}", deliveries(&producer).last().unwrap().unwrap_err()),
    };
    let seen = vec![
        format!("{future:?}"),
        format!("{keyless:?}"),
        unknown,
        beyond,
    ];
    assert_eq!(seen[0], "Err(InvalidTimestamp)");
    assert_eq!(seen[1], "Err(InvalidRecord)");
    seen
}
