//! Rows that may still be corrected or retracted. They wait as they came, until their source can take nothing back of
//! them any more. Panes and sessions take them in only then, so that nothing that an aggregate has made of them has to be
//! undone; levels, joins and tables take them in at once, and out again with the row that waits here.
//!
//! A row can be taken back as long as it would not be late: the source's own progress in its partition says when that is
//! over. So the room holds no more than the source's rows of that stretch, however far behind other sources are.

mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{filter_record_batch, not, take_record_batch};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use datafusion::common::{Result, exec_datafusion_err};

use super::instants;
use crate::sql::call::{ROW_TIME, instant};
use crate::sql::session::concatenate;

/// Under this prefix and [`place_name`] fold sends rows that may be taken back, in place of a query's name.
pub const KEPT: &str = "quaystream.kept/";
/// Under this prefix and a stream's name fold says which rows are taken back.
pub const TAKEN_BACK: &str = "quaystream.taken_back/";
/// Stands for the form of both.
pub const FINGERPRINT: u64 = 1;

const PARTITION: &str = "partition";
const OFFSET: &str = "offset";
const SOURCE: &str = "source";

/// The columns without which a row cannot wait.
pub const OWN_COLUMNS: [&str; 4] = [ROW_TIME, SOURCE, PARTITION, OFFSET];

/// Whose rows wait in one place: a table of the schema, and the stream whose offsets its rows have.
pub fn place_name(stream: &str, table: &str) -> String {
    format!("{stream}/{table}")
}

/// A version of an event that no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// Partition of its stream.
    pub partition: i32,
    /// Offset of its record.
    pub offset: i64,
    /// Time of its row.
    pub row_time_us: i64,
}

/// As fold tells merge.
pub fn told(taken_back: &[TakenBack]) -> Result<RecordBatch> {
    let times = taken_back.iter().map(|version| version.row_time_us);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let partitions = taken_back.iter().map(|version| version.partition);
    let offsets = taken_back.iter().map(|version| version.offset);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(times),
        Arc::new(Int32Array::from_iter_values(partitions)),
        Arc::new(Int64Array::from_iter_values(offsets)),
    ];
    let schema = Schema::new(vec![
        Field::new(ROW_TIME, instant(), false),
        Field::new(PARTITION, DataType::Int32, false),
        Field::new(OFFSET, DataType::Int64, false),
    ]);
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// Reads what [`told`] made.
pub fn heard(batch: &RecordBatch) -> Result<Vec<TakenBack>> {
    let (times, partitions, offsets) = (
        instants(batch, ROW_TIME)?,
        partitions(batch)?,
        offsets(batch)?,
    );
    let rows = times.iter().zip(partitions).zip(offsets);
    let versions = rows.map(|((&row_time_us, &partition), &offset)| TakenBack {
        partition,
        offset,
        row_time_us,
    });
    Ok(versions.collect())
}

fn partitions(batch: &RecordBatch) -> Result<&[i32]> {
    let column = batch.column_by_name(PARTITION);
    let column = column.and_then(|column| column.as_primitive_opt::<Int32Type>());
    column
        .map(|column| column.values().as_ref())
        .ok_or_else(|| missing(PARTITION))
}

fn offsets(batch: &RecordBatch) -> Result<&[i64]> {
    let column = batch.column_by_name(OFFSET);
    let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
    column
        .map(|column| column.values().as_ref())
        .ok_or_else(|| missing(OFFSET))
}

fn missing(column: &str) -> datafusion::common::DataFusionError {
    exec_datafusion_err!("rows that may be taken back have no column {column}")
}

/// Rows of one source and partition that came together.
#[derive(Debug)]
struct Held {
    offset_first: i64,
    offset_last: i64,
    row_time_first_us: i64,
    row_time_last_us: i64,
    rows: RecordBatch,
}

impl Held {
    /// None without rows.
    fn new(rows: RecordBatch) -> Result<Option<Self>> {
        let (offsets, times) = (offsets(&rows)?, instants(&rows, ROW_TIME)?);
        let bounds = |values: &[i64]| {
            let least = values.iter().copied().min()?;
            Some((least, values.iter().copied().max()?))
        };
        let (Some(offsets), Some(times)) = (bounds(offsets), bounds(times)) else {
            return Ok(None);
        };
        Ok(Some(Held {
            offset_first: offsets.0,
            offset_last: offsets.1,
            row_time_first_us: times.0,
            row_time_last_us: times.1,
            rows,
        }))
    }

    /// The rows of an offset, which are left out from now on.
    fn take(&mut self, offset: i64) -> Result<RecordBatch> {
        let offsets = offsets(&self.rows)?.iter();
        let mask: BooleanArray = offsets.map(|&other| Some(other == offset)).collect();
        let taken = filter_record_batch(&self.rows, &mask)?;
        if taken.num_rows() > 0 {
            self.rows = filter_record_batch(&self.rows, &not(&mask)?)?;
        }
        Ok(taken)
    }

    /// The rows before an instant, and the others.
    fn split(&self, before_us: i64) -> Result<(RecordBatch, RecordBatch)> {
        let times = instants(&self.rows, ROW_TIME)?;
        let mask = times.iter().map(|&time| Some(time < before_us));
        let mask: BooleanArray = mask.collect();
        Ok((
            filter_record_batch(&self.rows, &mask)?,
            filter_record_batch(&self.rows, &not(&mask)?)?,
        ))
    }
}

/// The rows of one table, by partition and source, in the order in which they came.
#[derive(Debug, Default)]
struct Room {
    stream: String,
    table: String,
    origins: BTreeMap<(i32, String), Vec<Held>>,
}

/// Rows of one table.
#[derive(Debug)]
pub struct RowsOf {
    /// The table.
    pub table: String,
    /// Its rows. Those that were sent with other columns are in another batch.
    pub rows: Vec<RecordBatch>,
}

impl RowsOf {
    /// When they happened.
    pub fn times(&self) -> Result<Vec<i64>> {
        let mut times = Vec::new();
        for batch in &self.rows {
            times.extend_from_slice(instants(batch, ROW_TIME)?);
        }
        Ok(times)
    }
}

/// How far each origin has come: stream, partition, source to the instant before which nothing of it is taken back.
pub type Passed<'a> = dyn Fn(&str, i32, &str) -> i64 + 'a;

/// All rows that may still be taken back.
#[derive(Debug, Default)]
pub struct Waiting {
    rooms: BTreeMap<String, Room>,
}

impl Waiting {
    /// Takes rows in. `place` is a [`place_name`].
    pub fn absorb(&mut self, place: &str, batch: &RecordBatch) -> Result<()> {
        let sources = batch.column_by_name(SOURCE);
        let sources = sources.and_then(|column| column.as_string_opt::<i32>());
        let sources = sources.ok_or_else(|| missing(SOURCE))?;
        let mut origins: BTreeMap<(i32, &str), Vec<u32>> = BTreeMap::new();
        for (row, &partition) in partitions(batch)?.iter().enumerate() {
            let origin = (partition, sources.value(row));
            origins.entry(origin).or_default().push(row as u32);
        }
        let room = self.room(place);
        for ((partition, source), rows) in origins {
            let rows = take_record_batch(batch, &UInt32Array::from(rows))?;
            let held = room.origins.entry((partition, source.to_owned()));
            held.or_default().extend(Held::new(rows)?);
        }
        Ok(())
    }

    fn room(&mut self, place: &str) -> &mut Room {
        let (stream, table) = place.split_once('/').unwrap_or(("", place));
        let room = || Room {
            stream: stream.to_owned(),
            table: table.to_owned(),
            origins: BTreeMap::new(),
        };
        self.rooms.entry(place.to_owned()).or_insert_with(room)
    }

    /// Takes a version of a stream back: its row. None if it does not wait here.
    pub fn take_back(&mut self, stream: &str, version: TakenBack) -> Result<Option<RowsOf>> {
        let rooms = self.rooms.values_mut();
        for room in rooms.filter(|room| room.stream == stream) {
            let origins = room.origins.iter_mut();
            let of_partition =
                origins.filter(|((partition, _), _)| *partition == version.partition);
            for held in of_partition.flat_map(|(_, held)| held) {
                if !(held.offset_first..=held.offset_last).contains(&version.offset) {
                    continue;
                }
                let rows = held.take(version.offset)?;
                if rows.num_rows() > 0 {
                    let table = room.table.clone();
                    let rows = vec![rows];
                    return Ok(Some(RowsOf { table, rows }));
                }
            }
        }
        Ok(None)
    }

    /// Lets the rows go that nothing can take back any more.
    pub fn settle(&mut self, passed: &Passed<'_>) -> Result<Vec<RowsOf>> {
        let mut settled = Vec::new();
        for room in self.rooms.values_mut() {
            let mut gone = Vec::new();
            for ((partition, source), waiting) in &mut room.origins {
                let before_us = passed(&room.stream, *partition, source);
                let mut kept = Vec::with_capacity(waiting.len());
                for held in waiting.drain(..) {
                    if held.row_time_last_us < before_us {
                        gone.push(held.rows);
                    } else if held.row_time_first_us < before_us {
                        let (before, later) = held.split(before_us)?;
                        gone.push(before);
                        kept.extend(Held::new(later)?);
                    } else {
                        kept.push(held);
                    }
                }
                *waiting = kept;
            }
            let rows = by_schema(&gone)?;
            if !rows.is_empty() {
                let table = room.table.clone();
                settled.push(RowsOf { table, rows });
            }
        }
        Ok(settled)
    }

    /// The rows of a table that wait.
    pub fn rows(&self, table: &str) -> Result<Vec<RecordBatch>> {
        let rooms = self.rooms.values().filter(|room| room.table == table);
        let held = rooms.flat_map(|room| room.origins.values().flatten());
        let rows: Vec<RecordBatch> = held.map(|held| held.rows.clone()).collect();
        by_schema(&rows)
    }

    /// For each table: its name, and the batches and rows that wait.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.rooms.values().map(|room| {
            let held = || room.origins.values().flatten();
            let rows = held().map(|held| held.rows.num_rows()).sum();
            (room.table.as_str(), held().count(), rows)
        })
    }
}

/// Batches of one schema that follow each other as one; none without rows.
fn by_schema(batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
    let of_one = batches.chunk_by(|left, right| left.schema_ref() == right.schema_ref());
    let whole = of_one.map(|batches| concatenate(batches[0].schema_ref(), batches));
    let mut whole = whole.collect::<Result<Vec<_>>>()?;
    whole.retain(|batch| batch.num_rows() > 0);
    Ok(whole)
}

#[cfg(test)]
#[path = "waiting/tests.rs"]
mod tests;
