//! JoinGroup, SyncGroup, Heartbeat and LeaveGroup.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{Caller, text};
use crate::clock::now_ms;
use crate::groups::group::Joined;
use crate::groups::join::{Join, JoinAnswer};
use crate::groups::sync::{Sync, SyncAnswer};

pub(crate) async fn join(
    caller: &Caller,
    version: i16,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    let member_id = request.member_id.to_string();
    let joined = match start_join(caller, version, &request) {
        Err(error) => Err((error, member_id)),
        Ok(JoinAnswer::Now(joined)) => joined,
        Ok(JoinAnswer::Later(answer)) => answer
            .await
            .unwrap_or(Err((ResponseError::UnknownMemberId, member_id))),
    };
    match joined {
        Ok(joined) => describe_joined(joined, version),
        Err((error, member_id)) => {
            let response = JoinGroupResponse::default()
                .with_error_code(error.code())
                .with_generation_id(-1)
                .with_member_id(text(&member_id));
            if version >= 7 {
                response
            } else {
                response.with_protocol_name(Some(StrBytes::new()))
            }
        }
    }
}

fn start_join(
    caller: &Caller,
    version: i16,
    request: &JoinGroupRequest,
) -> Result<JoinAnswer, ResponseError> {
    if request.group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    let now_ms = now_ms();
    let is_known = caller.shared.groups.get(&request.group_id).is_some();
    if !request.member_id.is_empty() && !is_known {
        return Err(ResponseError::UnknownMemberId);
    }
    let prefix = request
        .group_instance_id
        .as_ref()
        .map_or(caller.client_id.as_str(), |instance| instance.as_str());
    // Version 0 has no timeout for rebalances of its own.
    let rebalance_timeout_ms = if version >= 1 {
        request.rebalance_timeout_ms
    } else {
        request.session_timeout_ms
    };
    let join = Join {
        member_id: request.member_id.to_string(),
        new_member_id: format!("{prefix}-{}", caller.shared.identifiers.next().hyphenated()),
        instance: request.group_instance_id.as_ref().map(ToString::to_string),
        client_id: caller.client_id.clone(),
        client_host: format!("/{}", caller.host),
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .iter()
            .map(|one| (one.name.to_string(), copy(&one.metadata)))
            .collect(),
        session_timeout_ms: i64::from(request.session_timeout_ms),
        rebalance_timeout_ms: i64::from(rebalance_timeout_ms),
        requires_known_id: version >= 4,
        can_skip_assignment: version >= 9,
    };
    let cell = caller.shared.groups.get_or_create(&request.group_id)?;
    Ok(cell.lock().join(join, now_ms))
}

/// Bytes of their own, so that a long-lived member does not keep a whole frame.
fn copy(bytes: &bytes::Bytes) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(bytes)
}

fn describe_joined(joined: Joined, version: i16) -> JoinGroupResponse {
    let members = joined
        .members
        .into_iter()
        .map(|(member_id, instance, metadata)| {
            let member = JoinGroupResponseMember::default()
                .with_member_id(text(&member_id))
                .with_metadata(metadata);
            if version >= 5 {
                member.with_group_instance_id(instance.map(StrBytes::from_string))
            } else {
                member
            }
        });
    let response = JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_name(Some(StrBytes::from_string(joined.protocol_name)))
        .with_leader(text(&joined.leader))
        .with_member_id(text(&joined.member_id))
        .with_members(members.collect());
    let response = if version >= 7 {
        response.with_protocol_type(Some(text(&joined.protocol_type)))
    } else {
        response
    };
    if version >= 9 {
        response.with_skip_assignment(joined.skip_assignment)
    } else {
        response
    }
}

pub(crate) async fn sync(
    caller: &Caller,
    version: i16,
    request: SyncGroupRequest,
) -> SyncGroupResponse {
    let synced = match start_sync(caller, &request) {
        Err(error) => Err(error),
        Ok(SyncAnswer::Now(synced)) => synced,
        Ok(SyncAnswer::Later(answer)) => {
            answer.await.unwrap_or(Err(ResponseError::UnknownMemberId))
        }
    };
    match synced {
        Ok(synced) => {
            let response = SyncGroupResponse::default().with_assignment(synced.assignment);
            if version < 5 {
                return response;
            }
            response
                .with_protocol_type(Some(text(&synced.protocol_type)))
                .with_protocol_name(Some(text(&synced.protocol_name)))
        }
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

fn start_sync(caller: &Caller, request: &SyncGroupRequest) -> Result<SyncAnswer, ResponseError> {
    if request.group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    let cell = caller
        .shared
        .groups
        .get(&request.group_id)
        .ok_or(ResponseError::UnknownMemberId)?;
    let sync = Sync {
        member_id: request.member_id.to_string(),
        instance: request.group_instance_id.as_ref().map(ToString::to_string),
        generation: request.generation_id,
        protocol_type: request.protocol_type.as_ref().map(ToString::to_string),
        protocol_name: request.protocol_name.as_ref().map(ToString::to_string),
        assignments: request
            .assignments
            .iter()
            .map(|one| (one.member_id.to_string(), copy(&one.assignment)))
            .collect(),
    };
    Ok(cell.lock().sync(sync, now_ms()))
}

pub(crate) fn heartbeat(
    caller: &Caller,
    _version: i16,
    request: HeartbeatRequest,
) -> HeartbeatResponse {
    let instance = request.group_instance_id.as_ref().map(StrBytes::as_str);
    let alive = match caller.shared.groups.get(&request.group_id) {
        _ if request.group_id.is_empty() => Err(ResponseError::InvalidGroupId),
        None => Err(ResponseError::UnknownMemberId),
        Some(cell) => cell.lock().heartbeat(
            &request.member_id,
            instance,
            request.generation_id,
            now_ms(),
        ),
    };
    HeartbeatResponse::default().with_error_code(alive.err().map_or(0, |error| error.code()))
}

pub(crate) fn leave(
    caller: &Caller,
    version: i16,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    let now_ms = now_ms();
    let leave =
        |member_id: &str, instance: Option<&str>| match caller.shared.groups.get(&request.group_id)
        {
            _ if request.group_id.is_empty() => Err(ResponseError::InvalidGroupId),
            None => Err(ResponseError::UnknownMemberId),
            Some(cell) => cell.lock().leave(member_id, instance, now_ms),
        };
    let code = |left: Result<(), ResponseError>| left.err().map_or(0, |error| error.code());
    if version <= 2 {
        return LeaveGroupResponse::default()
            .with_error_code(code(leave(&request.member_id, None)));
    }
    let members = request.members.iter().map(|member| {
        let instance = member.group_instance_id.as_ref().map(StrBytes::as_str);
        MemberResponse::default()
            .with_member_id(member.member_id.clone())
            .with_group_instance_id(member.group_instance_id.clone())
            .with_error_code(code(leave(&member.member_id, instance)))
    });
    LeaveGroupResponse::default().with_members(members.collect())
}
