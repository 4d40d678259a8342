//! Sessions in snapshots: the rows of the open ones, with the bounds of their sessions, by which they find together again.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Sessions;
use super::open::Session;
use crate::state::saved::{self, Part, Saved, unknown};

/// Sessions gathered at once.
const SESSIONS_MAX: usize = 4_096;

impl Sessions {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let open: Vec<&Session> = self.open.iter().collect();
        let chunks = open.chunks(SESSIONS_MAX);
        let batches = chunks.map(|sessions| self.gather(sessions.iter().copied()));
        let batches = batches.collect::<Result<Vec<RecordBatch>>>()?;
        let mut all = saved::rows(Part::Rows(0), batches);
        all.extend(saved::numbers(Part::Numbers, &[self.closed_us]));
        Ok(all)
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        match (part, numbers, rows) {
            (Part::Rows(0), _, Some(rows)) => {
                self.store_again(rows)?;
                self.added_up = self.stored;
            }
            (Part::Numbers, [closed_us], _) => self.closed_us = *closed_us,
            _ => return unknown(part),
        }
        Ok(())
    }
}
