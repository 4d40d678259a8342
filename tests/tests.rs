//! The one test binary of the whole: from events in Kafka to rows, plans and rejects in Kafka, on the embedded broker
//! always, and on the Kafka that `KAFKA_BOOTSTRAP` names where it is set.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that cannot go on should say where

mod end_to_end;
