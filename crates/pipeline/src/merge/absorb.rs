//! Partials on their way into state, and what is told of those that cannot be used.

use events::describe::rfc3339;
use events::internal::{Covered, Partials};
use events::ipc;
use events::v1::RejectReason;
use windows::merge::{Absorbed, Outcome, Refused};
use windows::state::waiting::TAKEN_BACK;

use super::step::Step;
use super::{Merge, settle};
use crate::error::EngineError;
use crate::intake::rejects::{self, Refusal};
use crate::log::Outgoing;
use crate::partials::{self, PORT_PARTITION, running};
use crate::planted::{Bug, has};
use crate::roster::{Entry, Roster};

/// Partials of queries that do not run here are not trimmed for so long, by their own timestamps.
const UNKNOWN_KEPT_MS: i64 = 3_600_000;

/// The first partials of a query that does not run here, with those of its commit that do not name it: rows that may be
/// taken back are sent once for all queries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unknown {
    pub offset: i64,
    pub timestamp_ms: i64,
}

/// How partials that name no query say which one they are of.
fn by_fingerprint(fingerprint: u64) -> String {
    format!("with fingerprint {fingerprint:x}")
}

impl Merge {
    /// Takes what one record holds into state.
    pub(super) fn absorb(
        &mut self,
        mut message: Partials,
        offset: i64,
        records: &mut Vec<Outgoing>,
    ) -> Result<(), EngineError> {
        for delta in std::mem::take(&mut message.deltas) {
            for rows in ipc::read(delta.ipc)? {
                let absorbed = self.state.absorb(&delta.query, delta.fingerprint, &rows);
                match absorbed {
                    Absorbed::All | Absorbed::Stopped => {}
                    Absorbed::Failed(failure) => self.fail(failure)?,
                    Absorbed::But(refused) => {
                        let input = partials::input(&message);
                        self.refuse(&delta.query, offset, refused, input, records);
                    }
                    Absorbed::Kept(outcome) => {
                        self.note(outcome, offset, partials::input(&message), records)?;
                    }
                    Absorbed::Unknown => {
                        self.tally.passed_over(&delta.query, rows.num_rows() as u64);
                        self.pass_over(&delta.query);
                    }
                }
            }
        }
        self.hear(&message)?;
        // Where merge begins, a commit is there whole or not at all; of one that does not continue the last `cover` tells.
        self.half_read.read(&message, offset);
        partials::update(&mut self.frontier, message.frontiers);
        Ok(())
    }

    /// Notes what a commit of fold stands for, and which queries it ran.
    fn hear(&mut self, message: &Partials) -> Result<(), EngineError> {
        let mut has_changed = false;
        for covered in &message.covered {
            self.cover(covered)?;
            let tables = message.tables.as_ref();
            self.coverage.hear_tables(covered, tables, &|_| true);
            let heard = self.coverage.hear(covered, running(message), &|_| true);
            has_changed |= heard.is_news;
            for query in heard.lost {
                let query = &self.state.program().queries[query].name;
                let partition = format!("{}[{}]", covered.topic, covered.partition);
                tracing::warn!(
                    query,
                    partition,
                    "a fold that does not run this query reads input now: no windows of it are told for a while, and a LEVEL lacks what changes; if the query is to stay, replace that process"
                );
            }
        }
        if has_changed {
            self.follow_coverage();
        }
        let tables = message.tables.iter();
        let tables = tables.flat_map(|tables| &tables.fingerprints);
        for fingerprint in message.running.iter().chain(tables) {
            if !self.fingerprints().any(|known| known == *fingerprint) {
                self.pass_over(&by_fingerprint(*fingerprint));
            }
        }
        Ok(())
    }

    /// True if the query or table of this name, or with this fingerprint, runs here.
    pub(super) fn runs(&self, name: &str) -> bool {
        let program = self.state.program();
        let mut tables = program.tables.iter();
        let mut queries = program.queries.iter();
        queries.any(|query| query.name == name)
            || tables.any(|table| table.name == name)
            || self
                .fingerprints()
                .any(|known| by_fingerprint(known) == name)
    }

    /// Of all queries and tables that run here.
    fn fingerprints(&self) -> impl Iterator<Item = u64> {
        let program = self.state.program();
        let tables = program.tables.iter().map(|table| table.fingerprint);
        program.fingerprints.iter().copied().chain(tables)
    }

    /// Something of a query that does not run here: it may be added later.
    fn pass_over(&mut self, query: &str) {
        if self.unknown.contains_key(query) {
            return;
        }
        tracing::warn!(
            query,
            "partials of a query that does not run here are passed over; they stay in the log for {} minutes, in case it is added",
            UNKNOWN_KEPT_MS / 60_000
        );
        let first = Unknown {
            offset: self.half_read.oldest().unwrap_or(self.next_offset),
            timestamp_ms: self.timestamp_ms,
        };
        self.unknown.insert(query.to_owned(), first);
    }

    /// The first partials that are needed if state is rebuilt from a snapshot that stands for all below `from`: those of
    /// queries that were new behind it, and those that nobody here knows yet.
    pub fn needed_from(&self, from: i64) -> i64 {
        let oldest_ms = self.timestamp_ms.saturating_sub(UNKNOWN_KEPT_MS);
        let unknown = self.unknown.values();
        let unknown = unknown.filter(|first| first.timestamp_ms >= oldest_ms);
        let unknown = unknown.map(|first| first.offset).min();
        let known = self.roster.needed_from(from);
        unknown.map_or(known, |offset| offset.min(known))
    }

    /// Computes with the rows that nothing can take back any more.
    pub(super) fn settle(&mut self, records: &mut Vec<Outgoing>) -> Result<(), EngineError> {
        let outcome = settle(&self.settings, &self.frontier, &mut self.state)?;
        self.note(outcome, self.next_offset, &[], records)
    }

    /// Tells what became of rows that may be taken back, or that are.
    fn note(
        &mut self,
        outcome: Outcome,
        offset: i64,
        covered: &[Covered],
        records: &mut Vec<Outgoing>,
    ) -> Result<(), EngineError> {
        for failure in outcome.failures {
            self.fail(failure)?;
        }
        for (name, refused) in outcome.refused {
            // All that can be taken back is in the port's partition: it alone shall tell.
            if !name.starts_with(TAKEN_BACK) || self.partition.index == PORT_PARTITION {
                self.refuse(&name, offset, refused, covered, records);
            }
        }
        Ok(())
    }

    /// Counts rows that could not be used, and points at them.
    pub(super) fn refuse(
        &mut self,
        query: &str,
        offset: i64,
        mut refused: Refused,
        covered: &[Covered],
        records: &mut Vec<Outgoing>,
    ) {
        if refused.full > 0 && (self.is_reading_back || self.waits_for_past(query)) {
            *self.left_out.entry(query.to_owned()).or_default() += refused.full;
            refused.full = 0;
        }
        let tally = match self.done_to {
            None => &*self.tally,
            Some(_) => &self.silent,
        };
        tally.late_in_merge(query, refused.late as u64);
        tally.keys_refused(query, refused.full as u64);
        let covered = covered.iter().map(|covered| {
            let (topic, partition) = (&covered.topic, covered.partition);
            format!("{topic}[{partition}] {} to {}", covered.from, covered.to)
        });
        let input = covered.collect::<Vec<_>>().join(", ");
        self.point_at(query, offset, refused, &input, records);
    }

    /// Counts joined rows of a query that there was no room for when their time had come, and points there.
    pub(super) fn leave_out(
        &mut self,
        step: &Step,
        query: &str,
        full: usize,
        at_us: i64,
    ) -> Vec<Outgoing> {
        let mut records = Vec::new();
        if self.is_reading_back || self.waits_for_past(query) {
            *self.left_out.entry(query.to_owned()).or_default() += full;
        } else {
            self.tally_of(step).keys_refused(query, full as u64);
            let refused = Refused { late: 0, full };
            let input = format!("rows that met by {}", rfc3339(at_us));
            self.point_at(query, self.next_offset, refused, &input, &mut records);
        }
        records
    }

    /// True if a query or table waits for its past to be read: what is refused of it until then is told with that.
    pub(super) fn waits_for_past(&self, name: &str) -> bool {
        let entry = self.entry_in(&self.roster, name);
        entry.is_some_and(|entry| entry.backfill.is_some())
    }

    /// What a roster has of the query or table of this name that runs here.
    pub(super) fn entry_in<'a>(&self, roster: &'a Roster, name: &str) -> Option<&'a Entry> {
        let program = self.state.program();
        let queries = program.queries.iter();
        let queries = queries.map(|query| (&query.name, query.fingerprint));
        let tables = program.tables.iter();
        let mut all = queries.chain(tables.map(|table| (&table.name, table.fingerprint)));
        let (_, fingerprint) = all.find(|(known, _)| *known == name)?;
        roster.get(name, fingerprint)
    }

    /// With the next commit leaves what was left out of the state of some queries and tables when what lay before was read for
    /// them. It is kept here until then: whoever gives the partition up tells nothing.
    pub(super) fn tell_left_out(&mut self) {
        let mut records = Vec::new();
        for (name, full) in std::mem::take(&mut self.left_out) {
            self.tally.keys_refused(&name, full as u64);
            let refused = Refused { late: 0, full };
            let input = "of before the query, or the table, was there";
            self.point_at(&name, self.next_offset, refused, input, &mut records);
        }
        self.to_tell.append(&mut records);
    }

    /// What is to leave with the next commit besides what follows from records.
    pub fn take_to_tell(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.to_tell)
    }

    /// Writes rejects that point at partials of which rows could not be used, and at the input that they stand for.
    fn point_at(
        &self,
        query: &str,
        offset: i64,
        refused: Refused,
        input: &str,
        records: &mut Vec<Outgoing>,
    ) {
        let late = format!(
            "{} rows for windows that are final: their source had been idle, raise idle_timeout_s if it is often so, or the query does not wait for it; input: {input}",
            refused.late
        );
        let full = format!(
            "{} rows with new keys, while as many keys are open as may be: raise limits.query_keys_max, for a table limits.table_keys_max; input: {input}",
            refused.full
        );
        for (rows, reason, detail) in [
            (refused.late, RejectReason::LateInMerge, late),
            (refused.full, RejectReason::KeyLimit, full),
        ] {
            let is_hidden = reason == RejectReason::LateInMerge && has(Bug::LateUntold);
            if rows > 0 && !is_hidden {
                let refusal = Refusal {
                    query: query.to_owned(),
                    ..Refusal::new(reason, detail)
                };
                records.push(rejects::outgoing(
                    &self.settings.topics.rejects,
                    &self.partition,
                    offset,
                    self.timestamp_ms,
                    None,
                    &[],
                    &refusal,
                ));
            }
        }
    }

    /// Asserts that no commit of fold was lost or doubled.
    fn cover(&mut self, covered: &Covered) -> Result<(), EngineError> {
        let key = (covered.topic.clone(), covered.partition);
        let expected = self.covered.insert(key, covered.to);
        match expected {
            Some(expected) if expected != covered.from => {
                let partition = format!("{}[{}]", covered.topic, covered.partition);
                if self.is_strict {
                    return Err(EngineError::Gap {
                        partition,
                        expected,
                        found: covered.from,
                    });
                }
                tracing::warn!(
                    partition,
                    expected,
                    found = covered.from,
                    "partials do not continue; rows may count twice"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
