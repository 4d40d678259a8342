//! Which events have been accepted, so that an exact copy counts once.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use events::internal::IdRun;
use twox_hash::XxHash3_128;

use super::shelves::{Place, Shelves, held, minute};
use super::state::codec;

/// 128 bits of a hash over source, event id and record time. With 10 million ids open the chance that any two differ in
/// truth and agree here is below 2e-25.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventHash(pub u128);

impl EventHash {
    /// The hash of one event version.
    pub fn new(source: &str, event_id: &str, record_time_us: i64) -> Self {
        let mut bytes = [0_u8; 256];
        let parts = [
            source.as_bytes(),
            &[0],
            event_id.as_bytes(),
            &record_time_us.to_le_bytes(),
        ];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > bytes.len() {
            return EventHash(XxHash3_128::oneshot(&parts.concat()));
        }
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        EventHash(XxHash3_128::oneshot(&bytes[..length]))
    }
}

/// Passes a hash on as its own hash.
#[derive(Debug, Default, Clone)]
pub struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

/// The set of ids passes their hashes on.
type Hashes = BuildHasherDefault<Same>;

/// To how many places a table should be made smaller that has so many and needs so few: else what a busy hour needed is
/// held for good.
pub(super) fn spare(capacity: usize, needed: usize) -> Option<usize> {
    const SMALL: usize = 256;
    (capacity > SMALL.max(4 * needed)).then_some(2 * needed)
}

/// The accepted events of one partition.
#[derive(Debug, Default)]
pub struct Ids {
    known: HashSet<EventHash, Hashes>,
    shelves: Shelves,
    /// Accepted since the last commit.
    fresh: Vec<(Place, EventHash)>,
}

impl Ids {
    /// True if an event was accepted.
    pub fn holds(&self, id: EventHash) -> bool {
        self.known.contains(&id)
    }

    /// Remembers an accepted event.
    pub fn insert(&mut self, id: EventHash, source: u16, row_time_us: i64, part_max: usize) {
        if let Some(place) = self.shelve(id, source, minute(row_time_us), part_max) {
            self.fresh.push((place, id));
        }
    }

    /// Remembers an event that was accepted in this minute, or before; where it is, if it was not known.
    pub fn shelve(
        &mut self,
        id: EventHash,
        source: u16,
        minute: i64,
        part_max: usize,
    ) -> Option<Place> {
        let is_new = self.known.insert(id);
        is_new.then(|| self.shelves.put(source, minute, id, part_max))
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, ids: usize) {
        self.known.reserve(ids);
    }

    /// Takes back what the topic holds of a part, and through which delta.
    pub fn restore(&mut self, place: Place, run: &IdRun, through: u64) -> Result<(), String> {
        let part = self.shelves.part(place);
        part.through = Some(through);
        part.members.reserve(codec::count(run));
        codec::visit(run, |id| {
            if self.known.insert(id) {
                part.members.push(id);
            }
        })
    }

    /// Forgets what a copy could no longer be taken for new: it would be late. The places that the topic held go to `gone`.
    pub fn evict(&mut self, source: u16, late_before_us: i64, gone: &mut Vec<Place>) {
        let last = minute(late_before_us);
        while let Some((place, parts)) = self.shelves.take_before(source, last) {
            for id in parts.iter().flat_map(|part| &part.members) {
                self.known.remove(id);
            }
            gone.extend(held(place, &parts));
        }
        if let Some(capacity) = spare(self.known.capacity(), self.known.len()) {
            self.known.shrink_to(capacity);
        }
    }

    /// What was accepted since the last commit, by place.
    pub fn take_fresh(&mut self) -> Vec<(Place, EventHash)> {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_by_key(|(place, _)| *place);
        fresh
    }

    /// How many were accepted since the last commit.
    pub fn fresh(&self) -> usize {
        self.fresh.len()
    }

    /// The shelves on which the ids lie.
    pub fn shelves(&mut self) -> &mut Shelves {
        &mut self.shelves
    }

    /// What they take in memory: each is in a table of hashes, an eighth of which stands free at least, and in a list.
    pub fn bytes(&self) -> usize {
        const ENTRY_BYTES: usize = std::mem::size_of::<EventHash>() + 1;
        self.known.capacity() * ENTRY_BYTES * 8 / 7
            + self.known.len() * std::mem::size_of::<EventHash>()
            + self.fresh.capacity() * std::mem::size_of::<(Place, EventHash)>()
    }

    /// Ids remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True if no id is remembered.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::shelves::BUCKET_US;

    #[test]
    fn a_copy_is_known_until_it_would_be_late() {
        let mut ids = Ids::default();
        let id = EventHash::new("ais", "1", 5);
        assert_ne!(
            id,
            EventHash::new("ais", "1", 6),
            "an update is another version"
        );
        assert_ne!(id, EventHash::new("ai", "s1", 5));
        assert!(!ids.holds(id));
        ids.insert(id, 3, 10 * BUCKET_US, 8);
        assert!(ids.holds(id));
        let mut gone = Vec::new();
        ids.evict(2, 100 * BUCKET_US, &mut gone);
        ids.evict(3, 10 * BUCKET_US + BUCKET_US - 1, &mut gone);
        assert_eq!(ids.len(), 1, "a copy in the same minute is not yet late");
        ids.evict(3, 11 * BUCKET_US, &mut gone);
        assert!(ids.is_empty());
        assert!(gone.is_empty(), "the topic never held it as a slice");
    }
    #[test]
    fn what_a_busy_hour_needed_is_given_back() {
        use crate::intake::versions::{Incoming, event_hash};
        use crate::intake::{copies::Copies, versions::Versions};
        let (mut ids, mut copies, mut versions) =
            (Ids::default(), Copies::default(), Versions::new(8));
        let mut gone = Vec::new();
        for at in 0..20_000_i64 {
            // Ten thousand in the first minute, one in each behind it.
            let row_time_us = (at - 10_000).max(0) * BUCKET_US;
            let id = EventHash::new("ais", &at.to_string(), 0);
            ids.insert(id, 0, row_time_us, 8);
            copies.count(id, 0, row_time_us, 8);
            let incoming = Incoming {
                event: event_hash("ais", &at.to_string()),
                source: 0,
                record_time_us: 0,
                row_time_us,
                offset: at,
                is_retracted: false,
            };
            versions.decide(&incoming, None);
            if at == 10_000 {
                for bytes in [ids.bytes(), copies.bytes(), versions.bytes()] {
                    assert!(bytes > 10_000 * 32, "{bytes}");
                }
            }
        }
        ids.take_fresh();
        copies.take_changed();
        versions.changes(8, &|_| 0);
        ids.evict(0, 9_900 * BUCKET_US, &mut gone);
        copies.evict(0, 9_900 * BUCKET_US, &mut gone);
        versions.evict(0, 9_900 * BUCKET_US, &mut gone);
        assert_eq!((ids.len(), versions.len()), (100, 100));
        for bytes in [ids.bytes(), copies.bytes(), versions.bytes()] {
            assert!(bytes < 100 * 1_000, "{bytes}");
        }
        assert!((0..10).all(|at| !ids.holds(EventHash::new("ais", &at.to_string(), 0))));
        assert!(ids.holds(EventHash::new("ais", "19950", 0)));
    }
}
