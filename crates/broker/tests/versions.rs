//! Every request at every version that the broker offers: the codec refuses to encode what a version does not have, and
//! a client that negotiated that version would lose its connection.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;
use kafka_protocol::messages::{alter_configs_request, incremental_alter_configs_request};
use uuid::Uuid;

use crate::behaviour::client::unique;
use crate::embedded;
use crate::wire::{BatchSpec, Wire, batch, text};

/// What one version's walk through all requests needs.
struct Walk {
    wire: Wire,
    ranges: Vec<(i16, i16, i16)>,
    step: i16,
    topic: String,
    topic_id: Uuid,
    group: String,
}

impl Walk {
    /// The version of this step: each request goes through its own range, and stays at the end of it.
    fn version(&self, key: ApiKey) -> i16 {
        let (_, least, most) = *self
            .ranges
            .iter()
            .find(|(one, _, _)| *one == key as i16)
            .unwrap();
        // Version 0 of Produce is stated, as by Apache Kafka, but not spoken.
        let least = if key == ApiKey::Produce { 3 } else { least };
        (least + self.step).min(most)
    }

    fn name(&self) -> TopicName {
        TopicName(text(&self.topic))
    }

    fn group_id(&self) -> GroupId {
        GroupId(text(&self.group))
    }
}

#[test]
fn every_request_at_every_version() {
    let bootstrap = embedded().bootstrap;
    for step in 0..20 {
        let mut wire = Wire::connect(&bootstrap);
        let version = step.min(4);
        let mut hello = ApiVersionsRequest::default();
        if version >= 3 {
            hello = hello
                .with_client_software_name(text("wire"))
                .with_client_software_version(text("1"));
        }
        let versions = wire.ask(&hello, version);
        assert_eq!(versions.error_code, 0);
        let ranges: Vec<_> = versions
            .api_keys
            .iter()
            .map(|one| (one.api_key, one.min_version, one.max_version))
            .collect();
        assert!(ranges.len() >= 31);
        let mut walk = Walk {
            wire,
            ranges,
            step,
            topic: unique("versions"),
            topic_id: Uuid::nil(),
            group: unique("versions"),
        };
        topics(&mut walk);
        options(&mut walk);
        records(&mut walk);
        fetches(&mut walk);
        offsets(&mut walk);
        let member = group(&mut walk);
        commits(&mut walk, &member);
        transactions(&mut walk);
        endings(&mut walk, &member);
    }
}

fn topics(walk: &mut Walk) {
    let version = walk.version(ApiKey::CreateTopics);
    let config = CreatableTopicConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("-1")));
    let topic = CreatableTopic::default()
        .with_name(walk.name())
        .with_num_partitions(2)
        .with_replication_factor(1)
        .with_configs(vec![config]);
    // The second of the two cannot be created: errors have fields of their own.
    let wrong = CreatableTopic::default()
        .with_name(TopicName(text("a b")))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic, wrong])
        .with_timeout_ms(1_000);
    let created = walk.wire.ask(&request, version);
    assert_eq!(
        created
            .topics
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>(),
        [0, 17]
    );

    walk.topic_id = created.topics[0].topic_id;

    metadata(walk);
    let version = walk.version(ApiKey::CreatePartitions);
    let grown = CreatePartitionsTopic::default()
        .with_name(walk.name())
        .with_count(3)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![grown.clone(), grown])
        .with_timeout_ms(1_000);
    let grown = walk.wire.ask(&request, version);
    assert_eq!(
        grown
            .results
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>(),
        [0, 37]
    );
}

fn metadata(walk: &mut Walk) {
    let version = walk.version(ApiKey::Metadata);
    let wanted = vec![
        MetadataRequestTopic::default().with_name(Some(walk.name())),
        MetadataRequestTopic::default().with_name(Some(TopicName(text("nowhere-at-all")))),
    ];
    let mut request = MetadataRequest::default().with_topics(Some(wanted));
    request.allow_auto_topic_creation = version < 4;
    let metadata = walk.wire.ask(&request, version);
    assert_eq!(metadata.topics[0].partitions.len(), 2);
    assert_eq!(metadata.topics[1].error_code, 3);
    if version >= 10 {
        walk.topic_id = metadata.topics[0].topic_id;
    }
    let all = if version == 0 { Some(Vec::new()) } else { None };
    let mut request = MetadataRequest::default().with_topics(all);
    request.allow_auto_topic_creation = true;
    assert!(
        walk.wire
            .ask(&request, version)
            .topics
            .iter()
            .any(|one| one.name == Some(walk.name()))
    );
}

fn options(walk: &mut Walk) {
    let version = walk.version(ApiKey::DescribeConfigs);
    let resource = |kind: i8, name: &str| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    let resources = vec![
        resource(2, &walk.topic),
        resource(4, "1"),
        resource(2, "nowhere-at-all"),
    ];
    let request = DescribeConfigsRequest::default()
        .with_resources(resources)
        .with_include_synonyms(true);
    let described = walk.wire.ask(&request, version);
    assert_eq!(
        described
            .results
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>(),
        [0, 0, 3]
    );

    let version = walk.version(ApiKey::AlterConfigs);
    let entry = alter_configs_request::AlterableConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("-1")));
    let resource = alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(&walk.topic))
        .with_configs(vec![entry]);
    let altered = walk.wire.ask(
        &AlterConfigsRequest::default().with_resources(vec![resource]),
        version,
    );
    assert_eq!(altered.responses[0].error_code, 0);

    let version = walk.version(ApiKey::IncrementalAlterConfigs);
    let entry = incremental_alter_configs_request::AlterableConfig::default()
        .with_name(text("cleanup.policy"))
        .with_config_operation(2)
        .with_value(Some(text("compact")));
    let resource = incremental_alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(&walk.topic))
        .with_configs(vec![entry]);
    let altered = walk.wire.ask(
        &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]),
        version,
    );
    assert_eq!(altered.responses[0].error_code, 0);

    let version = walk.version(ApiKey::DescribeCluster);
    let mut request = DescribeClusterRequest::default();
    request.endpoint_type = 1;
    assert_eq!(walk.wire.ask(&request, version).brokers.len(), 1);
}

fn records(walk: &mut Walk) {
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

fn fetches(walk: &mut Walk) {
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

fn offsets(walk: &mut Walk) {
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

fn group(walk: &mut Walk) -> String {
    let version = walk.version(ApiKey::FindCoordinator);
    let request = if version >= 4 {
        FindCoordinatorRequest::default().with_coordinator_keys(vec![text(&walk.group)])
    } else {
        FindCoordinatorRequest::default().with_key(text(&walk.group))
    };
    walk.wire.ask(&request, version);

    let version = walk.version(ApiKey::JoinGroup);
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"meta"));
    let mut request = JoinGroupRequest::default()
        .with_group_id(walk.group_id())
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let mut joined = walk.wire.ask(&request, version);
    if version >= 4 {
        assert_eq!(joined.error_code, 79, "a member id is to be brought along");
        request.member_id = joined.member_id;
        joined = walk.wire.ask(&request, version);
    }
    assert_eq!(joined.error_code, 0);
    let member = joined.member_id.to_string();

    let version = walk.version(ApiKey::SyncGroup);
    let own = SyncGroupRequestAssignment::default()
        .with_member_id(text(&member))
        .with_assignment(Bytes::from_static(b"all"));
    let mut request = SyncGroupRequest::default()
        .with_group_id(walk.group_id())
        .with_generation_id(1)
        .with_member_id(text(&member))
        .with_assignments(vec![own]);
    if version >= 5 {
        request = request
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range")));
    }
    assert_eq!(walk.wire.ask(&request, version).assignment, "all");

    let version = walk.version(ApiKey::Heartbeat);
    let request = HeartbeatRequest::default()
        .with_group_id(walk.group_id())
        .with_generation_id(1)
        .with_member_id(text(&member));
    assert_eq!(walk.wire.ask(&request, version).error_code, 0);

    member
}

fn commits(walk: &mut Walk, member: &str) {
    let version = walk.version(ApiKey::OffsetCommit);
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(1);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(walk.name())
        .with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(walk.group_id())
        .with_generation_id_or_member_epoch(1)
        .with_member_id(text(member))
        .with_topics(vec![topic]);
    assert_eq!(
        walk.wire.ask(&request, version).topics[0].partitions[0].error_code,
        0
    );
    offset_fetch(walk);

    let version = walk.version(ApiKey::DescribeGroups);
    let request = DescribeGroupsRequest::default()
        .with_groups(vec![walk.group_id(), GroupId(text("nobody"))]);
    let described = walk.wire.ask(&request, version);
    assert_eq!(described.groups[0].group_state, text("Stable"));
    assert_eq!(described.groups[0].members.len(), 1);
    let version = walk.version(ApiKey::ListGroups);
    assert!(
        walk.wire
            .ask(&ListGroupsRequest::default(), version)
            .groups
            .iter()
            .any(|one| one.group_id == walk.group_id())
    );
}

fn offset_fetch(walk: &mut Walk) {
    let version = walk.version(ApiKey::OffsetFetch);
    if version >= 8 {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(walk.name())
            .with_partition_indexes(vec![0, 1]);
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(walk.group_id())
            .with_topics(Some(vec![topic]));
        let all = OffsetFetchRequestGroup::default()
            .with_group_id(walk.group_id())
            .with_topics(None);
        let fetched = walk.wire.ask(
            &OffsetFetchRequest::default().with_groups(vec![group, all]),
            version,
        );
        assert_eq!(
            fetched.groups[0].topics[0].partitions[0].committed_offset,
            1
        );
        assert_eq!(fetched.groups[1].topics[0].partitions.len(), 1);
        return;
    }
    let topic = OffsetFetchRequestTopic::default()
        .with_name(walk.name())
        .with_partition_indexes(vec![0, 1]);
    let request = OffsetFetchRequest::default()
        .with_group_id(walk.group_id())
        .with_topics(Some(vec![topic]));
    let fetched = walk.wire.ask(&request, version);
    let offsets: Vec<i64> = fetched.topics[0]
        .partitions
        .iter()
        .map(|one| one.committed_offset)
        .collect();
    assert_eq!(offsets, [1, -1]);
}

fn transactions(walk: &mut Walk) {
    let id = TransactionalId(text(&walk.group));
    let version = walk.version(ApiKey::InitProducerId);
    let mut request = InitProducerIdRequest::default()
        .with_transactional_id(Some(id.clone()))
        .with_transaction_timeout_ms(60_000);
    if version >= 3 {
        request = request
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
    }
    let granted = walk.wire.ask(&request, version);
    assert_eq!((granted.error_code, granted.producer_epoch), (0, 0));
    let producer_id = granted.producer_id;

    let version = walk.version(ApiKey::AddPartitionsToTxn);
    let topic = AddPartitionsToTxnTopic::default()
        .with_name(walk.name())
        .with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id.clone())
        .with_v3_and_below_producer_id(producer_id)
        .with_v3_and_below_topics(vec![topic]);
    let added = walk.wire.ask(&request, version);
    assert_eq!(
        added.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code,
        0
    );

    let version = walk.version(ApiKey::AddOffsetsToTxn);
    let request = AddOffsetsToTxnRequest::default()
        .with_transactional_id(id.clone())
        .with_producer_id(producer_id)
        .with_group_id(walk.group_id());
    assert_eq!(walk.wire.ask(&request, version).error_code, 0);

    let version = walk.version(ApiKey::TxnOffsetCommit);
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(1)
        .with_committed_offset(2);
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(walk.name())
        .with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(id.clone())
        .with_group_id(walk.group_id())
        .with_producer_id(producer_id)
        .with_generation_id(-1)
        .with_topics(vec![topic]);
    assert_eq!(
        walk.wire.ask(&request, version).topics[0].partitions[0].error_code,
        0
    );

    let version = walk.version(ApiKey::EndTxn);
    let request = EndTxnRequest::default()
        .with_transactional_id(id)
        .with_producer_id(producer_id)
        .with_committed(true);
    assert_eq!(walk.wire.ask(&request, version).error_code, 0);
}

fn endings(walk: &mut Walk, member: &str) {
    let version = walk.version(ApiKey::LeaveGroup);
    let mut request = LeaveGroupRequest::default().with_group_id(walk.group_id());
    if version >= 3 {
        request =
            request.with_members(vec![MemberIdentity::default().with_member_id(text(member))]);
    } else {
        request = request.with_member_id(text(member));
    }
    assert_eq!(walk.wire.ask(&request, version).error_code, 0);

    let version = walk.version(ApiKey::OffsetDelete);
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(walk.name())
        .with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default()
        .with_group_id(walk.group_id())
        .with_topics(vec![topic]);
    assert_eq!(
        walk.wire.ask(&request, version).topics[0].partitions[0].error_code,
        0
    );

    let version = walk.version(ApiKey::DeleteGroups);
    let request = DeleteGroupsRequest::default()
        .with_groups_names(vec![walk.group_id(), GroupId(text("nobody"))]);
    let deleted = walk.wire.ask(&request, version);
    assert_eq!(
        deleted
            .results
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>(),
        [0, 69]
    );

    let version = walk.version(ApiKey::DeleteRecords);
    let partition = DeleteRecordsPartition::default()
        .with_partition_index(0)
        .with_offset(1);
    let topic = DeleteRecordsTopic::default()
        .with_name(walk.name())
        .with_partitions(vec![partition]);
    let deleted = walk.wire.ask(
        &DeleteRecordsRequest::default().with_topics(vec![topic]),
        version,
    );
    assert_eq!(deleted.topics[0].partitions[0].low_watermark, 1);

    let version = walk.version(ApiKey::DeleteTopics);
    let request = if version >= 6 {
        let by_name = DeleteTopicState::default().with_name(Some(walk.name()));
        let by_id = DeleteTopicState::default()
            .with_name(None)
            .with_topic_id(Uuid::from_u128(7));
        DeleteTopicsRequest::default().with_topics(vec![by_name, by_id])
    } else {
        DeleteTopicsRequest::default()
            .with_topic_names(vec![walk.name(), TopicName(text("nowhere-at-all"))])
    };
    let deleted = walk.wire.ask(&request, version);
    assert_eq!(deleted.responses[0].error_code, 0);
    assert_ne!(deleted.responses[1].error_code, 0);
}

#[test]
fn a_version_of_the_future_is_answered_with_what_there_is() {
    use bytes::Buf;
    let mut wire = Wire::connect(&embedded().bootstrap);
    // ApiVersions, version 99, correlation id 7, no client id, no tagged fields.
    wire.send_raw(&[0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 7, 255, 255, 0])
        .unwrap();
    let mut frame = wire.receive_frame().unwrap();
    assert_eq!((frame.get_i32(), frame.get_i16()), (7, 35));
    let count = frame.get_i32();
    assert!(count >= 31);
    // The connection is good for another try.
    assert_eq!(wire.ask(&ApiVersionsRequest::default(), 0).error_code, 0);
}

#[test]
fn a_request_that_is_not_offered_ends_the_connection() {
    let mut wire = Wire::connect(&embedded().bootstrap);
    wire.send_raw(&[0, 0, 0, 10, 0, 71, 0, 0, 0, 0, 0, 1, 255, 255])
        .unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert!(wire.is_closed());
}
