//! Which queries a partition of merge runs, and since when: a record of the snapshots topic, written with the commit that
//! changes it.
//!
//! A restart reads partials again in silence, since their rows have left. Of a query that had not been known then they have
//! not. So a query that is new is held until the place in the log where this was noticed, at the first start as at every one
//! that follows; what is due by then follows from the first partials behind that place.

use std::collections::BTreeMap;

use events::Message;
use events::internal::{Roster as Stored, RosterEntry, StoppedQuery};

use crate::backfill::BackfillFrom;
use crate::error::EngineError;
use crate::log::{Outgoing, Partition};
use crate::planted::{Bug, has};
use crate::snapshot::fault;

/// Key of its record.
pub const KEY: &[u8] = b"queries";

/// Queries remembered that do not run any more.
const ABSENT_MAX: usize = 1_000;

/// The queries that a partition of merge runs or ran, by name and fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    entries: BTreeMap<(String, u64), Entry>,
    stops: BTreeMap<String, Stop>,
}

/// Where a query stopped at an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Windows that end here or before were told; none if none were.
    pub ended_us: Option<i64>,
    /// Windows that begin before were not to be told, since not all of their rows were seen.
    pub whole_from_us: Option<i64>,
}

/// One query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its rows leave with the first partials at this offset or behind it, and from there on.
    pub since: i64,
    /// Partials were read from this offset on to catch up; of a query that came with its past, its state was taken over here.
    pub read_from: i64,
    /// What was due by this instant was told before.
    pub told_us: Option<i64>,
    /// It does not run any more.
    pub is_absent: bool,
    /// It has a frontier of its own.
    pub is_apart: bool,
    /// It waits for what lies before to be read, from there.
    pub backfill: Option<BackfillFrom>,
    /// What lay before was read, tables as they were at each instant with it.
    pub was_backfilled: bool,
    /// What the revisions of its windows begin at.
    pub first_revision: i64,
}

/// How far a partition of merge has told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// All that follows from the partials below has left.
    pub next_offset: i64,
    /// Some of what follows from those at this offset has.
    pub is_within: bool,
    /// Time had come so far with the partials below.
    pub reached_us: Option<i64>,
    /// The last of what has left with those at the offset.
    pub last: Option<Last<'a>>,
}

/// Something that has left; what comes after it in the order of leaving has not.
#[derive(Debug, Clone, Copy)]
pub struct Last<'a> {
    /// It was due at this instant.
    pub at_us: i64,
    /// The query, or what stands behind all of them.
    pub query: &'a str,
    /// The query has a frontier of its own: those leave behind all others.
    pub is_apart: bool,
}

impl Told<'_> {
    /// By which instant all that was due of a query has been told, whose rows leave from an offset on. `own_us`: how far its
    /// own frontier had come, if it has one.
    pub fn of(&self, query: &str, since: i64, own_us: Option<i64>) -> Option<i64> {
        let last = self.last.filter(|last| match own_us {
            Some(_) => last.is_apart && query <= last.query,
            None => true,
        });
        let is_next = |last: &Last<'_>| !last.is_apart && query > last.query;
        let done_us = last.map(|last| last.at_us - i64::from(is_next(&last)));
        if since < self.next_offset || since == 0 {
            return self.reached_us.max(done_us).max(own_us);
        }
        // All that was due by then leaves with these partials, and a part of it has.
        done_us.filter(|_| self.is_within && since == self.next_offset)
    }
}

/// More than a window is told of while its query keeps its state. A query that is taken up anew, its text changed or its state
/// lost, counts from the next multiple: readers then know its rows for newer than those told before.
pub const REVISIONS_A_LIFE: i64 = 1 << 20;

/// [`Entry::since`] of a query that waits for a backfill.
pub const NOT_YET: i64 = i64::MAX;

impl Roster {
    /// A query's entry.
    pub fn get(&self, name: &str, fingerprint: u64) -> Option<&Entry> {
        self.entries.get(&(name.to_owned(), fingerprint))
    }

    /// Writes a query down.
    pub fn enter(&mut self, name: &str, fingerprint: u64, entry: Entry) {
        self.entries.insert((name.to_owned(), fingerprint), entry);
    }

    /// What the revisions of a query begin at that is taken up, whichever text of it was told before.
    pub fn next_life(&self, name: &str) -> i64 {
        let lives = self.entries.iter().filter(|((known, _), _)| known == name);
        let last = lives.map(|(_, entry)| entry.first_revision).max();
        let last = last.filter(|_| !has(Bug::LifeNotCounted));
        last.map_or(0, |last| last + REVISIONS_A_LIFE)
    }

    /// Where a query of this name stopped, if no text of it has gone on from there since.
    pub fn stop(&self, name: &str) -> Option<Stop> {
        self.stops.get(name).copied()
    }

    /// A query stopped, or another text of it has told more.
    pub fn note_stop(&mut self, name: &str, stop: Stop) {
        let known = self.stops.entry(name.to_owned()).or_insert(stop);
        known.ended_us = known.ended_us.max(stop.ended_us);
    }

    /// A query of this name has gone on from where it stopped, or has begun anew.
    pub fn resumed(&mut self, name: &str) {
        self.stops.remove(name);
    }

    /// Marks the queries that do not run here any more. `own_us`: by which instant what was due of a query with a frontier of
    /// its own may have left.
    pub fn retire(
        &mut self,
        runs: impl Fn(&str, u64) -> bool,
        told: &Told<'_>,
        own_us: impl Fn(&str) -> Option<i64>,
    ) {
        for ((name, fingerprint), entry) in &mut self.entries {
            if !entry.is_absent && !runs(name, *fingerprint) {
                entry.is_absent = true;
                entry.backfill = None;
                let own_us = entry.is_apart.then(|| own_us(name)).flatten();
                entry.told_us = entry.told_us.max(told.of(name, entry.since, own_us));
            }
        }
        let absent = self.entries.iter().filter(|(_, entry)| entry.is_absent);
        let mut absent: Vec<_> = absent
            .map(|(key, entry)| (entry.since, key.clone()))
            .collect();
        absent.sort();
        let more = absent.len().saturating_sub(ABSENT_MAX);
        for (_, key) in absent.drain(..more) {
            self.entries.remove(&key);
        }
    }

    /// The first partials that are needed to build the state of all queries again, if the log is read from `from` on.
    pub fn needed_from(&self, from: i64) -> i64 {
        let entries = self.entries.values();
        let later = entries.filter(|entry| {
            let is_read_again = entry.since > from && entry.since != NOT_YET;
            !entry.is_absent && is_read_again
        });
        later
            .map(|entry| entry.read_from)
            .min()
            .unwrap_or(from)
            .min(from)
    }

    /// Reads the value of its record.
    pub fn decode(value: &[u8]) -> Result<Self, EngineError> {
        let stored = Stored::decode(value)
            .map_err(|error| fault(format!("the roster of queries cannot be read: {error}")))?;
        let entries = stored.entries.into_iter().map(|entry| {
            let key = (entry.name, entry.fingerprint);
            let entry = Entry {
                since: entry.since,
                read_from: entry.read_from,
                told_us: entry.told_us,
                is_absent: entry.is_absent,
                is_apart: entry.is_apart,
                was_backfilled: entry.was_backfilled,
                first_revision: entry.first_revision,
                backfill: entry.is_backfilled.then_some(match entry.backfill_from_us {
                    None => BackfillFrom::Earliest,
                    Some(at_us) => BackfillFrom::Instant(at_us),
                }),
            };
            (key, entry)
        });
        let stops = stored.stopped.into_iter().map(|stopped| {
            let stop = Stop {
                ended_us: stopped.ended_us,
                whole_from_us: stopped.whole_from_us,
            };
            (stopped.name, stop)
        });
        Ok(Roster {
            entries: entries.collect(),
            stops: stops.collect(),
        })
    }

    /// Its record in the partition `home` of the snapshots topic.
    pub fn record(&self, home: &Partition, timestamp_ms: i64) -> Outgoing {
        let entries = self.entries.iter();
        let entries = entries.map(|((name, fingerprint), entry)| RosterEntry {
            name: name.clone(),
            fingerprint: *fingerprint,
            since: entry.since,
            read_from: entry.read_from,
            told_us: entry.told_us,
            is_absent: entry.is_absent,
            is_apart: entry.is_apart,
            is_backfilled: entry.backfill.is_some(),
            was_backfilled: entry.was_backfilled,
            first_revision: entry.first_revision,
            backfill_from_us: match entry.backfill {
                Some(BackfillFrom::Instant(at_us)) => Some(at_us),
                _ => None,
            },
        });
        let stopped = self.stops.iter().map(|(name, stop)| StoppedQuery {
            name: name.clone(),
            ended_us: stop.ended_us,
            whole_from_us: stop.whole_from_us,
        });
        let stored = Stored {
            entries: entries.collect(),
            stopped: stopped.collect(),
        };
        Outgoing {
            topic: home.topic.clone(),
            partition: Some(home.index),
            key: Some(KEY.to_vec()),
            value: Some(stored.encode_to_vec()),
            timestamp_ms,
            headers: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_hangs_on_where_rows_began_to_leave() {
        let told = Told {
            next_offset: 7,
            is_within: true,
            reached_us: Some(500),
            last: Some(Last {
                at_us: 300,
                query: "moves",
                is_apart: false,
            }),
        };
        // Rows leave since long: all that was due, whatever the next partials bring.
        assert_eq!(told.of("moves", 5, None), Some(500));
        assert_eq!(told.of("moves", 0, Some(900)), Some(900));
        // All of it leaves with the partials in the middle of which the last commit ended.
        assert_eq!(told.of("gates", 7, None), Some(300));
        assert_eq!(told.of("moves", 7, None), Some(300));
        assert_eq!(told.of("yard", 7, None), Some(299));
        // Nothing has left; with a frontier of its own it would come behind all others.
        assert_eq!(told.of("moves", 8, None), None);
        assert_eq!(told.of("gates", 7, Some(900)), None);
        let apart = |query| Told {
            last: Some(Last {
                at_us: 920,
                query,
                is_apart: true,
            }),
            ..told
        };
        assert_eq!(apart("gates").of("gates", 7, Some(900)), Some(920));
        assert_eq!(apart("gates").of("moves", 7, Some(900)), None);
        assert_eq!(apart("gates").of("moves", 5, Some(900)), Some(900));
        let between = Told {
            is_within: false,
            last: None,
            ..told
        };
        assert_eq!(between.of("moves", 7, None), None);
        assert_eq!(between.of("moves", 6, None), Some(500));
    }
}
