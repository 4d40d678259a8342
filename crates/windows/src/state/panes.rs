//! The open panes of a windowed query, each a few batches of partial aggregates or rows.

mod parts;
pub(super) mod saved;
mod spilled;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::common::Result;

use super::held::{Held, Spill};
use super::revisions::StatKind;
use super::schedule::{Ahead, Due, Schedule};
use super::sums::{PaneRows, Reduce, Sums};
use super::{constant, instants, tiers};
use crate::sql::call::{WINDOW_END, WINDOW_START};
use crate::window::Windows;
pub use parts::Make;
use parts::Parts;

/// The panes of one query.
#[derive(Debug)]
pub struct Panes {
    schedule: Schedule,
    panes: PaneRows,
    /// For final rows.
    sums: Option<Sums>,
    /// For rows on time and corrections, which are of other windows.
    sums_ahead: Option<Sums>,
    /// What was made of the rows.
    parts: Option<Box<Parts>>,
}

impl Panes {
    /// No panes yet. `adds_up`: the rows are partial aggregates, of which panes in common need to be added up once only.
    /// `spill`: where sums go over rows that are kept away.
    pub fn new(
        windows: Windows,
        ahead: Ahead,
        adds_up: bool,
        spill: Option<&Arc<dyn Spill>>,
    ) -> Self {
        let sums = || Sums::new(&windows, spill.cloned()).filter(|_| adds_up);
        Panes {
            sums: sums(),
            sums_ahead: sums().filter(|_| ahead.is_on_time()),
            schedule: Schedule::new(windows, ahead),
            panes: PaneRows::new(),
            parts: None,
        }
    }

    /// As [`Self::new`], of rows of which each pane is aggregated once ([`Self::window_by_pane`]).
    pub fn by_pane(windows: &Windows, ahead: Ahead, spill: Option<&Arc<dyn Spill>>) -> Self {
        let panes = |adds_up| Panes::new(windows.clone(), ahead, adds_up, spill);
        Panes {
            parts: Some(Box::new(Parts {
                settled: panes(true),
                ahead: panes(true),
            })),
            ..panes(false)
        }
    }

    /// Takes partials in. Returns the number of rows that a final window lacks. `is_news`: rows ahead of the final ones have
    /// not shown them yet.
    pub fn absorb(
        &mut self,
        batch: &RecordBatch,
        is_news: bool,
        reduce: &mut Reduce<'_>,
    ) -> Result<usize> {
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
            if self.is_late(pane) {
                late += rows.num_rows();
            }
            if self.is_closed(pane) {
                continue;
            }
            let held = self.panes.entry(pane).or_default();
            held.push(rows.into());
            add_up(held, reduce)?;
            if is_news {
                self.schedule.touch(pane);
            }
            let sums = [&mut self.sums, &mut self.sums_ahead];
            for sums in sums.into_iter().flatten() {
                sums.touch(pane);
            }
            for parts in self.parts.iter_mut().flat_map(|parts| parts.both()) {
                parts.forget(pane);
            }
        }
        Ok(late)
    }

    /// True if the rows of a pane are there.
    pub fn has(&self, pane_us: i64) -> bool {
        self.panes.contains_key(&pane_us)
    }

    /// Takes in all that there is of some panes.
    pub fn put(&mut self, panes_us: &[i64], batches: &[RecordBatch]) -> Result<()> {
        for &pane_us in panes_us {
            self.forget(pane_us);
            self.panes.insert(pane_us, Vec::new());
        }
        for batch in batches {
            let starts = instants(batch, WINDOW_START)?;
            for &pane_us in &starts.iter().copied().collect::<BTreeSet<i64>>() {
                let mask: BooleanArray =
                    starts.iter().map(|&start| Some(start == pane_us)).collect();
                let rows = filter_record_batch(batch, &mask)?;
                self.panes.entry(pane_us).or_default().push(rows.into());
            }
        }
        Ok(())
    }

    /// Lets a pane go whose rows are others now.
    pub fn forget(&mut self, pane_us: i64) {
        self.panes.remove(&pane_us);
        let sums = [&mut self.sums, &mut self.sums_ahead];
        sums.into_iter()
            .flatten()
            .for_each(|sums| sums.touch(pane_us));
    }

    /// Rows of these times came or went that are not in the panes yet: rows ahead of the final ones show them. True if a
    /// final window lacks some.
    pub fn expect(&mut self, times: &[i64]) -> bool {
        let mut is_late = false;
        for &time in times {
            let (pane, _) = self.schedule.windows().pane(time);
            is_late |= self.is_late(pane);
            if !self.is_closed(pane) {
                self.panes.entry(pane).or_default();
                self.schedule.touch(pane);
            }
        }
        is_late
    }

    /// The number of rows that a final window lacks.
    pub fn late(&self, batch: &RecordBatch) -> Result<usize> {
        let starts = instants(batch, WINDOW_START)?.iter();
        Ok(starts.filter(|&&pane| self.is_late(pane)).count())
    }

    /// True if a window that holds the pane is final.
    fn is_late(&self, pane_us: i64) -> bool {
        self.schedule.windows().next_end(pane_us) <= self.schedule.closed_us()
    }

    /// True if all of them are.
    fn is_closed(&self, pane_us: i64) -> bool {
        self.schedule.windows().last_end(pane_us) <= self.schedule.closed_us()
    }

    /// The next instant at which [`Self::due`] has something to say. `is_ahead`: rows before the final ones count.
    pub fn next_at(&self, is_ahead: bool) -> Option<i64> {
        let end = self.schedule.next_final(*self.panes.first_key_value()?.0);
        let pane_from = |from_us: i64| Some(*self.panes.range(from_us..).next()?.0);
        let ahead = is_ahead.then(|| self.schedule.next_ahead(&pane_from));
        Some(ahead.flatten().map_or(end, |ahead| ahead.min(end)))
    }

    /// The windows to compute at `at_us`. No row to come is earlier than `reached_us`.
    pub fn due(&mut self, at_us: i64, reached_us: i64) -> Vec<Due> {
        let mut due: Vec<Due> = self.schedule.final_at(at_us).into_iter().collect();
        due.extend(self.schedule.ahead_at(at_us, reached_us));
        due.retain(|due| {
            let mut panes = self.panes.range(due.start_us..due.end_us);
            panes.next().is_some()
        });
        due
    }

    /// The rows of one window, their bounds those of the window. `at_us` is the instant at which it is due.
    pub fn window(&mut self, due: Due, at_us: i64, reduce: &mut Reduce<'_>) -> Result<Vec<Held>> {
        let bounds = (due.start_us, due.end_us);
        let sums = match due.kind {
            StatKind::Final => self.sums.as_mut(),
            // Windows that are open are many, and far apart.
            StatKind::Early => None,
            _ => self.sums_ahead.as_mut(),
        };
        let rows = match sums {
            Some(sums) => {
                let windows = self.schedule.windows();
                sums.window(windows, &self.panes, bounds, at_us, reduce)?
            }
            None => {
                let panes = self.panes.range(due.start_us..due.end_us);
                panes.flat_map(|(_, held)| held).cloned().collect()
            }
        };
        rows.iter()
            .map(|rows| rows.with_window(due.start_us, due.end_us))
            .collect()
    }

    /// Forgets what no window after `at_us` needs; true if that is something.
    pub fn close(&mut self, at_us: i64) -> bool {
        let first_open = self.schedule.close(at_us);
        for parts in self.parts.iter_mut().flat_map(|parts| parts.both()) {
            parts.close(at_us);
        }
        let open = self.panes.split_off(&first_open);
        let closed = std::mem::replace(&mut self.panes, open);
        !closed.is_empty()
    }

    /// The rows of all open panes, one batch after the other.
    pub fn visit(&self, visit: &mut dyn FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        let mut held = self.panes.values().flatten();
        held.try_for_each(|rows| visit(&rows.load()?))
    }

    /// Open panes and the rows held for them.
    pub fn size(&self) -> (usize, usize) {
        let held = self.panes.values().flatten().map(Held::num_rows);
        let sums = self.sums.iter().chain(&self.sums_ahead).map(Sums::rows);
        let parts = self.all_parts().map(|(_, parts)| parts.size().1);
        let beyond = sums.chain(parts).sum::<usize>();
        (self.panes.len(), held.sum::<usize>() + beyond)
    }
}

/// Makes fewer batches of the last ones of a pane, if they are many. Those that are kept away stay so.
fn add_up(held: &mut Vec<Held>, reduce: &mut Reduce<'_>) -> Result<()> {
    let here = held.iter().rev().map_while(Held::here);
    let last = tiers::tail(here.map(RecordBatch::num_rows));
    if last > 0 {
        let last = held.split_off(held.len() - last);
        let last = last.iter().filter_map(Held::here).cloned().collect();
        let added_up = tiers::together(reduce(last)?)?;
        held.extend(added_up.into_iter().map(Held::from));
    }
    Ok(())
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
