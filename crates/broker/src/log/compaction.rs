//! Compaction (`cleanup.policy=compact`): of each key the newest record stays; offsets do not change.
//!
//! A compaction copies the list of batches (not their bytes), works without the lock, and exchanges the result under
//! the lock. What a transaction aborted goes, and so do the end markers of what was compacted; deletions (records
//! without a value) go once `delete.retention.ms` has passed since compaction first met them.

use std::collections::{HashMap, VecDeque};

use super::batch::{self, Header};
use super::partition::Partition;
use super::records::{Records, unfold};
use super::{Aborted, Batch, Log, charge_bytes};
use crate::topic_config::TopicConfig;

impl Log {
    /// Whether enough was written since the last compaction, or long enough ago, or deletions are due to go.
    fn is_dirty(&self, config: &TopicConfig, now_ms: i64) -> bool {
        let dirty_from = self.find(self.clean_until);
        let dirty_bytes: usize = self
            .batches
            .range(dirty_from..)
            .map(|batch| batch.bytes.len())
            .sum();
        let is_enough =
            dirty_bytes > 0 && dirty_bytes as f64 >= config.dirty_ratio * self.size_bytes as f64;
        let is_overdue = self.batches.get(dirty_from).is_some_and(|batch| {
            now_ms.saturating_sub(batch.max_timestamp_ms) > config.compaction_lag_max_ms
        });
        is_enough
            || is_overdue
            || self
                .batches
                .iter()
                .any(|batch| batch.delete_horizon_ms <= now_ms)
    }

    /// The batches that may be compacted now.
    fn compactable(&self, config: &TopicConfig, now_ms: i64) -> Vec<Batch> {
        let stable_offset = self.stable_offset();
        self.batches
            .iter()
            .take_while(|batch| {
                batch.last_offset < stable_offset
                    && now_ms.saturating_sub(batch.max_timestamp_ms) >= config.compaction_lag_ms
            })
            .cloned()
            .collect()
    }

    /// Puts the compacted batches in the place of those below `until`.
    fn exchange(&mut self, compacted: Vec<Batch>, until: i64) {
        let start_offset = self.start_offset;
        let kept_from = self.find(until);
        let rest = self.batches.split_off(kept_from);
        let replaced = std::mem::take(&mut self.batches);
        let released: usize = replaced.iter().map(Batch::charge_bytes).sum();
        let removed: usize = replaced.iter().map(|batch| batch.bytes.len()).sum();
        let mut batches: VecDeque<Batch> = compacted
            .into_iter()
            .filter(|batch| batch.last_offset >= start_offset)
            .collect();
        let charged: usize = batches
            .iter()
            .map(|batch| charge_bytes(batch.bytes.len()))
            .sum();
        let added: usize = batches.iter().map(|batch| batch.bytes.len()).sum();
        batches.extend(rest);
        self.batches = batches;
        self.size_bytes = self.size_bytes - removed + added;
        self.charged_bytes = self.charged_bytes - released + charged;
        self.memory.force(charged);
        self.memory.release(released);
        self.clean_until = until;
        self.aborted.retain(|aborted| aborted.last_offset >= until);
    }
}

/// Compacts the partition if it is dirty enough. Gives the bytes won.
pub(crate) fn compact(partition: &Partition, config: &TopicConfig, now_ms: i64) -> usize {
    let (batches, aborted, before_bytes, last_offset) = {
        let log = partition.log();
        if !config.compacts || !log.is_dirty(config, now_ms) {
            return 0;
        }
        let aborted: Vec<Aborted> = log.aborted.iter().copied().collect();
        let last_offset = log.batches.back().map_or(-1, |batch| batch.last_offset);
        let batches = log.compactable(config, now_ms);
        (batches, aborted, log.size_bytes, last_offset)
    };
    let Some(until) = batches.last().map(|batch| batch.last_offset + 1) else {
        return 0;
    };
    let Some(newest) = newest_by_key(&batches, &aborted) else {
        return 0;
    };
    // The last batch stays, be it an end marker: a reader at a hole before the end would wait there for ever.
    let compacted: Vec<Batch> = batches
        .into_iter()
        .filter_map(|batch| {
            let last = (batch.last_offset == last_offset).then(|| batch.clone());
            keep_newest(batch, &newest, &aborted, config, now_ms).or(last)
        })
        .collect();
    let mut log = partition.log();
    log.exchange(compacted, until);
    before_bytes.saturating_sub(log.size_bytes)
}

fn is_aborted(header: &Header, aborted: &[Aborted]) -> bool {
    header.is_transactional()
        && aborted.iter().any(|one| {
            one.producer_id == header.producer_id
                && header.base_offset >= one.first_offset
                && header.base_offset < one.last_offset
        })
}

/// The highest offset of each key; `None` when a batch cannot be read, and then the log stays as it is.
fn newest_by_key(batches: &[Batch], aborted: &[Aborted]) -> Option<HashMap<Vec<u8>, i64>> {
    let mut newest: HashMap<Vec<u8>, i64> = HashMap::new();
    for batch in batches {
        let header = Header::read(&batch.bytes)?;
        if header.is_control() || is_aborted(&header, aborted) {
            continue;
        }
        let unfolded = unfold(&header, &batch.bytes)?;
        let mut records = Records::new(&header, &unfolded);
        for record in records.by_ref() {
            let Some(key) = record.key else { continue };
            match newest.get_mut(key) {
                Some(offset) => *offset = record.offset,
                None => {
                    newest.insert(key.to_vec(), record.offset);
                }
            }
        }
        if !records.is_sound() {
            return None;
        }
    }
    Some(newest)
}

/// The batch with its newest records alone; `None` when nothing of it stays.
fn keep_newest(
    batch: Batch,
    newest: &HashMap<Vec<u8>, i64>,
    aborted: &[Aborted],
    config: &TopicConfig,
    now_ms: i64,
) -> Option<Batch> {
    let Some(header) = Header::read(&batch.bytes) else {
        return Some(batch);
    };
    if header.is_control() || is_aborted(&header, aborted) {
        return None;
    }
    let Some(unfolded) = unfold(&header, &batch.bytes) else {
        return Some(batch);
    };
    let drops_deletions = batch.delete_horizon_ms <= now_ms;
    let mut kept = Vec::new();
    let mut kept_count = 0;
    let mut has_deletions = false;
    for record in Records::new(&header, &unfolded) {
        let is_newest = record
            .key
            .is_none_or(|key| newest.get(key) == Some(&record.offset));
        if is_newest && (record.has_value || !drops_deletions) {
            kept.extend_from_slice(record.raw);
            kept_count += 1;
            has_deletions |= !record.has_value;
        }
    }
    let delete_horizon_ms = match (has_deletions, batch.delete_horizon_ms) {
        (false, _) => i64::MAX,
        (true, i64::MAX) => now_ms.saturating_add(config.delete_retention_ms),
        (true, horizon_ms) => horizon_ms,
    };
    if kept_count == 0 {
        return None;
    }
    let bytes = if kept_count == header.record_count {
        batch.bytes.clone()
    } else {
        batch::build(&header, kept_count, &kept)
    };
    Some(Batch {
        delete_horizon_ms,
        bytes,
        ..batch
    })
}

#[cfg(test)]
#[path = "compaction_tests.rs"]
mod tests;
