//! Panes in snapshots: their rows in the order of the panes. What was added up is made again.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Panes;
use crate::sql::call::WINDOW_START;
use crate::state::instants;
use crate::state::saved::{self, Part, Saved, unknown};

impl Panes {
    pub(crate) fn save(&self) -> Vec<Saved> {
        let mut saved = saved::rows(Part::Rows(0), self.panes.values().flatten());
        saved.extend(saved::numbers(Part::Numbers, &[self.closed_us]));
        if self.early_us.is_some() && !self.touched.is_empty() {
            let touched: Vec<i64> = self.touched.iter().copied().collect();
            saved.extend(saved::numbers(Part::Pending, &touched));
        }
        saved
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        match (part, numbers, rows) {
            (Part::Rows(0), _, Some(rows)) => {
                let mut from = 0;
                for pane in instants(rows, WINDOW_START)?.chunk_by(|left, right| left == right) {
                    let batches = self.panes.entry(pane[0]).or_default();
                    batches.push(rows.slice(from, pane.len()));
                    from += pane.len();
                }
            }
            (Part::Numbers, [closed_us], _) => self.closed_us = *closed_us,
            (Part::Pending, touched, _) => self.touched.extend(touched),
            _ => return unknown(part),
        }
        Ok(())
    }
}
