//! The simulator: the whole processor, fold and merge and a planner, against a log in memory that fails on a seed. What
//! leaves is compared with plain DataFusion over the rows that a second reading of the rules accepts, each row once.
//!
//! `QUAYSTREAM_SEEDS=1000 cargo test --release --test simulator rows` runs more seeds
//! (`3000..10000`: those), `QUAYSTREAM_SEED=17` that one alone, with its history. A seed is one history, to the byte.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)] // a test that cannot go on should say where

mod check;
mod dice;
mod faults;
mod history;
mod idle;
mod program;
mod queries;
#[path = "../reading/mod.rs"]
mod reading;
mod replay;
mod seeds;
mod silence;
#[cfg(feature = "planted")]
mod teeth;
mod workload;
mod world;
