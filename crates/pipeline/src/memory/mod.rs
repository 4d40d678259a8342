//! A log in memory that behaves as Kafka does where it matters: topics, consumer groups with rebalances and generations,
//! transactions that are open, committed or aborted, fencing, readers that see committed records alone. The engine's whole
//! path runs on it without Kafka, for tests, benchmarks, and the simulation of faults, which [`faults`] lists.
//!
//! Reading order: this file (what a program sees), [`shelf`] (topics and transactions), [`group`] (who owns what),
//! [`source`] and [`sink`] (the engine's side), [`store`] (an object store beside it).

pub mod clock;
pub mod faults;
pub mod files;
mod group;
mod history;
mod shelf;
pub mod sink;
pub mod source;
pub mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use clock::HandClock;
pub use faults::{CommitFault, Step, Survival};
pub use files::MemoryFiles;
use shelf::Shelf;
pub use sink::MemorySink;
pub use source::MemorySource;
pub use store::MemoryStore;

use crate::log::{LogError, Outgoing, Partition, Position};

/// One record in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Kafka timestamp, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
}

/// A member of a consumer group, with its producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member(u64);

/// Topics in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog(Arc<Mutex<Shelf>>);

impl MemoryLog {
    /// Makes a topic; one that exists keeps its records.
    pub fn create(&self, topic: &str, partitions: i32) {
        self.lock().create(topic, partitions);
    }

    /// Writes one record, outside any commit.
    pub fn append(&self, record: Outgoing) -> Result<(), LogError> {
        self.lock().append(record, None).map(drop)
    }

    /// Deletes a topic and makes it anew. No transaction may be open.
    pub fn empty(&self, topic: &str) {
        self.lock().empty(topic);
    }

    /// Compacts a topic, deletions too, as far as its records are decided.
    pub fn compact(&self, topic: &str) {
        self.lock().compact(topic);
    }

    /// All committed records of a topic, by partition.
    pub fn records(&self, topic: &str) -> Vec<Vec<Stored>> {
        self.lock().committed(topic)
    }

    /// All records of a topic that were ever committed, with their offsets, by partition: also those that were let go.
    pub fn written(&self, topic: &str) -> Vec<Vec<(i64, Stored)>> {
        self.lock().written(topic)
    }

    /// The ends of a consumer that reads `topics` in `group`, at most `rows_max` records a fetch, and of its producer. A
    /// producer with a `name` fences off those that had it before, as a transactional id does.
    pub fn join(
        &self,
        group: &str,
        name: Option<&str>,
        topics: &[Arc<str>],
        rows_max: usize,
    ) -> (MemorySource, MemorySink) {
        let mut shelf = self.lock();
        let member = shelf.new_member();
        let producer = name.map_or_else(|| format!("{group}-{}", member.0), str::to_owned);
        let epoch = shelf.start_producer(&producer);
        drop(shelf);
        let source = MemorySource::new(self.clone(), group, member, topics, rows_max);
        let sink = MemorySink::new(self.clone(), group, member, producer, epoch);
        (source, sink)
    }

    /// What a group has committed for a partition.
    pub fn position(&self, group: &str, partition: &Partition) -> Option<Position> {
        self.lock().position(group, partition).cloned()
    }

    /// Sets a group's offset as an operator does with other tools, or deletes it, as a broker does when it expires.
    pub fn set_offset(&self, group: &str, partition: &Partition, offset: Option<i64>) {
        let mut shelf = self.lock();
        let group = shelf.groups.entry(group.to_owned()).or_default();
        group.set_offset(partition, offset);
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
