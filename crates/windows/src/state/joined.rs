//! Rows of streams that are joined by time: each is kept as long as a row that it can meet lies in an open window.

mod saved;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::Result;

use super::held::{Bytes, Held, Wanted, here_bytes};
use super::instants;
use super::schedule::{Ahead, Due, Schedule};
use super::sums::PaneRows;
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
    panes: PaneRows,
}

/// The rows of one query's streams.
#[derive(Debug)]
pub struct Joined {
    schedule: Schedule,
    places: Vec<Place>,
    sides: Vec<Side>,
}

impl Joined {
    /// No rows yet. Every joined row lies at one of the `places`.
    pub fn new(windows: Windows, ahead: Ahead, places: &[Place], reaches: &[Reach]) -> Self {
        let side = |&reach| Side {
            reach,
            panes: PaneRows::new(),
        };
        Joined {
            schedule: Schedule::new(windows, ahead),
            places: places.to_vec(),
            sides: reaches.iter().map(side).collect(),
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
            if self.last_end(side, pane) <= self.schedule.closed_us() {
                late += rows.num_rows();
                continue;
            }
            self.sides[side]
                .panes
                .entry(pane)
                .or_default()
                .push(rows.into());
            self.touch(side, pane);
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
            self.touch(side, pane);
        }
        Ok(())
    }

    /// Notes the panes in which joined rows may lie that the rows of this pane have a say in.
    fn touch(&mut self, side: usize, pane_us: i64) {
        let (start_us, end_us) = self.schedule.windows().pane(pane_us);
        let reach = self.sides[side].reach;
        let from_us = self.pane_of(start_us.saturating_sub(reach.after_us));
        let to_us = end_us.saturating_add(reach.before_us);
        let mut next_us = from_us;
        while let Some(pane_us) = self.place_from(next_us).filter(|&pane_us| pane_us < to_us) {
            self.schedule.touch(pane_us);
            next_us = self.schedule.windows().pane(pane_us).1;
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

    /// The windows to compute at `at_us`, with the rows of each side that may meet in them. No row to come is earlier than
    /// `reached_us`.
    pub fn due(&mut self, at_us: i64, reached_us: i64) -> Vec<(Due, Vec<Vec<Held>>)> {
        let at_us = at_us.saturating_sub(self.delay_us());
        let reached_us = reached_us.saturating_sub(self.delay_us());
        let mut due: Vec<Due> = self.schedule.final_at(at_us).into_iter().collect();
        due.extend(self.schedule.ahead_at(at_us, reached_us));
        due.retain(|due| {
            let first = self.place_from(due.start_us);
            first.is_some_and(|first_us| first_us < due.end_us)
        });
        due.into_iter().map(|due| (due, self.rows(due))).collect()
    }

    /// The rows of each side that may meet in a window.
    fn rows(&self, due: Due) -> Vec<Vec<Held>> {
        let rows = |side: &Side| {
            let from = self.pane_of(due.start_us.saturating_sub(side.reach.before_us));
            let to = due.end_us.saturating_add(side.reach.after_us);
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
    }

    /// Open panes and the rows in them.
    pub fn size(&self) -> (usize, usize) {
        let panes = || self.sides.iter().flat_map(|side| side.panes.values());
        let rows = panes().flatten().map(Held::num_rows).sum();
        (panes().count(), rows)
    }

    /// What they take in memory.
    pub fn bytes(&self) -> Bytes {
        let panes = self.sides.iter().flat_map(|side| side.panes.values());
        let here = panes.flatten().map(Held::bytes).sum();
        Bytes {
            here,
            movable: here,
        }
    }

    /// The rows that may be kept away, `bytes_min` at least at one place.
    pub fn wanted(&self, bytes_min: usize) -> Vec<Wanted> {
        let mut all = Vec::new();
        for (list, side) in self.sides.iter().enumerate() {
            all.extend(side.panes.iter().map(|(&start_us, held)| {
                let first_us = start_us.saturating_sub(side.reach.after_us);
                let end_us = self.schedule.next_final(first_us);
                Wanted {
                    at_us: end_us.saturating_add(self.delay_us()),
                    list,
                    start_us,
                    bytes: here_bytes(held),
                }
            }));
        }
        all.retain(|wanted| wanted.bytes >= bytes_min);
        all
    }

    /// The rows at one place.
    pub fn rows_at(&mut self, wanted: &Wanted) -> Option<&mut Vec<Held>> {
        let side = self.sides.get_mut(wanted.list)?;
        side.panes.get_mut(&wanted.start_us)
    }
}
