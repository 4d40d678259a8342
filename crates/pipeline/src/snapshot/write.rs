//! A snapshot on its way into the topic.

use std::collections::VecDeque;
use std::hash::Hasher;

use events::Message;
use events::internal::SnapshotManifest;
use twox_hash::XxHash3_64;

use super::{Known, Place, State, format_of, key, pieces};
use crate::error::EngineError;
use crate::log::{Outgoing, Partition};

/// A snapshot that is being written.
pub struct Writing {
    home: Partition,
    number: u64,
    next_offset: i64,
    timestamp_ms: i64,
    format: u32,
    /// What is left to write. Rows are shared with the state that goes on.
    left: VecDeque<State>,
    /// What they take in memory.
    held: usize,
    pieces: u32,
    bytes: u64,
    checksum: XxHash3_64,
}

impl Writing {
    /// Begins the snapshot `number` in the partition `home`: of `state`, which stands for all partials below
    /// `next_offset`.
    pub fn new(
        home: Partition,
        number: u64,
        next_offset: i64,
        timestamp_ms: i64,
        state: Vec<State>,
    ) -> Self {
        Writing {
            home,
            number,
            next_offset,
            timestamp_ms,
            format: format_of(&state),
            held: state.iter().map(held).sum(),
            left: state.into(),
            pieces: 0,
            bytes: 0,
            checksum: XxHash3_64::new(),
        }
    }

    /// Appends pieces to `records` until they hold `bytes_max` bytes; behind the last piece the manifest. Returns the
    /// whole snapshot once it is written, with its bytes.
    pub fn write(
        &mut self,
        bytes_max: usize,
        records: &mut Vec<Outgoing>,
    ) -> Result<Option<(Known, u64)>, EngineError> {
        let end = self.bytes + bytes_max as u64;
        while self.bytes < end {
            let Some(state) = self.left.pop_front() else {
                break;
            };
            self.held = self.held.saturating_sub(held(&state));
            let mut values = Vec::new();
            pieces::encode(&state, &mut |value| values.push(value))?;
            for value in values {
                self.checksum.write(&value);
                self.bytes += value.len() as u64;
                records.push(self.record(Place::Piece(self.pieces), value));
                self.pieces += 1;
            }
        }
        if !self.left.is_empty() {
            return Ok(None);
        }
        let manifest = SnapshotManifest {
            format: self.format,
            number: self.number,
            next_offset: self.next_offset,
            pieces: self.pieces,
            checksum: self.checksum.finish(),
            bytes: self.bytes,
            ..SnapshotManifest::default()
        };
        records.push(publish(&self.home, manifest, self.timestamp_ms));
        let known = Known {
            number: self.number,
            next_offset: self.next_offset,
            pieces: self.pieces,
            stored: None,
        };
        Ok(Some((known, self.bytes)))
    }

    /// What is left to write takes so much in memory, as if it shared nothing with the state that goes on.
    pub fn bytes(&self) -> usize {
        self.held
    }

    fn record(&self, place: Place, value: Vec<u8>) -> Outgoing {
        outgoing(
            &self.home,
            key(self.number, place),
            Some(value),
            self.timestamp_ms,
        )
    }
}

/// The manifest that makes a snapshot whole.
pub fn publish(home: &Partition, manifest: SnapshotManifest, timestamp_ms: i64) -> Outgoing {
    let value = manifest.encode_to_vec();
    let key = key(manifest.number, Place::Manifest);
    outgoing(home, key, Some(value), timestamp_ms)
}

/// What a piece takes in memory. Planners' memory and progress are small.
pub fn held(state: &State) -> usize {
    match state {
        State::Rows(piece) => piece.bytes(),
        State::Progress(_) | State::Planner(..) => 0,
    }
}

/// A tombstone for one record of a snapshot that is of no use any more.
pub fn tombstone(home: &Partition, (number, place): (u64, Place), timestamp_ms: i64) -> Outgoing {
    outgoing(home, key(number, place), None, timestamp_ms)
}

fn outgoing(home: &Partition, key: Vec<u8>, value: Option<Vec<u8>>, timestamp_ms: i64) -> Outgoing {
    Outgoing {
        topic: home.topic.clone(),
        partition: Some(home.index),
        key: Some(key),
        value,
        timestamp_ms,
        headers: Vec::new(),
    }
}
