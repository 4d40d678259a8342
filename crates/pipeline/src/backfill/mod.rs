//! What happened before a query was there: the input that the log still has is folded once more, for the new queries alone and
//! beside the workers, and they go on from there.
//!
//! A *hand-over* is an offset of the partials at which every fold runs the queries. What fold had covered of the input by
//! then is read from the event topics ([`job`]) and told window by window; what lies behind is read from the partials. The
//! owner of the partition of merge writes the rows, each commit with the instant up to which they were told, so that nobody
//! tells a window twice. The state at the end is taken over, and once a snapshot holds it the query runs as all others.
//!
//! Reading order: this file, [`past`] (state beside, and what is due of it), [`job`], [`outbox`], `merge/backfill.rs`, `worker/backfill.rs`.

pub mod job;
pub mod outbox;
pub mod past;

use std::sync::Arc;

use crate::log::{Batch, LogError, Partition};

/// Where a backfill begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackfillFrom {
    /// With the oldest input that is there.
    Earliest,
    /// With the windows that begin at this instant or later, microseconds since 1970.
    Instant(i64),
}

/// What a backfill is to tell of one query.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Where it begins.
    pub from: BackfillFrom,
    /// What is due by this instant was told before.
    pub told_us: Option<i64>,
    /// What the revisions of its windows begin at.
    pub first_revision: i64,
}

/// Input as it lies in the log, read outside all groups. Calls come from threads of their own.
pub trait History: Send + Sync {
    /// The oldest offset of a partition, and that of the first record with this timestamp or a later one (the oldest if none
    /// is given), milliseconds since 1970.
    fn begin(&self, partition: &Partition, at_ms: Option<i64>) -> Result<(i64, i64), LogError>;

    /// Reads the committed records from `from` to `to` (exclusive).
    fn read(
        &self,
        partition: &Partition,
        from: i64,
        to: i64,
        visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    ) -> Result<(), LogError>;
}

/// Input, and how a process reads it. Clones share it.
#[derive(Clone)]
pub struct Archive {
    /// The input.
    pub history: Arc<dyn History>,
    /// It is read on a thread of its own; else at once, so that a run is the same twice.
    pub is_threaded: bool,
}
