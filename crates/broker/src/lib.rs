//! An embedded single-node broker that speaks the Kafka protocol.
pub mod broker;
mod api; mod clock; mod connection; pub mod error; mod groups; mod identifiers; mod log; mod memory; mod schema; mod server; pub mod settings; mod shared; mod topic_config; mod topics; mod transactions;
pub use crate::broker::Broker;
pub use crate::error::Error;
pub use crate::settings::Settings;
