//! Rows of streams that are joined by time: each is kept as long as a row that it can meet lies in an open window.
//!
//! Where the joined rows can be aggregated in parts, they are joined pane by pane when a window first asks for the pane, and
//! the parts are kept: windows that share a pane add it up ([`Panes`]), and one that slides costs what its new panes do. What comes, or
//! is taken back, lets the parts of all panes go in which it has a say. They are not in snapshots: they are made again.

mod saved;
mod spilled;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::Result;

use super::held::Held;
use super::instants;
use super::panes::Panes;
use super::schedule::{Ahead, Due, Schedule};
use super::sums::{PaneRows, Reduce};
use crate::sql::call::WINDOW_START;
use crate::window::Windows;

/// How far from a joined row's time rows of one side may lie that have a say in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Before, microseconds.
    pub before_us: i64,
    /// After, microseconds.
    pub after_us: i64,
}

/// Where joined rows lie: so long after a row of a side that is in them, at least and at most. Before it, if negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The side.
    pub side: usize,
    /// At least, microseconds.
    pub from_us: i64,
    /// At most, microseconds.
    pub to_us: i64,
}

#[derive(Debug)]
struct Side {
    reach: Reach,
    /// Its column with the row's time.
    time: String,
    panes: PaneRows,
}

/// The rows of one query's streams.
#[derive(Debug)]
pub struct Joined {
    schedule: Schedule,
    places: Vec<Place>,
    sides: Vec<Side>,
    /// Partial aggregates of the joined rows, as far as they were asked for.
    parts: Option<Panes>,
}

/// Joins the rows of each side that may meet between two instants, and makes of them what is kept.
pub type Meet<'a> = dyn FnMut((i64, i64), Vec<Vec<Held>>) -> Result<Vec<RecordBatch>> + 'a;

impl Joined {
    /// No rows yet. Every joined row lies at one of the `places`. `sides`: of each the reach, and the column with the row's
    /// time. `parts`: the joined rows can be aggregated in parts.
    pub fn new(
        windows: Windows,
        ahead: Ahead,
        places: &[Place],
        sides: &[(Reach, String)],
        parts: Option<Panes>,
    ) -> Self {
        let side = |(reach, time): &(Reach, String)| Side {
            reach: *reach,
            time: time.clone(),
            panes: PaneRows::new(),
        };
        Joined {
            schedule: Schedule::new(windows, ahead),
            places: places.to_vec(),
            sides: sides.iter().map(side).collect(),
            parts,
        }
    }

    /// A window can be computed so long after its end: rows that lie in it may meet later ones.
    pub fn delay_us(&self) -> i64 {
        let after = self.sides.iter().map(|side| side.reach.after_us);
        after.max().unwrap_or_default()
    }

    /// How many streams there are.
    pub(crate) fn sides(&self) -> u32 {
        self.sides.len() as u32
    }

    /// Takes rows of one side in. Returns the number of those that a final window may lack.
    pub fn absorb(&mut self, side: usize, batch: &RecordBatch) -> Result<usize> {
        let starts = instants(batch, WINDOW_START)?;
        let distinct: BTreeSet<i64> = starts.iter().copied().collect();
        let mut late = 0;
        for &pane in &distinct {
            let mask: BooleanArray = starts.iter().map(|&start| Some(start == pane)).collect();
            let rows = filter_record_batch(batch, &mask)?;
            let times = instants(&rows, &self.sides[side].time)?;
            late += times
                .iter()
                .filter(|&&time| self.is_late(side, time))
                .count();
            if self.last_end(side, pane) <= self.schedule.closed_us() {
                continue;
            }
            let times = span(times.iter());
            let held = self.sides[side].panes.entry(pane).or_default();
            held.push(rows.into());
            self.touch(side, pane, times);
        }
        Ok(late)
    }

    /// Takes rows out again: for each the first that equals it.
    pub fn take_back(&mut self, side: usize, batch: &RecordBatch) -> Result<()> {
        let fields = batch.schema_ref().fields().iter();
        let fields = fields.map(|field| SortField::new(field.data_type().clone()));
        let converter = RowConverter::new(fields.collect())?;
        let rows = converter.convert_columns(batch.columns())?;
        let mut leaving: BTreeMap<i64, Vec<OwnedRow>> = BTreeMap::new();
        for (row, &pane) in rows.iter().zip(instants(batch, WINDOW_START)?) {
            leaving.entry(pane).or_default().push(row.owned());
        }
        let times = span(instants(batch, &self.sides[side].time)?.iter());
        for (pane, mut leaving) in leaving {
            let held = self.sides[side].panes.get_mut(&pane);
            for held in held.into_iter().flatten() {
                if leaving.is_empty() {
                    break;
                }
                let loaded = held.load()?;
                let rows = converter.convert_columns(loaded.columns())?;
                let stays = rows.iter().map(|row| {
                    let place = leaving.iter().position(|leaving| leaving.row() == row);
                    Some(place.map(|place| leaving.swap_remove(place)).is_none())
                });
                let stays: BooleanArray = stays.collect();
                if stays.true_count() < loaded.num_rows() {
                    *held = filter_record_batch(&loaded, &stays)?.into();
                }
            }
            self.touch(side, pane, times);
        }
        Ok(())
    }

    /// Notes the panes in which joined rows may lie that the rows of this pane have a say in. Parts go where rows of these
    /// times do: a pane that is complete is not joined again with each row of the next.
    fn touch(&mut self, side: usize, pane_us: i64, (first_us, last_us): (i64, i64)) {
        let (start_us, end_us) = self.schedule.windows().pane(pane_us);
        let reach = self.sides[side].reach;
        let from_us = self.pane_of(start_us.saturating_sub(reach.after_us));
        let to_us = end_us.saturating_add(reach.before_us);
        let changed_us = first_us.saturating_sub(reach.after_us);
        let unchanged_us = last_us.saturating_add(reach.before_us);
        let mut next_us = from_us;
        while let Some(pane_us) = self.place_from(next_us).filter(|&pane_us| pane_us < to_us) {
            next_us = self.schedule.windows().pane(pane_us).1;
            self.schedule.touch(pane_us);
            if let Some(parts) = &mut self.parts
                && changed_us < next_us
                && pane_us <= unchanged_us
            {
                parts.forget(pane_us);
            }
        }
    }

    /// The first pane from an instant on in which joined rows may lie.
    fn place_from(&self, from_us: i64) -> Option<i64> {
        let windows = self.schedule.windows();
        let first = self.places.iter().filter_map(|place| {
            let panes = &self.sides[place.side].panes;
            // Rows of panes before that of this instant give joined rows before `from_us` alone.
            let row_us = from_us.saturating_sub(place.to_us);
            let pane_us = match *panes.first_key_value()?.0 {
                first_us if row_us <= first_us => first_us,
                _ => *panes.range(self.pane_of(row_us)..).next()?.0,
            };
            Some(from_us.max(pane_us.saturating_add(place.from_us)))
        });
        first.min().map(|first_us| windows.pane(first_us).0)
    }

    fn pane_of(&self, time_us: i64) -> i64 {
        self.schedule.windows().pane(time_us).0
    }

    /// True if a window is final that may need a row of this time.
    fn is_late(&self, side: usize, time_us: i64) -> bool {
        let first_us = time_us.saturating_sub(self.sides[side].reach.after_us);
        self.schedule.windows().next_end(first_us) <= self.schedule.closed_us()
    }

    /// End of the last window that may need rows of this pane.
    fn last_end(&self, side: usize, pane_us: i64) -> i64 {
        let windows = self.schedule.windows();
        let (_, end_us) = windows.pane(pane_us);
        let met_us = end_us.saturating_add(self.sides[side].reach.before_us);
        windows.last_end(met_us - 1)
    }

    /// The next instant at which [`Self::due`] has something to say or to forget. `is_ahead`: rows before the
    /// final ones count.
    pub fn next_at(&self, is_ahead: bool) -> Option<i64> {
        let first = self.sides.iter().filter_map(|side| {
            let first = *side.panes.first_key_value()?.0;
            Some(first.saturating_sub(side.reach.after_us))
        });
        let end = self.schedule.next_final(first.min()?);
        let pane_from = |from_us: i64| self.place_from(from_us);
        let ahead = is_ahead.then(|| self.schedule.next_ahead(&pane_from));
        let next = ahead.flatten().map_or(end, |ahead| ahead.min(end));
        Some(next.saturating_add(self.delay_us()))
    }

    /// The windows to compute at `at_us`. No row to come is earlier than `reached_us`.
    pub fn due(&mut self, at_us: i64, reached_us: i64) -> Vec<Due> {
        let at_us = at_us.saturating_sub(self.delay_us());
        let reached_us = reached_us.saturating_sub(self.delay_us());
        let mut due: Vec<Due> = self.schedule.final_at(at_us).into_iter().collect();
        due.extend(self.schedule.ahead_at(at_us, reached_us));
        due.retain(|due| {
            let first = self.place_from(due.start_us);
            first.is_some_and(|first_us| first_us < due.end_us)
        });
        due
    }

    /// The joined rows of one window, or their partial aggregates. `at_us` is the instant at which it is due.
    pub fn window(
        &mut self,
        due: Due,
        at_us: i64,
        meet: &mut Meet<'_>,
        reduce: &mut Reduce<'_>,
    ) -> Result<Vec<Held>> {
        let bounds = (due.start_us, due.end_us);
        if self.parts.is_none() {
            let joined = meet(bounds, self.rows(bounds))?;
            return Ok(joined.into_iter().map(Held::from).collect());
        }
        for run in self.missing(bounds) {
            let (Some(&first), Some(&last)) = (run.first(), run.last()) else {
                continue;
            };
            let bounds = (first, self.schedule.windows().pane(last).1);
            let made = meet(bounds, self.rows(bounds))?;
            if let Some(parts) = &mut self.parts {
                parts.put(&run, &made)?;
            }
        }
        let settled_us = at_us.saturating_sub(self.delay_us());
        match &mut self.parts {
            Some(parts) => parts.window(due, settled_us, reduce),
            None => Ok(Vec::new()),
        }
    }

    /// The panes of a window whose parts are not there, those side by side together.
    fn missing(&self, (start_us, end_us): (i64, i64)) -> Vec<Vec<i64>> {
        let mut runs: Vec<Vec<i64>> = Vec::new();
        let (mut next_us, mut run_end_us) = (start_us, None);
        while let Some(pane_us) = self.place_from(next_us).filter(|&pane_us| pane_us < end_us) {
            next_us = self.schedule.windows().pane(pane_us).1;
            if self.parts.as_ref().is_some_and(|parts| parts.has(pane_us)) {
                continue;
            }
            match runs.last_mut().filter(|_| run_end_us == Some(pane_us)) {
                Some(run) => run.push(pane_us),
                None => runs.push(vec![pane_us]),
            }
            run_end_us = Some(next_us);
        }
        runs
    }

    /// The rows of each side that have a say in what is joined between two instants.
    fn rows(&self, (start_us, end_us): (i64, i64)) -> Vec<Vec<Held>> {
        let rows = |side: &Side| {
            let from = self.pane_of(start_us.saturating_sub(side.reach.before_us));
            let to = end_us.saturating_add(side.reach.after_us);
            let panes = side.panes.range(from..to);
            panes.flat_map(|(_, rows)| rows).cloned().collect()
        };
        self.sides.iter().map(rows).collect()
    }

    /// Forgets what no window that is computed after `at_us` needs.
    pub fn close(&mut self, at_us: i64) {
        let end_us = at_us.saturating_sub(self.delay_us());
        if end_us <= self.schedule.closed_us() {
            return;
        }
        let first_open = self.schedule.close(end_us);
        let windows = self.schedule.windows();
        for side in &mut self.sides {
            let from_us = first_open.saturating_sub(side.reach.before_us);
            side.panes = side.panes.split_off(&windows.pane(from_us).0);
        }
        if let Some(parts) = &mut self.parts {
            parts.close(end_us);
        }
    }
}

/// The first and the last of some instants.
fn span<'a>(times: impl Iterator<Item = &'a i64> + Clone) -> (i64, i64) {
    let first = times.clone().min().copied();
    let last = times.max().copied();
    (first.unwrap_or(i64::MAX), last.unwrap_or(i64::MIN))
}
