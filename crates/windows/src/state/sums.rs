//! Sums over the panes of a sliding window that cost the same however many panes the window has.
//!
//! Two stacks: at some instant (`split`) all panes of a window were read once, from the last to the first, which gave the
//! sums of the panes from each place up to the split; panes that come later are added to one sum behind it. A window is
//! then what is in front of the split plus what is behind it. When no pane in front is left, the split moves. So each pane
//! is read three times, however many windows hold it.
//!
//! Sums in front are kept for every so-many-th pane only, and for each pane of the stretch that the window begins in:
//! memory grows by the root of the number of panes, not by the number.

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

/// What was added up for the windows to come. All of it can be made again from the panes.
#[derive(Debug)]
pub struct Sums {
    /// Panes in one stretch.
    stretch: usize,
    /// Sums from the start of a stretch up to the split.
    front: BTreeMap<i64, Vec<RecordBatch>>,
    /// Sums from a place in the first stretch up to its end.
    inner: BTreeMap<i64, Vec<RecordBatch>>,
    split_us: i64,
    /// Panes from the split to `built_us`, as runs of which each has more rows than half of the one before.
    back: Vec<Vec<RecordBatch>>,
    built_us: i64,
}

impl Sums {
    /// Nothing added up yet. None if the windows have too few panes to be worth it.
    pub fn new(windows: &Windows) -> Option<Self> {
        let panes = windows.panes();
        (panes > FEW_PANES).then(|| Sums {
            stretch: panes.isqrt().max(1) as usize,
            front: BTreeMap::new(),
            inner: BTreeMap::new(),
            split_us: i64::MIN,
            back: Vec::new(),
            built_us: i64::MIN,
        })
    }

    /// Forgets everything if a pane changed that was added up.
    pub fn touch(&mut self, pane_us: i64) {
        if pane_us < self.built_us {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.front.clear();
        self.inner.clear();
        self.back.clear();
        self.split_us = i64::MIN;
        self.built_us = i64::MIN;
    }

    /// The partial aggregates of a window, few rows a key. Windows are asked for in the order of their ends.
    pub fn window(
        &mut self,
        windows: &Windows,
        panes: &PaneRows,
        (start_us, end_us): (i64, i64),
        reduce: &mut Reduce<'_>,
    ) -> Result<Vec<RecordBatch>> {
        let is_growing = matches!(windows, Windows::Cumulate { .. });
        let is_spent = match is_growing {
            true => self.split_us != start_us,
            false => start_us >= self.split_us,
        };
        if is_spent || end_us < self.built_us {
            self.forget();
            self.split_us = if is_growing { start_us } else { end_us };
            self.built_us = self.split_us;
            self.fill_front(panes, start_us, reduce)?;
        }
        for (_, rows) in panes.range(self.built_us..end_us.max(self.built_us)) {
            self.back.push(same_bounds(rows)?);
            self.even_out(reduce)?;
        }
        self.built_us = end_us.max(self.built_us);
        let mut sum = self.front_from(panes, start_us, reduce)?;
        sum.extend(self.back.iter().flatten().cloned());
        Ok(sum)
    }

    /// Sums of the panes from each stretch's start up to the split.
    fn fill_front(
        &mut self,
        panes: &PaneRows,
        start_us: i64,
        reduce: &mut Reduce<'_>,
    ) -> Result<()> {
        let all: Vec<(&i64, &Vec<RecordBatch>)> =
            panes.range(start_us..self.split_us.max(start_us)).collect();
        let mut sum: Vec<RecordBatch> = Vec::new();
        for stretch in all.rchunks(self.stretch) {
            for (_, rows) in stretch {
                sum.extend(same_bounds(rows)?);
            }
            sum = reduce(std::mem::take(&mut sum))?;
            if let Some((first, _)) = stretch.first() {
                self.front.insert(**first, sum.clone());
            }
        }
        Ok(())
    }

    /// The sum of what is in front of the split from `start_us` on.
    fn front_from(
        &mut self,
        panes: &PaneRows,
        start_us: i64,
        reduce: &mut Reduce<'_>,
    ) -> Result<Vec<RecordBatch>> {
        // What begins before the window is needed no more, but the stretch that the window begins in is looked into.
        let later = self.front.split_off(&start_us);
        let is_within = !self.front.is_empty();
        self.front = later;
        let next = self.front.first_key_value();
        let next_us = next.map_or(self.split_us, |(&next, _)| next);
        let mut sum: Vec<RecordBatch> = next.map(|(_, rows)| rows.clone()).unwrap_or_default();
        if start_us >= next_us {
            return Ok(sum);
        }
        if is_within {
            self.inner.clear();
            let mut inner: Vec<RecordBatch> = Vec::new();
            for (&pane, rows) in panes.range(start_us..next_us).rev() {
                inner.extend(same_bounds(rows)?);
                inner = reduce(inner)?;
                self.inner.insert(pane, inner.clone());
            }
        }
        if let Some((_, rows)) = self.inner.range(start_us..next_us).next() {
            sum.extend(rows.iter().cloned());
        }
        Ok(sum)
    }

    /// Adds the last runs up until each has more rows than half of the one before.
    fn even_out(&mut self, reduce: &mut Reduce<'_>) -> Result<()> {
        let rows = |run: &[RecordBatch]| run.iter().map(RecordBatch::num_rows).sum::<usize>();
        while let [.., before, last] = self.back.as_slice()
            && rows(last) * 2 >= rows(before)
        {
            let last = self.back.pop().unwrap_or_default();
            let mut both = self.back.pop().unwrap_or_default();
            both.extend(last);
            self.back.push(reduce(both)?);
        }
        Ok(())
    }

    /// Rows held beyond those of the panes.
    pub fn rows(&self) -> usize {
        let sums = self.front.values().chain(self.inner.values());
        sums.chain(&self.back)
            .flatten()
            .map(RecordBatch::num_rows)
            .sum()
    }
}

/// Rows of several panes as rows of one.
fn same_bounds(rows: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
    rows.iter().map(|batch| with_window(batch, 0, 0)).collect()
}
