//! Tables in snapshots: the versions that count, then those that count later.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::{RowAt, Table};
use crate::state::saved::{self, Part, Saved, unknown};

/// Rows gathered at once.
const ROWS_MAX: usize = 8_192;

impl Table {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let live = self.versions.values().flatten();
        let live: Vec<RowAt> = live.map(|version| version.row).collect();
        let pending: Vec<RowAt> = self.pending.values().copied().collect();
        let mut all = Vec::new();
        for (part, places) in [(Part::Live, live), (Part::Pending, pending)] {
            let batches = places.chunks(ROWS_MAX).map(|places| self.gather(places));
            let batches = batches.collect::<Result<Vec<RecordBatch>>>()?;
            all.extend(saved::rows(part, batches));
        }
        if all.is_empty() {
            // The table is known, and empty.
            all.extend(saved::numbers(Part::Numbers, &[]));
        }
        Ok(all)
    }

    /// Rows come back however many keys the table may hold now: what was taken once is not refused later.
    pub(crate) fn restore(&mut self, part: Part, rows: Option<&RecordBatch>) -> Result<()> {
        let Some(rows) = rows else {
            return match part {
                Part::Numbers => Ok(()),
                part => unknown(part),
            };
        };
        let keys_max = std::mem::replace(&mut self.keys_max, usize::MAX);
        let taken = self.take(rows);
        self.keys_max = keys_max;
        taken?;
        match part {
            Part::Live => self.advance(i64::MAX),
            Part::Pending => {}
            _ => return unknown(part),
        }
        Ok(())
    }
}
