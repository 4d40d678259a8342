//! Consumer groups: who reads what, and from where on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::Outcome;
use super::client::{
    PATIENCE, Target, code, eventually, is_silent, send, settle, take, texts, unique,
};

fn fill(target: &Target, topic: &str, values: std::ops::Range<i32>) {
    let producer = target.producer(&[]);
    for number in values {
        send(&producer, topic, "k", &number.to_string());
    }
    settle(&producer);
}

pub fn group_resume(target: &Target) -> Outcome {
    let topic = target.create_topic("resume", 1, &[]);
    let group = unique("resume");
    fill(target, &topic, 0..20);
    let mut seen = Vec::new();
    {
        let consumer = target.consumer(&group, &[]);
        consumer.subscribe(&[&topic]).unwrap();
        let read = take(&consumer, 10);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(read[9].offset() + 1))
            .unwrap();
        list.find_partition(&topic, 0)
            .unwrap()
            .set_metadata("as far as ten");
        consumer.commit(&list, CommitMode::Sync).unwrap();
        seen.push(format!("{:?}", texts(&read)));
    }
    let consumer = target.consumer(&group, &[]);
    consumer.subscribe(&[&topic]).unwrap();
    seen.push(format!("{:?}", texts(&take(&consumer, 10))));
    let committed = consumer.committed(Duration::from_secs(10)).unwrap();
    let element = committed.find_partition(&topic, 0).unwrap();
    seen.push(format!("{:?} {:?}", element.offset(), element.metadata()));
    // Another group is not touched by it.
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition(&topic, 0);
    let other = target.consumer(&unique("other"), &[]);
    let nothing = other
        .committed_offsets(wanted, Duration::from_secs(10))
        .unwrap();
    seen.push(format!("{:?}", nothing.elements()[0].offset()));
    assert!(seen[0].starts_with("[\"0\"") && seen[1].starts_with("[\"10\""));
    assert_eq!(seen[2..], ["Offset(10) \"as far as ten\"", "Invalid"]);
    seen
}

fn assigned(consumer: &BaseConsumer) -> BTreeSet<i32> {
    consumer.poll(Duration::from_millis(20));
    consumer
        .assignment()
        .unwrap()
        .elements()
        .iter()
        .map(|one| one.partition())
        .collect()
}

/// Waits until the members have all partitions between them and at least one each.
fn settle_group(members: &[&BaseConsumer], partitions: usize) -> Vec<usize> {
    eventually("all partitions assigned once", || {
        let shares: Vec<BTreeSet<i32>> = members.iter().map(|member| assigned(member)).collect();
        let all: BTreeSet<i32> = shares.iter().flatten().copied().collect();
        let count: usize = shares.iter().map(BTreeSet::len).sum();
        let is_fair = shares.iter().all(|share| !share.is_empty());
        (all.len() == partitions && count == partitions && is_fair)
            .then(|| shares.iter().map(BTreeSet::len).collect())
    })
}

fn rebalance_with(target: &Target, strategy: &str) -> Outcome {
    let topic = target.create_topic("rebalance", 4, &[]);
    let group = unique("rebalance");
    let options = [("partition.assignment.strategy", strategy)];
    let first = target.consumer(&group, &options);
    first.subscribe(&[&topic]).unwrap();
    let mut seen = vec![format!("{:?}", settle_group(&[&first], 4))];
    let second = target.consumer(&group, &options);
    second.subscribe(&[&topic]).unwrap();
    seen.push(format!("{:?}", settle_group(&[&first, &second], 4)));
    let listed = first
        .fetch_group_list(Some(&group), Duration::from_secs(10))
        .unwrap();
    let described = &listed.groups()[0];
    seen.push(format!(
        "{} {} {} {}",
        described.state(),
        described.protocol_type(),
        described.protocol(),
        described.members().len()
    ));
    drop(second);
    seen.push(format!("{:?}", settle_group(&[&first], 4)));
    assert_eq!(seen[0], "[4]");
    assert_eq!(seen[1], "[2, 2]");
    assert_eq!(seen[2], format!("Stable consumer {strategy} 2"));
    assert_eq!(seen[3], "[4]");
    seen
}

pub fn rebalance(target: &Target) -> Outcome {
    let mut seen = rebalance_with(target, "range");
    seen.extend(rebalance_with(target, "roundrobin"));
    seen
}

pub fn cooperative_rebalance(target: &Target) -> Outcome {
    rebalance_with(target, "cooperative-sticky")
}

pub fn static_membership(target: &Target) -> Outcome {
    let topic = target.create_topic("static", 2, &[]);
    let group = unique("static");
    let first = target.consumer(
        &group,
        &[
            ("group.instance.id", "quay-1"),
            ("session.timeout.ms", "20000"),
        ],
    );
    let second = target.consumer(
        &group,
        &[
            ("group.instance.id", "quay-2"),
            ("session.timeout.ms", "20000"),
        ],
    );
    first.subscribe(&[&topic]).unwrap();
    second.subscribe(&[&topic]).unwrap();
    settle_group(&[&first, &second], 2);
    let generation_partitions = assigned(&first);
    // A static member that comes back within its session takes its place again, without a rebalance of the other.
    drop(second);
    let again = target.consumer(
        &group,
        &[
            ("group.instance.id", "quay-2"),
            ("session.timeout.ms", "20000"),
        ],
    );
    again.subscribe(&[&topic]).unwrap();
    settle_group(&[&first, &again], 2);
    assert_eq!(assigned(&first), generation_partitions);
    vec!["kept its partition".to_owned()]
}

pub fn stale_generation(target: &Target) -> Outcome {
    let topic = target.create_topic("stale", 1, &[]);
    let group = unique("stale");
    fill(target, &topic, 0..5);
    // The first member stops polling and is expelled; its commit must not overwrite its successor's.
    let options = [
        ("session.timeout.ms", "1500"),
        ("max.poll.interval.ms", "1500"),
        ("heartbeat.interval.ms", "200"),
    ];
    let first = target.consumer(&group, &options);
    first.subscribe(&[&topic]).unwrap();
    take(&first, 5);
    let second = target.consumer(&group, &options);
    second.subscribe(&[&topic]).unwrap();
    take(&second, 5);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(5))
        .unwrap();
    second.commit(&list, CommitMode::Sync).unwrap();
    let mut older = TopicPartitionList::new();
    older
        .add_partition_offset(&topic, 0, Offset::Offset(1))
        .unwrap();
    let refused = first
        .commit(&older, CommitMode::Sync)
        .map_err(|error| code(&error));
    let kept = second
        .committed(Duration::from_secs(10))
        .unwrap()
        .elements()[0]
        .offset();
    assert_eq!(kept, Offset::Offset(5));
    let refused = refused.unwrap_err();
    assert!(
        ["UnknownMemberId", "IllegalGeneration"].contains(&refused.as_str()),
        "{refused}"
    );
    // An outsider may not commit to a group that has members.
    let outsider = target.reader(&topic, 0, Offset::Beginning, &[("group.id", &group)]);
    let outside = outsider
        .commit(&older, CommitMode::Sync)
        .map_err(|error| code(&error));
    assert_eq!(outside, Err("UnknownMemberId".to_owned()));
    vec![format!("{kept:?}"), format!("{outside:?}")]
}

/// KIP-848. The embedded broker does not have it, says so, and that is the one known difference.
pub fn consumer_protocol(target: &Target) -> Outcome {
    let topic = target.create_topic("next", 2, &[]);
    fill(target, &topic, 0..5);
    let mut config = target.config(&[
        ("group.id", &unique("next")),
        ("group.protocol", "consumer"),
    ]);
    config.set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    if target.is_embedded {
        assert!(
            is_silent(&consumer, Duration::from_secs(2)),
            "KIP-848 is here: state it in the docs"
        );
        return Vec::new();
    }
    let started = Instant::now();
    let mut count = 0;
    while count < 5 {
        assert!(started.elapsed() < PATIENCE, "{count} of 5 records");
        count += usize::from(matches!(
            consumer.poll(Duration::from_millis(100)),
            Some(Ok(_))
        ));
    }
    Vec::new()
}
