//! Sums over the panes of a sliding window that cost the same however many panes the window has.
//!
//! Two stacks: at some instant (`split`) all panes of a window are read once, from the last to the first, which gives sums
//! of the panes from some places on up to the split; panes that come later are added to one sum behind it. A window is then
//! a sum in front of the split, the few panes before the place that it begins at, and what is behind the split. When no
//! pane in front is left, the split moves. So each pane is added up twice, however many windows hold it.
//!
//! A sum is made anew only when the panes that wait for it hold [`PATIENCE`] times its rows: the sums in front hold at most
//! half as many rows as the panes themselves, however few keys a pane shares with its neighbours. Sums over panes that are
//! kept away are kept away too, as soon as they are made.

use std::collections::BTreeMap;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::held::{Held, Spill, leaving, put_away};
use crate::window::Windows;

/// Adds partial aggregates of one key up.
pub type Reduce<'a> = dyn FnMut(Vec<RecordBatch>) -> Result<Vec<RecordBatch>> + 'a;

/// Panes by their start.
pub type PaneRows = BTreeMap<i64, Vec<Held>>;

/// Windows of fewer panes are added up pane by pane.
const FEW_PANES: i64 = 6;
/// Rows that wait to be added up, as a multiple of the rows of the sum.
const PATIENCE: usize = 2;

/// What was added up for the windows to come. All of it can be made again from the panes.
#[derive(Debug, Default)]
pub struct Sums {
    /// Sums from a pane up to the split.
    pub(super) front: PaneRows,
    split_us: i64,
    /// The panes from the split up to `built_us`.
    pub(super) back: Sum,
    built_us: i64,
    spill: Option<Arc<dyn Spill>>,
}

/// A sum, and rows that wait to be added to it.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub rows: Vec<Held>,
    pub waiting: Vec<Held>,
}

impl Sum {
    /// Takes a pane in; true if all is added up.
    fn add(&mut self, pane: &[Held], reduce: &mut Reduce<'_>) -> Result<bool> {
        if pane.is_empty() {
            return Ok(false);
        }
        for rows in pane {
            let rows = rows.with_window(0, 0)?.load()?;
            self.waiting.push(rows.into());
        }
        let is_full = rows(&self.waiting) >= PATIENCE * rows(&self.rows);
        if is_full {
            self.rows.append(&mut self.waiting);
            let batches = std::mem::take(&mut self.rows).into_iter();
            let batches = batches.map(|rows| rows.load());
            let reduced = reduce(batches.collect::<std::result::Result<_, _>>()?)?;
            self.rows = reduced.into_iter().map(Held::from).collect();
        }
        Ok(is_full)
    }
}

fn rows(held: &[Held]) -> usize {
    held.iter().map(Held::num_rows).sum()
}

fn bytes(held: &[Held]) -> usize {
    held.iter().map(Held::bytes).sum()
}

impl Sums {
    /// Nothing added up yet. None if the windows have too few panes to be worth it.
    pub fn new(windows: &Windows, spill: Option<Arc<dyn Spill>>) -> Option<Self> {
        (windows.panes() > FEW_PANES).then(|| Sums::nothing(spill))
    }

    fn nothing(spill: Option<Arc<dyn Spill>>) -> Self {
        Sums {
            split_us: i64::MIN,
            built_us: i64::MIN,
            spill,
            ..Sums::default()
        }
    }

    fn begin_anew(&mut self) {
        *self = Sums::nothing(self.spill.take());
    }

    /// Forgets everything if a pane changed that was added up.
    pub fn touch(&mut self, pane_us: i64) {
        if pane_us < self.built_us {
            self.begin_anew();
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
    ) -> Result<Vec<Held>> {
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
            self.begin_anew();
            self.split_us = if is_growing { start_us } else { end_us };
            self.built_us = self.split_us;
            let mut sum = Sum::default();
            let mut is_away = false;
            for (&pane, rows) in panes.range(start_us..self.split_us).rev() {
                is_away |= rows.iter().any(|rows| rows.here().is_none());
                if sum.add(rows, reduce)? {
                    let mut front = sum.rows.clone();
                    if let Some(spill) = self.spill.as_ref().filter(|_| is_away) {
                        let leaving = leaving(&front)?;
                        // Where there is no room for it elsewhere it stays.
                        if let Ok(kept) = spill.keep(&leaving.batches) {
                            put_away(&mut front, &leaving, kept);
                        }
                    }
                    self.front.insert(pane, front);
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

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        let front: usize = self.front.values().map(|sum| bytes(sum)).sum();
        front + bytes(&self.back.rows) + bytes(&self.back.waiting)
    }
}
