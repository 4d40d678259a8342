//! The first step of a rebalance: members join, and wait until all have.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tokio::sync::oneshot;

use super::group::{Group, Joined, MEMBERS_MAX, Member, State};

/// Bounds on session timeouts, in milliseconds (`group.min.session.timeout.ms`, `group.max.session.timeout.ms`).
const SESSION_TIMEOUT_MS: std::ops::RangeInclusive<i64> = 500..=1_800_000;

/// A request to join.
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) member_id: String,
    /// The id that a new member gets.
    pub(crate) new_member_id: String,
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<(String, Bytes)>,
    pub(crate) session_timeout_ms: i64,
    pub(crate) rebalance_timeout_ms: i64,
    /// Whether a new member must come again with the id that it is given (version 4 and later).
    pub(crate) requires_known_id: bool,
    /// Whether the client understands that a leader may skip the assignment (version 9 and later).
    pub(crate) can_skip_assignment: bool,
}

/// The answer, now or when all have joined.
#[derive(Debug)]
pub(crate) enum JoinAnswer {
    Now(Result<Joined, (ResponseError, String)>),
    Later(oneshot::Receiver<Result<Joined, (ResponseError, String)>>),
}

fn refuse(error: ResponseError, member_id: &str) -> JoinAnswer {
    JoinAnswer::Now(Err((error, member_id.to_owned())))
}

impl Group {
    /// Takes a member in, or again.
    pub(crate) fn join(&mut self, join: Join, now_ms: i64) -> JoinAnswer {
        self.used_at_ms = now_ms;
        if !SESSION_TIMEOUT_MS.contains(&join.session_timeout_ms) {
            return refuse(ResponseError::InvalidSessionTimeout, &join.member_id);
        }
        if !self.accepts_protocols(&join) {
            return refuse(ResponseError::InconsistentGroupProtocol, &join.member_id);
        }
        if join.member_id.is_empty() {
            self.join_new(join, now_ms)
        } else {
            self.join_known(join, now_ms)
        }
    }

    fn accepts_protocols(&self, join: &Join) -> bool {
        if join.protocol_type.is_empty() || join.protocols.is_empty() {
            return false;
        }
        if self.members.is_empty() {
            return true;
        }
        let known_by_others = |name: &str| {
            self.members
                .iter()
                .filter(|(id, _)| **id != join.member_id)
                .all(|(_, member)| member.protocols.iter().any(|(one, _)| one == name))
        };
        self.protocol_type.as_deref() == Some(join.protocol_type.as_str())
            && join.protocols.iter().any(|(name, _)| known_by_others(name))
    }

    fn join_new(&mut self, join: Join, now_ms: i64) -> JoinAnswer {
        if let Some(instance) = &join.instance {
            if let Some(holder) = self.instances.get(instance).cloned() {
                return self.replace_static(join, &holder, now_ms);
            }
        } else if join.requires_known_id {
            if self.members.len() + self.pending.len() >= MEMBERS_MAX {
                return refuse(ResponseError::GroupMaxSizeReached, "");
            }
            self.pending
                .insert(join.new_member_id.clone(), now_ms + join.session_timeout_ms);
            return refuse(ResponseError::MemberIdRequired, &join.new_member_id);
        }
        let member_id = join.new_member_id.clone();
        self.add_member(member_id, join, now_ms)
    }

    fn join_known(&mut self, join: Join, now_ms: i64) -> JoinAnswer {
        let member_id = join.member_id.clone();
        if self.pending.remove(&member_id).is_some() {
            return self.add_member(member_id, join, now_ms);
        }
        if let Err(error) = self.check_member(&member_id, join.instance.as_deref()) {
            return refuse(error, &member_id);
        }
        let same_protocols = self
            .members
            .get(&member_id)
            .is_some_and(|member| member.protocols == join.protocols);
        let is_leader = self.leader.as_deref() == Some(member_id.as_str());
        match self.state {
            State::CompletingRebalance if same_protocols => {
                JoinAnswer::Now(Ok(self.joined(&member_id)))
            }
            State::Stable if same_protocols && !is_leader => {
                JoinAnswer::Now(Ok(self.joined(&member_id)))
            }
            State::Empty => refuse(ResponseError::UnknownMemberId, &member_id),
            _ => self.rejoin(&member_id, join, now_ms),
        }
    }

    fn add_member(&mut self, member_id: String, join: Join, now_ms: i64) -> JoinAnswer {
        if self.members.len() >= MEMBERS_MAX {
            return refuse(ResponseError::GroupMaxSizeReached, &member_id);
        }
        if let Some(instance) = &join.instance {
            self.instances.insert(instance.clone(), member_id.clone());
        }
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type);
        }
        let (reply, answer) = oneshot::channel();
        let member = Member {
            instance: join.instance,
            client_id: join.client_id,
            client_host: join.client_host,
            session_timeout_ms: join.session_timeout_ms,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            protocols: join.protocols,
            assignment: Bytes::new(),
            join_reply: Some(reply),
            sync_reply: None,
            expires_at_ms: now_ms + join.session_timeout_ms,
        };
        self.members.insert(member_id, member);
        self.rebalance(now_ms);
        JoinAnswer::Later(answer)
    }

    fn rejoin(&mut self, member_id: &str, join: Join, now_ms: i64) -> JoinAnswer {
        let (reply, answer) = oneshot::channel();
        if let Some(member) = self.members.get_mut(member_id) {
            member.protocols = join.protocols;
            member.session_timeout_ms = join.session_timeout_ms;
            member.rebalance_timeout_ms = join.rebalance_timeout_ms;
            member.client_id = join.client_id;
            member.client_host = join.client_host;
            member.join_reply = Some(reply);
        }
        self.rebalance(now_ms);
        JoinAnswer::Later(answer)
    }

    fn rebalance(&mut self, now_ms: i64) {
        if self.state != State::PreparingRebalance {
            self.prepare_rebalance(now_ms);
        }
        self.try_complete_join(now_ms);
    }

    /// A static member is back under a new member id: it takes the place of its former self, which is fenced.
    fn replace_static(&mut self, join: Join, former_id: &str, now_ms: i64) -> JoinAnswer {
        let member_id = join.new_member_id.clone();
        let Some(mut member) = self.members.remove(former_id) else {
            return self.add_member(member_id, join, now_ms);
        };
        if let Some(reply) = member.join_reply.take() {
            let _ = reply.send(Err((ResponseError::FencedInstanceId, former_id.to_owned())));
        }
        if let Some(reply) = member.sync_reply.take() {
            let _ = reply.send(Err(ResponseError::FencedInstanceId));
        }
        let was_leader = self.leader.as_deref() == Some(former_id);
        if was_leader {
            self.leader = Some(member_id.clone());
        }
        if let Some(instance) = &join.instance {
            self.instances.insert(instance.clone(), member_id.clone());
        }
        let same_metadata = self.protocol_name.as_ref().is_some_and(|name| {
            join.protocols
                .iter()
                .any(|(one, metadata)| one == name && *metadata == member.metadata(name))
        });
        member.expires_at_ms = now_ms + join.session_timeout_ms;
        self.members.insert(member_id.clone(), member);
        if self.state != State::Stable || !same_metadata {
            return self.rejoin(&member_id, join, now_ms);
        }
        if let Some(member) = self.members.get_mut(&member_id) {
            member.protocols = join.protocols;
            member.session_timeout_ms = join.session_timeout_ms;
            member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        }
        let mut joined = self.joined(&member_id);
        if was_leader && join.can_skip_assignment {
            joined.skip_assignment = true;
        } else if was_leader {
            // An older client would assign anew if it were told that it leads.
            joined.leader = former_id.to_owned();
            joined.members.clear();
        }
        JoinAnswer::Now(Ok(joined))
    }
}
