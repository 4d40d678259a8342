//! The first stage: records of events become partial aggregates, state deltas and rejects, once a commit.
//!
//! Fold owns input partitions and keeps one [`PartitionIntake`] for each. Its work scales out with the partitions, since
//! nothing here looks beyond one commit's rows and one partition's intake state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, Int64Type};
use events::decode::{DecodeLimits, Decoder, Head, Kind, Projection};
use events::internal::{Covered, Frontier, FrontierState, IntakeDelta};
use events::v1::{Classifier, RejectReason};
use events::{Message, Stream};
use windows::error::QueryError;
use windows::program::{MergeKey, Program, Streams};

use crate::clock::Clock;
use crate::error::EngineError;
use crate::intake::checks::{CHECKS, doubtful};
use crate::intake::ids::EventHash;
use crate::intake::partition::{Fate, PartitionIntake};
use crate::intake::rejects::{Refusal, outgoing, reason_name};
use crate::intake::rows::{IntakeRow, IntakeRows};
use crate::log::{Batch, Commit, Entry, Outgoing, Partition};
use crate::outcome::{IntakeCounts, Tally};
use crate::partials::{self, Part};
use crate::settings::{Bounded, Doubt, Settings, micros};

/// Source of records that cannot be read, in the `intake` stream.
const UNREADABLE: &str = "(unreadable)";

/// Columns that fold itself reads of every table with a check digit.
const CHECK_COLUMNS: [&str; 6] = [
    "event_id",
    "source",
    "terminal_id",
    "row_time",
    "partition",
    "offset",
];

/// An owned input partition.
struct Owned {
    intake: PartitionIntake,
    stream: Stream,
    /// Offset behind the last record, once it has been reached.
    end: Option<i64>,
    has_ended: bool,
    heard: BTreeMap<String, Duration>,
}

/// The first stage.
pub struct Fold {
    settings: Arc<Settings>,
    program: Program,
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
    timestamp_ms: i64,
}

/// The streams that queries see: every table of the schema, and `intake`.
pub fn streams() -> Streams {
    let tables = events::schema::tables()
        .iter()
        .map(|table| (table.name.clone(), Arc::clone(&table.schema)));
    tables
        .chain([(windows::intake::NAME.to_owned(), windows::intake::schema())])
        .collect()
}

impl Fold {
    /// Plans the queries. No partition is owned yet.
    pub fn new(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
        tally: Arc<Tally>,
    ) -> Result<Self, EngineError> {
        let program =
            Program::compile(&settings.files(), &streams()).map_err(EngineError::Queries)?;
        let mut decoders = BTreeMap::new();
        let limits = DecodeLimits {
            record_bytes_max: settings.record_bytes_max,
            ..DecodeLimits::default()
        };
        let projection = projection(&program)?;
        for input in &settings.inputs {
            let decoder = Decoder::with_limits(input.stream, &projection, limits)
                .map_err(|error| EngineError::Schema(error.to_string()))?;
            decoders.insert(input.stream, decoder);
        }
        Ok(Fold {
            settings,
            program,
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
            timestamp_ms: 0,
        })
    }

    /// Begins to own a partition at `offset`, with the deltas of its intake state in the order of writing.
    pub fn assign(
        &mut self,
        partition: Partition,
        offset: i64,
        state: &[IntakeDelta],
    ) -> Result<(), EngineError> {
        self.revoke(&partition);
        let Some(input) = self.settings.input(&partition.topic) else {
            return Err(EngineError::Bug(format!(
                "{partition} was assigned and is no input"
            )));
        };
        let stream = input.stream;
        let mut intake =
            PartitionIntake::new(partition, offset, micros(self.settings.correction_max));
        let settings = Arc::clone(&self.settings);
        for source in settings.sources_of(stream) {
            intake
                .source(&source.name, || micros(source.out_of_order_max))
                .is_changed = false;
        }
        for delta in state {
            intake
                .restore(delta, |source| settings.out_of_order_us(source))
                .map_err(EngineError::State)?;
        }
        intake.next_offset = offset;
        intake.covered_from = offset;
        let now = self.clock.elapsed();
        self.owned.push(Owned {
            heard: intake
                .sources
                .keys()
                .map(|source| (source.clone(), now))
                .collect(),
            intake,
            stream,
            end: None,
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

    /// Decodes and checks records. They are kept until the commit, for the reject topic.
    pub fn take(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let places: Vec<Option<usize>> = batch
            .partitions()
            .iter()
            .map(|partition| {
                self.owned
                    .iter()
                    .position(|owned| owned.intake.partition == *partition)
            })
            .collect();
        for entry in batch.entries() {
            if let Some(place) = places[entry.partition] {
                self.take_record(place, &batch, entry);
            }
        }
        self.held.push(batch);
    }

    fn take_record(&mut self, place: usize, batch: &Batch, entry: &Entry) {
        let owned = &mut self.owned[place];
        if entry.offset < owned.intake.next_offset {
            return;
        }
        owned.intake.next_offset = entry.offset + 1;
        owned.end = None;
        self.timestamp_ms = self.timestamp_ms.max(entry.timestamp_ms);
        let stream = owned.stream;
        let counts = self.counts.entry(stream).or_default();
        counts.records += 1;
        let value = batch.value(entry).unwrap_or_default();
        // A tombstone of compacted reference data is legitimate: nothing has to be done, the newest row is not undone.
        if batch.value(entry).is_none() && stream == Stream::Reference {
            return;
        }
        let Some(decoder) = self.decoders.get_mut(&stream) else {
            return;
        };
        let head = match decoder.read(value) {
            Ok(head) => head,
            Err(error) => {
                let refusal = Refusal {
                    at_byte: error.at_byte,
                    ..Refusal::new(error.reason, error.to_string())
                };
                return self.reject(place, batch, entry, None, refusal);
            }
        };
        match self.settings.judge(&head, entry.timestamp_ms) {
            Ok(()) => {}
            Err(refusal) => return self.reject(place, batch, entry, Some(&head), refusal),
        }
        let owned = &mut self.owned[place];
        let row_time_us = head.row_time_us();
        let settings = &self.settings;
        owned
            .intake
            .source(head.source, || settings.out_of_order_us(head.source));
        let is_heartbeat = head.kind == Kind::Heartbeat;
        let id = (!is_heartbeat)
            .then(|| EventHash::new(head.source, head.event_id, head.record_time_us));
        let fate = owned.intake.decide(head.source, id, row_time_us);
        match owned.heard.get_mut(head.source) {
            Some(heard) => *heard = self.clock.elapsed(),
            None => {
                owned
                    .heard
                    .insert(head.source.to_owned(), self.clock.elapsed());
            }
        }
        match fate {
            Fate::Accepted if is_heartbeat => counts.heartbeats += 1,
            Fate::Accepted => {
                counts.accepted += 1;
                decoder.keep(
                    value,
                    row_time_us,
                    owned.intake.partition.index,
                    entry.offset,
                );
                self.tell(place, entry, &head, "accepted", "", 1);
                self.flag(place, entry, &head);
            }
            Fate::Duplicate { before } => {
                counts.duplicates += 1;
                self.tell(place, entry, &head, "duplicate", "", i64::from(before) + 1);
            }
            Fate::Late { by_us } => {
                let refusal = Refusal::new(
                    RejectReason::Late,
                    format!(
                        "the row came {:.1} s after its windows were final: raise out_of_order_max_s of source {} if that is usual",
                        by_us as f64 / 1e6,
                        head.source
                    ),
                );
                self.reject(place, batch, entry, Some(&head), refusal);
            }
        }
    }

    /// Doubts that do not need the body.
    fn flag(&mut self, place: usize, entry: &Entry, head: &Head<'_>) {
        let is_known = self.settings.knows_terminal(head.terminal_id);
        for (doubtful, reason) in [
            (head.flags.has_unknown_enum, "unknown_enum"),
            (head.flags.is_saturated, "number_too_large"),
            (!is_known, "unknown_terminal"),
        ] {
            if doubtful {
                *self.flagged.entry(reason).or_default() += 1;
                self.tell(place, entry, head, "flagged", reason, 1);
            }
        }
    }

    /// Writes one row of the `intake` stream.
    fn tell(
        &mut self,
        place: usize,
        entry: &Entry,
        head: &Head<'_>,
        outcome: &'static str,
        reason: &str,
        copies: i64,
    ) {
        let Kind::Table(table) = head.kind else {
            return;
        };
        let intake = &self.owned[place].intake;
        let latest = intake
            .sources
            .get(head.source)
            .and_then(|source| source.row_time_max_us);
        let is_fact = matches!(head.classifier, Classifier::Act | Classifier::Unspecified);
        self.intake_rows.push(&IntakeRow {
            row_time_us: latest.unwrap_or_else(|| head.row_time_us()),
            source: head.source,
            stream: self.owned[place].stream.name(),
            table: &table.table().name,
            terminal_id: head.terminal_id,
            outcome,
            reason,
            copies,
            delay_us: is_fact.then(|| head.record_time_us.saturating_sub(head.event_time_us)),
            partition: intake.partition.index,
            offset: entry.offset,
        });
    }

    fn reject(
        &mut self,
        place: usize,
        batch: &Batch,
        entry: &Entry,
        head: Option<&Head<'_>>,
        mut refusal: Refusal,
    ) {
        *self.rejected.entry(refusal.reason).or_default() += 1;
        let owned = &self.owned[place];
        let source = head.map_or(UNREADABLE, |head| head.source);
        // Time of the source in this partition, or of any: what cannot be read has none of its own.
        let known = owned
            .intake
            .sources
            .get(source)
            .and_then(|source| source.row_time_max_us);
        let latest = known.or_else(|| owned.intake.latest_us());
        let outcome = if refusal.reason == RejectReason::Late {
            "late"
        } else {
            "rejected"
        };
        let table = head.and_then(|head| match head.kind {
            Kind::Table(table) => Some(table.table().name.as_str()),
            Kind::Heartbeat => None,
        });
        self.intake_rows.push(&IntakeRow {
            row_time_us: latest.unwrap_or(entry.timestamp_ms.saturating_mul(1_000)),
            source,
            stream: owned.stream.name(),
            table: table.unwrap_or_default(),
            terminal_id: head.map_or("", |head| head.terminal_id),
            outcome,
            reason: reason_name(refusal.reason),
            copies: 1,
            delay_us: None,
            partition: owned.intake.partition.index,
            offset: entry.offset,
        });
        if let Some(head) = head {
            refusal.source = head.source.to_owned();
            refusal.event_id = head.event_id.to_owned();
        }
        self.rejects.push(outgoing(
            &self.settings.topics.rejects,
            batch.partition(entry),
            entry.offset,
            entry.timestamp_ms,
            batch.key(entry),
            batch.value(entry).unwrap_or_default(),
            &refusal,
        ));
    }

    /// Everything since the last commit as one commit; none if nothing happened. Call [`Self::committed`] once it is
    /// durable, or [`Self::reset`] if it was aborted.
    pub fn commit(&mut self) -> Result<Option<Commit>, EngineError> {
        self.note_silence();
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
        let parts = self.run_queries(&tables)?;
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
            &covered,
            &frontiers,
            self.timestamp_ms,
        )?;
        records.append(&mut self.rejects);
        for owned in &mut self.owned {
            let home = self.settings.state_partition(&owned.intake.partition);
            records.extend(
                owned
                    .intake
                    .delta()
                    .map(|delta| state_record(home, &delta, self.timestamp_ms)),
            );
        }
        let positions = self.owned.iter();
        let positions =
            positions.map(|owned| (owned.intake.partition.clone(), owned.intake.next_offset));
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

    /// Finds wrong check digits: flags them, or takes the rows out.
    fn check_digits(
        &mut self,
        table: &str,
        batch: &RecordBatch,
    ) -> Result<RecordBatch, EngineError> {
        let found = doubtful(table, batch);
        if found.is_empty() {
            return Ok(batch.clone());
        }
        let mut keep = vec![true; batch.num_rows()];
        for doubt in found {
            match self.settings.check_digits {
                Doubt::Flag => self.flag_row(table, batch, doubt.row),
                Doubt::Reject => {
                    keep[doubt.row] = false;
                    let refusal = Refusal::new(RejectReason::CheckDigit, doubt.detail);
                    self.reject_row(batch, doubt.row, refusal);
                }
            }
        }
        Ok(filter_record_batch(batch, &BooleanArray::from(keep))?)
    }

    fn flag_row(&mut self, table: &str, batch: &RecordBatch, row: usize) {
        let Some((place, offset)) = self.row_origin(table, batch, row) else {
            return;
        };
        *self.flagged.entry("check_digit").or_default() += 1;
        let text = |name: &str| {
            batch
                .column_by_name(name)
                .and_then(|column| column.as_string_opt::<i32>())
        };
        let source = text("source").map_or("", |column| column.value(row));
        let intake = &self.owned[place].intake;
        let latest = intake
            .sources
            .get(source)
            .and_then(|source| source.row_time_max_us);
        self.intake_rows.push(&IntakeRow {
            row_time_us: latest.unwrap_or_default(),
            source,
            stream: self.owned[place].stream.name(),
            table,
            terminal_id: text("terminal_id").map_or("", |column| column.value(row)),
            outcome: "flagged",
            reason: "check_digit",
            copies: 1,
            delay_us: None,
            partition: intake.partition.index,
            offset,
        });
    }

    /// Place in `owned` and offset of the record that a row came from.
    fn row_origin(&self, table: &str, batch: &RecordBatch, row: usize) -> Option<(usize, i64)> {
        let partition = batch
            .column_by_name("partition")?
            .as_primitive_opt::<Int32Type>()?
            .value(row);
        let offset = batch
            .column_by_name("offset")?
            .as_primitive_opt::<Int64Type>()?
            .value(row);
        let stream = events::schema::table(table)?.stream;
        let place = self.owned.iter().position(|owned| {
            owned.stream == stream && owned.intake.partition.index == partition
        })?;
        Some((place, offset))
    }

    /// Writes the record of a row that was accepted at first to the reject topic.
    fn reject_row(&mut self, batch: &RecordBatch, row: usize, refusal: Refusal) {
        let column = |name: &str| batch.column_by_name(name);
        let partition =
            column("partition").and_then(|column| column.as_primitive_opt::<Int32Type>());
        let offset = column("offset").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(partition), Some(offset)) = (partition, offset) else {
            return;
        };
        let (partition, offset) = (partition.value(row), offset.value(row));
        let text = |name: &str| {
            let column = column(name).and_then(|column| column.as_string_opt::<i32>());
            column.map_or_else(String::new, |column| column.value(row).to_owned())
        };
        let refusal = Refusal {
            source: text("source"),
            event_id: text("event_id"),
            ..refusal
        };
        *self.rejected.entry(refusal.reason).or_default() += 1;
        let topics: Vec<Arc<str>> = self
            .settings
            .inputs
            .iter()
            .map(|input| Arc::clone(&input.topic))
            .collect();
        for held in &self.held {
            let found = held.entries().iter().find(|entry| {
                let from = held.partition(entry);
                entry.offset == offset && from.index == partition && topics.contains(&from.topic)
            });
            if let Some(entry) = found {
                self.rejects.push(outgoing(
                    &self.settings.topics.rejects,
                    held.partition(entry),
                    offset,
                    entry.timestamp_ms,
                    held.key(entry),
                    held.value(entry).unwrap_or_default(),
                    &refusal,
                ));
                return;
            }
        }
    }

    fn run_queries(
        &mut self,
        tables: &BTreeMap<String, Vec<RecordBatch>>,
    ) -> Result<Vec<Part>, EngineError> {
        for (table, rows) in tables {
            self.program.fill(table, rows.clone());
        }
        let mut parts = Vec::new();
        let mut failed: Vec<(String, QueryError)> = Vec::new();
        for table in self
            .program
            .tables
            .iter()
            .filter(|table| tables.contains_key(&table.stream))
        {
            match table.fold.run() {
                Ok(batches) => parts.push(Part {
                    name: table.name.clone(),
                    fingerprint: table.fingerprint,
                    merge_key: MergeKey::Port,
                    batches,
                }),
                Err(error) => failed.push((table.stream.clone(), error)),
            }
        }
        for query in &self.program.queries {
            let (Some(fold), Some(stream)) = (&query.fold, &query.stream) else {
                continue;
            };
            if !tables.contains_key(stream) {
                continue;
            }
            match fold.run() {
                Ok(batches) => parts.push(Part {
                    name: query.name.clone(),
                    fingerprint: query.fingerprint,
                    merge_key: query.merge_key.clone(),
                    batches,
                }),
                Err(error) => failed.push((stream.clone(), error)),
            }
        }
        for (stream, error) in failed {
            let part = self.without_bad_rows(&stream, &error, &tables[&stream])?;
            parts.extend(part);
        }
        for table in tables.keys() {
            self.program.fill(table, Vec::new());
        }
        parts.retain(|part| part.batches.iter().any(|batch| batch.num_rows() > 0));
        Ok(parts)
    }

    /// A query cannot compute with some row. Finds those rows by halving, rejects them in the query's name, and runs the
    /// query over the others.
    fn without_bad_rows(
        &mut self,
        stream: &str,
        error: &QueryError,
        rows: &[RecordBatch],
    ) -> Result<Option<Part>, EngineError> {
        let name = error.query.clone();
        let mut bad = Vec::new();
        let mut good = Vec::new();
        let mut open: Vec<RecordBatch> = rows.to_vec();
        while let Some(batch) = open.pop() {
            self.program.fill(stream, vec![batch.clone()]);
            let (result, fingerprint, merge_key) = self.run_one(&name);
            match result {
                Ok(batches) => good.push((batches, fingerprint, merge_key)),
                Err(error) if batch.num_rows() == 1 => bad.push((batch, error)),
                Err(_) => {
                    let half = batch.num_rows() / 2;
                    open.push(batch.slice(0, half));
                    open.push(batch.slice(half, batch.num_rows() - half));
                }
            }
        }
        for (batch, error) in bad {
            let refusal = Refusal {
                query: name.clone(),
                ..Refusal::new(
                    RejectReason::QueryError,
                    format!("{error}; mend the query or the record, other queries have used it"),
                )
            };
            self.reject_row(&batch, 0, refusal);
        }
        let (fingerprint, merge_key) = match good.first() {
            Some((_, fingerprint, merge_key)) => (*fingerprint, merge_key.clone()),
            None => return Ok(None),
        };
        Ok(Some(Part {
            name,
            fingerprint,
            merge_key,
            batches: good.into_iter().flat_map(|(batches, ..)| batches).collect(),
        }))
    }

    fn run_one(&self, name: &str) -> (Result<Vec<RecordBatch>, QueryError>, u64, MergeKey) {
        if let Some(table) = self.program.tables.iter().find(|table| table.name == name) {
            return (table.fold.run(), table.fingerprint, MergeKey::Port);
        }
        match self.program.queries.iter().find(|query| query.name == name) {
            Some(query) => {
                let rows = query
                    .fold
                    .as_ref()
                    .map_or_else(|| Ok(Vec::new()), |fold| fold.run());
                (rows, query.fingerprint, query.merge_key.clone())
            }
            None => (Ok(Vec::new()), 0, MergeKey::Port),
        }
    }

    fn covered(&self) -> Vec<Covered> {
        let owned = self
            .owned
            .iter()
            .filter(|owned| owned.intake.next_offset > owned.intake.covered_from);
        let covered = owned.map(|owned| Covered {
            topic: owned.intake.partition.topic.to_string(),
            partition: owned.intake.partition.index,
            from: owned.intake.covered_from,
            to: owned.intake.next_offset,
        });
        covered.collect()
    }

    /// Marks sources idle that have been silent in a partition that is read to its end.
    fn note_silence(&mut self) {
        if self.settings.bounded == Bounded::UntilEnd {
            return;
        }
        let (now, timeout) = (self.clock.elapsed(), self.settings.idle_timeout);
        for owned in self.owned.iter_mut().filter(|owned| owned.end.is_some()) {
            for (name, source) in &mut owned.intake.sources {
                let heard = owned.heard.get(name).copied().unwrap_or_default();
                if !source.is_idle && now.saturating_sub(heard) >= timeout {
                    source.is_idle = true;
                    source.is_changed = true;
                }
            }
        }
    }

    fn frontiers(&self) -> Vec<Frontier> {
        let correction_us = micros(self.settings.correction_max);
        let mut frontiers = Vec::new();
        for owned in &self.owned {
            let ends_now = self.settings.bounded == Bounded::UntilEnd
                && owned.end.is_some()
                && !owned.has_ended;
            for (name, source) in &owned.intake.sources {
                if !source.is_changed && !ends_now {
                    continue;
                }
                let complete_to_us = source.complete_to_us(correction_us);
                let state = match (ends_now, source.is_idle, complete_to_us) {
                    (true, ..) => FrontierState::Ended,
                    (_, true, _) => FrontierState::Idle,
                    (.., Some(_)) => FrontierState::Active,
                    (.., None) => continue,
                };
                frontiers.push(Frontier {
                    topic: owned.intake.partition.topic.to_string(),
                    partition: owned.intake.partition.index,
                    source: name.clone(),
                    complete_to_us: complete_to_us.unwrap_or_default(),
                    state: state.into(),
                    begin_us: source.begin_us(correction_us),
                    row_time_max_us: source.row_time_max_us,
                });
            }
        }
        frontiers
    }
}

fn state_record(home: Partition, delta: &IntakeDelta, timestamp_ms: i64) -> Outgoing {
    Outgoing {
        topic: home.topic,
        partition: Some(home.index),
        key: Some(format!("{}/{}", delta.topic, delta.partition).into_bytes()),
        value: Some(delta.encode_to_vec()),
        timestamp_ms,
        headers: Vec::new(),
    }
}

/// The columns that queries and checks need.
fn projection(program: &Program) -> Result<Projection, EngineError> {
    let mut projection = Projection::none();
    let mut add = |table: &str, columns: &[&str]| {
        projection
            .add(table, columns)
            .map_err(|error| EngineError::Schema(error.to_string()))
    };
    for (table, columns) in program.needed_columns() {
        if table != windows::intake::NAME {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            add(&table, &columns)?;
            add(&table, &CHECK_COLUMNS)?;
        }
    }
    for check in CHECKS {
        add(check.table, &CHECK_COLUMNS)?;
        add(check.table, &[check.column])?;
    }
    Ok(projection)
}

impl Settings {
    /// Refuses a readable record whose envelope cannot be believed.
    fn judge(&self, head: &Head<'_>, timestamp_ms: i64) -> Result<(), Refusal> {
        let limit_us = timestamp_ms
            .saturating_mul(1_000)
            .saturating_add(micros(self.future_max));
        let ahead_us = head.row_time_us().saturating_sub(limit_us);
        if ahead_us > 0 {
            return Err(Refusal::new(
                RejectReason::Future,
                format!(
                    "the row lies {:.0} s further ahead of its Kafka timestamp than future_max_s = {}: correct the clock of source {}",
                    ahead_us as f64 / 1e6,
                    self.future_max.as_secs(),
                    head.source
                ),
            ));
        }
        if self.unknown_terminal == Doubt::Reject && !self.knows_terminal(head.terminal_id) {
            return Err(Refusal::new(
                RejectReason::UnknownTerminal,
                format!(
                    "terminal {} is not listed: add it to `terminals` or correct the source",
                    head.terminal_id
                ),
            ));
        }
        Ok(())
    }

    fn knows_terminal(&self, terminal_id: &str) -> bool {
        terminal_id.is_empty()
            || self.terminals.is_empty()
            || self.terminals.iter().any(|known| known == terminal_id)
    }
}
