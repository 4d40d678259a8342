//! How often an accepted event has come again.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use super::ids::{EventHash, Same, spare};
use super::shelves::{Place, Shelves, held, minute};

#[derive(Debug, Clone, Copy)]
struct Seen {
    records: u32,
    place: Place,
}

/// The events of one partition of which copies came.
#[derive(Debug, Default)]
pub struct Copies {
    seen: HashMap<EventHash, Seen, BuildHasherDefault<Same>>,
    shelves: Shelves,
    /// Seen since the last commit.
    changed: BTreeSet<EventHash>,
}

impl Copies {
    /// Counts a copy; returns how many records of the event came before it. It is counted until its row time is late.
    pub fn count(&mut self, id: EventHash, source: u16, row_time_us: i64, part_max: usize) -> u32 {
        let before = self.seen.get(&id).map_or(1, |seen| seen.records);
        self.changed.insert(id);
        self.set(id, before + 1, source, minute(row_time_us), part_max);
        before
    }

    /// So many records of an event came; where that is noted.
    pub fn set(
        &mut self,
        id: EventHash,
        records: u32,
        source: u16,
        minute: i64,
        part_max: usize,
    ) -> Place {
        if let Some(seen) = self.seen.get_mut(&id) {
            seen.records = records;
            return seen.place;
        }
        let place = self.shelves.put(source, minute, id, part_max);
        self.seen.insert(id, Seen { records, place });
        place
    }

    /// Takes back what the topic holds of a part.
    pub fn restore(
        &mut self,
        place: Place,
        rows: impl Iterator<Item = (EventHash, u32)>,
        through: u64,
    ) {
        let part = self.shelves.part(place);
        part.through = Some(through);
        for (id, records) in rows {
            // It may stand elsewhere from before; this place counts.
            self.seen.insert(id, Seen { records, place });
            part.members.push(id);
        }
    }

    /// Forgets events whose copies are late. The places that the topic held go to `gone`.
    pub fn evict(&mut self, source: u16, late_before_us: i64, gone: &mut Vec<Place>) {
        let last = minute(late_before_us);
        while let Some((first, parts)) = self.shelves.take_before(source, last) {
            for id in parts.iter().flat_map(|part| &part.members) {
                let is_here = |seen: &Seen| seen.place.minute == first.minute;
                if self.seen.get(id).is_some_and(is_here) {
                    self.seen.remove(id);
                }
            }
            gone.extend(held(first, &parts));
        }
        if let Some(capacity) = spare(self.seen.capacity(), self.seen.len()) {
            self.seen.shrink_to(capacity);
        }
    }

    /// What changed since the last commit.
    pub fn take_changed(&mut self) -> Vec<(EventHash, Place, u32)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let known = changed.filter_map(|id| {
            let seen = self.seen.get(&id)?;
            Some((id, seen.place, seen.records))
        });
        known.collect()
    }

    /// What stands at a place.
    pub fn at(&mut self, place: Place) -> Vec<(EventHash, u32)> {
        let Some(part) = self.shelves.find(&place) else {
            return Vec::new();
        };
        let known = part.members.iter().filter_map(|id| {
            let seen = self.seen.get(id).filter(|seen| seen.place == place)?;
            Some((*id, seen.records))
        });
        known.collect()
    }

    /// What they take in memory: each is in a table, an eighth of which stands free at least, and in a list.
    pub fn bytes(&self) -> usize {
        const ENTRY_BYTES: usize = std::mem::size_of::<(EventHash, Seen)>() + 1;
        self.seen.capacity() * ENTRY_BYTES * 8 / 7
            + (self.seen.len() + self.changed.len()) * std::mem::size_of::<EventHash>()
    }

    /// The shelves on which they lie.
    pub fn shelves(&mut self) -> &mut Shelves {
        &mut self.shelves
    }
}
