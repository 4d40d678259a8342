//! One consumer group: its members, generation and committed offsets.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tokio::sync::oneshot;

use super::offsets::{Committed, OffsetKey};

/// How long offsets are kept for a group without members (`offsets.retention.minutes`).
const OFFSETS_EXPIRY_MS: i64 = 604_800_000;
/// Members that one group may have.
pub(crate) const MEMBERS_MAX: usize = 1_000;

/// Where a group is between two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// No members; offsets may be there.
    #[default]
    Empty,
    /// Members are to join again.
    PreparingRebalance,
    /// All joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// All have their assignment.
    Stable,
}

impl State {
    /// The name that `DescribeGroups` states.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// What a member learns when all have joined.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub(crate) generation: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocol_name: String,
    pub(crate) leader: String,
    pub(crate) member_id: String,
    /// For the leader: member, instance, metadata of all.
    pub(crate) members: Vec<(String, Option<String>, Bytes)>,
    pub(crate) skip_assignment: bool,
}

/// What a member learns when the leader has assigned.
#[derive(Debug, Clone)]
pub(crate) struct Synced {
    pub(crate) assignment: Bytes,
    pub(crate) protocol_type: String,
    pub(crate) protocol_name: String,
}

pub(crate) type JoinReply = oneshot::Sender<Result<Joined, (ResponseError, String)>>;
pub(crate) type SyncReply = oneshot::Sender<Result<Synced, ResponseError>>;

/// A member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i64,
    pub(crate) rebalance_timeout_ms: i64,
    pub(crate) protocols: Vec<(String, Bytes)>,
    pub(crate) assignment: Bytes,
    /// Set while the member waits for the others to join.
    pub(crate) join_reply: Option<JoinReply>,
    /// Set while the member waits for the leader's assignment.
    pub(crate) sync_reply: Option<SyncReply>,
    pub(crate) expires_at_ms: i64,
}

impl Member {
    pub(crate) fn is_waiting(&self) -> bool {
        self.join_reply.is_some() || self.sync_reply.is_some()
    }

    /// The member's metadata for a protocol.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map_or_else(Bytes::new, |(_, metadata)| metadata.clone())
    }
}

/// A consumer group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) state: State,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    pub(crate) leader: Option<String>,
    pub(crate) members: BTreeMap<String, Member>,
    /// Static members: instance to member.
    pub(crate) instances: BTreeMap<String, String>,
    /// Member ids that were given out and not yet used, and when they lapse.
    pub(crate) pending: BTreeMap<String, i64>,
    /// When a rebalance goes on without those who are missing.
    pub(crate) rebalance_ends_at_ms: i64,
    pub(crate) offsets: BTreeMap<OffsetKey, Committed>,
    /// Offsets of open transactions, by producer.
    pub(crate) transactional: BTreeMap<i64, BTreeMap<OffsetKey, Committed>>,
    pub(crate) used_at_ms: i64,
}

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Nothing would be lost with it: no members, and no offsets or only ones that are past their time.
    pub(crate) fn is_forgettable(&self, now_ms: i64) -> bool {
        let is_unused = now_ms.saturating_sub(self.used_at_ms) > OFFSETS_EXPIRY_MS;
        self.members.is_empty()
            && self.pending.is_empty()
            && self.transactional.is_empty()
            && (self.offsets.is_empty() || is_unused)
    }

    /// Checks that the member belongs to the group, and that its instance is not someone else's by now.
    pub(crate) fn check_member(
        &self,
        member_id: &str,
        instance: Option<&str>,
    ) -> Result<(), ResponseError> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(holder) if holder != member_id => return Err(ResponseError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }

    /// Starts a rebalance: all members are to join again.
    pub(crate) fn prepare_rebalance(&mut self, now_ms: i64) {
        for member in self.members.values_mut() {
            if let Some(reply) = member.sync_reply.take() {
                let _ = reply.send(Err(ResponseError::RebalanceInProgress));
                member.expires_at_ms = now_ms + member.session_timeout_ms;
            }
            member.assignment = Bytes::new();
        }
        self.state = State::PreparingRebalance;
        let longest_ms = self
            .members
            .values()
            .map(|member| member.rebalance_timeout_ms)
            .max();
        self.rebalance_ends_at_ms = now_ms + longest_ms.unwrap_or(0);
    }

    /// Goes on to the next generation when every member has joined.
    pub(crate) fn try_complete_join(&mut self, now_ms: i64) {
        let all_joined = self
            .members
            .values()
            .all(|member| member.join_reply.is_some());
        if self.state == State::PreparingRebalance && all_joined && self.pending.is_empty() {
            self.complete_join(now_ms);
        }
    }

    /// Starts the next generation with those who joined.
    pub(crate) fn complete_join(&mut self, now_ms: i64) {
        self.generation = if self.generation == i32::MAX {
            1
        } else {
            self.generation + 1
        };
        if self.members.is_empty() {
            self.state = State::Empty;
            self.protocol_name = None;
            self.leader = None;
            return;
        }
        self.state = State::CompletingRebalance;
        self.protocol_name = Some(self.vote());
        if self
            .leader
            .as_ref()
            .is_none_or(|leader| !self.members.contains_key(leader))
        {
            self.leader = self.members.keys().next().cloned();
        }
        let longest_ms = self
            .members
            .values()
            .map(|member| member.rebalance_timeout_ms)
            .max();
        self.rebalance_ends_at_ms = now_ms + longest_ms.unwrap_or(0);
        for member_id in self.members.keys().cloned().collect::<Vec<_>>() {
            let joined = self.joined(&member_id);
            if let Some(member) = self.members.get_mut(&member_id) {
                member.expires_at_ms = now_ms + member.session_timeout_ms;
                if let Some(reply) = member.join_reply.take() {
                    let _ = reply.send(Ok(joined));
                }
            }
        }
    }

    /// The answer to a join in the present generation.
    pub(crate) fn joined(&self, member_id: &str) -> Joined {
        let protocol_name = self.protocol_name.clone().unwrap_or_default();
        let is_leader = self.leader.as_deref() == Some(member_id);
        let describe = |(id, member): (&String, &Member)| {
            (
                id.clone(),
                member.instance.clone(),
                member.metadata(&protocol_name),
            )
        };
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: member_id.to_owned(),
            members: if is_leader {
                self.members.iter().map(describe).collect()
            } else {
                Vec::new()
            },
            protocol_name,
            skip_assignment: false,
        }
    }

    /// The protocol that most members prefer, of those that all know.
    fn vote(&self) -> String {
        let known_by_all = |name: &str| {
            self.members
                .values()
                .all(|member| member.protocols.iter().any(|(one, _)| one == name))
        };
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| known_by_all(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let elected = votes.into_iter().max_by_key(|(_, count)| *count);
        elected.map_or_else(String::new, |(name, _)| name.to_owned())
    }

    /// Removes a member, and answers whatever it waits for.
    pub(crate) fn remove_member(&mut self, member_id: &str, why: ResponseError) {
        let Some(member) = self.members.remove(member_id) else {
            return;
        };
        if let Some(instance) = &member.instance
            && self
                .instances
                .get(instance)
                .is_some_and(|holder| holder == member_id)
        {
            self.instances.remove(instance);
        }
        if let Some(reply) = member.join_reply {
            let _ = reply.send(Err((why, member_id.to_owned())));
        }
        if let Some(reply) = member.sync_reply {
            let _ = reply.send(Err(why));
        }
    }

    /// What follows when members left or expired.
    pub(crate) fn after_removal(&mut self, now_ms: i64) {
        match self.state {
            State::Stable | State::CompletingRebalance => {
                self.prepare_rebalance(now_ms);
                self.try_complete_join(now_ms);
            }
            State::PreparingRebalance => self.try_complete_join(now_ms),
            State::Empty => {}
        }
    }
}
