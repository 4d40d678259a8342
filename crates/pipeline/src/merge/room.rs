//! What merge holds, and how it makes room.

use super::{Merge, Step};
use crate::error::EngineError;
use windows::error::QueryError;

/// Memory is measured again once so many bytes were taken in.
const MEASURE_BYTES: usize = 1 << 20;
/// Rows at one place are kept away if they are more than this part of the bound, within [`LEAST_BYTES`]; if that is not
/// enough, the smallest too.
const SMALLEST: usize = 1 << 16;
/// See [`SMALLEST`].
const LEAST_BYTES: std::ops::Range<usize> = 512..4_096;

impl Merge {
    /// Measures what is held and makes room if the process holds too much.
    pub fn keep_within_budget(&mut self) {
        self.measure();
        let excess = self.account.budget().excess();
        if excess > 0 {
            // If it cannot be kept away it stays; intake pauses then.
            let least = self.account.budget().bytes_max() / SMALLEST;
            let least = least.clamp(LEAST_BYTES.start, LEAST_BYTES.end);
            let mut freed = self.state.make_room(excess, least).unwrap_or(0);
            if freed < excess {
                let more = self.state.make_room(excess - freed, LEAST_BYTES.start);
                freed += more.unwrap_or(0);
            }
            if freed > 0 {
                self.measure();
            }
        }
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

    fn measure(&mut self) {
        self.unmeasured = 0;
        let holdings = self.state.holdings();
        let state: usize = holdings.iter().map(|holding| holding.bytes.here).sum();
        let step = self.step.as_ref().map_or(0, Step::bytes);
        self.account.set(state + step);
    }

    /// What it has of the budget.
    pub fn bytes(&self) -> usize {
        self.account.bytes()
    }

    /// A query stopped; or rows that were kept away are lost, for which no query is at fault.
    pub(super) fn fail(&self, failure: QueryError) -> Result<(), EngineError> {
        match failure.is_spill() {
            true => Err(EngineError::Query(failure)),
            false => {
                let (at, offset) = (&self.partition, self.next_offset);
                self.tally
                    .query_failed(&failure.query, &failure, at, offset);
                Ok(())
            }
        }
    }
}
