//! Panes in snapshots: their rows in the order of the panes. What was added up is made again.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Panes;
use crate::sql::call::WINDOW_START;
use crate::state::held::Held;
use crate::state::instants;
use crate::state::saved::{self, Part, Saved, unknown};
use crate::state::sums::PaneRows;

impl Panes {
    pub(crate) fn save(&self) -> Vec<Saved> {
        let mut saved = saved::rows(Part::Rows(0), self.panes.values().flatten().cloned());
        // Of these something may have been told, and rows for them may wait.
        let empty = self.panes.iter().filter(|(_, rows)| is_empty(rows));
        let empty: Vec<i64> = empty.map(|(pane, _)| *pane).collect();
        if !empty.is_empty() {
            saved.extend(saved::numbers(Part::Live, &empty));
        }
        saved.extend(self.schedule.save());
        saved
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        match (part, numbers, rows) {
            (Part::Rows(0), _, Some(rows)) => put_back(&mut self.panes, rows)?,
            (Part::Rows(_), ..) => return unknown(part),
            (Part::Live, panes, _) => {
                for &pane in panes {
                    self.panes.entry(pane).or_default();
                }
            }
            _ => return self.schedule.restore(part, numbers),
        }
        Ok(())
    }
}

/// True if batches have no row.
pub(in crate::state) fn is_empty(batches: &[Held]) -> bool {
    batches.iter().all(|batch| batch.num_rows() == 0)
}

/// Rows in the order of their panes, back to those.
pub(in crate::state) fn put_back(panes: &mut PaneRows, rows: &RecordBatch) -> Result<()> {
    let mut from = 0;
    for pane in instants(rows, WINDOW_START)?.chunk_by(|left, right| left == right) {
        let held = panes.entry(pane[0]).or_default();
        held.push(rows.slice(from, pane.len()).into());
        from += pane.len();
    }
    Ok(())
}
