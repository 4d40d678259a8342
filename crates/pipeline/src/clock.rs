//! Time that is not in the log: idle timeouts, commit intervals, deadlines.

use std::time::Duration;

/// A monotonic clock. The root package gives the real one, tests a hand-set one.
pub trait Clock: Send + Sync {
    /// Time since some fixed instant; never goes back.
    fn elapsed(&self) -> Duration;
    /// Wall-clock time, microseconds since 1970-01-01T00:00:00Z, for limits on future-dated records.
    fn now_us(&self) -> i64;
}
