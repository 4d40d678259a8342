//! The whole engine in memory: a simulated port, both stages, no Kafka.

mod fixture;
mod whole;
