//! What a group has read: offsets committed directly, and offsets that go with a transaction.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::group::{Group, State};

/// Topic and partition.
pub(crate) type OffsetKey = (String, i32);

/// Partitions whose offsets one group may hold.
pub(crate) const OFFSETS_MAX: usize = 100_000;
/// Bytes of metadata with an offset (`offset.metadata.max.bytes`).
pub(crate) const METADATA_MAX_BYTES: usize = 4096;

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// Who commits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Committer<'a> {
    pub(crate) generation: i32,
    pub(crate) member_id: &'a str,
    pub(crate) instance: Option<&'a str>,
}

impl Committer<'_> {
    /// Commits on behalf of no member: a consumer with partitions of its own choice, or a tool.
    pub(crate) fn is_outsider(&self) -> bool {
        self.generation < 0 && self.member_id.is_empty() && self.instance.is_none()
    }
}

impl Group {
    /// Checks that a commit comes from a member of this generation, or from an outsider to a group without members.
    pub(crate) fn check_committer(
        &mut self,
        committer: Committer<'_>,
        transactional: bool,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        self.used_at_ms = now_ms;
        if committer.generation < 0 && self.is_empty() && self.state == State::Empty {
            return Ok(());
        }
        if committer.is_outsider() {
            return if transactional {
                Ok(())
            } else {
                Err(ResponseError::UnknownMemberId)
            };
        }
        self.check_member(committer.member_id, committer.instance)?;
        if committer.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        if !transactional {
            self.touch(committer.member_id, now_ms);
            if self.state == State::CompletingRebalance {
                return Err(ResponseError::RebalanceInProgress);
            }
        }
        Ok(())
    }

    /// Keeps an offset.
    pub(crate) fn commit(
        &mut self,
        key: OffsetKey,
        committed: Committed,
    ) -> Result<(), ResponseError> {
        check_room(&self.offsets, &key, &committed)?;
        self.offsets.insert(key, committed);
        Ok(())
    }

    /// Keeps an offset until its transaction ends.
    pub(crate) fn commit_in_transaction(
        &mut self,
        producer_id: i64,
        key: OffsetKey,
        committed: Committed,
    ) -> Result<(), ResponseError> {
        let open = self.transactional.entry(producer_id).or_default();
        check_room(open, &key, &committed)?;
        open.insert(key, committed);
        Ok(())
    }

    /// Ends a transaction: its offsets count, or are forgotten.
    pub(crate) fn end_transaction(&mut self, producer_id: i64, committed: bool) {
        let open = self.transactional.remove(&producer_id).unwrap_or_default();
        if committed {
            self.offsets.extend(open);
        }
    }

    /// Whether an open transaction is about to change this offset.
    pub(crate) fn is_unstable(&self, key: &OffsetKey) -> bool {
        self.transactional
            .values()
            .any(|open| open.contains_key(key))
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        self.offsets.retain(|(name, _), _| name != topic);
        for open in self.transactional.values_mut() {
            open.retain(|(name, _), _| name != topic);
        }
    }
}

fn check_room(
    offsets: &BTreeMap<OffsetKey, Committed>,
    key: &OffsetKey,
    committed: &Committed,
) -> Result<(), ResponseError> {
    if committed.metadata.len() > METADATA_MAX_BYTES {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    if offsets.len() >= OFFSETS_MAX && !offsets.contains_key(key) {
        return Err(ResponseError::PolicyViolation);
    }
    Ok(())
}
