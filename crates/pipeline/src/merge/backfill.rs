//! What merge asks of a backfill, and what it takes over of it (see [`crate::backfill`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use events::internal::Covered;
use windows::frontier::Frontier;
use windows::merge::Refused;
use windows::program::Program;

use super::Merge;
use crate::backfill::Wanted;
use crate::backfill::past::{Named, Past};
use crate::error::EngineError;
use crate::log::{Outgoing, Partition};
use crate::planted::{Bug, has};
use crate::roster::{Entry, Stop};
use crate::settings::Bounded;

/// A place in the partials from which on all that is to come of some queries is there.
pub struct HandOver {
    /// The first partials behind it.
    pub offset: i64,
    /// The queries.
    pub wanted: BTreeMap<Named, Wanted>,
    /// By input partition: fold had read so far.
    pub until: BTreeMap<Partition, i64>,
    /// How far time had come.
    pub frontier: Frontier,
    /// How often a fold had taken up one of the queries; a later one makes the hand-over void.
    pub turns: u64,
}

impl Merge {
    /// The queries that wait for a backfill, by their place in the program.
    fn backfilled(&self) -> impl Iterator<Item = (usize, Wanted)> {
        self.held.iter().filter_map(|held| {
            let wanted = Wanted {
                from: held.entry.backfill?,
                told_us: held.entry.told_us,
                first_revision: held.entry.first_revision,
            };
            Some((held.query, wanted))
        })
    }

    /// True if queries wait for a backfill.
    pub fn wants_backfill(&self) -> bool {
        self.backfilled().next().is_some()
    }

    /// A place to hand over at, if queries wait for a backfill and this is one: between two commits of fold, with all folds running
    /// them. Input that is to end is read to its end before: no partials come behind it that would have the queries tell their
    /// last windows.
    pub fn hand_over(&self) -> Option<HandOver> {
        let is_bounded = self.settings.bounded == Bounded::UntilEnd;
        if !self.is_between_commits() || self.done_to.is_some() || is_bounded && !self.has_flushed {
            return None;
        }
        let is_ready = |query| self.coverage.is_complete(query);
        let is_one = self.wants_backfill() && self.backfilled().all(|(query, _)| is_ready(query));
        if !is_one {
            return None;
        }
        let wanted = self.backfilled().map(|(query, wanted)| {
            let query = &self.state.program().queries[query];
            ((query.name.clone(), query.fingerprint), wanted)
        });
        let until = self.covered.iter().map(|((topic, index), to)| {
            let partition = Partition::new(topic.as_str(), *index);
            (partition, *to - i64::from(has(Bug::BackfillTooShort)))
        });
        Some(HandOver {
            offset: self.next_offset,
            wanted: wanted.collect(),
            until: until.collect(),
            frontier: self.frontier.clone(),
            turns: self.backfill_turns(),
        })
    }

    /// How often a fold took one of the queries up that wait for a backfill.
    pub fn backfill_turns(&self) -> u64 {
        let queries = self.backfilled();
        queries.map(|(query, _)| self.coverage.turns(query)).sum()
    }

    /// The program of the queries that wait for a backfill, of one that has all.
    pub fn portion(&self, mut all: Program) -> Arc<Program> {
        let wanted: Vec<u64> = self
            .backfilled()
            .map(|(query, _)| self.state.program().queries[query].fingerprint)
            .collect();
        all.queries
            .retain(|query| wanted.contains(&query.fingerprint));
        all.snapshots.clear();
        Arc::new(all)
    }

    /// The rows of a query that were due by this instant are written with the next commit.
    pub fn told(&mut self, named: &Named, at_us: i64) {
        if has(Bug::BackfillToldTwice) {
            return;
        }
        let program = self.state.program();
        for held in &mut self.held {
            let query = &program.queries[held.query];
            if (&query.name, query.fingerprint) == (&named.0, named.1) {
                held.entry.told_us = held.entry.told_us.max(Some(at_us));
                self.roster.enter(&named.0, named.1, held.entry);
                if let Some(stop) = self.roster.stop(&query.name) {
                    let ended_us = Some(at_us - query.delay_us());
                    self.roster
                        .note_stop(&query.name, Stop { ended_us, ..stop });
                }
            }
        }
    }

    /// What is told of rows behind the hand-over, by query with the offset of their partials and the input of these, that the
    /// queries which waited could not use any more. Nobody has told it before.
    pub fn refused_behind(
        &mut self,
        refused: Vec<(String, i64, Refused, Vec<Covered>)>,
    ) -> Vec<Outgoing> {
        let program = self.state.shared_program();
        let waited: BTreeSet<&str> = self
            .backfilled()
            .map(|(query, _)| program.queries[query].name.as_str())
            .collect();
        let mut records = Vec::new();
        for (query, offset, rows, covered) in refused {
            if waited.contains(query.as_str()) {
                self.refuse(&query, offset, rows, &covered, &mut records);
            }
        }
        records
    }

    /// Takes the state over of the queries that waited for a backfill, and of tables that came with them. They are held until
    /// [`Self::be_done`].
    pub fn take_over(&mut self, past: Past) -> Result<(), EngineError> {
        let program = self.state.shared_program();
        let is_wanted = |name: &str, fingerprint: u64| {
            let entry = self.roster.get(name, fingerprint);
            entry.is_some_and(|entry| entry.backfill.is_some())
        };
        let pieces = past.save(is_wanted)?;
        let Past {
            state,
            failures,
            left_out,
            ..
        } = past;
        let left_out = left_out.into_iter();
        self.left_out = left_out
            .filter(|(name, _)| self.waits_for_past(name))
            .collect();
        self.state.replace(&pieces, self.frontier.reached_us())?;
        if !has(Bug::WaitingLeftBehind) {
            self.state.adopt_waiting(&pieces, &state)?;
        }
        let queries: Vec<usize> = self.backfilled().map(|(query, _)| query).collect();
        for query in queries {
            let whole_from_us = state.whole_from_us(
                &program.queries[query].name,
                program.queries[query].fingerprint,
            );
            self.coverage.fulfil(query, whole_from_us);
        }
        for held in &mut self.held {
            if held.entry.backfill.is_some() {
                held.entry.read_from = self.next_offset;
            }
        }
        for table in &program.tables {
            let known = self.roster.get(&table.name, table.fingerprint).copied();
            if let Some(entry) = known.filter(|entry| entry.backfill.is_some()) {
                let entry = Entry {
                    read_from: self.next_offset,
                    ..entry
                };
                self.roster.enter(&table.name, table.fingerprint, entry);
            }
        }
        self.follow_coverage();
        for failure in failures {
            self.fail(failure)?;
        }
        self.keep_within_budget();
        Ok(())
    }

    /// A snapshot holds what was taken over: from the next partials on the queries run as all others. What is told of rows that
    /// were left out leaves with the roster that says so, and so once.
    pub fn be_done(&mut self) {
        let since = self.next_offset + i64::from(!self.is_between_records());
        let program = self.state.shared_program();
        let failed = self.state.stopped().filter(|(_, has_stopped)| *has_stopped);
        let failed: BTreeSet<String> = failed.map(|(query, _)| query.to_owned()).collect();
        for held in self
            .held
            .iter_mut()
            .filter(|held| held.entry.backfill.is_some())
        {
            held.entry.backfill = None;
            held.entry.was_backfilled = true;
            held.entry.since = since;
            let query = &program.queries[held.query];
            self.roster
                .enter(&query.name, query.fingerprint, held.entry);
            if !failed.contains(&query.name) {
                self.roster.resumed(&query.name);
            }
            tracing::info!(query = query.name, since, "the backfill is done");
        }
        for table in &program.tables {
            let known = self.roster.get(&table.name, table.fingerprint).copied();
            if let Some(entry) = known.filter(|entry| entry.backfill.is_some()) {
                let entry = Entry {
                    backfill: None,
                    was_backfilled: true,
                    ..entry
                };
                self.roster.enter(&table.name, table.fingerprint, entry);
            }
        }
        self.tell_left_out();
    }
}
