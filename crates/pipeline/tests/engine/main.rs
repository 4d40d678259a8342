//! The whole engine in memory: a simulated port, both stages, no Kafka.

mod crash;
mod fixture;
mod whole;
