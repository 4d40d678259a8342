//! Tables: the newest row of each key as of an instant, and the versions before where a query needs them.

mod known;
mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::{Result, exec_datafusion_err};

use super::held::{batch_bytes, keyed_bytes};
use super::instants;
use crate::program::{TableQuery, history_schema};
use crate::sql::call::ROW_TIME;

/// `valid_to` of a version that still holds: 9999-12-31T23:59:59Z.
pub const FOREVER_US: i64 = 253_402_300_799_000_000;

/// What orders two versions of a key: their row time, then the time of writing, then the id of the event. All three
/// come from the log, so the order is the same wherever and however often it is read.
type Age = (i64, i64, String);

#[derive(Debug, Clone, Copy)]
struct RowAt {
    batch: usize,
    row: usize,
}

#[derive(Debug)]
struct Version {
    age: Age,
    row: RowAt,
}

/// The time between two instants, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From here on.
    pub from_us: i64,
    /// Up to here.
    pub to_us: i64,
}

impl Span {
    /// All time.
    pub const ALL: Span = Span {
        from_us: i64::MIN,
        to_us: i64::MAX,
    };

    /// Of versions in the order of time those that hold at some time of the span.
    fn of<T>(self, versions: &[T], time: impl Fn(&T) -> i64) -> &[T] {
        let to = versions.partition_point(|version| time(version) < self.to_us);
        let begun = versions.partition_point(|version| time(version) <= self.from_us);
        &versions[begun.saturating_sub(1).min(to)..to]
    }
}

/// What is known of a key.
#[derive(Debug, Default)]
struct Versions {
    /// Those that count, in the order of age.
    live: Vec<Version>,
    /// How many count later.
    pending: usize,
}

impl Versions {
    /// A version counts from now on; how many more there are then.
    fn count(&mut self, version: Version, keeps_history: bool) -> usize {
        let place = self.live.partition_point(|other| other.age < version.age);
        if keeps_history || self.live.is_empty() {
            self.live.insert(place, version);
            return 1;
        }
        if place > 0 {
            self.live[0] = version;
        }
        0
    }
}

/// One table.
#[derive(Debug)]
pub struct Table {
    name: String,
    key: Vec<usize>,
    schema: SchemaRef,
    converter: RowConverter,
    keeps_history: bool,
    keys_max: usize,
    batches: Vec<RecordBatch>,
    /// What `batches` take in memory.
    batch_bytes: usize,
    stored: usize,
    versions: BTreeMap<OwnedRow, Versions>,
    live: usize,
    pending: BTreeMap<(Age, OwnedRow), RowAt>,
    snapshot: Option<RecordBatch>,
    /// What is known of rows before an instant.
    known: Option<(i64, RecordBatch)>,
    /// What the last snapshot took in memory.
    snapshot_bytes: usize,
}

impl Table {
    /// An empty table with at most `keys_max` keys.
    pub fn new(query: &TableQuery, keys_max: usize) -> Result<Self> {
        let key = query
            .key
            .iter()
            .map(|name| Ok(query.schema.index_of(name)?))
            .collect::<Result<Vec<usize>>>()?;
        let fields = key
            .iter()
            .map(|&index| SortField::new(query.schema.field(index).data_type().clone()));
        Ok(Table {
            name: query.name.clone(),
            converter: RowConverter::new(fields.collect())?,
            key,
            schema: Arc::clone(&query.schema),
            keeps_history: query.has_history,
            keys_max,
            batches: Vec::new(),
            batch_bytes: 0,
            stored: 0,
            versions: BTreeMap::new(),
            live: 0,
            pending: BTreeMap::new(),
            snapshot: None,
            known: None,
            snapshot_bytes: 0,
        })
    }

    /// Takes versions in. They count from their row time on, when the table is read as of then or later. Returns the
    /// number of rows refused because their key is new and the table is full.
    pub fn absorb(&mut self, batch: &RecordBatch) -> Result<usize> {
        let refused = self.take(batch)?;
        self.compact()?;
        Ok(refused)
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<usize> {
        let slot = self.batches.len();
        self.known = None;
        let mut refused = 0;
        for (row, (age, key)) in self.places(batch)?.into_iter().enumerate() {
            if !self.versions.contains_key(&key) {
                if self.versions.len() >= self.keys_max {
                    refused += 1;
                    continue;
                }
                self.versions.insert(key.clone(), Versions::default());
            }
            self.wait(age, key, RowAt { batch: slot, row });
        }
        self.store(batch);
        Ok(refused)
    }

    fn store(&mut self, batch: &RecordBatch) {
        self.batches.push(batch.clone());
        self.batch_bytes += batch_bytes(batch);
        self.stored += batch.num_rows();
    }

    /// A row of a known key counts later.
    fn wait(&mut self, age: Age, key: OwnedRow, row: RowAt) {
        let place = (age, key);
        let known = self.versions.get_mut(&place.1);
        if self.pending.insert(place, row).is_none()
            && let Some(known) = known
        {
            known.pending += 1;
        }
    }

    /// Age and key of each row.
    fn places(&self, batch: &RecordBatch) -> Result<Vec<(Age, OwnedRow)>> {
        let times = instants(batch, ROW_TIME)?;
        let written = batch
            .column_by_name("__record_time")
            .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let ids = batch
            .column_by_name("__event_id")
            .and_then(|column| column.as_string_opt::<i32>());
        let (Some(written), Some(ids)) = (written, ids) else {
            return Err(exec_datafusion_err!(
                "rows of table {} cannot be ordered",
                self.name
            ));
        };
        let columns: Vec<ArrayRef> = self
            .key
            .iter()
            .map(|&index| Arc::clone(batch.column(index)))
            .collect();
        let keys = self.converter.convert_columns(&columns)?;
        let places = times.iter().enumerate().map(|(row, &time)| {
            let age = (time, written.value(row), ids.value(row).to_owned());
            (age, keys.row(row).owned())
        });
        Ok(places.collect())
    }

    /// Takes versions out again that do not count yet.
    pub fn take_back(&mut self, batch: &RecordBatch) -> Result<()> {
        self.known = None;
        for place in self.places(batch)? {
            let was_there = self.pending.remove(&place).is_some();
            let Some(known) = self.versions.get_mut(&place.1) else {
                continue;
            };
            known.pending -= usize::from(was_there);
            if known.live.is_empty() && known.pending == 0 {
                self.versions.remove(&place.1);
            }
        }
        Ok(())
    }

    /// Brings the table to the state in which all rows with row_time < `before_us` count.
    pub fn advance(&mut self, before_us: i64) {
        while let Some(entry) = self.pending.first_entry() {
            if entry.key().0.0 >= before_us {
                break;
            }
            let ((age, key), row) = entry.remove_entry();
            let known = self.versions.entry(key).or_default();
            known.pending = known.pending.saturating_sub(1);
            self.live += known.count(Version { age, row }, self.keeps_history);
            self.snapshot = None;
        }
    }

    /// Forgets versions that ended before `before_us`.
    pub fn prune(&mut self, before_us: i64) {
        if !self.keeps_history {
            return;
        }
        for known in self.versions.values_mut() {
            let versions = &mut known.live;
            let next_times = versions.iter().skip(1).map(|version| version.age.0);
            let ended = next_times.take_while(|&next| next <= before_us).count();
            if ended > 0 {
                versions.drain(..ended);
                self.live -= ended;
                self.snapshot = None;
            }
        }
    }

    /// The newest row of each key, in the order of the keys.
    pub fn current(&mut self) -> Result<RecordBatch> {
        if let Some(snapshot) = &self.snapshot {
            return Ok(snapshot.clone());
        }
        let rows = self.versions.values().filter_map(|known| known.live.last());
        let rows: Vec<RowAt> = rows.map(|version| version.row).collect();
        let snapshot = self.gather(&rows)?;
        self.snapshot_bytes = batch_bytes(&snapshot);
        self.snapshot = Some(snapshot.clone());
        Ok(snapshot)
    }

    /// Every version that is kept and holds at some time of a span, with the time that it holds for, as far as that lies within the span.
    pub fn history(&self, span: Span) -> Result<RecordBatch> {
        let versions = self.versions.values().map(|known| {
            let versions = span.of(&known.live, |version| version.age.0).iter();
            versions
                .map(|version| (version.age.0, version.row))
                .collect()
        });
        self.with_times(versions)
    }

    /// The versions of each key in the order of age, as rows with the time that each holds for.
    fn with_times(&self, keys: impl Iterator<Item = Vec<(i64, RowAt)>>) -> Result<RecordBatch> {
        let (mut rows, mut from, mut to) = (Vec::new(), Vec::new(), Vec::new());
        for versions in keys {
            let next = versions.iter().skip(1).map(|(time_us, _)| *time_us);
            to.extend(next.chain([FOREVER_US]).take(versions.len()));
            for (time_us, row) in versions {
                rows.push(row);
                from.push(time_us);
            }
        }
        let rows = self.gather(&rows)?;
        let bounds = [from, to].map(|times| {
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) as ArrayRef
        });
        let columns = rows.columns().iter().cloned().chain(bounds).collect();
        Ok(RecordBatch::try_new(
            history_schema(&rows.schema()),
            columns,
        )?)
    }

    fn gather(&self, rows: &[RowAt]) -> Result<RecordBatch> {
        if rows.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let indices: Vec<(usize, usize)> = rows.iter().map(|at| (at.batch, at.row)).collect();
        Ok(interleave_record_batch(&batches, &indices)?)
    }

    /// Rewrites the stored rows once more than half of them are dead, so that memory follows the keys, not the events.
    fn compact(&mut self) -> Result<()> {
        let wanted = self.live + self.pending.len();
        let few_batches = self.batches.len() < 256;
        if self.stored < 2 * wanted + 4096 && few_batches {
            return Ok(());
        }
        let live = self
            .versions
            .values_mut()
            .flat_map(|known| &mut known.live)
            .map(|version| &mut version.row);
        let places: Vec<&mut RowAt> = live.chain(self.pending.values_mut()).collect();
        let indices: Vec<(usize, usize)> = places.iter().map(|at| (at.batch, at.row)).collect();
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let compacted = match indices.is_empty() {
            true => RecordBatch::new_empty(Arc::clone(&self.schema)),
            false => interleave_record_batch(&batches, &indices)?,
        };
        for (row, place) in places.into_iter().enumerate() {
            *place = RowAt { batch: 0, row };
        }
        self.batch_bytes = batch_bytes(&compacted);
        self.stored = compacted.num_rows();
        self.batches = vec![compacted];
        Ok(())
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        let key = self.versions.first_key_value();
        let key = key.map_or(0, |(key, _)| key.row().as_ref().len());
        let id = self.pending.first_key_value();
        let id = id.map_or(0, |(((_, _, id), _), _)| id.len());
        let versions = keyed_bytes(
            self.versions.len(),
            key,
            std::mem::size_of::<Version>() + std::mem::size_of::<usize>(),
        );
        let more = self.live.saturating_sub(self.versions.len()) * std::mem::size_of::<Version>();
        let ids = self.live * id;
        let waiting = keyed_bytes(self.pending.len(), key + id, std::mem::size_of::<Version>());
        let known = self.known.as_ref();
        let known = known.map_or(0, |(_, rows)| batch_bytes(rows));
        versions + more + ids + waiting + known + self.batch_bytes + self.snapshot_bytes
    }

    /// Keys, and rows held in memory.
    pub fn size(&self) -> (usize, usize) {
        (self.versions.len(), self.stored)
    }
}

/// The rows of `batch` with row_time in order of age, for tests and the oracle.
pub fn sorted_by_time(batch: &RecordBatch) -> Result<RecordBatch> {
    let times = instants(batch, ROW_TIME)?;
    let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
    order.sort_by_key(|&row| times[row as usize]);
    Ok(take_record_batch(batch, &UInt32Array::from(order))?)
}
