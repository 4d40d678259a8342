//! Revisions in snapshots: a row a window and key.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::row::OwnedRow;
use datafusion::common::Result;

use super::Revisions;
use crate::state::levels::numbered;
use crate::state::saved::{self, Part, Saved};

/// Columns behind the keys: start and end of the window, revision, digest.
const NUMBERS: usize = 4;
/// Rows made at once.
const ROWS_MAX: usize = 8_192;

impl Revisions {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let mut rows: Vec<(&OwnedRow, [i64; NUMBERS])> = Vec::new();
        for ((start, end), of) in &self.last {
            let mut keys: Vec<_> = of.iter().collect();
            keys.sort_by(|left, right| left.0.cmp(right.0));
            for (key, (revision, digest)) in keys {
                rows.push((key, [*start, *end, *revision, digest.cast_signed()]));
            }
        }
        let batches = rows.chunks(ROWS_MAX).map(|rows| {
            let keys = rows.iter().map(|(key, _)| key.row());
            let keys = self.key_converter.convert_rows(keys)?;
            let numbers = (0..NUMBERS).map(|place| {
                let column = rows.iter().map(|(_, numbers)| numbers[place]);
                Arc::new(Int64Array::from_iter_values(column)) as ArrayRef
            });
            numbered(keys.into_iter().chain(numbers).collect(), rows.len())
        });
        let batches = batches.collect::<Result<Vec<RecordBatch>>>()?;
        Ok(saved::rows(Part::Revisions, &batches))
    }

    pub(crate) fn restore(&mut self, rows: &RecordBatch) -> Result<()> {
        let keys = rows.num_columns().saturating_sub(NUMBERS);
        let (keys, numbers) = rows.columns().split_at(keys);
        let keys = self.key_converter.convert_columns(keys)?;
        let number =
            |place: usize, row: usize| numbers[place].as_primitive::<Int64Type>().value(row);
        for row in 0..rows.num_rows() {
            let window = (number(0, row), number(1, row));
            let last = (number(2, row), number(3, row).cast_unsigned());
            let of = self.last.entry(window).or_default();
            of.insert(keys.row(row).owned(), last);
        }
        Ok(())
    }
}
