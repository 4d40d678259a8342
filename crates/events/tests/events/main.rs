//! One test binary: the schema's promises, and the decoder beside prost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first fault"
)]

mod baseline;
mod differential;
mod generator;
mod oracle;
