//! Metadata: the one node, and the topics.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};

use super::{Caller, text};
use crate::shared::NODE_ID;
use crate::topics::{Topic, check_name};

pub(crate) fn handle(caller: &Caller, version: i16, request: MetadataRequest) -> MetadataResponse {
    // In version 0 an empty list means all topics, later null does.
    let topics = match &request.topics {
        Some(wanted) if version >= 1 || !wanted.is_empty() => {
            wanted.iter().map(|one| find(caller, one)).collect()
        }
        _ => caller
            .shared
            .topics
            .all()
            .iter()
            .map(|topic| describe(topic))
            .collect(),
    };
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(NODE_ID))
        .with_host(text(&caller.shared.host()))
        .with_port(i32::from(caller.shared.address.port()));
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(&caller.shared.cluster_id)))
        .with_controller_id(BrokerId(NODE_ID))
        .with_topics(topics)
}

fn find(caller: &Caller, wanted: &MetadataRequestTopic) -> MetadataResponseTopic {
    let unknown = MetadataResponseTopic::default()
        .with_name(wanted.name.clone())
        .with_topic_id(wanted.topic_id);
    match &wanted.name {
        Some(name) => match caller.shared.topics.get(name) {
            Some(topic) => describe(&topic),
            None if check_name(name).is_err() => {
                unknown.with_error_code(ResponseError::InvalidTopicException.code())
            }
            None => unknown.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
        },
        None => match caller.shared.topics.get_by_id(wanted.topic_id) {
            Some(topic) => describe(&topic),
            None => unknown.with_error_code(ResponseError::UnknownTopicId.code()),
        },
    }
}

fn describe(topic: &Topic) -> MetadataResponseTopic {
    let partition = |index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(BrokerId(NODE_ID))
            .with_leader_epoch(0)
            .with_replica_nodes(vec![BrokerId(NODE_ID)])
            .with_isr_nodes(vec![BrokerId(NODE_ID)])
    };
    let count = i32::try_from(topic.partition_count()).unwrap_or(i32::MAX);
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(&topic.name))))
        .with_topic_id(topic.id)
        .with_partitions((0..count).map(partition).collect())
}
