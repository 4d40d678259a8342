//! Identifiers that differ from start to start: topic ids, the cluster id, member ids.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Makes identifiers that do not repeat, within a run or between runs.
#[derive(Debug, Default)]
pub(crate) struct Identifiers {
    seed: RandomState,
    next: AtomicU64,
}

impl Identifiers {
    /// A new identifier in the form of a version 4 UUID.
    pub(crate) fn next(&self) -> Uuid {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let high = self.hash(number, 1);
        let low = self.hash(number, 2);
        let version = (high & !0xf000) | 0x4000;
        let variant = (low & !(0b11 << 62)) | (0b10 << 62);
        Uuid::from_u64_pair(version, variant)
    }

    fn hash(&self, number: u64, half: u8) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(number);
        hasher.write_u8(half);
        hasher.finish()
    }
}
