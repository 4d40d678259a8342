//! Revisions in snapshots: a row a window and key.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use super::{Key, Revisions, Told};
use crate::state::levels::numbered;
use crate::state::saved::{self, Part, Saved};

/// Columns behind the keys: start and end of the window, revision, digest, which row of its key.
const NUMBERS: usize = 5;
/// Rows made at once.
const ROWS_MAX: usize = 8_192;

impl Revisions {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let mut rows: Vec<(&Key, [Option<i64>; NUMBERS])> = Vec::new();
        for ((start, end), of) in &self.last {
            let mut keys: Vec<_> = of.iter().collect();
            keys.sort_by(|left, right| left.0.cmp(right.0));
            for (key, told) in keys {
                let digest = told.digest.map(u64::cast_signed);
                let copy = i64::from(key.1);
                let numbers = [*start, *end, told.revision].map(Some);
                let [start, end, revision] = numbers;
                rows.push((key, [start, end, revision, digest, Some(copy)]));
            }
        }
        let batches = rows.chunks(ROWS_MAX).map(|rows| {
            let keys = rows.iter().map(|(key, _)| key.0.row());
            let keys = self.key_converter.convert_rows(keys)?;
            let numbers = (0..NUMBERS).map(|place| {
                let column = rows.iter().map(|(_, numbers)| numbers[place]);
                Arc::new(column.collect::<Int64Array>()) as ArrayRef
            });
            numbered(keys.into_iter().chain(numbers).collect(), rows.len())
        });
        let batches = batches.collect::<Result<Vec<RecordBatch>>>()?;
        Ok(saved::rows(Part::Revisions, batches))
    }

    pub(crate) fn restore(&mut self, rows: &RecordBatch) -> Result<()> {
        let (keys, numbers) = rows.columns().split_at(self.key.len().max(1));
        let keys = self.key_converter.convert_columns(keys)?;
        let number = |place: usize, row: usize| {
            let column = numbers.get(place)?.as_primitive::<Int64Type>();
            (!column.is_null(row)).then(|| column.value(row))
        };
        for row in 0..rows.num_rows() {
            let at = |place: usize| number(place, row).unwrap_or_default();
            // The first format has one row a key.
            let copy = u32::try_from(at(4)).unwrap_or_default();
            let told = Told {
                revision: at(2),
                digest: number(3, row).map(i64::cast_unsigned),
            };
            let of = self.last.entry((at(0), at(1))).or_default();
            of.insert((keys.row(row).owned(), copy), told);
        }
        Ok(())
    }
}
