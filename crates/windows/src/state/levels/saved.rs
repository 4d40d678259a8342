//! Levels in snapshots: a row a key, and a row a key and interval of changes to come.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::row::OwnedRow;
use datafusion::common::Result;

use super::{Change, Levels};
use crate::state::saved::{Part, Saved, some, unknown};

impl Levels {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let live: Vec<_> = self.levels.iter().map(|(key, level)| (key, [*level])).collect();
        let mut pending = Vec::new();
        for (start, changes) in &self.pending {
            for (key, change) in changes {
                let numbers = [*start, change.delta, change.delta_us, change.changes];
                pending.push((key, numbers));
            }
        }
        Ok(vec![
            (Part::Live, Vec::new(), Some(self.rows(&live)?)),
            (Part::Pending, Vec::new(), Some(self.rows(&pending)?)),
            (Part::Numbers, some(self.closed_us), None),
        ])
    }

    /// Keys, then numbers.
    fn rows<const N: usize>(&self, rows: &[(&OwnedRow, [i64; N])]) -> Result<RecordBatch> {
        let keys = self
            .converter
            .convert_rows(rows.iter().map(|(key, _)| key.row()))?;
        let named = self.keys.iter().cloned().zip(keys);
        let numbers = (0..N).map(|place| {
            let column = rows.iter().map(|(_, numbers)| numbers[place]);
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(column));
            (format!("number_{place}"), column)
        });
        Ok(RecordBatch::try_from_iter(named.chain(numbers))?)
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        let Some(rows) = rows else {
            self.closed_us = numbers.first().copied();
            return Ok(());
        };
        let (keys, numbers) = rows.columns().split_at(self.keys.len());
        let keys = self.converter.convert_columns(keys)?;
        let number = |place: usize, row: usize| numbers[place].as_primitive::<Int64Type>().value(row);
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
