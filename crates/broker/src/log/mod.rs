//! One partition's log: batches in order of offset, held as they were sent.
//!
//! - [`batch`] reads and patches headers; [`records`] opens batches where time or keys are asked for.
//! - [`producers`] recognises repeats and tracks open transactions.
//! - [`partition`] puts a lock and wake-ups around a [`Log`].
//! - [`retention`] and [`compaction`] take batches away again.
//!
//! Invariants: batches do not overlap and their offsets rise; `start_offset <= stable_offset <= end_offset`;
//! what the log holds is charged to [`Memory`] until it goes.

pub(crate) mod batch;
pub(crate) mod compaction;
pub(crate) mod partition;
pub(crate) mod producers;
pub(crate) mod records;
pub(crate) mod retention;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use self::batch::Header;
use self::producers::{Producers, Sequenced};
use crate::memory::{BATCH_OVERHEAD_BYTES, Memory};

/// A batch in the log.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp_ms: i64,
    /// When compaction may drop its deletions; `i64::MAX` until compaction first met them.
    pub(crate) delete_horizon_ms: i64,
    pub(crate) bytes: Bytes,
}

impl Batch {
    /// What the batch costs of the memory budget.
    pub(crate) fn charge_bytes(&self) -> usize {
        charge_bytes(self.bytes.len())
    }
}

/// What a batch of this size costs of the memory budget.
pub(crate) fn charge_bytes(batch_bytes: usize) -> usize {
    batch_bytes + BATCH_OVERHEAD_BYTES
}

/// A transaction that was aborted: readers of committed records skip what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    /// Offset of the marker.
    pub(crate) last_offset: i64,
}

/// Where a batch was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) start_offset: i64,
    /// False when the batch had been stored before.
    pub(crate) fresh: bool,
}

/// What a reader gets.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    pub(crate) batches: Vec<Bytes>,
    pub(crate) bytes: usize,
    pub(crate) aborted: Vec<Aborted>,
}

/// The log of one partition.
#[derive(Debug)]
pub(crate) struct Log {
    batches: VecDeque<Batch>,
    start_offset: i64,
    end_offset: i64,
    size_bytes: usize,
    charged_bytes: usize,
    producers: Producers,
    aborted: VecDeque<Aborted>,
    /// Offsets below are compacted.
    clean_until: i64,
    memory: Arc<Memory>,
}

impl Log {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        Self {
            batches: VecDeque::new(),
            start_offset: 0,
            end_offset: 0,
            size_bytes: 0,
            charged_bytes: 0,
            producers: Producers::default(),
            aborted: VecDeque::new(),
            clean_until: 0,
            memory,
        }
    }

    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset that the next record gets; also the high watermark, as there are no replicas.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// Offsets below belong to no open transaction.
    pub(crate) fn stable_offset(&self) -> i64 {
        self.producers
            .first_open_offset()
            .unwrap_or(self.end_offset)
    }

    pub(crate) fn producers(&self) -> &Producers {
        &self.producers
    }

    pub(crate) fn producers_mut(&mut self) -> &mut Producers {
        &mut self.producers
    }

    /// Stores a batch, which is checked already and whose charge is reserved already. The reservation is the
    /// log's from here on, or given back when nothing is stored.
    pub(crate) fn append(
        &mut self,
        mut bytes: Vec<u8>,
        mut header: Header,
        now_ms: i64,
    ) -> Result<Appended, ResponseError> {
        let sequenced = if header.producer_id >= 0 {
            self.producers.check(&header)
        } else {
            Ok(Sequenced::Fresh)
        };
        match sequenced {
            Err(error) => {
                self.memory.release(charge_bytes(bytes.len()));
                Err(error)
            }
            Ok(Sequenced::Duplicate { base_offset }) => {
                self.memory.release(charge_bytes(bytes.len()));
                Ok(Appended {
                    base_offset,
                    start_offset: self.start_offset,
                    fresh: false,
                })
            }
            Ok(Sequenced::Fresh) => {
                header.base_offset = self.end_offset;
                batch::place(&mut bytes, header.base_offset);
                if header.producer_id >= 0 {
                    self.producers.record(&header, now_ms);
                }
                self.push(&header, Bytes::from(bytes));
                Ok(Appended {
                    base_offset: header.base_offset,
                    start_offset: self.start_offset,
                    fresh: true,
                })
            }
        }
    }

    /// Ends a producer's transaction here. Never refused: the charge may exceed the bound.
    pub(crate) fn append_marker(
        &mut self,
        producer_id: i64,
        epoch: i16,
        committed: bool,
        now_ms: i64,
    ) {
        let bytes = batch::end_marker(self.end_offset, producer_id, epoch, committed, now_ms);
        let Some(header) = Header::read(&bytes) else {
            return;
        };
        self.memory.force(charge_bytes(bytes.len()));
        let start = self.producers.end_transaction(producer_id, epoch, now_ms);
        if let Some(first_offset) = start.filter(|_| !committed) {
            self.aborted.push_back(Aborted {
                producer_id,
                first_offset,
                last_offset: header.base_offset,
            });
        }
        self.push(&header, bytes);
    }

    fn push(&mut self, header: &Header, bytes: Bytes) {
        debug_assert_eq!(header.base_offset, self.end_offset);
        self.size_bytes += bytes.len();
        self.charged_bytes += charge_bytes(bytes.len());
        self.end_offset = header.last_offset() + 1;
        self.batches.push_back(Batch {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            max_timestamp_ms: header.max_timestamp_ms,
            delete_horizon_ms: i64::MAX,
            bytes,
        });
    }

    /// Index of the first batch that holds `offset` or a higher one.
    fn find(&self, offset: i64) -> usize {
        self.batches
            .partition_point(|batch| batch.last_offset < offset)
    }

    /// Batches from `offset` up to `limit_offset`, as many as fit into `max_bytes`; the first one even if it does not
    /// fit, where `at_least_one`.
    pub(crate) fn read(
        &self,
        offset: i64,
        limit_offset: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Slice {
        let mut slice = Slice::default();
        let mut next_offset = offset;
        for batch in self.batches.range(self.find(offset)..) {
            let first = at_least_one && slice.batches.is_empty();
            if batch.base_offset >= limit_offset
                || (slice.bytes + batch.bytes.len() > max_bytes && !first)
            {
                break;
            }
            slice.bytes += batch.bytes.len();
            next_offset = batch.last_offset + 1;
            slice.batches.push(batch.bytes.clone());
        }
        if !slice.batches.is_empty() {
            let touches = |aborted: &&Aborted| {
                aborted.last_offset >= offset && aborted.first_offset < next_offset
            };
            slice.aborted = self.aborted.iter().filter(touches).copied().collect();
        }
        slice
    }

    /// The first batch at or after `offset` that may hold a record of `timestamp_ms` or later.
    pub(crate) fn first_since(&self, offset: i64, timestamp_ms: i64) -> Option<Batch> {
        self.batches
            .range(self.find(offset)..)
            .find(|batch| batch.max_timestamp_ms >= timestamp_ms)
            .cloned()
    }

    /// The first batch that reaches the log's highest timestamp.
    pub(crate) fn latest_in_time(&self) -> Option<Batch> {
        let mut latest: Option<&Batch> = None;
        for batch in &self.batches {
            if latest.is_none_or(|best| batch.max_timestamp_ms > best.max_timestamp_ms) {
                latest = Some(batch);
            }
        }
        latest.cloned()
    }

    /// Moves the start of the log up to `offset`, and drops what lies wholly below.
    pub(crate) fn advance_start(&mut self, offset: i64) {
        self.start_offset = self.start_offset.max(offset.min(self.end_offset));
        while self
            .batches
            .front()
            .is_some_and(|batch| batch.last_offset < self.start_offset)
        {
            self.pop_front();
        }
        self.trim_aborted();
    }

    fn pop_front(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            self.size_bytes -= batch.bytes.len();
            self.charged_bytes -= batch.charge_bytes();
            self.memory.release(batch.charge_bytes());
        }
    }

    fn trim_aborted(&mut self) {
        while self
            .aborted
            .front()
            .is_some_and(|aborted| aborted.last_offset < self.start_offset)
        {
            self.aborted.pop_front();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.memory.release(self.charged_bytes);
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
