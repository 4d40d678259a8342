//! Numbers the rows of one window and key: early rows leave only if they changed, the final one always, once.

mod saved;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::Result;
use twox_hash::XxHash3_64;

use super::constant;
use crate::sql::call::instant;

/// The last row that left, by window and key.
#[derive(Debug)]
pub struct Revisions {
    key: Vec<usize>,
    key_converter: RowConverter,
    row_converter: RowConverter,
    schema: SchemaRef,
    last: BTreeMap<(i64, i64), HashMap<OwnedRow, (i64, u64)>>,
}

impl Revisions {
    /// Nothing has left yet. `schema` and `key_columns` are the query's.
    pub fn new(schema: &SchemaRef, key_columns: &[String]) -> Result<Self> {
        let key: Vec<usize> = key_columns
            .iter()
            .map(|name| Ok(schema.index_of(name)?))
            .collect::<Result<_>>()?;
        let sort = |index: usize| SortField::new(schema.field(index).data_type().clone());
        let extra = [
            Arc::new(Field::new("revision", DataType::Int64, false)),
            Arc::new(Field::new("is_final", DataType::Boolean, false)),
        ];
        let fields = schema.fields().iter().cloned().chain(extra);
        Ok(Revisions {
            key_converter: RowConverter::new(match key.is_empty() {
                true => vec![SortField::new(instant())],
                false => key.iter().copied().map(sort).collect(),
            })?,
            row_converter: RowConverter::new((0..schema.fields().len()).map(sort).collect())?,
            key,
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            last: BTreeMap::new(),
        })
    }

    /// The rows that leave, with their revisions.
    pub fn number(
        &mut self,
        window: (i64, i64),
        is_final: bool,
        keeps: bool,
        rows: &RecordBatch,
    ) -> Result<RecordBatch> {
        if !keeps {
            let revisions = vec![0; rows.num_rows()];
            return self.finish(rows, revisions, is_final);
        }
        let keys: Vec<ArrayRef> = self
            .key
            .iter()
            .map(|&index| Arc::clone(rows.column(index)))
            .collect();
        let keys = match keys.is_empty() {
            // Without key columns a window has one row, and any column serves as its key as long as it is constant.
            true => self
                .key_converter
                .convert_columns(&[constant(window.0, rows.num_rows())])?,
            false => self.key_converter.convert_columns(&keys)?,
        };
        let digests = self.row_converter.convert_columns(rows.columns())?;
        let last = self.last.entry(window).or_default();
        let (mut taken, mut revisions) = (Vec::new(), Vec::new());
        for row in 0..rows.num_rows() {
            let digest = XxHash3_64::oneshot(digests.row(row).as_ref());
            let key = keys.row(row).owned();
            let revision = match last.get(&key) {
                Some(&(_, before)) if before == digest && !is_final => continue,
                Some(&(revision, _)) => revision + 1,
                None => 0,
            };
            last.insert(key, (revision, digest));
            taken.push(row as u32);
            revisions.push(revision);
        }
        if is_final {
            self.last.remove(&window);
        }
        let rows = take_record_batch(rows, &UInt32Array::from(taken))?;
        self.finish(&rows, revisions, is_final)
    }

    fn finish(
        &self,
        rows: &RecordBatch,
        revisions: Vec<i64>,
        is_final: bool,
    ) -> Result<RecordBatch> {
        let flags = BooleanArray::from(vec![is_final; revisions.len()]);
        let extra = [
            Arc::new(Int64Array::from(revisions)) as ArrayRef,
            Arc::new(flags),
        ];
        let columns = rows.columns().iter().cloned().chain(extra).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
