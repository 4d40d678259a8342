//! What the topic holds of an input partition, and the intake that it stands for.

use std::collections::{BTreeMap, BTreeSet};

use events::Message;
use events::internal::{IntakeDelta, SourceProgress};

use super::key::{Key, Kind};
use super::ledger::{Retained, Touched};
use super::{FORMAT, codec};
use crate::intake::ids::EventHash;
use crate::intake::partition::{PartitionIntake, SourceRules};
use crate::intake::shelves::{Place, minute};
use crate::log::Partition;
use crate::planted::{Bug, has};

/// Gathers the records of one input partition, in the order of the log.
#[derive(Debug)]
pub struct Takeover {
    partition: Partition,
    /// The group has committed that it was read up to here.
    offset: i64,
    /// With that, state was written.
    is_written: bool,
    /// By slot.
    deltas: BTreeMap<u32, IntakeDelta>,
    /// Encoded: there may be many.
    slices: BTreeMap<(Kind, i64, u32, String), Vec<u8>>,
    /// Deltas before format 3.
    old: Vec<IntakeDelta>,
}

impl Takeover {
    /// Nothing yet, of a partition that was read up to `offset`; `is_written` if a commit of the engine says so, which has
    /// written state along.
    pub fn new(partition: Partition, offset: i64, is_written: bool) -> Self {
        Takeover {
            partition,
            offset,
            is_written,
            deltas: BTreeMap::new(),
            slices: BTreeMap::new(),
            old: Vec::new(),
        }
    }

    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Takes a record of the topic, of whichever input partition.
    pub fn take(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        match (Key::read(key, &self.partition), value) {
            (None, _) => {}
            (Some(Key::Old), None) => self.old.clear(),
            (Some(Key::Old), Some(value)) => self.old.push(self.decode(value)?),
            (Some(Key::Delta(slot)), None) => {
                self.deltas.remove(&slot);
            }
            (Some(Key::Delta(slot)), Some(value)) => {
                let delta = self.decode(value)?;
                self.deltas.insert(slot, delta);
            }
            (Some(Key::Slice(kind, minute, part, source)), value) => {
                let key = (kind, minute, part, source);
                match value {
                    Some(value) => self.slices.insert(key, value.to_vec()),
                    None => self.slices.remove(&key),
                };
            }
        }
        Ok(())
    }

    fn decode(&self, value: &[u8]) -> Result<IntakeDelta, String> {
        let delta = IntakeDelta::decode(value).map_err(|error| {
            format!("is not intake state: {error}; the topic belongs to the engine alone")
        })?;
        match (1..=FORMAT).contains(&delta.format) {
            true => Ok(delta),
            false => Err(format!(
                "intake state of {} has format {}, this version reads {FORMAT}: drain the topic with the version that wrote it",
                self.partition, delta.format
            )),
        }
    }

    /// How far the partition was read when the newest of what is here was committed; none if there is nothing.
    pub fn reaches(&self) -> Option<i64> {
        let all = self.deltas.values().chain(&self.old);
        all.map(|delta| delta.next_offset).max()
    }

    /// False if the group has committed more than what is here: then a commit's end has not yet reached the topic.
    pub fn is_whole(&self) -> bool {
        match self.reaches() {
            Some(reaches) => reaches >= self.offset,
            None => !self.is_written,
        }
    }

    /// Deltas and slices.
    pub fn sizes(&self) -> (usize, usize) {
        (self.deltas.len() + self.old.len(), self.slices.len())
    }

    /// Puts what was gathered into an intake that knows nothing yet but its sources.
    ///
    /// Ids keep the parts that the topic has them in: slices first, then what only deltas know. Of versions the newest
    /// counts: old deltas, slices, deltas. How far the sources have come is learnt before ids: those that are late may have been
    /// accepted once more since, at another time.
    pub fn rebuild(
        mut self,
        intake: &mut PartitionIntake,
        rules: &dyn Fn(&str) -> SourceRules,
    ) -> Result<(), String> {
        let offset = self.offset;
        intake.is_unwritten = self.reaches().is_none();
        self.old.retain(|delta| delta.next_offset <= offset);
        let mut old_places = BTreeSet::new();
        for delta in &self.old {
            let numbers = learn(intake, delta, rules, true);
            old_copies(intake, delta, &numbers, &mut old_places);
            versions(intake, delta, &numbers, &mut old_places)?;
        }
        slices(intake, std::mem::take(&mut self.slices), rules)?;
        let mut by_number: Vec<(u32, IntakeDelta)> = self.deltas.into_iter().collect();
        by_number.sort_by_key(|(_, delta)| delta.number);
        for (_, delta) in &by_number {
            if delta.next_offset <= offset {
                learn(intake, delta, rules, true);
            }
        }
        for delta in &self.old {
            let numbers = learn(intake, delta, rules, false);
            old_ids(intake, delta, &numbers, &mut old_places);
        }
        if !self.old.is_empty() {
            retain(intake, 0, None, 0, old_places);
        }
        for (slot, delta) in &by_number {
            match delta.next_offset <= offset {
                true => apply(intake, *slot, delta, rules)?,
                false => intake.ledger.add_stale(*slot),
            }
        }
        for (_, part) in intake.ids.shelves().all() {
            part.committed = part.members.len();
        }
        intake.evict_all();
        Ok(())
    }
}

/// Takes the sources of a record in; their numbers by index.
fn learn(
    intake: &mut PartitionIntake,
    delta: &IntakeDelta,
    rules: &dyn Fn(&str) -> SourceRules,
    has_progress: bool,
) -> Vec<u16> {
    let is_known = has_progress && !has(Bug::FrontierLostOnTakeover);
    let learn = |progress: &SourceProgress| {
        let state = intake.source(&progress.source, || rules(&progress.source));
        if is_known {
            state.row_time_max_us = Some(progress.row_time_max_us);
            state.row_time_first_us = Some(progress.row_time_first_us);
            state.is_idle = progress.is_idle;
        }
        state.number
    };
    delta.sources.iter().map(learn).collect()
}

fn number_of(numbers: &[u16], index: u32) -> u16 {
    numbers.get(index as usize).copied().unwrap_or_default()
}

/// Rows of ids of a delta before format 3: id, number of the source, row time, records seen.
fn old_rows<'a>(
    delta: &'a IntakeDelta,
    numbers: &'a [u16],
) -> impl Iterator<Item = (EventHash, u16, i64, u32)> + 'a {
    let hashes = delta.id_high.iter().zip(&delta.id_low);
    let times = delta.id_row_time_us.iter().zip(&delta.id_copies);
    let rows = hashes.zip(times).zip(&delta.id_source);
    rows.map(|(((high, low), (time_us, records)), source)| {
        let id = EventHash(u128::from(*high) << 64 | u128::from(*low));
        (id, number_of(numbers, *source), *time_us, *records)
    })
}

fn old_ids(
    intake: &mut PartitionIntake,
    delta: &IntakeDelta,
    numbers: &[u16],
    places: &mut BTreeSet<Touched>,
) {
    let part_max = intake.bounds.record_entries_max;
    for (id, source, time_us, _) in old_rows(delta, numbers) {
        if !intake.is_late(source, minute(time_us)) {
            let place = intake.ids.shelve(id, source, minute(time_us), part_max);
            places.extend(place.map(|place| (Kind::Ids, place)));
        }
    }
}

fn old_copies(
    intake: &mut PartitionIntake,
    delta: &IntakeDelta,
    numbers: &[u16],
    places: &mut BTreeSet<Touched>,
) {
    let part_max = intake.bounds.record_entries_max;
    for (id, source, time_us, records) in old_rows(delta, numbers) {
        if records > 1 {
            let copies = &mut intake.copies;
            let place = copies.set(id, records, source, minute(time_us), part_max);
            places.insert((Kind::Copies, place));
        }
    }
}

fn versions(
    intake: &mut PartitionIntake,
    delta: &IntakeDelta,
    numbers: &[u16],
    places: &mut BTreeSet<Touched>,
) -> Result<(), String> {
    let Some(columns) = &delta.versions else {
        return Ok(());
    };
    let number = |index: u32| number_of(numbers, index);
    let touched = intake.versions.restore(columns, None, &number)?;
    places.extend(touched.into_iter().map(|place| (Kind::Versions, place)));
    Ok(())
}

fn slices(
    intake: &mut PartitionIntake,
    slices: BTreeMap<(Kind, i64, u32, String), Vec<u8>>,
    rules: &dyn Fn(&str) -> SourceRules,
) -> Result<(), String> {
    // An id takes 15 bytes at least.
    let bytes = slices.iter().filter(|((kind, ..), _)| *kind == Kind::Ids);
    intake
        .ids
        .reserve(bytes.map(|(_, value)| value.len() / 15).sum());
    for ((kind, minute, part, name), value) in slices {
        let slice = IntakeDelta::decode(value.as_slice())
            .map_err(|error| format!("a slice of minute {minute} cannot be read: {error}"))?;
        drop(value);
        let source = intake.source(&name, || rules(&name)).number;
        let place = Place {
            source,
            minute,
            part,
        };
        let through = slice.slice.as_ref().map_or(0, |slice| slice.through);
        match kind {
            Kind::Ids => {
                for run in &slice.ids {
                    intake.ids.restore(place, run, through)?;
                }
            }
            Kind::Copies => {
                let columns = slice.copies.unwrap_or_default();
                let rows = codec::rows(&columns)?;
                let rows = rows.map(|(id, _, _, records)| (id, records));
                intake.copies.restore(place, rows, through);
            }
            Kind::Versions => {
                let columns = slice.versions.unwrap_or_default();
                let slice = Some((place, through));
                intake.versions.restore(&columns, slice, &|_| source)?;
            }
        }
    }
    Ok(())
}

/// A delta of this format.
fn apply(
    intake: &mut PartitionIntake,
    slot: u32,
    delta: &IntakeDelta,
    rules: &dyn Fn(&str) -> SourceRules,
) -> Result<(), String> {
    let numbers = learn(intake, delta, rules, false);
    let part_max = intake.bounds.record_entries_max;
    let mut places = BTreeSet::new();
    let mut entries = 0;
    for run in &delta.ids {
        let source = number_of(&numbers, run.source);
        entries += codec::count(run);
        if intake.is_late(source, run.minute) {
            continue;
        }
        codec::visit(run, |id| {
            let place = intake.ids.shelve(id, source, run.minute, part_max);
            places.extend(place.map(|place| (Kind::Ids, place)));
        })?;
    }
    if let Some(columns) = &delta.copies {
        for (id, source, minute, records) in codec::rows(columns)? {
            let source = number_of(&numbers, source);
            entries += 1;
            if !intake.is_late(source, minute) {
                let copies = &mut intake.copies;
                let place = copies.set(id, records, source, minute, part_max);
                places.insert((Kind::Copies, place));
            }
        }
    }
    versions(intake, delta, &numbers, &mut places)?;
    entries += delta.versions.as_ref().map_or(0, |it| it.id_low.len());
    retain(intake, delta.number, Some(slot), entries, places);
    Ok(())
}

/// Notes a delta that the topic holds. What lies at its places may lie elsewhere than where its writer had it, so that a slice
/// of that place need not hold it.
fn retain(
    intake: &mut PartitionIntake,
    number: u64,
    slot: Option<u32>,
    entries: usize,
    places: BTreeSet<Touched>,
) {
    for (kind, place) in &places {
        if let Some(part) = intake.shelves(*kind).find(place) {
            part.is_short = true;
        }
    }
    intake.ledger.add(Retained {
        number,
        slot,
        entries,
        places: places.into_iter().rev().collect(),
    });
}
