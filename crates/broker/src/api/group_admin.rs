//! DescribeGroups, ListGroups, DeleteGroups and OffsetDelete.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    GroupId, ListGroupsRequest, ListGroupsResponse, OffsetDeleteRequest, OffsetDeleteResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{Caller, text};
use crate::groups::group::{Group, State};

pub(crate) fn describe(
    caller: &Caller,
    version: i16,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let groups = request.groups.iter().map(|id| {
        let described = DescribedGroup::default().with_group_id(id.clone());
        match caller.shared.groups.get(id) {
            Some(cell) => describe_one(described, &cell.lock(), version),
            None if version >= 6 => described
                .with_group_state(text("Dead"))
                .with_error_code(ResponseError::GroupIdNotFound.code())
                .with_error_message(Some(text(&format!("Group {} not found.", id.0)))),
            None => described.with_group_state(text("Dead")),
        }
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn describe_one(described: DescribedGroup, group: &Group, version: i16) -> DescribedGroup {
    let is_stable = group.state == State::Stable;
    let protocol = group
        .protocol_name
        .clone()
        .filter(|_| is_stable)
        .unwrap_or_default();
    let members = group.members.iter().map(|(id, member)| {
        let metadata = if is_stable {
            member.metadata(&protocol)
        } else {
            bytes::Bytes::new()
        };
        let described = DescribedGroupMember::default()
            .with_member_id(text(id))
            .with_client_id(text(&member.client_id))
            .with_client_host(text(&member.client_host))
            .with_member_metadata(metadata)
            .with_member_assignment(member.assignment.clone());
        let instance = member.instance.clone().map(StrBytes::from_string);
        if version >= 4 {
            described.with_group_instance_id(instance)
        } else {
            described
        }
    });
    described
        .with_group_state(text(group.state.name()))
        .with_protocol_type(text(group.protocol_type.as_deref().unwrap_or_default()))
        .with_protocol_data(text(&protocol))
        .with_members(members.collect())
}

pub(crate) fn list(
    caller: &Caller,
    version: i16,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    let matches = |filter: &[StrBytes], value: &str| {
        filter.is_empty()
            || filter
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let mut listed = Vec::new();
    for (id, cell) in caller.shared.groups.all() {
        let group = cell.lock();
        if !matches(&request.states_filter, group.state.name())
            || !matches(&request.types_filter, "classic")
        {
            continue;
        }
        let mut one = ListedGroup::default()
            .with_group_id(GroupId(text(&id)))
            .with_protocol_type(text(group.protocol_type.as_deref().unwrap_or_default()));
        if version >= 4 {
            one = one.with_group_state(text(group.state.name()));
        }
        if version >= 5 {
            one = one.with_group_type(text("classic"));
        }
        listed.push(one);
    }
    ListGroupsResponse::default().with_groups(listed)
}

pub(crate) fn delete(
    caller: &Caller,
    _version: i16,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let results = request.groups_names.iter().map(|id| {
        let removed = if id.is_empty() {
            Err(ResponseError::InvalidGroupId)
        } else {
            caller.shared.groups.remove(id)
        };
        let code = removed.err().map_or(0, |error| error.code());
        DeletableGroupResult::default()
            .with_group_id(id.clone())
            .with_error_code(code)
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}

pub(crate) fn delete_offsets(
    caller: &Caller,
    _version: i16,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let Some(cell) = caller.shared.groups.get(&request.group_id) else {
        return OffsetDeleteResponse::default()
            .with_error_code(ResponseError::GroupIdNotFound.code());
    };
    let mut group = cell.lock();
    // Which topics a member has subscribed to is the members' own business; with members there, all count as in use.
    let in_use = !group.is_empty();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for one in &topic.partitions {
            let code = if in_use {
                ResponseError::GroupSubscribedToTopic.code()
            } else {
                0
            };
            if !in_use {
                group
                    .offsets
                    .remove(&(topic.name.to_string(), one.partition_index));
            }
            let partition =
                OffsetDeleteResponsePartition::default().with_partition_index(one.partition_index);
            partitions.push(partition.with_error_code(code));
        }
        topics.push(
            OffsetDeleteResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions),
        );
    }
    OffsetDeleteResponse::default().with_topics(topics)
}
