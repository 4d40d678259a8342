//! DeleteRecords: moves the start of a log.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::Caller;

pub(crate) fn handle(
    caller: &Caller,
    _version: i16,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let topics = request.topics.iter().map(|wanted| {
        let partitions = wanted.partitions.iter().map(|one| {
            let result =
                DeleteRecordsPartitionResult::default().with_partition_index(one.partition_index);
            match delete(caller, &wanted.name, one.partition_index, one.offset) {
                Ok(start_offset) => result.with_low_watermark(start_offset),
                Err(error) => result.with_low_watermark(-1).with_error_code(error.code()),
            }
        });
        DeleteRecordsTopicResult::default()
            .with_name(wanted.name.clone())
            .with_partitions(partitions.collect())
    });
    DeleteRecordsResponse::default().with_topics(topics.collect())
}

/// Deletes what lies before `offset`; -1 stands for all there is.
fn delete(caller: &Caller, name: &str, index: i32, offset: i64) -> Result<i64, ResponseError> {
    let topic = caller
        .shared
        .topics
        .get(name)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    let partition = topic
        .partition(index)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    if !topic.config().deletes {
        return Err(ResponseError::PolicyViolation);
    }
    let mut log = partition.log();
    let offset = if offset == -1 {
        log.end_offset()
    } else {
        offset
    };
    if offset < 0 || offset > log.end_offset() {
        return Err(ResponseError::OffsetOutOfRange);
    }
    log.advance_start(offset);
    Ok(log.start_offset())
}
