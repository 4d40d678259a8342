//! Apache Kafka behind the engine's [`Source`](pipeline::log::Source) and [`Sink`](pipeline::log::Sink): the only crate
//! that knows librdkafka.
//!
//! [`connect()`] gives a worker its pair: a [`KafkaSource`] (a member of a consumer group that fetches in batches) and a
//! [`KafkaSink`] (one transaction, or one flush, a commit). Beside them stand [`admin`] (topics, offsets, lags),
//! [`feed`] (a fast plain producer), [`tail`] (a plain reader) and [`history`] (input read once more).
//!
//! Invariants:
//! - Offsets are committed by the sink alone, in the transaction of the records that they stand for. The consumer
//!   commits and resets nothing of its own accord; a start offset that is gone is an error that names the way out.
//! - A rebalance takes nothing away before [`Source::release`](pipeline::log::Source::release), except what the group
//!   has taken already (`Lost`).
//! - Every exactly-once commit carries at least one offset of each owned partition, so that the group's generation
//!   fences it, and a marker in the offset's metadata, so that a commit whose answer was lost can be told from one
//!   that failed.
//! - All `unsafe` code is in `raw.rs`.
//!
//! Reading order: `config`, `connect`, `source` with `rebalance` and `assignment`, `sink` with `transaction`, then
//! `raw` and `context`.

pub mod admin;
mod assignment;
pub mod config;
mod connect;
mod context;
mod deliver;
pub mod error;
mod fail_point;
pub mod feed;
pub mod history;
pub mod metrics;
mod offsets;
mod raw;
mod rebalance;
mod replay;
mod sink;
mod source;
pub mod tail;
mod transaction;

pub use config::{Connection, Delivery, Isolation, Membership, Start, TransactionalId, Worker};
pub use connect::connect;
pub use error::Error;
pub use sink::KafkaSink;
pub use source::KafkaSource;
