//! Where coordinators are, who the cluster is, and what partitions remember.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, DescribeProducersRequest,
    DescribeProducersResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProducerId,
};

use super::{Caller, text};
use crate::shared::NODE_ID;

/// Kinds of coordinator: groups and transactions.
const COORDINATORS: std::ops::RangeInclusive<i8> = 0..=1;

pub(crate) fn find_coordinator(
    caller: &Caller,
    version: i16,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let host = text(&caller.shared.host());
    let port = i32::from(caller.shared.address.port());
    let is_known = COORDINATORS.contains(&request.key_type);
    let error_code = if is_known {
        0
    } else {
        ResponseError::InvalidRequest.code()
    };
    let (node_id, host, port) = if is_known {
        (NODE_ID, host, port)
    } else {
        (-1, text(""), -1)
    };
    if version <= 3 {
        return FindCoordinatorResponse::default()
            .with_error_code(error_code)
            .with_node_id(BrokerId(node_id))
            .with_host(host)
            .with_port(port);
    }
    let coordinators = request.coordinator_keys.iter().map(|key| {
        Coordinator::default()
            .with_key(key.clone())
            .with_node_id(BrokerId(node_id))
            .with_host(host.clone())
            .with_port(port)
            .with_error_code(error_code)
    });
    FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
}

pub(crate) fn describe(
    caller: &Caller,
    version: i16,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    let response =
        DescribeClusterResponse::default().with_cluster_id(text(&caller.shared.cluster_id));
    if version >= 1 && request.endpoint_type != 1 {
        return response
            .with_endpoint_type(request.endpoint_type)
            .with_error_code(ResponseError::MismatchedEndpointType.code())
            .with_controller_id(BrokerId(-1));
    }
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(NODE_ID))
        .with_host(text(&caller.shared.host()))
        .with_port(i32::from(caller.shared.address.port()));
    response
        .with_controller_id(BrokerId(NODE_ID))
        .with_brokers(vec![broker])
}

pub(crate) fn offset_for_leader_epoch(
    caller: &Caller,
    _version: i16,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.iter().map(|wanted| {
        let partitions = wanted.partitions.iter().map(|one| {
            let answer = EpochEndOffset::default()
                .with_partition(one.partition)
                .with_leader_epoch(-1)
                .with_end_offset(-1);
            match caller.shared.topics.partition(&wanted.topic, one.partition) {
                None => answer.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                Some(_) if one.current_leader_epoch > 0 => {
                    answer.with_error_code(ResponseError::UnknownLeaderEpoch.code())
                }
                Some(partition) if one.leader_epoch == 0 => answer
                    .with_leader_epoch(0)
                    .with_end_offset(partition.log().end_offset()),
                Some(_) => answer,
            }
        });
        OffsetForLeaderTopicResult::default()
            .with_topic(wanted.topic.clone())
            .with_partitions(partitions.collect())
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

pub(crate) fn describe_producers(
    caller: &Caller,
    _version: i16,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let topics = request.topics.iter().map(|wanted| {
        let partitions = wanted.partition_indexes.iter().map(|index| {
            let answer = PartitionResponse::default().with_partition_index(*index);
            match caller.shared.topics.partition(&wanted.name, *index) {
                None => answer.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                Some(partition) => {
                    let log = partition.log();
                    let producers = log.producers().views().map(|view| {
                        ProducerState::default()
                            .with_producer_id(ProducerId(view.id))
                            .with_producer_epoch(i32::from(view.epoch))
                            .with_last_sequence(view.last_sequence)
                            .with_last_timestamp(view.used_at_ms)
                            .with_coordinator_epoch(0)
                            .with_current_txn_start_offset(view.transaction_start.unwrap_or(-1))
                    });
                    answer.with_active_producers(producers.collect())
                }
            }
        });
        TopicResponse::default()
            .with_name(wanted.name.clone())
            .with_partitions(partitions.collect())
    });
    DescribeProducersResponse::default().with_topics(topics.collect())
}
