//! What the broker may use: where it listens and how much it may hold.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The broker's limits and address. [`Settings::default`] suits the demo and tests.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on: loopback only; port 0 takes a free port.
    pub listen: SocketAddr,
    /// Upper bound on the bytes held in all topics together, book-keeping included.
    pub memory_max_bytes: usize,
    /// Upper bound on open client connections.
    pub connections_max: usize,
    /// Upper bound on the size of one request, in bytes.
    pub request_max_bytes: usize,
    /// Upper bound on the bytes of large requests that are being read at the same time.
    pub requests_in_flight_max_bytes: usize,
    /// Upper bound on the partitions of all topics together.
    pub partitions_max: usize,
    /// Upper bound on consumer groups, and on transactional ids.
    pub groups_max: usize,
    /// How often retention by time and compaction look at the logs. A full memory looks at once.
    pub retention_check_interval: Duration,
    /// How often compaction looks for dirty logs (`log.cleaner.backoff.ms`).
    pub compaction_check_interval: Duration,
    /// Threads that serve requests.
    pub worker_threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            memory_max_bytes: 512 * 1024 * 1024,
            connections_max: 512,
            request_max_bytes: 32 * 1024 * 1024,
            requests_in_flight_max_bytes: 128 * 1024 * 1024,
            partitions_max: 10_000,
            groups_max: 10_000,
            retention_check_interval: Duration::from_secs(300),
            compaction_check_interval: Duration::from_secs(15),
            worker_threads: 2,
        }
    }
}
