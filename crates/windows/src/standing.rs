//! How far a query has come, and from where on it is told: a query that was added to a pipeline under way has not seen what
//! lies before, and must catch up with the others.

use crate::state::schedule::Due;

/// Where one query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Everything that is due here or before was computed.
    pub passed_us: i64,
    /// The last instant at which something was due of it that was all told: what was due here or before has left.
    pub done_us: i64,
    /// Nothing that is due later is computed yet.
    pub cap_us: i64,
    /// What was due here or before was told by another that ran the query.
    pub told_us: i64,
    /// Not all rows before this instant were seen: windows that need some of them are not told.
    pub whole_from_us: i64,
    /// It takes no rows in: another reads them for it.
    pub is_deaf: bool,
    /// What the revisions of a window begin at: above all that was told of it before the query's state was lost.
    pub first_revision: i64,
}

impl Default for Standing {
    /// Of a query that was there from the beginning.
    fn default() -> Self {
        Standing {
            passed_us: i64::MIN,
            done_us: i64::MIN,
            cap_us: i64::MAX,
            told_us: i64::MIN,
            whole_from_us: i64::MIN,
            is_deaf: false,
            first_revision: 0,
        }
    }
}

impl Standing {
    /// True if it has seen all rows of a window. `before_us`: how long before the window the rows lie that it needs.
    pub(crate) fn has_all_of(&self, due: Due, before_us: i64) -> bool {
        due.start_us.saturating_sub(before_us) >= self.whole_from_us
    }

    /// True if another told what is computed at `at_us`.
    pub(crate) fn was_told(&self, at_us: i64) -> bool {
        at_us <= self.told_us
    }
}
