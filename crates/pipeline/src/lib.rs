//! The step machine of the stream processor.

pub mod clock;
pub mod log;
