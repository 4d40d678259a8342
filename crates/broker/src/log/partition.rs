//! A log behind its own lock, and the readers that wait for it to grow.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Log;
use super::batch::Header;
use super::records::{Records, unfold};
use crate::memory::Memory;

/// One partition of a topic.
#[derive(Debug)]
pub(crate) struct Partition {
    log: Mutex<Log>,
    waiters: Mutex<BTreeMap<u64, Arc<Notify>>>,
    next_waiter: AtomicU64,
}

/// A record's place in offsets and in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
}

impl Partition {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        Self {
            log: Mutex::new(Log::new(memory)),
            waiters: Mutex::default(),
            next_waiter: AtomicU64::new(0),
        }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiters(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Notify>>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes `notify` at every change from now on, until the result is dropped.
    pub(crate) fn wait(self: &Arc<Self>, notify: &Arc<Notify>) -> Waiting {
        let number = self.next_waiter.fetch_add(1, Ordering::Relaxed);
        self.waiters().insert(number, Arc::clone(notify));
        Waiting {
            partition: Arc::clone(self),
            number,
        }
    }

    /// Wakes all who wait: the log grew, a transaction ended, or the topic went.
    pub(crate) fn wake(&self) {
        for notify in self.waiters().values() {
            notify.notify_one();
        }
    }

    /// The first record below `limit_offset` whose timestamp is `timestamp_ms` or later.
    pub(crate) fn first_record_since(
        &self,
        timestamp_ms: i64,
        limit_offset: i64,
    ) -> Option<Moment> {
        let mut offset = self.log().start_offset();
        loop {
            // The batch is opened without the lock: unfolding takes long.
            let start_offset = self.log().start_offset();
            let batch = self.log().first_since(offset, timestamp_ms)?;
            let header = Header::read(&batch.bytes)?;
            if batch.base_offset >= limit_offset {
                return None;
            }
            let unfolded = unfold(&header, &batch.bytes)?;
            let found = Records::new(&header, &unfolded).find(|record| {
                record.timestamp_ms >= timestamp_ms && record.offset >= start_offset
            });
            if let Some(record) = found {
                return (record.offset < limit_offset).then_some(Moment {
                    offset: record.offset,
                    timestamp_ms: record.timestamp_ms,
                });
            }
            offset = batch.last_offset + 1;
        }
    }

    /// The record with the highest timestamp; the first one of several.
    pub(crate) fn latest_record_in_time(&self) -> Option<Moment> {
        let batch = self.log().latest_in_time()?;
        let header = Header::read(&batch.bytes)?;
        let unfolded = unfold(&header, &batch.bytes)?;
        let mut latest: Option<Moment> = None;
        for record in Records::new(&header, &unfolded) {
            if latest.is_none_or(|best| record.timestamp_ms > best.timestamp_ms) {
                latest = Some(Moment {
                    offset: record.offset,
                    timestamp_ms: record.timestamp_ms,
                });
            }
        }
        latest
    }
}

/// A registration with a partition, which ends with it.
#[derive(Debug)]
pub(crate) struct Waiting {
    partition: Arc<Partition>,
    number: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.partition.waiters().remove(&self.number);
    }
}
