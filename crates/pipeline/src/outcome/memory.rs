//! What the engine holds.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use metrics::{counter, gauge};

use super::{Tally, locked};

impl Tally {
    /// What the engine holds in this process, and may hold.
    pub fn memory(&self, bytes: usize, bytes_max: usize) {
        self.held.store(bytes as u64, Ordering::Relaxed);
        gauge!("quaystream_memory_bytes").set(bytes as f64);
        gauge!("quaystream_memory_bytes_max").set(bytes_max as f64);
    }

    /// Of that the ids of events that are not yet late.
    pub fn ids(&self, bytes: usize) {
        gauge!("quaystream_ids_bytes").set(bytes as f64);
    }

    /// What the engine held in this process when it was measured last, bytes.
    pub fn held_bytes(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// What a partition of merge holds in memory of each query and table.
    pub fn state<'a>(&self, partition: i32, holdings: impl Iterator<Item = (&'a str, usize)>) {
        let mut state = locked(&self.state);
        state.retain(|(_, at), _| *at != partition);
        for (name, bytes) in holdings {
            state.insert((name.to_owned(), partition), bytes as u64);
            let labels = [
                ("query", name.to_owned()),
                ("partition", partition.to_string()),
            ];
            gauge!("quaystream_state_bytes", &labels).set(bytes as f64);
        }
    }

    /// A partition of merge went to somebody else.
    pub fn state_gone(&self, partition: i32) {
        let mut state = locked(&self.state);
        state.retain(|(name, at), _| {
            if *at == partition {
                let labels = [
                    ("query", name.clone()),
                    ("partition", partition.to_string()),
                ];
                gauge!("quaystream_state_bytes", &labels).set(0.0);
            }
            *at != partition
        });
    }

    /// The query or table that holds most memory, with what it holds.
    pub fn largest(&self) -> Option<(String, u64)> {
        let state = locked(&self.state);
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for ((name, _), bytes) in state.iter() {
            *sums.entry(name).or_default() += bytes;
        }
        let largest = sums.into_iter().max_by_key(|(_, bytes)| *bytes);
        largest.map(|(name, bytes)| (name.to_owned(), bytes))
    }

    /// Rows went to disk.
    pub fn spilled(&self, bytes: u64) {
        let spilled = self.spilled.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.spilled_ever.fetch_add(bytes, Ordering::Relaxed);
        gauge!("quaystream_spilled_bytes").set(spilled as f64);
        counter!("quaystream_spilled_bytes_total").increment(bytes);
    }

    /// Rows on disk are let go.
    pub fn unspilled(&self, bytes: u64) {
        let before = self.spilled.fetch_sub(bytes, Ordering::Relaxed);
        gauge!("quaystream_spilled_bytes").set(before.saturating_sub(bytes) as f64);
    }

    /// Bytes of rows on disk now, and of all that were ever written there.
    pub fn spills(&self) -> (u64, u64) {
        (
            self.spilled.load(Ordering::Relaxed),
            self.spilled_ever.load(Ordering::Relaxed),
        )
    }

    /// A stage stops reading for want of memory, or goes on.
    pub fn paused(&self, stage: &'static str, is_paused: bool) {
        gauge!("quaystream_paused", "stage" => stage).set(f64::from(u8::from(is_paused)));
        if is_paused {
            self.pauses.fetch_add(1, Ordering::Relaxed);
            counter!("quaystream_pauses_total", "stage" => stage).increment(1);
        }
    }

    /// Pauses of all stages.
    pub fn pauses(&self) -> u64 {
        self.pauses.load(Ordering::Relaxed)
    }
}
