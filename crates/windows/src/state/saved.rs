//! State on its way into a snapshot and out of it.

use arrow::array::RecordBatch;
use datafusion::common::{Result, exec_err};

/// What a piece of state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Partial aggregates or rows of one input of a query; inputs are numbered from 0.
    Rows(u32),
    /// What counts as of the last instant: levels, versions of a table.
    Live,
    /// What counts from a later instant on.
    Pending,
    /// Instants and flags, once the rows are there.
    Numbers,
    /// The last rows that left.
    Revisions,
}

/// One piece: rows, which may be cut into several pieces of the same part, or numbers.
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
    /// Rows, in an order that matters.
    pub rows: Option<RecordBatch>,
}

/// A piece without its name.
pub(crate) type Saved = (Part, Vec<i64>, Option<RecordBatch>);

/// A part that a state does not have.
pub(crate) fn unknown<T>(part: Part) -> Result<T> {
    exec_err!("the state of this query has no part {part:?}")
}

/// An optional instant as numbers.
pub(crate) fn some(instant_us: Option<i64>) -> Vec<i64> {
    instant_us.into_iter().collect()
}
