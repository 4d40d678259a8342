//! Which deltas the topic holds, and what has to be written before one may go.

use std::collections::{BTreeSet, VecDeque};

use super::StateBounds;
use super::key::{Key, Kind};
use crate::intake::shelves::Place;

/// A part of a shelf, of a kind.
pub type Touched = (Kind, Place);

/// A delta that the topic holds.
#[derive(Debug)]
pub struct Retained {
    /// Its number; 0 stands for all deltas before format 3.
    pub number: u64,
    /// None: the key of those.
    pub slot: Option<u32>,
    /// Ids, copies and versions in it.
    pub entries: usize,
    /// What has to stand in slices before it may go: what of it is not yet looked at.
    pub places: Vec<Touched>,
}

impl Retained {
    /// Its key.
    pub fn key(&self) -> Key {
        self.slot.map_or(Key::Old, Key::Delta)
    }
}

/// The deltas of one input partition.
#[derive(Debug, Default)]
pub struct Ledger {
    retained: VecDeque<Retained>,
    entries: usize,
    /// Number of the last delta.
    last: u64,
    /// Deltas of the commit in the making.
    uncommitted: usize,
    /// Slots with deltas that do not count.
    stale: BTreeSet<u32>,
    /// Slices that the topic holds and that are late.
    pub gone: Vec<Touched>,
}

impl Ledger {
    /// The number of the last delta.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Notes a delta that the topic holds, older ones first.
    pub fn add(&mut self, retained: Retained) {
        self.last = self.last.max(retained.number);
        self.entries += retained.entries;
        self.retained.push_back(retained);
    }

    /// Notes a delta that the topic holds and that stands for nothing that was committed.
    pub fn add_stale(&mut self, slot: u32) {
        self.stale.insert(slot);
    }

    /// The oldest delta, if it should go while so much is known; `true` if it must. The last one always stays: it says how
    /// far the sources have come.
    pub fn due(&mut self, known: usize, bounds: &StateBounds) -> Option<(Retained, bool)> {
        let limit = bounds.delta_entries_min.max(known / 8);
        let count = self.retained.len();
        let must = count >= 2 * bounds.deltas_max.max(1);
        let is_old = self.retained.front().is_some_and(|it| it.slot.is_none());
        let is_due = must || is_old || self.entries > limit || count >= bounds.deltas_max.max(1);
        let oldest = self
            .retained
            .pop_front_if(|_| is_due && (count > 1 || is_old))?;
        self.entries -= oldest.entries;
        Some((oldest, must))
    }

    /// It stays for now.
    pub fn put_back(&mut self, oldest: Retained) {
        self.entries += oldest.entries;
        self.retained.push_front(oldest);
    }

    /// Number and slot of the next delta: the first slot that is free, which is that of a delta given up a moment ago, so that
    /// the topic never has more keys of deltas than it had deltas at once.
    pub fn next(&self) -> (u64, u32) {
        let number = self.last + 1;
        let used: BTreeSet<u32> = self.retained.iter().filter_map(|it| it.slot).collect();
        let free = (0..).find(|slot| !used.contains(slot));
        (number, free.unwrap_or_default())
    }

    /// Notes a delta of the commit in the making.
    pub fn write(&mut self, retained: Retained) {
        if let Some(slot) = retained.slot {
            self.stale.remove(&slot);
        }
        self.uncommitted += 1;
        self.add(retained);
    }

    /// Slots to delete.
    pub fn take_stale(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.stale)
    }

    /// The commit became visible: the deltas that it brought.
    pub fn committed(&mut self) -> impl Iterator<Item = &Retained> {
        let fresh = std::mem::take(&mut self.uncommitted);
        self.retained.iter().rev().take(fresh)
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        let places = self.retained.iter().map(|it| it.places.len());
        places.sum::<usize>() * std::mem::size_of::<Touched>()
            + self.retained.len() * std::mem::size_of::<Retained>()
    }
}
