//! Panes in snapshots: their rows in the order of the panes. What was added up is made again.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::common::Result;

use super::Panes;
use crate::sql::call::WINDOW_START;
use crate::state::instants;
use crate::state::saved::{Part, Saved, unknown};

impl Panes {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let batches = self.batches();
        let mut saved = Vec::new();
        if let Some(first) = batches.first() {
            let rows = concat_batches(first.schema_ref(), batches.iter().copied())?;
            saved.push((Part::Rows(0), Vec::new(), Some(rows)));
        }
        let touched = self.touched.iter().copied();
        let numbers = [self.closed_us].into_iter().chain(touched).collect();
        saved.push((Part::Numbers, numbers, None));
        Ok(saved)
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        match (part, numbers, rows) {
            (Part::Rows(0), _, Some(rows)) => {
                let starts = instants(rows, WINDOW_START)?;
                let mut from = 0;
                for stretch in starts.chunk_by(|left, right| left == right) {
                    let batches = self.panes.entry(stretch[0]).or_default();
                    batches.push(rows.slice(from, stretch.len()));
                    from += stretch.len();
                    if let Some(sums) = &mut self.sums {
                        sums.touch(stretch[0]);
                    }
                }
                Ok(())
            }
            (Part::Numbers, [closed_us, touched @ ..], _) => {
                self.closed_us = *closed_us;
                self.touched = touched.iter().copied().collect();
                Ok(())
            }
            _ => unknown(part),
        }
    }
}
