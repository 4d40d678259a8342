//! A simulated port day through Kafka and the processor, what came out of it, and a recount that shares nothing with the
//! processor but the topics.

pub mod outputs;
pub mod progress;
pub mod recount;
pub mod scene;
pub mod summary;
