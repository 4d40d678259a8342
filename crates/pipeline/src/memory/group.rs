//! Consumer groups: members, who owns which partition, and what was committed.

use std::collections::{BTreeMap, BTreeSet};

use super::Member;
use super::shelf::Shelf;
use crate::log::{Beginning, Partition, Position, SaidBy};

#[derive(Debug, Default)]
pub(super) struct Group {
    members: BTreeSet<Member>,
    partitions: Vec<Partition>,
    /// Who has a partition, until it gives it back.
    owners: BTreeMap<Partition, Member>,
    /// Who shall have it.
    targets: BTreeMap<Partition, Member>,
    turns: usize,
    positions: BTreeMap<Partition, Position>,
    /// Of these an operator has set the offset.
    set_by_operator: BTreeSet<Partition>,
}

impl Group {
    pub(super) fn members(&self) -> impl Iterator<Item = Member> {
        self.members.iter().copied()
    }

    /// Deals the partitions out anew.
    fn deal(&mut self) {
        let members: Vec<Member> = self.members.iter().copied().collect();
        self.targets.clear();
        if members.is_empty() {
            return;
        }
        for (place, partition) in self.partitions.iter().enumerate() {
            let member = members[(place + self.turns) % members.len()];
            self.targets.insert(partition.clone(), member);
        }
    }

    /// Where a new owner of a partition begins.
    pub(super) fn beginning(&self, partition: &Partition) -> Beginning {
        let committed = self.positions.get(partition);
        Beginning {
            position: committed.cloned().unwrap_or_default(),
            said_by: match committed {
                None => SaidBy::Nobody,
                Some(_) if self.set_by_operator.contains(partition) => SaidBy::Operator,
                Some(_) => SaidBy::Engine,
            },
        }
    }

    pub(super) fn position(&self, partition: &Partition) -> Option<&Position> {
        self.positions.get(partition)
    }

    /// Sets or deletes an offset from outside.
    pub(super) fn set_offset(&mut self, partition: &Partition, offset: Option<i64>) {
        self.set_by_operator.insert(partition.clone());
        match offset {
            Some(offset) => self.positions.insert(partition.clone(), offset.into()),
            None => self.positions.remove(partition),
        };
    }

    /// A commit moves the group.
    pub(super) fn commit(&mut self, positions: Vec<(Partition, Position)>) {
        for (partition, position) in positions {
            self.set_by_operator.remove(&partition);
            self.positions.insert(partition, position);
        }
    }

    pub(super) fn is_member(&self, member: Member) -> bool {
        self.members.contains(&member)
    }

    pub(super) fn is_owner(&self, member: Member, partition: &Partition) -> bool {
        self.owners.get(partition) == Some(&member)
    }

    /// What a member has and shall give back.
    pub(super) fn to_revoke(&self, member: Member) -> Vec<Partition> {
        let owned = self.owners.iter().filter(|(_, owner)| **owner == member);
        let owned = owned.map(|(partition, _)| partition);
        owned
            .filter(|partition| self.targets.get(*partition) != Some(&member))
            .cloned()
            .collect()
    }

    /// What a member shall have and nobody has.
    pub(super) fn to_assign(&self, member: Member) -> Vec<Partition> {
        let wanted = self.targets.iter().filter(|(_, target)| **target == member);
        let wanted = wanted.map(|(partition, _)| partition);
        wanted
            .filter(|partition| !self.owners.contains_key(*partition))
            .cloned()
            .collect()
    }

    pub(super) fn own(&mut self, member: Member, partition: &Partition) {
        self.owners.insert(partition.clone(), member);
    }

    pub(super) fn release(&mut self, member: Member, partitions: &[Partition]) {
        for partition in partitions {
            if self.is_owner(member, partition) {
                self.owners.remove(partition);
            }
        }
    }
}

impl Shelf {
    pub(super) fn enter(&mut self, group: &str, member: Member, partitions: Vec<Partition>) {
        let group = self.groups.entry(group.to_owned()).or_default();
        if group.members.insert(member) {
            group.partitions = partitions;
            group.deal();
        }
    }

    pub(super) fn leave(&mut self, member: Member) {
        for group in self.groups.values_mut() {
            if group.members.remove(&member) {
                group.owners.retain(|_, owner| *owner != member);
                group.deal();
            }
        }
    }

    pub(super) fn rebalance(&mut self, group: &str) {
        if let Some(group) = self.groups.get_mut(group) {
            group.turns += 1;
            group.deal();
        }
    }
}
