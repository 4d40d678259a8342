//! Queries that are added while merge goes on, and those that are taken out: see [`Roster`].
//!
//! A query that is new is held until the first partials behind the place in the log where it was written down; what is due by
//! then follows from those partials, at the first start as at every replay after it.

use super::Merge;
use crate::backfill::BackfillFrom;
use crate::error::EngineError;
use crate::log::{Batch, Position};
use crate::partials;
use crate::planted::{Bug, has};
use crate::roster::{Entry, NOT_YET, Roster, Stop, Told, Within};

/// A query that computes nothing until the log has been read so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) query: usize,
    pub(super) entry: Entry,
    /// It has no state from a snapshot.
    pub(super) is_blank: bool,
    /// Its entry is to be written down.
    is_fresh: bool,
    /// It was known, and its state is lost: its rows left with the partials at this offset and behind it.
    lost_since: Option<i64>,
}

impl Held {
    pub(super) fn is_blank_of(&self, query: usize) -> bool {
        self.is_blank && self.query == query
    }
}

impl Merge {
    /// The queries that run here.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Compares the queries with those that were written down, once the newest snapshot is restored. `position` is the
    /// committed one.
    pub fn enrol(
        &mut self,
        written: Option<&Roster>,
        position: &Position,
    ) -> Result<(), EngineError> {
        self.roster = written.cloned().unwrap_or_default();
        self.is_reading_back = true;
        // Within a record the places of what has left are those of the queries of before.
        let since = position.next_offset + i64::from(!position.within.is_empty());
        let is_restored = self.next_offset > 0;
        let queries = self.state.program().queries.iter();
        let names: Vec<(String, u64)> = queries
            .map(|query| (query.name.clone(), query.fingerprint))
            .collect();
        for (query, (name, fingerprint)) in names.iter().enumerate() {
            let known = self.roster.get(name, *fingerprint).copied();
            let is_waiting = known.is_some_and(|entry| entry.backfill.is_some());
            if !is_waiting && self.awaiting_past.contains(fingerprint) {
                // It took no rows in when the snapshot was written.
                self.state.forget(query)?;
            }
            let is_blank = self.state.is_new(query);
            let is_apart = self.state.is_apart(query);
            let held = |entry| Held {
                query,
                entry: Entry { is_apart, ..entry },
                is_blank,
                is_fresh: false,
                lost_since: None,
            };
            let first_revision = self.roster.next_life(name);
            let fresh = |told_us, backfill: Option<BackfillFrom>| Held {
                is_fresh: true,
                ..held(Entry {
                    since: backfill.map_or(since, |_| NOT_YET),
                    told_us,
                    backfill,
                    first_revision,
                    ..Entry::default()
                })
            };
            let goes_on_from = self.goes_on_from(query);
            let anew = |told_us: Option<i64>| match goes_on_from {
                Some((ended_us, from)) => fresh(told_us.max(ended_us), Some(from)),
                None => fresh(told_us, self.settings.backfill),
            };
            let again = |told_us: Option<i64>| {
                let delay_us = self.state.program().queries[query].delay_us();
                let behind = told_us.map(|told_us| Stop {
                    ended_us: Some(told_us - delay_us),
                    whole_from_us: None,
                });
                let behind = behind.map(|stop| self.begins_behind(query, stop));
                let behind = behind.filter(|_| !self.settings.snapshots.interval.is_zero());
                fresh(told_us, self.settings.backfill.or(behind))
            };
            let held = match known {
                // One that came with its past has all of it; without, it begins anew.
                Some(entry) if entry.is_absent && entry.was_backfilled => {
                    Some(match goes_on_from {
                        Some(_) => anew(entry.told_us),
                        None => again(entry.told_us),
                    })
                }
                Some(entry) if entry.is_absent => Some(anew(entry.told_us)),
                Some(entry) if entry.backfill.is_some() => Some(held(entry)),
                // The partials alone do not bring its past back: it is read again.
                Some(entry) if self.has_lost_past(entry, *fingerprint, is_blank) => Some(Held {
                    lost_since: Some(entry.since).filter(|&begun| begun < since),
                    is_blank: true,
                    ..again(entry.told_us)
                }),
                Some(entry) if entry.since >= self.next_offset && entry.since > 0 => {
                    Some(held(entry))
                }
                Some(entry) if is_blank && is_restored => Some(Held {
                    lost_since: Some(entry.since),
                    ..anew(None)
                }),
                Some(_) => None,
                None if written.is_some() || (is_blank && is_restored) => Some(anew(None)),
                // There from the beginning, or from before rosters were written.
                None => {
                    self.roster.enter(name, *fingerprint, Entry::default());
                    None
                }
            };
            let entry = held.map(|held| held.entry);
            let entry = entry.or_else(|| self.roster.get(name, *fingerprint).copied());
            let first_revision = entry.map_or(0, |entry| entry.first_revision);
            self.state.set_first_revision(query, first_revision);
            if let Some(held) = held {
                match held.entry.backfill {
                    None => self.state.hold(query),
                    Some(_) => self.state.deafen(query),
                }
                if is_blank {
                    self.coverage.learn(query);
                } else if held.is_blank
                    && let Some(reached_us) = self.frontier.reached_us()
                {
                    // Nothing was taken in for it before the snapshot.
                    self.coverage.at_least(query, reached_us);
                }
                self.held.push(held);
            }
        }
        self.enrol_tables(written.is_some());
        self.follow_coverage();
        Ok(())
    }

    /// A table that comes with queries which are backfilled is read with them; alone none is.
    fn enrol_tables(&mut self, is_known: bool) {
        let queries = self.held.iter().filter(|held| held.is_fresh);
        let backfill = queries.filter_map(|held| held.entry.backfill).min();
        let waits = self.wants_backfill();
        let backfill = self.settings.backfill.or(backfill);
        let backfill = backfill.filter(|_| is_known && waits);
        for (place, table) in self.state.program().tables.iter().enumerate() {
            let known = self.roster.get(&table.name, table.fingerprint).copied();
            let is_new = self.state.is_new_table(place);
            let is_awaited = self.awaiting_past.contains(&table.fingerprint);
            let is_before =
                |entry: Entry| is_new || is_awaited || self.next_offset < entry.read_from;
            let entry = match known.filter(|entry| !entry.is_absent) {
                // It goes the way of the query that came with it.
                Some(entry) if entry.was_backfilled && is_before(entry) => {
                    Entry { backfill, ..entry }
                }
                Some(entry) => Entry {
                    backfill: entry.backfill.filter(|_| waits),
                    ..entry
                },
                None => Entry {
                    backfill,
                    ..Entry::default()
                },
            };
            if is_new && entry.backfill.is_some() {
                self.coverage.learn_table(place);
            }
            self.roster.enter(&table.name, table.fingerprint, entry);
        }
    }

    /// True if a query came with its past, and what was restored is of before that was taken over.
    fn has_lost_past(&self, entry: Entry, fingerprint: u64, is_blank: bool) -> bool {
        let is_before = self.next_offset < entry.read_from;
        let is_empty = is_blank || is_before || self.awaiting_past.contains(&fingerprint);
        entry.was_backfilled && is_empty
    }

    /// True if the state of a query is missing that came with its past: the partials do not bring it back.
    pub fn lacks_a_past(&self) -> bool {
        let program = self.state.program();
        self.held.iter().any(|held| {
            let query = &program.queries[held.query];
            let written = self.roster.get(&query.name, query.fingerprint);
            let had_past = written.is_some_and(|entry| entry.was_backfilled && !entry.is_absent);
            held.is_blank && had_past
        })
    }

    /// Learns how far time comes with the record in the middle of which the last commit ended.
    pub fn look_ahead(&mut self, batch: &Batch) -> Result<(), EngineError> {
        for entry in batch.entries() {
            if *batch.partition(entry) == self.partition && entry.offset == self.next_offset {
                let value = batch.value(entry).unwrap_or_default();
                let message = partials::read(&self.partition, entry.offset, value)?;
                let mut frontier = self.frontier.clone();
                partials::update(&mut frontier, message.frontiers);
                self.with_next = Some(frontier);
            }
        }
        Ok(())
    }

    /// Writes down who runs here, once all is read up to the committed position.
    pub fn write_down(&mut self, position: &Position) {
        self.write_tables_down(position);
        let within = self.done_to.as_ref().zip(self.with_next.as_ref());
        let told = Told {
            next_offset: position.next_offset,
            frontier: &self.frontier,
            within: within.map(|(mark, frontier)| Within {
                frontier,
                last: mark.last(),
            }),
        };
        let read_from = self.caught_from.unwrap_or(0);
        for held in self.held.iter_mut().filter(|held| held.is_fresh) {
            held.entry.read_from = read_from;
            let query = &self.state.program().queries[held.query];
            if let Some(since) = held.lost_since
                && self.roster.stop(&query.name).is_none()
            {
                let told_us = told.of(&query.name, since, held.entry.is_apart);
                held.entry.told_us = held.entry.told_us.max(told_us);
            }
            let since = held.entry.since;
            match (held.entry.backfill, held.entry.told_us) {
                (None, _) => tracing::info!(query = query.name, since, "a query is new here"),
                (_, Some(told_us)) => tracing::info!(
                    query = query.name,
                    told_us,
                    "a query goes on from where it was told; it waits until the input of before is read"
                ),
                _ => tracing::info!(
                    query = query.name,
                    "a query is new here; it waits until the input of before is read"
                ),
            }
            if held.entry.backfill.is_none() {
                self.roster.resumed(&query.name);
            }
            self.roster
                .enter(&query.name, query.fingerprint, held.entry);
        }
        let program = self.state.program();
        for (place, query) in program.queries.iter().enumerate() {
            if let Some(entry) = self.roster.get(&query.name, query.fingerprint).copied() {
                let is_apart = self.state.is_apart(place);
                let entry = Entry { is_apart, ..entry };
                self.roster.enter(&query.name, query.fingerprint, entry);
            }
        }
        let runs = |name: &str, fingerprint: u64| {
            let mut queries = program.queries.iter();
            let mut tables = program.tables.iter();
            queries.any(|query| query.name == name && query.fingerprint == fingerprint)
                || tables.any(|table| table.name == name && table.fingerprint == fingerprint)
        };
        self.roster.retire(runs, &told);
    }

    /// Of a table that is new here the log is kept from where it was read, as long as there is a snapshot without it.
    fn write_tables_down(&mut self, position: &Position) {
        let Some(read_from) = self.caught_from else {
            return;
        };
        for (place, table) in self.state.program().tables.iter().enumerate() {
            let known = self.roster.get(&table.name, table.fingerprint).copied();
            let is_first = |entry: &Entry| entry.since == 0 && entry.backfill.is_none();
            let is_new = self.state.is_new_table(place);
            if let Some(entry) = known.filter(|entry| is_new && is_first(entry)) {
                let entry = Entry {
                    since: position.next_offset,
                    read_from,
                    ..entry
                };
                self.roster.enter(&table.name, table.fingerprint, entry);
            }
        }
    }

    /// No partials came before the next offset for the queries that wait for some: their place moves on with it. So one
    /// whose place lies below the committed position has told something.
    pub(super) fn put_off(&mut self) {
        let next_offset = self.next_offset;
        let waits = self.held.iter_mut();
        for held in waits.filter(|held| held.entry.since < next_offset) {
            held.entry.since = next_offset;
            let query = &self.state.program().queries[held.query];
            self.roster
                .enter(&query.name, query.fingerprint, held.entry);
            self.has_news = true;
        }
    }

    /// Lets the queries go whose rows leave with the partials at `offset` on.
    pub(super) fn release(&mut self, offset: i64) {
        if self.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.held).into_iter();
        let (due, held): (Vec<Held>, Vec<Held>) = held.partition(|held| held.entry.since <= offset);
        self.held = held;
        let reached_us = self.frontier.reached_us();
        for held in &due {
            let joins_tables = !self.state.program().queries[held.query].tables.is_empty();
            // Tables are not known as of earlier instants, unless they were read with the query.
            let from_us = reached_us.filter(|_| joins_tables && !held.entry.was_backfilled);
            if let Some(from_us) = from_us {
                self.coverage.at_least(held.query, from_us);
            }
            self.state.release(held.query, held.entry.told_us, from_us);
        }
        if !due.is_empty() {
            self.follow_coverage();
        }
    }

    /// Tells the queries from where on their windows are whole.
    pub(super) fn follow_coverage(&mut self) {
        for query in 0..self.state.program().queries.len() {
            let whole_from_us = match has(Bug::WindowToldInPart) {
                true => i64::MIN,
                false => self.coverage.whole_from_us(query),
            };
            self.state.set_whole_from(query, whole_from_us);
        }
    }
}
