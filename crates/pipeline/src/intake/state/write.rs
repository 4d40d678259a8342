//! What a commit writes of the intake state of one partition.

use std::collections::BTreeSet;

use events::Message;
use events::internal::{
    EventCopies, EventVersions, IdRun, IntakeDelta, IntakeSlice, SourceProgress,
};

use super::FORMAT;
use super::codec;
use super::key::{Key, Kind};
use super::ledger::{Retained, Touched};
use crate::intake::ids::EventHash;
use crate::intake::partition::PartitionIntake;
use crate::intake::shelves::Place;
use crate::planted::{Bug, has};

/// Entries that a commit rewrites for each that is new: no less than the eighth of what is known over which deltas go makes
/// necessary, so that slices keep up however rows are spread over time.
const REWRITTEN_PER_ENTRY: usize = 8;

/// A record of the intake-state topic; without a value it deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRecord {
    /// Key.
    pub key: Vec<u8>,
    /// An [`IntakeDelta`].
    pub value: Option<Vec<u8>>,
}

/// What one delta says.
#[derive(Debug, Default)]
struct Piece {
    ids: Vec<IdRun>,
    copies: Option<EventCopies>,
    versions: Option<EventVersions>,
    entries: usize,
    places: BTreeSet<Touched>,
}

/// The sources that were heard, by index, and the numbers of all.
struct Heard {
    numbers: Vec<u16>,
    progress: Vec<SourceProgress>,
}

impl Heard {
    fn index(&self, number: u16) -> u32 {
        let place = self.numbers.iter().position(|heard| *heard == number);
        place.unwrap_or_default() as u32
    }
}

impl PartitionIntake {
    /// What changed since the last commit: first the slices that let old deltas go, then the new deltas, then what is deleted, so
    /// that any beginning of it is sound. Nothing if nothing changed, but for the first commit of a partition that does not begin
    /// at offset 0: where a commit gave the group an offset, the topic holds state, and an emptied topic is noticed.
    pub fn records(&mut self) -> Vec<StateRecord> {
        let has_moved = self.next_offset != self.covered_from;
        let is_first = std::mem::take(&mut self.is_unwritten) && self.next_offset > 0;
        let mut sources = self.sources.values();
        if !has_moved && !is_first && !sources.any(|source| source.is_changed) {
            return Vec::new();
        }
        let mut records = Vec::new();
        let mut dropped = self.retire(&mut records);
        for piece in self.pieces() {
            let key = self.write(piece, &mut records);
            dropped.remove(&key);
        }
        let stale = self.ledger.take_stale().into_iter();
        dropped.extend(stale.map(Key::Delta));
        let gone = std::mem::take(&mut self.ledger.gone).into_iter();
        let gone = gone.filter_map(|(kind, place)| {
            Some(Key::slice(kind, place, &self.source_name(place.source)?))
        });
        dropped.extend(gone.collect::<Vec<_>>());
        records.extend(dropped.into_iter().map(|key| StateRecord {
            key: key.bytes(&self.partition),
            value: None,
        }));
        records
    }

    fn source_name(&self, number: u16) -> Option<String> {
        let mut sources = self.sources.iter();
        let found = sources.find(|(_, source)| source.number == number);
        found.map(|(name, _)| name.clone())
    }

    /// Gives up old deltas, and writes the slices that stand for them. The keys that are free then.
    fn retire(&mut self, records: &mut Vec<StateRecord>) -> BTreeSet<Key> {
        let fresh = self.ids.fresh() + self.versions.changed();
        let mut budget = (fresh * REWRITTEN_PER_ENTRY).max(self.bounds.rewritten_entries_min);
        let mut dropped = BTreeSet::new();
        let known = self.known();
        while let Some((mut oldest, must)) = self.ledger.due(known, &self.bounds) {
            while budget > 0 || must {
                let Some(touched) = oldest.places.pop() else {
                    break;
                };
                let rewritten = self.rewrite(touched, oldest.number, records);
                budget = budget.saturating_sub(rewritten);
            }
            if !oldest.places.is_empty() {
                self.ledger.put_back(oldest);
                break;
            }
            dropped.insert(oldest.key());
        }
        dropped
    }

    /// Writes a slice, unless the topic holds it as it was after the delta `number` or a later one. How many entries it has.
    fn rewrite(
        &mut self,
        (kind, place): Touched,
        number: u64,
        records: &mut Vec<StateRecord>,
    ) -> usize {
        if has(Bug::DeltaGivenUpEarly) {
            return 0;
        }
        let through = self.ledger.last();
        let part = self.shelves(kind).find(&place);
        let Some(part) = part.filter(|part| part.is_due(number)) else {
            return 0;
        };
        let mut slice = IntakeDelta::default();
        let entries = match kind {
            Kind::Ids => {
                let ids = &part.members[..part.committed];
                slice.ids = vec![codec::run(0, place.minute, ids)];
                ids.len()
            }
            Kind::Copies => {
                let rows = self.copies.at(place);
                let rows = rows.iter().map(|(id, records)| (*id, place, *records));
                let columns = copies(rows, &|_| 0);
                let entries = columns.id_low.len();
                slice.copies = Some(columns);
                entries
            }
            Kind::Versions => {
                let columns = self.versions.at(place);
                let entries = columns.id_low.len();
                slice.versions = Some(columns);
                entries
            }
        };
        let Some(source) = self.source_name(place.source).filter(|_| entries > 0) else {
            return 0;
        };
        self.shelves(kind).part(place).is_written(through);
        let key = Key::slice(kind, place, &source);
        slice.sources = vec![SourceProgress {
            source,
            ..SourceProgress::default()
        }];
        slice.slice = Some(IntakeSlice {
            minute: place.minute,
            part: place.part,
            through,
        });
        slice.next_offset = self.covered_from;
        records.push(self.record(&key, slice));
        entries
    }

    /// What changed, in portions that fit a record; at least one.
    fn pieces(&mut self) -> Vec<Piece> {
        let heard = self.heard();
        let entries_max = self.bounds.record_entries_max.max(1);
        let fresh = self.ids.take_fresh();
        let mut pieces: Vec<Piece> = fresh
            .chunks(entries_max)
            .map(|ids| of_ids(ids, &heard))
            .collect();
        let index = |number: u16| heard.index(number);
        let versions_max = self.bounds.versions_max();
        let changed = self.copies.take_changed();
        let of_copies = changed.chunks(versions_max).map(|rows| Piece {
            entries: rows.len(),
            places: rows
                .iter()
                .map(|(_, place, _)| (Kind::Copies, *place))
                .collect(),
            copies: Some(copies(rows.iter().copied(), &index)),
            ..Piece::default()
        });
        pieces.extend(of_copies);
        let versions = self.versions.changes(versions_max, &index).into_iter();
        pieces.extend(versions.map(|(versions, places)| {
            Piece {
                entries: places.len(),
                places: places
                    .into_iter()
                    .map(|place| (Kind::Versions, place))
                    .collect(),
                versions: Some(versions),
                ..Piece::default()
            }
        }));
        together(pieces, versions_max)
    }

    fn heard(&self) -> Heard {
        let heard = self.sources.iter().filter_map(|(name, source)| {
            let progress = SourceProgress {
                source: name.clone(),
                row_time_max_us: source.row_time_max_us?,
                is_idle: source.is_idle,
                row_time_first_us: source.row_time_first_us?,
            };
            Some((source.number, progress))
        });
        let (numbers, progress) = heard.unzip();
        Heard { numbers, progress }
    }

    /// Adds a delta; its key.
    fn write(&mut self, piece: Piece, records: &mut Vec<StateRecord>) -> Key {
        let (number, slot) = self.ledger.next();
        let key = Key::Delta(slot);
        let delta = IntakeDelta {
            next_offset: self.next_offset,
            sources: self.heard().progress,
            number,
            ids: piece.ids,
            copies: piece.copies,
            versions: piece.versions,
            ..IntakeDelta::default()
        };
        records.push(self.record(&key, delta));
        self.ledger.write(Retained {
            number,
            slot: Some(slot),
            entries: piece.entries,
            // Taken from the end when they are looked at: in order then.
            places: piece.places.into_iter().rev().collect(),
        });
        key
    }

    fn record(&self, key: &Key, delta: IntakeDelta) -> StateRecord {
        let delta = IntakeDelta {
            format: FORMAT,
            topic: self.partition.topic.to_string(),
            partition: self.partition.index,
            ..delta
        };
        StateRecord {
            key: key.bytes(&self.partition),
            value: Some(delta.encode_to_vec()),
        }
    }
}

/// Ids in the order of their places.
fn of_ids(ids: &[(Place, EventHash)], heard: &Heard) -> Piece {
    let mut piece = Piece {
        entries: ids.len(),
        ..Piece::default()
    };
    let minutes = ids.chunk_by(|(left, _), (right, _)| {
        (left.source, left.minute) == (right.source, right.minute)
    });
    for run in minutes {
        let (place, _) = run[0];
        let ids: Vec<EventHash> = run.iter().map(|(_, id)| *id).collect();
        piece
            .ids
            .push(codec::run(heard.index(place.source), place.minute, &ids));
        piece
            .places
            .extend(run.iter().map(|(place, _)| (Kind::Ids, *place)));
    }
    piece
}

fn copies(
    rows: impl Iterator<Item = (EventHash, Place, u32)>,
    index: &dyn Fn(u16) -> u32,
) -> EventCopies {
    let mut columns = EventCopies::default();
    for (id, place, records) in rows {
        columns.id_high.push((id.0 >> 64) as u64);
        columns.id_low.push(id.0 as u64);
        columns.source.push(index(place.source));
        columns.minute.push(place.minute);
        columns.copies.push(records);
    }
    columns
}

/// Few entries of several kinds go into one delta; one is there also if nothing but the sources' progress is news.
fn together(pieces: Vec<Piece>, entries_max: usize) -> Vec<Piece> {
    let entries: usize = pieces.iter().map(|piece| piece.entries).sum();
    if pieces.len() > 1 && entries > entries_max {
        return pieces;
    }
    let mut whole = Piece::default();
    for piece in pieces {
        whole.ids.extend(piece.ids);
        whole.copies = whole.copies.or(piece.copies);
        whole.versions = whole.versions.or(piece.versions);
        whole.entries += piece.entries;
        whole.places.extend(piece.places);
    }
    vec![whole]
}
