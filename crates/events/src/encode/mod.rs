//! From Arrow rows to protobuf messages.
mod cells;
mod error;
mod window_stat;
mod wire;

pub use error::EncodeError;
pub use window_stat::{Encoded, window_stats};

#[cfg(test)]
mod tests;
