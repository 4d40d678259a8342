//! A reader of a log in memory: a member of a consumer group.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Member, MemoryLog};
use crate::log::{Batch, Beginning, LogError, Partition, Signal, Source, missing};

/// Records of one batch of a replay.
const REPLAY_ROWS: usize = 64;

/// A reader of a [`MemoryLog`].
#[derive(Debug)]
pub struct MemorySource {
    log: MemoryLog,
    group: String,
    member: Member,
    topics: Vec<Arc<str>>,
    rows_max: usize,
    next: BTreeMap<Partition, i64>,
    told_end: BTreeMap<Partition, i64>,
    revoking: Vec<Partition>,
    has_joined: bool,
    is_paused: bool,
    is_cut_off: bool,
    /// Found to be lost while reading again, and not told yet.
    lost: Vec<Partition>,
    /// Given, and not to be told for so many fetches.
    asleep: Option<(usize, Vec<(Partition, Beginning)>)>,
    turn: usize,
}

impl MemorySource {
    pub(super) fn new(
        log: MemoryLog,
        group: &str,
        member: Member,
        topics: &[Arc<str>],
        rows_max: usize,
    ) -> Self {
        MemorySource {
            log,
            group: group.to_owned(),
            member,
            topics: topics.to_vec(),
            rows_max,
            next: BTreeMap::new(),
            told_end: BTreeMap::new(),
            revoking: Vec::new(),
            has_joined: false,
            is_paused: false,
            is_cut_off: false,
            lost: Vec::new(),
            asleep: None,
            turn: 0,
        }
    }

    /// Who reads here.
    pub fn member(&self) -> Member {
        self.member
    }

    fn partitions(&self) -> Vec<Partition> {
        let shelf = self.log.lock();
        let topics = self.topics.iter();
        topics.flat_map(|topic| shelf.partitions(topic)).collect()
    }

    /// What a fetch comes to that does not reach the log.
    fn reach(&mut self) -> Option<Vec<Signal>> {
        let mut shelf = self.log.lock();
        let pending = shelf.pending(self.member);
        let (was, is) = (self.is_cut_off, pending.unreachable > 0);
        pending.unreachable = pending.unreachable.saturating_sub(1);
        self.is_cut_off = is;
        match (was, is) {
            (false, true) => Some(vec![Signal::Unreachable("asked for".to_owned())]),
            (true, true) => Some(Vec::new()),
            (true, false) => Some(vec![Signal::Reachable]),
            (false, false) => None,
        }
    }

    /// What a member hears that sleeps: nothing, and then of partitions that are another's.
    fn wake(&mut self) -> Option<Vec<Signal>> {
        let (fetches, given) = self.asleep.take()?;
        if fetches > 0 {
            self.asleep = Some((fetches - 1, given));
            return Some(Vec::new());
        }
        let places = given.iter();
        let places = places.map(|(of, beginning)| (of.clone(), beginning.position.next_offset));
        self.next.extend(places);
        Some(vec![Signal::Assigned(given)])
    }

    fn news(&mut self) -> Vec<Signal> {
        let mut shelf = self.log.lock();
        let pending = shelf.pending(self.member);
        let is_blind = pending.blind > 0;
        pending.blind = pending.blind.saturating_sub(1);
        drop(shelf);
        match (is_blind, std::mem::take(&mut self.lost)) {
            (true, _) => Vec::new(),
            (false, lost) if lost.is_empty() => self.ownership(),
            (false, lost) => vec![Signal::Lost(lost)],
        }
    }

    /// What the group says: partitions lost, to give back, or given.
    fn ownership(&mut self) -> Vec<Signal> {
        let partitions = self.partitions();
        let mut shelf = self.log.lock();
        let group = shelf.groups.entry(self.group.clone()).or_default();
        if !group.is_member(self.member) {
            let lost: Vec<Partition> = std::mem::take(&mut self.next).into_keys().collect();
            self.told_end.clear();
            shelf.enter(&self.group, self.member, partitions);
            if !lost.is_empty() {
                return vec![Signal::Lost(lost)];
            }
        }
        let group = shelf.groups.entry(self.group.clone()).or_default();
        self.revoking = group.to_revoke(self.member);
        if !self.revoking.is_empty() {
            return vec![Signal::Revoking(self.revoking.clone())];
        }
        let mut assigned = Vec::new();
        for partition in group.to_assign(self.member) {
            if shelf.is_stable(&self.group, &partition) {
                let group = shelf.groups.entry(self.group.clone()).or_default();
                let beginning = group.beginning(&partition);
                group.own(self.member, &partition);
                assigned.push((partition, beginning));
            }
        }
        let sleeps = &mut shelf.pending(self.member).stale;
        if *sleeps > 0 && self.next.is_empty() && !assigned.is_empty() {
            self.asleep = Some((std::mem::take(sleeps), assigned));
            shelf.leave(self.member);
            return Vec::new();
        }
        for (partition, beginning) in &assigned {
            let next_offset = beginning.position.next_offset;
            self.next.insert(partition.clone(), next_offset);
        }
        if assigned.is_empty() && std::mem::replace(&mut self.has_joined, true) {
            return Vec::new();
        }
        // The first answer of the group may be that there is nothing.
        vec![Signal::Assigned(assigned)]
    }
}

impl Source for MemorySource {
    fn fetch(&mut self, batch: &mut Batch, _: Duration) -> Result<Vec<Signal>, LogError> {
        if let Some(signals) = self.reach().or_else(|| self.wake()) {
            return Ok(signals);
        }
        let is_blind = self.log.lock().pending(self.member).blind > 0;
        // Records may come in the same fetch as the partition that they are of, as they may from Kafka.
        let mut signals = self.news();
        if !self.revoking.is_empty() || self.is_paused {
            return Ok(signals);
        }
        let mut shelf = self.log.lock();
        let pending = shelf.pending(self.member);
        if pending.silent > 0 {
            pending.silent -= 1;
            return Ok(signals);
        }
        let again = std::mem::take(&mut pending.again) as i64;
        let mut room = self.rows_max;
        let count = self.next.len().max(1);
        self.turn = (self.turn + 1) % count;
        let mut order: Vec<(&Partition, &mut i64)> = self.next.iter_mut().collect();
        let middle = self.turn.min(order.len());
        order.rotate_left(middle);
        for (partition, next) in order {
            let mut share = (self.rows_max / count).max(1).min(room);
            let (start, end) = (shelf.start(partition), shelf.stable_end(partition));
            if *next < start && !is_blind {
                return Err(missing(partition, (start, end), (*next, end)));
            }
            let mut offset = (*next - again).max(0);
            while offset < end && share > 0 {
                if let Some(record) = shelf.at(partition, offset) {
                    batch.push(
                        partition,
                        offset,
                        record.timestamp_ms,
                        record.key.as_deref(),
                        record.value.as_deref(),
                    );
                    share -= 1;
                    room = room.saturating_sub(1);
                }
                offset += 1;
            }
            *next = offset.max(*next);
            if *next == end && self.told_end.get(partition) != Some(next) {
                self.told_end.insert(partition.clone(), *next);
                signals.push(Signal::End(partition.clone(), *next));
            }
        }
        Ok(signals)
    }

    fn release(&mut self) -> Result<(), LogError> {
        let given = std::mem::take(&mut self.revoking);
        for partition in &given {
            self.next.remove(partition);
            self.told_end.remove(partition);
        }
        let mut shelf = self.log.lock();
        if let Some(group) = shelf.groups.get_mut(&self.group) {
            group.release(self.member, &given);
        }
        Ok(())
    }

    fn pause(&mut self, is_paused: bool) -> Result<(), LogError> {
        self.is_paused = is_paused;
        Ok(())
    }

    fn rewind(&mut self) -> Result<Vec<Partition>, LogError> {
        let mut shelf = self.log.lock();
        shelf.settle_decided();
        shelf.pending(self.member).blind = 0;
        self.told_end.clear();
        let group = shelf.groups.get(&self.group);
        let is_ours = |partition: &Partition| {
            group.is_some_and(|group| group.is_owner(self.member, partition))
        };
        // As the real one, which goes back only once the group has said what is left.
        let (next, lost): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.next)
            .into_iter()
            .partition(|(partition, _)| is_ours(partition));
        self.next = next;
        self.lost.extend(lost.into_keys());
        for (partition, next) in &mut self.next {
            let position = shelf.position(&self.group, partition);
            *next = position.map_or(0, |position| position.next_offset);
        }
        Ok(self.next.keys().cloned().collect())
    }

    fn end(&mut self, partition: &Partition) -> Option<i64> {
        Some(self.log.lock().stable_end(partition))
    }

    fn is_drained(&mut self) -> Result<bool, LogError> {
        let partitions = self.partitions();
        let shelf = self.log.lock();
        let is_drained = |partition: &Partition| {
            let position = shelf.position(&self.group, partition);
            position.is_some_and(|position| *position == shelf.end(partition).into())
        };
        Ok(partitions.iter().all(is_drained))
    }

    fn trim(&mut self, partition: &Partition, before: i64) -> Result<(), LogError> {
        self.log.lock().trim(partition, before);
        Ok(())
    }

    fn replay(
        &mut self,
        partition: &Partition,
        from: Option<i64>,
        to: Option<i64>,
        visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    ) -> Result<i64, LogError> {
        let shelf = self.log.lock();
        let (start, end) = (shelf.start(partition), shelf.stable_end(partition));
        drop(shelf);
        let to = to.unwrap_or(end).min(end);
        let from = from.unwrap_or(start);
        if from < start {
            return Err(missing(partition, (start, end), (from, to)));
        }
        let mut batch = Batch::default();
        for offset in from..to {
            let shelf = self.log.lock();
            if let Some(record) = shelf.at(partition, offset) {
                batch.push(
                    partition,
                    offset,
                    record.timestamp_ms,
                    record.key.as_deref(),
                    record.value.as_deref(),
                );
            }
            drop(shelf);
            if batch.len() == REPLAY_ROWS {
                visit(&batch)?;
                batch.clear();
            }
        }
        if !batch.is_empty() {
            visit(&batch)?;
        }
        Ok(to)
    }
}

impl Drop for MemorySource {
    /// Leaves the group; a transaction that is open stays so.
    fn drop(&mut self) {
        self.log.lock().leave(self.member);
    }
}
