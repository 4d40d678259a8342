//! Ids by source and minute of row time: the unit in which they are forgotten, and in which the intake-state topic holds
//! them. A shelf is cut into parts that fit one record of it.

use std::collections::BTreeMap;

use super::ids::EventHash;

/// Ids are forgotten in steps of one minute of row time.
pub(super) const BUCKET_US: i64 = 60_000_000;

/// The minute of a row time.
pub(super) fn minute(time_us: i64) -> i64 {
    time_us.div_euclid(BUCKET_US)
}

/// A part of a shelf. The source is a number of the partition's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Number of the source.
    pub source: u16,
    /// Minutes of row time since 1970.
    pub minute: i64,
    /// From 0.
    pub part: u32,
}

/// Ids that the topic holds in one record, or will.
#[derive(Debug, Default)]
pub struct Part {
    /// In the order in which they came.
    pub members: Vec<EventHash>,
    /// So many of them are committed.
    pub committed: usize,
    /// The topic holds it as it was after the delta of this number; none: the topic does not hold it.
    pub through: Option<u64>,
    /// It has members of before a takeover that the topic may hold in deltas alone.
    pub is_short: bool,
}

impl Part {
    /// False if the topic holds all that the delta of a number says of it.
    pub fn is_due(&self, number: u64) -> bool {
        self.is_short || self.through.is_none_or(|through| through < number)
    }

    /// The topic holds it as it was after the delta of a number.
    pub fn is_written(&mut self, through: u64) {
        self.through = Some(through);
        self.is_short = false;
    }
}

/// All shelves of one kind.
#[derive(Debug, Default)]
pub struct Shelves(BTreeMap<(u16, i64), Vec<Part>>);

impl Shelves {
    /// Puts an id behind those that are there; a part holds at most `members_max`.
    pub fn put(&mut self, source: u16, minute: i64, id: EventHash, members_max: usize) -> Place {
        let parts = self.0.entry((source, minute)).or_default();
        let has_room = |part: &Part| part.members.len() < members_max;
        if !parts.last().is_some_and(has_room) {
            parts.push(Part::default());
        }
        if let Some(last) = parts.last_mut() {
            last.members.push(id);
        }
        Place {
            source,
            minute,
            part: parts.len() as u32 - 1,
        }
    }

    /// A part, made if it is not there.
    pub fn part(&mut self, place: Place) -> &mut Part {
        let parts = self.0.entry((place.source, place.minute)).or_default();
        let place = place.part as usize;
        if parts.len() <= place {
            parts.resize_with(place + 1, Part::default);
        }
        &mut parts[place]
    }

    /// A part that is there.
    pub fn find(&mut self, place: &Place) -> Option<&mut Part> {
        let parts = self.0.get_mut(&(place.source, place.minute))?;
        parts.get_mut(place.part as usize)
    }

    /// Takes a shelf of a source away that lies before `before_minute`; its first place, and its parts.
    pub fn take_before(&mut self, source: u16, before_minute: i64) -> Option<(Place, Vec<Part>)> {
        let due = (source, i64::MIN)..(source, before_minute);
        let (&(source, minute), _) = self.0.range(due).next()?;
        let parts = self.0.remove(&(source, minute))?;
        let place = Place {
            source,
            minute,
            part: 0,
        };
        Some((place, parts))
    }

    /// All parts, in order.
    pub fn all(&mut self) -> impl Iterator<Item = (Place, &mut Part)> {
        self.0.iter_mut().flat_map(|(&(source, minute), parts)| {
            let parts = parts.iter_mut().enumerate();
            parts.map(move |(place, part)| {
                let part_number = place as u32;
                let place = Place {
                    source,
                    minute,
                    part: part_number,
                };
                (place, part)
            })
        })
    }
}

/// The places of those of `parts`, all of one shelf that begins at `first`, that the topic holds.
pub(super) fn held(first: Place, parts: &[Part]) -> impl Iterator<Item = Place> {
    let parts = parts.iter().enumerate();
    let held = parts.filter(|(_, part)| part.through.is_some());
    held.map(move |(number, _)| Place {
        part: number as u32,
        ..first
    })
}
