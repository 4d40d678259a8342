//! Queries from SQL text to rows: what is refused, how plans are cut, that streaming equals batch, and the shipped files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod aggregates;
mod amended;
mod amending;
mod apart;
mod behind;
mod engine;
mod faults;
mod gathered;
mod golden;
mod golden_rail;
mod joins;
mod limits;
mod oracle;
mod port;
mod random;
mod shipped;
mod side_by_side;
mod strategies;
mod telling;
mod text;
mod time;
mod told;
mod trees;
