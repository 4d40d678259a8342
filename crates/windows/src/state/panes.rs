//! The open panes of a windowed query, each a few batches of partial aggregates or rows.

mod saved;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::common::Result;

use super::sums::{PaneRows, Reduce, Sums};
use super::{constant, instants};
use crate::sql::call::{WINDOW_END, WINDOW_START};
use crate::window::{Windows, floor};

/// Batches of one pane beyond this number are reduced to one.
pub const BATCHES_MAX: usize = 32;

/// A window that is to be computed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Start of the window.
    pub start_us: i64,
    /// End of the window.
    pub end_us: i64,
    /// True when no row will come any more.
    pub is_final: bool,
}

/// The panes of one query.
#[derive(Debug)]
pub struct Panes {
    windows: Windows,
    early_us: Option<i64>,
    panes: PaneRows,
    /// Panes that changed since the last early rows.
    touched: BTreeSet<i64>,
    /// All windows that end here or before are final.
    closed_us: i64,
    sums: Option<Sums>,
}

impl Panes {
    /// No panes yet. `early_us`: how often windows that are still open are computed, if changed. `adds_up`: the rows are
    /// partial aggregates, of which panes in common need to be added up once only.
    pub fn new(windows: Windows, early_us: Option<i64>, adds_up: bool) -> Self {
        Panes {
            sums: Sums::new(&windows).filter(|_| adds_up),
            windows,
            early_us,
            panes: PaneRows::new(),
            touched: BTreeSet::new(),
            closed_us: i64::MIN,
        }
    }

    /// Takes partials in. Returns the number of rows whose pane belongs to no open window.
    pub fn absorb(&mut self, batch: &RecordBatch, reduce: &mut Reduce<'_>) -> Result<usize> {
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
            if self.windows.last_end(pane) <= self.closed_us {
                late += rows.num_rows();
                continue;
            }
            let batches = self.panes.entry(pane).or_default();
            batches.push(rows);
            if batches.len() > BATCHES_MAX {
                *batches = reduce(std::mem::take(batches))?;
            }
            self.touched.insert(pane);
            if let Some(sums) = &mut self.sums {
                sums.touch(pane);
            }
        }
        Ok(late)
    }

    /// The next instant at which [`Self::due`] has something to say.
    pub fn next_at(&self) -> Option<i64> {
        let first = *self.panes.first_key_value()?.0;
        let end = self.windows.next_end(first.max(self.closed_us));
        let early = self.early_us.and_then(|early_us| {
            let touched = *self.touched.first()?;
            Some(floor(touched.max(self.closed_us), early_us) + early_us)
        });
        Some(early.map_or(end, |early| early.min(end)))
    }

    /// The windows to compute at `at_us`, the earliest first.
    pub fn due(&mut self, at_us: i64) -> Vec<Due> {
        let mut due = Vec::new();
        if let Some(start_us) = self.windows.start_of(at_us)
            && self.panes.range(start_us..at_us).next().is_some()
        {
            due.push(Due {
                start_us,
                end_us: at_us,
                is_final: true,
            });
        }
        if self
            .early_us
            .is_some_and(|early_us| at_us.rem_euclid(early_us) == 0)
        {
            let touched = std::mem::take(&mut self.touched);
            let holding = touched.iter().flat_map(|&pane| self.windows.holding(pane));
            let open: BTreeSet<(i64, i64)> = holding.filter(|window| window.1 > at_us).collect();
            due.extend(open.into_iter().map(|(start_us, end_us)| Due {
                start_us,
                end_us,
                is_final: false,
            }));
        }
        due
    }

    /// The batches of one window, their bounds those of the window.
    pub fn window(&mut self, due: Due, reduce: &mut Reduce<'_>) -> Result<Vec<RecordBatch>> {
        let bounds = (due.start_us, due.end_us);
        let rows = match self.sums.as_mut().filter(|_| due.is_final) {
            Some(sums) => sums.window(&self.windows, &self.panes, bounds, reduce)?,
            None => {
                let panes = self.panes.range(due.start_us..due.end_us);
                panes.flat_map(|(_, batches)| batches).cloned().collect()
            }
        };
        rows.iter()
            .map(|batch| with_window(batch, due.start_us, due.end_us))
            .collect()
    }

    /// Forgets what no window after `at_us` needs.
    pub fn close(&mut self, at_us: i64) {
        self.closed_us = at_us;
        let first_open = self.windows.first_open(at_us);
        self.panes = self.panes.split_off(&first_open);
        self.touched = self.touched.split_off(&first_open);
    }

    /// The rows of all open panes.
    pub fn batches(&self) -> Vec<&RecordBatch> {
        self.panes.values().flatten().collect()
    }

    /// Open panes and the rows held for them.
    pub fn size(&self) -> (usize, usize) {
        let held = self.panes.values().flatten().map(RecordBatch::num_rows);
        let sums = self.sums.as_ref().map_or(0, Sums::rows);
        (self.panes.len(), held.sum::<usize>() + sums)
    }
}

/// Rows with other bounds in place of theirs, where they have any.
pub(crate) fn with_window(batch: &RecordBatch, start_us: i64, end_us: i64) -> Result<RecordBatch> {
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    for (name, instant_us) in [(WINDOW_START, start_us), (WINDOW_END, end_us)] {
        if let Ok(index) = schema.index_of(name) {
            columns[index] = constant(instant_us, batch.num_rows());
        }
    }
    Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
}
