//! Transactions, and the end of everything.

use crate::wire::text;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::Walk;

pub(super) fn transactions(walk: &mut Walk) {
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

pub(super) fn endings(walk: &mut Walk, member: &str) {
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
