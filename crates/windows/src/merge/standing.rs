//! Queries that come to a pipeline under way: they are held until they have caught up, with what another merge has read for
//! them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Merge, Piece};
use crate::error::QueryError;
use crate::running::State;
use crate::standing::Standing;
use crate::state::tables::Table;
use crate::state::waiting::{KEPT, Reader};

impl Merge {
    /// The last instant that was computed of any query without a frontier of its own.
    pub fn fired_us(&self) -> Option<i64> {
        let running = self.running.iter().filter(|running| !running.is_apart);
        let passed = running.map(|running| running.standing.passed_us);
        passed.max().filter(|&at_us| at_us > i64::MIN)
    }

    /// The last instant at which something was due of a query that was all told.
    pub fn done_us(&self, query: &str) -> Option<i64> {
        let place = self.place(query)?;
        let done_us = self.running[place].standing.done_us;
        (done_us > i64::MIN).then_some(done_us)
    }

    /// What a query had due by `at_us` was told before its state was restored.
    pub fn set_done(&mut self, query: &str, at_us: i64) {
        if let Some(place) = self.place(query) {
            let standing = &mut self.running[place].standing;
            standing.done_us = standing.done_us.max(at_us);
        }
    }

    /// True if no state of the query of this place in the program came with [`Self::restore`].
    pub fn is_new(&self, query: usize) -> bool {
        self.running[query].is_new
    }

    /// What came with [`Self::restore`] of the query of this place in the program is of no use.
    pub fn forget(&mut self, query: usize) -> Result<(), QueryError> {
        self.running[query] = self.settings.build(&self.program.queries[query])?;
        Ok(())
    }

    /// As [`Self::is_new`], of the table of this place.
    pub fn is_new_table(&self, table: usize) -> bool {
        !self.restored_tables[table]
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

    /// True if the query of this place in the program has a frontier of its own.
    pub fn is_apart(&self, query: usize) -> bool {
        self.running[query].is_apart
    }

    /// Computes nothing of this query until [`Self::release`]; rows are taken in.
    pub fn hold(&mut self, query: usize) {
        self.running[query].standing.cap_us = i64::MIN;
    }

    /// Lets a query go that was held: what is due by now is computed next, and told if it was due after `told_us`. Ticks
    /// begin at `ticks_from_us`, if it is given.
    pub fn release(&mut self, query: usize, told_us: Option<i64>, ticks_from_us: Option<i64>) {
        let running = &mut self.running[query];
        running.standing.cap_us = i64::MAX;
        running.standing.told_us = told_us.unwrap_or(i64::MIN);
        running.standing.done_us = running.standing.told_us;
        if let (State::Ticks { last_us, .. }, Some(from_us)) = (&mut running.state, ticks_from_us) {
            *last_us = Some(from_us - 1);
        }
    }

    /// From where on the windows of a query are told; from the beginning if there is no such query.
    pub fn whole_from_us(&self, name: &str, fingerprint: u64) -> i64 {
        let mut queries = self.program.queries.iter().zip(&self.running);
        let found =
            queries.find(|(query, _)| query.name == name && query.fingerprint == fingerprint);
        found.map_or(i64::MIN, |(_, running)| running.standing.whole_from_us)
    }

    /// Windows that need rows of before this instant are not told.
    pub fn set_whole_from(&mut self, query: usize, whole_from_us: i64) {
        self.running[query].standing.whole_from_us = whole_from_us;
    }

    /// What a query has due by `told_us` was told before: it is computed, and not told again.
    pub fn set_told(&mut self, query: usize, told_us: i64) {
        self.running[query].standing.told_us = told_us;
    }

    /// The revisions of a query's windows begin at `first`.
    pub fn set_first_revision(&mut self, query: usize, first: i64) {
        self.running[query].standing.first_revision = first;
    }

    /// As [`Self::hold`]; rows are not taken in either, since [`Self::replace`] will bring them.
    pub fn deafen(&mut self, query: usize) {
        self.hold(query);
        self.running[query].standing.is_deaf = true;
    }

    /// Fingerprints of the queries that [`Self::deafen`] was called for.
    pub fn deaf(&self) -> impl Iterator<Item = u64> {
        let queries = self.program.queries.iter().zip(&self.running);
        let deaf = queries.filter(|(_, running)| running.standing.is_deaf);
        deaf.map(|(query, _)| query.fingerprint)
    }

    /// Puts the state of queries and tables that another merge saved in the place of what is here, which is held as before.
    /// Rows that wait are theirs with [`Self::adopt_waiting`].
    pub fn replace(
        &mut self,
        pieces: &[Piece],
        frontier_us: Option<i64>,
    ) -> Result<(), QueryError> {
        let program = Arc::clone(&self.program);
        let is_there = |name: &str, fingerprint: u64| {
            let mut pieces = pieces.iter();
            pieces.any(|piece| piece.name == name && piece.fingerprint == fingerprint)
        };
        for (query, table) in program.tables.iter().zip(&mut self.tables) {
            if is_there(&query.name, query.fingerprint) {
                let built = Table::new(query, self.settings.table_keys_max);
                *table = built.map_err(|error| QueryError::new(&query.name, error))?;
                let running = self.running.iter_mut();
                running.for_each(|running| running.table_changed(i64::MIN));
            }
        }
        let mut replaced = Vec::new();
        for (place, query) in program.queries.iter().enumerate() {
            if is_there(&query.name, query.fingerprint) {
                let standing = Standing {
                    is_deaf: false,
                    ..self.running[place].standing
                };
                self.running[place] = self.settings.build(query)?;
                self.running[place].standing = standing;
                replaced.push(place);
            }
        }
        for piece in pieces {
            self.restore(piece)?;
        }
        if let Some(frontier_us) = frontier_us {
            for place in replaced {
                self.running[place].begin_ahead(frontier_us);
            }
        }
        Ok(())
    }

    /// Hands rows over that wait in another merge, of which queries and tables have their state, and not here, or here without
    /// what these read of them.
    pub fn adopt_waiting(&mut self, pieces: &[Piece], other: &Merge) -> Result<(), QueryError> {
        let program = Arc::clone(&self.program);
        let queries = program.queries.iter().map(|query| query as &dyn Reader);
        let readers = queries.chain(program.tables.iter().map(|table| table as &dyn Reader));
        let given: BTreeSet<u64> = pieces.iter().map(|piece| piece.fingerprint).collect();
        let readers = readers.filter(|reader| given.contains(&reader.fingerprint()));
        let readers: Vec<&dyn Reader> = readers.collect();
        let adopted = self.waiting.adopt(&other.waiting, &readers);
        adopted.map_err(|error| QueryError::new(KEPT, error))
    }

    /// How long before a window the rows lie that this query needs, microseconds.
    pub fn before_us(&self, query: usize) -> i64 {
        self.running[query].before_us()
    }
}
