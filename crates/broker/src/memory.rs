//! The budget that all logs share: every batch is charged when it is stored and credited when it goes.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// What one stored batch costs beyond its own bytes: its index entry and the allocation's header.
pub(crate) const BATCH_OVERHEAD_BYTES: usize = 128;

/// Bytes held, and the bound on them.
#[derive(Debug)]
pub(crate) struct Memory {
    max_bytes: usize,
    used_bytes: AtomicUsize,
    warned_at_ms: AtomicI64,
    reclaimed_at_ms: AtomicI64,
}

impl Memory {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            used_bytes: AtomicUsize::new(0),
            warned_at_ms: AtomicI64::new(i64::MIN),
            reclaimed_at_ms: AtomicI64::new(i64::MIN),
        }
    }

    pub(crate) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Charges `bytes`, or leaves the budget as it was when they do not fit.
    pub(crate) fn try_reserve(&self, bytes: usize) -> bool {
        self.used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.max_bytes)
            })
            .is_ok()
    }

    /// Charges `bytes` even beyond the bound: transaction markers, which must not fail, use it.
    pub(crate) fn force(&self, bytes: usize) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn release(&self, bytes: usize) {
        let before = self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "more memory released than was charged");
    }

    /// True at most once in 10 s: whether to say again that the memory is full.
    pub(crate) fn may_warn(&self, now_ms: i64) -> bool {
        once_in(&self.warned_at_ms, now_ms, 10_000)
    }

    /// True at most once in 100 ms: whether to search all logs for what retention lets go.
    pub(crate) fn may_reclaim(&self, now_ms: i64) -> bool {
        once_in(&self.reclaimed_at_ms, now_ms, 100)
    }
}

fn once_in(last_ms: &AtomicI64, now_ms: i64, interval_ms: i64) -> bool {
    last_ms
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            (last == i64::MIN || now_ms.saturating_sub(last) >= interval_ms).then_some(now_ms)
        })
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_budget_refuses_and_keeps_its_count() {
        let memory = Memory::new(100);
        assert!(memory.try_reserve(60));
        assert!(!memory.try_reserve(41));
        assert!(memory.try_reserve(40));
        memory.release(100);
        assert_eq!(memory.used_bytes(), 0);
        assert!(!memory.try_reserve(usize::MAX));
    }

    #[test]
    fn the_full_warning_is_not_repeated_at_once() {
        let memory = Memory::new(1);
        assert!(memory.may_warn(0));
        assert!(!memory.may_warn(9_999));
        assert!(memory.may_warn(10_000));
    }
}
