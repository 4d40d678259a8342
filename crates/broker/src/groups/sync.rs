//! The second step of a rebalance: the leader assigns, all learn what they got.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tokio::sync::oneshot;

use super::group::{Group, State, Synced};

/// A request to sync.
#[derive(Debug)]
pub(crate) struct Sync {
    pub(crate) member_id: String,
    pub(crate) instance: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// The answer, now or when the leader has assigned.
#[derive(Debug)]
pub(crate) enum SyncAnswer {
    Now(Result<Synced, ResponseError>),
    Later(oneshot::Receiver<Result<Synced, ResponseError>>),
}

impl Group {
    /// Takes the leader's assignment, or a follower's wish to know its own.
    pub(crate) fn sync(&mut self, sync: Sync, now_ms: i64) -> SyncAnswer {
        if let Err(error) = self.check_sync(&sync) {
            return SyncAnswer::Now(Err(error));
        }
        match self.state {
            State::Empty => SyncAnswer::Now(Err(ResponseError::UnknownMemberId)),
            State::PreparingRebalance => SyncAnswer::Now(Err(ResponseError::RebalanceInProgress)),
            State::Stable => {
                self.touch(&sync.member_id, now_ms);
                SyncAnswer::Now(Ok(self.synced(&sync.member_id)))
            }
            State::CompletingRebalance => {
                let (reply, answer) = oneshot::channel();
                if let Some(member) = self.members.get_mut(&sync.member_id) {
                    member.sync_reply = Some(reply);
                }
                if self.leader.as_ref() == Some(&sync.member_id) {
                    self.assign(sync.assignments, now_ms);
                }
                SyncAnswer::Later(answer)
            }
        }
    }

    fn check_sync(&self, sync: &Sync) -> Result<(), ResponseError> {
        self.check_member(&sync.member_id, sync.instance.as_deref())?;
        if sync.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        let differs =
            |stated: &Option<String>, own: &Option<String>| stated.is_some() && stated != own;
        if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol_name, &self.protocol_name)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn assign(&mut self, assignments: Vec<(String, Bytes)>, now_ms: i64) {
        for (member_id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&member_id) {
                member.assignment = assignment;
            }
        }
        self.state = State::Stable;
        for member_id in self.members.keys().cloned().collect::<Vec<_>>() {
            let synced = self.synced(&member_id);
            if let Some(member) = self.members.get_mut(&member_id)
                && let Some(reply) = member.sync_reply.take()
            {
                member.expires_at_ms = now_ms + member.session_timeout_ms;
                let _ = reply.send(Ok(synced));
            }
        }
    }

    fn synced(&self, member_id: &str) -> Synced {
        Synced {
            assignment: self
                .members
                .get(member_id)
                .map_or_else(Bytes::new, |member| member.assignment.clone()),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_name: self.protocol_name.clone().unwrap_or_default(),
        }
    }
}
