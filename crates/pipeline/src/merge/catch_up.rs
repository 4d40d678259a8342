//! What the log below a snapshot still holds of queries and tables that the snapshot does not: read by a merge beside, which
//! takes rows in and computes nothing.

use windows::frontier::Frontier;
use windows::merge::{Absorbed, Merge as Windows};

use super::{Merge, declared, settle};
use crate::error::EngineError;
use crate::log::Batch;
use crate::partials;
use events::ipc;

/// The merge beside.
pub struct CatchUp {
    state: Windows,
    frontier: Frontier,
}

impl Merge {
    /// Begins to read what lies before the snapshot that was restored; none if nothing of it is wanted.
    pub fn catch_up(&self) -> Result<Option<CatchUp>, EngineError> {
        if self.next_offset == 0 || !self.state.lacks_some() {
            return Ok(None);
        }
        let mut state = self.fresh_state()?;
        state.read_for(&self.state);
        Ok(Some(CatchUp {
            state,
            frontier: declared(&self.settings),
        }))
    }

    /// Takes in records that lie before the snapshot.
    pub fn read_back(&mut self, beside: &mut CatchUp, batch: &Batch) -> Result<(), EngineError> {
        for entry in batch.entries() {
            if *batch.partition(entry) != self.partition {
                continue;
            }
            self.caught_from = Some(self.caught_from.unwrap_or(entry.offset));
            let value = batch.value(entry).unwrap_or_default();
            let message = partials::read(&self.partition, entry.offset, value)?;
            for delta in message.deltas {
                for rows in ipc::read(delta.ipc)? {
                    // Of rows that are refused those tell who took them first.
                    match beside.state.absorb(&delta.query, delta.fingerprint, &rows) {
                        Absorbed::Failed(failure) => self.fail(failure)?,
                        Absorbed::Kept(outcome) => {
                            let mut failures = outcome.failures.into_iter();
                            failures.try_for_each(|failure| self.fail(failure))?;
                        }
                        _ => {}
                    }
                }
            }
            for covered in &message.covered {
                let held = &self.held;
                let is_heard = |query| held.iter().any(|held| held.is_blank_of(query));
                self.coverage.hear(covered, &message.running, &is_heard);
            }
            partials::update(&mut beside.frontier, message.frontiers);
            let outcome = settle(&self.settings, &beside.frontier, &mut beside.state)?;
            let mut failures = outcome.failures.into_iter();
            failures.try_for_each(|failure| self.fail(failure))?;
        }
        Ok(())
    }

    /// Takes over what was read.
    pub fn caught_up(&mut self, beside: CatchUp) {
        self.state.adopt(beside.state);
        self.follow_coverage();
        self.keep_within_budget();
    }
}
