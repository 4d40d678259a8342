//! Event time, windows, tables and levels over Arrow batches. The only home of DataFusion.
//!
//! A pipeline's SQL files become a [`program::Program`]. Each query is divided in two: its *fold* part turns rows of a
//! stream into partial aggregates by pane, and its *merge* part turns those into rows when a window closes. Between
//! the two lies a Kafka topic; this crate knows nothing of it.
//!
//! Invariants: plans are made once and run many times; nothing here reads a clock; what comes out hangs on the rows and
//! the frontier alone, not on how they were cut into batches.
//!
//! Reading order: [`window`] (the arithmetic), [`sql`] (the table functions and how a plan is cut), [`program`],
//! [`frontier`], [`fold`], [`merge`] over [`state`]; then [`bounded`], which says what all that must come to.

pub mod bounded;
pub mod calendar;
pub mod error;
pub mod fold;
pub mod frontier;
pub mod intake;
pub mod merge;
pub mod program;
pub mod sql;
pub mod standing;
pub mod state;
pub mod window;

mod compile;
mod joining;
mod running;
