//! Rows of joined streams in snapshots: side by side, in the order of their panes.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Joined;
use crate::state::panes::saved::{is_empty, put_back};
use crate::state::saved::{self, Part, Saved, unknown};

impl Joined {
    pub(crate) fn save(&self) -> Vec<Saved> {
        let mut all = Vec::new();
        for (index, side) in (0..).zip(&self.sides) {
            all.extend(saved::rows(
                Part::Rows(index),
                side.panes.values().flatten().cloned(),
            ));
        }
        // Of these something may have been told.
        let empty = self.sides[self.anchor].panes.iter();
        let empty = empty.filter(|(_, rows)| is_empty(rows));
        let empty: Vec<i64> = empty.map(|(pane, _)| *pane).collect();
        if !empty.is_empty() {
            all.extend(saved::numbers(Part::Live, &empty));
        }
        all.extend(self.schedule.save());
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
                put_back(&mut side.panes, rows)?;
            }
            (Part::Rows(_), ..) => return unknown(part),
            (Part::Live, panes, _) => {
                for &pane in panes {
                    self.sides[self.anchor].panes.entry(pane).or_default();
                }
            }
            (_, numbers, _) => return self.schedule.restore(part, numbers),
        }
        Ok(())
    }
}
