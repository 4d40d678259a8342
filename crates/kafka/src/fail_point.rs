//! Places inside a commit where a test has the process die. Built in by the feature `fail-points` alone.

/// How far a commit has come.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "fail-points"), allow(dead_code))]
pub(crate) enum Place {
    /// The transaction is open and empty.
    Begun,
    /// Records are on their way.
    Written,
    /// Records and offsets are with the brokers, the commit is not asked for.
    Flushed,
    /// The commit is asked for; nobody knows whether it was heard.
    Asked,
    /// It is committed, and the engine does not know yet.
    Committed,
}

/// Does nothing.
#[cfg(not(feature = "fail-points"))]
pub(crate) fn reach(_: Place) {}

/// Ends the process as a crash would, if this is what `QUAYSTREAM_FAIL_POINT` names: `THREAD:PLACE:N`, for the Nth commit
/// that a thread whose name begins so brings to this place, for example `merge:asked:3`.
#[cfg(feature = "fail-points")]
pub(crate) fn reach(place: Place) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PASSES: AtomicU64 = AtomicU64::new(0);

    let Ok(wanted) = std::env::var("QUAYSTREAM_FAIL_POINT") else {
        return;
    };
    let mut parts = wanted.split(':');
    let (Some(thread), Some(name), Some(passes)) = (parts.next(), parts.next(), parts.next())
    else {
        return;
    };
    let here = std::thread::current();
    let is_here = format!("{place:?}").eq_ignore_ascii_case(name)
        && here.name().is_some_and(|name| name.starts_with(thread));
    if !is_here || PASSES.fetch_add(1, Ordering::Relaxed) + 1 != passes.parse().unwrap_or(0) {
        return;
    }
    if matches!(place, Place::Asked) {
        // In the middle of the call that follows.
        std::thread::spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            std::process::abort();
        });
    } else {
        std::process::abort();
    }
}
