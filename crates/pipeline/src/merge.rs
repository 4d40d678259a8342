//! The second stage: partials become rows of windows, levels and ticks, and plans, when their time has come.
//!
//! One [`Merge`] owns one partition of the partials topic. What it does is a function of that partition's log: reading it
//! again from the beginning in silence brings a new instance to the same state.

mod backfill;
mod catch_up;
mod enrol;
mod plans;
mod room;
mod saved;
mod step;

pub use backfill::HandOver;
pub use step::Parcel;
pub(crate) use step::outgoing;

use std::collections::BTreeMap;
use std::sync::Arc;

use events::internal::{Covered, Partials};
use events::v1::RejectReason;
use events::{Stream, ipc};
use windows::error::Fault;
use windows::frontier::{Frontier, Origin};
use windows::merge::{Absorbed, Merge as Windows, MergeSettings, OnTime, Outcome, Refused};
use windows::program::Program;
use windows::state::held::Spill;
use windows::state::waiting::TAKEN_BACK;

use crate::budget::{Account, Memory};
use crate::clock::Clock;
use crate::coverage::Coverage;
use crate::error::EngineError;
use crate::intake::rejects::{self, Refusal};
use crate::log::{Batch, Entry, Outgoing, Partition, Position};
use crate::outcome::Tally;
use crate::partials::{self, PORT_PARTITION};
use crate::plans::agenda::Planners;
use crate::planted::{Bug, has};
use crate::roster::Roster;
use crate::settings::{Settings, micros};
use crate::ticks::Ticks;
use crate::worker::Stop;
use enrol::Held;
use step::{Mark, Step};

/// Partials of queries that do not run here are not trimmed for so long, by their own timestamps.
const UNKNOWN_KEPT_MS: i64 = 3_600_000;

/// The first partials of a query that does not run here.
#[derive(Debug, Clone, Copy)]
struct Unknown {
    offset: i64,
    timestamp_ms: i64,
}

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
    held: Vec<Held>,
    /// The first partials that were read to catch up.
    caught_from: Option<i64>,
    spill: Option<Arc<dyn Spill>>,
    stop: Stop,
    /// What follows from the record at `next_offset`, as long as some of it is left.
    step: Option<Step>,
    /// Of the next record all before this was committed by whoever was here before.
    done_to: Option<Mark>,
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
            held: Vec::new(),
            caught_from: None,
            spill: memory.spill.clone(),
            stop: Stop::default(),
            step: None,
            done_to: None,
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

    /// Stands at a position that was committed: what is done within the next record does not leave again.
    pub fn resume_at(&mut self, position: &Position) -> Result<(), EngineError> {
        self.skip_to(position.next_offset);
        self.done_to = match position.within.as_str() {
            "" => None,
            within => Some(within.parse()?),
        };
        Ok(())
    }

    /// The latest instant of which something left with a part of the next record.
    fn done_us(&self) -> Option<i64> {
        self.done_to.as_ref().and_then(Mark::at_us)
    }

    /// Moves past offsets that hold no records (transaction markers).
    pub fn skip_to(&mut self, offset: i64) {
        self.next_offset = self.next_offset.max(offset);
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

    /// True if all input has ended and everything was computed.
    pub fn has_ended(&self) -> bool {
        self.has_flushed
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

    fn absorb(
        &mut self,
        message: Partials,
        offset: i64,
        records: &mut Vec<Outgoing>,
    ) -> Result<(), EngineError> {
        for delta in message.deltas {
            for rows in ipc::read(delta.ipc)? {
                let absorbed = self.state.absorb(&delta.query, delta.fingerprint, &rows);
                match absorbed {
                    Absorbed::All | Absorbed::Stopped => {}
                    Absorbed::Failed(failure) => self.fail(failure)?,
                    Absorbed::But(refused) => {
                        self.refuse(&delta.query, offset, refused, &message.covered, records);
                    }
                    Absorbed::Kept(outcome) => {
                        self.note(outcome, offset, &message.covered, records)?;
                    }
                    Absorbed::Unknown => {
                        self.tally.passed_over(&delta.query, rows.num_rows() as u64);
                        self.pass_over(&delta.query, offset);
                    }
                }
            }
        }
        self.hear(&message.covered, &message.running, offset)?;
        partials::update(&mut self.frontier, message.frontiers);
        Ok(())
    }

    /// Notes what a commit of fold stands for, and which queries it ran.
    fn hear(
        &mut self,
        covered: &[Covered],
        running: &[u64],
        offset: i64,
    ) -> Result<(), EngineError> {
        let mut has_changed = false;
        for covered in covered {
            self.cover(covered)?;
            has_changed |= self.coverage.hear(covered, running, &|_| true);
        }
        if has_changed {
            self.follow_coverage();
        }
        for fingerprint in running {
            if !self.state.program().fingerprints.contains(fingerprint) {
                self.pass_over(&format!("with fingerprint {fingerprint:x}"), offset);
            }
        }
        Ok(())
    }

    /// Something of a query that does not run here: it may be added later.
    fn pass_over(&mut self, query: &str, offset: i64) {
        if self.unknown.contains_key(query) {
            return;
        }
        tracing::warn!(
            query,
            "partials of a query that does not run here are passed over; they stay in the log for {} minutes, in case it is added",
            UNKNOWN_KEPT_MS / 60_000
        );
        let timestamp_ms = self.timestamp_ms;
        let first = Unknown {
            offset,
            timestamp_ms,
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
    fn settle(&mut self, records: &mut Vec<Outgoing>) -> Result<(), EngineError> {
        let outcome = settle(&self.settings, &self.frontier, &mut self.state)?;
        self.note(outcome, self.next_offset, &[], records)
    }

    /// Tells what became of rows that may be taken back, or that are.
    fn note(
        &self,
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
    fn refuse(
        &self,
        query: &str,
        offset: i64,
        refused: Refused,
        covered: &[Covered],
        records: &mut Vec<Outgoing>,
    ) {
        let tally = match self.done_to {
            None => &*self.tally,
            Some(_) => &self.silent,
        };
        tally.late_in_merge(query, refused.late as u64);
        tally.keys_refused(query, refused.full as u64);
        self.point_at(query, offset, refused, covered, records);
    }

    /// Writes rejects that point at partials of which rows could not be used, and at the input that they stand for.
    fn point_at(
        &self,
        query: &str,
        offset: i64,
        refused: Refused,
        covered: &[Covered],
        records: &mut Vec<Outgoing>,
    ) {
        let covered = covered.iter().map(|covered| {
            let (topic, partition) = (&covered.topic, covered.partition);
            format!("{topic}[{partition}] {} to {}", covered.from, covered.to)
        });
        let input = covered.collect::<Vec<_>>().join(", ");
        let late = format!(
            "{} rows for windows that are final: their source had been idle, raise idle_timeout_s if it is often so, or the query does not wait for it; input: {input}",
            refused.late
        );
        let full = format!(
            "{} rows with new keys, while as many keys are open as may be: raise the bound on keys; input: {input}",
            refused.full
        );
        for (rows, reason, detail) in [
            (refused.late, RejectReason::LateInMerge, late),
            (refused.full, RejectReason::KeyLimit, full),
        ] {
            if rows > 0 {
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

/// The state of all queries, without rows.
fn windows(
    settings: &Settings,
    program: Arc<Program>,
    partition: &Partition,
    spill: Option<Arc<dyn Spill>>,
) -> Result<Windows, EngineError> {
    let early = settings
        .early
        .iter()
        .map(|(query, every)| (query.clone(), micros(*every)));
    let ahead = MergeSettings {
        on_time: OnTime {
            corrected_every_us: micros(settings.on_time.corrected_every),
            except: settings.on_time.except.clone(),
        },
        early_us: early.collect(),
        own_frontier: settings.waits_for.keys().cloned().collect(),
        spill,
        ..bounds(settings)
    };
    at_home(settings, program, partition, &ahead)
}

/// As [`windows`], of queries that tell final rows alone.
pub(crate) fn windows_of_finals(
    settings: &Settings,
    program: Arc<Program>,
    partition: &Partition,
    spill: Option<Arc<dyn Spill>>,
) -> Result<Windows, EngineError> {
    let finals = MergeSettings {
        spill,
        ..bounds(settings)
    };
    at_home(settings, program, partition, &finals)
}

fn bounds(settings: &Settings) -> MergeSettings {
    MergeSettings {
        table_keys_max: settings.table_keys_max,
        correction_us: micros(settings.correction_max),
        query_keys_max: settings.query_keys_max,
        rest_after_us: micros(settings.rest_after),
        ..MergeSettings::default()
    }
}

fn at_home(
    settings: &Settings,
    program: Arc<Program>,
    partition: &Partition,
    merge_settings: &MergeSettings,
) -> Result<Windows, EngineError> {
    let mut state = Windows::new(program, merge_settings)?;
    let (index, partitions) = (partition.index, settings.topics.partials_partitions);
    state.live_at(Arc::new(move |merge_key, rows| {
        Ok(partials::share(merge_key, rows, index, partitions)?)
    }));
    Ok(state)
}

/// Computes with the rows that nothing can take back any more.
pub(crate) fn settle(
    settings: &Settings,
    frontier: &Frontier,
    state: &mut Windows,
) -> Result<Outcome, EngineError> {
    let reached_us = match frontier.ended() {
        Some(_) => Some(i64::MAX),
        None => frontier.reached_us(),
    };
    let passed = |stream: &str, partition: i32, source: &str| {
        let stream = Stream::from_name(stream);
        let mut inputs = settings.inputs.iter();
        let input = inputs.find(|input| Some(input.stream) == stream);
        let own = input.and_then(|input| frontier.passed_us(&input.topic, partition, source));
        own.max(reached_us).unwrap_or(i64::MIN)
    };
    Ok(state.settle(reached_us, &passed)?)
}

/// A frontier that waits for every declared source in every partition of its topics.
pub(crate) fn declared(settings: &Settings) -> Frontier {
    let mut frontier = Frontier::new();
    for (input, stream) in settings.partitions() {
        for source in settings.sources_of(stream) {
            frontier.declare(Origin {
                topic: input.topic.to_string(),
                partition: input.index,
                source: source.name.clone(),
            });
        }
    }
    for (query, sources) in &settings.waits_for {
        frontier.wait_for(query, sources.iter().cloned());
    }
    frontier
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
