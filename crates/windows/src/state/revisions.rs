//! Numbers the rows of one window and key: early and corrected rows leave only if they changed, those on time and the final
//! one always, the final one once. A row that was told and is none any more is withdrawn.

mod saved;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, UInt32Array, new_null_array,
};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::common::Result;
use twox_hash::XxHash3_64;

use super::constant;
use super::held::keyed_bytes;
use crate::sql::call::{WINDOW_END, WINDOW_START, instant};

/// What a row is. The numbers are those of the published enum of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatKind {
    /// At a tick, before the watermark has passed the end of its window.
    Early = 1,
    /// The watermark has just passed the end of its window.
    OnTime = 2,
    /// Late rows have changed its window after that.
    Corrected = 3,
    /// Nothing that belongs to its window can come any more.
    Final = 4,
    /// The row told before is none any more.
    Withdrawn = 5,
}

/// A row's key, and which of the rows under it this is: a query may have several.
type Key = (OwnedRow, u32);

/// The last row that left.
#[derive(Debug, Clone, Copy)]
struct Told {
    revision: i64,
    /// Of its columns; none if it was withdrawn.
    digest: Option<u64>,
}

impl Told {
    /// As it stands for a query whose revisions begin at `first`. One of a life before may have been followed by others that
    /// nobody here has seen: whatever comes next is told, with the first number of this life.
    fn in_life(self, first: i64) -> Self {
        match self.revision < first {
            true => Told {
                revision: first - 1,
                digest: None,
            },
            false => self,
        }
    }
}

/// The last rows that left, by window and key.
#[derive(Debug)]
pub struct Revisions {
    key: Vec<usize>,
    key_converter: RowConverter,
    row_converter: RowConverter,
    rows_schema: SchemaRef,
    schema: SchemaRef,
    last: BTreeMap<(i64, i64), HashMap<Key, Told>>,
}

/// What leaves, row by row.
#[derive(Debug, Default)]
struct Leaving {
    revisions: Vec<i64>,
    kinds: Vec<i32>,
}

impl Leaving {
    fn add(&mut self, revision: i64, kind: StatKind) {
        self.revisions.push(revision);
        self.kinds.push(kind as i32);
    }
}

impl Revisions {
    /// Nothing has left yet. `schema` and `key_columns` are the query's.
    pub fn new(schema: &SchemaRef, key_columns: &[String]) -> Result<Self> {
        let key: Vec<usize> = key_columns
            .iter()
            .map(|name| Ok(schema.index_of(name)?))
            .collect::<Result<_>>()?;
        let sort = |index: usize| SortField::new(schema.field(index).data_type().clone());
        // A row that is withdrawn has a key alone.
        let nullable = schema.fields().iter().map(|field| {
            let is_bound = [WINDOW_START, WINDOW_END].contains(&field.name().as_str());
            Arc::new(field.as_ref().clone().with_nullable(!is_bound))
        });
        let rows_schema = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        let extra = [
            Arc::new(Field::new("revision", DataType::Int64, false)),
            Arc::new(Field::new("is_final", DataType::Boolean, false)),
            Arc::new(Field::new("stat_kind", DataType::Int32, false)),
        ];
        let fields = rows_schema.fields().iter().cloned().chain(extra);
        Ok(Revisions {
            key_converter: RowConverter::new(match key.is_empty() {
                true => vec![SortField::new(instant())],
                false => key.iter().copied().map(sort).collect(),
            })?,
            row_converter: RowConverter::new((0..schema.fields().len()).map(sort).collect())?,
            key,
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            rows_schema,
            last: BTreeMap::new(),
        })
    }

    /// True if rows of this window left, and it is not final.
    pub fn has_told(&self, window: (i64, i64)) -> bool {
        self.last.contains_key(&window)
    }

    /// The rows that leave of all rows that a window has now, with their revisions, from `first` on.
    pub fn number(
        &mut self,
        window: (i64, i64),
        kind: StatKind,
        rows: &RecordBatch,
        first: i64,
    ) -> Result<RecordBatch> {
        let is_final = kind == StatKind::Final;
        let mut leaving = Leaving::default();
        if is_final && !self.has_told(window) {
            (0..rows.num_rows()).for_each(|_| leaving.add(first, kind));
            return self.finish(rows, leaving, is_final);
        }
        let keys = self.keys_of(window, rows)?;
        let digests = self.row_converter.convert_columns(rows.columns())?;
        let mut before = self.last.remove(&window).unwrap_or_default();
        let mut now = HashMap::with_capacity(rows.num_rows());
        let mut copies: HashMap<OwnedRow, u32> = HashMap::new();
        let mut taken = Vec::new();
        for row in 0..rows.num_rows() {
            let mut key = (keys.row(row).owned(), 0);
            if now.contains_key(&key) {
                let copy = copies.entry(key.0.clone()).or_default();
                *copy += 1;
                key.1 = *copy;
            }
            let digest = Some(XxHash3_64::oneshot(digests.row(row).as_ref()));
            let last = before.remove(&key).map(|last| last.in_life(first));
            let is_told = is_final
                || kind == StatKind::OnTime
                || last.is_none_or(|last| last.digest != digest);
            let revision = last.map_or(first, |last| last.revision + i64::from(is_told));
            if is_told {
                taken.push(row as u32);
                leaving.add(revision, kind);
            }
            now.insert(key, Told { revision, digest });
        }
        // What is left was told, and is no row any more.
        let mut gone: Vec<(Key, Told)> = before.into_iter().collect();
        gone.sort_by(|left, right| left.0.cmp(&right.0));
        let mut withdrawn = Vec::new();
        for (key, last) in gone {
            let is_open = last.digest.is_some();
            let mut last = last.in_life(first);
            if is_final || is_open {
                last.revision += 1;
                last.digest = None;
                leaving.add(last.revision, StatKind::Withdrawn);
                withdrawn.push(key.0.clone());
            }
            now.insert(key, last);
        }
        if !is_final && !now.is_empty() {
            self.last.insert(window, now);
        }
        let mut rows = take_record_batch(rows, &UInt32Array::from(taken))?;
        if !withdrawn.is_empty() {
            let withdrawn = self.bare(window, &withdrawn)?;
            rows = concat_batches(&self.rows_schema, [&rows, &withdrawn])?;
        }
        self.finish(&rows, leaving, is_final)
    }

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        let sample = self.last.values().flat_map(HashMap::keys).next();
        let key = sample.map_or(0, |(key, _)| key.row().as_ref().len());
        let entries = self.last.values().map(HashMap::len).sum();
        keyed_bytes(entries, key, std::mem::size_of::<Told>())
    }

    fn keys_of(&self, window: (i64, i64), rows: &RecordBatch) -> Result<Rows> {
        let keys: Vec<ArrayRef> = match self.key.is_empty() {
            // Without key columns all rows of a window are of one key.
            true => vec![constant(window.0, rows.num_rows())],
            false => self
                .key
                .iter()
                .map(|&index| Arc::clone(rows.column(index)))
                .collect(),
        };
        Ok(self.key_converter.convert_columns(&keys)?)
    }

    /// Rows of a window that have a key and nothing else.
    fn bare(&self, window: (i64, i64), keys: &[OwnedRow]) -> Result<RecordBatch> {
        let key_columns = self
            .key_converter
            .convert_rows(keys.iter().map(|key| key.row()))?;
        let fields = self.rows_schema.fields().iter().enumerate();
        let columns = fields.map(|(index, field)| {
            let place = self.key.iter().position(|&column| column == index);
            let bound = match field.name().as_str() {
                WINDOW_START => Some(window.0),
                WINDOW_END => Some(window.1),
                _ => None,
            };
            Ok(match (place, bound) {
                (Some(place), _) => Arc::clone(&key_columns[place]),
                (None, Some(bound)) => cast(&constant(bound, keys.len()), field.data_type())?,
                (None, None) => new_null_array(field.data_type(), keys.len()),
            })
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        Ok(RecordBatch::try_new(
            Arc::clone(&self.rows_schema),
            columns,
        )?)
    }

    fn finish(&self, rows: &RecordBatch, leaving: Leaving, is_final: bool) -> Result<RecordBatch> {
        let flags = BooleanArray::from(vec![is_final; leaving.revisions.len()]);
        let extra = [
            Arc::new(Int64Array::from(leaving.revisions)) as ArrayRef,
            Arc::new(flags),
            Arc::new(Int32Array::from(leaving.kinds)),
        ];
        let columns = rows.columns().iter().cloned().chain(extra).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
