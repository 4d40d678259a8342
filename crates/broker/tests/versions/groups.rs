//! Groups and what they commit.

use crate::wire::text;
use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;

use super::Walk;

pub(super) fn group(walk: &mut Walk) -> String {
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

pub(super) fn commits(walk: &mut Walk, member: &str) {
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
