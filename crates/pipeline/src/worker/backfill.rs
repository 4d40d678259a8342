//! Backfills of the partitions of merge that are ours: when they begin, and what is written of them.

use std::sync::Arc;
use std::time::Duration;

use super::merge::MergeWorker;
use super::{Shared, Stop};
use crate::backfill::job::Job;
use crate::backfill::outbox::Outbox;
use crate::backfill::past::{Past, Told};
use crate::depot::beside::Beside;
use crate::error::EngineError;
use crate::log::{Partition, Sink, Source};
use crate::merge::{HandOver, Merge};
use crate::partials;

/// A backfill that failed is tried again so much later.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Partials that are read at once of those behind the hand-over.
const STRETCH: i64 = 1_000;
/// From one line about progress in the log to the next.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Where the backfill of a partition stands.
pub(super) enum Backfill {
    /// The input of before is read.
    Reading(Box<Reading>),
    /// It was read; what has come since is read behind it.
    Following(Box<Following>),
    /// Its state is taken over; the snapshot of this number, the first that holds it, is waited for.
    TakenOver(u64),
    /// It failed, at this moment of the worker's clock.
    Failed(Duration),
}

/// A backfill on its way.
pub(super) struct Reading {
    work: Beside<Result<Past, EngineError>>,
    outbox: Arc<Outbox>,
    halt: Stop,
    hand_over: HandOver,
    told_at: Duration,
}

/// The state that was read, on its way through the partials behind the hand-over to where merge is.
pub(super) struct Following {
    past: Past,
    /// The next partials to read.
    next: i64,
    turns: u64,
}

impl Backfill {
    /// Partials from this offset on are needed.
    pub fn needed_from(&self) -> Option<i64> {
        match self {
            Backfill::Reading(reading) => Some(reading.hand_over.offset),
            Backfill::Following(following) => Some(following.next),
            Backfill::TakenOver(_) | Backfill::Failed(_) => None,
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.halt.request();
    }
}

impl<S: Source, K: Sink> MergeWorker<S, K> {
    /// Goes on with the backfills: once a turn, between two records.
    pub(super) fn backfill(&mut self) -> Result<(), EngineError> {
        let waiting = self.merges.iter();
        let waiting = waiting.filter(|(_, merge)| merge.wants_backfill());
        let waiting: Vec<Partition> = waiting.map(|(partition, _)| partition.clone()).collect();
        for partition in waiting {
            let next = match self.backfills.remove(&partition) {
                None => self.begin_backfill(&partition)?,
                Some(Backfill::Reading(reading)) => self.go_on_reading(&partition, reading)?,
                Some(Backfill::Following(following)) => self.follow(&partition, following)?,
                Some(Backfill::Failed(at)) => {
                    let now = self.shared.clock.elapsed();
                    let is_over = now.saturating_sub(at) >= AGAIN_AFTER;
                    (!is_over).then_some(Backfill::Failed(at))
                }
                taken_over => taken_over,
            };
            if let Some(next) = next {
                self.backfills.insert(partition, next);
            }
        }
        Ok(())
    }

    pub(super) fn begin_backfill(
        &mut self,
        partition: &Partition,
    ) -> Result<Option<Backfill>, EngineError> {
        let Some(merge) = self.merges.get(partition) else {
            return Ok(None);
        };
        let Some(archive) = self.shared.archive.clone() else {
            return Err(EngineError::Bug(
                "a backfill has nothing to read".to_owned(),
            ));
        };
        let Some(hand_over) = merge.hand_over() else {
            return Ok(None);
        };
        let (outbox, halt) = (Arc::new(Outbox::default()), Stop::default());
        let job = job(
            &self.shared,
            merge,
            &hand_over,
            halt.clone(),
            archive.is_threaded,
        )?;
        let offset = hand_over.offset;
        tracing::info!(%partition, offset, "backfill: the input of before is read");
        let (history, told) = (archive.history, Arc::clone(&outbox));
        let work = Beside::begin("backfill", archive.is_threaded, move || {
            job.run(history.as_ref(), &told)
        });
        let work =
            work.map_err(|error| EngineError::State(format!("no thread for a backfill: {error}")))?;
        Ok(Some(Backfill::Reading(Box::new(Reading {
            work,
            outbox,
            halt,
            hand_over,
            told_at: self.shared.clock.elapsed(),
        }))))
    }

    fn go_on_reading(
        &mut self,
        partition: &Partition,
        mut reading: Box<Reading>,
    ) -> Result<Option<Backfill>, EngineError> {
        if !self.is_valid(partition, reading.hand_over.turns) {
            return Ok(None);
        }
        self.tell_progress(partition, &mut reading);
        let has_ended = reading.work.has_ended();
        let settings = Arc::clone(&self.shared.settings);
        let mut is_news = false;
        while self.pending.bytes() < settings.transaction_bytes_max {
            let Some(told) = reading.outbox.take() else {
                break;
            };
            is_news |= self.write_told(partition, told);
        }
        if is_news {
            self.write_roster(partition);
        }
        if !has_ended || !reading.outbox.is_empty() {
            return Ok(Some(Backfill::Reading(reading)));
        }
        let work = std::mem::replace(&mut reading.work, Beside::Done(Err(EngineError::Stopped)));
        match work.end() {
            Some(Ok(past)) => {
                let following = Following {
                    past,
                    next: reading.hand_over.offset,
                    turns: reading.hand_over.turns,
                };
                self.follow(partition, Box::new(following))
            }
            Some(Err(EngineError::Stopped)) => Ok(None),
            failed => {
                let error = match failed {
                    Some(Err(error)) => error.to_string(),
                    _ => "its thread panicked".to_owned(),
                };
                let seconds = AGAIN_AFTER.as_secs();
                tracing::error!(%partition, error, seconds, "a backfill failed; all else goes on, and it is tried again");
                Ok(Some(Backfill::Failed(self.shared.clock.elapsed())))
            }
        }
    }

    /// False if what was read since the hand-over is of no use any more.
    fn is_valid(&self, partition: &Partition, turns: u64) -> bool {
        let Some(merge) = self.merges.get(partition) else {
            return false;
        };
        let is_valid = merge.backfill_turns() == turns;
        if !is_valid {
            tracing::warn!(%partition, "a fold without the new queries took over: the backfill begins again");
        }
        is_valid
    }

    /// What was read is there: what came since is read behind it, a stretch a commit, and merge goes on from there once there
    /// is no more.
    fn follow(
        &mut self,
        partition: &Partition,
        mut following: Box<Following>,
    ) -> Result<Option<Backfill>, EngineError> {
        if !self.is_valid(partition, following.turns) {
            return Ok(None);
        }
        let Some(merge) = self.merges.get(partition) else {
            return Ok(None);
        };
        let (is_between, next_offset) = (merge.is_between_records(), merge.next_offset());
        let has_room = self.pending.bytes() < self.shared.settings.transaction_bytes_max;
        if following.next < next_offset && has_room {
            let to = next_offset.min(following.next + STRETCH);
            self.follow_to(partition, &mut following, to)?;
        }
        if following.next < next_offset || !is_between {
            return Ok(Some(Backfill::Following(following)));
        }
        self.take_over(partition, following.past)
    }

    fn follow_to(
        &mut self,
        partition: &Partition,
        following: &mut Following,
        to: i64,
    ) -> Result<(), EngineError> {
        let (mut all, mut refused) = (Vec::new(), Vec::new());
        let past = &mut following.past;
        let stretch = (Some(following.next), to);
        self.read(partition, stretch, &mut |batch| {
            past.read(batch, &mut |past, offset, message| {
                let covered = partials::input(message);
                let these = std::mem::take(&mut past.refused).into_iter();
                refused.extend(these.map(|(query, rows)| (query, offset, rows, covered.to_vec())));
                past.tell(&mut |told| {
                    all.push(told);
                    Ok(())
                })
            })
        })?;
        following.next = to;
        for told in all {
            self.write_told(partition, told);
        }
        if let Some(merge) = self.merges.get_mut(partition) {
            for record in merge.refused_behind(refused) {
                self.pending.put(record);
            }
        }
        self.write_roster(partition);
        Ok(())
    }

    fn take_over(
        &mut self,
        partition: &Partition,
        past: Past,
    ) -> Result<Option<Backfill>, EngineError> {
        if let Some(merge) = self.merges.get_mut(partition) {
            merge.take_over(past)?;
            let next_offset = merge.next_offset();
            tracing::info!(%partition, next_offset, "backfill: all is read; a snapshot is waited for");
        }
        self.write_roster(partition);
        let snapshots = self.snapshots.get_mut(partition);
        Ok(snapshots.map(|snapshots| Backfill::TakenOver(snapshots.want())))
    }

    /// Adds rows to the commit in the making. True if there were any.
    fn write_told(&mut self, partition: &Partition, told: Told) -> bool {
        let Some(merge) = self.merges.get_mut(partition) else {
            return false;
        };
        let is_news = !told.rows.is_empty();
        for (named, records) in told.rows {
            merge.told(&named, told.at_us);
            self.shared.tally.rows(&named.0, records.len() as u64);
            for record in records {
                self.pending.put(record);
            }
        }
        is_news
    }

    /// Adds the roster to the commit in the making.
    pub(super) fn write_roster(&mut self, partition: &Partition) {
        if let Some(merge) = self.merges.get(partition) {
            let home = self.shared.settings.snapshot_partition(partition);
            let record = merge.roster().record(&home, merge.timestamp_ms());
            self.pending.put(record);
        }
    }

    /// A snapshot is whole.
    pub(super) fn note_snapshot(&mut self, partition: &Partition, number: u64) {
        let taken_over = match self.backfills.get(partition) {
            Some(Backfill::TakenOver(first)) => *first <= number,
            _ => false,
        };
        if let Some(merge) = self.merges.get_mut(partition).filter(|_| taken_over) {
            merge.be_done();
            self.backfills.remove(partition);
            self.write_roster(partition);
        }
    }

    fn tell_progress(&self, partition: &Partition, reading: &mut Reading) {
        let (read, total) = reading.outbox.progress();
        self.shared.tally.backfilled(partition.index, read, total);
        let now = self.shared.clock.elapsed();
        if now.saturating_sub(reading.told_at) >= TELL_EVERY {
            reading.told_at = now;
            tracing::info!(%partition, read, total, "backfill: records of the input of before");
        }
    }
}

fn job(
    shared: &Shared,
    merge: &Merge,
    hand_over: &HandOver,
    halt: Stop,
    is_threaded: bool,
) -> Result<Job, EngineError> {
    Ok(Job {
        settings: Arc::clone(&shared.settings),
        program: merge.portion(shared.programs.compile(&shared.settings)?),
        partition: merge.partition().clone(),
        wanted: hand_over.wanted.clone(),
        until: hand_over.until.clone(),
        frontier: hand_over.frontier.clone(),
        clock: Arc::clone(&shared.clock),
        memory: shared.memory.clone(),
        halt,
        stop: shared.stop.clone(),
        is_threaded,
    })
}
