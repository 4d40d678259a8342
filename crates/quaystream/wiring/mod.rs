//! Puts the parts together: clock, signals, metrics, topics, and the workers on their threads.

pub mod clock;
pub mod depot;
pub mod feed;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod processor;
pub mod signals;
pub mod spill;
