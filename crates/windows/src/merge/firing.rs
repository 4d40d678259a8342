//! One instant of the agenda, query by query and window by window: what leaves can be handed on before the next is
//! computed, however many windows end at once.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::settle::within;
use super::{AsOf, Merge, Output, Reached, fill};
use crate::error::QueryError;
use crate::running::{Now, made_of};
use crate::sql::session::{concatenate, run};
use crate::state::held::Held;
use crate::state::schedule::Due;
use crate::state::tables::Span;

/// What is left to compute of an instant.
#[derive(Debug)]
pub struct Firing {
    at_us: i64,
    reached: Reached,
    /// The one query that is computed; else all that have no frontier of their own.
    apart: Option<usize>,
    /// How many queries are done, in the order of their names.
    done: usize,
    /// What is left of the next one, once it was asked. Rows are there where they were taken out of its state.
    due: Option<VecDeque<(Due, Option<Vec<Held>>)>>,
    /// Rows that are computed and have not left: where a query tells several sessions at an instant, none of them leaves before all
    /// are computed, so that a query which fails has told all of an instant or nothing.
    ready: VecDeque<Output>,
    /// The next query has something due.
    has_due: bool,
    /// What the query would have of the rows that wait, once it was asked.
    waiting: Option<Vec<RecordBatch>>,
}

impl Firing {
    fn new(at_us: i64, reached: &Reached, apart: Option<usize>) -> Self {
        Firing {
            at_us,
            reached: *reached,
            apart,
            done: 0,
            due: None,
            ready: VecDeque::new(),
            has_due: false,
            waiting: None,
        }
    }

    /// The instant.
    pub fn at_us(&self) -> i64 {
        self.at_us
    }

    /// Goes on to the next query.
    fn pass(&mut self) {
        self.done += 1;
        self.due = None;
        self.ready.clear();
        self.has_due = false;
        self.waiting = None;
    }
}

impl Merge {
    /// Begins with the instant `at_us`; nothing is absorbed until [`Self::fire_next`] has told the last of it.
    pub fn begin_firing(&mut self, at_us: i64, reached: &Reached) -> Firing {
        self.advance_tables(at_us);
        Firing::new(at_us, reached, None)
    }

    /// As [`Self::begin_firing`], for a query with a frontier of its own; none if it has none.
    pub fn begin_firing_of(&self, query: &str, at_us: i64, reached: &Reached) -> Option<Firing> {
        let place = self.apart(query)?;
        Some(Firing::new(at_us, reached, Some(place)))
    }

    /// The next rows that leave, or the next query that stops; none once all is told.
    pub fn fire_next(&mut self, firing: &mut Firing) -> Option<Result<Output, QueryError>> {
        while let Some(place) = self.next_place(firing) {
            let told = match self.is_due(place, firing) {
                true => self.fire_window(place, firing),
                false => Ok(None),
            };
            match told {
                Ok(Some(output)) => return Some(Ok(output)),
                Ok(None) => firing.pass(),
                Err(error) => {
                    firing.pass();
                    self.running[place].stop();
                    let name = &self.program.queries[place].name;
                    return Some(Err(QueryError::new(name, error)));
                }
            }
        }
        if firing.apart.is_none() {
            let queries = self.program.queries.iter().zip(&self.running);
            // Whose rows a session waits with, may read versions of then.
            let readers = queries.filter(|(query, _)| self.program.reads_history(query));
            let oldest = readers.filter_map(|(_, running)| running.oldest_us());
            let before_us = firing.at_us.saturating_sub(self.history_us);
            let before_us = oldest.fold(before_us, i64::min);
            for table in &mut self.tables {
                table.prune(before_us);
            }
            self.activity
                .prune(firing.at_us, self.rest_us.max(self.history_us));
        }
        None
    }

    /// Queries over joined streams that have left rows out since this was asked last, and how many: their keys were new, and as
    /// many were open as may be. Which rows meet is known when their time has come, and so is what there is no room for.
    pub fn take_full(&mut self) -> Vec<(String, usize)> {
        let running = self.program.queries.iter().zip(&mut self.running);
        let full = running.map(|(query, running)| (&query.name, running.take_full()));
        let full = full.filter(|(_, full)| *full > 0);
        full.map(|(name, full)| (name.clone(), full)).collect()
    }

    /// False for queries that are held, and for those that have passed the instant: it is one of a query that comes behind
    /// them.
    fn is_due(&self, place: usize, firing: &Firing) -> bool {
        if firing.due.is_some() {
            // In the middle of it: what is left may have been taken out of its state.
            return true;
        }
        let running = &self.running[place];
        let is_behind = || {
            let next_at = running.next_at(self.now(firing.at_us, &firing.reached));
            next_at.is_some_and(|next_at| next_at <= firing.at_us)
        };
        let standing = running.standing;
        !running.has_stopped()
            && firing.at_us <= standing.cap_us
            && (running.is_apart || standing.passed_us < firing.at_us || is_behind())
    }

    fn next_place(&self, firing: &mut Firing) -> Option<usize> {
        match firing.apart {
            Some(place) => (firing.done == 0).then_some(place),
            None => loop {
                let place = *self.order.get(firing.done)?;
                if !self.running[place].is_apart {
                    return Some(place);
                }
                firing.pass();
            },
        }
    }

    /// The rows of the next window of a query that has any; none once it has told all.
    fn fire_window(&mut self, place: usize, firing: &mut Firing) -> Result<Option<Output>> {
        let mut left = match firing.due.take() {
            Some(left) => left,
            None => {
                // Not by `now`: the query changes while the time is looked at.
                let now = Now {
                    frontier_us: firing.at_us,
                    reached_us: firing.reached.frontier_us,
                    begin_us: firing.reached.begin_us,
                    horizon_us: firing.reached.horizon_us,
                    activity: &self.activity,
                    rest_us: self.rest_us,
                };
                let program = &self.program;
                let (query, task, tables) =
                    (&program.queries[place], &program.task, &mut self.tables);
                let names = Some(query.tables.as_slice());
                let mut show = |span| fill(program, tables, names, (AsOf::Agenda, span));
                let due = self.running[place].due(query, task, firing.at_us, now, &mut show)?;
                firing.has_due = !due.is_empty();
                due.into()
            }
        };
        if self.running[place].standing.was_told(firing.at_us) {
            // By another, and with revisions of its own.
            left.clear();
        }
        if let Some(output) = firing.ready.pop_front() {
            firing.due = Some(left);
            return Ok(Some(output));
        }
        while let Some((due, rows)) = left.pop_front() {
            let is_last = left.front().is_none_or(|(next, _)| !next.is_final());
            let output = match self.running[place].has_all_of(due) {
                true => self.compute(place, due, rows, firing),
                false => self.withdraw(place, due),
            };
            if output.is_err() && !due.is_final() {
                // The final rows of the instant have left: they come first.
                self.running[place].standing.done_us = firing.at_us;
            }
            firing.ready.extend(output?);
            if is_last && let Some(output) = firing.ready.pop_front() {
                firing.due = Some(left);
                return Ok(Some(output));
            }
        }
        self.running[place].close(firing.at_us);
        let standing = &mut self.running[place].standing;
        standing.passed_us = firing.at_us;
        if firing.has_due {
            standing.done_us = firing.at_us;
        }
        Ok(None)
    }

    /// A window of which not all was seen after all: what was told ahead of it is withdrawn, once it would be final.
    fn withdraw(&mut self, place: usize, due: Due) -> Result<Option<Output>> {
        let window = (due.start_us, due.end_us);
        let running = &mut self.running[place];
        if !due.is_final() || !running.revisions.has_told(window) {
            return Ok(None);
        }
        let none = RecordBatch::new_empty(Arc::clone(&self.program.queries[place].schema));
        let first = running.standing.first_revision;
        let rows = running.revisions.number(window, due.kind, &none, first)?;
        Ok(Some(Output {
            query: place,
            is_final: true,
            rows,
        }))
    }

    /// One window that is due; `rows` are its rows where they were taken out of the query's state.
    fn compute(
        &mut self,
        place: usize,
        due: Due,
        rows: Option<Vec<Held>>,
        firing: &mut Firing,
    ) -> Result<Option<Output>> {
        let program = Arc::clone(&self.program);
        let query = &program.queries[place];
        let Merge {
            running, tables, ..
        } = self;
        let mut show = |span| fill(&program, tables, Some(&query.tables), (AsOf::of(due), span));
        let mut rows = match rows {
            Some(rows) => rows,
            None => running[place].window(query, &program.task, due, firing.at_us, &mut show)?,
        };
        if !due.is_final() || firing.at_us > self.settled_us {
            let waiting = match firing.waiting.take() {
                Some(waiting) => waiting,
                None => self.waiting_of(place)?,
            };
            let lacking = within(&waiting, due)?.into_iter().map(Held::from).collect();
            let span = Span {
                from_us: due.start_us,
                to_us: due.end_us,
            };
            let tables = &mut self.tables;
            let mut show =
                |span| fill(&program, tables, Some(&query.tables), (AsOf::of(due), span));
            let lacking = made_of(query, &program.task, (span, lacking), &mut show)?;
            rows.extend(lacking.into_iter().map(Held::from));
            firing.waiting = Some(waiting);
        }
        self.finish(place, due, rows)
    }

    /// Runs the last part of a query over the rows of a window.
    fn finish(&mut self, place: usize, due: Due, rows: Vec<Held>) -> Result<Option<Output>> {
        let window = (due.start_us, due.end_us);
        let is_empty = rows.iter().all(|rows| rows.num_rows() == 0);
        if is_empty && !self.running[place].revisions.has_told(window) {
            return Ok(None);
        }
        let program = Arc::clone(&self.program);
        let query = &program.queries[place];
        if query.finish_reads_tables {
            self.fill_tables(Some(&query.tables), AsOf::of(due))?;
        }
        let (slot, plan) = &query.finish;
        slot.fill_held(rows);
        let batches = run(plan, &program.task);
        slot.fill(Vec::new());
        // In an order that does not hang on which partial came first.
        let rows = crate::bounded::sorted(&concatenate(&query.schema, &batches?)?)?;
        let running = &mut self.running[place];
        let first = running.standing.first_revision;
        let rows = running.revisions.number(window, due.kind, &rows, first)?;
        Ok((rows.num_rows() > 0).then_some(Output {
            query: place,
            is_final: due.is_final(),
            rows,
        }))
    }
}
