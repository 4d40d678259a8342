//! The port's events: protobuf wire straight to Arrow, Arrow to protobuf, and the schemas of both.
//!
//! The messages are written down in `proto/`; this crate is the only one that knows how protobuf is read and written.
//!
//! * [`Stream`]: the six input topics; [`Event`]: one event as a struct, for whoever produces events.
//! * [`schema`]: the table that queries see for each message.
//! * [`decode`]: record bytes to rows of those tables, or to a reason for the reject topic.
//! * [`encode`]: rows of queries to records. [`ipc`]: batches between the stages of the engine.
//! * [`describe`]: any message in words. [`v1`], [`internal`]: the generated types.
//!
//! Invariants: no bytes make the decoder panic; whether a record is accepted depends on its bytes and the limits alone,
//! not on the queries loaded; nothing here reads a clock, does IO, or keeps more than the rows it was given.
//!
//! Read in this order: `stream.rs`, `schema/mod.rs`, `decode/mod.rs`, `decode/layout.rs`, `decode/walk.rs`,
//! `decode/column.rs`.
pub mod decode;
pub mod describe;
mod descriptor;
pub mod encode;
mod event;
mod generated;
pub mod ipc;
mod key;
mod row_time;
pub mod schema;
mod stream;

pub use descriptor::{descriptor_set, message, pool};
pub use event::Event;
pub use generated::{internal, v1};
pub use prost::{DecodeError, Message};
pub use row_time::row_time_us;
pub use stream::Stream;
