//! When merge's snapshots are taken, written and thrown away, for one partition.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::error::EngineError;
use crate::log::{Outgoing, Partition};
use crate::merge::Merge;
use crate::settings::SnapshotSettings;
use crate::snapshot::read::Shelf;
use crate::snapshot::write::{Writing, tombstone};
use crate::snapshot::{KEPT, Known, Place};

/// The snapshots of one partition of merge.
pub(super) struct Snapshots {
    home: Partition,
    kept: Vec<Known>,
    torn: BTreeSet<(u64, Place)>,
    next_number: u64,
    /// When the last one was taken, or this partition.
    taken_at: Duration,
    /// The same of the last one that is whole.
    whole_at: Duration,
    writing: Option<Writing>,
}

/// A snapshot that becomes whole with a commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished {
    /// Bytes of its pieces.
    pub bytes: u64,
    /// When it was taken, on the clock of the worker.
    pub taken_at: Duration,
    /// Nothing below this offset is needed to start again.
    pub needed_from: Option<i64>,
}

impl Snapshots {
    /// What the partition `home` holds; `now` on the clock of the worker.
    pub fn new(home: Partition, shelf: &mut Shelf, now: Duration) -> Self {
        Snapshots {
            home,
            kept: std::mem::take(&mut shelf.whole),
            torn: std::mem::take(&mut shelf.torn),
            next_number: shelf.next_number,
            taken_at: now,
            whole_at: now,
            writing: None,
        }
    }

    /// How old the newest whole one is; since this partition was taken, if none was written yet.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.whole_at)
    }

    /// Appends what the next commit is to hold: pieces of the snapshot that is being written, or of a new one if it is
    /// time. `merge` is as it will be committed.
    pub fn write(
        &mut self,
        merge: &Merge,
        settings: &SnapshotSettings,
        now: Duration,
        records: &mut Vec<Outgoing>,
    ) -> Result<Option<Finished>, EngineError> {
        let is_due = !settings.interval.is_zero()
            && now.saturating_sub(self.taken_at) >= settings.interval
            && self.last_offset() != Some(merge.next_offset());
        if self.writing.is_none() && is_due {
            self.writing = Some(Writing::new(
                self.home.clone(),
                self.next_number,
                merge.next_offset(),
                merge.timestamp_ms(),
                merge.save()?,
            ));
            self.next_number += 1;
            self.taken_at = now;
        }
        let Some(writing) = &mut self.writing else {
            return Ok(None);
        };
        let Some((known, bytes)) = writing.write(settings.commit_bytes_max, records)? else {
            return Ok(None);
        };
        self.writing = None;
        self.whole_at = self.taken_at;
        self.kept.push(known);
        self.throw_away(merge.timestamp_ms(), records);
        Ok(Some(Finished {
            bytes,
            taken_at: self.taken_at,
            needed_from: (self.kept.len() == KEPT)
                .then(|| self.kept.iter().map(|known| known.next_offset).min())
                .flatten(),
        }))
    }

    fn last_offset(&self) -> Option<i64> {
        self.kept.last().map(|known| known.next_offset)
    }

    /// Tombstones for all that is not of the newest snapshots.
    fn throw_away(&mut self, timestamp_ms: i64, records: &mut Vec<Outgoing>) {
        let old = self.kept.len().saturating_sub(KEPT);
        for known in self.kept.drain(..old) {
            let places = (0..known.pieces).map(|place| (known.number, Place::Piece(place)));
            self.torn.extend(places);
            self.torn.insert((known.number, Place::Manifest));
        }
        for record in std::mem::take(&mut self.torn) {
            records.push(tombstone(&self.home, record, timestamp_ms));
        }
    }
}
