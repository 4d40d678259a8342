//! The state of intake in its topic: what a commit writes, and what a takeover reads. The topic is compacted, and bounded by
//! what is known (docs/decisions/0029-intake-state.md).
//!
//! Each commit writes a *delta*. Once the deltas hold more than an eighth of all that is known, the oldest is given up: the
//! *slices* that it touched, of one source and minute each, are written as they stand, and its key is deleted. A slice is
//! deleted when its minute is late. All of it leaves with fold's commit.
//!
//! Reading order: [`key`], [`codec`], [`ledger`] (which deltas the topic holds), [`mod@write`], [`takeover`].

pub mod codec;
pub mod key;
pub mod ledger;
pub mod takeover;
pub mod write;

/// Format of the records. Before 2 they held no versions, before 3 there were no slices.
pub const FORMAT: u32 = 3;

/// Bounds of what the topic holds of one input partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateBounds {
    /// Deltas kept beside the slices.
    pub deltas_max: usize,
    /// The deltas may hold so many entries before any is given up, however little is known.
    pub delta_entries_min: usize,
    /// Entries of one slice, and ids of one delta.
    pub record_entries_max: usize,
    /// A commit rewrites so many entries, or eight times those that are new, and leaves the rest for the next.
    pub rewritten_entries_min: usize,
}

impl Default for StateBounds {
    fn default() -> Self {
        StateBounds {
            deltas_max: 512,
            delta_entries_min: 32_768,
            // At 15 to 16 bytes an id half of Kafka's usual limit of a message, 1 MiB.
            record_entries_max: 32_768,
            rewritten_entries_min: 65_536,
        }
    }
}

impl StateBounds {
    /// Versions in one record, at 50 to 65 bytes each.
    pub(super) fn versions_max(&self) -> usize {
        (self.record_entries_max / 4).max(1)
    }
}
