//! Queries that come to a pipeline under way: they are held until they have caught up, with what another merge has read for
//! them.

use super::Merge;
use crate::running::State;

impl Merge {
    /// The last instant that was computed of any query without a frontier of its own.
    pub fn fired_us(&self) -> Option<i64> {
        let running = self.running.iter().filter(|running| !running.is_apart);
        let passed = running.map(|running| running.standing.passed_us);
        passed.max().filter(|&at_us| at_us > i64::MIN)
    }

    /// True if no state of the query of this place in the program came with [`Self::restore`].
    pub fn is_new(&self, query: usize) -> bool {
        self.running[query].is_new
    }

    /// True if there are queries or tables of which no state came with [`Self::restore`].
    pub fn lacks_some(&self) -> bool {
        let is_new = self.running.iter().any(|running| running.is_new);
        is_new || self.restored_tables.contains(&false)
    }

    /// Leaves only the queries to take rows in that `other` lacks.
    pub fn read_for(&mut self, other: &Merge) {
        for (running, known) in self.running.iter_mut().zip(&other.running) {
            if !known.is_new {
                running.stop();
            }
        }
    }

    /// Takes over from a merge of the same program what this one lacks.
    pub fn adopt(&mut self, other: Merge) {
        let running = self.running.iter_mut().zip(other.running);
        for (running, other) in running.filter(|(running, _)| running.is_new) {
            running.adopt(other);
        }
        let tables = self.tables.iter_mut().zip(other.tables);
        for ((table, other), is_restored) in tables.zip(&self.restored_tables) {
            if !is_restored {
                *table = other;
            }
        }
    }

    /// Computes nothing of this query until [`Self::release`]; rows are taken in.
    pub fn hold(&mut self, query: usize) {
        self.running[query].standing.cap_us = i64::MIN;
    }

    /// Lets a query go that was held, when the others stand at `frontier_us`: what is due by then is computed next, and told
    /// if it was due after `told_us`. Ticks begin behind the frontier, since tables are not known as of earlier instants.
    pub fn release(&mut self, query: usize, told_us: Option<i64>, frontier_us: Option<i64>) {
        let running = &mut self.running[query];
        running.standing.cap_us = i64::MAX;
        running.standing.told_us = told_us.unwrap_or(i64::MIN);
        if let (State::Ticks { last_us, .. }, Some(frontier_us)) = (&mut running.state, frontier_us)
        {
            *last_us = Some(frontier_us - 1);
        }
    }

    /// Windows that need rows of before this instant are not told.
    pub fn set_whole_from(&mut self, query: usize, whole_from_us: i64) {
        self.running[query].standing.whole_from_us = whole_from_us;
    }
}
