//! Tables in snapshots: the versions that count, then those that count later.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::{RowAt, Table, Version};
use crate::state::saved::{self, Part, Saved, unknown};

/// Rows gathered at once.
const ROWS_MAX: usize = 8_192;

impl Table {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let live = self.versions.values().flat_map(|known| &known.live);
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
        match part {
            Part::Live => self.take_live(rows),
            Part::Pending => {
                let keys_max = std::mem::replace(&mut self.keys_max, usize::MAX);
                let taken = self.take(rows);
                self.keys_max = keys_max;
                taken.map(drop)
            }
            _ => unknown(part),
        }
    }

    /// Rows that count already.
    fn take_live(&mut self, rows: &RecordBatch) -> Result<()> {
        let batch = self.batches.len();
        for (row, (age, key)) in self.places(rows)?.into_iter().enumerate() {
            let row = RowAt { batch, row };
            let known = self.versions.entry(key).or_default();
            self.live += known.count(Version { age, row }, self.keeps_history);
        }
        self.snapshot = None;
        self.known = None;
        self.store(rows);
        Ok(())
    }
}
