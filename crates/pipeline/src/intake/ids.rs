//! Which events have been accepted, so that an exact copy counts once.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use twox_hash::XxHash3_128;

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

/// Ids are forgotten in steps of one minute of row time.
pub(super) const BUCKET_US: i64 = 60_000_000;

/// The accepted events of one partition.
#[derive(Debug, Default)]
pub struct Ids {
    /// Copies seen so far, 1 for the first.
    copies: HashMap<EventHash, u32, BuildHasherDefault<Same>>,
    /// By source number and minute of row time.
    buckets: BTreeMap<(u16, i64), Vec<EventHash>>,
}

impl Ids {
    /// The number of copies that were seen before this one.
    pub fn seen(&mut self, id: EventHash) -> u32 {
        match self.copies.get_mut(&id) {
            Some(copies) => {
                *copies += 1;
                *copies - 1
            }
            None => 0,
        }
    }

    /// Remembers an accepted event.
    pub fn insert(&mut self, id: EventHash, source: u16, row_time_us: i64, copies: u32) {
        if self.copies.insert(id, copies).is_none() {
            let bucket = row_time_us.div_euclid(BUCKET_US);
            self.buckets.entry((source, bucket)).or_default().push(id);
        }
    }

    /// Forgets what a copy could no longer be taken for new: it would be late.
    pub fn evict(&mut self, source: u16, late_before_us: i64) {
        let last = late_before_us.div_euclid(BUCKET_US);
        while let Some((&key, _)) = self
            .buckets
            .range((source, i64::MIN)..(source, last))
            .next()
        {
            for id in self.buckets.remove(&key).unwrap_or_default() {
                self.copies.remove(&id);
            }
        }
    }

    /// What they take in memory: each is in a table of hashes, a seventh of which stands free at least, and in a list.
    pub fn bytes(&self) -> usize {
        const ENTRY_BYTES: usize = std::mem::size_of::<(EventHash, u32)>() + 1;
        self.copies.capacity() * ENTRY_BYTES * 8 / 7
            + self.copies.len() * std::mem::size_of::<EventHash>()
    }

    /// Ids remembered.
    pub fn len(&self) -> usize {
        self.copies.len()
    }

    /// True if no id is remembered.
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(ids.seen(id), 0);
        ids.insert(id, 3, 10 * BUCKET_US, 1);
        assert_eq!((ids.seen(id), ids.seen(id)), (1, 2));
        ids.evict(2, 100 * BUCKET_US);
        ids.evict(3, 10 * BUCKET_US + BUCKET_US - 1);
        assert_eq!(ids.len(), 1, "a copy in the same minute is not yet late");
        ids.evict(3, 11 * BUCKET_US);
        assert!(ids.is_empty());
    }
}
