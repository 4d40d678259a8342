//! Why the broker could not start.

use std::net::SocketAddr;

/// Why the broker could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is reachable from other machines.
    #[error(
        "the embedded broker listens on loopback only, and {listen} is not: give 127.0.0.1 or [::1], or run Apache Kafka"
    )]
    NotLoopback {
        /// The refused address.
        listen: SocketAddr,
    },
    /// The address is taken or not permitted.
    #[error(
        "the embedded broker cannot listen on {listen}: give another port, or 0 for a free one"
    )]
    Listen {
        /// The refused address.
        listen: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operating system gave no thread or no event queue.
    #[error("the embedded broker cannot start its threads")]
    Threads {
        /// What the system said.
        source: std::io::Error,
    },
    /// A limit that leaves nothing to work with.
    #[error("the embedded broker's {name} is {value}: give at least {least}")]
    Limit {
        /// The setting's name.
        name: &'static str,
        /// What was given.
        value: usize,
        /// The least that works.
        least: usize,
    },
}
