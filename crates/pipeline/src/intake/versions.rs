//! Events whose source may correct and retract them: the newest version known of each, and which version counts.
//!
//! A version is named by its record time, a retraction being newer than a version of the same instant. An event is known
//! until none of its versions could come in time any more. What counts can be taken back as long as its row would not be
//! late: then no window that holds it is final, and its row still waits in merge.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use events::internal::{EventStanding, EventVersions};

use super::ids::{EventHash, Same, spare};
use super::shelves::{Place, Shelves, held, minute};
use crate::planted::{Bug, has};

/// A version of an event as it comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming {
    /// Of source and event id; see [`event_hash`].
    pub event: EventHash,
    /// Number of the source.
    pub source: u16,
    /// When the source wrote it.
    pub record_time_us: i64,
    /// Time of its row.
    pub row_time_us: i64,
    /// Of its record.
    pub offset: i64,
    /// It takes the event back.
    pub is_retracted: bool,
}

/// The hash of an event, whatever its version.
pub fn event_hash(source: &str, event_id: &str) -> EventHash {
    EventHash::new(source, event_id, 0)
}

/// A version that counted and does so no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Former {
    /// Of its record.
    pub offset: i64,
    /// Time of its row.
    pub row_time_us: i64,
}

/// What becomes of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts, in place of the former version if there is one that can be taken back.
    Counts(Option<Former>),
    /// The event does not count any more; neither will older versions that come later.
    Retracts(Option<Former>),
    /// An exact copy of the newest version; so many were seen before.
    Copy {
        /// Copies seen before this one.
        before: u32,
    },
    /// A newer version is known.
    Superseded,
    /// It came too late. What was known stays.
    Late,
}

/// The newest version of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Newest {
    source: u16,
    record_time_us: i64,
    row_time_us: i64,
    known_until_us: i64,
    offset: i64,
    copies: u32,
    is_retracted: bool,
    /// Where it lies: at a minute in which it is still known.
    place: Place,
}

/// The events of one partition.
#[derive(Debug, Default)]
pub struct Versions {
    newest: HashMap<EventHash, Newest, BuildHasherDefault<Same>>,
    /// By source number and a minute in which the event is still known.
    shelves: Shelves,
    /// Most that lie in one place.
    part_max: usize,
    /// Changed since the last commit.
    changed: BTreeSet<EventHash>,
    /// Numbers of the sources that have versions here.
    sources: BTreeSet<u16>,
}

impl Versions {
    /// None yet; so many lie in one place at most.
    pub fn new(part_max: usize) -> Self {
        Versions {
            part_max,
            ..Versions::default()
        }
    }

    /// Decides on a version and remembers it. Rows before `limit_us` are late.
    pub fn decide(&mut self, incoming: &Incoming, limit_us: Option<i64>) -> Verdict {
        let is_late = |time_us: i64| limit_us.is_some_and(|limit_us| time_us < limit_us);
        let known = self.newest.get_mut(&incoming.event);
        let known = known.filter(|newest| !is_late(newest.known_until_us));
        let mut former = None;
        let mut known_until_us = incoming.row_time_us;
        if let Some(newest) = known {
            let theirs = (incoming.record_time_us, incoming.is_retracted);
            let ours = (newest.record_time_us, newest.is_retracted);
            let is_applied_again = incoming.is_retracted && has(Bug::RetractionAppliedTwice);
            if theirs == ours {
                newest.copies += 1;
                self.changed.insert(incoming.event);
                return Verdict::Copy {
                    before: newest.copies - 1,
                };
            }
            if theirs < ours && !is_applied_again {
                return Verdict::Superseded;
            }
            let counts = !newest.is_retracted && !is_late(newest.row_time_us);
            former = counts.then_some(Former {
                offset: newest.offset,
                row_time_us: newest.row_time_us,
            });
            known_until_us = known_until_us.max(newest.known_until_us);
        }
        if is_late(incoming.row_time_us) {
            return Verdict::Late;
        }
        let newest = Newest {
            source: incoming.source,
            record_time_us: incoming.record_time_us,
            row_time_us: incoming.row_time_us,
            known_until_us,
            offset: incoming.offset,
            copies: 1,
            is_retracted: incoming.is_retracted,
            place: Place::default(),
        };
        self.put(incoming.event, newest);
        self.changed.insert(incoming.event);
        match incoming.is_retracted {
            true => Verdict::Retracts(former),
            false => Verdict::Counts(former),
        }
    }

    /// What is known of an event from now on; where that lies.
    fn put(&mut self, event: EventHash, mut newest: Newest) -> Place {
        self.sources.insert(newest.source);
        newest.place = match self.newest.get(&event) {
            Some(known) => known.place,
            None => self.shelve(event, &newest),
        };
        self.newest.insert(event, newest);
        newest.place
    }

    /// True if some event of a source was ever remembered.
    pub fn may_hold(&self, source: u16) -> bool {
        self.sources.contains(&source)
    }

    /// True if this is a copy of the newest version of its event.
    pub fn holds(&self, incoming: &Incoming) -> bool {
        let newest = self.newest.get(&incoming.event);
        newest.is_some_and(|newest| newest.record_time_us == incoming.record_time_us)
    }

    fn shelve(&mut self, event: EventHash, newest: &Newest) -> Place {
        let minute = minute(newest.known_until_us);
        let part_max = self.part_max.max(1);
        self.shelves.put(newest.source, minute, event, part_max)
    }

    /// Forgets events of which no version could come in time. The places that the topic held go to `gone`.
    pub fn evict(&mut self, source: u16, late_before_us: i64, gone: &mut Vec<Place>) {
        let last = minute(late_before_us);
        while let Some((first, parts)) = self.shelves.take_before(source, last) {
            gone.extend(held(first, &parts));
            for event in parts.into_iter().flat_map(|part| part.members) {
                let newest = self.newest.get(&event).copied();
                let is_here = |newest: &Newest| {
                    (newest.place.source, newest.place.minute) == (first.source, first.minute)
                };
                let Some(mut newest) = newest.filter(is_here) else {
                    continue;
                };
                if minute(newest.known_until_us) < last {
                    self.newest.remove(&event);
                } else {
                    // A version of a later time has come since; the topic is to hold it elsewhere.
                    newest.place = self.shelve(event, &newest);
                    self.newest.insert(event, newest);
                    self.changed.insert(event);
                }
            }
        }
        if let Some(capacity) = spare(self.newest.capacity(), self.newest.len()) {
            self.newest.shrink_to(capacity);
        }
    }

    /// The events that changed since the last time, as they stand, in portions of at most `events_max`, with their places.
    /// `index` gives the index of a source.
    pub fn changes(
        &mut self,
        events_max: usize,
        index: &dyn Fn(u16) -> u32,
    ) -> Vec<(EventVersions, Vec<Place>)> {
        let changed = std::mem::take(&mut self.changed);
        let known = changed
            .into_iter()
            .filter_map(|event| Some((event, *self.newest.get(&event)?)));
        let known: Vec<(EventHash, Newest)> = known.collect();
        let portions = known.chunks(events_max.max(1));
        let portions = portions.map(|portion| {
            let places = portion.iter().map(|(_, newest)| newest.place);
            (columns(portion, index), places.collect())
        });
        portions.collect()
    }

    /// How many changed since the last commit.
    pub fn changed(&self) -> usize {
        self.changed.len()
    }

    /// What stands at a place, but for what changed since the last commit.
    pub fn at(&mut self, place: Place) -> EventVersions {
        let members = self.shelves.find(&place).map(|part| &part.members);
        let known = members.into_iter().flatten().filter_map(|event| {
            let newest = self.newest.get(event)?;
            let is_meant = newest.place == place && !self.changed.contains(event);
            is_meant.then_some((*event, *newest))
        });
        columns(&known.collect::<Vec<_>>(), &|_| 0)
    }

    /// The shelves on which they lie.
    pub fn shelves(&mut self) -> &mut Shelves {
        &mut self.shelves
    }

    /// Takes back what [`Self::changes`] gave, or what the topic holds of a place and through which delta. `number` gives
    /// the source of an index. Returns where the events lie.
    pub fn restore(
        &mut self,
        columns: &EventVersions,
        slice: Option<(Place, u64)>,
        number: &dyn Fn(u32) -> u16,
    ) -> Result<Vec<Place>, String> {
        let rows = columns.id_high.len();
        let lengths = [
            columns.id_low.len(),
            columns.source.len(),
            columns.record_time_us.len(),
            columns.row_time_us.len(),
            columns.known_until_us.len(),
            columns.offset.len(),
            columns.copies.len(),
            columns.standing.len(),
        ];
        if lengths.iter().any(|length| *length != rows) {
            return Err("the columns of event versions are not of one length".to_owned());
        }
        let mut places = Vec::with_capacity(rows);
        if let Some((place, through)) = slice {
            self.shelves.part(place).through = Some(through);
        }
        for row in 0..rows {
            let high = u128::from(columns.id_high[row]) << 64;
            let event = EventHash(high | u128::from(columns.id_low[row]));
            let newest = Newest {
                source: number(columns.source[row]),
                record_time_us: columns.record_time_us[row],
                row_time_us: columns.row_time_us[row],
                known_until_us: columns.known_until_us[row],
                offset: columns.offset[row],
                copies: columns.copies[row],
                is_retracted: columns.standing[row] == i32::from(EventStanding::Retracted),
                place: slice.map_or_else(Place::default, |(place, _)| place),
            };
            let Some((place, _)) = slice else {
                places.push(self.put(event, newest));
                continue;
            };
            // It may stand elsewhere from before; this place counts.
            self.sources.insert(newest.source);
            self.newest.insert(event, newest);
            self.shelves.part(place).members.push(event);
        }
        Ok(places)
    }

    /// Events remembered.
    pub fn len(&self) -> usize {
        self.newest.len()
    }

    /// True if no event is remembered.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    /// What they take in memory: each is in a table, an eighth of which stands free at least, and in a list.
    pub fn bytes(&self) -> usize {
        const ENTRY_BYTES: usize = std::mem::size_of::<(EventHash, Newest)>() + 1;
        self.newest.capacity() * ENTRY_BYTES * 8 / 7
            + self.newest.len() * std::mem::size_of::<EventHash>()
    }
}

/// Events as columns.
fn columns(events: &[(EventHash, Newest)], index: &dyn Fn(u16) -> u32) -> EventVersions {
    let mut columns = EventVersions::default();
    for (event, newest) in events {
        columns.id_high.push((event.0 >> 64) as u64);
        columns.id_low.push(event.0 as u64);
        columns.source.push(index(newest.source));
        columns.record_time_us.push(newest.record_time_us);
        columns.row_time_us.push(newest.row_time_us);
        columns.known_until_us.push(newest.known_until_us);
        columns.offset.push(newest.offset);
        columns.copies.push(newest.copies);
        let standing = match newest.is_retracted {
            true => EventStanding::Retracted,
            false => EventStanding::Counts,
        };
        columns.standing.push(standing.into());
    }
    columns
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
