//! The second stage: partials become rows of windows, levels and ticks, and plans, when their time has come.
//!
//! One [`Merge`] owns one partition of the partials topic. What it does is a function of that partition's log: reading it
//! again from the beginning in silence brings a new instance to the same state.
//!
//! Reading order: this file, `absorb` (a record into state), `step` (what follows from it), `plans`, `state`, `room`, `saved`; for
//! queries that come and go `enrol`, `catch_up`, `backfill`.

mod absorb;
mod backfill;
mod catch_up;
mod enrol;
mod plans;
mod room;
mod saved;
mod state;
mod step;
mod stopped;

pub use backfill::HandOver;
pub(crate) use room::make_room;
pub(crate) use state::{declared, settle, windows_of_finals};
pub use step::Parcel;
pub(crate) use step::{outgoing, reached};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windows::error::Fault;
use windows::frontier::Frontier;
use windows::merge::Merge as Windows;
use windows::program::Program;

use crate::budget::{Account, Memory};
use crate::clock::Clock;
use crate::coverage::Coverage;
use crate::error::EngineError;
use crate::log::{Batch, Entry, Outgoing, Partition, Position};
use crate::outcome::Tally;
use crate::partials::{self, HalfRead, PORT_PARTITION};
use crate::plans::agenda::Planners;
use crate::planted::{Bug, has};
use crate::roster::Roster;
use crate::settings::Settings;
use crate::ticks::Ticks;
use crate::worker::Stop;
use absorb::Unknown;
use enrol::Held;
use state::windows;
use step::{Mark, Step};

/// The second stage, for one partition of the partials topic.
pub struct Merge {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    tally: Arc<Tally>,
    partition: Partition,
    /// Offset of the next partials record.
    next_offset: i64,
    state: Windows,
    frontier: Frontier,
    covered: BTreeMap<(String, i32), i64>,
    planners: Option<Planners>,
    ticks: Ticks,
    is_strict: bool,
    /// Kafka timestamp of the newest partials.
    timestamp_ms: i64,
    has_flushed: bool,
    unknown: BTreeMap<String, Unknown>,
    coverage: Coverage,
    roster: Roster,
    /// Queries of which the snapshot that was restored has nothing, since their past was still being read.
    awaiting_past: BTreeSet<u64>,
    /// It changed since it was last written down.
    has_news: bool,
    held: Vec<Held>,
    /// The first partials that were read to catch up.
    caught_from: Option<i64>,
    /// By query or table: rows that were left out of its state when what lay before was read, and are not told yet.
    left_out: BTreeMap<String, usize>,
    /// What is told of them with the next commit.
    to_tell: Vec<Outgoing>,
    /// What lay before is read: what follows from it has left, but for what is told of queries that were not there.
    is_reading_back: bool,
    half_read: HalfRead,
    memory: Memory,
    stop: Stop,
    /// What follows from the record at `next_offset`, as long as some of it is left.
    step: Option<Step>,
    /// Of the next record all before this was committed by whoever was here before.
    done_to: Option<Mark>,
    /// So far time comes with that record.
    with_next: Option<Frontier>,
    silent: Tally,
    account: Account,
    /// Bytes taken in since memory was measured.
    unmeasured: usize,
}

impl Merge {
    /// Runs the queries of `program`; nothing is known yet. `is_strict`: partials that do not continue those before are an
    /// error (they cannot be told from lost ones), as exactly-once delivery promises; else they are counted and taken as
    /// they come.
    pub fn new(
        settings: Arc<Settings>,
        program: Arc<Program>,
        clock: Arc<dyn Clock>,
        tally: Arc<Tally>,
        partition: Partition,
        is_strict: bool,
        memory: &Memory,
    ) -> Result<Self, EngineError> {
        check_sinks(&program, &settings)?;
        let is_port = partition.index == PORT_PARTITION;
        let planners = is_port.then(|| Planners::new(&settings.planners));
        let tick_us = planners.as_ref().and_then(Planners::tick_us);
        let coverage = Coverage::new(&program, &settings);
        let state = windows(&settings, program, &partition, memory.spill.clone())?;
        Ok(Merge {
            planners,
            ticks: Ticks::new(tick_us.unwrap_or_default()),
            state,
            frontier: declared(&settings),
            settings,
            clock,
            tally,
            partition,
            next_offset: 0,
            covered: BTreeMap::new(),
            is_strict,
            timestamp_ms: 0,
            has_flushed: false,
            unknown: BTreeMap::new(),
            coverage,
            roster: Roster::default(),
            awaiting_past: BTreeSet::new(),
            has_news: false,
            held: Vec::new(),
            caught_from: None,
            left_out: BTreeMap::new(),
            to_tell: Vec::new(),
            is_reading_back: false,
            half_read: HalfRead::default(),
            memory: memory.clone(),
            stop: Stop::default(),
            step: None,
            done_to: None,
            with_next: None,
            silent: Tally::silent(),
            account: Account::new(&memory.budget),
            unmeasured: 0,
        })
    }

    /// Counts in these totals from now on.
    pub fn count_in(&mut self, tally: Arc<Tally>) {
        self.tally = tally;
    }

    /// Gives up with [`EngineError::Stopped`] between two instants once `stop` is requested: a step may have years to go.
    pub fn heed(&mut self, stop: Stop) {
        self.stop = stop;
    }

    /// The partition of the partials topic.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Offset of the next record to read, or of the one in the middle of which merge is.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// How far the log has been read and all that follows from it handed out.
    pub fn position(&self) -> Position {
        let mark = match &self.step {
            Some(step) => self.done_to.as_ref().max(Some(&step.mark)),
            None => self.done_to.as_ref(),
        };
        Position {
            next_offset: self.next_offset,
            within: match mark {
                Some(mark) if !has(Bug::SplitNotMarked) => mark.to_string(),
                _ => String::new(),
            },
        }
    }

    /// True between two records: what is computed then stands for all partials below [`Self::next_offset`].
    pub fn is_between_records(&self) -> bool {
        self.step.is_none()
    }

    /// True where besides all that fold has committed is here whole, or not at all: what a commit holds for one partition may
    /// take several records, and those of several folds may lie mixed.
    pub fn is_between_commits(&self) -> bool {
        self.is_between_records() && self.half_read.is_empty()
    }

    /// True where a snapshot stands for whole commits of fold. At least once the rest of one may never come, and is not waited for.
    pub fn may_be_saved(&self) -> bool {
        match self.is_strict {
            true => self.is_between_commits(),
            false => self.is_between_records(),
        }
    }

    /// Stands at a position that was committed: what is done within the next record does not leave again.
    pub fn resume_at(&mut self, position: &Position) -> Result<(), EngineError> {
        self.skip_to(position.next_offset);
        self.done_to = match position.within.as_str() {
            "" => None,
            within => Some(within.parse()?),
        };
        Ok(())
    }

    /// Moves past offsets that hold no records (transaction markers).
    pub fn skip_to(&mut self, offset: i64) {
        self.next_offset = self.next_offset.max(offset);
        self.put_off();
    }

    /// Event time that all input has reached.
    pub fn frontier_us(&self) -> Option<i64> {
        self.frontier.reached_us()
    }

    /// The origin that holds the frontier back most, in words.
    pub fn slowest(&self) -> Option<String> {
        let (origin, progress) = self.frontier.slowest()?;
        Some(format!(
            "{} in {}[{}]: {progress:?}",
            origin.source, origin.topic, origin.partition
        ))
    }

    /// True if all input has ended and everything was computed, and no query waits for its past any more.
    pub fn has_ended(&self) -> bool {
        self.has_flushed && !self.wants_backfill()
    }

    /// Takes the records of this partition in, one after the other, and computes after each what is due: what an early row
    /// has seen then hangs on the log alone, not on how many records a fetch brought.
    pub fn take(&mut self, batch: &Batch) -> Result<Vec<Outgoing>, EngineError> {
        let mut parcel = Parcel::new(usize::MAX);
        for entry in batch.entries() {
            if self.begin(batch, entry)? {
                while !self.go_on(&mut parcel)? {}
            }
        }
        Ok(parcel.records)
    }

    /// Takes one record in, if it is the next of this partition; what follows from it leaves by [`Self::go_on`].
    pub fn begin(&mut self, batch: &Batch, entry: &Entry) -> Result<bool, EngineError> {
        let is_old = entry.offset < self.next_offset && !has(Bug::PartialMergedTwice);
        if *batch.partition(entry) != self.partition || is_old {
            return Ok(false);
        }
        let value = batch.value(entry).unwrap_or_default();
        let mut message = partials::read(&self.partition, entry.offset, value)?;
        let tick = message.tick.take();
        self.timestamp_ms = self.timestamp_ms.max(entry.timestamp_ms);
        self.next_offset = entry.offset;
        self.release(entry.offset);
        let mut rejects = Vec::new();
        self.absorb(message, entry.offset, &mut rejects)?;
        self.settle(&mut rejects)?;
        self.step = Some(Step::new(rejects, tick));
        self.grew(value.len());
        Ok(true)
    }
}

fn check_sinks(program: &Program, settings: &Settings) -> Result<(), EngineError> {
    let known = || {
        settings
            .topics
            .sinks
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let faults: Vec<Fault> = program
        .queries
        .iter()
        .filter(|query| !settings.topics.sinks.contains_key(&query.sink))
        .map(|query| {
            Fault::new(
                format!("{}.sql", query.name),
                format!("sink {} has no topic", query.sink),
                format!(
                    "known sinks are {}: use one, or add it to [topics.sinks]",
                    known()
                ),
            )
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(EngineError::Queries(faults))
    }
}
