//! What no client should send, and more than the broker may hold.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use broker::{Broker, Error, Settings};
use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use rdkafka::producer::BaseRecord;

use crate::behaviour::Target;
use crate::behaviour::client::{deliveries, eventually, send, send_record, settle, texts};
use crate::wire::Wire;

fn start(settings: Settings) -> (Broker, Target) {
    let broker = Broker::start(settings).unwrap();
    let target = Target {
        bootstrap: broker.bootstrap(),
        is_embedded: true,
    };
    (broker, target)
}

/// A small generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 32) as u8).collect()
    }
}

#[test]
fn random_bytes_end_a_connection_and_nothing_else() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let default_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current()
            .name()
            .is_some_and(|name| name.starts_with("broker"))
        {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        default_hook(panic);
    }));
    let (_broker, target) = start(Settings::default());
    let topic = target.create_topic("abuse", 1, &[]);
    let mut numbers = Numbers(42);
    for round in 0..3_000u64 {
        let mut wire = Wire::connect(&target.bootstrap);
        let length = usize::try_from(numbers.next() % 200).unwrap() + 1;
        let mut frame = BytesMut::new();
        match round % 3 {
            // Nothing but noise.
            0 => frame.put_slice(&numbers.bytes(length)),
            // A sound length, then noise.
            1 => {
                frame.put_i32(i32::try_from(length).unwrap());
                frame.put_slice(&numbers.bytes(length));
            }
            // A sound header of a request that exists, then noise.
            _ => {
                let key = (numbers.next() % 70) as i16;
                let version = (numbers.next() % 14) as i16;
                let body = numbers.bytes(length);
                frame.put_i32(i32::try_from(10 + body.len()).unwrap());
                frame.put_i16(key);
                frame.put_i16(version);
                frame.put_i32(1);
                frame.put_i16(-1);
                frame.put_slice(&body);
            }
        }
        let _ = wire.send_raw(&frame);
    }
    // All is still well for others.
    let producer = target.producer(&[]);
    send(&producer, &topic, "k", "still here");
    settle(&producer);
    assert_eq!(texts(&target.read(&topic, 1, &[])), ["still here"]);
    assert_eq!(
        PANICS.load(Ordering::Relaxed),
        0,
        "a thread of the broker panicked"
    );
}

#[test]
fn a_claim_of_many_elements_is_not_believed() {
    let (_broker, target) = start(Settings::default());
    // Metadata and Fetch with an array that claims two thousand million elements.
    let metadata = [
        0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 127, 255, 255, 255,
    ];
    let mut fetch = vec![0, 0, 0, 35, 0, 1, 0, 4, 0, 0, 0, 1, 255, 255];
    fetch.extend_from_slice(&[255; 4]);
    fetch.extend_from_slice(&[0; 13]);
    fetch.extend_from_slice(&[127, 255, 255, 255]);
    fetch.extend_from_slice(&[0; 4]);
    for frame in [&metadata[..], &fetch] {
        let mut wire = Wire::connect(&target.bootstrap);
        wire.send_raw(frame).unwrap();
        assert!(wire.is_closed());
    }
    let mut wire = Wire::connect(&target.bootstrap);
    assert_eq!(wire.ask(&ApiVersionsRequest::default(), 0).error_code, 0);
}

#[test]
fn frames_and_connections_are_bounded() {
    let settings = Settings {
        request_max_bytes: 100_000,
        connections_max: 3,
        ..Settings::default()
    };
    let (_broker, target) = start(settings);
    let mut wire = Wire::connect(&target.bootstrap);
    wire.send_raw(&100_001i32.to_be_bytes()).unwrap();
    assert!(wire.is_closed());
    drop(wire);
    let mut open: Vec<Wire> = Vec::new();
    eventually("three places", || {
        open.clear();
        for _ in 0..3 {
            let mut wire = Wire::connect(&target.bootstrap);
            wire.send_raw(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255])
                .unwrap();
            wire.receive_frame().ok()?;
            open.push(wire);
        }
        Some(())
    });
    let mut refused = Wire::connect(&target.bootstrap);
    assert!(refused.is_closed());
    open.pop();
    eventually("a place again", || {
        let mut wire = Wire::connect(&target.bootstrap);
        wire.send_raw(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255])
            .ok()?;
        wire.receive_frame().ok()
    });
}

#[test]
fn memory_is_bounded_and_says_so() {
    let limit_bytes = 4 * 1024 * 1024;
    let (broker, target) = start(Settings {
        memory_max_bytes: limit_bytes,
        ..Settings::default()
    });
    let kept = target.create_topic("kept", 1, &[]);
    let producer = target.producer(&[("message.timeout.ms", "5000")]);
    let value = "x".repeat(100_000);
    for _ in 0..60 {
        send_record(
            &producer,
            BaseRecord::to(&kept).key("k").payload(value.as_str()),
        );
        settle(&producer);
    }
    let results = deliveries(&producer);
    let stored = results.iter().filter(|one| one.is_ok()).count();
    let refused: Vec<String> = results
        .iter()
        .filter_map(|one| one.err())
        .map(|code| format!("{code:?}"))
        .collect();
    assert!(
        (30..=42).contains(&stored),
        "{stored} of 100 kB fit into 4 MiB"
    );
    assert!(
        refused.iter().all(|code| code == "PolicyViolation"),
        "{refused:?}"
    );
    assert!(broker.used_bytes() <= limit_bytes);
    // What was stored is all there, and room that is made is used.
    assert_eq!(target.read_all(&kept, "read_committed").len(), stored);
    let admin = target.admin();
    let deleted = rdkafka::admin::AdminOptions::new();
    crate::behaviour::client::block_on(admin.delete_topics(&[&kept], &deleted)).unwrap();
    eventually("the memory given back", || {
        (broker.used_bytes() == 0).then_some(())
    });
    let rolling = target.create_topic("rolling", 1, &[("retention.bytes", "1000000")]);
    let producer = target.producer(&[]);
    for _ in 0..200 {
        send_record(
            &producer,
            BaseRecord::to(&rolling).key("k").payload(value.as_str()),
        );
        settle(&producer);
    }
    assert!(
        deliveries(&producer).iter().all(Result::is_ok),
        "a topic that lets old records go is never full"
    );
    assert!(broker.used_bytes() < 1_300_000);
}

#[test]
fn a_full_memory_drops_what_retention_lets_go() {
    let (_broker, target) = start(Settings {
        memory_max_bytes: 2 * 1024 * 1024,
        ..Settings::default()
    });
    // A hundredth of a second of retention; the timer looks every five minutes, a full memory looks at once.
    let topic = target.create_topic("short", 1, &[("retention.ms", "10")]);
    let producer = target.producer(&[("message.timeout.ms", "10000")]);
    let value = "x".repeat(100_000);
    let mut stored = 0;
    for _ in 0..60 {
        send_record(
            &producer,
            BaseRecord::to(&topic).key("k").payload(value.as_str()),
        );
        settle(&producer);
        std::thread::sleep(Duration::from_millis(15));
        stored = deliveries(&producer)
            .iter()
            .filter(|one| one.is_ok())
            .count();
    }
    assert!(stored > 50, "{stored} of 60 stored");
}

#[test]
fn it_restarts_on_its_port_and_forgets() {
    let (broker, target) = start(Settings::default());
    let address = broker.address();
    let topic = target.create_topic("gone", 1, &[]);
    let producer = target.producer(&[]);
    send(&producer, &topic, "k", "v");
    settle(&producer);
    // A connection in the middle of a long poll does not keep the broker from stopping.
    let reader = target.reader(
        &topic,
        0,
        rdkafka::Offset::End,
        &[
            ("fetch.wait.max.ms", "30000"),
            ("socket.timeout.ms", "60000"),
        ],
    );
    rdkafka::consumer::Consumer::fetch_watermarks(&reader, &topic, 0, Duration::from_secs(5))
        .unwrap();
    let started = std::time::Instant::now();
    broker.stop();
    assert!(started.elapsed() < Duration::from_secs(4));
    let (again, target) = start(Settings {
        listen: address,
        ..Settings::default()
    });
    assert_eq!(again.address(), address);
    let mut wire = Wire::connect(&target.bootstrap);
    let metadata = wire.ask(
        &MetadataRequest::default()
            .with_topics(None)
            .with_allow_auto_topic_creation(true),
        1,
    );
    assert!(metadata.topics.is_empty());
    target.create_named(&topic, 1, 1, &[]).unwrap();
    send(&producer, &topic, "k", "again");
    settle(&producer);
    assert_eq!(texts(&target.read(&topic, 1, &[])), ["again"]);
}

#[test]
fn it_starts_within_a_runtime_and_refuses_what_cannot_work() {
    crate::behaviour::client::block_on(async {
        let broker = Broker::start(Settings::default()).unwrap();
        let taken = Broker::start(Settings {
            listen: broker.address(),
            ..Settings::default()
        });
        assert!(matches!(taken, Err(Error::Listen { .. })));
        drop(broker);
    });
    let open = Settings {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..Settings::default()
    };
    assert!(matches!(
        Broker::start(open),
        Err(Error::NotLoopback { .. })
    ));
    let small = Settings {
        memory_max_bytes: 10,
        ..Settings::default()
    };
    assert!(matches!(
        Broker::start(small),
        Err(Error::Limit {
            name: "memory_max_bytes",
            ..
        })
    ));
}
