//! The loop of the first stage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::beginning::{ask_whose, check_fold, lacking};
use super::programs::Portion;
use super::relief::Relief;
use super::spare::Spare;
use super::{Pause, Shared, Turn, WAIT, part};
use crate::budget::Account;
use crate::error::EngineError;
use crate::fold::Fold;
use crate::intake::state::takeover::Takeover;
use crate::log::{Batch, LogError, Partition, SaidBy, Signal, Sink, Source};
use crate::planted::{Bug, has};
use crate::settings::Bounded;

/// How often the end of a partition of the intake state is asked for, some 10 ms each, until it is as far as the offsets.
const STATE_READS_MAX: usize = 1_000;

/// A worker of the first stage.
pub struct FoldWorker<S, K> {
    shared: Shared,
    source: S,
    sink: K,
    fold: Fold,
    committed_at: Duration,
    spare_batch: Batch,
    spare: Spare,
    roll_backs: u64,
    /// The place among the partitions with silent sources whose end is asked for next.
    probe_from: usize,
    /// The log cannot be reached.
    is_cut_off: bool,
    pause: Pause,
    relief: Relief,
    account: Account,
}

impl<S: Source, K: Sink> FoldWorker<S, K> {
    /// Plans the queries.
    pub fn new(shared: Shared, source: S, sink: K) -> Result<Self, EngineError> {
        let fold = Fold::new(
            Arc::clone(&shared.settings),
            shared.programs.take(Portion::Whole, &shared.settings)?,
            Arc::clone(&shared.clock),
            Arc::clone(&shared.tally),
        )?;
        Ok(FoldWorker {
            committed_at: shared.clock.elapsed(),
            account: Account::new(&shared.memory.budget),
            is_cut_off: false,
            pause: Pause::default(),
            relief: Relief::default(),
            shared,
            source,
            sink,
            fold,
            spare_batch: Batch::default(),
            spare: Spare::default(),
            roll_backs: 0,
            probe_from: 0,
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
        for (partition, offset) in self.fold.committed_positions() {
            tracing::info!(%partition, offset, "stops");
        }
        Ok(())
    }

    /// Reads once and commits if it is time.
    pub fn turn(&mut self, wait: Duration) -> Result<Turn, EngineError> {
        self.settle()?;
        let mut batch = std::mem::take(&mut self.spare_batch);
        let signals = self.source.fetch(&mut batch, wait)?;
        self.fold.listen();
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
        let is_spare = self.fold.is_empty();
        if self.fold.has_ended()
            || (is_spare && self.spare.has_ended(&self.shared, &mut self.source)?)
        {
            return Ok(Turn::Done);
        }
        Ok(if is_idle { Turn::Idle } else { Turn::Worked })
    }

    /// Says what is held, and stops reading if there is no room for more; what is there leaves with the commits. Where that
    /// gives nothing back it reads on step by step.
    fn settle(&mut self) -> Result<(), EngineError> {
        self.account.set(self.fold.bytes());
        self.account.set_ids(self.fold.ids_bytes());
        self.relief.judge_ids(&self.shared)?;
        let budget = &self.shared.memory.budget;
        self.shared.tally.memory(budget.bytes(), budget.bytes_max());
        let is_wanted = budget.pauses_fold(self.pause.is_on);
        self.pause
            .turn(is_wanted, "fold", &self.shared, &mut self.source)?;
        let (is_paused, has_read) = (self.pause.is_on, self.fold.bytes_waiting() > 0);
        let reads_on = self.relief.reads_on(is_paused, has_read, &self.shared);
        if is_paused {
            self.source.pause(!reads_on)?;
        }
        // Who does not read does not hear that nothing comes.
        self.fold
            .set_deaf(self.is_cut_off || is_paused && !reads_on);
        Ok(())
    }

    fn handle(&mut self, signal: Signal) -> Result<(), EngineError> {
        match signal {
            Signal::Assigned(partitions) => {
                self.spare.begin(&self.shared);
                let begun = partitions.into_iter().map(|(partition, beginning)| {
                    let said_by = Some(beginning.said_by);
                    (partition, beginning.position.next_offset, said_by)
                });
                self.take_up(begun.collect())?;
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
                self.is_cut_off = true;
                tracing::warn!(reason, "Kafka cannot be reached; waiting, nothing is lost");
            }
            Signal::Reachable => {
                self.is_cut_off = false;
                tracing::info!("Kafka can be reached again");
            }
        }
        Ok(())
    }

    /// Takes partitions up. Who is stopped while it reads, or reads for too long, is given up by the group, and finds what the
    /// next owner has made of the state: an error counts only if all are still this worker's.
    fn take_up(&mut self, mut begun: Vec<Begun>) -> Result<(), EngineError> {
        loop {
            let Err(error) = self.assign(begun.clone()) else {
                return Ok(());
            };
            begun.iter().for_each(|(of, ..)| ask_whose(of, &error));
            let (kept, ours) = self.go_back()?;
            let asked = begun.len();
            begun.retain(|(partition, ..)| ours.contains(partition));
            if begun.len() == asked {
                return Err(error);
            }
            let is_new = |of: &Partition| !begun.iter().any(|(known, ..)| known == of);
            let kept: Vec<Begun> = kept.into_iter().filter(|(of, ..)| is_new(of)).collect();
            begun.extend(kept);
        }
    }

    /// Reads the intake state that was committed with these offsets, each partition of its topic once, and begins to own the
    /// partitions. The offsets are this worker's own where nobody is named.
    fn assign(&mut self, begun: Vec<Begun>) -> Result<(), EngineError> {
        let started = self.shared.clock.elapsed();
        let mut events = 0;
        let mut homes: BTreeMap<Partition, Vec<Taken>> = BTreeMap::new();
        for (partition, offset, said_by) in begun {
            let home = self.shared.settings.state_partition(&partition);
            let is_written = said_by == Some(SaidBy::Engine) && offset > 0;
            homes.entry(home).or_default().push(Taken {
                offset,
                said_by,
                takeover: Takeover::new(partition, offset, is_written),
            });
        }
        let has_any = !homes.is_empty();
        for (home, mut taken) in homes {
            self.read_state(&home, &mut taken)?;
            for Taken {
                offset,
                said_by,
                takeover,
            } in taken
            {
                if let Some(said_by) = said_by.filter(|_| self.sink.is_atomic()) {
                    check_fold(said_by, offset, &home, &takeover)?;
                }
                let (deltas, slices) = takeover.sizes();
                let partition = takeover.partition().clone();
                self.fold.assign(offset, takeover)?;
                let known = self.fold.known(&partition);
                tracing::info!(%partition, offset, deltas, slices, known, "assigned");
                events += known;
            }
        }
        if has_any {
            let took = self.shared.clock.elapsed().saturating_sub(started);
            self.shared.tally.taken_over(events, took.as_secs_f64());
        }
        Ok(())
    }

    /// Reads a partition of the intake state. The end of a transaction may reach the group's offsets before it reaches this
    /// topic: then what the offset stands for is not yet there, and is waited for.
    fn read_state(&mut self, home: &Partition, taken: &mut [Taken]) -> Result<(), EngineError> {
        let mut from = None;
        for _ in 0..STATE_READS_MAX {
            let next = self.source.replay(home, from, None, &mut |batch| {
                for entry in batch.entries() {
                    let (key, value) = (batch.key(entry), batch.value(entry));
                    for Taken { takeover, .. } in taken.iter_mut() {
                        let taken = takeover.take(key.unwrap_or_default(), value);
                        let at = |error| format!("{home} offset {}: {error}", entry.offset);
                        taken.map_err(|error| LogError::Fatal(at(error)))?;
                    }
                }
                Ok(())
            })?;
            if taken.iter().all(|it| it.takeover.is_whole()) {
                return Ok(());
            }
            from = Some(next);
        }
        let mut short = taken.iter().filter(|it| !it.takeover.is_whole());
        let short = short
            .next()
            .map(|it| lacking(home, it.offset, &it.takeover));
        short.map_or(Ok(()), Err)
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        let started = self.shared.clock.elapsed();
        self.committed_at = started;
        self.probe();
        self.fold.note_silence();
        let Some(mut commit) = self.fold.commit()? else {
            self.fold.committed();
            return Ok(());
        };
        if has(Bug::OffsetsNotSent) {
            commit.positions.clear();
        }
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
                self.spare_batch = self.fold.committed();
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

    /// Asks where the partitions end in which sources are silent. One that is not answered for takes its time: the others have
    /// their turn with the next commit.
    fn probe(&mut self) {
        let silent = self.fold.silent();
        let first = self.probe_from % silent.len().max(1);
        let (before, behind) = silent.split_at(first);
        for (asked, partition) in behind.iter().chain(before).enumerate() {
            let Some(end) = self.source.end(partition) else {
                self.probe_from = first + asked + 1;
                return;
            };
            self.fold.probe(partition, end);
        }
    }

    /// Forgets what was not committed and reads the partitions that are left from their last commit on.
    fn roll_back(&mut self, lost: &[Partition]) -> Result<(), EngineError> {
        let (mut kept, _) = self.go_back()?;
        kept.retain(|(partition, ..)| !lost.contains(partition));
        self.take_up(kept)
    }

    /// Forgets all. Gives what was committed of the partitions that are still this worker's, and all of those.
    fn go_back(&mut self) -> Result<(Vec<Begun>, Vec<Partition>), EngineError> {
        self.roll_backs += 1;
        let kept = self.fold.committed_positions();
        self.fold.reset();
        let ours = self.source.rewind()?;
        let kept = kept.into_iter().map(|(of, offset)| (of, offset, None));
        let kept = kept.filter(|(partition, ..)| ours.contains(partition));
        Ok((kept.collect(), ours))
    }
}

/// A partition, the offset to begin at, and who said so: nobody where it is this worker's own.
type Begun = (Partition, i64, Option<SaidBy>);

/// A partition that is taken over.
struct Taken {
    offset: i64,
    said_by: Option<SaidBy>,
    takeover: Takeover,
}
