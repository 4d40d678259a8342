//! Records and their offsets.

use crate::wire::{BatchSpec, batch};
use bytes::Bytes;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;

use super::Walk;

pub(super) fn records(walk: &mut Walk) {
    let version = walk.version(ApiKey::Produce);
    let data = |index, records| {
        PartitionProduceData::default()
            .with_index(index)
            .with_records(Some(records))
    };
    let spec = BatchSpec {
        values: &["one", "two"],
        gzip: true,
        ..BatchSpec::default()
    };
    let parts = vec![
        data(0, batch(spec)),
        data(1, Bytes::from_static(b"nonsense")),
        data(9, batch(spec)),
    ];
    let topic = TopicProduceData::default()
        .with_name(walk.name())
        .with_partition_data(parts);
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic]);
    let stored = walk.wire.ask(&request, version);
    let codes: Vec<i16> = stored.responses[0]
        .partition_responses
        .iter()
        .map(|one| one.error_code)
        .collect();
    assert_eq!(codes, [0, 2, 3]);
}

pub(super) fn fetches(walk: &mut Walk) {
    let spec = BatchSpec {
        values: &["one", "two"],
        gzip: true,
        ..BatchSpec::default()
    };
    let version = walk.version(ApiKey::Fetch);
    for isolation in [0, 1] {
        let partition = |index| {
            FetchPartition::default()
                .with_partition(index)
                .with_fetch_offset(0)
                .with_partition_max_bytes(10_000)
        };
        let mut topic =
            FetchTopic::default().with_partitions(vec![partition(0), partition(1), partition(9)]);
        if version >= 13 {
            topic.topic_id = walk.topic_id
        } else {
            topic.topic = walk.name()
        }
        let mut request = FetchRequest::default()
            .with_max_wait_ms(10)
            .with_min_bytes(1)
            .with_max_bytes(100_000)
            .with_isolation_level(isolation)
            .with_topics(vec![topic]);
        if version <= 14 {
            request.replica_id = BrokerId(-1);
        }
        let fetched = walk.wire.ask(&request, version);
        let parts = &fetched.responses[0].partitions;
        assert_eq!(
            parts.iter().map(|one| one.error_code).collect::<Vec<_>>(),
            [0, 0, 3]
        );
        assert_eq!(parts[0].high_watermark, 2);
        let stored = parts[0].records.clone().unwrap();
        assert_eq!(
            stored[21..],
            batch(spec)[21..],
            "a batch comes back as it was sent"
        );
    }
}

pub(super) fn offsets(walk: &mut Walk) {
    let version = walk.version(ApiKey::ListOffsets);
    let partition = |index, timestamp| {
        ListOffsetsPartition::default()
            .with_partition_index(index)
            .with_timestamp(timestamp)
    };
    let topic = ListOffsetsTopic::default()
        .with_name(walk.name())
        .with_partitions(vec![partition(0, -1), partition(0, 500), partition(9, -1)]);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![topic]);
    let listed = walk.wire.ask(&request, version);
    let offsets: Vec<i64> = listed.topics[0]
        .partitions
        .iter()
        .map(|one| one.offset)
        .collect();
    assert_eq!(offsets, [2, 0, -1]);

    let version = walk.version(ApiKey::OffsetForLeaderEpoch);
    let partition = OffsetForLeaderPartition::default()
        .with_partition(0)
        .with_leader_epoch(0)
        .with_current_leader_epoch(-1);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(walk.name())
        .with_partitions(vec![partition]);
    let ended = walk.wire.ask(
        &OffsetForLeaderEpochRequest::default().with_topics(vec![topic]),
        version,
    );
    assert_eq!(ended.topics[0].partitions[0].end_offset, 2);

    let version = walk.version(ApiKey::DescribeProducers);
    let topic = TopicRequest::default()
        .with_name(walk.name())
        .with_partition_indexes(vec![0]);
    assert_eq!(
        walk.wire
            .ask(
                &DescribeProducersRequest::default().with_topics(vec![topic]),
                version
            )
            .topics
            .len(),
        1
    );
}
