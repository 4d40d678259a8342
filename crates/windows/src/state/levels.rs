//! Levels: per key the running sum of changes, told at the end of every interval whether anything changed or not.

mod saved;

pub(crate) use saved::numbered;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::{Result, exec_datafusion_err};

use super::held::keyed_bytes;
use super::schedule::{Ahead, Due, Schedule};
use super::{constant, instants};
use crate::merge::Refused;
use crate::sql::call::WINDOW_START;
use crate::window::{Windows, floor};

/// What changed of one key in one interval.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    delta: i64,
    /// Sum over the changes of change x microseconds from then to the end of the interval.
    delta_us: i64,
    changes: i64,
}

impl Change {
    /// Level before and after, integral over the interval, number of changes.
    fn told(self, before: i64, every_us: i64) -> [i64; 4] {
        let level_us = before.saturating_mul(every_us);
        [
            before,
            before.saturating_add(self.delta),
            level_us.saturating_add(self.delta_us),
            self.changes,
        ]
    }
}

/// The levels of one query.
#[derive(Debug)]
pub struct Levels {
    every_us: i64,
    schema: SchemaRef,
    keys: Vec<String>,
    converter: RowConverter,
    levels: BTreeMap<OwnedRow, i64>,
    pending: BTreeMap<i64, BTreeMap<OwnedRow, Change>>,
    closed_us: Option<i64>,
    /// Of what is told before its interval closes.
    schedule: Schedule,
    keys_max: usize,
}

impl Levels {
    /// No level yet. `schema` is the columns of the LEVEL relation.
    pub fn new(
        every_us: i64,
        keys: &[String],
        schema: SchemaRef,
        ahead: Ahead,
        keys_max: usize,
    ) -> Result<Self> {
        let intervals = Windows::Hop {
            size_us: every_us,
            slide_us: every_us,
        };
        let fields = keys
            .iter()
            .map(|key| {
                Ok(SortField::new(
                    schema.field_with_name(key)?.data_type().clone(),
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Levels {
            every_us,
            keys: keys.to_vec(),
            converter: RowConverter::new(fields)?,
            schema,
            levels: BTreeMap::new(),
            pending: BTreeMap::new(),
            closed_us: None,
            schedule: Schedule::new(intervals, ahead),
            keys_max,
        })
    }

    /// Length of an interval, microseconds.
    pub fn every_us(&self) -> i64 {
        self.every_us
    }

    /// Takes sums of changes in. A change in an interval that is closed counts from the next one on, and is told as late.
    pub fn absorb(&mut self, batch: &RecordBatch) -> Result<Refused> {
        let changes = self.changes(batch)?;
        let mut refused = Refused::default();
        let mut new_keys = self.new_keys(batch.num_rows());
        for (mut start, key, mut change) in changes {
            if let Some(closed) = self.closed_us.filter(|&closed| start < closed) {
                refused.late += 1;
                start = closed;
                change.delta_us = change.delta.saturating_mul(self.every_us);
            }
            if let Some(new_keys) = &mut new_keys
                && !self.levels.contains_key(&key)
                && !new_keys.contains(&key)
            {
                if self.levels.len() + new_keys.len() >= self.keys_max {
                    refused.full += 1;
                    continue;
                }
                new_keys.insert(key.clone());
            }
            let sum = self.pending.entry(start).or_default();
            let sum = sum.entry(key).or_default();
            sum.delta = sum.delta.saturating_add(change.delta);
            sum.delta_us = sum.delta_us.saturating_add(change.delta_us);
            sum.changes += change.changes;
            self.touch(start);
        }
        Ok(refused)
    }

    /// Start of the interval, key and sums of each row.
    fn changes(&self, batch: &RecordBatch) -> Result<Vec<(i64, OwnedRow, Change)>> {
        let starts = instants(batch, WINDOW_START)?;
        let number = |name: &str| {
            batch
                .column_by_name(name)
                .and_then(|column| column.as_primitive_opt::<Int64Type>())
                .ok_or_else(|| exec_datafusion_err!("level changes have no column {name}"))
        };
        let (delta, delta_us, changes) = (
            number("delta_sum")?,
            number("delta_us")?,
            number("changes")?,
        );
        let keys = self
            .keys
            .iter()
            .map(|key| {
                let column = batch.column_by_name(key).cloned();
                column.ok_or_else(|| exec_datafusion_err!("level changes have no column {key}"))
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        let keys = self.converter.convert_columns(&keys)?;
        let rows = starts.iter().enumerate().map(|(row, &start)| {
            let change = Change {
                delta: delta.value(row),
                delta_us: delta_us.value(row),
                changes: changes.value(row),
            };
            (start, keys.row(row).owned(), change)
        });
        Ok(rows.collect())
    }

    /// Takes sums of changes out again that were taken in, of intervals that are not closed.
    pub fn take_back(&mut self, batch: &RecordBatch) -> Result<()> {
        for (start, key, change) in self.changes(batch)? {
            let sums = self.pending.get_mut(&start);
            let Some(sum) = sums.and_then(|sums| sums.get_mut(&key)) else {
                continue;
            };
            // What is left of nothing stays: something may have been told of it.
            sum.delta = sum.delta.saturating_sub(change.delta);
            sum.delta_us = sum.delta_us.saturating_sub(change.delta_us);
            sum.changes -= change.changes;
            self.touch(start);
        }
        Ok(())
    }

    /// Keys that have changes to come and no level, if with `more` keys there could be too many.
    fn new_keys(&self, more: usize) -> Option<BTreeSet<OwnedRow>> {
        let waiting: usize = self.pending.values().map(BTreeMap::len).sum();
        if self.levels.len() + waiting + more <= self.keys_max {
            return None;
        }
        let waiting = self.pending.values().flat_map(BTreeMap::keys);
        let new = waiting.filter(|key| !self.levels.contains_key(key));
        Some(new.cloned().collect())
    }

    /// End of the next interval that has a row to tell.
    pub fn next_at(&self) -> Option<i64> {
        let pending = self.pending.first_key_value().map(|(&start, _)| start);
        let start = match (self.closed_us, self.levels.is_empty()) {
            (Some(closed), false) => Some(closed),
            _ => pending,
        };
        Some(start? + self.every_us)
    }

    /// Notes that an interval changed, and with it all that were told after it: they begin with its level.
    fn touch(&mut self, start_us: i64) {
        let passed_us = self.schedule.closed_us();
        let mut from_us = match passed_us {
            i64::MIN => start_us,
            passed_us => start_us.max(floor(passed_us, self.every_us)),
        };
        while from_us + self.every_us <= self.schedule.on_time_us() {
            self.schedule.touch(from_us);
            from_us += self.every_us;
        }
    }

    /// The next instant at which [`Self::ahead_at`] has something to say. `awake_from` finds the end of the first interval,
    /// from an end on, of which something is told.
    pub fn next_ahead(&self, awake_from: &dyn Fn(i64) -> Option<i64>) -> Option<i64> {
        let first_us = self.next_at()? - self.every_us;
        self.schedule.next_ahead(&|from_us| {
            let from_us = floor(first_us.max(from_us) + self.every_us - 1, self.every_us);
            Some(awake_from(from_us + self.every_us)? - self.every_us)
        })
    }

    /// The intervals to tell of at `at_us` that are not closed. No row to come is earlier than `reached_us`.
    pub fn ahead_at(&mut self, at_us: i64, reached_us: i64) -> Vec<Due> {
        self.schedule.ahead_at(at_us, reached_us)
    }

    /// Everything up to `at_us` was told.
    pub fn pass(&mut self, at_us: i64) {
        self.schedule.close(at_us);
    }

    /// If nobody knows up to where everything was told, it was up to `frontier_us`.
    pub fn begin_ahead(&mut self, frontier_us: i64) {
        if self.schedule.closed_us() == i64::MIN {
            self.schedule.close(frontier_us);
        }
    }

    /// The rows of an interval that is not closed, as far as its changes are known.
    pub fn known(&self, due: Due) -> Result<RecordBatch> {
        let levels = self.levels.iter().map(|(key, level)| (key, *level));
        let mut before: BTreeMap<&OwnedRow, i64> = levels.collect();
        for (key, change) in self.pending.range(..due.start_us).flat_map(|(_, of)| of) {
            let level = before.entry(key).or_default();
            *level = level.saturating_add(change.delta);
        }
        before.retain(|_, level| *level != 0);
        let changes = self.pending.get(&due.start_us);
        let mut keys: BTreeSet<&OwnedRow> = before.keys().copied().collect();
        let changed = changes.into_iter().flatten();
        keys.extend(
            changed
                .filter(|(_, change)| change.changes != 0)
                .map(|(key, _)| key),
        );
        let rows = keys.into_iter().map(|key| {
            let change = changes.and_then(|changes| changes.get(key)).copied();
            let level = before.get(key).copied().unwrap_or_default();
            let told = change.unwrap_or_default().told(level, self.every_us);
            (key.clone(), told)
        });
        self.batch(due.start_us, &rows.collect::<Vec<_>>())
    }

    /// Closes the interval that ends at `at_us` and returns its rows, one for each key that has a level or a change.
    pub fn close(&mut self, at_us: i64) -> Result<RecordBatch> {
        debug_assert_eq!(at_us, floor(at_us, self.every_us));
        let start_us = at_us - self.every_us;
        self.closed_us = Some(at_us);
        self.pass_over(start_us);
        let mut changes = self.pending.remove(&start_us).unwrap_or_default();
        let mut rows: Vec<(OwnedRow, [i64; 4])> =
            Vec::with_capacity(self.levels.len() + changes.len());
        let mut ended = Vec::new();
        for (key, level) in &mut self.levels {
            let change = changes.remove(key).unwrap_or_default();
            let told = change.told(*level, self.every_us);
            *level = told[1];
            rows.push((key.clone(), told));
            if *level == 0 {
                ended.push(key.clone());
            }
        }
        for key in ended {
            self.levels.remove(&key);
        }
        for (key, change) in changes {
            if change.changes == 0 {
                continue;
            }
            if change.delta != 0 {
                self.levels.insert(key.clone(), change.delta);
            }
            rows.push((key, change.told(0, self.every_us)));
        }
        rows.sort_by(|left, right| left.0.cmp(&right.0));
        self.batch(start_us, &rows)
    }

    /// Takes changes in of intervals before `start_us` that are told of no more.
    fn pass_over(&mut self, start_us: i64) {
        let later = self.pending.split_off(&start_us);
        for (key, change) in std::mem::replace(&mut self.pending, later)
            .into_values()
            .flatten()
        {
            if change.changes == 0 {
                continue;
            }
            let level = self.levels.entry(key).or_default();
            *level = level.saturating_add(change.delta);
        }
    }

    fn batch(&self, start_us: i64, rows: &[(OwnedRow, [i64; 4])]) -> Result<RecordBatch> {
        let bounds =
            [start_us, start_us + self.every_us].map(|instant| constant(instant, rows.len()));
        let keys = self
            .converter
            .convert_rows(rows.iter().map(|(key, _)| key.row()))?;
        let numbers = (0..4).map(|column| {
            let values = rows.iter().map(|(_, numbers)| numbers[column]);
            Arc::new(Int64Array::from_iter_values(values)) as ArrayRef
        });
        let columns = bounds.into_iter().chain(keys).chain(numbers).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        let waiting: usize = self.pending.values().map(BTreeMap::len).sum();
        let waiting_keys = self.pending.values().flat_map(BTreeMap::keys);
        let key = self.levels.keys().chain(waiting_keys).next();
        let key = key.map_or(0, |key| key.row().as_ref().len());
        keyed_bytes(self.levels.len(), key, std::mem::size_of::<i64>())
            + keyed_bytes(waiting, key, std::mem::size_of::<Change>())
    }

    /// Keys that have a level, and intervals that have changes to come.
    pub fn size(&self) -> (usize, usize) {
        (self.levels.len(), self.pending.len())
    }
}
