//! OffsetCommit and OffsetFetch.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::{Caller, text};
use crate::clock::now_ms;
use crate::groups::Cell;
use crate::groups::group::Group;
use crate::groups::offsets::{Committed, Committer};

pub(crate) fn commit(
    caller: &Caller,
    _version: i16,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let committer = Committer {
        generation: request.generation_id_or_member_epoch,
        member_id: &request.member_id,
        instance: request.group_instance_id.as_ref().map(StrBytes::as_str),
    };
    let cell = find_or_create(caller, &request.group_id, committer);
    let mut group = cell.as_ref().map(|cell| cell.lock());
    let permitted = match &mut group {
        Err(error) => Err(**error),
        Ok(group) => group.check_committer(committer, false, now_ms()),
    };
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
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
            let is_there = caller
                .shared
                .topics
                .partition(&topic.name, one.partition_index)
                .is_some();
            let kept = match (&mut group, permitted) {
                (_, Err(error)) => Err(error),
                _ if !is_there => Err(ResponseError::UnknownTopicOrPartition),
                (Ok(group), Ok(())) => {
                    group.commit((topic.name.to_string(), one.partition_index), committed)
                }
                (Err(error), Ok(())) => Err(**error),
            };
            let code = kept.err().map_or(0, |error| error.code());
            let partition =
                OffsetCommitResponsePartition::default().with_partition_index(one.partition_index);
            partitions.push(partition.with_error_code(code));
        }
        topics.push(
            OffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions),
        );
    }
    OffsetCommitResponse::default().with_topics(topics)
}

/// The group to commit to. A member of a group that is not known is of an old generation; others found a group.
pub(crate) fn find_or_create(
    caller: &Caller,
    id: &str,
    committer: Committer<'_>,
) -> Result<Arc<Cell>, ResponseError> {
    if id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    match caller.shared.groups.get(id) {
        Some(cell) => Ok(cell),
        None if committer.generation >= 0 => Err(ResponseError::IllegalGeneration),
        None => caller.shared.groups.get_or_create(id),
    }
}

/// What is known of one partition, before it is put into the form of either version.
struct Known {
    topic: TopicName,
    index: i32,
    offset: i64,
    leader_epoch: i32,
    metadata: String,
    error_code: i16,
}

pub(crate) fn fetch(
    caller: &Caller,
    version: i16,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    if version >= 8 {
        let groups = request.groups.iter().map(|wanted| {
            let topics = wanted.topics.as_ref().map(|topics| {
                topics
                    .iter()
                    .map(|topic| (topic.name.clone(), topic.partition_indexes.clone()))
                    .collect::<Vec<_>>()
            });
            let (known, error_code) =
                look_up(caller, &wanted.group_id, topics, request.require_stable);
            OffsetFetchResponseGroup::default()
                .with_group_id(wanted.group_id.clone())
                .with_topics(by_topic_since_8(known))
                .with_error_code(error_code)
        });
        return OffsetFetchResponse::default().with_groups(groups.collect());
    }
    let topics = request.topics.as_ref().map(|topics| {
        topics
            .iter()
            .map(|topic| (topic.name.clone(), topic.partition_indexes.clone()))
            .collect::<Vec<_>>()
    });
    let (known, error_code) = look_up(caller, &request.group_id, topics, request.require_stable);
    let response = OffsetFetchResponse::default().with_topics(by_topic_until_7(known));
    if version >= 2 {
        response.with_error_code(error_code)
    } else {
        response
    }
}

/// The offsets of the wanted partitions in their order, or of all.
fn look_up(
    caller: &Caller,
    group_id: &str,
    wanted: Option<Vec<(TopicName, Vec<i32>)>>,
    require_stable: bool,
) -> (Vec<Known>, i16) {
    if group_id.is_empty() {
        return (Vec::new(), ResponseError::InvalidGroupId.code());
    }
    let cell = caller.shared.groups.get(group_id);
    let group = cell.as_ref().map(|cell| cell.lock());
    let group = group.as_deref();
    let keys: Vec<(TopicName, i32)> = match wanted {
        Some(topics) => topics
            .into_iter()
            .flat_map(|(name, indexes)| indexes.into_iter().map(move |index| (name.clone(), index)))
            .collect(),
        None => group.map_or_else(Vec::new, |group| {
            group
                .offsets
                .keys()
                .map(|(name, index)| (TopicName(text(name)), *index))
                .collect()
        }),
    };
    (
        keys.into_iter()
            .map(|(topic, index)| known(group, topic, index, require_stable))
            .collect(),
        0,
    )
}

fn known(group: Option<&Group>, topic: TopicName, index: i32, require_stable: bool) -> Known {
    let nothing = Known {
        topic,
        index,
        offset: -1,
        leader_epoch: -1,
        metadata: String::new(),
        error_code: 0,
    };
    let key = (nothing.topic.to_string(), index);
    let Some(group) = group else { return nothing };
    if require_stable && group.is_unstable(&key) {
        return Known {
            error_code: ResponseError::UnstableOffsetCommit.code(),
            ..nothing
        };
    }
    match group.offsets.get(&key) {
        None => nothing,
        Some(committed) => Known {
            offset: committed.offset,
            leader_epoch: committed.leader_epoch,
            metadata: committed.metadata.clone(),
            ..nothing
        },
    }
}

fn by_topic_since_8(known: Vec<Known>) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for one in known {
        let partition = OffsetFetchResponsePartitions::default()
            .with_partition_index(one.index)
            .with_committed_offset(one.offset)
            .with_committed_leader_epoch(one.leader_epoch)
            .with_metadata(Some(StrBytes::from_string(one.metadata)))
            .with_error_code(one.error_code);
        match topics.last_mut().filter(|topic| topic.name == one.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                OffsetFetchResponseTopics::default()
                    .with_name(one.topic)
                    .with_partitions(vec![partition]),
            ),
        }
    }
    topics
}

fn by_topic_until_7(known: Vec<Known>) -> Vec<OffsetFetchResponseTopic> {
    let mut topics: Vec<OffsetFetchResponseTopic> = Vec::new();
    for one in known {
        let partition = OffsetFetchResponsePartition::default()
            .with_partition_index(one.index)
            .with_committed_offset(one.offset)
            .with_committed_leader_epoch(one.leader_epoch)
            .with_metadata(Some(StrBytes::from_string(one.metadata)))
            .with_error_code(one.error_code);
        match topics.last_mut().filter(|topic| topic.name == one.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                OffsetFetchResponseTopic::default()
                    .with_name(one.topic)
                    .with_partitions(vec![partition]),
            ),
        }
    }
    topics
}
