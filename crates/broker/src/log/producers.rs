//! What a partition remembers of its producers: epochs, the last five batches, open transactions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kafka_protocol::ResponseError;

use super::batch::{Header, add_sequence};

/// Batches of a producer that a repeated send is recognised among, as in Apache Kafka.
const RECENT_BATCHES: usize = 5;
/// Producers that one partition remembers; the one idle for longest goes first.
const PRODUCERS_MAX: usize = 5_000;

/// What to do with a batch that passed the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequenced {
    /// Store it.
    Fresh,
    /// It is stored already, at this offset.
    Duplicate {
        /// Where it lies.
        base_offset: i64,
    },
}

#[derive(Debug, Clone, Copy)]
struct Recent {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    recent: VecDeque<Recent>,
    used_at_ms: i64,
    transaction_start: Option<i64>,
}

/// All producers of a partition.
#[derive(Debug, Default)]
pub(crate) struct Producers {
    by_id: BTreeMap<i64, Producer>,
    /// First offsets of open transactions, and whose they are.
    open: BTreeSet<(i64, i64)>,
}

/// One producer as `DescribeProducers` shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProducerView {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    pub(crate) last_sequence: i32,
    pub(crate) used_at_ms: i64,
    pub(crate) transaction_start: Option<i64>,
}

impl Producers {
    /// Checks the epoch and the sequence of a batch.
    pub(crate) fn check(&self, header: &Header) -> Result<Sequenced, ResponseError> {
        let Some(producer) = self.by_id.get(&header.producer_id) else {
            return Ok(Sequenced::Fresh);
        };
        if header.producer_epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if header.producer_epoch > producer.epoch {
            return if header.base_sequence == 0 {
                Ok(Sequenced::Fresh)
            } else {
                Err(ResponseError::OutOfOrderSequenceNumber)
            };
        }
        let last_sequence = header.last_sequence();
        let same = |recent: &&Recent| {
            recent.first_sequence == header.base_sequence && recent.last_sequence == last_sequence
        };
        if let Some(recent) = producer.recent.iter().find(same) {
            return Ok(Sequenced::Duplicate {
                base_offset: recent.base_offset,
            });
        }
        let expected = producer
            .recent
            .back()
            .map(|recent| add_sequence(recent.last_sequence, 1));
        match expected {
            Some(expected) if expected != header.base_sequence => {
                Err(ResponseError::OutOfOrderSequenceNumber)
            }
            None if header.base_sequence != 0 => Err(ResponseError::OutOfOrderSequenceNumber),
            _ => Ok(Sequenced::Fresh),
        }
    }

    /// Whether the producer has an open transaction here under this epoch.
    pub(crate) fn has_open_transaction(&self, producer_id: i64, epoch: i16) -> bool {
        self.by_id
            .get(&producer_id)
            .is_some_and(|producer| producer.epoch == epoch && producer.transaction_start.is_some())
    }

    /// Takes note of a stored batch.
    pub(crate) fn record(&mut self, header: &Header, now_ms: i64) {
        if !self.by_id.contains_key(&header.producer_id) {
            self.make_room();
        }
        let producer = self
            .by_id
            .entry(header.producer_id)
            .or_insert_with(|| Producer {
                epoch: header.producer_epoch,
                recent: VecDeque::with_capacity(1),
                used_at_ms: now_ms,
                transaction_start: None,
            });
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.recent.clear();
        }
        if producer.recent.len() == RECENT_BATCHES {
            producer.recent.pop_front();
        }
        producer.recent.push_back(Recent {
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset: header.base_offset,
        });
        producer.used_at_ms = now_ms;
        if header.is_transactional() && producer.transaction_start.is_none() {
            producer.transaction_start = Some(header.base_offset);
            self.open.insert((header.base_offset, header.producer_id));
        }
    }

    /// Ends the producer's transaction, and fences lower epochs. Gives the first offset of what was open.
    pub(crate) fn end_transaction(
        &mut self,
        producer_id: i64,
        epoch: i16,
        now_ms: i64,
    ) -> Option<i64> {
        if !self.by_id.contains_key(&producer_id) {
            self.make_room();
        }
        let producer = self.by_id.entry(producer_id).or_insert_with(|| Producer {
            epoch,
            recent: VecDeque::new(),
            used_at_ms: now_ms,
            transaction_start: None,
        });
        if epoch > producer.epoch {
            producer.epoch = epoch;
            producer.recent.clear();
        }
        producer.used_at_ms = now_ms;
        let start = producer.transaction_start.take()?;
        self.open.remove(&(start, producer_id));
        Some(start)
    }

    /// The first offset of the oldest open transaction.
    pub(crate) fn first_open_offset(&self) -> Option<i64> {
        self.open.first().map(|(offset, _)| *offset)
    }

    /// Forgets producers that have been idle since `before_ms` and have nothing open.
    pub(crate) fn forget_idle(&mut self, before_ms: i64) {
        self.by_id.retain(|_, producer| {
            producer.transaction_start.is_some() || producer.used_at_ms >= before_ms
        });
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = ProducerView> + '_ {
        self.by_id.iter().map(|(id, producer)| ProducerView {
            id: *id,
            epoch: producer.epoch,
            last_sequence: producer
                .recent
                .back()
                .map_or(-1, |recent| recent.last_sequence),
            used_at_ms: producer.used_at_ms,
            transaction_start: producer.transaction_start,
        })
    }

    fn make_room(&mut self) {
        if self.by_id.len() < PRODUCERS_MAX {
            return;
        }
        // A tenth at once, so that the search is paid for by many insertions.
        let mut idle: Vec<(i64, i64)> = self
            .by_id
            .iter()
            .filter(|(_, producer)| producer.transaction_start.is_none())
            .map(|(id, producer)| (producer.used_at_ms, *id))
            .collect();
        idle.sort_unstable();
        for (_, id) in idle.into_iter().take(PRODUCERS_MAX / 10) {
            self.by_id.remove(&id);
        }
    }
}

#[cfg(test)]
#[path = "producers_tests.rs"]
mod tests;
