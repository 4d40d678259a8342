//! Transactions: all or nothing, for records and for offsets.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::producer::Producer;
use rdkafka::{Offset, TopicPartitionList};

use super::Outcome;
use super::client::{
    Target, TestProducer, code, deliveries, eventually, is_silent, send, settle, take, texts,
    unique,
};

const WAIT: Duration = Duration::from_secs(15);

pub fn begin(target: &Target, id: &str) -> TestProducer {
    let producer = target.transactional(id, 60_000);
    producer.init_transactions(WAIT).unwrap();
    producer
}

pub fn commit(producer: &TestProducer) {
    settle(producer);
    producer.commit_transaction(WAIT).unwrap();
}

fn abort(producer: &TestProducer) {
    settle(producer);
    producer.abort_transaction(WAIT).unwrap();
}

fn offsets(topic: &str, offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset))
        .unwrap();
    list
}

pub fn with_offsets(target: &Target) -> Outcome {
    let source = target.create_topic("source", 1, &[]);
    let sink = target.create_topic("sink", 1, &[]);
    let feeder = target.producer(&[]);
    for number in 0..10 {
        send(&feeder, &source, "k", &number.to_string());
    }
    settle(&feeder);
    let group = unique("exactly-once");
    let consumer = target.consumer(&group, &[]);
    consumer.subscribe(&[&source]).unwrap();
    take(&consumer, 10);
    let metadata = consumer.group_metadata().unwrap();
    let producer = begin(target, &unique("exactly-once"));
    let committed = || {
        format!(
            "{:?}",
            consumer.committed(WAIT).unwrap().elements()[0].offset()
        )
    };
    let mut seen = Vec::new();
    for (offset, commits) in [(4, true), (7, false), (9, true)] {
        producer.begin_transaction().unwrap();
        send(&producer, &sink, "k", &format!("up to {offset}"));
        producer
            .send_offsets_to_transaction(&offsets(&source, offset), &metadata, WAIT)
            .unwrap();
        if commits {
            commit(&producer)
        } else {
            abort(&producer)
        }
        seen.push(committed());
    }
    seen.push(format!(
        "{:?}",
        texts(&target.read_all(&sink, "read_committed"))
    ));
    // A member that is gone may not take offsets into a transaction.
    drop(consumer);
    producer.begin_transaction().unwrap();
    send(&producer, &sink, "k", "stale");
    let refused = producer.send_offsets_to_transaction(&offsets(&source, 1), &metadata, WAIT);
    seen.push(format!("{:?}", refused.map_err(|error| code(&error))));
    abort(&producer);
    let expected = [
        "Offset(4)",
        "Offset(4)",
        "Offset(9)",
        "[\"up to 4\", \"up to 9\"]",
        "Err(\"UnknownMemberId\")",
    ];
    assert_eq!(seen, expected);
    seen
}

pub fn abort_isolation(target: &Target) -> Outcome {
    let topic = target.create_topic("isolation", 1, &[]);
    let one = begin(target, &unique("one"));
    let two = begin(target, &unique("two"));
    let plain = target.producer(&[]);
    for round in 0..5 {
        one.begin_transaction().unwrap();
        two.begin_transaction().unwrap();
        for number in 0..3 {
            send(&one, &topic, "k", &format!("one {round} {number}"));
            settle(&one);
            send(&two, &topic, "k", &format!("two {round} {number}"));
            settle(&two);
        }
        send(&plain, &topic, "k", &format!("plain {round}"));
        settle(&plain);
        // The two take turns at being aborted, and their records lie between each other's.
        if round % 2 == 0 {
            abort(&one);
            commit(&two);
        } else {
            commit(&one);
            abort(&two);
        }
    }
    let committed = texts(&target.read_all(&topic, "read_committed"));
    let all = texts(&target.read_all(&topic, "read_uncommitted"));
    assert_eq!(all.len(), 35);
    assert_eq!(committed.len(), 20);
    assert!(committed.iter().all(|text| {
        let round: i32 = text.split(' ').nth(1).unwrap().parse().unwrap();
        !text.starts_with(if round % 2 == 0 { "one" } else { "two" })
    }));
    vec![format!("{committed:?}"), format!("{all:?}")]
}

pub fn last_stable_offset(target: &Target) -> Outcome {
    let topic = target.create_topic("stable", 1, &[]);
    let plain = target.producer(&[]);
    send(&plain, &topic, "k", "before");
    settle(&plain);
    let producer = begin(target, &unique("stable"));
    producer.begin_transaction().unwrap();
    send(&producer, &topic, "k", "open");
    settle(&producer);
    send(&plain, &topic, "k", "after");
    settle(&plain);
    let committed = target.reader(
        &topic,
        0,
        Offset::Beginning,
        &[("isolation.level", "read_committed")],
    );
    let uncommitted = target.reader(
        &topic,
        0,
        Offset::Beginning,
        &[("isolation.level", "read_uncommitted")],
    );
    let mut seen = vec![format!("{:?}", texts(&take(&uncommitted, 3)))];
    seen.push(format!("{:?}", texts(&take(&committed, 1))));
    assert!(
        is_silent(&committed, Duration::from_millis(500)),
        "what is behind an open transaction is not stable"
    );
    let ends = |consumer: &rdkafka::consumer::BaseConsumer| {
        let (_, high) = consumer.fetch_watermarks(&topic, 0, WAIT).unwrap();
        high
    };
    seen.push(format!("high watermark {}", ends(&uncommitted)));
    commit(&producer);
    seen.push(format!("{:?}", texts(&take(&committed, 2))));
    seen.push(format!("high watermark {}", ends(&uncommitted)));
    let expected = [
        "[\"before\", \"open\", \"after\"]",
        "[\"before\"]",
        "high watermark 3",
        "[\"open\", \"after\"]",
        "high watermark 4",
    ];
    assert_eq!(seen, expected);
    seen
}

pub fn fencing(target: &Target) -> Outcome {
    let topic = target.create_topic("fencing", 1, &[]);
    let id = unique("fencing");
    let old = begin(target, &id);
    old.begin_transaction().unwrap();
    send(&old, &topic, "k", "old");
    settle(&old);
    // The successor aborts what its predecessor left open.
    let new = begin(target, &id);
    new.begin_transaction().unwrap();
    send(&new, &topic, "k", "new");
    commit(&new);
    send(&old, &topic, "k", "too late");
    let late = deliveries(&old).last().copied().unwrap();
    let refused = old.commit_transaction(WAIT).map_err(|error| code(&error));
    let fatal = old
        .client()
        .fatal_error()
        .map(|(code, _)| format!("{code:?}"));
    let committed = texts(&target.read_all(&topic, "read_committed"));
    let all = texts(&target.read_all(&topic, "read_uncommitted"));
    assert_eq!(committed, ["new"]);
    assert_eq!(all, ["old", "new"]);
    assert!(late.is_err() && refused.is_err() && fatal.is_some());
    vec![
        format!("{fatal:?}"),
        format!("{committed:?}"),
        format!("{all:?}"),
    ]
}

pub fn timeout(target: &Target) -> Outcome {
    let topic = target.create_topic("timeout", 1, &[]);
    let producer = target.transactional(&unique("timeout"), 1_000);
    producer.init_transactions(WAIT).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &topic, "k", "forgotten");
    settle(&producer);
    let plain = target.producer(&[]);
    send(&plain, &topic, "k", "waiting");
    settle(&plain);
    let reader = target.reader(
        &topic,
        0,
        Offset::Beginning,
        &[("isolation.level", "read_committed")],
    );
    let seen = texts(&take(&reader, 1));
    assert_eq!(seen, ["waiting"]);
    let refused = eventually("the late commit refused", || {
        producer.commit_transaction(WAIT).err()
    });
    let all = texts(&target.read_all(&topic, "read_uncommitted"));
    assert_eq!(all, ["forgotten", "waiting"]);
    vec![format!("{seen:?}"), format!("{all:?}"), code(&refused)]
}
