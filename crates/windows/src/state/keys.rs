//! The keys of a query, bounded: when as many are open as may be, rows of new keys are refused, and old keys go on.

use std::collections::HashSet;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::common::Result;

use super::held::keyed_bytes;

/// Calls its argument with all rows that are open.
pub type Open<'a> = dyn Fn(&mut dyn FnMut(&RecordBatch) -> Result<()>) -> Result<()> + 'a;

/// Keeps count only once there are so many rows that the bound could be reached.
#[derive(Debug)]
pub struct Keys {
    columns: Vec<usize>,
    converter: RowConverter,
    keys_max: usize,
    /// All keys that are open, and perhaps some of windows that closed since they were counted.
    known: HashSet<OwnedRow>,
    is_counted: bool,
    /// No window has closed since the keys were counted.
    is_exact: bool,
}

impl Keys {
    /// Keys are the rows' values of `columns`; without any there is one key.
    pub fn new(schema: &SchemaRef, columns: &[usize], keys_max: usize) -> Result<Self> {
        let fields = columns
            .iter()
            .map(|&column| SortField::new(schema.field(column).data_type().clone()));
        Ok(Keys {
            columns: columns.to_vec(),
            converter: RowConverter::new(fields.collect())?,
            keys_max,
            known: HashSet::new(),
            is_counted: false,
            is_exact: false,
        })
    }

    /// The rows of `batch` that are taken, and the number of the others. `held` rows are open; `open` visits them.
    pub fn admit(
        &mut self,
        batch: &RecordBatch,
        held: usize,
        open: &Open<'_>,
    ) -> Result<(RecordBatch, usize)> {
        if self.columns.is_empty() || held + batch.num_rows() <= self.keys_max {
            if self.is_counted {
                self.known = HashSet::new();
                self.is_counted = false;
            }
            return Ok((batch.clone(), 0));
        }
        let may_fill = self.known.len() + batch.num_rows() > self.keys_max;
        if !self.is_counted || (may_fill && !self.is_exact) {
            self.count(open)?;
        }
        let keys = self.keys_of(batch)?;
        let mut taken = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let key = keys.row(row).owned();
            let has_room = self.known.len() < self.keys_max;
            taken.push(self.known.contains(&key) || (has_room && self.known.insert(key)));
        }
        let refused = taken.iter().filter(|is_taken| !**is_taken).count();
        if refused == 0 {
            return Ok((batch.clone(), 0));
        }
        let rows = filter_record_batch(batch, &BooleanArray::from(taken))?;
        Ok((rows, refused))
    }

    /// A window closed, and keys with it.
    pub fn closed(&mut self) {
        self.is_exact = false;
    }

    fn count(&mut self, open: &Open<'_>) -> Result<()> {
        let mut known = std::mem::take(&mut self.known);
        known.clear();
        open(&mut |batch| {
            let keys = self.keys_of(batch)?;
            known.extend(keys.iter().map(|key| key.owned()));
            Ok(())
        })?;
        self.known = known;
        self.is_counted = true;
        self.is_exact = true;
        Ok(())
    }

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        let sample = self.known.iter().next();
        keyed_bytes(
            self.known.len(),
            sample.map_or(0, |key| key.row().as_ref().len()),
            0,
        )
    }

    fn keys_of(&self, batch: &RecordBatch) -> Result<Rows> {
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|&column| batch.column(column).clone())
            .collect();
        Ok(self.converter.convert_columns(&columns)?)
    }
}
