//! Rows that may still be corrected or retracted. They wait as they came, until their source can take nothing back of
//! them any more. Panes and sessions take them in only then, so that nothing that an aggregate has made of them has to be
//! undone; levels, joins and tables take them in at once, and out again with the row that waits here.
//!
//! A row can be taken back as long as it would not be late: the source's own progress in its partition says when that is
//! over. So the room holds no more than the source's rows of that stretch, however far behind other sources are.

mod adopted;
mod place;
mod saved;

pub use place::{Reader, Readers, is_apart, place_name};

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{filter_record_batch, not, take_record_batch};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use datafusion::common::{Result, exec_datafusion_err};

use super::held::{Held, Wanted, here_bytes};
use super::instants;
use crate::sql::call::{ROW_TIME, instant};
use crate::sql::session::concatenate;
use place::Place;

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

/// Fewer rows than this are put together with those that come next.
const SMALL_ROWS: usize = 256;

/// Rows of one source and partition that came together.
#[derive(Debug, Clone)]
struct Together {
    offset_first: i64,
    offset_last: i64,
    row_time_first_us: i64,
    row_time_last_us: i64,
    /// One batch; in a list, as what may be kept away is.
    rows: Vec<Held>,
}

impl Together {
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
        Ok(Some(Together {
            offset_first: offsets.0,
            offset_last: offsets.1,
            row_time_first_us: times.0,
            row_time_last_us: times.1,
            rows: vec![rows.into()],
        }))
    }

    /// True if rows that come next are better put to these: batches of a few rows are mostly frame.
    fn is_small(&self, next: &RecordBatch) -> bool {
        match self.rows.as_slice() {
            [rows] => {
                let is_same = rows.schema_ref() == next.schema_ref();
                is_same && rows.here().is_some() && rows.num_rows() < SMALL_ROWS
            }
            _ => false,
        }
    }

    /// These rows and others.
    fn with(self, next: RecordBatch) -> Result<RecordBatch> {
        let schema = next.schema();
        let mut rows = self.load()?;
        rows.push(next);
        concatenate(&schema, &rows)
    }

    /// All rows, read back if they are away.
    fn load(&self) -> Result<Vec<RecordBatch>> {
        let loaded = self.rows.iter().map(Held::load);
        Ok(loaded.collect::<Result<_, _>>()?)
    }

    /// The rows for which a test holds, and the others.
    fn split(
        &self,
        test: impl Fn(&RecordBatch) -> Result<BooleanArray>,
    ) -> Result<[Vec<RecordBatch>; 2]> {
        let mut parts = [Vec::new(), Vec::new()];
        for rows in self.load()? {
            let mask = test(&rows)?;
            parts[0].push(filter_record_batch(&rows, &mask)?);
            parts[1].push(filter_record_batch(&rows, &not(&mask)?)?);
        }
        for part in &mut parts {
            part.retain(|rows| rows.num_rows() > 0);
        }
        Ok(parts)
    }

    /// The rows of an offset, which are left out from now on.
    fn take(&mut self, offset: i64) -> Result<Vec<RecordBatch>> {
        let is_of = |rows: &RecordBatch| {
            let offsets = offsets(rows)?.iter();
            Ok(offsets.map(|&other| Some(other == offset)).collect())
        };
        let [taken, left] = self.split(is_of)?;
        if !taken.is_empty() {
            self.rows = left.into_iter().map(Held::from).collect();
        }
        Ok(taken)
    }

    /// The rows before an instant; those that are left wait on.
    fn settle(self, before_us: i64, kept: &mut Vec<Together>) -> Result<Vec<RecordBatch>> {
        if self.row_time_first_us >= before_us {
            kept.push(self);
            return Ok(Vec::new());
        }
        if self.row_time_last_us < before_us {
            return self.load();
        }
        let is_before = |rows: &RecordBatch| {
            let times = instants(rows, ROW_TIME)?.iter();
            Ok(times.map(|&time| Some(time < before_us)).collect())
        };
        let [before, later] = self.split(is_before)?;
        for rows in later {
            kept.extend(Together::new(rows)?);
        }
        Ok(before)
    }
}

/// The rows of one table, by partition and source, in the order in which they came.
#[derive(Debug)]
struct Room {
    place: Place,
    origins: BTreeMap<(i32, String), Vec<Together>>,
}

impl Room {
    fn held(&self) -> impl Iterator<Item = &Together> {
        self.origins.values().flatten()
    }

    fn rows_of(&self, rows: Vec<RecordBatch>) -> RowsOf {
        RowsOf {
            table: self.place.table.clone(),
            readers: self.place.readers.clone(),
            rows,
        }
    }
}

/// Rows of one table.
#[derive(Debug)]
pub struct RowsOf {
    /// The table.
    pub table: String,
    /// Who is to see them.
    pub readers: Readers,
    /// Its rows. Those that were sent with other columns are in another batch.
    pub rows: Vec<RecordBatch>,
}

impl RowsOf {
    /// Rows that have just come for the place of this name.
    pub fn arrived(place: &str, rows: RecordBatch) -> Self {
        let place = Place::parse(place);
        RowsOf {
            table: place.table,
            readers: place.readers,
            rows: vec![rows],
        }
    }

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
            let held = held.or_default();
            let rows = match held.pop_if(|last| last.is_small(&rows)) {
                Some(last) => last.with(rows)?,
                None => rows,
            };
            held.extend(Together::new(rows)?);
        }
        Ok(())
    }

    fn room(&mut self, place: &str) -> &mut Room {
        let room = || Room {
            place: Place::parse(place),
            origins: BTreeMap::new(),
        };
        self.rooms.entry(place.to_owned()).or_insert_with(room)
    }

    /// Takes a version of a stream back: its row, once for all and once for each readers apart for whom it waits. Nothing if it
    /// does not wait here.
    pub fn take_back(&mut self, stream: &str, version: TakenBack) -> Result<Vec<RowsOf>> {
        let mut found: Vec<RowsOf> = Vec::new();
        let rooms = self.rooms.values_mut();
        for room in rooms.filter(|room| room.place.stream == stream) {
            // A record's rows are all of one table.
            if found
                .first()
                .is_some_and(|rows| rows.table != room.place.table)
            {
                continue;
            }
            let mut of_room = Vec::new();
            let origins = room.origins.iter_mut();
            let of_partition =
                origins.filter(|((partition, _), _)| *partition == version.partition);
            for held in of_partition.flat_map(|(_, held)| held) {
                if (held.offset_first..=held.offset_last).contains(&version.offset) {
                    of_room.extend(held.take(version.offset)?);
                }
            }
            if !of_room.is_empty() {
                found.push(room.rows_of(of_room));
            }
        }
        Ok(found)
    }

    /// Lets the rows go that nothing can take back any more.
    pub fn settle(&mut self, passed: &Passed<'_>) -> Result<Vec<RowsOf>> {
        let mut settled = Vec::new();
        for room in self.rooms.values_mut() {
            let mut gone = Vec::new();
            for ((partition, source), waiting) in &mut room.origins {
                let before_us = passed(&room.place.stream, *partition, source);
                let mut kept = Vec::with_capacity(waiting.len());
                for held in waiting.drain(..) {
                    gone.extend(held.settle(before_us, &mut kept)?);
                }
                *waiting = kept;
            }
            let rows = by_schema(&gone)?;
            if !rows.is_empty() {
                settled.push(room.rows_of(rows));
            }
        }
        Ok(settled)
    }

    /// The rows of a table that wait for a reader, by its fingerprint.
    pub fn rows(&self, table: &str, reader: u64) -> Result<Vec<RecordBatch>> {
        let is_for = |place: &Place| place.table == table && place.readers.has(reader);
        let rooms = self.rooms.values().filter(|room| is_for(&room.place));
        let mut rows = Vec::new();
        for held in rooms.flat_map(Room::held) {
            rows.extend(held.load()?);
        }
        by_schema(&rows)
    }

    /// For each table: its name, and the batches and rows that wait.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        let mut sizes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for room in self.rooms.values() {
            let size = sizes.entry(room.place.table.as_str()).or_default();
            for held in room.held() {
                size.0 += 1;
                size.1 += held.rows.iter().map(Held::num_rows).sum::<usize>();
            }
        }
        let sizes = sizes.into_iter();
        sizes.map(|(table, (batches, rows))| (table, batches, rows))
    }

    /// For each table: its name, and what its rows that wait take in memory.
    pub fn bytes(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for room in self.rooms.values() {
            let rows = room.held().flat_map(|held| &held.rows);
            *sizes.entry(room.place.table.as_str()).or_default() +=
                rows.map(Held::bytes).sum::<usize>();
        }
        sizes.into_iter()
    }

    /// The rows that may be kept away, `bytes_min` at least at one place; lists are numbered as they stand in this order.
    pub(crate) fn wanted(&self, bytes_min: usize) -> Vec<Wanted> {
        let wanted = self.all().enumerate().map(|(list, held)| Wanted {
            // Taking back, and rows told ahead, may want them any time; they leave when their source passes them.
            at_us: held.row_time_last_us,
            list,
            start_us: held.row_time_first_us,
            bytes: here_bytes(&held.rows),
        });
        wanted.filter(|wanted| wanted.bytes >= bytes_min).collect()
    }

    /// The rows at one place of [`Self::wanted`].
    pub(crate) fn rows_at(&mut self, wanted: &Wanted) -> Option<&mut Vec<Held>> {
        let mut list = wanted.list;
        for room in self.rooms.values_mut() {
            for origin in room.origins.values_mut() {
                if list < origin.len() {
                    return Some(&mut origin[list].rows);
                }
                list -= origin.len();
            }
        }
        None
    }

    fn all(&self) -> impl Iterator<Item = &Together> {
        self.rooms.values().flat_map(Room::held)
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
