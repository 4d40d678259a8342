//! The loop of the second stage.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backfill::Backfill;
use super::snapshots::{Finished, Snapshots};
use super::spare::Spare;
use super::standstill::Standstill;
use super::{Pause, Shared, Turn, WAIT, part};
use crate::budget::Account;
use crate::error::EngineError;
use crate::log::{Batch, Commit, LogError, Outgoing, Partition, Position, Signal, Sink, Source};
use crate::merge::{Merge, Parcel};
use crate::planted::{Bug, has};
use crate::settings::Bounded;

/// A worker of the second stage.
pub struct MergeWorker<S, K> {
    pub(super) shared: Shared,
    pub(super) source: S,
    pub(super) sink: K,
    pub(super) merges: BTreeMap<Partition, Merge>,
    pub(super) backfills: BTreeMap<Partition, Backfill>,
    pub(super) snapshots: BTreeMap<Partition, Snapshots>,
    pub(super) committed: BTreeMap<Partition, Position>,
    /// What the next commit will hold.
    pub(super) pending: Parcel,
    committed_at: Duration,
    batch: Batch,
    pub(super) roll_backs: u64,
    spare: Spare,
    pause: Pause,
    standstill: Standstill,
    /// The commit in the making, and snapshots on their way out.
    account: Account,
}

impl<S: Source, K: Sink> MergeWorker<S, K> {
    /// A worker without partitions.
    pub fn new(shared: Shared, source: S, sink: K) -> Self {
        MergeWorker {
            committed_at: shared.clock.elapsed(),
            pending: Parcel::new(shared.settings.transaction_bytes_max),
            account: Account::new(&shared.memory.budget),
            shared,
            source,
            sink,
            merges: BTreeMap::new(),
            backfills: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            committed: BTreeMap::new(),
            batch: Batch::default(),
            roll_backs: 0,
            spare: Spare::default(),
            pause: Pause::default(),
            standstill: Standstill::default(),
        }
    }

    /// Runs until the input ends, a stop is requested, or an error.
    pub fn run(&mut self) -> Result<(), EngineError> {
        match self.run_on() {
            Err(EngineError::Stopped) => Ok(()),
            ended => ended,
        }
    }

    fn run_on(&mut self) -> Result<(), EngineError> {
        while !self.shared.stop.is_requested() {
            if self.turn(WAIT)? == Turn::Done {
                return Ok(());
            }
        }
        self.commit_all()?;
        for (partition, position) in &self.committed {
            tracing::info!(%partition, %position, "stops");
        }
        Ok(())
    }

    /// Commits, and what that leaves too: with a snapshot that became whole the roster may have changed.
    fn commit_all(&mut self) -> Result<(), EngineError> {
        self.commit()?;
        match self.pending.records.is_empty() {
            true => Ok(()),
            false => self.commit(),
        }
    }

    /// The origin that holds the frontier back most.
    pub fn slowest(&self) -> Option<String> {
        self.merges.values().next().and_then(Merge::slowest)
    }

    /// Reads once, computes what is due, and commits if there is something.
    pub fn turn(&mut self, wait: Duration) -> Result<Turn, EngineError> {
        self.batch.clear();
        self.settle()?;
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
        if !self.batch.is_empty() {
            let started = self.shared.clock.elapsed();
            let batch = std::mem::take(&mut self.batch);
            let taken = self.take(&batch);
            self.batch = batch;
            taken?;
            let frontier_us = self.merges.values().filter_map(Merge::frontier_us).min();
            let now = self.shared.clock.elapsed();
            let seconds = now.saturating_sub(started).as_secs_f64();
            self.shared.tally.merge_step(seconds, frontier_us);
            let furthest_back = |merge: &&Merge| merge.frontier_us();
            let slowest = self.merges.values().min_by_key(furthest_back);
            self.standstill
                .look(frontier_us, now, || slowest.and_then(Merge::slowest));
        }
        if self.roll_backs != before {
            ends.clear();
        }
        for signal in ends {
            self.handle(signal)?;
        }
        self.backfill()?;
        let now_us = self.shared.clock.now_us();
        let merges = self.merges.values_mut();
        for tick in merges.filter_map(|merge| merge.due_tick(now_us)) {
            self.pending.put(tick);
        }
        let waited = self
            .shared
            .clock
            .elapsed()
            .saturating_sub(self.committed_at);
        if !self.pending.records.is_empty()
            || self.has_ended()
            || waited >= self.shared.settings.commit_interval
        {
            self.commit()?;
        }
        // Asked again: an aborted commit has taken the end back, and one that ends a backfill has left something to tell.
        let is_spare = self.merges.is_empty();
        let has_ended = self.has_ended() && self.pending.records.is_empty()
            || (is_spare
                && self.spare.has_ended(&self.shared, &mut self.source)?
                && self.source.is_drained()?);
        Ok(match (has_ended, is_idle) {
            (true, _) => Turn::Done,
            (_, true) => Turn::Idle,
            _ => Turn::Worked,
        })
    }

    /// Takes records in and computes what follows from them; commits in between whenever the commit in the making is full.
    fn take(&mut self, batch: &Batch) -> Result<(), EngineError> {
        let before = self.roll_backs;
        let now = self.shared.clock.elapsed();
        let partitions: Vec<Partition> = self.merges.keys().cloned().collect();
        // One partition after the other, so that what leaves does not hang on how a fetch mixed them.
        let entries = partitions.iter().flat_map(|partition| {
            let entries = batch.entries().iter();
            entries.map(move |entry| (partition, entry))
        });
        for (partition, entry) in entries {
            let Some(merge) = self.merges.get_mut(partition) else {
                continue;
            };
            if !merge.begin(batch, entry)? {
                continue;
            }
            let mut is_done = false;
            while !is_done {
                let Some(merge) = self.merges.get_mut(partition) else {
                    return Ok(());
                };
                is_done = merge.go_on(&mut self.pending)?;
                if merge.has_roster_news() {
                    self.write_roster(partition);
                }
                if !is_done {
                    self.commit()?;
                    self.shared.tally.split();
                }
                if self.roll_backs != before {
                    // What is left lies ahead of where reading begins again.
                    return Ok(());
                }
            }
            self.use_place(partition, now)?;
        }
        Ok(())
    }

    /// Between two commits of fold need not be where a fetch ends: what waits for such a place is done behind each record.
    fn use_place(&mut self, partition: &Partition, now: Duration) -> Result<(), EngineError> {
        let Some(merge) = self.merges.get(partition) else {
            return Ok(());
        };
        if let Some(snapshots) = self.snapshots.get_mut(partition) {
            snapshots.begin_if_due(merge, &self.shared.settings.snapshots, now)?;
        }
        if merge.wants_backfill() && !self.backfills.contains_key(partition) {
            let begun = self.begin_backfill(partition)?;
            self.backfills
                .extend(begun.map(|begun| (partition.clone(), begun)));
        }
        Ok(())
    }

    /// Says what is held, makes room, and stops reading if there is none.
    fn settle(&mut self) -> Result<(), EngineError> {
        for merge in self.merges.values_mut() {
            merge.keep_within_budget();
        }
        let writing: usize = self.snapshots.values().map(Snapshots::bytes).sum();
        self.account
            .set(self.pending.bytes() + self.batch.capacity() + writing);
        let budget = &self.shared.memory.budget;
        self.shared.tally.memory(budget.bytes(), budget.bytes_max());
        let is_wanted = budget.pauses_merge(self.pause.is_on);
        self.pause
            .turn(is_wanted, "merge", &self.shared, &mut self.source)?;
        Ok(())
    }

    fn has_ended(&self) -> bool {
        !self.merges.is_empty() && self.merges.values().all(Merge::has_ended)
    }

    fn handle(&mut self, signal: Signal) -> Result<(), EngineError> {
        match signal {
            Signal::Assigned(partitions) => {
                self.spare.begin(&self.shared);
                for (partition, beginning) in partitions {
                    self.take_up(partition, beginning.position, Some(beginning.said_by))?;
                }
            }
            Signal::Revoking(partitions) => {
                self.commit_all()?;
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
                    if merge.has_roster_news() {
                        self.write_roster(&partition);
                    }
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
            // Whoever owns it now may have written a newer roster.
            let home = self.shared.settings.snapshot_partition(partition);
            self.pending.take_out(&home);
            self.merges.remove(partition);
            self.backfills.remove(partition);
            self.shared.tally.state_gone(partition.index);
            self.snapshots.remove(partition);
            self.committed.remove(partition);
        }
    }

    /// Reads a stretch of a partition outside the group.
    pub(super) fn read(
        &mut self,
        partition: &Partition,
        (from, to): (Option<i64>, i64),
        visit: &mut dyn FnMut(&Batch) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut failure = None;
        let read = self.source.replay(partition, from, Some(to), &mut |batch| {
            visit(batch).map_err(|error| {
                let text = error.to_string();
                failure = Some(error);
                LogError::Fatal(text)
            })
        });
        match failure {
            Some(error) => Err(error),
            None => read.map(drop).map_err(EngineError::from),
        }
    }

    /// Adds pieces of snapshots to the commit in the making.
    fn snapshot(&mut self) -> Result<Vec<(Partition, Finished)>, EngineError> {
        let now = self.shared.clock.elapsed();
        let settings = &self.shared.settings.snapshots;
        let mut finished = Vec::new();
        for (partition, merge) in &self.merges {
            let Some(snapshots) = self.snapshots.get_mut(partition) else {
                continue;
            };
            let whole = snapshots.write(merge, settings, now, &mut self.pending.records)?;
            finished.extend(whole.map(|whole| (partition.clone(), whole)));
            let tally = &self.shared.tally;
            tally.snapshot_age(partition.index, snapshots.age(now).as_secs_f64());
        }
        Ok(finished)
    }

    /// Snapshots are whole: what lies before all that is needed of the log can go.
    fn finish(&mut self, finished: Vec<(Partition, Finished)>) {
        let now = self.shared.clock.elapsed();
        for (partition, whole) in finished {
            let seconds = now.saturating_sub(whole.taken_at).as_secs_f64();
            let tally = &self.shared.tally;
            tally.snapshot(partition.index, whole.bytes, seconds);
            if let Some(snapshots) = self.snapshots.get_mut(&partition) {
                snapshots.committed();
            }
            tracing::info!(%partition, bytes = whole.bytes, seconds, "snapshot written");
            self.note_snapshot(&partition, whole.number);
            let is_endless = self.shared.settings.bounded == Bounded::Never;
            let needed_from = whole.needed_from.filter(|_| is_endless);
            let needed_from = needed_from.zip(self.merges.get(&partition));
            let needed_from = needed_from.map(|(from, merge)| merge.needed_from(from));
            let backfill = self
                .backfills
                .get(&partition)
                .and_then(Backfill::needed_from);
            let needed_from = needed_from.map(|from| backfill.map_or(from, |own| own.min(from)));
            if let Some(needed_from) = needed_from
                && let Err(error) = self.source.trim(&partition, needed_from)
            {
                tracing::warn!(%partition, needed_from, %error, "the partials log was not trimmed; it is tried again with the next snapshot");
            }
        }
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        self.committed_at = self.shared.clock.elapsed();
        let to_tell = self.merges.values_mut().flat_map(Merge::take_to_tell);
        to_tell.for_each(|record| self.pending.put(record));
        let finished = self.snapshot()?;
        let positions: Vec<(Partition, Position)> = self
            .merges
            .values()
            .map(|merge| (merge.partition().clone(), merge.position()))
            .collect();
        let is_news = positions
            .iter()
            .any(|(partition, position)| self.committed.get(partition) != Some(position));
        let records = self.pending.empty();
        if !is_news && records.is_empty() {
            return Ok(());
        }
        let has_plan = |record: &Outgoing| record.topic == self.shared.settings.topics.plan_deltas;
        let positions = match has(Bug::PlanWithoutTick) && records.iter().any(has_plan) {
            true => self.committed.clone().into_iter().collect(),
            false => positions,
        };
        let kept = match has(Bug::AbortedRowsKept) {
            true => records.clone(),
            false => Vec::new(),
        };
        let commit = Commit {
            records,
            positions: positions.clone(),
        };
        match self.sink.commit(commit) {
            Ok(()) => {
                self.committed = positions.into_iter().collect();
                self.shared.tally.merge_commit();
                self.finish(finished);
                Ok(())
            }
            Err(LogError::Aborted(reason)) => {
                if has(Bug::AbortedRowsKept) {
                    self.pending.records = kept;
                }
                tracing::warn!(reason, "commit aborted; going back to the last one");
                self.roll_back().map(drop)
            }
            Err(error) => Err(error.into()),
        }
    }
}
