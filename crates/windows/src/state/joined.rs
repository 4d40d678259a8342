//! Rows of streams that are joined by time: each is kept as long as a row that it can meet lies in an open window.

mod saved;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::common::Result;

use super::instants;
use super::panes::Due;
use crate::sql::call::WINDOW_START;
use crate::window::Windows;

/// How far rows of one side may lie from those of the anchor that they meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Before, microseconds.
    pub before_us: i64,
    /// After, microseconds.
    pub after_us: i64,
}

#[derive(Debug)]
struct Side {
    reach: Reach,
    panes: BTreeMap<i64, Vec<RecordBatch>>,
}

/// The rows of one query's streams.
#[derive(Debug)]
pub struct Joined {
    windows: Windows,
    anchor: usize,
    sides: Vec<Side>,
    /// All windows that end here or before are final.
    closed_us: i64,
}

impl Joined {
    /// No rows yet. `anchor` is the side whose rows lie in the windows.
    pub fn new(windows: Windows, anchor: usize, reaches: &[Reach]) -> Self {
        let side = |&reach| Side {
            reach,
            panes: BTreeMap::new(),
        };
        Joined {
            windows,
            anchor,
            sides: reaches.iter().map(side).collect(),
            closed_us: i64::MIN,
        }
    }

    /// A window can be computed so long after its end: rows that lie in it may meet later ones.
    fn delay_us(&self) -> i64 {
        let after = self.sides.iter().map(|side| side.reach.after_us);
        after.max().unwrap_or_default()
    }

    /// Takes rows of one side in. Returns the number of those that no open window needs.
    pub fn absorb(&mut self, side: usize, batch: &RecordBatch) -> Result<usize> {
        let starts = instants(batch, WINDOW_START)?;
        let distinct: BTreeSet<i64> = starts.iter().copied().collect();
        let mut late = 0;
        for &pane in &distinct {
            let mask: BooleanArray = starts.iter().map(|&start| Some(start == pane)).collect();
            let rows = filter_record_batch(batch, &mask)?;
            if self.last_end(side, pane) <= self.closed_us {
                late += rows.num_rows();
                continue;
            }
            self.sides[side].panes.entry(pane).or_default().push(rows);
        }
        Ok(late)
    }

    /// End of the last window that may need rows of this pane.
    fn last_end(&self, side: usize, pane_us: i64) -> i64 {
        let (_, end_us) = self.windows.pane(pane_us);
        let met_us = end_us.saturating_add(self.sides[side].reach.before_us);
        self.windows.last_end(met_us)
    }

    /// The next instant at which [`Self::due`] has something to say or to forget.
    pub fn next_at(&self) -> Option<i64> {
        let first = self.sides.iter().filter_map(|side| {
            let first = *side.panes.first_key_value()?.0;
            Some(first.saturating_sub(side.reach.after_us))
        });
        let end = self.windows.next_end(first.min()?.max(self.closed_us));
        Some(end.saturating_add(self.delay_us()))
    }

    /// The window to compute at `at_us`, with the rows of each side that may meet in it.
    pub fn due(&mut self, at_us: i64) -> Option<(Due, Vec<Vec<RecordBatch>>)> {
        let end_us = at_us.saturating_sub(self.delay_us());
        let start_us = self.windows.start_of(end_us)?;
        self.sides[self.anchor]
            .panes
            .range(start_us..end_us)
            .next()?;
        let rows = |(index, side): (usize, &Side)| {
            let (from, to) = match index == self.anchor {
                true => (start_us, end_us),
                false => (
                    self.windows
                        .pane(start_us.saturating_sub(side.reach.before_us))
                        .0,
                    end_us.saturating_add(side.reach.after_us),
                ),
            };
            let panes = side.panes.range(from..to);
            panes.flat_map(|(_, rows)| rows).cloned().collect()
        };
        let due = Due {
            start_us,
            end_us,
            is_final: true,
        };
        Some((due, self.sides.iter().enumerate().map(rows).collect()))
    }

    /// Forgets what no window that is computed after `at_us` needs.
    pub fn close(&mut self, at_us: i64) {
        let end_us = at_us.saturating_sub(self.delay_us());
        if end_us <= self.closed_us {
            return;
        }
        self.closed_us = end_us;
        let first_open = self.windows.first_open(end_us);
        for side in &mut self.sides {
            let from_us = first_open.saturating_sub(side.reach.before_us);
            side.panes = side.panes.split_off(&self.windows.pane(from_us).0);
        }
    }

    /// Open panes and the rows in them.
    pub fn size(&self) -> (usize, usize) {
        let panes = || self.sides.iter().flat_map(|side| side.panes.values());
        let rows = panes().flatten().map(RecordBatch::num_rows).sum();
        (panes().count(), rows)
    }
}
