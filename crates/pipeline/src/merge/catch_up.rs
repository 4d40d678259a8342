//! What the log below a snapshot still holds of queries and tables that the snapshot does not: read into state beside.

use super::state::windows;
use super::{Merge, declared};
use crate::backfill::past::Past;
use crate::error::EngineError;
use crate::log::Batch;
use crate::partials::running;
use crate::roster::Roster;

impl Merge {
    /// Begins to read what lies before the snapshot that was restored; none if nothing of it is wanted.
    pub fn catch_up(&self) -> Result<Option<Past>, EngineError> {
        if self.next_offset == 0 || !self.state.lacks_some() {
            return Ok(None);
        }
        let (settings, partition) = (&self.settings, &self.partition);
        let program = self.state.shared_program();
        let mut state = windows(settings, program, partition, self.memory.spill.clone())?;
        state.read_for(&self.state);
        let frontier = declared(settings);
        let past = Past::new(
            settings.clone(),
            partition.clone(),
            state,
            frontier,
            &self.memory,
        );
        Ok(Some(past))
    }

    /// Takes in records that lie before the snapshot.
    pub fn read_back(&mut self, past: &mut Past, batch: &Batch) -> Result<(), EngineError> {
        past.read(batch, &mut |past, offset, message| {
            self.caught_from = Some(self.caught_from.unwrap_or(offset));
            // The log may begin within a commit: then of its input some rows are missing.
            let is_whole = past.half_read.read(message, offset);
            for covered in message.covered.iter().filter(|_| is_whole) {
                let held = &self.held;
                let is_heard = |query| held.iter().any(|held| held.is_blank_of(query));
                self.coverage.hear(covered, running(message), &is_heard);
                let state = &self.state;
                let is_new = |table| state.is_new_table(table);
                self.coverage
                    .hear_tables(covered, message.tables.as_ref(), &is_new);
            }
            Ok(())
        })
    }

    /// Takes over what was read. Rows that waited settle there as far as they have here, where they do not wait any more: the
    /// log that was read may not name all who let them.
    pub fn caught_up(&mut self, mut past: Past) -> Result<(), EngineError> {
        past.reach(self.frontier.clone())?;
        self.left_out = past.left_out;
        for failure in past.failures {
            self.fail(failure)?;
        }
        self.state.adopt(past.state);
        self.follow_coverage();
        self.keep_within_budget();
        Ok(())
    }

    /// All that lay before was read. What is told of rows that were left out there of queries and tables that `written`, the
    /// roster of before, did not have: it leaves with the roster that has them, and so once.
    pub fn has_read_back(&mut self, written: Option<&Roster>) {
        self.is_reading_back = false;
        let Some(written) = written else {
            self.left_out.clear();
            return;
        };
        let left_out = std::mem::take(&mut self.left_out).into_iter();
        let is_new = |name: &str| {
            let known = self.entry_in(written, name);
            known.is_none_or(|entry| entry.is_absent) && !self.waits_for_past(name)
        };
        self.left_out = left_out.filter(|(name, _)| is_new(name)).collect();
        self.tell_left_out();
    }
}
