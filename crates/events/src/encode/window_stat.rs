//! The rows of a windowed query as `WindowStat` records.
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

use super::cells::{Cells, escape};
use super::error::EncodeError;
use super::wire;

/// The columns that become fields of their own.
const FRAME: [&str; 5] = [
    "window_start",
    "window_end",
    "revision",
    "is_final",
    "stat_kind",
];

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The record key.
    pub key: Vec<u8>,
    /// The record value.
    pub value: Vec<u8>,
}

/// One record for each row of `batch`, the output of `query`.
///
/// `window_start` and `window_end` (timestamps of any unit), `revision` (an integer from 0), `is_final` and `stat_kind` (the
/// number of a [`crate::v1::StatKind`]) become fields of the message, every other column becomes a cell: integers, floats, booleans and timestamps as such, everything
/// else as text, NULL as a cell without value. The record key is `query/window_start in us/key column/..`, with "~" for
/// NULL and "%", "/", "~" within text escaped as in a URL, so that all revisions of a row share a key.
///
/// # Errors
/// If one of the five columns is missing, NULL or of another type, or a key column is missing.
pub fn window_stats(
    query: &str,
    key_columns: &[&str],
    batch: &RecordBatch,
) -> Result<Vec<Encoded>, EncodeError> {
    let frame = Frame::new(query, batch)?;
    let mut cells = Vec::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if !FRAME.contains(&field.name().as_str()) {
            cells.push(
                Cells::new(field.name(), column)
                    .map_err(|source| arrow_error(query, field.name(), source))?,
            );
        }
    }
    let mut keys = Vec::new();
    for name in key_columns {
        let column = column(query, name, batch)?;
        keys.push(Cells::new(name, column).map_err(|source| arrow_error(query, name, source))?);
    }
    let mut records = Vec::with_capacity(batch.num_rows());
    let mut scratch = Vec::new();
    for row in 0..batch.num_rows() {
        let mut value = Vec::with_capacity(64 + 32 * cells.len());
        frame.write(row, &mut value);
        let mut key = Vec::with_capacity(64);
        frame.write_key(row, &mut key);
        let written = cells
            .iter()
            .try_for_each(|cells| cells.write(row, &mut value, &mut scratch));
        frame.write_kind(row, &mut value);
        let keyed = keys.iter().try_for_each(|cells| {
            key.push(b'/');
            cells.write_key(row, &mut key)
        });
        written
            .and(keyed)
            .map_err(|source| arrow_error(query, "a cell", source))?;
        records.push(Encoded { key, value });
    }
    Ok(records)
}

/// The columns that every row has.
struct Frame<'q> {
    query: &'q str,
    start: TimestampMicrosecondArray,
    end: TimestampMicrosecondArray,
    revision: Int64Array,
    is_final: BooleanArray,
    kind: Int64Array,
}

impl<'q> Frame<'q> {
    fn new(query: &'q str, batch: &RecordBatch) -> Result<Frame<'q>, EncodeError> {
        let integers = |name: &str| {
            let is_integer = DataType::is_integer;
            let column = convert(
                query,
                name,
                batch,
                &DataType::Int64,
                "an integer",
                is_integer,
            )?;
            Ok::<_, EncodeError>(column.as_primitive::<Int64Type>().clone())
        };
        let is_flag = |found: &DataType| *found == DataType::Boolean;
        let is_final = convert(
            query,
            FRAME[3],
            batch,
            &DataType::Boolean,
            "Boolean",
            is_flag,
        )?;
        Ok(Frame {
            query,
            start: instants(query, FRAME[0], batch)?,
            end: instants(query, FRAME[1], batch)?,
            revision: integers(FRAME[2])?,
            is_final: is_final.as_boolean().clone(),
            kind: integers(FRAME[4])?,
        })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if !self.query.is_empty() {
            wire::bytes(out, 1, self.query.as_bytes());
        }
        wire::unsigned(out, 2, self.start.value(row) as u64);
        wire::unsigned(out, 3, self.end.value(row) as u64);
        wire::unsigned(
            out,
            4,
            u64::from(u32::try_from(self.revision.value(row)).unwrap_or(u32::MAX)),
        );
        wire::unsigned(out, 5, u64::from(self.is_final.value(row)));
    }

    /// Behind the cells, as the fields' numbers have it.
    fn write_kind(&self, row: usize, out: &mut Vec<u8>) {
        wire::unsigned(out, 7, self.kind.value(row) as u64);
    }

    fn write_key(&self, row: usize, key: &mut Vec<u8>) {
        escape(self.query, key);
        key.push(b'/');
        key.extend(self.start.value(row).to_string().bytes());
    }
}

fn instants(
    query: &str,
    name: &str,
    batch: &RecordBatch,
) -> Result<TimestampMicrosecondArray, EncodeError> {
    let is_instant = |found: &DataType| matches!(found, DataType::Timestamp(..));
    let target = DataType::Timestamp(TimeUnit::Microsecond, None);
    let array = convert(query, name, batch, &target, "a timestamp", is_instant)?;
    Ok(array.as_primitive::<TimestampMicrosecondType>().clone())
}

fn convert(
    query: &str,
    name: &str,
    batch: &RecordBatch,
    target: &DataType,
    wanted: &'static str,
    is_wanted: impl Fn(&DataType) -> bool,
) -> Result<ArrayRef, EncodeError> {
    let array = column(query, name, batch)?;
    if !is_wanted(array.data_type()) {
        let found = array.data_type().to_string();
        return Err(EncodeError::WrongType {
            query: query.to_owned(),
            column: name.to_owned(),
            found,
            wanted,
        });
    }
    if let Some(row) = (array.null_count() > 0)
        .then(|| (0..array.len()).find(|&row| array.is_null(row)))
        .flatten()
    {
        return Err(EncodeError::Null {
            query: query.to_owned(),
            column: name.to_owned(),
            row,
        });
    }
    // Without its zone first: casting from a zone to none would move the instant.
    let plain = match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let plain = array
                .to_data()
                .into_builder()
                .data_type(DataType::Timestamp(*unit, None))
                .build();
            plain
                .map(arrow::array::make_array)
                .map_err(|source| arrow_error(query, name, source))?
        }
        _ => ArrayRef::clone(array),
    };
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(&plain, target, &options).map_err(|source| arrow_error(query, name, source))
}

fn column<'b>(
    query: &str,
    name: &str,
    batch: &'b RecordBatch,
) -> Result<&'b ArrayRef, EncodeError> {
    let missing = || EncodeError::NoColumn {
        query: query.to_owned(),
        column: name.to_owned(),
    };
    batch.column_by_name(name).ok_or_else(missing)
}

fn arrow_error(query: &str, column: &str, source: ArrowError) -> EncodeError {
    EncodeError::Arrow {
        what: format!("column {column} of query {query}"),
        source,
    }
}
