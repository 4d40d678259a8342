//! What merge holds, and how it makes room.

use windows::error::QueryError;
use windows::merge::Merge as Windows;

use super::{Merge, Step};
use crate::budget::Account;
use crate::error::EngineError;

/// Memory is measured again once so many bytes were taken in.
const MEASURE_BYTES: usize = 1 << 20;
/// Rows at one place are kept away if they are more than this part of the bound, within [`LEAST_BYTES`]; if that is not
/// enough, the smallest too.
const SMALLEST: usize = 1 << 16;
/// See [`SMALLEST`].
const LEAST_BYTES: std::ops::Range<usize> = 512..4_096;

/// Measures state, with so many bytes beside it, and keeps rows of it away if the process holds too much.
pub(crate) fn make_room(state: &mut Windows, beside: usize, account: &mut Account) {
    let measure = |state: &Windows, account: &mut Account| {
        let holdings = state.holdings();
        let held: usize = holdings.iter().map(|holding| holding.bytes.here).sum();
        account.set(held + beside);
    };
    measure(state, account);
    let excess = account.budget().excess();
    if excess == 0 {
        return;
    }
    // If it cannot be kept away it stays; intake pauses then.
    let least = account.budget().bytes_max() / SMALLEST;
    let least = least.clamp(LEAST_BYTES.start, LEAST_BYTES.end);
    let mut freed = state.make_room(excess, least).unwrap_or(0);
    if freed < excess {
        let more = state.make_room(excess - freed, LEAST_BYTES.start);
        freed += more.unwrap_or(0);
    }
    if freed > 0 {
        measure(state, account);
    }
}

impl Merge {
    /// Measures what is held and makes room if the process holds too much.
    pub fn keep_within_budget(&mut self) {
        self.unmeasured = 0;
        let step = self.step.as_ref().map_or(0, Step::bytes);
        make_room(&mut self.state, step, &mut self.account);
        let holdings = self.state.holdings().into_iter();
        let holdings = holdings.map(|holding| (holding.name, holding.bytes.here));
        let partition = self.partition.index;
        self.tally.state(partition, holdings);
        for (query, has_stopped) in self.state.stopped() {
            self.tally.query_stopped(query, partition, has_stopped);
        }
    }

    /// So many bytes were taken in: measures if that is much.
    pub(super) fn grew(&mut self, bytes: usize) {
        self.unmeasured += bytes;
        if self.unmeasured >= MEASURE_BYTES.min(self.account.budget().bytes_max() / 64) {
            self.keep_within_budget();
        }
    }

    /// What it has of the budget.
    pub fn bytes(&self) -> usize {
        self.account.bytes()
    }

    /// A query stopped; or rows that were kept away are lost, for which no query is at fault.
    pub(super) fn fail(&mut self, failure: QueryError) -> Result<(), EngineError> {
        if failure.is_spill() {
            return Err(EngineError::Query(failure));
        }
        let (at, offset) = (&self.partition, self.next_offset);
        self.tally
            .query_failed(&failure.query, &failure, at, offset);
        self.note_stop(&failure.query);
        Ok(())
    }
}
