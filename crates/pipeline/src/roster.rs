//! Which queries a partition of merge runs, and since when: a record of the snapshots topic, written with the commit that
//! changes it.
//!
//! A restart reads partials again in silence, since their rows have left. Of a query that had not been known then they have
//! not. So a query that is new is held until the place in the log where this was noticed, at the first start as at every one
//! that follows; what is due by then follows from the first partials behind that place. Tables are written down with them.

use std::collections::BTreeMap;

use events::Message;
use events::internal::{Roster as Stored, RosterEntry, StoppedQuery};
use windows::frontier::Frontier;

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

/// One query, or table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its rows leave with the first partials at this offset or behind it, and from there on; a table was there by then.
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
    /// So far time had come with them.
    pub frontier: &'a Frontier,
    /// Of those at the offset, if some of what follows from them has left.
    pub within: Option<Within<'a>>,
}

/// What has left of what follows from one record.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    /// So far time comes with it.
    pub frontier: &'a Frontier,
    /// The last that has left; what comes after it in the order of leaving has not.
    pub last: Last<'a>,
}

/// What tells rows, in the order in which they leave.
#[derive(Debug, Clone, Copy)]
pub enum Last<'a> {
    /// Rows that were refused.
    Rejects,
    /// A query at an instant, or what stands behind all of them there.
    Query(i64, &'a str),
    /// A query with a frontier of its own, at an instant.
    Apart(&'a str, i64),
    /// What stands behind all queries.
    Behind,
}

impl Told<'_> {
    /// By which instant all that was due of a query has been told, whose rows leave from an offset on. `is_apart`: it has a
    /// frontier of its own.
    pub fn of(&self, query: &str, since: i64, is_apart: bool) -> Option<i64> {
        let reached_us = |frontier: &Frontier| match is_apart {
            // Of a query that is named nowhere any more the sources are not known that it waited for.
            true => frontier.own_us(query).unwrap_or(frontier.furthest_us()),
            false => frontier.reached_us(),
        };
        let has_begun = since < self.next_offset || since == 0;
        let below_us = reached_us(self.frontier).filter(|_| has_begun);
        let within = self
            .within
            .filter(|_| has_begun || since == self.next_offset);
        let within_us = within.and_then(|within| match (within.last, is_apart) {
            (Last::Rejects, _) | (Last::Query(..), true) => None,
            (Last::Query(at_us, last), false) => Some(at_us - i64::from(query > last)),
            (Last::Apart(last, at_us), true) if query == last => Some(at_us),
            (Last::Apart(last, _), true) if query > last => None,
            // All of it stands before.
            (Last::Apart(..) | Last::Behind, _) => reached_us(within.frontier),
        });
        below_us.max(within_us)
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

    /// Marks the queries that do not run here any more.
    pub fn retire(&mut self, runs: impl Fn(&str, u64) -> bool, told: &Told<'_>) {
        for ((name, fingerprint), entry) in &mut self.entries {
            if !entry.is_absent && !runs(name, *fingerprint) {
                entry.is_absent = true;
                entry.backfill = None;
                // Of one that stopped its stop says what it told.
                if !self.stops.contains_key(name) {
                    let told_us = told.of(name, entry.since, entry.is_apart);
                    entry.told_us = entry.told_us.max(told_us);
                }
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
            // One that came just where a snapshot was taken is not in it.
            let is_read_again = entry.since >= from && entry.since != NOT_YET;
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
    use windows::frontier::{Origin, Progress};

    use super::*;

    /// The port has come to one instant, the source that `gates` and `moves` wait for to another.
    fn frontier(reached_us: i64, own_us: i64) -> Frontier {
        let mut frontier = Frontier::new();
        for query in ["gates", "moves"] {
            frontier.wait_for(query, ["gate".to_owned()]);
        }
        for (source, complete_to_us) in [("rail", reached_us), ("gate", own_us)] {
            let origin = Origin {
                topic: "t".to_owned(),
                partition: 0,
                source: source.to_owned(),
            };
            frontier.update(origin, Progress::Active { complete_to_us }, None);
        }
        frontier
    }

    #[test]
    fn what_was_told_hangs_on_where_rows_began_to_leave() {
        let (below, with) = (frontier(500, 900), frontier(600, 950));
        let told = |last| Told {
            next_offset: 7,
            frontier: &below,
            within: Some(Within {
                frontier: &with,
                last,
            }),
        };
        let port = |last, query, since| told(last).of(query, since, false);
        let apart = |last, query, since| told(last).of(query, since, true);
        let moves = Last::Query(550, "moves");
        // Rows leave since long: all that was due, and of the next partials what stands before the mark.
        for since in [0, 5] {
            assert_eq!(port(moves, "gates", since), Some(550));
            assert_eq!(port(moves, "moves", since), Some(550));
            assert_eq!(port(moves, "yard", since), Some(549));
            assert_eq!(port(Last::Rejects, "moves", since), Some(500));
            assert_eq!(port(Last::Behind, "moves", since), Some(600));
            assert_eq!(port(Last::Apart("gates", 920), "moves", since), Some(600));
            // Those with a frontier of their own leave behind all others.
            assert_eq!(apart(moves, "gates", since), Some(900));
            assert_eq!(apart(Last::Apart("gates", 920), "gates", since), Some(920));
            assert_eq!(apart(Last::Apart("gates", 920), "moves", since), Some(900));
            assert_eq!(apart(Last::Apart("moves", 920), "gates", since), Some(950));
        }
        // All of it leaves with the partials in the middle of which the last commit ended.
        assert_eq!(port(moves, "gates", 7), Some(550));
        assert_eq!(port(Last::Rejects, "gates", 7), None);
        assert_eq!(apart(moves, "gates", 7), None);
        assert_eq!(apart(Last::Apart("moves", 920), "gates", 7), Some(950));
        // Nothing has left.
        assert_eq!(port(moves, "gates", 8), None);
        assert_eq!(apart(Last::Behind, "gates", 8), None);
        let between = Told {
            within: None,
            ..told(moves)
        };
        assert_eq!(between.of("moves", 7, false), None);
        assert_eq!(between.of("moves", 6, false), Some(500));
        assert_eq!(between.of("moves", 6, true), Some(900));
    }

    #[test]
    fn a_frontier_of_its_own_may_lie_behind_the_ports() {
        let mut below = frontier(500, 300);
        let origin = Origin {
            topic: "t".to_owned(),
            partition: 0,
            source: "gate".to_owned(),
        };
        below.update(origin, Progress::Idle, None);
        let told = Told {
            next_offset: 7,
            frontier: &below,
            within: None,
        };
        assert_eq!(told.of("gates", 5, true), Some(300));
        assert_eq!(told.of("gates", 5, false), Some(500));
        assert_eq!(told.of("named nowhere", 5, true), Some(500));
    }
}
