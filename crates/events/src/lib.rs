//! The port's events: protobuf wire straight to Arrow, Arrow to protobuf, and the schemas of both.
pub mod decode;
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
pub use prost::Message;
pub use row_time::row_time_us;
pub use stream::Stream;
