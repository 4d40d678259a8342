//! Fetch: what is there at once, or as soon as it comes.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_request::FetchPartition;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::Caller;
use super::answer::Answer;
use super::fetch_encoding::{self, Part, TopicParts};
use super::head::Head;
use crate::log::partition::{Partition, Waiting};
use crate::topics::Topic;

/// Most bytes that one answer carries (`fetch.max.bytes`).
const ANSWER_MAX_BYTES: usize = 55 * 1024 * 1024;
/// Longest wait for data.
const WAIT_MAX_MS: u64 = 300_000;
/// The leader's epoch: there was never another leader.
const LEADER_EPOCH: i32 = 0;

pub(crate) async fn handle(
    caller: &Caller,
    head: Head,
    request: FetchRequest,
) -> Result<Answer, String> {
    if request.session_id != 0 {
        // Sessions are never granted, so this one is not known.
        let error = ResponseError::FetchSessionIdNotFound;
        return Ok(fetch_encoding::encode(head, error.code(), Vec::new()));
    }
    let wait_ms = u64::try_from(request.max_wait_ms)
        .unwrap_or(0)
        .min(WAIT_MAX_MS);
    let deadline = Instant::now() + Duration::from_millis(wait_ms);
    let bytes_least = usize::try_from(request.min_bytes).unwrap_or(0);
    let (mut parts, mut found) = collect(caller, head, &request);
    if found.is_enough(bytes_least) || wait_ms == 0 {
        return Ok(fetch_encoding::encode(head, 0, parts));
    }
    let notify = Arc::new(Notify::new());
    let registered = register(caller, head, &request, &notify);
    loop {
        // What came between the look and the registration is seen here.
        (parts, found) = collect(caller, head, &request);
        if found.is_enough(bytes_least) || timeout_at(deadline, notify.notified()).await.is_err() {
            drop(registered);
            return Ok(fetch_encoding::encode(head, 0, parts));
        }
    }
}

/// What a look found.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    bytes: usize,
    has_error: bool,
}

impl Found {
    fn is_enough(self, bytes_least: usize) -> bool {
        self.has_error || self.bytes >= bytes_least
    }
}

fn find_topic(
    caller: &Caller,
    head: Head,
    name: &str,
    id: Uuid,
) -> Result<Arc<Topic>, ResponseError> {
    if head.version >= 13 {
        caller
            .shared
            .topics
            .get_by_id(id)
            .ok_or(ResponseError::UnknownTopicId)
    } else {
        caller
            .shared
            .topics
            .get(name)
            .ok_or(ResponseError::UnknownTopicOrPartition)
    }
}

fn register(
    caller: &Caller,
    head: Head,
    request: &FetchRequest,
    notify: &Arc<Notify>,
) -> Vec<Waiting> {
    let mut registered = Vec::new();
    for wanted in &request.topics {
        if let Ok(topic) = find_topic(caller, head, &wanted.topic, wanted.topic_id) {
            let partitions = wanted
                .partitions
                .iter()
                .filter_map(|one| topic.partition(one.partition));
            registered.extend(partitions.map(|partition| partition.wait(notify)));
        }
    }
    registered
}

fn collect(caller: &Caller, head: Head, request: &FetchRequest) -> (Vec<TopicParts>, Found) {
    let mut found = Found::default();
    let committed_only = request.isolation_level == 1;
    let mut bytes_left = usize::try_from(request.max_bytes)
        .unwrap_or(0)
        .min(ANSWER_MAX_BYTES);
    let mut topics = Vec::with_capacity(request.topics.len());
    for wanted in &request.topics {
        let topic = find_topic(caller, head, &wanted.topic, wanted.topic_id);
        let mut parts = Vec::with_capacity(wanted.partitions.len());
        for one in &wanted.partitions {
            let part = match &topic {
                Err(error) => Part::unknown(one.partition, *error),
                Ok(topic) => match topic.partition(one.partition) {
                    None => Part::unknown(one.partition, ResponseError::UnknownTopicOrPartition),
                    Some(partition) => read(
                        &partition,
                        one,
                        committed_only,
                        bytes_left,
                        found.bytes == 0,
                    ),
                },
            };
            found.has_error |= part.error_code != 0;
            found.bytes += part.records_bytes;
            bytes_left = bytes_left.saturating_sub(part.records_bytes);
            parts.push(part);
        }
        topics.push(TopicParts {
            name: wanted.topic.0.clone(),
            id: wanted.topic_id,
            parts,
        });
    }
    (topics, found)
}

fn read(
    partition: &Partition,
    wanted: &FetchPartition,
    committed_only: bool,
    bytes_left: usize,
    first: bool,
) -> Part {
    if wanted.current_leader_epoch > LEADER_EPOCH {
        return Part::failed(wanted.partition, ResponseError::UnknownLeaderEpoch);
    }
    let log = partition.log();
    let stable_offset = log.stable_offset();
    let mut part = Part {
        index: wanted.partition,
        high_watermark: log.end_offset(),
        stable_offset,
        start_offset: log.start_offset(),
        ..Part::default()
    };
    if wanted.fetch_offset < log.start_offset() || wanted.fetch_offset > log.end_offset() {
        let failed = Part::failed(wanted.partition, ResponseError::OffsetOutOfRange);
        return Part {
            high_watermark: -1,
            stable_offset: -1,
            start_offset: -1,
            ..failed
        };
    }
    let limit_offset = if committed_only {
        stable_offset
    } else {
        log.end_offset()
    };
    let max_bytes = usize::try_from(wanted.partition_max_bytes)
        .unwrap_or(0)
        .min(bytes_left);
    let slice = log.read(wanted.fetch_offset, limit_offset, max_bytes, first);
    drop(log);
    part.records_bytes = slice.bytes;
    part.records = slice.batches;
    part.aborted = committed_only.then_some(slice.aborted);
    part
}
