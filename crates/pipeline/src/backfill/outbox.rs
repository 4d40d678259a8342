//! Between the thread of a backfill and the worker that writes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::past::Told;
use crate::error::EngineError;

/// Rows that wait to be written, bytes.
const WAITING_BYTES: usize = 8 << 20;
/// How long a full outbox is waited for until a stop is looked for.
const WAIT: Duration = Duration::from_millis(50);

/// Rows on their way from a backfill to the worker that writes them, and how far it has come.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<(VecDeque<Told>, usize)>,
    taken: Condvar,
    read: AtomicI64,
    total: AtomicI64,
}

impl Outbox {
    /// The oldest that waits.
    pub fn take(&self) -> Option<Told> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let told = waiting.0.pop_front()?;
        waiting.1 -= told.bytes();
        self.taken.notify_all();
        Some(told)
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.0.is_empty()
    }

    /// Records of the input that were read, and all that are to be.
    pub fn progress(&self) -> (i64, i64) {
        let load = |number: &AtomicI64| number.load(Ordering::Relaxed);
        (load(&self.read), load(&self.total))
    }

    /// So many records are to be read.
    pub(super) fn expect(&self, records: i64) {
        self.total.store(records, Ordering::Relaxed);
    }

    /// So many more were read.
    pub(super) fn advance(&self, records: i64) {
        self.read.fetch_add(records, Ordering::Relaxed);
    }

    /// Waits while the worker does not keep pace, if it is another thread.
    pub(super) fn put(
        &self,
        told: Told,
        is_threaded: bool,
        stop: &dyn Fn() -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while is_threaded && waiting.1 > WAITING_BYTES {
            stop()?;
            let waited = self.taken.wait_timeout(waiting, WAIT);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.1 += told.bytes();
        waiting.0.push_back(told);
        Ok(())
    }
}
