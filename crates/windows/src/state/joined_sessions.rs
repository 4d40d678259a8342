//! Sessions of joined rows. Streams are joined pane by pane, each pane once it is complete; what comes of it goes into sessions
//! as the rows of one stream do, and a session is told once all panes are joined that it could go on in.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;

use super::held::{Bytes, Held, Wanted};
use super::joined::{Joined, Meet, Place, Reach};
use super::saved::{Part, Saved, unknown};
use super::schedule::{Ahead, Due};
use super::sessions::Sessions;
use crate::sql::call::SessionRule;
use crate::window::Windows;

/// Panes are at most so long for the sake of the gap: a session is told up to a pane later.
const PANE_MOST_US: i64 = 60_000_000;
/// They are at least so long.
const PANE_LEAST_US: i64 = 1_000_000;

/// The panes in which streams are joined for sessions. Each pane is joined with the rows that its own can meet, so that a row is
/// read some five times where it meets rows far away, and a session is told late by a part of what it waits for anyway.
pub fn panes(rule: &SessionRule, reaches: impl Iterator<Item = Reach>) -> Option<Windows> {
    let widest_us = reaches.map(|reach| reach.before_us.saturating_add(reach.after_us));
    let of_reach_us = widest_us.max().unwrap_or_default() / 4;
    let of_gap_us = (rule.gap_us / 4).min(PANE_MOST_US);
    let length_us = of_gap_us.max(of_reach_us).max(PANE_LEAST_US);
    Windows::new(length_us, length_us)
}

/// The streams of one query, and the open sessions of their joined rows.
#[derive(Debug)]
pub struct JoinedSessions {
    windows: Windows,
    joined: Joined,
    sessions: Sessions,
}

impl JoinedSessions {
    /// No rows yet. `windows` are those of [`panes`]; `places` and `sides` as for [`Joined::new`], `schema` as for [`Sessions::new`].
    pub fn new(
        windows: &Windows,
        (places, sides): (&[Place], &[(Reach, String)]),
        rule: &SessionRule,
        schema: &SchemaRef,
    ) -> Result<Self> {
        let joined = Joined::new(windows.clone(), Ahead::default(), places, sides, None);
        Ok(JoinedSessions {
            windows: windows.clone(),
            joined,
            // Whole rows are bounded by memory, as those of other joins are.
            sessions: Sessions::new(rule, schema, usize::MAX, false)?,
        })
    }

    /// The streams that are joined.
    pub fn joined(&mut self) -> &mut Joined {
        &mut self.joined
    }

    /// The next instant at which [`Self::due`] has something to join, to say or to forget.
    pub fn next_at(&self) -> Option<i64> {
        let ended = self.sessions.first_end();
        // What is joined with the pane of its end may go on with it.
        let ended = ended.map(|end_us| self.windows.pane(end_us - 1).1);
        let ended = ended.map(|end_us| end_us.saturating_add(self.joined.delay_us()));
        self.joined.next_at(false).into_iter().chain(ended).min()
    }

    /// The start of the oldest session that is open.
    pub fn oldest_us(&self) -> Option<i64> {
        self.sessions.oldest_us()
    }

    /// Joins the pane that is complete at `at_us`, and returns the rows of the sessions that end with it, as
    /// [`Sessions::close`] does. `meet` makes joined rows with the bounds of their sessions.
    pub fn due(
        &mut self,
        at_us: i64,
        reached_us: i64,
        is_told: &dyn Fn(Due) -> bool,
        meet: &mut Meet<'_>,
    ) -> Result<Vec<(Due, RecordBatch)>> {
        for due in self.joined.due(at_us, reached_us) {
            for rows in self.joined.window(due, at_us, meet, &mut Ok)? {
                self.sessions.absorb(&rows.load()?, &mut Ok)?;
            }
        }
        let end_us = at_us.saturating_sub(self.joined.delay_us());
        match self.windows.start_of(end_us) {
            Some(_) => self.sessions.close(end_us, is_told),
            None => Ok(Vec::new()),
        }
    }

    /// Open panes and sessions, and rows held.
    pub fn size(&self) -> (usize, usize) {
        let ((panes, rows), (sessions, of_sessions)) = (self.joined.size(), self.sessions.size());
        (panes + sessions, rows + of_sessions)
    }

    /// What they take in memory.
    pub fn bytes(&self) -> Bytes {
        let joined = self.joined.bytes();
        Bytes {
            here: joined.here + self.sessions.bytes(),
            ..joined
        }
    }

    /// The rows that may be kept away: those of the streams.
    pub fn wanted(&self, bytes_min: usize) -> Vec<Wanted> {
        self.joined.wanted(bytes_min)
    }

    /// The rows at one place.
    pub fn rows_at(&mut self, wanted: &Wanted) -> Option<&mut Vec<Held>> {
        self.joined.rows_at(wanted)
    }

    /// Behind the rows of the streams come those of the sessions, and their instant in place of what changed since it was told.
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let mut all = self.joined.save();
        let behind = self.joined.sides();
        all.extend(self.sessions.save()?.into_iter().map(|saved| Saved {
            part: match saved.part {
                Part::Rows(_) => Part::Rows(behind),
                _ => Part::Pending,
            },
            ..saved
        }));
        Ok(all)
    }

    pub(crate) fn restore(
        &mut self,
        part: Part,
        numbers: &[i64],
        rows: Option<&RecordBatch>,
    ) -> Result<()> {
        match part {
            Part::Rows(index) if index == self.joined.sides() => {
                self.sessions.restore(Part::Rows(0), numbers, rows)
            }
            Part::Pending => self.sessions.restore(Part::Numbers, numbers, rows),
            Part::Changed => unknown(part),
            part => self.joined.restore(part, numbers, rows),
        }
    }
}
