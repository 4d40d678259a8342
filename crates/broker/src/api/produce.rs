//! Produce: batches are checked by their headers and stored as they were sent.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::{Caller, text};
use crate::clock::now_ms;
use crate::log::batch::{self, Fault, Header};
use crate::log::records::{Records, unfold};
use crate::topic_config::TopicConfig;
use crate::topics::{Refusal, Topic};
use crate::transactions::ProducerEpoch;

/// Where a batch came to lie.
struct Stored {
    base_offset: i64,
    append_time_ms: i64,
    start_offset: i64,
}

pub(crate) fn handle(caller: &Caller, version: i16, request: ProduceRequest) -> ProduceResponse {
    let transactional_id = request.transactional_id.as_ref().map(|id| id.0.as_str());
    let mut responses = Vec::with_capacity(request.topic_data.len());
    for sent in &request.topic_data {
        let topic = caller.shared.topics.get(&sent.name);
        let mut partitions = Vec::with_capacity(sent.partition_data.len());
        for data in &sent.partition_data {
            let stored = match &topic {
                _ if !matches!(request.acks, -1..=1) => {
                    let why = "acks must be -1, 0 or 1".to_owned();
                    Err((ResponseError::InvalidRequiredAcks, why))
                }
                None => Err(unknown()),
                Some(topic) => store(caller, topic, data, transactional_id),
            };
            partitions.push(respond(data.index, stored, version));
        }
        responses.push(
            TopicProduceResponse::default()
                .with_name(sent.name.clone())
                .with_partition_responses(partitions),
        );
    }
    ProduceResponse::default().with_responses(responses)
}

fn unknown() -> Refusal {
    (
        ResponseError::UnknownTopicOrPartition,
        "This server does not host this topic-partition.".to_owned(),
    )
}

fn respond(index: i32, stored: Result<Stored, Refusal>, version: i16) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(index);
    match stored {
        Ok(stored) => response
            .with_base_offset(stored.base_offset)
            .with_log_append_time_ms(stored.append_time_ms)
            .with_log_start_offset(if version >= 5 {
                stored.start_offset
            } else {
                -1
            }),
        Err((error, why)) => {
            let response = response
                .with_error_code(error.code())
                .with_base_offset(-1)
                .with_log_append_time_ms(-1);
            if version >= 8 {
                response.with_error_message(Some(text(&why)))
            } else {
                response
            }
        }
    }
}

fn store(
    caller: &Caller,
    topic: &Topic,
    data: &PartitionProduceData,
    transactional_id: Option<&str>,
) -> Result<Stored, Refusal> {
    let partition = topic.partition(data.index).ok_or_else(unknown)?;
    let config = topic.config();
    let now_ms = now_ms();
    let sent = data.records.clone().unwrap_or_default();
    let header = check(&sent, &config, now_ms)?;
    if header.is_transactional() {
        let producer = ProducerEpoch {
            producer_id: header.producer_id,
            epoch: header.producer_epoch,
        };
        let is_open = partition
            .log()
            .producers()
            .has_open_transaction(producer.producer_id, producer.epoch);
        if !is_open {
            let id = transactional_id.unwrap_or_default();
            let verified =
                caller
                    .shared
                    .transactions
                    .verify_partition(id, producer, &topic.name, data.index);
            verified.map_err(|error| {
                (
                    error,
                    "The partition is not in an open transaction of this producer.".to_owned(),
                )
            })?;
        }
    }
    if !caller.shared.reserve(sent.len()) {
        return Err(full(caller));
    }
    let mut bytes = sent.to_vec();
    if config.append_time {
        batch::stamp_append_time(&mut bytes, now_ms);
    }
    let header = Header::read(&bytes).unwrap_or(header);
    let mut log = partition.log();
    let appended = log
        .append(bytes, header, now_ms)
        .map_err(|error| (error, String::new()))?;
    if log.is_oversize(&config) {
        log.enforce_retention(&config, now_ms);
    }
    drop(log);
    if appended.fresh {
        partition.wake();
    }
    let append_time_ms = if config.append_time { now_ms } else { -1 };
    Ok(Stored {
        base_offset: appended.base_offset,
        append_time_ms,
        start_offset: appended.start_offset,
    })
}

fn full(caller: &Caller) -> Refusal {
    let why = format!(
        "The embedded broker's memory of {} bytes is full and retention lets nothing go: set retention.bytes or \
         retention.ms on the topics, delete topics or records, or raise the limit.",
        caller.shared.memory.max_bytes()
    );
    (ResponseError::PolicyViolation, why)
}

/// Checks a batch by its header; a compacted topic's batch is opened to see that every record has a key.
fn check(sent: &Bytes, config: &TopicConfig, now_ms: i64) -> Result<Header, Refusal> {
    let header = Header::accept(sent).map_err(|fault| match fault {
        Fault::Corrupt => (
            ResponseError::CorruptMessage,
            "The batch is cut short or its checksum does not agree.".to_owned(),
        ),
        Fault::OldFormat => (
            ResponseError::UnsupportedForMessageFormat,
            "Message formats 0 and 1 are not stored.".to_owned(),
        ),
        Fault::Invalid => (
            ResponseError::InvalidRecord,
            "Exactly one sound record batch is expected.".to_owned(),
        ),
    })?;
    if sent.len() > config.message_max_bytes {
        let why = format!(
            "The batch has {} bytes, more than max.message.bytes {}.",
            sent.len(),
            config.message_max_bytes
        );
        return Err((ResponseError::MessageTooLarge, why));
    }
    let newest_ms = header.max_timestamp_ms;
    let is_early = now_ms.saturating_sub(newest_ms) > config.timestamp_before_max_ms;
    let is_late = newest_ms.saturating_sub(now_ms) > config.timestamp_after_max_ms;
    if !config.append_time && newest_ms >= 0 && (is_early || is_late) {
        let why = format!("Timestamp {newest_ms} is out of range of the server's time {now_ms}.");
        return Err((ResponseError::InvalidTimestamp, why));
    }
    if config.compacts {
        let unfolded = unfold(&header, sent).ok_or_else(|| {
            (
                ResponseError::CorruptMessage,
                "The batch cannot be decompressed.".to_owned(),
            )
        })?;
        let mut records = Records::new(&header, &unfolded);
        if records.any(|record| record.key.is_none()) || !records.is_sound() {
            let why = "Compacted topic cannot accept message without key.".to_owned();
            return Err((ResponseError::InvalidRecord, why));
        }
    }
    Ok(header)
}
