//! What follows from one record of partials, in parts: thousands of windows may be due at once, and neither memory nor a
//! transaction need hold all that they tell.
//!
//! The order is fixed: rejects, then instant by instant, at each the queries by name, then the planners; then the queries with
//! a frontier of their own, then the tick of the clock. So a [`Mark`] says what has left already. It is committed with the part that it ends, and whoever takes over computes the record again and
//! hands out what lies behind the mark alone.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::RecordBatch;
use events::encode;
use events::internal::Tick;
use windows::frontier::Frontier;
use windows::merge::{Firing, Output, Reached};
use windows::program::Query;

use super::Merge;
use crate::error::EngineError;
use crate::log::{Outgoing, Partition};
use crate::outcome::Tally;
use crate::planted::{Bug, has};
use crate::roster::Last;
use crate::settings::Settings;
use crate::ticks::TickBy;

/// What tells records, in the order in which they leave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Rows that were refused.
    Rejects,
    /// The queries by name, at an instant of the agenda; the planners of that instant come behind them.
    Query(i64, String),
    /// A query with a frontier of its own.
    Apart(String, i64),
    /// The planners, at a tick of the clock.
    Tick,
}

/// A name behind those of all queries.
const PLANNERS: &str = "\u{10ffff}";

/// A place in what follows from one record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    place: Place,
    /// How many of the records that are told there have left.
    records: usize,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, at_us, name) = match &self.place {
            Place::Rejects => ("rejects", 0, ""),
            Place::Query(at_us, name) if name == PLANNERS => ("planners", *at_us, ""),
            Place::Query(at_us, name) => ("query", *at_us, name.as_str()),
            Place::Apart(name, at_us) => ("apart", *at_us, name.as_str()),
            Place::Tick => ("tick", 0, ""),
        };
        write!(f, "{kind} {at_us} {} {name}", self.records)
    }
}

impl Mark {
    /// The last of what has left.
    pub fn last(&self) -> Last<'_> {
        match &self.place {
            Place::Rejects => Last::Rejects,
            Place::Query(at_us, name) => Last::Query(*at_us, name),
            Place::Apart(name, at_us) => Last::Apart(name, *at_us),
            Place::Tick => Last::Behind,
        }
    }
}

impl FromStr for Mark {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || {
            EngineError::State(format!(
                "the committed position within a record, `{text}`, cannot be read: start the version that wrote it"
            ))
        };
        let mut words = text.splitn(4, ' ');
        let mut word = || words.next().ok_or_else(fault);
        let kind = word()?;
        let at_us = word()?.parse().map_err(|_| fault())?;
        let records = word()?.parse().map_err(|_| fault())?;
        let name = word()?.to_owned();
        let place = match kind {
            "rejects" => Place::Rejects,
            "planners" => Place::Query(at_us, PLANNERS.to_owned()),
            "query" => Place::Query(at_us, name),
            "apart" => Place::Apart(name, at_us),
            "tick" => Place::Tick,
            _ => return Err(fault()),
        };
        Ok(Mark { place, records })
    }
}

/// Records on their way into one commit, up to a bound.
#[derive(Debug)]
pub struct Parcel {
    /// The records.
    pub records: Vec<Outgoing>,
    bytes: usize,
    bytes_max: usize,
}

impl Parcel {
    /// Nothing yet. One record always fits.
    pub fn new(bytes_max: usize) -> Self {
        Parcel {
            records: Vec::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// Bytes of its records.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes all records out.
    pub fn empty(&mut self) -> Vec<Outgoing> {
        self.bytes = 0;
        std::mem::take(&mut self.records)
    }

    /// Takes the records out that go to this partition.
    pub fn take_out(&mut self, home: &Partition) {
        self.records
            .retain(|record| record.topic != home.topic || record.partition != Some(home.index));
        self.bytes = self.records.iter().map(Outgoing::bytes).sum();
    }

    fn fits(&self, record: &Outgoing) -> bool {
        self.records.is_empty() || self.bytes + record.bytes() <= self.bytes_max
    }

    /// Takes one more, whether it fits or not.
    pub fn put(&mut self, record: Outgoing) {
        self.bytes += record.bytes();
        self.records.push(record);
    }
}

/// What follows from one record, as far as it has not left.
pub(super) struct Step {
    /// Where the first record of `outbox` stands.
    pub mark: Mark,
    outbox: VecDeque<Outgoing>,
    firing: Option<(Firing, Option<String>)>,
    plan_at: Option<i64>,
    tick: Option<Tick>,
}

impl Step {
    /// Begins with the rejects of the record; ends with its tick of the clock, if it has one.
    pub fn new(rejects: Vec<Outgoing>, tick: Option<Tick>) -> Self {
        Step {
            mark: Mark {
                place: Place::Rejects,
                records: 0,
            },
            outbox: rejects.into(),
            firing: None,
            plan_at: None,
            tick,
        }
    }

    /// Bytes of the records that have not left.
    pub fn bytes(&self) -> usize {
        self.outbox.iter().map(Outgoing::bytes).sum()
    }

    /// The records that are made next are told here.
    fn turn_to(&mut self, place: Place) {
        if self.mark.place != place {
            self.mark = Mark { place, records: 0 };
        }
    }
}

impl Merge {
    /// Moves what follows from the last record into `parcel`, and computes it on the way, until the parcel is full (false)
    /// or all has left (true).
    pub fn go_on(&mut self, parcel: &mut Parcel) -> Result<bool, EngineError> {
        let Some(mut step) = self.step.take() else {
            return Ok(true);
        };
        loop {
            while let Some(record) = step.outbox.front() {
                let is_done = self.done_to.as_ref().is_some_and(|done| step.mark < *done);
                if !is_done && !parcel.fits(record) {
                    self.step = Some(step);
                    return Ok(false);
                }
                step.mark.records += 1;
                if let Some(record) = step.outbox.pop_front()
                    && !is_done
                {
                    parcel.put(record);
                }
            }
            if !self.compute(&mut step)? {
                self.next_offset += 1;
                self.done_to = None;
                self.with_next = None;
                return Ok(true);
            }
        }
    }

    /// Computes the next that is due, one window of one query at most. False if nothing is left to do.
    fn compute(&mut self, step: &mut Step) -> Result<bool, EngineError> {
        if let Some((mut firing, apart)) = step.firing.take() {
            let at_us = firing.at_us();
            let place = |name| match apart.is_some() {
                true => Place::Apart(name, at_us),
                false => Place::Query(at_us, name),
            };
            let told = self.state.fire_next(&mut firing);
            for (name, full) in self.state.take_full() {
                step.turn_to(place(name.clone()));
                let rejects = self.leave_out(step, &name, full, at_us);
                step.outbox.extend(rejects);
            }
            match told {
                Some(Ok(output)) => {
                    let name = self.state.program().queries[output.query].name.clone();
                    step.turn_to(place(name));
                    let rows = self.rows(step, &output)?;
                    step.outbox.extend(rows);
                    step.firing = Some((firing, apart));
                    self.unmeasured += step.bytes();
                }
                Some(Err(failure)) => {
                    self.fail(failure)?;
                    step.firing = Some((firing, apart));
                }
                None => {}
            }
            return Ok(true);
        }
        if let Some(at_us) = step.plan_at.take() {
            step.turn_to(Place::Query(at_us, PLANNERS.to_owned()));
            let begin_us = self.frontier.begin_us().unwrap_or(at_us);
            let mut records = Vec::new();
            self.plan(step, at_us, begin_us, &mut records)?;
            if has(Bug::TickAppliedTwice) {
                self.forget_tick();
                self.plan(step, at_us, begin_us, &mut records)?;
            }
            step.outbox.extend(records);
            return Ok(true);
        }
        if self.next_instant(step)? {
            return Ok(true);
        }
        let Some(tick) = step.tick.take() else {
            return Ok(false);
        };
        step.turn_to(Place::Tick);
        let mut records = Vec::new();
        self.apply(step, tick, &mut records)?;
        step.outbox.extend(records);
        Ok(true)
    }

    /// Turns to the next instant at which something is due: of the agenda, then of the queries with a frontier of their
    /// own. False if there is none.
    fn next_instant(&mut self, step: &mut Step) -> Result<bool, EngineError> {
        let ended = self.frontier.ended();
        if ended == Some(None) {
            // All input has ended without a single row: there is nothing to compute, and no time to begin at.
            self.has_flushed = true;
            return Ok(false);
        }
        let horizon_us = ended.flatten();
        let all = reached(&self.frontier, self.frontier.reached_us(), horizon_us);
        let is_due = all.is_some_and(|reached| self.turn_agenda(step, &reached))
            || self.turn_apart(step, horizon_us);
        if !is_due {
            self.pass(all, horizon_us);
        }
        if is_due && self.stop.is_requested() {
            return Err(EngineError::Stopped);
        }
        self.has_flushed |= !is_due && ended.is_some();
        Ok(is_due)
    }

    /// The agenda of all queries but those with a frontier of their own, and of the planners.
    fn turn_agenda(&mut self, step: &mut Step, reached: &Reached) -> bool {
        let windows_at = self.state.next_at(reached);
        let planners = self.planners.as_ref();
        let planners = planners.filter(|_| self.settings.planners.tick_by == TickBy::Watermark);
        let plan_at = planners.and_then(|planners| {
            let next_tick = |after_us, every_us| self.state.next_tick(after_us, every_us);
            planners.next_at(
                &next_tick,
                reached.frontier_us,
                reached.begin_us,
                reached.horizon_us,
            )
        });
        let Some(at_us) = windows_at.into_iter().chain(plan_at).min() else {
            return false;
        };
        step.firing =
            (windows_at == Some(at_us)).then(|| (self.state.begin_firing(at_us, reached), None));
        step.plan_at = plan_at.filter(|&plan_at| plan_at == at_us);
        true
    }

    fn turn_apart(&mut self, step: &mut Step, horizon_us: Option<i64>) -> bool {
        for (query, reached_us) in self.frontier.own() {
            let Some(reached) = reached(&self.frontier, reached_us, horizon_us) else {
                continue;
            };
            let firing = self.state.next_of(query, &reached);
            let firing =
                firing.and_then(|at_us| self.state.begin_firing_of(query, at_us, &reached));
            if let Some(firing) = firing {
                step.firing = Some((firing, Some(query.to_owned())));
                return true;
            }
        }
        false
    }

    /// The queries learn that nothing is left up to the frontier.
    fn pass(&mut self, all: Option<Reached>, horizon_us: Option<i64>) {
        if let Some(reached) = all {
            self.state.pass(&reached);
        }
        for (query, reached_us) in self.frontier.own() {
            if let Some(reached) = reached(&self.frontier, reached_us, horizon_us) {
                self.state.pass_of(query, &reached);
            }
        }
    }

    /// Where what is made now is counted: nowhere if it left before.
    pub(super) fn tally_of(&self, step: &Step) -> &Tally {
        match &self.done_to {
            Some(done) if step.mark < *done => &self.silent,
            _ => &self.tally,
        }
    }

    fn rows(&self, step: &Step, output: &Output) -> Result<Vec<Outgoing>, EngineError> {
        let query = &self.state.program().queries[output.query];
        let records = outgoing(&self.settings, query, &output.rows, self.timestamp_ms)?;
        self.tally_of(step).rows(&query.name, records.len() as u64);
        Ok(records)
    }
}

/// How far time has come for queries that wait for what has come to `reached_us`. `horizon_us`: all input has ended, with
/// this as its largest row time.
pub(crate) fn reached(
    frontier: &Frontier,
    reached_us: Option<i64>,
    horizon_us: Option<i64>,
) -> Option<Reached> {
    let frontier_us = horizon_us.map_or(reached_us, |_| Some(i64::MAX))?;
    Some(Reached {
        frontier_us,
        begin_us: frontier.begin_us().unwrap_or(frontier_us),
        horizon_us,
    })
}

/// Rows of a query on their way to its sink.
pub(crate) fn outgoing(
    settings: &Settings,
    query: &Query,
    rows: &RecordBatch,
    timestamp_ms: i64,
) -> Result<Vec<Outgoing>, EngineError> {
    let Some(topic) = settings.topics.sinks.get(&query.sink) else {
        return Err(EngineError::Bug(format!(
            "sink {} has no topic",
            query.sink
        )));
    };
    let keys: Vec<&str> = query.key_columns.iter().map(String::as_str).collect();
    let rows = encode::window_stats(&query.name, &keys, rows).map_err(|error| {
        EngineError::Bug(format!("rows of {} cannot be written: {error}", query.name))
    })?;
    let outgoing = rows.into_iter().map(|row| Outgoing {
        topic: Arc::clone(topic),
        partition: None,
        key: Some(row.key),
        value: Some(row.value),
        timestamp_ms,
        headers: vec![("query", query.name.clone().into_bytes())],
    });
    Ok(outgoing.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_back_and_stand_in_the_order_of_leaving() {
        let mark = |place, records| Mark { place, records };
        let query = |at_us, name: &str| Place::Query(at_us, name.to_owned());
        let apart = |name: &str, at_us| Place::Apart(name.to_owned(), at_us);
        let marks = [
            mark(Place::Rejects, 0),
            mark(Place::Rejects, 3),
            mark(query(-5, "a b"), 0),
            mark(query(-5, "b"), 7),
            mark(query(-5, PLANNERS), 1),
            mark(query(9, "a"), 0),
            mark(apart("c", -9), 2),
            mark(apart("c", 4), 0),
            mark(apart("d", -9), 0),
            mark(Place::Tick, 1),
        ];
        for mark in &marks {
            let read: Mark = mark.to_string().parse().expect("its own words");
            assert_eq!(read, *mark);
        }
        assert!(marks.is_sorted());
        let error = "7 rows".parse::<Mark>().expect_err("not a mark");
        assert!(error.to_string().contains("`7 rows`"), "{error}");
    }
}
