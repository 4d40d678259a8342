//! Heartbeats, leaving, and what happens to members that fall silent.

use kafka_protocol::ResponseError;

use super::group::{Group, State};

impl Group {
    /// Puts off the member's expiry.
    pub(crate) fn touch(&mut self, member_id: &str, now_ms: i64) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.expires_at_ms = now_ms + member.session_timeout_ms;
        }
    }

    /// A sign of life; the answer tells a member to join again.
    pub(crate) fn heartbeat(
        &mut self,
        member_id: &str,
        instance: Option<&str>,
        generation: i32,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        self.check_member(member_id, instance)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        self.touch(member_id, now_ms);
        if self.state == State::PreparingRebalance {
            Err(ResponseError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    /// A member leaves; a static one may be named by its instance alone.
    pub(crate) fn leave(
        &mut self,
        member_id: &str,
        instance: Option<&str>,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        if self.pending.remove(member_id).is_some() {
            self.try_complete_join(now_ms);
            return Ok(());
        }
        let leaving = match instance {
            Some(instance) => {
                let holder = self
                    .instances
                    .get(instance)
                    .ok_or(ResponseError::UnknownMemberId)?;
                if !member_id.is_empty() && holder != member_id {
                    return Err(ResponseError::FencedInstanceId);
                }
                holder.clone()
            }
            None => member_id.to_owned(),
        };
        if !self.members.contains_key(&leaving) {
            return Err(ResponseError::UnknownMemberId);
        }
        self.used_at_ms = now_ms;
        self.remove_member(&leaving, ResponseError::UnknownMemberId);
        self.after_removal(now_ms);
        Ok(())
    }

    /// Removes members whose session is over, and ends rebalances that took too long.
    pub(crate) fn expire(&mut self, now_ms: i64) {
        let pending_before = self.pending.len();
        self.pending
            .retain(|_, lapses_at_ms| *lapses_at_ms > now_ms);
        let silent = |group: &Self| -> Vec<String> {
            let over = group
                .members
                .iter()
                .filter(|(_, member)| !member.is_waiting() && member.expires_at_ms <= now_ms);
            over.map(|(id, _)| id.clone()).collect()
        };
        let expired = silent(self);
        for member_id in &expired {
            self.remove_member(member_id, ResponseError::UnknownMemberId);
        }
        if !expired.is_empty() {
            self.used_at_ms = now_ms;
            self.after_removal(now_ms);
        } else if self.pending.len() != pending_before {
            self.try_complete_join(now_ms);
        }
        if now_ms >= self.rebalance_ends_at_ms {
            self.end_overdue_rebalance(now_ms);
        }
    }

    fn end_overdue_rebalance(&mut self, now_ms: i64) {
        let is_missing: fn(&super::group::Member) -> bool = match self.state {
            State::PreparingRebalance => |member| member.join_reply.is_none(),
            State::CompletingRebalance => |member| member.sync_reply.is_none(),
            State::Empty | State::Stable => return,
        };
        let missing: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| is_missing(member))
            .map(|(id, _)| id.clone())
            .collect();
        for member_id in &missing {
            self.remove_member(member_id, ResponseError::UnknownMemberId);
        }
        if self.state == State::PreparingRebalance {
            self.pending.clear();
            self.complete_join(now_ms);
        } else if !missing.is_empty() {
            self.after_removal(now_ms);
        }
    }
}
