//! The root package: command line, configuration, wiring. What the engine does is in the crates below `crates/`; this one
//! knows them all and is the only one that reads clocks, files and signals.
//!
//! * [`config`]: the TOML file, checked as a whole, and the pipeline's SQL files.
//! * [`wiring`]: workers on threads, the metrics endpoint, signals, the feed of simulated events.
//! * [`cli`]: one file a subcommand. [`demo`]: a port day from event to plan, and the independent recount of it.
//! * [`plan`]: the optimisers on instance files.

pub mod cli;
pub mod config;
pub mod demo;
pub mod plan;
pub mod wiring;
