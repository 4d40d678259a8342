//! Rows that a query holds: in memory, or kept away until they are needed.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::common::DataFusionError;

use super::panes::with_window;

/// What a batch takes beside its values.
const BATCH_BYTES: usize = 256;
/// What a batch that is kept away takes: where it lies, and how to know it again.
const AWAY_BYTES: usize = 160;
/// What a column of a batch takes beside its values.
const COLUMN_BYTES: usize = 160;

/// Rows that were kept away cannot be written or read back. No query is at fault: the engine has to stop.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SpillError(pub String);

impl From<ArrowError> for SpillError {
    fn from(error: ArrowError) -> Self {
        SpillError(error.to_string())
    }
}

impl From<SpillError> for DataFusionError {
    fn from(error: SpillError) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

/// Rows outside memory; they are let go when this is dropped.
pub trait Kept: Debug + Send + Sync {
    /// Reads them back, and makes sure that they are what was kept.
    fn load(&self) -> Result<RecordBatch, SpillError>;
}

/// Where rows go that memory has no room for.
pub trait Spill: Debug + Send + Sync {
    /// Keeps each of the batches.
    fn keep(&self, batches: &[RecordBatch]) -> Result<Vec<Arc<dyn Kept>>, SpillError>;
}

#[derive(Debug, Clone)]
enum Place {
    Here(RecordBatch),
    Away {
        kept: Arc<dyn Kept>,
        from: usize,
        /// Bounds that its rows have instead of their own.
        bounds: Option<(i64, i64)>,
    },
}

/// Some rows of one schema.
#[derive(Debug, Clone)]
pub struct Held {
    place: Place,
    schema: SchemaRef,
    rows: usize,
    bytes: OnceLock<usize>,
}

impl From<RecordBatch> for Held {
    fn from(batch: RecordBatch) -> Self {
        Held {
            schema: batch.schema(),
            rows: batch.num_rows(),
            place: Place::Here(batch),
            bytes: OnceLock::new(),
        }
    }
}

impl Held {
    /// Rows that were kept away.
    pub(crate) fn away(kept: Arc<dyn Kept>, schema: SchemaRef, rows: usize) -> Self {
        Held {
            place: Place::Away {
                kept,
                from: 0,
                bounds: None,
            },
            schema,
            rows,
            bytes: OnceLock::new(),
        }
    }

    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.rows
    }

    /// Their schema.
    pub fn schema_ref(&self) -> &SchemaRef {
        &self.schema
    }

    /// Some of the rows.
    #[must_use]
    pub fn slice(&self, from: usize, rows: usize) -> Held {
        let place = match &self.place {
            Place::Here(batch) => Place::Here(batch.slice(from, rows)),
            Place::Away {
                kept,
                from: before,
                bounds,
            } => Place::Away {
                kept: Arc::clone(kept),
                from: before + from,
                bounds: *bounds,
            },
        };
        Held {
            place,
            schema: Arc::clone(&self.schema),
            rows,
            bytes: OnceLock::new(),
        }
    }

    /// The same rows with other bounds in place of theirs, where they have any.
    pub(crate) fn with_window(&self, start_us: i64, end_us: i64) -> Result<Held, DataFusionError> {
        let mut held = self.clone();
        match &mut held.place {
            Place::Here(batch) => *batch = with_window(batch, start_us, end_us)?,
            Place::Away { bounds, .. } => *bounds = Some((start_us, end_us)),
        }
        Ok(held)
    }

    /// The rows, read back if they are away.
    pub fn load(&self) -> Result<RecordBatch, SpillError> {
        match &self.place {
            Place::Here(batch) => Ok(batch.clone()),
            Place::Away { kept, from, bounds } => {
                let batch = kept.load()?.slice(*from, self.rows);
                match *bounds {
                    None => Ok(batch),
                    Some((start_us, end_us)) => with_window(&batch, start_us, end_us)
                        .map_err(|error| SpillError(error.to_string())),
                }
            }
        }
    }

    /// The rows, if they are in memory.
    pub fn here(&self) -> Option<&RecordBatch> {
        match &self.place {
            Place::Here(batch) => Some(batch),
            Place::Away { .. } => None,
        }
    }

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        match &self.place {
            Place::Here(batch) => *self.bytes.get_or_init(|| batch_bytes(batch)),
            Place::Away { .. } => AWAY_BYTES,
        }
    }
}

/// What a batch takes in memory: the values of its rows, and what columns and batch need beside them. Memory that rows
/// share with others that are gone is not seen; batches between the stages share none.
pub fn batch_bytes(batch: &RecordBatch) -> usize {
    let column = |column: &Arc<dyn Array>| {
        let data = column.to_data();
        let bytes = data.get_slice_memory_size();
        bytes.unwrap_or_else(|_| data.get_array_memory_size()) + COLUMN_BYTES
    };
    BATCH_BYTES + batch.columns().iter().map(column).sum::<usize>()
}

/// What those of the rows take that are in memory.
pub(crate) fn here_bytes(held: &[Held]) -> usize {
    let here = held.iter().filter(|rows| rows.here().is_some());
    here.map(Held::bytes).sum()
}

/// What so many entries take that are found by a key, if a key has so many bytes and what stands by it so many.
pub fn keyed_bytes(entries: usize, key_bytes: usize, value_bytes: usize) -> usize {
    /// An allocation of its own for each key, and its share of the map.
    const ENTRY_BYTES: usize = 64;
    entries * (key_bytes + value_bytes + ENTRY_BYTES)
}

/// What a state holds, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    /// In memory.
    pub here: usize,
    /// Of these, what may be kept away.
    pub movable: usize,
}

/// Rows that may be kept away, and when they are wanted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The instant at which they are wanted next.
    pub at_us: i64,
    /// Which of the state's lists they are in, and under which start.
    pub list: usize,
    /// See `list`.
    pub start_us: i64,
    /// What they take.
    pub bytes: usize,
}

/// Rows of one batch that is kept away at most, so that they come back in small parts.
const ROWS_MAX: usize = 8_192;

/// Batches that are away at one place before they are written anew with those that come.
const AWAY_MAX: usize = 8;

/// Rows on their way out of memory, in their order.
pub(crate) struct Leaving {
    /// As few batches as may be, each of bounded size.
    pub batches: Vec<RecordBatch>,
    /// Rows that were away already are among them.
    is_whole: bool,
}

/// The rows of one place that are to be kept away: those in memory, and the others too once they are in many small parts.
pub(crate) fn leaving(held: &[Held]) -> Result<Leaving, SpillError> {
    let away = held.iter().filter(|rows| rows.here().is_none()).count();
    let rows: usize = held.iter().map(Held::num_rows).sum();
    let is_whole = away >= AWAY_MAX && rows <= away * (ROWS_MAX / AWAY_MAX);
    let taken = held.iter().filter(|rows| is_whole || rows.here().is_some());
    let taken = taken.map(Held::load).collect::<Result<Vec<_>, _>>()?;
    let mut batches = Vec::new();
    for alike in taken.chunk_by(|left, right| left.schema_ref() == right.schema_ref()) {
        let [first, ..] = alike else { continue };
        let whole = concat_batches(first.schema_ref(), alike)?;
        let mut from = 0;
        while from < whole.num_rows() {
            let rows = ROWS_MAX.min(whole.num_rows() - from);
            batches.push(whole.slice(from, rows));
            from += rows;
        }
    }
    Ok(Leaving { batches, is_whole })
}

/// What is left of a place once rows of it are kept away: those that stay where they were stand first.
pub(crate) fn put_away(held: &mut Vec<Held>, leaving: &Leaving, kept: Vec<Arc<dyn Kept>>) {
    held.retain(|rows| !leaving.is_whole && rows.here().is_none());
    let kept = kept.into_iter().zip(&leaving.batches);
    held.extend(kept.map(|(kept, batch)| Held::away(kept, batch.schema(), batch.num_rows())));
}
