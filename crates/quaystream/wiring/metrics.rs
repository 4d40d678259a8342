//! The metrics endpoint that Prometheus reads.

use std::net::SocketAddr;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};

/// The endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot serve metrics on {address}: is the port taken? give another with --metrics or metrics_address, or \"\" for none"
)]
pub struct MetricsError {
    address: SocketAddr,
    source: BuildError,
}

/// Bounds of the histograms in seconds: from half a millisecond to half a minute.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// Serves all metrics of this process on `http://ADDRESS/metrics`, from a thread of its own.
pub fn serve(address: SocketAddr) -> Result<(), MetricsError> {
    let failed = |source| MetricsError { address, source };
    let builder = PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets(&BUCKETS)
        .map_err(failed)?;
    builder.install().map_err(failed)
}

/// A free port on loopback. Another program may take it before it is used.
pub fn free_address() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}
