//! Levels in snapshots: a row a key, and a row a key and interval of changes to come.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Int64Type, Schema};
use arrow::row::OwnedRow;
use datafusion::common::Result;

use super::{Change, Levels};
use crate::state::saved::{self, Part, Saved, unknown};

/// Rows made at once.
const ROWS_MAX: usize = 8_192;

impl Levels {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let live: Vec<_> = self
            .levels
            .iter()
            .map(|(key, level)| (key, [*level]))
            .collect();
        let mut pending = Vec::new();
        for (start, changes) in &self.pending {
            for (key, change) in changes {
                let numbers = [*start, change.delta, change.delta_us, change.changes];
                pending.push((key, numbers));
            }
        }
        let mut all = self.rows(Part::Live, &live)?;
        all.extend(self.rows(Part::Pending, &pending)?);
        let closed: Vec<i64> = self.closed_us.into_iter().collect();
        all.extend(saved::numbers(Part::Numbers, &closed));
        all.extend(self.schedule.save_ahead());
        Ok(all)
    }

    /// Keys, then numbers.
    fn rows<const N: usize>(
        &self,
        part: Part,
        rows: &[(&OwnedRow, [i64; N])],
    ) -> Result<Vec<Saved>> {
        let batches = rows.chunks(ROWS_MAX).map(|rows| {
            let keys = rows.iter().map(|(key, _)| key.row());
            let keys = self.converter.convert_rows(keys)?;
            let numbers = (0..N).map(|place| {
                let column = rows.iter().map(|(_, numbers)| numbers[place]);
                Arc::new(Int64Array::from_iter_values(column)) as ArrayRef
            });
            let columns: Vec<ArrayRef> = keys.into_iter().chain(numbers).collect();
            numbered(columns, rows.len())
        });
        let batches = batches.collect::<Result<Vec<RecordBatch>>>()?;
        Ok(saved::rows(part, batches))
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        let Some(rows) = rows else {
            if part != Part::Numbers {
                return self.schedule.restore_ahead(part, numbers);
            }
            self.closed_us = numbers.first().copied();
            return Ok(());
        };
        let (keys, numbers) = rows.columns().split_at(self.keys.len());
        let keys = self.converter.convert_columns(keys)?;
        let number =
            |place: usize, row: usize| numbers[place].as_primitive::<Int64Type>().value(row);
        for row in 0..rows.num_rows() {
            let key = keys.row(row).owned();
            match part {
                Part::Live => {
                    self.levels.insert(key, number(0, row));
                }
                Part::Pending => {
                    let change = Change {
                        delta: number(1, row),
                        delta_us: number(2, row),
                        changes: number(3, row),
                    };
                    let changes = self.pending.entry(number(0, row)).or_default();
                    changes.insert(key, change);
                }
                _ => return unknown(part),
            }
        }
        Ok(())
    }
}

/// Columns under their places as names: all may hold nulls, so that all batches have one schema.
pub(crate) fn numbered(columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let fields = columns.iter().enumerate().map(|(place, column)| {
        Field::new(format!("column_{place}"), column.data_type().clone(), true)
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let schema = Arc::new(schema);
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}
