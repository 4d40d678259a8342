//! The step machine of the stream processor, without knowing Kafka: source -> fold -> partials -> merge -> plans -> sink.
//!
//! Invariants: all that leaves goes through [`log::Sink::commit`], together with the positions that it stands for; fold
//! keeps state by input partition alone, and merge's is a function of its partition of the partials log; nothing here
//! reads the wall clock or is random; every plan passes the checker of `domain` before it is written.
//!
//! Reading order: [`log`] (what the engine asks of Kafka), [`worker`] (the two loops), [`intake`] and [`fold`],
//! [`partials`], [`merge`], [`plans`], [`ticks`], [`snapshot`], [`depot`], for queries that come and go [`coverage`] and [`roster`],
//! [`budget`] and [`spill`]. [`memory`] is the log for tests and benchmarks.

pub mod backfill;
pub mod budget;
pub mod clock;
pub mod coverage;
pub mod depot;
pub mod error;
pub mod fold;
pub mod intake;
pub mod log;
pub mod memory;
pub mod merge;
pub mod outcome;
pub mod partials;
pub mod plans;
pub mod planted;
pub mod roster;
pub mod settings;
pub mod snapshot;
pub mod spill;
pub mod ticks;
pub mod worker;
