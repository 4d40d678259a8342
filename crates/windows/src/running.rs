//! One query in the second stage: its state, and what of it is computed when.

mod making;
mod memory;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::TaskContext;

use crate::joining::{Join, Makes, Show};
use crate::merge::{Reached, Refused};
use crate::program::Query;
use crate::sql::call::{Kind, tick_schema};
use crate::standing::Standing;
use crate::state::activity::Activity;
use crate::state::constant;
use crate::state::gathered::{Gather, Gathered, Telling};
use crate::state::held::{Held, Spill};
use crate::state::joined::Joined;
use crate::state::keys::Keys;
use crate::state::levels::Levels;
use crate::state::panes::Panes;
use crate::state::revisions::{Revisions, StatKind};
use crate::state::schedule::{Ahead, Due};
use crate::state::sessions::Sessions;
use crate::window::floor;
pub(crate) use making::made_of;
use making::{meeting, reducer};

/// What time it is for all queries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now<'a> {
    /// The instant that is looked at: all before it was computed.
    pub frontier_us: i64,
    /// No row to come is earlier.
    pub reached_us: i64,
    /// Where ticks begin.
    pub begin_us: i64,
    /// The largest row time, if the input has ended: levels and ticks end with it.
    pub horizon_us: Option<i64>,
    /// When rows came.
    pub activity: &'a Activity,
    /// How long levels and ticks go on after a row.
    pub rest_us: i64,
}

impl Now<'_> {
    fn is_over(&self, at_us: i64, every_us: i64) -> bool {
        self.horizon_us
            .is_some_and(|horizon| at_us - every_us > horizon)
    }

    /// The end of the next interval of which the levels are told for good.
    fn next_level(&self, levels: &Levels) -> Option<i64> {
        self.next(levels.next_at()?, levels.every_us(), 0)
    }

    /// The first instant from `from_us` (a multiple of `every_us`) plus `plus_us` on at which something is told.
    fn next(&self, from_us: i64, every_us: i64, plus_us: i64) -> Option<i64> {
        let at = self
            .activity
            .next(from_us, every_us, plus_us, self.rest_us)?;
        (!self.is_over(at, every_us)).then_some(at)
    }
}

pub(crate) enum State {
    Windows(Panes),
    Joined(Joined),
    Sessions(Sessions),
    Gathered(Box<Gathered>),
    Levels(Levels),
    Ticks {
        every_us: i64,
        last_us: Option<i64>,
    },
    /// At an error: what was held is let go.
    Stopped,
}

impl State {
    fn gathered(join: &Join, gather: Gather) -> Self {
        let sides = (join.places.as_slice(), join.reaches.as_slice());
        State::Gathered(Box::new(Gathered::new(&join.windows, sides, gather)))
    }
}

pub(crate) struct Running {
    pub state: State,
    pub revisions: Revisions,
    /// No state of it was restored.
    pub is_new: bool,
    pub standing: Standing,
    /// How long before a window the rows lie that it needs.
    before_us: i64,
    /// It has a frontier of its own.
    pub is_apart: bool,
    keys: Keys,
}

impl Running {
    pub fn new(
        query: &Query,
        ahead: Ahead,
        keys_max: usize,
        spill: Option<&Arc<dyn Spill>>,
    ) -> Result<Self> {
        let state = match &query.kind {
            Kind::Windows(windows) => match &query.join {
                Some(join) => State::Joined(Joined::new(
                    windows.clone(),
                    ahead,
                    &join.places,
                    &join.reaches,
                    matches!(join.makes, Makes::Parts(..))
                        .then(|| Panes::new(windows.clone(), ahead, true, spill)),
                )),
                None if query.by_pane.is_some() => {
                    State::Windows(Panes::by_pane(windows, ahead, spill))
                }
                None => State::Windows(Panes::new(
                    windows.clone(),
                    ahead,
                    query.reduce.is_some(),
                    spill,
                )),
            },
            Kind::Session(rule) => match &query.join {
                Some(join) => State::gathered(
                    join,
                    Gather::Sessions(Sessions::new(rule, &query.partial_schema, keys_max, false)?),
                ),
                None => State::Sessions(Sessions::new(
                    rule,
                    &query.partial_schema,
                    keys_max,
                    query.is_window_by_window(),
                )?),
            },
            Kind::Level { every_us, keys } => {
                let levels = |ahead| {
                    let schema = Arc::clone(&query.leaf_schema);
                    Levels::new(*every_us, keys, schema, ahead, keys_max)
                };
                match &query.join {
                    Some(join) => State::gathered(join, Gather::Levels(levels(Ahead::default())?)),
                    None => {
                        let early_us = None;
                        State::Levels(levels(Ahead { early_us, ..ahead })?)
                    }
                }
            }
            Kind::Tick { every_us } => State::Ticks {
                every_us: *every_us,
                last_us: None,
            },
        };
        Ok(Running {
            is_new: true,
            standing: Standing::default(),
            before_us: before_us(query),
            is_apart: false,
            state,
            revisions: Revisions::new(&query.schema, &query.key_columns)?,
            keys: Keys::new(&query.partial_schema, &query.group_columns, keys_max)?,
        })
    }

    /// Takes partials of one of the query's inputs in. `is_news`: they were not told ahead of the final rows, as rows are
    /// that wait.
    pub fn absorb(
        &mut self,
        query: &Query,
        task: &Arc<TaskContext>,
        side: usize,
        batch: &RecordBatch,
        is_news: bool,
    ) -> Result<Refused> {
        let (rows, full) = match &self.state {
            State::Windows(panes) => self
                .keys
                .admit(batch, panes.size().1, &|visit| panes.visit(visit))?,
            _ => (batch.clone(), 0),
        };
        match &mut self.state {
            State::Windows(panes) => {
                let late = match query.by_pane {
                    // They are rows yet.
                    Some(_) => panes.absorb(&rows, is_news, &mut Ok)?,
                    None => panes.absorb(&rows, is_news, &mut reducer(query, task))?,
                };
                Ok(Refused { late, full })
            }
            State::Joined(joined) => {
                let late = joined.absorb(side, &rows)?;
                Ok(Refused { late, full })
            }
            State::Gathered(gathered) => {
                let late = gathered.joined().absorb(side, &rows)?;
                Ok(Refused { late, full })
            }
            State::Sessions(sessions) => sessions.absorb(&rows, &mut reducer(query, task)),
            State::Levels(levels) => levels.absorb(&rows),
            State::Ticks { .. } | State::Stopped => Ok(Refused::default()),
        }
    }

    /// Takes out again what one of the query's inputs made of rows that were taken in at once.
    pub fn take_back(&mut self, side: usize, batch: &RecordBatch) -> Result<()> {
        match &mut self.state {
            State::Joined(joined) => joined.take_back(side, batch),
            State::Gathered(gathered) => gathered.joined().take_back(side, batch),
            State::Levels(levels) => levels.take_back(batch),
            // They take in what is final.
            State::Windows(_) | State::Sessions(_) => Ok(()),
            State::Ticks { .. } | State::Stopped => Ok(()),
        }
    }

    /// How many joined rows with new keys were left out since this was asked last.
    pub fn take_full(&mut self) -> usize {
        match &mut self.state {
            State::Gathered(gathered) => gathered.take_full(),
            _ => 0,
        }
    }

    /// Stops for good.
    pub fn stop(&mut self) {
        self.state = State::Stopped;
    }

    /// True after [`Self::stop`].
    pub fn has_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    /// The next instant at which [`Self::due`] has something to say.
    pub fn next_at(&self, now: Now<'_>) -> Option<i64> {
        let cap_us = self.standing.cap_us;
        let at_us = match &self.state {
            State::Windows(panes) => panes.next_at(now.horizon_us.is_none()),
            State::Joined(joined) => joined.next_at(now.horizon_us.is_none()),
            State::Sessions(sessions) => sessions.next_at(now.frontier_us.min(cap_us)),
            State::Gathered(gathered) => gathered.next_at(&|levels| now.next_level(levels)),
            State::Levels(levels) => {
                let ahead = match now.horizon_us {
                    None => levels.next_ahead(&|end_us| now.next(end_us, levels.every_us(), 0)),
                    Some(_) => None,
                };
                now.next_level(levels).into_iter().chain(ahead).min()
            }
            State::Ticks { every_us, last_us } => {
                let after = last_us.unwrap_or(now.begin_us);
                // A tick T reads all rows up to and including T, so that it comes one microsecond later.
                now.next(floor(after, *every_us) + every_us, *every_us, 1)
            }
            State::Stopped => None,
        };
        at_us.filter(|&at_us| at_us <= cap_us)
    }

    /// How long before a window the rows lie that it needs, microseconds.
    pub fn before_us(&self) -> i64 {
        self.before_us
    }

    /// True if it has seen all rows of a window; else nothing is told of it.
    pub fn has_all_of(&self, due: Due) -> bool {
        self.standing.has_all_of(due, self.before_us)
    }

    /// Takes over what another has seen of the same query.
    pub fn adopt(&mut self, other: Running) {
        self.state = other.state;
        // It may have read other tables than those that are here.
        self.table_changed(i64::MIN);
        self.revisions = other.revisions;
        self.keys = other.keys;
    }

    /// What is to be computed at `at_us`, with its rows; those of panes and joins are asked for one window after the other,
    /// by [`Self::window`]. `show` puts settled versions of tables in.
    pub fn due(
        &mut self,
        query: &Query,
        task: &Arc<TaskContext>,
        at_us: i64,
        now: Now<'_>,
        show: &mut Show<'_>,
    ) -> Result<Vec<(Due, Option<Vec<Held>>)>> {
        let is_due = self.next_at(now) == Some(at_us);
        let last = |start_us, end_us| Due {
            start_us,
            end_us,
            kind: StatKind::Final,
        };
        match &mut self.state {
            State::Windows(panes) => {
                let due = panes.due(at_us, now.reached_us).into_iter();
                Ok(due.map(|due| (due, None)).collect())
            }
            State::Joined(joined) => {
                let due = joined.due(at_us, now.reached_us).into_iter();
                Ok(due.map(|due| (due, None)).collect())
            }
            State::Gathered(gathered) => {
                let (standing, before_us) = (self.standing, self.before_us);
                let telling = Telling {
                    is_told: &|due| {
                        standing.has_all_of(due, before_us) && !standing.was_told(at_us)
                    },
                    next_level: &|levels| now.next_level(levels),
                };
                let mut meet = meeting(query, task, show);
                let told = gathered.due(at_us, now.reached_us, &telling, &mut meet)?;
                let told = told.into_iter();
                let told = told.map(|(due, rows)| (due, Some(vec![rows.into()])));
                Ok(told.collect())
            }
            State::Levels(levels) => level_rows(levels, at_us, now),
            State::Stopped => Ok(Vec::new()),
            _ if !is_due => Ok(Vec::new()),
            State::Sessions(sessions) => {
                let (standing, before_us) = (self.standing, self.before_us);
                let is_told = |due: Due| {
                    standing.has_all_of(due, before_us) && !standing.was_told(due.end_us)
                };
                let closed = sessions.close(at_us, &is_told)?.into_iter();
                let closed = closed.map(|(due, rows)| (due, Some(vec![rows.into()])));
                Ok(closed.collect())
            }
            State::Ticks { every_us, last_us } => {
                let tick_us = at_us - 1;
                *last_us = Some(tick_us);
                let start_us = tick_us - *every_us;
                let columns = [start_us, tick_us, tick_us].map(|instant| constant(instant, 1));
                let row = RecordBatch::try_new(tick_schema(), columns.to_vec())?;
                Ok(vec![(last(start_us, tick_us), Some(vec![row.into()]))])
            }
        }
    }

    /// The rows of one of the windows that are due. `show` puts tables in.
    pub fn window(
        &mut self,
        query: &Query,
        task: &Arc<TaskContext>,
        due: Due,
        at_us: i64,
        show: &mut Show<'_>,
    ) -> Result<Vec<Held>> {
        match &mut self.state {
            State::Windows(panes) => {
                let mut make = |span, rows| made_of(query, task, (span, rows), show);
                panes.window_by_pane(due, at_us, &mut make, &mut reducer(query, task))
            }
            State::Joined(joined) => {
                let mut meet = meeting(query, task, show);
                joined.window(due, at_us, &mut meet, &mut reducer(query, task))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Versions of a table that the query reads are others from an instant on.
    pub fn table_changed(&mut self, from_us: i64) {
        if let State::Windows(panes) = &mut self.state {
            panes.forget_parts(from_us);
        }
    }

    /// Forgets what nothing after `at_us` needs.
    pub fn close(&mut self, at_us: i64) {
        match &mut self.state {
            State::Windows(panes) => {
                let has_closed = panes.close(at_us);
                if has_closed {
                    self.keys.closed();
                }
            }
            State::Joined(joined) => joined.close(at_us),
            State::Gathered(gathered) => gathered.joined().close(at_us),
            State::Levels(levels) => levels.pass(at_us),
            _ => {}
        }
    }

    /// Nothing is due up to the frontier. Where the input has ended it may go on later, behind its last row.
    pub fn pass(&mut self, reached: &Reached) {
        if reached.horizon_us.is_none() && reached.frontier_us <= self.standing.cap_us {
            self.close(reached.frontier_us);
            let standing = &mut self.standing;
            standing.passed_us = standing.passed_us.max(reached.frontier_us);
        }
    }

    /// The oldest row that a session waits with to be told; windows go back no further than they are long.
    pub fn oldest_us(&self) -> Option<i64> {
        match &self.state {
            State::Sessions(sessions) => sessions.oldest_us(),
            State::Gathered(gathered) => gathered.oldest_us(),
            _ => None,
        }
    }

    /// Open windows or keys, and rows held.
    pub fn size(&self) -> (usize, usize) {
        match &self.state {
            State::Windows(panes) => panes.size(),
            State::Joined(joined) => joined.size(),
            State::Gathered(gathered) => gathered.size(),
            State::Sessions(sessions) => sessions.size(),
            State::Levels(levels) => levels.size(),
            State::Ticks { .. } | State::Stopped => (0, 0),
        }
    }
}

/// How long before its start the rows lie that a window needs.
fn before_us(query: &Query) -> i64 {
    let before = query.reaches().map(|reach| reach.before_us).max();
    let before_us = before.unwrap_or_default();
    match &query.kind {
        // A row within the gap before the first one would have been of the same session.
        Kind::Session(rule) => rule.gap_us.saturating_add(before_us),
        _ => before_us,
    }
}

/// What is told of levels at an instant: the interval that closes, then those of which it is told ahead.
fn level_rows(
    levels: &mut Levels,
    at_us: i64,
    now: Now<'_>,
) -> Result<Vec<(Due, Option<Vec<Held>>)>> {
    let every_us = levels.every_us();
    let mut told = Vec::new();
    if now.next_level(levels) == Some(at_us) {
        let due = Due {
            start_us: at_us - every_us,
            end_us: at_us,
            kind: StatKind::Final,
        };
        told.push((due, Some(vec![levels.close(at_us)?.into()])));
    }
    for due in levels.ahead_at(at_us, now.reached_us) {
        if now.next(due.end_us, every_us, 0) == Some(due.end_us) {
            told.push((due, Some(vec![levels.known(due)?.into()])));
        }
    }
    Ok(told)
}
