//! An embedded broker that speaks the Kafka protocol: one node, in memory, on loopback.
//!
//! It is for the demo, for tests and for development, where nobody should have to install anything. **It is not for
//! production**: what it holds is gone when it stops, and there is one node. Production is Apache Kafka; the same
//! behaviour suite runs on both and compares what they answer (`tests/`, `KAFKA_BOOTSTRAP`).
//!
//! ```
//! use broker::{Broker, Settings};
//!
//! let broker = Broker::start(Settings::default())?;
//! println!("bootstrap.servers={}", broker.bootstrap());
//! broker.stop();
//! # Ok::<(), broker::Error>(())
//! ```
//!
//! # What it does
//!
//! | like Apache Kafka 4 | |
//! |---|---|
//! | topics | create, describe, grow, delete; options with the same names, defaults and refusals; never made by themselves |
//! | records | headers, timestamps of either kind, all codecs, stored as sent; checked as Kafka checks them |
//! | reading | long polls that wake at once; by offset, by time to the record, from the start or end of the log |
//! | groups | the classic protocol: range, round-robin, cooperative-sticky; static members; committed offsets |
//! | producers | idempotent: repeats recognised, gaps and old epochs refused |
//! | transactions | records and offsets, isolation, last stable offset, fencing, time-outs |
//! | cleaning | retention by time and size, compaction by key, deletion of records |
//!
//! Not there: the consumer protocol of KIP-848 and share groups (clients fall back or say so), transactions of the
//! second kind (KIP-890 part 2, which clients use only where it is offered), quotas, access control, TLS.
//!
//! Differences on purpose: `group.initial.rebalance.delay.ms` is 0; batches go one by one, where Kafka drops whole
//! segments; a full memory refuses records with `POLICY_VIOLATION` and says in the log what to do.
//!
//! # Bounds
//!
//! Everything is bounded by [`Settings`]: bytes in all logs together (512 MB unless set), connections, request size,
//! bytes of requests being read, partitions, groups and transactional ids. Producers per partition, members and
//! offsets per group have fixed bounds. When the memory is full, what retention lets go is dropped first.
//!
//! # How it is built
//!
//! Reading order: `server` and `connection` take frames in; `api::dispatch` decodes them and hands them to one handler
//! per request; `topics`, `log`, `groups` and `transactions` hold the state; `shared` runs the timers.
//!
//! - **Batches are never opened on the hot path.** A produced batch is checked by its header and checksum, copied once,
//!   and given its offset in place; a fetch sends it from where it lies (`api::fetch_encoding`, vectored writes).
//!   Records are read only for offsets by time and for compaction.
//! - **Locks are small and never held across an await**: one per log, per group, per transactional id. The order is
//!   transaction, then log or group.
//! - **No length is believed.** The codec makes room for as many elements as an array claims; `schema` first walks each
//!   request and sees whether its lengths are borne out.
//! - **Old clients work.** The codec refuses to encode a field that a version lacks; a test sends every request at every
//!   version offered.

mod api;
mod broker;
mod clock;
mod connection;
mod error;
mod groups;
mod identifiers;
mod log;
mod memory;
mod schema;
mod server;
mod settings;
mod shared;
mod topic_config;
mod topics;
mod transactions;

pub use crate::broker::Broker;
pub use crate::error::Error;
pub use crate::settings::Settings;
