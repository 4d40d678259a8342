//! Sums over the panes of a sliding window that cost the same however many panes the window has.
//!
//! Two stacks: at some instant (`split`) all panes of a window are read once, from the last to the first, which gives sums
//! of the panes from some places on up to the split; panes that come later are added to one sum behind it. A window is then
//! a sum in front of the split, the few panes before the place that it begins at, and what is behind the split. When no
//! pane in front is left, the split moves. So each pane is added up twice, however many windows hold it.
//!
//! A sum is made anew only when the panes that wait for it hold [`PATIENCE`] times its rows: the sums in front hold at most
//! half as many rows as the panes themselves, however few keys a pane shares with its neighbours.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::panes::with_window;
use crate::window::Windows;

/// Adds partial aggregates of one key up.
pub type Reduce<'a> = dyn FnMut(Vec<RecordBatch>) -> Result<Vec<RecordBatch>> + 'a;

/// Panes by their start.
pub type PaneRows = BTreeMap<i64, Vec<RecordBatch>>;

/// Windows of fewer panes are added up pane by pane.
const FEW_PANES: i64 = 6;
/// Rows that wait to be added up, as a multiple of the rows of the sum.
const PATIENCE: usize = 2;

/// What was added up for the windows to come. All of it can be made again from the panes.
#[derive(Debug, Default)]
pub struct Sums {
    /// Sums from a pane up to the split.
    front: BTreeMap<i64, Vec<RecordBatch>>,
    split_us: i64,
    /// The panes from the split up to `built_us`.
    back: Sum,
    built_us: i64,
}

/// A sum, and rows that wait to be added to it.
#[derive(Debug, Default)]
struct Sum {
    rows: Vec<RecordBatch>,
    waiting: Vec<RecordBatch>,
}

impl Sum {
    /// Takes a pane in; true if all is added up.
    fn add(&mut self, pane: &[RecordBatch], reduce: &mut Reduce<'_>) -> Result<bool> {
        if pane.is_empty() {
            return Ok(false);
        }
        for batch in pane {
            self.waiting.push(with_window(batch, 0, 0)?);
        }
        let is_full = rows(&self.waiting) >= PATIENCE * rows(&self.rows);
        if is_full {
            self.rows.append(&mut self.waiting);
            self.rows = reduce(std::mem::take(&mut self.rows))?;
        }
        Ok(is_full)
    }
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

impl Sums {
    /// Nothing added up yet. None if the windows have too few panes to be worth it.
    pub fn new(windows: &Windows) -> Option<Self> {
        (windows.panes() > FEW_PANES).then(Sums::nothing)
    }

    fn nothing() -> Self {
        Sums {
            split_us: i64::MIN,
            built_us: i64::MIN,
            ..Sums::default()
        }
    }

    /// Forgets everything if a pane changed that was added up.
    pub fn touch(&mut self, pane_us: i64) {
        if pane_us < self.built_us {
            *self = Sums::nothing();
        }
    }

    /// The partial aggregates of a window, few rows a key. Windows are asked for nearly in the order of their ends, and
    /// `settled_us` does not go back: what lies from there on may change yet and is not added up.
    pub fn window(
        &mut self,
        windows: &Windows,
        panes: &PaneRows,
        (start_us, whole_end_us): (i64, i64),
        settled_us: i64,
        reduce: &mut Reduce<'_>,
    ) -> Result<Vec<RecordBatch>> {
        let end_us = match settled_us < whole_end_us {
            true => windows.pane(settled_us).0,
            false => whole_end_us,
        };
        let unsettled = panes.range(end_us.max(start_us)..whole_end_us);
        let unsettled = unsettled.flat_map(|(_, rows)| rows).cloned();
        if end_us <= start_us {
            return Ok(unsettled.collect());
        }
        let is_growing = matches!(windows, Windows::Cumulate { .. });
        let is_spent = match is_growing {
            true => self.split_us != start_us,
            false => start_us >= self.split_us,
        };
        if is_spent || end_us < self.built_us {
            *self = Sums::nothing();
            self.split_us = if is_growing { start_us } else { end_us };
            self.built_us = self.split_us;
            let mut sum = Sum::default();
            for (&pane, rows) in panes.range(start_us..self.split_us).rev() {
                if sum.add(rows, reduce)? {
                    self.front.insert(pane, sum.rows.clone());
                }
            }
        }
        for (_, rows) in panes.range(self.built_us..end_us) {
            self.back.add(rows, reduce)?;
        }
        self.built_us = end_us;
        self.front = self.front.split_off(&start_us);
        let next = self.front.first_key_value();
        let next_us = next.map_or(self.split_us, |(&next, _)| next);
        let mut sum = next.map(|(_, rows)| rows.clone()).unwrap_or_default();
        let before = panes.range(start_us..next_us.max(start_us));
        sum.extend(before.flat_map(|(_, rows)| rows).cloned());
        sum.extend(self.back.rows.iter().chain(&self.back.waiting).cloned());
        sum.extend(unsettled);
        Ok(sum)
    }

    /// Rows held beyond those of the panes.
    pub fn rows(&self) -> usize {
        let front: usize = self.front.values().map(|sum| rows(sum)).sum();
        front + rows(&self.back.rows) + rows(&self.back.waiting)
    }
}
