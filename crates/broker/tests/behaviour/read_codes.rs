//! Corner cases of reading: which code answers what. The lines are compared with Apache Kafka's.

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::*;

use super::Outcome;
use super::client::{Target, eventually, unique};
use super::codes::{add_partition, coordinators, end, init, produce, topic_name};
use crate::wire::{BatchSpec, Wire, batch};

fn list_offsets(
    wire: &mut Wire,
    topic: &str,
    index: i32,
    timestamp: i64,
    isolation: i8,
) -> (i16, i64, i64) {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(index)
        .with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(isolation)
        .with_topics(vec![topic]);
    let response = wire.ask(&request, 7);
    let partition = &response.topics[0].partitions[0];
    (partition.error_code, partition.offset, partition.timestamp)
}

fn fetch(
    wire: &mut Wire,
    topic: &str,
    index: i32,
    offset: i64,
    epoch: i32,
    isolation: i8,
) -> String {
    let partition = FetchPartition::default()
        .with_partition(index)
        .with_fetch_offset(offset)
        .with_current_leader_epoch(epoch)
        .with_partition_max_bytes(1_000_000);
    let topic = FetchTopic::default()
        .with_topic(topic_name(topic))
        .with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(50)
        .with_min_bytes(1)
        .with_max_bytes(1_000_000)
        .with_isolation_level(isolation)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    let response = wire.ask(&request, 11);
    let part = &response.responses[0].partitions[0];
    let aborted = part.aborted_transactions.as_ref().map(Vec::len);
    format!(
        "{} high {} stable {} start {} aborted {aborted:?} bytes {}",
        part.error_code,
        part.high_watermark,
        part.last_stable_offset,
        part.log_start_offset,
        part.records.as_ref().map_or(0, Bytes::len)
    )
}

pub fn read_codes(target: &Target) -> Outcome {
    let topic = target.create_topic(
        "read-codes",
        1,
        &[
            ("retention.ms", "-1"),
            ("segment.ms", "9223372036854775807"),
        ],
    );
    let wire = &mut Wire::connect(&target.bootstrap);
    let id = unique("read-codes");
    coordinators(wire, &id);
    for (timestamp_ms, values) in [(5_000, &["a", "b"][..]), (9_000, &["c"]), (7_000, &["d"])] {
        produce(
            wire,
            &topic,
            None,
            batch(BatchSpec {
                timestamp_ms,
                values,
                ..BatchSpec::default()
            }),
            -1,
        );
    }
    let (_, producer_id, epoch) = init(wire, Some(&id), (-1, -1));
    add_partition(wire, &id, (producer_id, epoch), &topic);
    let open = BatchSpec {
        producer_id,
        epoch,
        sequence: 0,
        transactional: true,
        timestamp_ms: 8_000,
        ..BatchSpec::default()
    };
    produce(wire, &topic, Some(&id), batch(open), -1);
    let mut seen = Vec::new();
    for isolation in [0, 1] {
        for timestamp in [-1, -2, -3, 0, 5_001, 7_500, 9_000, 9_001] {
            seen.push(format!(
                "time {timestamp} {:?}",
                list_offsets(wire, &topic, 0, timestamp, isolation)
            ));
        }
        for offset in [0, 1, 4, 5] {
            seen.push(format!(
                "fetch {offset} {}",
                fetch(wire, &topic, 0, offset, -1, isolation)
            ));
        }
    }
    seen.push(format!(
        "no partition {:?}",
        list_offsets(wire, &topic, 8, -1, 0)
    ));
    seen.push(format!(
        "beyond the end {}",
        fetch(wire, &topic, 0, 6, -1, 0)
    ));
    seen.push(format!(
        "below the start {}",
        fetch(wire, &topic, 0, -5, -1, 0)
    ));
    seen.push(format!("no partition {}", fetch(wire, &topic, 8, 0, -1, 0)));
    seen.push(format!(
        "no topic {}",
        fetch(wire, "nowhere-at-all", 0, 0, -1, 0)
    ));
    seen.push(format!(
        "epoch of the future {}",
        fetch(wire, &topic, 0, 0, 9, 0)
    ));
    end(wire, &id, (producer_id, epoch), false);
    eventually("the marker", || {
        list_offsets(wire, &topic, 0, -1, 1).1.eq(&6).then_some(())
    });
    for offset in [0, 4, 5, 6] {
        seen.push(format!(
            "fetch {offset} after the abort {}",
            fetch(wire, &topic, 0, offset, -1, 1)
        ));
    }
    seen
}
