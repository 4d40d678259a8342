//! ListOffsets: earliest, latest, and by time.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::Caller;
use crate::log::partition::{Moment, Partition};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const HIGHEST_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

pub(crate) fn handle(
    caller: &Caller,
    version: i16,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let committed_only = request.isolation_level == 1;
    let topics = request.topics.iter().map(|wanted| {
        let topic = caller.shared.topics.get(&wanted.name);
        let partitions = wanted.partitions.iter().map(|one| {
            let response = ListOffsetsPartitionResponse::default()
                .with_partition_index(one.partition_index)
                .with_offset(-1)
                .with_timestamp(-1);
            match topic
                .as_ref()
                .and_then(|topic| topic.partition(one.partition_index))
            {
                None => response.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                Some(partition) => answer(response, &partition, one, committed_only, version),
            }
        });
        ListOffsetsTopicResponse::default()
            .with_name(wanted.name.clone())
            .with_partitions(partitions.collect())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

fn answer(
    response: ListOffsetsPartitionResponse,
    partition: &Partition,
    wanted: &ListOffsetsPartition,
    committed_only: bool,
    version: i16,
) -> ListOffsetsPartitionResponse {
    let (start_offset, limit_offset) = {
        let log = partition.log();
        (
            log.start_offset(),
            if committed_only {
                log.stable_offset()
            } else {
                log.end_offset()
            },
        )
    };
    let unstamped = |offset| {
        Some(Moment {
            offset,
            timestamp_ms: -1,
        })
    };
    let moment = match wanted.timestamp {
        LATEST => unstamped(limit_offset),
        EARLIEST | EARLIEST_LOCAL => unstamped(start_offset),
        HIGHEST_TIMESTAMP => partition.latest_record_in_time(),
        LATEST_TIERED => None,
        timestamp_ms if timestamp_ms < 0 => {
            return response.with_error_code(ResponseError::UnsupportedVersion.code());
        }
        timestamp_ms => partition.first_record_since(timestamp_ms, limit_offset),
    };
    let Some(moment) = moment else {
        return response;
    };
    let response = response
        .with_offset(moment.offset)
        .with_timestamp(moment.timestamp_ms);
    if version >= 4 {
        response.with_leader_epoch(0)
    } else {
        response
    }
}
