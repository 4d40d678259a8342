//! When merge's snapshots are taken, written and thrown away, for one partition.

use std::collections::BTreeSet;
use std::time::Duration;

use events::internal::SnapshotManifest;

use super::sending::Sending;
use crate::depot::beside::Beside;
use crate::depot::sweep::sweep;
use crate::depot::upload::Upload;
use crate::depot::{Depot, StoreError};
use crate::error::EngineError;
use crate::log::{Outgoing, Partition};
use crate::merge::Merge;
use crate::planted::{Bug, has};
use crate::settings::SnapshotSettings;
use crate::snapshot::read::Shelf;
use crate::snapshot::write::{Writing, held, publish, tombstone};
use crate::snapshot::{KEPT, Known, Place, format_of};

/// The snapshots of one partition of merge.
pub(super) struct Snapshots {
    home: Partition,
    depot: Option<Depot>,
    kept: Vec<Known>,
    torn: BTreeSet<(u64, Place)>,
    next_number: u64,
    /// When the last one was taken, or this partition.
    taken_at: Duration,
    /// The same of the last one that is whole.
    whole_at: Duration,
    /// The state is another than the last one's, though no record came.
    is_wanted: bool,
    on_the_way: Option<OnTheWay>,
    sweeping: Option<Beside<Result<usize, StoreError>>>,
}

/// A snapshot that is being written.
enum OnTheWay {
    Topic(Writing),
    Store {
        number: u64,
        next_offset: i64,
        format: u32,
        sending: Sending,
        /// What it took in memory when it was taken.
        held: usize,
    },
}

/// A snapshot that becomes whole with a commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished {
    /// They are numbered as they are taken.
    pub number: u64,
    /// Bytes of its pieces.
    pub bytes: u64,
    /// When it was taken, on the clock of the worker.
    pub taken_at: Duration,
    /// Nothing below this offset is needed to start again.
    pub needed_from: Option<i64>,
}

impl Snapshots {
    /// What the partition `home` holds; `now` on the clock of the worker. New ones go to the depot, if there is one.
    pub fn new(home: Partition, depot: Option<Depot>, shelf: Shelf, now: Duration) -> Self {
        Snapshots {
            home,
            depot,
            kept: shelf.whole,
            torn: shelf.torn,
            next_number: shelf.next_number,
            taken_at: now,
            whole_at: now,
            is_wanted: false,
            on_the_way: None,
            sweeping: None,
        }
    }

    /// What the one that is being written takes in memory.
    pub fn bytes(&self) -> usize {
        match &self.on_the_way {
            None => 0,
            Some(OnTheWay::Topic(writing)) => writing.bytes(),
            Some(OnTheWay::Store { held, .. }) => *held,
        }
    }

    /// The state has changed without a record: the next snapshot is taken even if none comes. Its number.
    pub fn want(&mut self) -> u64 {
        self.is_wanted = true;
        self.next_number
    }

    /// How old the newest whole one is; since this partition was taken, if none was written yet.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.whole_at)
    }

    /// Takes a new one if it is time and `merge` is where one may be taken. To be asked wherever it may be: between two commits
    /// of fold need not be where a fetch ends.
    pub fn begin_if_due(
        &mut self,
        merge: &Merge,
        settings: &SnapshotSettings,
        now: Duration,
    ) -> Result<(), EngineError> {
        let is_due = self.on_the_way.is_none()
            && !settings.interval.is_zero()
            && now.saturating_sub(self.taken_at) >= settings.interval
            && (self.is_wanted || self.last_offset() != Some(merge.next_offset()))
            && merge.may_be_saved();
        match is_due {
            true => self.begin(merge, settings, now),
            false => Ok(()),
        }
    }

    /// Appends what the next commit is to hold: pieces of the snapshot that is being written, or of a new one if it is
    /// time; of one that lies in the store its manifest alone. `merge` is as it will be committed.
    pub fn write(
        &mut self,
        merge: &Merge,
        settings: &SnapshotSettings,
        now: Duration,
        records: &mut Vec<Outgoing>,
    ) -> Result<Option<Finished>, EngineError> {
        self.look_at_sweeping();
        self.begin_if_due(merge, settings, now)?;
        let written = match &mut self.on_the_way {
            None => None,
            Some(OnTheWay::Topic(writing)) => writing.write(settings.commit_bytes_max, records)?,
            Some(OnTheWay::Store {
                number,
                next_offset,
                format,
                sending,
                ..
            }) => {
                let (number, next_offset, format) = (*number, *next_offset, *format);
                sending.poll(now)?.map(|upload| {
                    let (manifest, known) = manifest(number, next_offset, &upload);
                    let manifest = SnapshotManifest { format, ..manifest };
                    let bytes = manifest.bytes;
                    records.push(publish(&self.home, manifest, merge.timestamp_ms()));
                    (known, bytes)
                })
            }
        };
        let Some((known, bytes)) = written else {
            return Ok(None);
        };
        self.on_the_way = None;
        self.whole_at = self.taken_at;
        let number = known.number;
        self.kept.push(known);
        self.throw_away(merge.timestamp_ms(), records);
        Ok(Some(Finished {
            number,
            bytes,
            taken_at: self.taken_at,
            needed_from: (self.kept.len() == KEPT)
                .then(|| self.kept.iter().map(|known| known.next_offset).min())
                .flatten(),
        }))
    }

    fn begin(
        &mut self,
        merge: &Merge,
        settings: &SnapshotSettings,
        now: Duration,
    ) -> Result<(), EngineError> {
        let number = self.next_number;
        let next_offset = match has(Bug::SnapshotOneOff) {
            true if number.is_multiple_of(2) => merge.next_offset() + 1,
            true => merge.next_offset() - 1,
            false => merge.next_offset(),
        };
        let state = merge.save()?;
        self.on_the_way = Some(match &self.depot {
            None => OnTheWay::Topic(Writing::new(
                self.home.clone(),
                number,
                next_offset,
                merge.timestamp_ms(),
                state,
            )),
            Some(depot) => {
                let folder = depot.new_folder(&self.home, number);
                let held = state.iter().map(held).sum();
                let format = format_of(&state);
                let upload = Upload::new(folder, state, settings.object_bytes);
                OnTheWay::Store {
                    number,
                    next_offset,
                    format,
                    sending: Sending::new(depot.clone(), upload),
                    held,
                }
            }
        });
        self.next_number += 1;
        self.is_wanted = false;
        self.taken_at = now;
        Ok(())
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

    /// The manifest of the newest snapshot is committed: what is older and not kept leaves the store.
    pub fn committed(&mut self) {
        let (Some(depot), Some(newest)) = (&self.depot, self.kept.last()) else {
            return;
        };
        if self.sweeping.is_some() {
            return;
        }
        let (store, home, number) = (depot.store.clone(), self.home.clone(), newest.number);
        let kept = self.kept.iter().filter_map(|known| known.stored.as_ref());
        let kept: Vec<String> = kept.map(|stored| stored.folder.clone()).collect();
        let work = move || sweep(store.as_ref(), &home, number, &kept);
        match Beside::begin("sweep", depot.is_threaded, work) {
            Ok(sweeping) => self.sweeping = Some(sweeping),
            Err(error) => tracing::warn!(%error, "no thread to sweep old snapshots away"),
        }
    }

    fn look_at_sweeping(&mut self) {
        let ended = self.sweeping.take_if(|sweeping| sweeping.has_ended());
        match ended.and_then(Beside::end) {
            None | Some(Ok(0)) => {}
            Some(Ok(objects)) => {
                tracing::debug!(home = %self.home, objects, "old snapshots swept away");
            }
            Some(Err(error)) => {
                tracing::warn!(home = %self.home, %error, "old snapshots stay in the store; it is tried again with the next one");
            }
        }
    }
}

fn manifest(number: u64, next_offset: i64, upload: &Upload) -> (SnapshotManifest, Known) {
    let (stored, (pieces, bytes)) = (upload.stored(), upload.size());
    let manifest = SnapshotManifest {
        number,
        next_offset,
        pieces,
        bytes,
        folder: stored.folder.clone(),
        objects: stored.objects.clone(),
        ..SnapshotManifest::default()
    };
    let known = Known {
        number,
        next_offset,
        pieces: 0,
        stored: Some(stored.clone()),
    };
    (manifest, known)
}
