//! events
mod descriptor;
mod event;
mod generated;
mod key;
mod stream;

pub use descriptor::{descriptor_set, message, pool};
pub use event::Event;
pub use generated::{internal, v1};
pub use prost::Message;
pub use stream::Stream;
