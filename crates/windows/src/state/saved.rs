//! State on its way into a snapshot and out of it.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::common::{Result, exec_err};

use super::held::{Held, SpillError};

/// Rows of one piece at most.
const ROWS_MAX: usize = 8_192;
/// Numbers of one piece at most.
const NUMBERS_MAX: usize = 32_768;

/// What a piece of state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Partial aggregates or rows of one input of a query; inputs are numbered from 0.
    Rows(u32),
    /// What counts as of the last instant: levels, versions of a table.
    Live,
    /// What counts from a later instant on, or is told at one.
    Pending,
    /// What changed since it was told on time.
    Changed,
    /// Instants, once the rows are there.
    Numbers,
    /// The last rows that left.
    Revisions,
    /// The query has stopped at an error, and holds nothing.
    Stopped,
}

/// One piece: rows or numbers. A part may be cut into several pieces.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Query or table.
    pub name: String,
    /// Of its plan: the state of another plan is of no use.
    pub fingerprint: u64,
    /// What it holds.
    pub part: Part,
    /// Instants in microseconds, and flags.
    pub numbers: Vec<i64>,
    /// Rows of one schema, in an order that matters. They are shared with the state that they were taken of.
    pub rows: Vec<Held>,
}

impl Piece {
    /// All rows in one batch, if there are any.
    ///
    /// # Errors
    /// If they cannot be read back, or Arrow cannot put them together.
    pub fn batch(&self) -> Result<Option<RecordBatch>, SpillError> {
        match self.rows.as_slice() {
            [] => Ok(None),
            [rows] => Ok(Some(rows.load()?)),
            [first, ..] => {
                let rows = self.rows.iter().map(Held::load);
                let rows = rows.collect::<Result<Vec<_>, _>>()?;
                Ok(Some(concat_batches(first.schema_ref(), &rows)?))
            }
        }
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        let rows: usize = self.rows.iter().map(Held::bytes).sum();
        rows + std::mem::size_of_val(self.numbers.as_slice())
    }
}

/// A piece without its name.
pub(crate) struct Saved {
    pub part: Part,
    pub numbers: Vec<i64>,
    pub rows: Vec<Held>,
}

/// Numbers, cut into pieces; one of them at least.
pub(crate) fn numbers(part: Part, numbers: &[i64]) -> Vec<Saved> {
    let saved = |numbers: &[i64]| Saved {
        part,
        numbers: numbers.to_vec(),
        rows: Vec::new(),
    };
    match numbers {
        [] => vec![saved(&[])],
        numbers => numbers.chunks(NUMBERS_MAX).map(saved).collect(),
    }
}

/// Batches in their order, put together or cut so that pieces are of a size; none without rows.
pub(crate) fn rows(part: Part, batches: impl IntoIterator<Item = impl Into<Held>>) -> Vec<Saved> {
    let mut saved: Vec<Saved> = Vec::new();
    let mut held = 0;
    for batch in batches {
        let batch: Held = batch.into();
        let mut from = 0;
        while from < batch.num_rows() {
            let is_same = |rows: &Held| rows.schema_ref() == batch.schema_ref();
            let last = saved
                .last_mut()
                .filter(|last| held < ROWS_MAX && last.rows.last().is_some_and(is_same));
            let room = last.as_ref().map_or(ROWS_MAX, |_| ROWS_MAX - held);
            let length = room.min(batch.num_rows() - from);
            let rows = batch.slice(from, length);
            match last {
                Some(last) => {
                    last.rows.push(rows);
                    held += length;
                }
                None => {
                    saved.push(Saved {
                        part,
                        numbers: Vec::new(),
                        rows: vec![rows],
                    });
                    held = length;
                }
            }
            from += length;
        }
    }
    saved
}

/// A part that a state does not have.
pub(crate) fn unknown<T>(part: Part) -> Result<T> {
    exec_err!("the state of this query has no part {part:?}")
}
