//! What goes again: by time, by size, by request, by key.

use std::time::Duration;

use rdkafka::admin::AdminOptions;
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::Outcome;
use super::client::{
    Target, block_on, eventually, now_ms, send, send_record, settle, text, texts, unique,
};
use super::transactions::{begin, commit};

fn low_watermark(target: &Target, topic: &str) -> i64 {
    let consumer = target.reader(topic, 0, Offset::Beginning, &[]);
    consumer
        .fetch_watermarks(topic, 0, Duration::from_secs(10))
        .unwrap()
        .0
}

pub fn retention(target: &Target) -> Outcome {
    let by_time = target.create_topic("by-time", 1, &[("retention.ms", "60000")]);
    let by_size = target.create_topic(
        "by-size",
        1,
        &[("retention.bytes", "2097152"), ("segment.bytes", "1048576")],
    );
    let producer = target.producer(&[]);
    for number in 0..10 {
        let value = number.to_string();
        send_record(
            &producer,
            BaseRecord::to(&by_time)
                .key("k")
                .payload(value.as_str())
                .timestamp(now_ms() - 3_600_000),
        );
    }
    let value = "x".repeat(100_000);
    for _ in 0..60 {
        send_record(
            &producer,
            BaseRecord::to(&by_size).key("k").payload(value.as_str()),
        );
        settle(&producer);
    }
    eventually("what is an hour old to go", || {
        (low_watermark(target, &by_time) == 10).then_some(())
    });
    let low = eventually("what is too much to go", || {
        Some(low_watermark(target, &by_size)).filter(|low| *low >= 20)
    });
    assert!(
        low <= 40,
        "2 MiB of 6 MB are to stay, and the log starts at {low}"
    );
    send(&producer, &by_time, "k", "fresh");
    settle(&producer);
    let kept = target.read(&by_time, 1, &[]);
    vec![format!("{} {}", kept[0].offset(), text(&kept[0]))]
}

pub fn delete_records(target: &Target) -> Outcome {
    let topic = target.create_topic("delete-records", 1, &[]);
    let producer = target.producer(&[]);
    for number in 0..10 {
        send(&producer, &topic, "k", &number.to_string());
    }
    settle(&producer);
    let admin = target.admin();
    let delete = |offset: Offset| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, offset).unwrap();
        let deleted = block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
        let element = &deleted.elements()[0];
        format!(
            "{:?} {:?}",
            element.offset(),
            element.error().map_err(|error| super::client::code(&error))
        )
    };
    let mut seen = vec![delete(Offset::Offset(4))];
    seen.push(format!(
        "{:?}",
        texts(&target.read_all(&topic, "read_committed"))
    ));
    seen.push(delete(Offset::Offset(2)));
    seen.push(
        delete(Offset::Offset(99))
            .split_once(' ')
            .unwrap()
            .1
            .to_owned(),
    );
    // A reader whose place is gone goes on from the start of what is there.
    let reader = target.reader(&topic, 0, Offset::Offset(1), &[]);
    seen.push(format!("{:?}", texts(&super::client::take(&reader, 6))));
    seen.push(delete(Offset::End));
    seen.push(format!("low {}", low_watermark(target, &topic)));
    assert_eq!(seen[0], "Offset(4) Ok(())");
    assert_eq!(seen[1], "[\"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]");
    assert_eq!(seen[3], "Err(\"OffsetOutOfRange\")");
    assert_eq!(seen[4], seen[1]);
    assert_eq!(seen[6], "low 10");
    seen
}

pub fn compaction(target: &Target) -> Outcome {
    let options = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "1048576"),
        ("segment.ms", "1000"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "2000"),
        ("delete.retention.ms", "0"),
    ];
    let topic = target.create_topic("compaction", 1, &options);
    let producer = target.producer(&[("compression.type", "lz4")]);
    for round in 0..30 {
        for key in 0..20 {
            let key = format!("berth {key}");
            // What does not compress, so that the log becomes large enough to be worth cleaning.
            let noise: String = (0..8_000u32)
                .map(|at| {
                    char::from(
                        33 + (at.wrapping_mul(2_654_435_761 ^ (round * 7 + at)) >> 24) as u8 % 90,
                    )
                })
                .collect();
            send_record(
                &producer,
                BaseRecord::to(&topic)
                    .key(key.as_str())
                    .payload(format!("{round} {noise}").as_str()),
            );
        }
        settle(&producer);
    }
    producer
        .send(BaseRecord::<str, ()>::to(&topic).key("berth 19"))
        .map_err(|(error, _)| error)
        .unwrap();
    settle(&producer);
    std::thread::sleep(Duration::from_millis(1_500));
    // On Apache Kafka the newest segment is not compacted; these records open another.
    for _ in 0..3 {
        send(&producer, &topic, "last", "last");
        settle(&producer);
        std::thread::sleep(Duration::from_millis(1_100));
    }
    let newest = eventually("old values of each key to go", || {
        let read = target.read_all(&topic, "read_committed");
        let berths: Vec<String> = read
            .iter()
            .filter(|message| message.payload().is_some() && message.key() != Some(b"last"))
            .map(|message| {
                let round = text(message).split(' ').next().unwrap().to_owned();
                format!(
                    "{}: {} at {}",
                    String::from_utf8_lossy(message.key().unwrap()),
                    round,
                    message.offset()
                )
            })
            .collect();
        (berths.len() <= 20 && !berths.iter().any(|one| one.starts_with("berth 19")))
            .then_some(berths)
    });
    let expected: Vec<String> = (0..19)
        .map(|key| format!("berth {key}: 29 at {}", 29 * 20 + key))
        .collect();
    assert_eq!(newest, expected);
    newest
}

/// The end marker of the last transaction stays: a reader of committed records once waited for ever behind one that had gone.
pub fn compaction_keeps_the_end(target: &Target) -> Outcome {
    let options = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "1000"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "2000"),
        ("delete.retention.ms", "0"),
    ];
    let topic = target.create_topic("compaction-end", 1, &options);
    let producer = begin(target, &unique("compaction-end"));
    let transact = |key: &str, value: &str| {
        producer.begin_transaction().unwrap();
        send(&producer, &topic, key, value);
        commit(&producer);
    };
    for round in 0..5 {
        transact("berth", &round.to_string());
    }
    // On Apache Kafka the newest segment is not compacted; these records open another.
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(1_100));
        transact("last", "last");
    }
    let berths = || {
        let read = target.read_all(&topic, "read_committed");
        let berths = read
            .iter()
            .filter(|message| message.key() == Some(b"berth"));
        berths.map(text).collect::<Vec<String>>()
    };
    let newest = eventually("old values of the key to go", || {
        Some(berths()).filter(|berths| berths.len() == 1)
    });
    // Compacted again behind the last end marker, the partition is still read to its end.
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(berths(), newest);
    newest
}
