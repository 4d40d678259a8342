//! Revisions in snapshots: a row a window and key.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use super::Revisions;
use crate::state::saved::{Part, Saved};

/// Columns behind the keys: start and end of the window, revision, digest.
const NUMBERS: usize = 4;

impl Revisions {
    pub(crate) fn save(&self) -> Result<Option<Saved>> {
        let mut rows = Vec::new();
        for ((start, end), of) in &self.last {
            let mut keys: Vec<_> = of.iter().collect();
            keys.sort_by(|left, right| left.0.cmp(right.0));
            for (key, (revision, digest)) in keys {
                rows.push((key, [*start, *end, *revision, digest.cast_signed()]));
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let keys = rows.iter().map(|(key, _)| key.row());
        let keys = self.key_converter.convert_rows(keys)?.into_iter();
        let numbers = (0..NUMBERS).map(|place| {
            let column = rows.iter().map(|(_, numbers)| numbers[place]);
            Arc::new(Int64Array::from_iter_values(column)) as ArrayRef
        });
        let columns = keys.chain(numbers).enumerate();
        let columns = columns.map(|(place, column)| (format!("column_{place}"), column));
        let rows = RecordBatch::try_from_iter(columns)?;
        Ok(Some((Part::Revisions, Vec::new(), Some(rows))))
    }

    pub(crate) fn restore(&mut self, rows: &RecordBatch) -> Result<()> {
        let keys = rows.num_columns().saturating_sub(NUMBERS);
        let (keys, numbers) = rows.columns().split_at(keys);
        let keys = self.key_converter.convert_columns(keys)?;
        let number = |place: usize, row: usize| numbers[place].as_primitive::<Int64Type>().value(row);
        for row in 0..rows.num_rows() {
            let window = (number(0, row), number(1, row));
            let last = (number(2, row), number(3, row).cast_unsigned());
            let of = self.last.entry(window).or_default();
            of.insert(keys.row(row).owned(), last);
        }
        Ok(())
    }
}
