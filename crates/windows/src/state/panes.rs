//! The open panes of a windowed query, each a few batches of partial aggregates or rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::common::Result;

use super::{constant, instants};
use crate::sql::call::{WINDOW_END, WINDOW_START};
use crate::window::Windows;

/// Batches of one pane beyond this number are reduced to one.
pub const BATCHES_MAX: usize = 32;

/// A window that is to be computed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Start of the window.
    pub start_us: i64,
    /// True when no row will come any more.
    pub is_final: bool,
}

/// The panes of one query.
#[derive(Debug)]
pub struct Panes {
    windows: Windows,
    early_us: Option<i64>,
    panes: BTreeMap<i64, Vec<RecordBatch>>,
    /// Panes that changed since the last early rows.
    touched: BTreeSet<i64>,
    /// All windows that end here or before are final.
    closed_us: i64,
}

impl Panes {
    /// No panes yet. `early_us`: how often windows that are still open are computed, if changed.
    pub fn new(windows: Windows, early_us: Option<i64>) -> Self {
        Panes {
            windows,
            early_us,
            panes: BTreeMap::new(),
            touched: BTreeSet::new(),
            closed_us: i64::MIN,
        }
    }

    /// Takes partials in. Returns the number of rows whose pane belongs to no open window.
    pub fn absorb(&mut self, batch: &RecordBatch) -> Result<usize> {
        let starts = instants(batch, WINDOW_START)?;
        let distinct: BTreeSet<i64> = starts.iter().copied().collect();
        let mut late = 0;
        for &pane in &distinct {
            let rows = if distinct.len() == 1 {
                batch.clone()
            } else {
                let mask: BooleanArray = starts.iter().map(|&start| Some(start == pane)).collect();
                filter_record_batch(batch, &mask)?
            };
            let last_end = self.windows.last_window_of(pane) + self.windows.size_us();
            if last_end <= self.closed_us {
                late += rows.num_rows();
                continue;
            }
            self.panes.entry(pane).or_default().push(rows);
            self.touched.insert(pane);
        }
        Ok(late)
    }

    /// The next instant at which [`Self::due`] has something to say.
    pub fn next_at(&self) -> Option<i64> {
        let first = *self.panes.first_key_value()?.0;
        let from_pane = self.windows.first_window_of(first) + self.windows.size_us();
        let end = match self.closed_us {
            i64::MIN => from_pane,
            closed => from_pane.max(self.windows.next_end(closed)),
        };
        let early = self.early_us.and_then(|early_us| {
            let touched = *self.touched.first()?;
            let after = if self.closed_us == i64::MIN {
                touched
            } else {
                touched.max(self.closed_us)
            };
            Some(crate::window::floor(after, early_us) + early_us)
        });
        Some(early.map_or(end, |early| early.min(end)))
    }

    /// The windows to compute at `at_us`, the earliest first.
    pub fn due(&mut self, at_us: i64) -> Vec<Due> {
        let mut due = Vec::new();
        let size_us = self.windows.size_us();
        let closing = at_us - size_us;
        if closing.rem_euclid(self.windows.slide_us()) == 0
            && self.panes.range(closing..at_us).next().is_some()
        {
            due.push(Due {
                start_us: closing,
                is_final: true,
            });
        }
        if self
            .early_us
            .is_some_and(|early_us| at_us.rem_euclid(early_us) == 0)
        {
            let mut starts = BTreeSet::new();
            for &pane in &self.touched {
                let mut start = self.windows.first_window_of(pane);
                while start <= pane {
                    if start + size_us > at_us {
                        starts.insert(start);
                    }
                    start += self.windows.slide_us();
                }
            }
            self.touched.clear();
            due.extend(starts.into_iter().map(|start_us| Due {
                start_us,
                is_final: false,
            }));
        }
        due
    }

    /// The batches of one window, their bounds those of the window.
    pub fn window(
        &mut self,
        start_us: i64,
        reduce: &mut dyn FnMut(Vec<RecordBatch>) -> Result<Vec<RecordBatch>>,
    ) -> Result<Vec<RecordBatch>> {
        let end_us = start_us + self.windows.size_us();
        let mut rows = Vec::new();
        for batches in self
            .panes
            .range_mut(start_us..end_us)
            .map(|(_, batches)| batches)
        {
            if batches.len() > BATCHES_MAX {
                *batches = reduce(std::mem::take(batches))?;
            }
            for batch in batches.iter() {
                rows.push(with_window(batch, start_us, end_us)?);
            }
        }
        Ok(rows)
    }

    /// Forgets what no window after `at_us` needs.
    pub fn close(&mut self, at_us: i64) {
        self.closed_us = at_us;
        let first_open = self.windows.next_end(at_us) - self.windows.size_us();
        self.panes = self.panes.split_off(&first_open);
        self.touched = self.touched.split_off(&first_open);
    }

    /// Open panes and the rows in them.
    pub fn size(&self) -> (usize, usize) {
        let rows = self
            .panes
            .values()
            .flatten()
            .map(RecordBatch::num_rows)
            .sum();
        (self.panes.len(), rows)
    }
}

fn with_window(batch: &RecordBatch, start_us: i64, end_us: i64) -> Result<RecordBatch> {
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    for (name, instant_us) in [(WINDOW_START, start_us), (WINDOW_END, end_us)] {
        if let Ok(index) = schema.index_of(name) {
            columns[index] = constant(instant_us, batch.num_rows());
        }
    }
    Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
}
