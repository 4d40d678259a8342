//! When rows came at all. Levels and ticks rest while nothing moves: an old file that is imported beside new rows must not
//! give a row for every interval of the years between.
//!
//! The rule: at an instant something is told if an accepted row lies before it by at most the time of rest. Which rows lie
//! before an instant is known for certain once the frontier has passed it, so this is a function of the rows alone. Kept
//! is the first and the last row of each hour, which suffices, because the time of rest is an hour or more.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use datafusion::common::Result;

use super::instants;
use crate::sql::call::{ROW_TIME, instant};
use crate::window::floor;

/// Under this name fold tells merge of rows, in place of a query's.
pub const NAME: &str = "quaystream.activity";
/// Stands for the form of what [`told`] makes.
pub const FINGERPRINT: u64 = 1;
/// The least time of rest, microseconds.
pub const REST_LEAST_US: i64 = 3_600_000_000;

/// First and last row time of each hour in which `tables` have rows.
pub fn told<'a>(tables: impl IntoIterator<Item = &'a RecordBatch>) -> Result<RecordBatch> {
    let mut activity = Activity::default();
    for batch in tables {
        for &time in instants(batch, ROW_TIME)? {
            activity.add(time);
        }
    }
    let hours = activity.hours.values();
    let columns = [
        hours.clone().map(|hour| hour.0).collect(),
        hours.map(|hour| hour.1).collect(),
    ]
    .map(|times: Vec<i64>| {
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) as ArrayRef
    });
    let fields = [FIRST, LAST].map(|name| Field::new(name, instant(), false));
    let schema = Schema::new(fields.to_vec());
    Ok(RecordBatch::try_new(Arc::new(schema), columns.to_vec())?)
}

const FIRST: &str = "first_at";
const LAST: &str = "last_at";

/// The hours in which rows came.
#[derive(Debug, Default, Clone)]
pub struct Activity {
    hours: BTreeMap<i64, (i64, i64)>,
}

impl Activity {
    /// Takes in what [`told`] made.
    pub fn absorb(&mut self, batch: &RecordBatch) -> Result<()> {
        for name in [FIRST, LAST] {
            for &time in instants(batch, name)? {
                self.add(time);
            }
        }
        Ok(())
    }

    fn add(&mut self, time_us: i64) {
        let hour = self.hours.entry(floor(time_us, REST_LEAST_US));
        let (first, last) = hour.or_insert((time_us, time_us));
        *first = time_us.min(*first);
        *last = time_us.max(*last);
    }

    /// The first instant from `from_us` on that has a row before it by at most `rest_us` (at least [`REST_LEAST_US`]).
    pub fn awake_from(&self, from_us: i64, rest_us: i64) -> Option<i64> {
        let hour = floor(from_us - 1, REST_LEAST_US);
        let within = self.hours.get(&hour).filter(|(first, _)| *first < from_us);
        let before = self.hours.range(..hour).next_back();
        let is_recent = |last: i64| last >= from_us.saturating_sub(rest_us);
        if within.is_some() || before.is_some_and(|(_, (_, last))| is_recent(*last)) {
            return Some(from_us);
        }
        let mut later = self.hours.range(hour..).map(|(_, (first, _))| *first);
        later.find(|&first| first >= from_us).map(|first| first + 1)
    }

    /// The first multiple of `every_us`, plus `plus_us`, from the multiple `from_us` on, that has a row before it by at
    /// most `rest_us`, or by one interval where that is longer.
    pub fn next(&self, from_us: i64, every_us: i64, plus_us: i64, rest_us: i64) -> Option<i64> {
        let rest_us = rest_us.max(every_us).max(REST_LEAST_US) + plus_us;
        let at = self.awake_from(from_us + plus_us, rest_us)?;
        Some(floor(at - plus_us + every_us - 1, every_us) + plus_us)
    }

    /// Forgets what nothing from `from_us` on needs.
    pub fn prune(&mut self, from_us: i64, rest_us: i64) {
        let oldest = from_us.saturating_sub(rest_us.max(REST_LEAST_US) * 2);
        self.hours = self.hours.split_off(&floor(oldest, REST_LEAST_US));
    }

    /// Hour, first and last row of each.
    pub(crate) fn save(&self) -> Vec<i64> {
        let hours = self.hours.iter();
        hours
            .flat_map(|(hour, (first, last))| [*hour, *first, *last])
            .collect()
    }

    pub(crate) fn restore(&mut self, numbers: &[i64]) {
        for hour in numbers.chunks_exact(3) {
            self.hours.insert(hour[0], (hour[1], hour[2]));
        }
    }

    /// Hours kept.
    pub fn hours(&self) -> usize {
        self.hours.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = REST_LEAST_US;

    #[test]
    fn instants_are_awake_for_a_while_after_each_row() {
        let rows = [5, HOUR + 7, 100 * HOUR + 9, 100 * HOUR + 30];
        let mut activity = Activity::default();
        for row in rows {
            activity.add(row);
        }
        for rest in [HOUR, 3 * HOUR] {
            let is_awake = |at: i64| rows.iter().any(|row| *row < at && at - rest <= *row);
            let near = rows
                .iter()
                .flat_map(|row| [row - 2, *row, row + 1, row + rest, row + rest + 1]);
            for from in near {
                // A gap ends one microsecond after the next row.
                let candidates = rows.iter().map(|row| row + 1).chain([from]);
                let expected = candidates.filter(|&at| at >= from && is_awake(at)).min();
                assert_eq!(activity.awake_from(from, rest), expected, "{from} {rest}");
            }
        }
        assert_eq!(
            activity.next(10 * HOUR, HOUR, 1, HOUR),
            Some(101 * HOUR + 1)
        );
        assert_eq!(
            activity.next(10 * HOUR, 50 * HOUR, 0, HOUR),
            Some(50 * HOUR)
        );
        activity.prune(99 * HOUR, HOUR);
        assert_eq!(activity.hours(), 1);
    }
}
