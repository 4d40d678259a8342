//! Why rows cannot be encoded.
use arrow::error::ArrowError;

/// Why rows cannot be encoded. A fault of the query, or of the engine, never of one row.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A column that every output row needs.
    #[error(
        "query {query} gives no column {column}: every windowed query has window_start, window_end, revision, is_final, stat_kind"
    )]
    NoColumn {
        /// The query.
        query: String,
        /// The column.
        column: String,
    },
    /// A column of the wrong type.
    #[error("column {column} of query {query} has type {found}, it must be {wanted}")]
    WrongType {
        /// The query.
        query: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A NULL where none may be.
    #[error("column {column} of query {query} is NULL in row {row}, it must have a value")]
    Null {
        /// The query.
        query: String,
        /// The column.
        column: String,
        /// Row of the batch, from 0.
        row: usize,
    },
    /// Arrow cannot convert or write the values.
    #[error("the rows of {what} cannot be converted: cast the column in the query")]
    Arrow {
        /// The query or column.
        what: String,
        /// What Arrow says.
        #[source]
        source: ArrowError,
    },
}
