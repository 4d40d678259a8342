//! Readers of the text formats of the benchmark sets: [`slots`] (containers to trains, any number of capacities a train)
//! and [`gap`] (generalised assignment). Numbers are whole and parted by blanks or line ends; a fault names line, field
//! and reason.

pub mod gap;
pub mod slots;
mod tokens;

/// Limits of what a reader accepts, so that a bad header cannot ask for all memory.
pub const MAX_ITEMS: usize = 1_000_000;
/// At most so many trains or agents.
pub const MAX_TRAINS: usize = 100_000;
/// At most so many options in all.
pub const MAX_OPTIONS: usize = 50_000_000;
/// At most so large a number.
pub const MAX_NUMBER: i64 = 1_000_000_000;

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// What was expected there.
    pub field: String,
    /// Why it cannot be read.
    pub reason: String,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, {}: {}", self.line, self.field, self.reason)
    }
}

impl std::error::Error for ReadError {}
