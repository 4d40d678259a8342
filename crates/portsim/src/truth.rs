//! What was produced, counted where it was made: the figures that a processor's own counts are held against.

use crate::disorder::WrongKind;
use crate::sources::Source;
use events::Stream;
use std::collections::BTreeMap;

/// Counts of the records that a [`crate::Simulation`] has given out so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// All records: events, copies, wrong records, amended ones, heartbeats.
    pub records: u64,
    /// All records by stream.
    pub records_by_stream: BTreeMap<&'static str, u64>,
    /// Events by table, copies and wrong records not counted, late ones counted.
    pub events_by_table: BTreeMap<&'static str, u64>,
    /// Events of each table that came late.
    pub late_by_table: BTreeMap<&'static str, u64>,
    /// By source.
    pub sources: BTreeMap<&'static str, SourceTruth>,
    /// Wrong records by kind.
    pub wrong_by_kind: BTreeMap<&'static str, u64>,
}

/// Counts of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceTruth {
    /// Events, each counted once.
    pub events: u64,
    /// Exact copies of events.
    pub duplicates: u64,
    /// Events that came later than twice the bound and half an hour. Counted in `events` too.
    pub late: u64,
    /// Events that were held up within the bound. Counted in `events` too.
    pub held_up: u64,
    /// Wrong records with this source's name or in its place.
    pub wrong: u64,
    /// Versions and retractions of events that were amended.
    pub amended: u64,
    /// Heartbeats, one for each partition.
    pub heartbeats: u64,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Event {
        table: &'static str,
        is_late: bool,
        is_held_up: bool,
    },
    Copy,
    Wrong(WrongKind),
    Amended,
    Heartbeat,
}

impl Truth {
    pub(crate) fn count(&mut self, stream: Stream, source: Source, kind: Kind) {
        self.records += 1;
        *self.records_by_stream.entry(stream.name()).or_default() += 1;
        let of_source = self.sources.entry(source.name()).or_default();
        match kind {
            Kind::Event {
                table,
                is_late,
                is_held_up,
            } => {
                of_source.events += 1;
                of_source.late += u64::from(is_late);
                of_source.held_up += u64::from(is_held_up);
                *self.events_by_table.entry(table).or_default() += 1;
                if is_late {
                    *self.late_by_table.entry(table).or_default() += 1;
                }
            }
            Kind::Copy => of_source.duplicates += 1,
            Kind::Wrong(wrong) => {
                of_source.wrong += 1;
                *self.wrong_by_kind.entry(wrong.name()).or_default() += 1;
            }
            Kind::Amended => of_source.amended += 1,
            Kind::Heartbeat => of_source.heartbeats += 1,
        }
    }

    /// Events of all tables.
    pub fn events(&self) -> u64 {
        self.events_by_table.values().sum()
    }

    /// Exact copies of all sources.
    pub fn duplicates(&self) -> u64 {
        self.sources.values().map(|source| source.duplicates).sum()
    }

    /// Late events of all sources.
    pub fn late(&self) -> u64 {
        self.sources.values().map(|source| source.late).sum()
    }

    /// Wrong records of all kinds.
    pub fn wrong(&self) -> u64 {
        self.wrong_by_kind.values().sum()
    }

    /// Versions and retractions of amended events of all sources.
    pub fn amended(&self) -> u64 {
        self.sources.values().map(|source| source.amended).sum()
    }

    /// Heartbeats of all sources.
    pub fn heartbeats(&self) -> u64 {
        self.sources.values().map(|source| source.heartbeats).sum()
    }
}
