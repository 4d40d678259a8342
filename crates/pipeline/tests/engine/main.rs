//! The whole engine in memory: a simulated port, both stages, no Kafka.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that cannot go on should say where

mod at_least_once;
mod backfill;
mod beginning;
mod bounds;
mod caught_up;
mod changes;
mod continuity;
mod corrections;
mod crew;
mod depot;
mod fixture;
mod formats;
mod functions;
mod intake_state;
mod isolation;
mod left_out;
mod mended;
mod plans;
#[path = "../reading/mod.rs"]
mod reading;
mod rejects;
mod relay;
mod scarce;
mod shipped;
mod snapshots;
mod sources;
mod unsettled;
mod whole;
