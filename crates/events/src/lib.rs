//! events
pub mod decode;
mod descriptor;
mod event;
mod generated;
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
