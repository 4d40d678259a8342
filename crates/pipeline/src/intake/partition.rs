//! The state of intake for one input partition, and the rules by which a row is accepted. All of it is a pure function
//! of the partition's log.

use std::collections::BTreeMap;

use events::internal::{IntakeDelta, SourceProgress};

use super::ids::{EventHash, Ids};
use crate::log::Partition;
use crate::planted::{Bug, has};

/// Format of [`IntakeDelta`] records.
const FORMAT: u32 = 1;

/// Ids in one [`IntakeDelta`]: at 16 to 30 bytes each, well below Kafka's default limit of 1 MiB a message.
const IDS_MAX: usize = 20_000;

/// Id, number of its source, row time, copies seen.
type Counted = (EventHash, u16, i64, u32);

/// What becomes of a readable row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It counts.
    Accepted,
    /// An exact copy; so many were seen before it.
    Duplicate {
        /// Copies seen before this one.
        before: u32,
    },
    /// It came so many microseconds after it could still be used.
    Late {
        /// Distance to the latest row time that was still in time.
        by_us: i64,
    },
}

/// What is known of a source in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    number: u16,
    /// Largest row time (heartbeats included); none before the first row.
    pub row_time_max_us: Option<i64>,
    /// Row time of the first row.
    pub row_time_first_us: Option<i64>,
    /// Its rows may be so much out of order.
    pub out_of_order_us: i64,
    /// Said to be silent.
    pub is_idle: bool,
    /// Changed since the last commit.
    pub is_changed: bool,
}

impl SourceState {
    /// No accepted row to come is earlier than this, and a row before it is late. None before the first row.
    pub fn complete_to_us(&self, correction_us: i64) -> Option<i64> {
        let latest = self.row_time_max_us?;
        Some(
            latest
                .saturating_sub(self.out_of_order_us)
                .saturating_sub(correction_us),
        )
    }

    /// The first value of [`Self::complete_to_us`].
    pub fn begin_us(&self, correction_us: i64) -> Option<i64> {
        let first = self.row_time_first_us?;
        Some(
            first
                .saturating_sub(self.out_of_order_us)
                .saturating_sub(correction_us),
        )
    }
}

/// Intake of one partition.
#[derive(Debug)]
pub struct PartitionIntake {
    /// The partition.
    pub partition: Partition,
    /// Offset of the next record.
    pub next_offset: i64,
    /// Where the commit in the making began.
    pub covered_from: i64,
    /// By name.
    pub sources: BTreeMap<String, SourceState>,
    correction_us: i64,
    ids: Ids,
    counted: Vec<Counted>,
}

impl PartitionIntake {
    /// Empty state that begins at `offset`.
    pub fn new(partition: Partition, offset: i64, correction_us: i64) -> Self {
        PartitionIntake {
            partition,
            next_offset: offset,
            covered_from: offset,
            sources: BTreeMap::new(),
            correction_us,
            ids: Ids::default(),
            counted: Vec::new(),
        }
    }

    /// The state of a source, made if it is new.
    pub fn source(
        &mut self,
        name: &str,
        out_of_order_us: impl FnOnce() -> i64,
    ) -> &mut SourceState {
        if !self.sources.contains_key(name) {
            let number = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
            let state = SourceState {
                number,
                row_time_max_us: None,
                row_time_first_us: None,
                out_of_order_us: out_of_order_us(),
                is_idle: false,
                is_changed: true,
            };
            self.sources.insert(name.to_owned(), state);
        }
        // Inserted above if it was not there.
        self.sources
            .entry(name.to_owned())
            .or_insert_with(|| unreachable!())
    }

    /// Decides on a row and remembers it. `id` is none for heartbeats, which only move time on.
    pub fn decide(&mut self, source: &str, id: Option<EventHash>, row_time_us: i64) -> Fate {
        let correction_us = self.correction_us;
        let Some(state) = self.sources.get_mut(source) else {
            return Fate::Accepted;
        };
        if let Some(id) = id {
            let before = self.ids.seen(id);
            if before > 0 {
                self.counted
                    .push((id, state.number, row_time_us, before + 1));
                return Fate::Duplicate { before };
            }
            if let Some(limit) = state
                .complete_to_us(correction_us)
                .filter(|&limit| row_time_us < limit)
            {
                return Fate::Late {
                    by_us: limit - row_time_us,
                };
            }
            self.ids.insert(id, state.number, row_time_us, 1);
            self.counted.push((id, state.number, row_time_us, 1));
        }
        if state.is_idle
            || state
                .row_time_max_us
                .is_none_or(|latest| row_time_us > latest)
        {
            state.is_changed = true;
            state.is_idle = false;
            state.row_time_first_us = state.row_time_first_us.or(Some(row_time_us));
            state.row_time_max_us = state.row_time_max_us.max(Some(row_time_us));
            if let Some(limit) = state.complete_to_us(correction_us) {
                let number = state.number;
                let limit = if has(Bug::EvictionEarly) {
                    row_time_us
                } else {
                    limit
                };
                self.ids.evict(number, limit);
            }
        }
        Fate::Accepted
    }

    /// Latest row time of any source: the time of records that have none of their own.
    pub fn latest_us(&self) -> Option<i64> {
        self.sources
            .values()
            .filter_map(|source| source.row_time_max_us)
            .max()
    }

    /// What changed since the last commit, for the intake-state topic, in records that fit a Kafka message; none if
    /// nothing did.
    pub fn deltas(&mut self) -> Vec<IntakeDelta> {
        if self.next_offset == self.covered_from
            && !self.sources.values().any(|source| source.is_changed)
        {
            return Vec::new();
        }
        let counted = std::mem::take(&mut self.counted);
        let heard: Vec<(u16, SourceProgress)> = self
            .sources
            .iter()
            .filter_map(|(name, source)| {
                let progress = SourceProgress {
                    source: name.clone(),
                    row_time_max_us: source.row_time_max_us?,
                    is_idle: source.is_idle,
                    row_time_first_us: source.row_time_first_us?,
                };
                Some((source.number, progress))
            })
            .collect();
        let place = |number: u16| {
            heard
                .iter()
                .position(|(heard, _)| *heard == number)
                .unwrap_or_default()
        };
        let sources: Vec<SourceProgress> =
            heard.iter().map(|(_, progress)| progress.clone()).collect();
        // One record also where no id was counted: the sources' progress is news as well.
        let parts = counted
            .chunks(IDS_MAX)
            .chain(counted.is_empty().then_some(&[][..]));
        let delta = |ids: &[Counted]| IntakeDelta {
            format: FORMAT,
            topic: self.partition.topic.to_string(),
            partition: self.partition.index,
            next_offset: self.next_offset,
            sources: sources.clone(),
            id_high: ids.iter().map(|(id, ..)| (id.0 >> 64) as u64).collect(),
            id_low: ids.iter().map(|(id, ..)| id.0 as u64).collect(),
            id_source: ids
                .iter()
                .map(|(_, number, ..)| place(*number) as u32)
                .collect(),
            id_row_time_us: ids.iter().map(|(_, _, time, _)| *time).collect(),
            id_copies: ids.iter().map(|(.., copies)| *copies).collect(),
        };
        parts.map(delta).collect()
    }

    /// Takes back what [`Self::deltas`] wrote. Deltas come in the order in which they were written.
    pub fn restore(
        &mut self,
        delta: &IntakeDelta,
        out_of_order_us: impl Fn(&str) -> i64,
    ) -> Result<(), String> {
        if delta.format != FORMAT {
            return Err(format!(
                "intake state of {} has format {}, this version reads {FORMAT}: drain the topic with the version that wrote it",
                self.partition, delta.format
            ));
        }
        let known = if has(Bug::FrontierLostOnTakeover) {
            0
        } else {
            delta.sources.len()
        };
        for progress in &delta.sources[..known] {
            let state = self.source(&progress.source, || out_of_order_us(&progress.source));
            state.row_time_max_us = Some(progress.row_time_max_us);
            state.row_time_first_us = Some(progress.row_time_first_us);
            state.is_idle = progress.is_idle;
        }
        let numbers: Vec<u16> = delta
            .sources
            .iter()
            .filter_map(|progress| self.sources.get(&progress.source).map(|state| state.number))
            .collect();
        let hashes = delta.id_high.iter().zip(&delta.id_low);
        let times = delta.id_row_time_us.iter().zip(&delta.id_copies);
        for ((hash, time), source) in hashes.zip(times).zip(&delta.id_source) {
            let id = EventHash(u128::from(*hash.0) << 64 | u128::from(*hash.1));
            let number = numbers.get(*source as usize).copied().unwrap_or_default();
            self.ids.insert(id, number, *time.0, *time.1);
        }
        for source in self.sources.values() {
            if let Some(limit) = source.complete_to_us(self.correction_us) {
                self.ids.evict(source.number, limit);
            }
        }
        self.next_offset = delta.next_offset;
        self.covered_from = delta.next_offset;
        Ok(())
    }

    /// Takes over the ids of other state of the same partition.
    pub(crate) fn take_ids(&mut self, other: PartitionIntake) {
        self.ids = other.ids;
    }

    /// Ids remembered.
    pub fn ids(&self) -> usize {
        self.ids.len()
    }

    /// The commit in the making became visible.
    pub fn committed(&mut self) {
        self.covered_from = self.next_offset;
        for source in self.sources.values_mut() {
            source.is_changed = false;
        }
    }
}
