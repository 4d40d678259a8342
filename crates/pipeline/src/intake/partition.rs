//! The state of intake for one input partition, and the rules by which a row is accepted. All of it is a pure function
//! of the partition's log.

use std::collections::BTreeMap;

use super::copies::Copies;
use super::ids::{EventHash, Ids};
use super::shelves::{Place, Shelves, minute};
use super::state::StateBounds;
use super::state::key::Kind;
use super::state::ledger::Ledger;
use super::versions::{Former, Incoming, Verdict, Versions, event_hash};
use crate::log::Partition;
use crate::planted::{Bug, has};

/// What becomes of a readable row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It counts, in place of the version before if there is one.
    Accepted {
        /// What it corrects.
        former: Option<Former>,
    },
    /// It takes its event back.
    Retraction {
        /// What counted until now; none if the event is not known (yet), or final.
        former: Option<Former>,
    },
    /// An older version than the newest that is known.
    Superseded,
    /// An exact copy; so many were seen before it.
    Duplicate {
        /// Copies seen before this one.
        before: u32,
    },
    /// It came so many microseconds after it could still be used.
    Late {
        /// Distance to the latest row time that was still in time.
        by_us: i64,
    },
}

/// A readable row, or a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// Who wrote it.
    pub source: &'a str,
    /// Empty for heartbeats, which only move time on.
    pub event_id: &'a str,
    /// When the source wrote it.
    pub record_time_us: i64,
    /// Time of the row.
    pub row_time_us: i64,
    /// Of its record.
    pub offset: i64,
    /// It takes back the event of this id.
    pub is_retracted: bool,
}

/// What may be expected of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceRules {
    /// Its rows may be so much out of order.
    pub out_of_order_us: i64,
    /// A later version of an event stands in place of the one before; else it is an event of its own.
    pub has_corrections: bool,
}

/// What is known of a source in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    pub(super) number: u16,
    has_corrections: bool,
    /// Largest row time (heartbeats included); none before the first row.
    pub row_time_max_us: Option<i64>,
    /// Row time of the first row.
    pub row_time_first_us: Option<i64>,
    /// Its rows may be so much out of order.
    pub out_of_order_us: i64,
    /// Said to be silent.
    pub is_idle: bool,
    /// Changed since the last commit.
    pub is_changed: bool,
}

impl SourceState {
    /// No accepted row to come is earlier than this, and a row before it is late. None before the first row.
    pub fn complete_to_us(&self, correction_us: i64) -> Option<i64> {
        let latest = self.row_time_max_us?;
        Some(
            latest
                .saturating_sub(self.out_of_order_us)
                .saturating_sub(correction_us),
        )
    }

    /// The first value of [`Self::complete_to_us`].
    pub fn begin_us(&self, correction_us: i64) -> Option<i64> {
        let first = self.row_time_first_us?;
        Some(
            first
                .saturating_sub(self.out_of_order_us)
                .saturating_sub(correction_us),
        )
    }
}

/// Intake of one partition.
#[derive(Debug)]
pub struct PartitionIntake {
    /// The partition.
    pub partition: Partition,
    /// Offset of the next record.
    pub next_offset: i64,
    /// Where the commit in the making began.
    pub covered_from: i64,
    /// By name.
    pub sources: BTreeMap<String, SourceState>,
    correction_us: i64,
    pub(super) ids: Ids,
    pub(super) copies: Copies,
    pub(super) versions: Versions,
    /// What the topic holds.
    pub(super) ledger: Ledger,
    /// The topic holds nothing of it.
    pub(super) is_unwritten: bool,
    pub(super) bounds: StateBounds,
}

impl PartitionIntake {
    /// Empty state that begins at `offset`.
    pub fn new(partition: Partition, offset: i64, correction_us: i64, bounds: StateBounds) -> Self {
        PartitionIntake {
            partition,
            next_offset: offset,
            covered_from: offset,
            sources: BTreeMap::new(),
            correction_us,
            ids: Ids::default(),
            copies: Copies::default(),
            versions: Versions::new(bounds.versions_max()),
            ledger: Ledger::default(),
            is_unwritten: true,
            bounds,
        }
    }

    /// The state of a source, made if it is new.
    pub fn source(&mut self, name: &str, rules: impl FnOnce() -> SourceRules) -> &mut SourceState {
        if !self.sources.contains_key(name) {
            let number = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
            let rules = rules();
            let state = SourceState {
                number,
                has_corrections: rules.has_corrections,
                row_time_max_us: None,
                row_time_first_us: None,
                out_of_order_us: rules.out_of_order_us,
                is_idle: false,
                is_changed: true,
            };
            self.sources.insert(name.to_owned(), state);
        }
        // Inserted above if it was not there.
        self.sources
            .entry(name.to_owned())
            .or_insert_with(|| unreachable!())
    }

    /// Decides on a row and remembers it.
    pub fn decide(&mut self, arrival: &Arrival<'_>) -> Fate {
        let Some(state) = self.sources.get(arrival.source) else {
            return Fate::Accepted { former: None };
        };
        let limit_us = state.complete_to_us(self.correction_us);
        let (number, has_corrections) = (state.number, state.has_corrections);
        let fate = match (arrival.event_id.is_empty(), has_corrections) {
            (true, _) => Fate::Accepted { former: None },
            (false, false) => self.decide_event(arrival, number, limit_us),
            (false, true) => self.decide_version(arrival, number, limit_us),
        };
        if matches!(fate, Fate::Accepted { .. } | Fate::Retraction { .. }) {
            self.move_on(arrival.source, arrival.row_time_us);
        }
        fate
    }

    /// Updates are events of their own, so that an exact copy alone is known again.
    fn decide_event(&mut self, arrival: &Arrival<'_>, number: u16, limit_us: Option<i64>) -> Fate {
        let row_time_us = arrival.row_time_us;
        let id = exact_hash(arrival);
        if self.ids.holds(id) {
            let before = self.count_copy(id, number, row_time_us, limit_us);
            return Fate::Duplicate { before };
        }
        // Taken in while corrections were switched on.
        if self.versions.may_hold(number) && self.versions.holds(&incoming(arrival, number)) {
            return Fate::Duplicate { before: 1 };
        }
        if let Some(limit_us) = limit_us.filter(|&limit_us| row_time_us < limit_us) {
            return Fate::Late {
                by_us: limit_us - row_time_us,
            };
        }
        let part_max = self.bounds.record_entries_max;
        self.ids.insert(id, number, row_time_us, part_max);
        Fate::Accepted { former: None }
    }

    /// Counts a copy; one whose row time says that it is late already is counted for a minute at least.
    fn count_copy(
        &mut self,
        id: EventHash,
        number: u16,
        row_time_us: i64,
        limit_us: Option<i64>,
    ) -> u32 {
        let until_us = row_time_us.max(limit_us.unwrap_or(i64::MIN));
        let part_max = self.bounds.record_entries_max;
        self.copies.count(id, number, until_us, part_max)
    }

    fn decide_version(
        &mut self,
        arrival: &Arrival<'_>,
        number: u16,
        limit_us: Option<i64>,
    ) -> Fate {
        // Taken in while corrections were switched off.
        if !self.ids.is_empty() {
            let id = exact_hash(arrival);
            if self.ids.holds(id) {
                let before = self.count_copy(id, number, arrival.row_time_us, limit_us);
                return Fate::Duplicate { before };
            }
        }
        match self.versions.decide(&incoming(arrival, number), limit_us) {
            Verdict::Counts(former) => Fate::Accepted { former },
            Verdict::Retracts(former) => Fate::Retraction { former },
            Verdict::Copy { before } => Fate::Duplicate { before },
            Verdict::Superseded => Fate::Superseded,
            Verdict::Late => Fate::Late {
                by_us: limit_us
                    .unwrap_or_default()
                    .saturating_sub(arrival.row_time_us),
            },
        }
    }

    /// A source has come as far as `row_time_us`.
    fn move_on(&mut self, source: &str, row_time_us: i64) {
        let Some(state) = self.sources.get_mut(source) else {
            return;
        };
        let is_later = |latest_us| row_time_us > latest_us;
        if !state.is_idle && !state.row_time_max_us.is_none_or(is_later) {
            return;
        }
        state.is_changed = true;
        state.is_idle = false;
        state.row_time_first_us = state.row_time_first_us.or(Some(row_time_us));
        state.row_time_max_us = state.row_time_max_us.max(Some(row_time_us));
        if let Some(limit_us) = state.complete_to_us(self.correction_us) {
            let limit_us = match has(Bug::EvictionEarly) {
                true => row_time_us,
                false => limit_us,
            };
            let number = state.number;
            self.evict(number, limit_us);
        }
    }

    /// Forgets what is late for a source.
    pub(super) fn evict(&mut self, number: u16, limit_us: i64) {
        let mut gone: Vec<Place> = Vec::new();
        for kind in Kind::ALL {
            match kind {
                Kind::Ids => self.ids.evict(number, limit_us, &mut gone),
                Kind::Copies => self.copies.evict(number, limit_us, &mut gone),
                Kind::Versions => self.versions.evict(number, limit_us, &mut gone),
            }
            let gone = gone.drain(..).map(|place| (kind, place));
            self.ledger.gone.extend(gone);
        }
    }

    /// True if all rows of a minute are late for a source.
    pub(super) fn is_late(&self, number: u16, of_minute: i64) -> bool {
        let mut sources = self.sources.values();
        let source = sources.find(|source| source.number == number);
        let limit_us = source.and_then(|source| source.complete_to_us(self.correction_us));
        limit_us.is_some_and(|limit_us| of_minute < minute(limit_us))
    }

    /// Forgets what is late for any source.
    pub(super) fn evict_all(&mut self) {
        let limits: Vec<(u16, i64)> = self
            .sources
            .values()
            .filter_map(|source| Some((source.number, source.complete_to_us(self.correction_us)?)))
            .collect();
        for (number, limit_us) in limits {
            self.evict(number, limit_us);
        }
    }

    /// Latest row time of any source: the time of records that have none of their own.
    pub fn latest_us(&self) -> Option<i64> {
        self.sources
            .values()
            .filter_map(|source| source.row_time_max_us)
            .max()
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        let known = self.ids.bytes() + self.copies.bytes() + self.versions.bytes();
        known + self.ledger.bytes()
    }

    /// Takes over the ids of other state of the same partition.
    pub(crate) fn take_ids(&mut self, other: PartitionIntake) {
        self.ids = other.ids;
        self.copies = other.copies;
        self.versions = other.versions;
    }

    /// Where the events of a kind lie.
    pub(super) fn shelves(&mut self, kind: Kind) -> &mut Shelves {
        match kind {
            Kind::Ids => self.ids.shelves(),
            Kind::Copies => self.copies.shelves(),
            Kind::Versions => self.versions.shelves(),
        }
    }

    /// Events remembered.
    pub fn known(&self) -> usize {
        self.ids.len() + self.versions.len()
    }

    /// The commit in the making became visible.
    pub fn committed(&mut self) {
        for retained in self.ledger.committed() {
            for (kind, place) in &retained.places {
                let part = (*kind == Kind::Ids).then(|| self.ids.shelves().find(place));
                if let Some(part) = part.flatten() {
                    part.committed = part.members.len();
                }
            }
        }
        self.covered_from = self.next_offset;
        for source in self.sources.values_mut() {
            source.is_changed = false;
        }
    }
}

fn exact_hash(arrival: &Arrival<'_>) -> EventHash {
    EventHash::new(arrival.source, arrival.event_id, arrival.record_time_us)
}

fn incoming(arrival: &Arrival<'_>, number: u16) -> Incoming {
    Incoming {
        event: event_hash(arrival.source, arrival.event_id),
        source: number,
        record_time_us: arrival.record_time_us,
        row_time_us: arrival.row_time_us,
        offset: arrival.offset,
        is_retracted: arrival.is_retracted,
    }
}
