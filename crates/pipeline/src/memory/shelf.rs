//! Topics, and the transactions that write to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use twox_hash::XxHash3_64;

use super::faults::Pending;
use super::group::Group;
use super::{Member, Stored};
use crate::log::{LogError, Outgoing, Partition, Position};

/// Number of a transaction.
pub(super) type Transaction = u64;

/// One offset of a partition.
#[derive(Debug)]
struct Slot {
    /// None is the end of a transaction.
    stored: Option<Stored>,
    transaction: Option<Transaction>,
}

#[derive(Debug, Default)]
struct PartitionLog {
    slots: Vec<Slot>,
    /// What lies before is gone.
    start: usize,
    /// Transactions that have records here and no end yet.
    open: BTreeSet<Transaction>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Committed,
    Aborted,
}

#[derive(Debug)]
struct Started {
    producer: String,
    epoch: u64,
    member: Member,
    fate: Fate,
    is_settled: bool,
    touched: BTreeSet<Partition>,
    group: String,
    positions: Vec<(Partition, Position)>,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    topics: BTreeMap<Arc<str>, Vec<PartitionLog>>,
    transactions: BTreeMap<Transaction, Started>,
    /// By transactional id: who has it now.
    epochs: BTreeMap<String, u64>,
    pub(super) groups: BTreeMap<String, Group>,
    pending: BTreeMap<Member, Pending>,
    members: u64,
    pub(super) aborts_due: usize,
    pub(super) holds_markers: bool,
}

impl Shelf {
    pub(super) fn create(&mut self, topic: &str, partitions: i32) {
        let topic = self.topics.entry(topic.into()).or_default();
        while topic.len() < partitions.max(1) as usize {
            topic.push(PartitionLog::default());
        }
    }

    pub(super) fn empty(&mut self, topic: &str) {
        for partition in self.topics.entry(topic.into()).or_default() {
            *partition = PartitionLog::default();
        }
    }

    pub(super) fn partitions(&self, topic: &Arc<str>) -> Vec<Partition> {
        let count = self.topics.get(topic).map_or(0, Vec::len) as i32;
        let partitions = (0..count).map(|index| Partition::new(Arc::clone(topic), index));
        partitions.collect()
    }

    fn log(&self, partition: &Partition) -> Option<&PartitionLog> {
        self.topics
            .get(&partition.topic)?
            .get(partition.index as usize)
    }

    pub(super) fn new_member(&mut self) -> Member {
        self.members += 1;
        Member(self.members)
    }

    pub(super) fn pending(&mut self, member: Member) -> &mut Pending {
        self.pending.entry(member).or_default()
    }

    /// Writes a record, of a transaction or of none.
    pub(super) fn append(
        &mut self,
        record: Outgoing,
        transaction: Option<Transaction>,
    ) -> Result<Partition, LogError> {
        let Some(partitions) = self.topics.get_mut(&record.topic) else {
            let topic = record.topic;
            return Err(LogError::Fatal(format!("there is no topic {topic}")));
        };
        let by_key = || {
            XxHash3_64::oneshot(record.key.as_deref().unwrap_or_default()) % partitions.len() as u64
        };
        let index = record
            .partition
            .map_or_else(|| by_key() as usize, |index| index as usize);
        let Some(partition) = partitions.get_mut(index) else {
            let topic = record.topic;
            return Err(LogError::Fatal(format!("{topic} has no partition {index}")));
        };
        partition.slots.push(Slot {
            stored: Some(Stored {
                timestamp_ms: record.timestamp_ms,
                key: record.key,
                value: record.value,
            }),
            transaction,
        });
        partition.open.extend(transaction);
        let partition = Partition::new(record.topic, index as i32);
        if let Some(started) = transaction.and_then(|id| self.transactions.get_mut(&id)) {
            started.touched.insert(partition.clone());
        }
        Ok(partition)
    }

    /// The offset behind the last record, decided or not.
    pub(super) fn end(&self, partition: &Partition) -> i64 {
        self.log(partition).map_or(0, |log| log.slots.len()) as i64
    }

    /// Loses a record: of those with a value and of these keys the one that lies `back` before the last one.
    pub(super) fn lose(
        &mut self,
        partition: &Partition,
        is_meant: &dyn Fn(&[u8]) -> bool,
        back: usize,
    ) {
        let logs = self.topics.get_mut(&partition.topic);
        let Some(log) = logs.and_then(|logs| logs.get_mut(partition.index as usize)) else {
            return;
        };
        let may_be_lost = |slot: &&mut Slot| {
            let stored = slot.stored.as_ref();
            let key = stored.and_then(|stored| stored.key.as_deref());
            let has_value = stored.is_some_and(|stored| stored.value.is_some());
            has_value && is_meant(key.unwrap_or_default())
        };
        if let Some(slot) = log.slots.iter_mut().rev().filter(may_be_lost).nth(back) {
            slot.stored = None;
        }
    }

    /// The offset of the first record that is there.
    pub(super) fn start(&self, partition: &Partition) -> i64 {
        self.log(partition).map_or(0, |log| log.start) as i64
    }

    /// Lets the records before an offset go.
    pub(super) fn trim(&mut self, partition: &Partition, before: i64) {
        let logs = self.topics.get_mut(&partition.topic);
        if let Some(log) = logs.and_then(|logs| logs.get_mut(partition.index as usize)) {
            let before = usize::try_from(before).unwrap_or_default();
            log.start = log.start.max(before.min(log.slots.len()));
        }
    }

    /// Of each key of a topic the newest record stays, if it has a value, among those that are decided.
    pub(super) fn compact(&mut self, topic: &str) {
        for partition in self.partitions(&Arc::from(topic)) {
            let mut newest: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
            let mut gone = Vec::new();
            for offset in self.start(&partition)..self.stable_end(&partition) {
                let Some(stored) = self.at(&partition, offset) else {
                    continue;
                };
                let key = stored.key.clone().unwrap_or_default();
                if stored.value.is_none() {
                    gone.push(offset as usize);
                    gone.extend(newest.remove(&key));
                } else {
                    gone.extend(newest.insert(key, offset as usize));
                }
            }
            let logs = self.topics.get_mut(&partition.topic);
            if let Some(log) = logs.and_then(|logs| logs.get_mut(partition.index as usize)) {
                gone.into_iter()
                    .for_each(|offset| log.slots[offset].stored = None);
            }
        }
    }

    /// The offset before which all is decided.
    pub(super) fn stable_end(&self, partition: &Partition) -> i64 {
        let Some(log) = self.log(partition) else {
            return 0;
        };
        let is_open = |slot: &Slot| slot.transaction.is_some_and(|id| log.open.contains(&id));
        let first = match log.open.is_empty() {
            true => None,
            false => log.slots.iter().position(is_open),
        };
        first.unwrap_or(log.slots.len()) as i64
    }

    /// The committed record at an offset before [`Self::stable_end`]; none where there is a marker or an aborted one. It is
    /// told also where it was let go: somebody may have fetched it before.
    pub(super) fn at(&self, partition: &Partition, offset: i64) -> Option<&Stored> {
        let slot = self.log(partition)?.slots.get(offset as usize)?;
        let is_committed = |id| self.transactions.get(&id).map(|started| started.fate);
        match slot.transaction.map(is_committed) {
            None | Some(Some(Fate::Committed)) => slot.stored.as_ref(),
            _ => None,
        }
    }

    pub(super) fn committed(&self, topic: &str) -> Vec<Vec<Stored>> {
        let partitions = self.partitions(&Arc::from(topic)).into_iter();
        let records = partitions.map(|partition| {
            let offsets = self.start(&partition)..self.stable_end(&partition);
            offsets
                .filter_map(|offset| self.at(&partition, offset).cloned())
                .collect()
        });
        records.collect()
    }

    /// All that was ever committed to a topic.
    pub(super) fn written(&self, topic: &str) -> Vec<Vec<(i64, Stored)>> {
        let partitions = self.partitions(&Arc::from(topic)).into_iter();
        let records = partitions.map(|partition| {
            let offsets = 0..self.stable_end(&partition);
            let records =
                offsets.filter_map(|offset| Some((offset, self.at(&partition, offset)?.clone())));
            records.collect()
        });
        records.collect()
    }

    /// Takes a transactional id over: what was open under it is aborted, whoever had it is fenced off.
    pub(super) fn start_producer(&mut self, producer: &str) -> u64 {
        self.settle_if(|started| started.producer == producer);
        let epoch = self.epochs.entry(producer.to_owned()).or_default();
        *epoch += 1;
        *epoch
    }

    pub(super) fn is_current(&self, producer: &str, epoch: u64) -> bool {
        self.epochs.get(producer) == Some(&epoch)
    }

    pub(super) fn begin(
        &mut self,
        producer: &str,
        epoch: u64,
        member: Member,
        group: &str,
    ) -> Transaction {
        let id = self.transactions.len() as u64;
        self.transactions.insert(
            id,
            Started {
                producer: producer.to_owned(),
                epoch,
                member,
                fate: Fate::Open,
                is_settled: false,
                touched: BTreeSet::new(),
                group: group.to_owned(),
                positions: Vec::new(),
            },
        );
        id
    }

    pub(super) fn set_positions(&mut self, id: Transaction, positions: Vec<(Partition, Position)>) {
        if let Some(started) = self.transactions.get_mut(&id) {
            started.positions = positions;
        }
    }

    /// Decides a transaction; its ends are written at once unless they are held.
    pub(super) fn decide(&mut self, id: Transaction, is_committed: bool) {
        let Some(started) = self.transactions.get_mut(&id) else {
            return;
        };
        if started.fate == Fate::Open {
            started.fate = match is_committed {
                true => Fate::Committed,
                false => Fate::Aborted,
            };
        }
        if !self.holds_markers {
            self.write_ends(id);
        }
    }

    fn write_ends(&mut self, id: Transaction) {
        let Some(started) = self.transactions.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut started.is_settled, true) {
            return;
        }
        for partition in &started.touched {
            let log = self.topics.get_mut(&partition.topic);
            if let Some(log) = log.and_then(|logs| logs.get_mut(partition.index as usize)) {
                log.open.remove(&id);
                log.slots.push(Slot {
                    stored: None,
                    transaction: None,
                });
            }
        }
        if started.fate == Fate::Committed {
            let positions = std::mem::take(&mut started.positions);
            let group = self.groups.entry(started.group.clone()).or_default();
            group.commit(positions);
        }
    }

    fn settle_if(&mut self, is_due: impl Fn(&Started) -> bool) {
        let due = self.transactions.iter();
        let due = due.filter(|(_, started)| !started.is_settled && is_due(started));
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            let holds = std::mem::take(&mut self.holds_markers);
            self.decide(id, false);
            self.holds_markers = holds;
        }
    }

    /// Writes the ends of transactions whose fate is decided.
    pub(super) fn settle_decided(&mut self) {
        self.settle_if(|started| started.fate != Fate::Open);
    }

    pub(super) fn settle(&mut self) {
        self.holds_markers = false;
        let members: BTreeSet<Member> = self.groups.values().flat_map(Group::members).collect();
        let epochs = self.epochs.clone();
        self.settle_if(|started| {
            started.fate != Fate::Open
                || !members.contains(&started.member)
                || epochs.get(&started.producer) != Some(&started.epoch)
        });
    }

    pub(super) fn is_unsettled(&self) -> bool {
        self.transactions
            .values()
            .any(|started| !started.is_settled)
    }

    /// What a group has committed; a transaction that would change it is not waited for.
    pub(super) fn position(&self, group: &str, partition: &Partition) -> Option<&Position> {
        self.groups.get(group)?.position(partition)
    }

    /// False while an undecided or unsettled transaction may change what the group has committed.
    pub(super) fn is_stable(&self, group: &str, partition: &Partition) -> bool {
        let mut open = self.transactions.values().rev();
        !open.any(|started| {
            !started.is_settled
                && started.group == group
                && started.positions.iter().any(|(at, _)| at == partition)
        })
    }
}
