//! What a partition of the snapshots topic holds.

use std::collections::{BTreeMap, BTreeSet};

use events::Message;
use events::internal::SnapshotManifest;
use twox_hash::XxHash3_64;

use super::{FORMAT, Known, Place, fault, parse};
use crate::depot::Stored;
use crate::error::EngineError;
use crate::log::{Batch, LogError, Partition, Source};
use crate::roster::{self, Roster};

/// Everything that is found in one partition.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Whole snapshots, the oldest first.
    pub whole: Vec<Known>,
    /// Records that belong to none of them.
    pub torn: BTreeSet<(u64, Place)>,
    /// The number of the next snapshot.
    pub next_number: u64,
    /// The values of the pieces in the topic of the newest whole snapshot that is not too new.
    pub pieces: Vec<Vec<u8>>,
    /// The queries that ran here last, if that was written down.
    pub roster: Option<Roster>,
}

impl Shelf {
    /// The newest whole snapshot that stands for no partials from `offset` on.
    pub fn newest(&self, offset: i64) -> Option<&Known> {
        let mut newest = self.whole.iter().rev();
        newest.find(|known| known.next_offset <= offset)
    }

    /// An object of this snapshot is gone or damaged: it is whole no more.
    pub fn pass_over(&mut self, number: u64) {
        self.whole.retain(|known| known.number != number);
        self.torn.insert((number, Place::Manifest));
    }
}

/// Reads the partition `home`; snapshots that stand for partials from `offset` on are of no use yet.
pub fn read(source: &mut impl Source, home: &Partition, offset: i64) -> Result<Shelf, EngineError> {
    let mut found = Found::new(offset);
    let mut failure = None;
    let read = source.replay(home, None, None, &mut |batch| {
        found.take(home, batch).map_err(|error| {
            let text = error.to_string();
            failure = Some(error);
            LogError::Fatal(text)
        })
    });
    match failure {
        Some(error) => Err(error),
        None => {
            read?;
            Ok(found.shelf())
        }
    }
}

struct Found {
    offset: i64,
    alive: BTreeSet<(u64, Place)>,
    /// Values of pieces that may still be needed, by snapshot.
    pieces: BTreeMap<u64, BTreeMap<u32, Vec<u8>>>,
    whole: BTreeMap<u64, Known>,
    last_number: u64,
    roster: Option<Roster>,
}

impl Found {
    fn new(offset: i64) -> Self {
        Found {
            offset,
            alive: BTreeSet::new(),
            pieces: BTreeMap::new(),
            whole: BTreeMap::new(),
            last_number: 0,
            roster: None,
        }
    }

    fn take(&mut self, home: &Partition, batch: &Batch) -> Result<(), EngineError> {
        for entry in batch.entries() {
            if batch.key(entry) == Some(roster::KEY) {
                self.roster = batch.value(entry).map(Roster::decode).transpose()?;
                continue;
            }
            let Some((number, place)) = batch.key(entry).and_then(parse) else {
                return Err(fault(format!(
                    "{home} offset {} is no snapshot: the topic belongs to the engine alone",
                    entry.offset
                )));
            };
            self.last_number = self.last_number.max(number);
            match (batch.value(entry), place) {
                (Some(value), Place::Piece(place)) => {
                    let pieces = self.pieces.entry(number).or_default();
                    pieces.insert(place, value.to_vec());
                }
                (Some(value), Place::Manifest) => self.complete(home, number, value)?,
                (None, Place::Piece(place)) => {
                    let pieces = self.pieces.get_mut(&number);
                    pieces.and_then(|pieces| pieces.remove(&place));
                }
                (None, Place::Manifest) => {
                    self.whole.remove(&number);
                }
            }
            match batch.value(entry) {
                Some(_) => self.alive.insert((number, place)),
                None => self.alive.remove(&(number, place)),
            };
        }
        Ok(())
    }

    /// A manifest was found: the snapshot is whole if all that it names is there.
    fn complete(&mut self, home: &Partition, number: u64, value: &[u8]) -> Result<(), EngineError> {
        let manifest = SnapshotManifest::decode(value).map_err(|error| {
            fault(format!(
                "the manifest of snapshot {number} in {home} cannot be read: {error}"
            ))
        })?;
        if !(1..=FORMAT).contains(&manifest.format) {
            return Err(fault(format!(
                "snapshot {number} in {home} has format {}, this version reads {FORMAT}",
                manifest.format
            )));
        }
        if !self.is_whole(number, &manifest) {
            tracing::warn!(%home, number, "a snapshot is torn and is passed over");
            return Ok(());
        }
        let stored = (!manifest.folder.is_empty()).then_some(Stored {
            folder: manifest.folder,
            objects: manifest.objects,
        });
        if stored.is_none() && manifest.next_offset <= self.offset {
            // No older one in the topic will be needed.
            self.pieces = self.pieces.split_off(&number);
        }
        let known = Known {
            number,
            next_offset: manifest.next_offset,
            pieces: match stored {
                Some(_) => 0,
                None => manifest.pieces,
            },
            stored,
        };
        self.whole.insert(number, known);
        Ok(())
    }

    /// Of what lies in a store this is told when it is read.
    fn is_whole(&self, number: u64, manifest: &SnapshotManifest) -> bool {
        if !manifest.folder.is_empty() {
            return true;
        }
        let Some(pieces) = self.pieces.get(&number) else {
            return false;
        };
        let mut checksum = XxHash3_64::new();
        let mut count = 0;
        for (place, value) in pieces.range(..manifest.pieces) {
            if *place != count {
                return false;
            }
            std::hash::Hasher::write(&mut checksum, value);
            count += 1;
        }
        count == manifest.pieces && std::hash::Hasher::finish(&checksum) == manifest.checksum
    }

    fn shelf(mut self) -> Shelf {
        let usable = self.whole.values().rev();
        let mut usable = usable.filter(|known| known.next_offset <= self.offset);
        let in_topic = usable.find(|known| known.stored.is_none());
        let pieces = in_topic.and_then(|known| {
            let mut pieces = self.pieces.remove(&known.number)?;
            pieces.retain(|place, _| *place < known.pieces);
            Some(pieces.into_values().collect())
        });
        let is_part = |(number, place): &(u64, Place)| {
            let known = self.whole.get(number);
            known.is_some_and(|known| match place {
                Place::Piece(place) => *place < known.pieces,
                Place::Manifest => true,
            })
        };
        self.alive.retain(|record| !is_part(record));
        Shelf {
            whole: self.whole.into_values().collect(),
            torn: self.alive,
            next_number: self.last_number + 1,
            pieces: pieces.unwrap_or_default(),
            roster: self.roster,
        }
    }
}
