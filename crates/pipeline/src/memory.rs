//! A log in memory, with groups and atomic commits, for tests and benchmarks: the engine's whole path without Kafka.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use twox_hash::XxHash3_64;

use crate::clock::Clock;
use crate::log::{Batch, Commit, LogError, Outgoing, Partition, Signal, Sink, Source};

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

#[derive(Debug, Default)]
struct Shelf {
    topics: BTreeMap<Arc<str>, Vec<Vec<Stored>>>,
    positions: BTreeMap<(String, Partition), i64>,
    aborts_due: usize,
}

/// Topics in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog(Arc<Mutex<Shelf>>);

impl MemoryLog {
    /// Makes a topic; one that exists keeps its records.
    pub fn create(&self, topic: &str, partitions: i32) {
        let mut shelf = self.lock();
        let topic = shelf.topics.entry(topic.into()).or_default();
        while topic.len() < partitions.max(1) as usize {
            topic.push(Vec::new());
        }
    }

    /// Writes one record, outside any commit.
    pub fn append(&self, record: Outgoing) -> Result<(), LogError> {
        self.lock().append(record)
    }

    /// All records of a topic, by partition.
    pub fn records(&self, topic: &str) -> Vec<Vec<Stored>> {
        self.lock().topics.get(topic).cloned().unwrap_or_default()
    }

    /// Makes the next `count` commits fail as aborted.
    pub fn abort_next(&self, count: usize) {
        self.lock().aborts_due = count;
    }

    /// Reads `topics` as the only member of `group`, at most `rows_max` records a fetch.
    pub fn source(&self, group: &str, topics: &[Arc<str>], rows_max: usize) -> MemorySource {
        MemorySource {
            log: self.clone(),
            group: group.to_owned(),
            topics: topics.to_vec(),
            rows_max,
            next: BTreeMap::new(),
            told_end: BTreeMap::new(),
            turn: 0,
        }
    }

    /// Commits for `group`.
    pub fn sink(&self, group: &str) -> MemorySink {
        MemorySink {
            log: self.clone(),
            group: group.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn append(&mut self, record: Outgoing) -> Result<(), LogError> {
        let Some(partitions) = self.topics.get_mut(&record.topic) else {
            return Err(LogError::Fatal(format!(
                "there is no topic {}",
                record.topic
            )));
        };
        let by_key = || {
            XxHash3_64::oneshot(record.key.as_deref().unwrap_or_default()) % partitions.len() as u64
        };
        let index = record
            .partition
            .map_or_else(|| by_key() as usize, |index| index as usize);
        let Some(partition) = partitions.get_mut(index) else {
            return Err(LogError::Fatal(format!(
                "{} has no partition {index}",
                record.topic
            )));
        };
        partition.push(Stored {
            timestamp_ms: record.timestamp_ms,
            key: record.key,
            value: record.value,
        });
        Ok(())
    }
}

/// A reader of a [`MemoryLog`].
#[derive(Debug)]
pub struct MemorySource {
    log: MemoryLog,
    group: String,
    topics: Vec<Arc<str>>,
    rows_max: usize,
    next: BTreeMap<Partition, i64>,
    told_end: BTreeMap<Partition, i64>,
    turn: usize,
}

impl MemorySource {
    fn committed(&self) -> BTreeMap<Partition, i64> {
        let shelf = self.log.lock();
        let mut positions = BTreeMap::new();
        for topic in &self.topics {
            for index in 0..shelf.topics.get(topic).map_or(0, Vec::len) {
                let partition = Partition::new(Arc::clone(topic), index as i32);
                let committed = shelf
                    .positions
                    .get(&(self.group.clone(), partition.clone()));
                positions.insert(partition, committed.copied().unwrap_or_default());
            }
        }
        positions
    }
}

impl Source for MemorySource {
    fn fetch(&mut self, batch: &mut Batch, _: Duration) -> Result<Vec<Signal>, LogError> {
        let mut signals = Vec::new();
        if self.next.is_empty() {
            // Records may come in the same fetch, as they may from Kafka.
            self.next = self.committed();
            signals.push(Signal::Assigned(self.next.clone().into_iter().collect()));
        }
        let shelf = self.log.lock();
        let mut room = self.rows_max;
        let count = self.next.len();
        self.turn = (self.turn + 1) % count.max(1);
        let order = self.next.iter_mut().cycle_from(self.turn);
        for (partition, next) in order {
            let records = &shelf.topics[&partition.topic][partition.index as usize];
            let share = (self.rows_max / count).max(1).min(room);
            let from = *next as usize;
            for record in records.iter().skip(from).take(share) {
                batch.push(
                    partition,
                    *next,
                    record.timestamp_ms,
                    record.key.as_deref(),
                    record.value.as_deref(),
                );
                *next += 1;
                room -= 1;
            }
            if *next as usize == records.len() && self.told_end.get(partition) != Some(next) {
                self.told_end.insert(partition.clone(), *next);
                signals.push(Signal::End(partition.clone(), *next));
            }
        }
        Ok(signals)
    }

    fn release(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    fn pause(&mut self, _: bool) -> Result<(), LogError> {
        Ok(())
    }

    fn rewind(&mut self) -> Result<(), LogError> {
        self.next = self.committed();
        self.told_end.clear();
        Ok(())
    }

    fn replay(
        &mut self,
        partition: &Partition,
        from: Option<i64>,
        to: Option<i64>,
        visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    ) -> Result<i64, LogError> {
        let records = self.log.records(&partition.topic);
        let records = records
            .get(partition.index as usize)
            .map_or(&[][..], Vec::as_slice);
        let to = to.unwrap_or(records.len() as i64).min(records.len() as i64);
        let mut batch = Batch::default();
        for offset in from.unwrap_or_default()..to {
            let record = &records[offset as usize];
            batch.clear();
            batch.push(
                partition,
                offset,
                record.timestamp_ms,
                record.key.as_deref(),
                record.value.as_deref(),
            );
            visit(&batch)?;
        }
        Ok(to)
    }
}

/// Iteration that begins anywhere and goes once round.
trait CycleFrom: Iterator + Sized {
    fn cycle_from(self, start: usize) -> impl Iterator<Item = Self::Item> {
        let mut items: Vec<Self::Item> = self.collect();
        let middle = start.min(items.len());
        items.rotate_left(middle);
        items.into_iter()
    }
}

impl<I: Iterator> CycleFrom for I {}

/// A writer to a [`MemoryLog`].
#[derive(Debug)]
pub struct MemorySink {
    log: MemoryLog,
    group: String,
}

impl Sink for MemorySink {
    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        let mut shelf = self.log.lock();
        if shelf.aborts_due > 0 {
            shelf.aborts_due -= 1;
            return Err(LogError::Aborted("asked for by the test".to_owned()));
        }
        for record in commit.records {
            shelf.append(record)?;
        }
        for (partition, offset) in commit.positions {
            shelf
                .positions
                .insert((self.group.clone(), partition), offset);
        }
        Ok(())
    }
}

/// A clock that is set by hand.
#[derive(Debug, Default)]
pub struct HandClock(Mutex<Duration>);

impl HandClock {
    /// Moves time on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for HandClock {
    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_us(&self) -> i64 {
        i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}
