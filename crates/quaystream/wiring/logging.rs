//! The log: lines on standard error, filtered by the configuration or by `RUST_LOG`.

use tracing_subscriber::EnvFilter;

/// Begins to log. A second call changes nothing.
pub fn start(level: &str) {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => EnvFilter::new(filter),
        _ => EnvFilter::new(level),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Which worker says it.
        .with_thread_names(true)
        .with_writer(std::io::stderr);
    if log.try_init().is_err() {
        tracing::debug!("the log is already on");
    }
}
