//! One transactional id: who may write under it, and what its transaction touched.

use std::collections::BTreeSet;

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Empty,
    Ongoing,
    CompleteCommit,
    CompleteAbort,
}

/// One transactional id.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(super) last_epoch: Option<i16>,
    pub(super) timeout_ms: i32,
    pub(super) status: Status,
    pub(super) partitions: BTreeSet<(String, i32)>,
    pub(super) groups: BTreeSet<String>,
    pub(super) started_at_ms: i64,
    pub(super) used_at_ms: i64,
}

/// A producer's id and epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProducerEpoch {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

impl Transaction {
    /// Starts the transaction, unless it is under way.
    pub(super) fn begin(&mut self, now_ms: i64) {
        if self.status != Status::Ongoing {
            self.status = Status::Ongoing;
            self.started_at_ms = now_ms;
        }
        self.used_at_ms = now_ms;
    }
}
