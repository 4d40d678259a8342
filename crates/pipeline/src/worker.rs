//! The two loops: read, work, commit. A worker runs on a thread of its own; nothing is shared between workers but the
//! log. The commit is the one place where outputs, state and positions leave the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use events::Message;
use events::internal::IntakeDelta;

use crate::clock::Clock;
use crate::error::EngineError;
use crate::fold::Fold;
use crate::log::{Batch, Commit, LogError, Outgoing, Partition, Signal, Sink, Source};
use crate::merge::Merge;
use crate::outcome::Tally;
use crate::settings::{Bounded, Settings};

/// How long a worker waits for records before it looks at its other duties.
const WAIT: Duration = Duration::from_millis(20);

/// Asks workers to finish their commit and stop. Clones share the request.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ask.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Was it asked for?
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What all workers of a process share.
#[derive(Clone)]
pub struct Shared {
    /// Settings.
    pub settings: Arc<Settings>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Totals.
    pub tally: Arc<Tally>,
    /// Request to stop.
    pub stop: Stop,
}

/// What one turn of a worker came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There was work.
    Worked,
    /// There was nothing to do.
    Idle,
    /// All input has ended and everything is committed.
    Done,
}

/// Parts the signals of one fetch into ends of partitions, which come after the records, and changes of ownership, which
/// come before them: the records may be those of a partition that was assigned in the same fetch.
fn part(signals: Vec<Signal>) -> (Vec<Signal>, Vec<Signal>) {
    signals
        .into_iter()
        .partition(|signal| matches!(signal, Signal::End(..)))
}

/// A worker of the first stage.
pub struct FoldWorker<S, K> {
    shared: Shared,
    source: S,
    sink: K,
    fold: Fold,
    committed_at: Duration,
    spare: Batch,
    roll_backs: u64,
}

impl<S: Source, K: Sink> FoldWorker<S, K> {
    /// Plans the queries.
    pub fn new(shared: Shared, source: S, sink: K) -> Result<Self, EngineError> {
        let fold = Fold::new(
            Arc::clone(&shared.settings),
            Arc::clone(&shared.clock),
            Arc::clone(&shared.tally),
        )?;
        Ok(FoldWorker {
            committed_at: shared.clock.elapsed(),
            shared,
            source,
            sink,
            fold,
            spare: Batch::default(),
            roll_backs: 0,
        })
    }

    /// Runs until the input ends, a stop is requested, or an error.
    pub fn run(&mut self) -> Result<(), EngineError> {
        while !self.shared.stop.is_requested() {
            if self.turn(WAIT)? == Turn::Done {
                return Ok(());
            }
        }
        self.commit()?;
        Ok(())
    }

    /// Reads once and commits if it is time.
    pub fn turn(&mut self, wait: Duration) -> Result<Turn, EngineError> {
        let mut batch = std::mem::take(&mut self.spare);
        let signals = self.source.fetch(&mut batch, wait)?;
        let is_idle = batch.is_empty() && signals.is_empty();
        let (mut ends, changes) = part(signals);
        let before = self.roll_backs;
        for signal in changes {
            self.handle(signal)?;
        }
        if self.roll_backs != before {
            // What was fetched lies ahead of where reading begins again.
            batch.clear();
            ends.clear();
        }
        self.fold.take(batch);
        let at_end = !ends.is_empty();
        for signal in ends {
            self.handle(signal)?;
        }
        let settings = &self.shared.settings;
        let waited = self
            .shared
            .clock
            .elapsed()
            .saturating_sub(self.committed_at);
        let is_full = self.fold.bytes_waiting() >= settings.commit_bytes_max;
        let flushes = at_end && settings.bounded == Bounded::UntilEnd;
        if is_full || flushes || waited >= settings.commit_interval {
            self.commit()?;
        }
        if self.fold.has_ended() {
            return Ok(Turn::Done);
        }
        Ok(if is_idle { Turn::Idle } else { Turn::Worked })
    }

    fn handle(&mut self, signal: Signal) -> Result<(), EngineError> {
        match signal {
            Signal::Assigned(partitions) => {
                for (partition, offset) in partitions {
                    self.assign(partition, offset)?;
                }
            }
            Signal::Revoking(partitions) => {
                self.commit()?;
                for partition in &partitions {
                    self.fold.revoke(partition);
                }
                self.source.release()?;
            }
            Signal::Lost(partitions) => {
                tracing::warn!(
                    ?partitions,
                    "partitions lost; going back to the last commit"
                );
                self.roll_back(&partitions)?;
            }
            Signal::End(partition, next_offset) => self.fold.reached_end(&partition, next_offset),
            Signal::Unreachable(reason) => {
                tracing::warn!(reason, "Kafka cannot be reached; waiting, nothing is lost");
            }
            Signal::Reachable => tracing::info!("Kafka can be reached again"),
        }
        Ok(())
    }

    /// Reads the intake state that was committed with `offset` and begins to own the partition.
    fn assign(&mut self, partition: Partition, offset: i64) -> Result<(), EngineError> {
        let home = self.shared.settings.state_partition(&partition);
        let mut deltas = Vec::new();
        self.source.replay(&home, None, None, &mut |batch| {
            for entry in batch.entries() {
                let value = batch.value(entry).unwrap_or_default();
                let delta = IntakeDelta::decode(value).map_err(|error| {
                    LogError::Fatal(format!(
                        "{home} offset {} is not intake state: {error}; the topic belongs to the engine alone",
                        entry.offset
                    ))
                })?;
                let is_ours = *delta.topic == *partition.topic && delta.partition == partition.index;
                if is_ours && delta.next_offset <= offset {
                    deltas.push(delta);
                }
            }
            Ok(())
        })?;
        tracing::info!(%partition, offset, deltas = deltas.len(), "assigned");
        self.fold.assign(partition, offset, &deltas)
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        let started = self.shared.clock.elapsed();
        self.committed_at = started;
        let Some(commit) = self.fold.commit()? else {
            self.fold.committed();
            return Ok(());
        };
        let partials = &self.shared.settings.topics.partials;
        let partial_bytes: usize = commit
            .records
            .iter()
            .filter(|record| record.topic == *partials)
            .map(|record| record.value.as_ref().map_or(0, Vec::len))
            .sum();
        let folded = self.shared.clock.elapsed();
        match self.sink.commit(commit) {
            Ok(()) => {
                self.spare = self.fold.committed();
                let seconds = folded.saturating_sub(started).as_secs_f64();
                self.shared.tally.fold_commit(seconds, partial_bytes as u64);
                Ok(())
            }
            Err(LogError::Aborted(reason)) => {
                tracing::warn!(reason, "commit aborted; going back to the last one");
                self.roll_back(&[])
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets what was not committed and reads the partitions that are left from their last commit on.
    fn roll_back(&mut self, lost: &[Partition]) -> Result<(), EngineError> {
        self.roll_backs += 1;
        let mut kept = self.fold.committed_positions();
        kept.retain(|(partition, _)| !lost.contains(partition));
        self.fold.reset();
        self.source.rewind()?;
        for (partition, offset) in kept {
            self.assign(partition, offset)?;
        }
        Ok(())
    }
}

/// A worker of the second stage.
pub struct MergeWorker<S, K> {
    shared: Shared,
    source: S,
    sink: K,
    is_strict: bool,
    merges: BTreeMap<Partition, Merge>,
    committed: BTreeMap<Partition, i64>,
    pending: Vec<Outgoing>,
    committed_at: Duration,
    batch: Batch,
    roll_backs: u64,
}

impl<S: Source, K: Sink> MergeWorker<S, K> {
    /// A worker without partitions. `is_strict` as for [`Merge::new`].
    pub fn new(shared: Shared, source: S, sink: K, is_strict: bool) -> Self {
        MergeWorker {
            committed_at: shared.clock.elapsed(),
            shared,
            source,
            sink,
            is_strict,
            merges: BTreeMap::new(),
            committed: BTreeMap::new(),
            pending: Vec::new(),
            batch: Batch::default(),
            roll_backs: 0,
        }
    }

    /// Runs until the input ends, a stop is requested, or an error.
    pub fn run(&mut self) -> Result<(), EngineError> {
        while !self.shared.stop.is_requested() {
            if self.turn(WAIT)? == Turn::Done {
                return Ok(());
            }
        }
        self.commit()?;
        Ok(())
    }

    /// The origin that holds the frontier back most.
    pub fn slowest(&self) -> Option<String> {
        self.merges.values().next().and_then(Merge::slowest)
    }

    /// Reads once, computes what is due, and commits if there is something.
    pub fn turn(&mut self, wait: Duration) -> Result<Turn, EngineError> {
        self.batch.clear();
        let signals = self.source.fetch(&mut self.batch, wait)?;
        let is_idle = self.batch.is_empty() && signals.is_empty();
        let (mut ends, changes) = part(signals);
        let before = self.roll_backs;
        for signal in changes {
            self.handle(signal)?;
        }
        if self.roll_backs != before {
            // What was fetched lies ahead of where reading begins again.
            self.batch.clear();
            ends.clear();
        }
        let started = self.shared.clock.elapsed();
        if !self.batch.is_empty() {
            for merge in self.merges.values_mut() {
                merge.take(&self.batch)?;
                self.pending.extend(merge.step()?);
            }
            let frontier_us = self.merges.values().filter_map(Merge::frontier_us).min();
            let seconds = self
                .shared
                .clock
                .elapsed()
                .saturating_sub(started)
                .as_secs_f64();
            self.shared.tally.merge_step(seconds, frontier_us);
        }
        for signal in ends {
            self.handle(signal)?;
        }
        let waited = self
            .shared
            .clock
            .elapsed()
            .saturating_sub(self.committed_at);
        if !self.pending.is_empty()
            || self.has_ended()
            || waited >= self.shared.settings.commit_interval
        {
            self.commit()?;
        }
        // Asked again: an aborted commit has taken the end back.
        Ok(match (self.has_ended(), is_idle) {
            (true, _) => Turn::Done,
            (_, true) => Turn::Idle,
            _ => Turn::Worked,
        })
    }

    fn has_ended(&self) -> bool {
        !self.merges.is_empty() && self.merges.values().all(Merge::has_ended)
    }

    fn handle(&mut self, signal: Signal) -> Result<(), EngineError> {
        match signal {
            Signal::Assigned(partitions) => {
                for (partition, offset) in partitions {
                    self.assign(partition, offset)?;
                }
            }
            Signal::Revoking(partitions) => {
                self.commit()?;
                self.forget(&partitions);
                self.source.release()?;
            }
            Signal::Lost(partitions) => {
                self.forget(&partitions);
                self.roll_back()?;
            }
            Signal::End(partition, next_offset) => {
                if let Some(merge) = self.merges.get_mut(&partition) {
                    merge.skip_to(next_offset);
                }
            }
            Signal::Unreachable(reason) => {
                tracing::warn!(reason, "Kafka cannot be reached; waiting, nothing is lost");
            }
            Signal::Reachable => tracing::info!("Kafka can be reached again"),
        }
        Ok(())
    }

    fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.merges.remove(partition);
            self.committed.remove(partition);
        }
    }

    /// Brings a partition to the state of its last commit by reading its log in silence.
    fn assign(&mut self, partition: Partition, offset: i64) -> Result<(), EngineError> {
        let shared = self.shared.clone();
        // What is read again was counted before.
        let silent = Arc::new(Tally::silent());
        let mut merge = Merge::new(
            shared.settings,
            shared.clock,
            silent,
            partition.clone(),
            self.is_strict,
        )?;
        let mut failure = None;
        let replayed = self
            .source
            .replay(&partition, None, Some(offset), &mut |batch| {
                merge
                    .take(batch)
                    .and_then(|()| merge.step().map(drop))
                    .map_err(|error| {
                        let text = error.to_string();
                        failure = Some(error);
                        LogError::Fatal(text)
                    })
            });
        if let Some(error) = failure {
            return Err(error);
        }
        replayed?;
        merge.skip_to(offset);
        merge.count_in(Arc::clone(&self.shared.tally));
        tracing::info!(%partition, offset, "assigned");
        self.committed.insert(partition.clone(), offset);
        self.merges.insert(partition, merge);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        self.committed_at = self.shared.clock.elapsed();
        let positions: Vec<(Partition, i64)> = self
            .merges
            .values()
            .map(|merge| (merge.partition().clone(), merge.next_offset()))
            .collect();
        let is_news = positions
            .iter()
            .any(|(partition, offset)| self.committed.get(partition) != Some(offset));
        if !is_news && self.pending.is_empty() {
            return Ok(());
        }
        let commit = Commit {
            records: std::mem::take(&mut self.pending),
            positions: positions.clone(),
        };
        match self.sink.commit(commit) {
            Ok(()) => {
                self.committed = positions.into_iter().collect();
                self.shared.tally.merge_commit();
                Ok(())
            }
            Err(LogError::Aborted(reason)) => {
                tracing::warn!(reason, "commit aborted; going back to the last one");
                self.roll_back()
            }
            Err(error) => Err(error.into()),
        }
    }

    fn roll_back(&mut self) -> Result<(), EngineError> {
        self.roll_backs += 1;
        self.pending.clear();
        let kept = std::mem::take(&mut self.committed);
        self.merges.clear();
        self.source.rewind()?;
        for (partition, offset) in kept {
            self.assign(partition, offset)?;
        }
        Ok(())
    }
}
