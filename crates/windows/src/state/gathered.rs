//! What is gathered of joined rows: sessions and levels. Streams are joined pane by pane, each pane once it is complete; what comes
//! of it goes into sessions or levels as what fold makes of one stream does. A session is told once all panes are joined that it
//! could go on in, a level with the pane of its interval.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::held::{Bytes, Held, Wanted};
use super::joined::{Joined, Meet, Place, Reach};
use super::levels::Levels;
use super::revisions::StatKind;
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

/// What joined rows go into.
#[derive(Debug)]
pub enum Gather {
    /// The rows, with the bounds of their sessions.
    Sessions(Sessions),
    /// Sums of changes by interval and key.
    Levels(Levels),
}

/// What [`Gathered::due`] asks of the query.
pub struct Telling<'a> {
    /// Is a session told that ends?
    pub is_told: &'a dyn Fn(Due) -> bool,
    /// The end of the next interval of which levels are told.
    pub next_level: &'a dyn Fn(&Levels) -> Option<i64>,
}

/// The streams of one query, and what is open of their joined rows.
#[derive(Debug)]
pub struct Gathered {
    windows: Windows,
    joined: Joined,
    gather: Gather,
    /// Joined rows that were left out since it was asked: their keys were new, and as many are open as may be.
    full: usize,
}

impl Gathered {
    /// No rows yet. `windows` are the panes in which streams are joined: for levels their intervals, for sessions those of [`panes`].
    /// `places` and `sides` as for [`Joined::new`].
    pub fn new(
        windows: &Windows,
        (places, sides): (&[Place], &[(Reach, String)]),
        gather: Gather,
    ) -> Self {
        Gathered {
            windows: windows.clone(),
            joined: Joined::new(windows.clone(), Ahead::default(), places, sides, None),
            gather,
            full: 0,
        }
    }

    /// The streams that are joined.
    pub fn joined(&mut self) -> &mut Joined {
        &mut self.joined
    }

    /// The next instant at which [`Self::due`] has something to join, to say or to forget.
    pub fn next_at(&self, next_level: &dyn Fn(&Levels) -> Option<i64>) -> Option<i64> {
        let end_us = match &self.gather {
            Gather::Sessions(sessions) => sessions.first_end(),
            Gather::Levels(levels) => next_level(levels),
        };
        let at_us = end_us.map(|end_us| self.complete_us(end_us));
        self.joined.next_at(false).into_iter().chain(at_us).min()
    }

    /// When all panes are joined that begin before an instant.
    fn complete_us(&self, end_us: i64) -> i64 {
        let (_, pane_end_us) = self.windows.pane(end_us - 1);
        pane_end_us.saturating_add(self.joined.delay_us())
    }

    /// The start of the oldest session that is open.
    pub fn oldest_us(&self) -> Option<i64> {
        match &self.gather {
            Gather::Sessions(sessions) => sessions.oldest_us(),
            Gather::Levels(_) => None,
        }
    }

    /// Joins the pane that is complete at `at_us`, and returns what is told then, window by window. `meet` makes joined rows with
    /// the bounds of their sessions, or sums of changes.
    pub fn due(
        &mut self,
        at_us: i64,
        reached_us: i64,
        telling: &Telling<'_>,
        meet: &mut Meet<'_>,
    ) -> Result<Vec<(Due, RecordBatch)>> {
        for due in self.joined.due(at_us, reached_us) {
            for rows in self.joined.window(due, at_us, meet, &mut Ok)? {
                let rows = rows.load()?;
                let refused = match &mut self.gather {
                    Gather::Sessions(sessions) => sessions.absorb(&rows, &mut Ok)?,
                    Gather::Levels(levels) => levels.absorb(&rows)?,
                };
                self.full += refused.full;
            }
        }
        let end_us = at_us.saturating_sub(self.joined.delay_us());
        match &mut self.gather {
            Gather::Sessions(sessions) => match self.windows.start_of(end_us) {
                Some(_) => sessions.close(end_us, telling.is_told),
                None => Ok(Vec::new()),
            },
            Gather::Levels(levels) if (telling.next_level)(levels) == Some(end_us) => {
                let due = Due {
                    start_us: end_us - levels.every_us(),
                    end_us,
                    kind: StatKind::Final,
                };
                Ok(vec![(due, levels.close(end_us)?)])
            }
            Gather::Levels(_) => Ok(Vec::new()),
        }
    }

    /// How many joined rows were left out since this was asked last.
    pub fn take_full(&mut self) -> usize {
        std::mem::take(&mut self.full)
    }

    /// Open panes and sessions or keys, and rows held.
    pub fn size(&self) -> (usize, usize) {
        let (panes, rows) = self.joined.size();
        let (open, more) = match &self.gather {
            Gather::Sessions(sessions) => sessions.size(),
            Gather::Levels(levels) => levels.size(),
        };
        (panes + open, rows + more)
    }

    /// What they take in memory.
    pub fn bytes(&self) -> Bytes {
        let joined = self.joined.bytes();
        let gathered = match &self.gather {
            Gather::Sessions(sessions) => sessions.bytes(),
            Gather::Levels(levels) => levels.bytes(),
        };
        Bytes {
            here: joined.here + gathered,
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

    /// Behind the rows of the streams come those of sessions, or of levels and of what changes them, and their instant in place of
    /// what changed since it was told.
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let mut all = self.joined.save();
        let behind = self.joined.sides();
        let gathered = match &self.gather {
            Gather::Sessions(sessions) => sessions.save()?,
            Gather::Levels(levels) => levels.save()?,
        };
        all.extend(gathered.into_iter().map(|saved| Saved {
            part: match saved.part {
                Part::Rows(_) | Part::Live => Part::Rows(behind),
                Part::Pending => Part::Rows(behind + 1),
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
        let behind = self.joined.sides();
        let gathered = match (part, &self.gather) {
            (Part::Rows(index), Gather::Sessions(_)) if index == behind => Part::Rows(0),
            (Part::Rows(index), Gather::Levels(_)) if index == behind => Part::Live,
            (Part::Rows(index), Gather::Levels(_)) if index == behind + 1 => Part::Pending,
            (Part::Pending, _) => Part::Numbers,
            (Part::Changed, _) => return unknown(part),
            _ => return self.joined.restore(part, numbers, rows),
        };
        match &mut self.gather {
            Gather::Sessions(sessions) => sessions.restore(gathered, numbers, rows),
            Gather::Levels(levels) => levels.restore(gathered, numbers, rows),
        }
    }
}
