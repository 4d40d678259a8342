//! The Kafka crate against a broker: the embedded one, or the Apache Kafka named by `KAFKA_BOOTSTRAP`. Errors are
//! injected by a proxy between the two (`proxy.rs`) or by librdkafka's mock cluster.

#![allow(clippy::expect_used)] // helpers of tests

mod admin;
mod at_least_once;
mod cluster;
mod copy;
mod exactly_once;
mod group;
mod hang;
mod outage;
mod proxy;
mod replay;
