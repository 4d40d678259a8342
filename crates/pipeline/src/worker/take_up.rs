//! How a worker of merge comes to a partition: from the newest snapshot, or from nothing, to the state of the last commit.

use std::sync::Arc;

use super::beginning::{ask_whose, check_merge};
use super::merge::MergeWorker;
use super::programs::Portion;
use super::recover::{restore, take_in_silence};
use super::snapshots::Snapshots;
use crate::error::EngineError;
use crate::log::{Partition, Position, SaidBy, Sink, Source};
use crate::merge::Merge;
use crate::outcome::Tally;
use crate::planted::{Bug, has};
use crate::snapshot::read::read;

impl<S: Source, K: Sink> MergeWorker<S, K> {
    /// Takes a partition up. Who is stopped while it reads, or reads for too long, is given up by the group, and finds what the
    /// next owner has made of the state: an error counts only if the partition is still this worker's.
    pub(super) fn take_up(
        &mut self,
        partition: Partition,
        position: Position,
        said_by: Option<SaidBy>,
    ) -> Result<(), EngineError> {
        let error = match self.assign(partition.clone(), position, said_by) {
            Err(error) if !matches!(error, EngineError::Stopped) => error,
            ended => return ended,
        };
        ask_whose(&partition, &error);
        match self.roll_back()?.contains(&partition) {
            true => Err(error),
            false => Ok(()),
        }
    }

    /// Brings a partition to the state of its last commit: from the newest snapshot, or from nothing, by reading its log
    /// from there in silence. The position is this worker's own where nobody is named.
    fn assign(
        &mut self,
        partition: Partition,
        position: Position,
        said_by: Option<SaidBy>,
    ) -> Result<(), EngineError> {
        let offset = position.next_offset;
        let shared = self.shared.clone();
        let began = shared.clock.elapsed();
        // What is read again was counted before.
        let silent = Arc::new(Tally::silent());
        let portion = Portion::of(partition.index);
        let fresh = || {
            let mut merge = Merge::new(
                Arc::clone(&shared.settings),
                shared.programs.take(portion, &shared.settings)?,
                Arc::clone(&shared.clock),
                Arc::clone(&silent),
                partition.clone(),
                self.sink.is_atomic(),
                &shared.memory,
            )?;
            merge.heed(shared.stop.clone());
            Ok(merge)
        };
        let home = shared.settings.snapshot_partition(&partition);
        let mut shelf = read(&mut self.source, &home, offset)?;
        if let Some(said_by) = said_by.filter(|_| self.sink.is_atomic()) {
            check_merge(&partition, said_by, offset, &home, &shelf)?;
        }
        let (mut merge, unreached) = restore(&fresh, &mut shelf, shared.depot.as_ref(), offset)?;
        let from = merge.next_offset();
        merge.enrol(shelf.roster.as_ref(), &position)?;
        if let Some(store) = unreached.as_ref().filter(|_| merge.lacks_a_past()) {
            return Err(EngineError::State(format!(
                "the past of a query lies in a snapshot alone, which cannot be read: {store}"
            )));
        }
        let replayed = self.replay(&mut merge, offset);
        replayed.map_err(|error| match unreached {
            Some(store) => EngineError::State(format!("{error}; {store}")),
            None => error,
        })?;
        merge.resume_at(&position)?;
        if !position.within.is_empty() {
            self.read(&partition, (Some(offset), offset + 1), &mut |batch| {
                merge.look_ahead(batch)
            })?;
        }
        merge.write_down(&position);
        if shelf.roster.as_ref() != Some(merge.roster()) {
            let record = merge.roster().record(&home, merge.timestamp_ms());
            self.pending.put(record);
        }
        merge.count_in(Arc::clone(&self.shared.tally));
        merge.has_read_back(shelf.roster.as_ref());
        let now = self.shared.clock.elapsed();
        let seconds = now.saturating_sub(began).as_secs_f64();
        self.shared.tally.restored(from, seconds);
        tracing::info!(%partition, %position, snapshot = from, seconds, "assigned");
        let snapshots = Snapshots::new(home, shared.depot, shelf, now);
        self.snapshots.insert(partition.clone(), snapshots);
        self.committed.insert(partition.clone(), position);
        self.merges.insert(partition, merge);
        Ok(())
    }

    /// Reads the log from where the state stands to `offset`; what leaves has left before.
    fn replay(&mut self, merge: &mut Merge, offset: i64) -> Result<(), EngineError> {
        let (partition, from) = (merge.partition().clone(), merge.next_offset());
        if let Some(mut beside) = merge.catch_up()? {
            self.read(&partition, (None, from), &mut |batch| {
                merge.read_back(&mut beside, batch)
            })?;
            merge.caught_up(beside)?;
        }
        let mut twice = Vec::new();
        let bytes_max = self.shared.settings.transaction_bytes_max;
        self.read(&partition, (Some(from), offset), &mut |batch| {
            take_in_silence(merge, batch, bytes_max, &mut twice)
        })?;
        self.pending.records.append(&mut twice);
        Ok(())
    }

    /// Goes back to the last commit. Gives the partitions that are still this worker's.
    pub(super) fn roll_back(&mut self) -> Result<Vec<Partition>, EngineError> {
        self.roll_backs += 1;
        if !has(Bug::AbortedRowsKept) {
            self.pending.empty();
        }
        let kept = std::mem::take(&mut self.committed);
        self.merges.clear();
        self.backfills.clear();
        self.snapshots.clear();
        let ours = self.source.rewind()?;
        for (partition, position) in kept {
            // Of what is lost the next owner may have trimmed the log.
            if ours.contains(&partition) {
                self.take_up(partition, position, None)?;
            }
        }
        Ok(ours)
    }
}
