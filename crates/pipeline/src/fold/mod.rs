//! The first stage: records of events become partial aggregates, state deltas and rejects, once a commit.
//!
//! Fold owns input partitions and keeps one [`PartitionIntake`] for each. Its work scales out with the partitions, since
//! nothing here looks beyond one commit's rows and one partition's intake state.
//!
//! Reading order: this file (assignment and commit), [`records`] (the way of one record), [`queries`], [`corrections`],
//! [`doubts`], [`frontiers`].

mod corrections;
mod doubts;
mod frontiers;
mod queries;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use events::Stream;
use events::decode::{DecodeLimits, Decoder, Projection};
use events::internal::RunningTables;
use events::v1::RejectReason;
use windows::program::Program;

use crate::clock::Clock;
use crate::error::EngineError;
use crate::intake::partition::PartitionIntake;
use crate::intake::rows::IntakeRows;
use crate::intake::state::takeover::Takeover;
use crate::intake::state::write::StateRecord;
use crate::log::{Batch, Commit, Outgoing, Partition};
use crate::outcome::{IntakeCounts, Tally};
use crate::partials::{self, Told};
use crate::planted::{Bug, has};
use crate::settings::{Bounded, Settings, micros};
use corrections::Corrections;
use frontiers::Owned;
use queries::projection;
pub use queries::streams;

/// The first stage.
pub struct Fold {
    settings: Arc<Settings>,
    program: Arc<Program>,
    /// Columns that queries read, by stream.
    needed: BTreeMap<String, Vec<String>>,
    clock: Arc<dyn Clock>,
    tally: Arc<Tally>,
    decoders: BTreeMap<Stream, Decoder>,
    owned: Vec<Owned>,
    held: Vec<Batch>,
    intake_rows: IntakeRows,
    rejects: Vec<Outgoing>,
    counts: BTreeMap<Stream, IntakeCounts>,
    rejected: BTreeMap<RejectReason, u64>,
    flagged: BTreeMap<&'static str, u64>,
    corrections: Corrections,
    timestamp_ms: i64,
    /// Time spent listening so far, and when that was counted last.
    listened: Duration,
    listened_at: Duration,
    is_deaf: bool,
    /// Of use to [`Bug::DedupNotRolledBack`] alone.
    planted: Vec<Owned>,
}

impl Fold {
    /// Runs the queries of `program`. No partition is owned yet.
    pub fn new(
        settings: Arc<Settings>,
        program: Arc<Program>,
        clock: Arc<dyn Clock>,
        tally: Arc<Tally>,
    ) -> Result<Self, EngineError> {
        let mut decoders = BTreeMap::new();
        let projection = projection(&program)?;
        for input in &settings.inputs {
            let decoder = decoder(&settings, input.stream, &projection)?;
            decoders.insert(input.stream, decoder);
        }
        let mut for_tables = BTreeMap::new();
        for source in settings.sources.iter().filter(|it| it.has_corrections) {
            for &stream in &source.streams {
                for_tables.insert(stream, decoder(&settings, stream, &projection)?);
            }
        }
        Ok(Fold {
            settings,
            needed: program.needed_columns(),
            program,
            listened: Duration::ZERO,
            listened_at: clock.elapsed(),
            is_deaf: false,
            planted: Vec::new(),
            clock,
            tally,
            decoders,
            owned: Vec::new(),
            held: Vec::new(),
            intake_rows: IntakeRows::default(),
            rejects: Vec::new(),
            counts: BTreeMap::new(),
            rejected: BTreeMap::new(),
            flagged: BTreeMap::new(),
            corrections: Corrections::new(for_tables),
            timestamp_ms: 0,
        })
    }

    /// Begins to own a partition at `offset`, with what its topic holds of its intake state.
    pub fn assign(&mut self, offset: i64, state: Takeover) -> Result<(), EngineError> {
        let partition = state.partition().clone();
        self.revoke(&partition);
        let Some(input) = self.settings.input(&partition.topic) else {
            return Err(EngineError::Bug(format!(
                "{partition} was assigned and is no input"
            )));
        };
        let stream = input.stream;
        let settings = Arc::clone(&self.settings);
        let correction_us = micros(settings.correction_max);
        let mut intake =
            PartitionIntake::new(partition, offset, correction_us, settings.intake_state);
        for source in settings.sources_of(stream) {
            intake
                .source(&source.name, || settings.rules(&source.name))
                .is_changed = false;
        }
        state
            .rebuild(&mut intake, &|source| settings.rules(source))
            .map_err(EngineError::State)?;
        if has(Bug::DedupNotRolledBack) {
            let kept = |owned: &Owned| owned.intake.partition == intake.partition;
            if let Some(place) = self.planted.iter().position(kept) {
                intake.take_ids(self.planted.remove(place).intake);
            }
        }
        intake.next_offset = offset;
        intake.covered_from = offset;
        let heard = intake.sources.keys();
        self.owned.push(Owned {
            heard: heard
                .map(|source| (source.clone(), self.listened))
                .collect(),
            seen_us: intake.latest_us(),
            is_told: false,
            intake,
            stream,
            end: None,
            probe: None,
            has_ended: false,
        });
        Ok(())
    }

    /// Stops owning a partition; what was not committed of it is forgotten.
    pub fn revoke(&mut self, partition: &Partition) {
        self.owned
            .retain(|owned| owned.intake.partition != *partition);
    }

    /// Forgets everything that was not committed, and all partitions: they are assigned again with their state.
    pub fn reset(&mut self) {
        if has(Bug::DedupNotRolledBack) {
            self.planted = std::mem::take(&mut self.owned);
        }
        self.owned.clear();
        self.discard();
    }

    /// Drops the uncommitted rows of all partitions.
    fn discard(&mut self) {
        for decoder in self.decoders.values_mut() {
            decoder.take();
        }
        self.held.clear();
        self.intake_rows = IntakeRows::default();
        self.rejects.clear();
        self.counts.clear();
        self.rejected.clear();
        self.flagged.clear();
        self.corrections.clear();
    }

    /// What is known of a partition that is owned.
    pub fn intake(&self, partition: &Partition) -> Option<&PartitionIntake> {
        let mut owned = self.owned.iter();
        let found = owned.find(|owned| owned.intake.partition == *partition);
        found.map(|owned| &owned.intake)
    }

    /// The owned partitions, with the offset behind the last record that was committed of each.
    pub fn committed_positions(&self) -> Vec<(Partition, i64)> {
        self.owned
            .iter()
            .map(|owned| (owned.intake.partition.clone(), owned.intake.covered_from))
            .collect()
    }

    /// Bytes of input that wait for the commit.
    pub fn bytes_waiting(&self) -> usize {
        self.held.iter().map(Batch::bytes).sum()
    }

    /// What it holds in memory: input that waits for the commit with what was decoded of it, rejects, and the ids by which
    /// copies are told.
    pub fn bytes(&self) -> usize {
        let input: usize = self.held.iter().map(Batch::capacity).sum();
        let decoded = self.bytes_waiting();
        let rejects: usize = self.rejects.iter().map(Outgoing::bytes).sum();
        input + decoded + rejects + self.ids_bytes()
    }

    /// Of that the ids: of events that are not yet late. They go as time passes, and that is as it reads on.
    pub fn ids_bytes(&self) -> usize {
        self.owned.iter().map(|owned| owned.intake.bytes()).sum()
    }

    /// Events that are known of a partition.
    pub fn known(&self, partition: &Partition) -> usize {
        let mut owned = self.owned.iter();
        let owned = owned.find(|owned| owned.intake.partition == *partition);
        owned.map_or(0, |owned| owned.intake.known())
    }

    /// True if no partition is owned.
    pub fn is_empty(&self) -> bool {
        self.owned.is_empty()
    }

    /// True if every owned partition has ended and that was committed.
    pub fn has_ended(&self) -> bool {
        !self.owned.is_empty() && self.owned.iter().all(|owned| owned.has_ended)
    }

    /// A partition has been read up to `next_offset` and holds no more for now.
    pub fn reached_end(&mut self, partition: &Partition, next_offset: i64) {
        if let Some(owned) = self
            .owned
            .iter_mut()
            .find(|owned| owned.intake.partition == *partition)
        {
            owned.intake.next_offset = owned.intake.next_offset.max(next_offset);
            owned.end = Some(owned.intake.next_offset);
        }
    }

    /// Everything since the last commit as one commit; none if nothing happened. Call [`Self::committed`] once it is
    /// durable, or [`Self::reset`] if it was aborted.
    pub fn commit(&mut self) -> Result<Option<Commit>, EngineError> {
        let mut tables: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
        for decoder in self.decoders.values_mut() {
            for (table, batch) in decoder.take() {
                tables
                    .entry(table.table().name.clone())
                    .or_default()
                    .push(batch);
            }
        }
        for (table, batches) in &mut tables {
            for batch in batches {
                *batch = self.check_digits(table, batch)?;
            }
        }
        if let Some(rows) = self.intake_rows.take()? {
            tables.insert(windows::intake::NAME.to_owned(), vec![rows]);
        }
        let parts = self.all_parts(tables)?;
        let covered = self.covered();
        let frontiers = self.frontiers();
        if parts.is_empty() && covered.is_empty() && frontiers.is_empty() {
            return Ok(None);
        }
        let topics = &self.settings.topics;
        let mut records = partials::write(
            &topics.partials,
            topics.partials_partitions,
            &parts,
            &Told {
                covered,
                frontiers,
                running: self.program.fingerprints.clone(),
                tables: Some(RunningTables {
                    fingerprints: self
                        .program
                        .tables
                        .iter()
                        .map(|table| table.fingerprint)
                        .collect(),
                }),
            },
            self.settings.partials_bytes,
            self.timestamp_ms,
        )?;
        records.append(&mut self.rejects);
        for owned in &mut self.owned {
            let home = self.settings.state_partition(&owned.intake.partition);
            let state = owned.intake.records().into_iter();
            records.extend(state.map(|record| outgoing(&home, record, self.timestamp_ms)));
        }
        let positions = self.owned.iter().map(|owned| {
            let partition = owned.intake.partition.clone();
            (partition, owned.intake.next_offset.into())
        });
        Ok(Some(Commit {
            positions: positions.collect(),
            records,
        }))
    }

    /// The last [`Self::commit`] is durable. Returns an empty batch whose memory can be used again.
    pub fn committed(&mut self) -> Batch {
        let mut spare = self.held.pop().unwrap_or_default();
        spare.clear();
        self.held.clear();
        for owned in &mut self.owned {
            owned.intake.committed();
            owned.seen_us = owned.intake.latest_us();
            owned.is_told = true;
            owned.has_ended |= self.settings.bounded == Bounded::UntilEnd && owned.end.is_some();
        }
        for (stream, counts) in std::mem::take(&mut self.counts) {
            self.tally.intake(stream.name(), counts);
        }
        for (reason, count) in std::mem::take(&mut self.rejected) {
            self.tally.rejected(reason, count);
        }
        for (reason, count) in std::mem::take(&mut self.flagged) {
            self.tally.flagged(reason, count);
        }
        spare
    }
}

fn decoder(
    settings: &Settings,
    stream: Stream,
    projection: &Projection,
) -> Result<Decoder, EngineError> {
    let limits = DecodeLimits {
        record_bytes_max: settings.record_bytes_max,
        ..DecodeLimits::default()
    };
    Decoder::with_limits(stream, projection, limits)
        .map_err(|error| EngineError::Schema(error.to_string()))
}

fn outgoing(home: &Partition, record: StateRecord, timestamp_ms: i64) -> Outgoing {
    Outgoing {
        topic: Arc::clone(&home.topic),
        partition: Some(home.index),
        key: Some(record.key),
        value: record.value,
        timestamp_ms,
        headers: Vec::new(),
    }
}
