//! Corner cases of groups: which code answers what. The lines are compared with Apache Kafka's.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;

use super::Outcome;
use super::client::{Target, unique};
use super::codes::{coordinators, fetch_offset, topic_name};
use crate::wire::{Wire, text};

fn join(
    wire: &mut Wire,
    group: &str,
    member: &str,
    protocol: &str,
    session_timeout_ms: i32,
) -> JoinGroupResponse {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text(protocol))
        .with_metadata(Bytes::from_static(b"meta"));
    let request = JoinGroupRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_session_timeout_ms(session_timeout_ms)
        .with_rebalance_timeout_ms(5_000)
        .with_member_id(text(member))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    wire.ask(&request, 7)
}

fn heartbeat(wire: &mut Wire, group: &str, member: &str, generation: i32) -> i16 {
    let request = HeartbeatRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_member_id(text(member))
        .with_generation_id(generation);
    wire.ask(&request, 4).error_code
}

fn commit(wire: &mut Wire, group: &str, member: &str, generation: i32, topic: &str) -> i16 {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(7);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_member_id(text(member))
        .with_generation_id_or_member_epoch(generation)
        .with_topics(vec![topic]);
    wire.ask(&request, 8).topics[0].partitions[0].error_code
}

fn sync(wire: &mut Wire, group: &str, member: &str, generation: i32) -> (i16, Bytes) {
    let own = SyncGroupRequestAssignment::default()
        .with_member_id(text(member))
        .with_assignment(Bytes::from_static(b"all"));
    let request = SyncGroupRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_member_id(text(member))
        .with_generation_id(generation)
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(vec![own]);
    let response = wire.ask(&request, 5);
    (response.error_code, response.assignment)
}

pub fn group_codes(target: &Target) -> Outcome {
    let topic = target.create_topic("group-codes", 1, &[]);
    let wire = &mut Wire::connect(&target.bootstrap);
    let group = unique("group-codes");
    coordinators(wire, &group);
    let mut seen = Vec::new();
    without_group(wire, &group, &topic, &mut seen);
    let member = in_group(wire, &group, &topic, &mut seen);
    after_group(wire, &group, &topic, &member, &mut seen);
    seen
}

fn without_group(wire: &mut Wire, group: &str, topic: &str, seen: &mut Outcome) {
    seen.push(format!(
        "heartbeat to nothing {}",
        heartbeat(wire, group, "m", 1)
    ));
    seen.push(format!(
        "commit to nothing {}",
        commit(wire, group, "m", 1, topic)
    ));
    seen.push(format!(
        "offset of nothing {:?}",
        fetch_offset(wire, group, topic, true)
    ));
    seen.push(format!(
        "join as a stranger {}",
        join(wire, group, "stranger", "range", 10_000).error_code
    ));
    seen.push(format!(
        "short session {}",
        join(wire, group, "", "range", 1).error_code
    ));
    seen.push(format!(
        "no group {}",
        join(wire, "", "", "range", 10_000).error_code
    ));
}

/// Joins as the only member; gives its id.
fn in_group(wire: &mut Wire, group: &str, topic: &str, seen: &mut Outcome) -> String {
    let first = join(wire, group, "", "range", 10_000);
    let member = first.member_id.to_string();
    seen.push(format!(
        "id required {} {}",
        first.error_code,
        !member.is_empty()
    ));
    let joined = join(wire, group, &member, "range", 10_000);
    seen.push(format!(
        "joined {} generation {} {:?} {} members, leads {}",
        joined.error_code,
        joined.generation_id,
        joined.protocol_name,
        joined.members.len(),
        joined.leader == joined.member_id
    ));
    seen.push(format!(
        "commit while completing {}",
        commit(wire, group, &member, 1, topic)
    ));
    seen.push(format!(
        "heartbeat while completing {}",
        heartbeat(wire, group, &member, 1)
    ));
    seen.push(format!(
        "sync of another generation {}",
        sync(wire, group, &member, 2).0
    ));
    seen.push(format!("sync {:?}", sync(wire, group, &member, 1)));
    seen.push(format!("sync again {:?}", sync(wire, group, &member, 1)));
    seen.push(format!("heartbeat {}", heartbeat(wire, group, &member, 1)));
    seen.push(format!(
        "heartbeat of generation 9 {}",
        heartbeat(wire, group, &member, 9)
    ));
    seen.push(format!(
        "heartbeat of a stranger {}",
        heartbeat(wire, group, "stranger", 1)
    ));
    seen.push(format!("commit {}", commit(wire, group, &member, 1, topic)));
    seen.push(format!(
        "commit of generation 0 {}",
        commit(wire, group, &member, 0, topic)
    ));
    seen.push(format!(
        "commit of a stranger {}",
        commit(wire, group, "stranger", 1, topic)
    ));
    seen.push(format!(
        "commit from outside {}",
        commit(wire, group, "", -1, topic)
    ));
    seen.push(format!(
        "commit to no topic {}",
        commit(wire, group, &member, 1, "nowhere-at-all")
    ));
    seen.push(format!(
        "other protocol {}",
        join(wire, group, "", "sticky", 10_000).error_code
    ));
    member
}

fn after_group(wire: &mut Wire, group: &str, topic: &str, member: &str, seen: &mut Outcome) {
    seen.push(format!("delete in use {}", delete_group(wire, group)));
    let leave = LeaveGroupRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_members(vec![
            MemberIdentity::default().with_member_id(text(member)),
            MemberIdentity::default().with_member_id(text("stranger")),
        ]);
    let left = wire.ask(&leave, 4);
    seen.push(format!(
        "leave {} {:?}",
        left.error_code,
        left.members
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>()
    ));
    seen.push(format!(
        "commit from outside {}",
        commit(wire, group, "", -1, topic)
    ));
    seen.push(format!(
        "offset {:?}",
        fetch_offset(wire, group, topic, true)
    ));
    let described = wire.ask(
        &DescribeGroupsRequest::default().with_groups(vec![GroupId(text(group))]),
        4,
    );
    seen.push(format!(
        "{} {}",
        described.groups[0].group_state, described.groups[0].protocol_type
    ));
    seen.push(format!("delete {}", delete_group(wire, group)));
    seen.push(format!("delete again {}", delete_group(wire, group)));
    let described = wire.ask(
        &DescribeGroupsRequest::default().with_groups(vec![GroupId(text(group))]),
        4,
    );
    seen.push(format!(
        "{} {}",
        described.groups[0].group_state, described.groups[0].error_code
    ));
}

fn delete_group(wire: &mut Wire, group: &str) -> i16 {
    wire.ask(
        &DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text(group))]),
        2,
    )
    .results[0]
        .error_code
}
