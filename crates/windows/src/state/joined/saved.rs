//! Rows of joined streams in snapshots: side by side, in the order of their panes.

use std::collections::BTreeSet;

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
        let empty = self.empty();
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
            (Part::Live, panes, _) => self.restore_empty(panes)?,
            (_, numbers, _) => return self.schedule.restore(part, numbers),
        }
        Ok(())
    }

    /// The sides whose rows say where joined rows lie.
    fn placing(&self) -> BTreeSet<usize> {
        self.places.iter().map(|place| place.side).collect()
    }

    /// Panes of these sides without rows: something may have been told of what they gave. Where there are several such sides,
    /// each pane has its side in front of it.
    fn empty(&self) -> Vec<i64> {
        let placing = self.placing();
        let mut all = Vec::new();
        for &index in &placing {
            let panes = self.sides[index].panes.iter();
            for (&pane, _) in panes.filter(|(_, rows)| is_empty(rows)) {
                if placing.len() > 1 {
                    all.extend(i64::try_from(index));
                }
                all.push(pane);
            }
        }
        all
    }

    fn restore_empty(&mut self, numbers: &[i64]) -> Result<()> {
        let placing = self.placing();
        let only = placing.first().filter(|_| placing.len() == 1).copied();
        let width = if only.is_some() { 1 } else { 2 };
        for numbers in numbers.chunks(width) {
            let named = numbers.first().and_then(|&side| usize::try_from(side).ok());
            let side = only.or(named).and_then(|side| self.sides.get_mut(side));
            let (Some(side), Some(&pane)) = (side, numbers.get(width - 1)) else {
                return unknown(Part::Live);
            };
            side.panes.entry(pane).or_default();
        }
        Ok(())
    }
}
