//! InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit and EndTxn.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse, EndTxnRequest, EndTxnResponse, InitProducerIdRequest,
    InitProducerIdResponse, ProducerId, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{Caller, offsets};
use crate::clock::now_ms;
use crate::groups::Cell;
use crate::groups::offsets::{Committed, Committer};
use crate::transactions::ProducerEpoch;

/// Clients of old versions know the older name of "fenced" alone.
fn code(result: Result<(), ResponseError>, version: i16, fenced_since: i16) -> i16 {
    match result {
        Ok(()) => 0,
        Err(ResponseError::ProducerFenced) if version < fenced_since => {
            ResponseError::InvalidProducerEpoch.code()
        }
        Err(error) => error.code(),
    }
}

pub(crate) fn init(
    caller: &Caller,
    version: i16,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let transactions = &caller.shared.transactions;
    let expected = (request.producer_id.0 >= 0).then_some(ProducerEpoch {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    });
    let granted = match &request.transactional_id {
        None => Ok(ProducerEpoch {
            producer_id: transactions.new_producer_id(),
            epoch: 0,
        }),
        Some(id) => transactions.init(id, request.transaction_timeout_ms, expected, now_ms()),
    };
    match granted {
        Ok(granted) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(granted.producer_id))
            .with_producer_epoch(granted.epoch),
        Err(error) => InitProducerIdResponse::default()
            .with_error_code(code(Err(error), version, 4))
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1),
    }
}

pub(crate) fn add_partitions(
    caller: &Caller,
    version: i16,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let wanted: Vec<(String, i32)> = request
        .v3_and_below_topics
        .iter()
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|index| (topic.name.to_string(), *index))
        })
        .collect();
    let is_there = |name: &str, index: i32| caller.shared.topics.partition(name, index).is_some();
    let all_there = wanted.iter().all(|(name, index)| is_there(name, *index));
    let producer = ProducerEpoch {
        producer_id: request.v3_and_below_producer_id.0,
        epoch: request.v3_and_below_producer_epoch,
    };
    let added = if all_there {
        caller.shared.transactions.add_partitions(
            &request.v3_and_below_transactional_id,
            producer,
            wanted,
            now_ms(),
        )
    } else {
        Err(ResponseError::OperationNotAttempted)
    };
    let added_code = code(added, version, 2);
    let topics = request.v3_and_below_topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|index| {
            let is_missing = !is_there(&topic.name, *index);
            let partition_code = if is_missing {
                ResponseError::UnknownTopicOrPartition.code()
            } else {
                added_code
            };
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*index)
                .with_partition_error_code(partition_code)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

pub(crate) fn add_group(
    caller: &Caller,
    version: i16,
    request: AddOffsetsToTxnRequest,
) -> AddOffsetsToTxnResponse {
    let producer = ProducerEpoch {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let added = if request.group_id.is_empty() {
        Err(ResponseError::InvalidGroupId)
    } else {
        caller.shared.transactions.add_group(
            &request.transactional_id,
            producer,
            &request.group_id,
            now_ms(),
        )
    };
    AddOffsetsToTxnResponse::default().with_error_code(code(added, version, 2))
}

pub(crate) fn end(caller: &Caller, version: i16, request: EndTxnRequest) -> EndTxnResponse {
    let producer = ProducerEpoch {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let ended = caller.shared.transactions.end(
        &request.transactional_id,
        producer,
        request.committed,
        now_ms(),
    );
    EndTxnResponse::default().with_error_code(code(ended, version, 2))
}

pub(crate) fn commit_offsets(
    caller: &Caller,
    version: i16,
    request: TxnOffsetCommitRequest,
) -> TxnOffsetCommitResponse {
    let producer = ProducerEpoch {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let committer = Committer {
        generation: if version >= 3 {
            request.generation_id
        } else {
            -1
        },
        member_id: &request.member_id,
        instance: request.group_instance_id.as_ref().map(StrBytes::as_str),
    };
    let id = request.transactional_id.as_str();
    let kept = caller
        .shared
        .transactions
        .with_group(id, producer, &request.group_id, || {
            let cell = offsets::find_or_create(caller, &request.group_id, committer)?;
            Ok(keep_offsets(caller, &cell, producer, committer, &request))
        });
    let kept = kept.and_then(|kept| kept);
    let codes = kept.unwrap_or_else(|error| vec![error.code(); partition_count(&request)]);
    let mut codes = codes.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|one| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(one.partition_index)
                .with_error_code(
                    codes
                        .next()
                        .unwrap_or(ResponseError::UnknownServerError.code()),
                )
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

fn partition_count(request: &TxnOffsetCommitRequest) -> usize {
    request
        .topics
        .iter()
        .map(|topic| topic.partitions.len())
        .sum()
}

/// Keeps each offset until the transaction ends; gives the codes in the order of the request.
fn keep_offsets(
    caller: &Caller,
    cell: &Cell,
    producer: ProducerEpoch,
    committer: Committer<'_>,
    request: &TxnOffsetCommitRequest,
) -> Vec<i16> {
    let mut group = cell.lock();
    if let Err(error) = group.check_committer(committer, true, now_ms()) {
        return vec![error.code(); partition_count(request)];
    }
    let mut codes = Vec::with_capacity(partition_count(request));
    for topic in &request.topics {
        for one in &topic.partitions {
            let committed = Committed {
                offset: one.committed_offset,
                leader_epoch: one.committed_leader_epoch,
                metadata: one
                    .committed_metadata
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            };
            let key = (topic.name.to_string(), one.partition_index);
            let kept = match caller
                .shared
                .topics
                .partition(&topic.name, one.partition_index)
            {
                None => Err(ResponseError::UnknownTopicOrPartition),
                Some(_) => group.commit_in_transaction(producer.producer_id, key, committed),
            };
            codes.push(kept.err().map_or(0, |error| error.code()));
        }
    }
    codes
}
