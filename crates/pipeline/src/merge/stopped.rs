//! Queries that stop at an error, and how whichever text has their name next goes on from there.

use super::Merge;
use crate::backfill::BackfillFrom;
use crate::planted::{Bug, has};
use crate::roster::Stop;

impl Merge {
    /// What of a query was told before, if one of its name stopped, and where it begins: with the first window that was not.
    pub(super) fn goes_on_from(&self, query: usize) -> Option<(Option<i64>, BackfillFrom)> {
        let is_off = self.settings.snapshots.interval.is_zero() || has(Bug::MendedFromNow);
        if self.settings.backfill.is_some() || is_off {
            return None;
        }
        let name = &self.state.program().queries[query].name;
        let stop = self.roster.stop(name)?;
        let delay_us = self.state.program().queries[query].delay_us();
        let told_us = stop.ended_us.map(|ended_us| ended_us + delay_us);
        Some((told_us, self.begins_behind(query, stop)))
    }

    /// Where the input is to be read from for the first window of a query that was not told.
    pub(super) fn begins_behind(&self, query: usize, stop: Stop) -> BackfillFrom {
        let query = &self.state.program().queries[query];
        let first_us = match stop.ended_us {
            Some(ended_us) => query.first_open(ended_us).max(stop.whole_from_us),
            None => stop.whole_from_us,
        };
        // What hangs on all that came before is read from the beginning.
        let first_us = first_us.filter(|&first_us| query.first_open(first_us).is_some());
        first_us.map_or(BackfillFrom::Earliest, BackfillFrom::Instant)
    }

    /// Notes that a query stopped at an error.
    pub(super) fn note_stop(&mut self, query: &str) {
        let held = self.held.iter();
        let mut held = held.filter(|held| self.state.program().queries[held.query].name == query);
        let told_us = match held.next() {
            Some(held) => held.entry.told_us,
            None => self.state.done_us(query),
        };
        let program = self.state.program();
        let Some(known) = program.queries.iter().find(|known| known.name == query) else {
            return;
        };
        let whole_from_us = self.state.whole_from_us(&known.name, known.fingerprint);
        if told_us.is_none() && whole_from_us == i64::MAX {
            // It has told nothing, and nobody knows yet from where on it would have.
            return;
        }
        let whole_from_us = Some(whole_from_us).filter(|us| (i64::MIN + 1..i64::MAX).contains(us));
        let ended_us = told_us.map(|told_us| told_us - known.delay_us());
        let stop = Stop {
            // Windows that end before they are whole are told by none: a text of before may have told them.
            ended_us: ended_us.max(whole_from_us),
            whole_from_us,
        };
        let before = self.roster.stop(query);
        self.roster.note_stop(query, stop);
        self.has_news |= self.roster.stop(query) != before;
    }

    /// True if the roster has changed since this was asked.
    pub fn has_roster_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }
}
