//! Rows of joined streams in snapshots: side by side, in the order of their panes.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Joined;
use crate::sql::call::WINDOW_START;
use crate::state::instants;
use crate::state::saved::{self, Part, Saved, unknown};

impl Joined {
    pub(crate) fn save(&self) -> Vec<Saved> {
        let mut all = Vec::new();
        for (index, side) in (0..).zip(&self.sides) {
            all.extend(saved::rows(
                Part::Rows(index),
                side.panes.values().flatten(),
            ));
        }
        all.extend(saved::numbers(Part::Numbers, &[self.closed_us]));
        all
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        match (part, numbers, rows) {
            (Part::Rows(index), _, Some(rows)) => {
                let Some(side) = self.sides.get_mut(index as usize) else {
                    return unknown(part);
                };
                let mut from = 0;
                for pane in instants(rows, WINDOW_START)?.chunk_by(|left, right| left == right) {
                    let batches = side.panes.entry(pane[0]).or_default();
                    batches.push(rows.slice(from, pane.len()));
                    from += pane.len();
                }
            }
            (Part::Numbers, [closed_us], _) => self.closed_us = *closed_us,
            _ => return unknown(part),
        }
        Ok(())
    }
}
