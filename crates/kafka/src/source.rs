//! A member of a consumer group that fetches in batches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pipeline::log::{Batch, LogError, Partition, Position, Signal, Source};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use crate::admin::{Admin, partition_count};
use crate::assignment::{Owned, OwnedPartition};
use crate::config::{Connection, Delivery, Membership, Worker};
use crate::context::{Notice, SharedConsumer, serve};
use crate::error::{fatal, is_denied};
use crate::metrics::Outcome;
use crate::offsets;
use crate::raw::{FetchQueue, Taken};
use crate::rebalance::{EVENTS_PER_FETCH, LOOKUP_WAIT};

/// Between two looks at the group while nothing comes; the time that a rebalance may wait for it.
const IDLE_SLICE: Duration = Duration::from_millis(20);
/// Longest wait for the group when a worker goes.
const CLOSE_WAIT: Duration = Duration::from_secs(20);

/// The records of one worker. See [`connect`](crate::connect()).
///
/// Messages of all partitions come to one queue of ours, so that one bound on bytes holds for all, and that an idle
/// source can sleep on it. `poll` on the consumer serves the group alone.
pub struct KafkaSource {
    // Before `consumer`: its messages belong to it.
    pub(crate) queue: FetchQueue,
    pub(crate) owned: Owned,
    pub(crate) assigning: VecDeque<Vec<Partition>>,
    /// Since when the offsets of what is offered have not come.
    pub(crate) assigning_since: Option<Instant>,
    pub(crate) revoking: Option<Vec<Partition>>,
    pub(crate) paused: bool,
    /// Signals that came up outside `fetch`.
    pub(crate) pending: Vec<Signal>,
    pub(crate) connection: Connection,
    pub(crate) worker: Worker,
    pub(crate) consumer: SharedConsumer,
    /// Records that are being let go.
    pub(crate) trimming: Option<JoinHandle<Result<(), LogError>>>,
}

impl std::fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSource")
            .field("group", &self.worker.group)
            .field("owned", &self.owned)
            .field("revoking", &self.revoking)
            .finish_non_exhaustive()
    }
}

impl KafkaSource {
    pub(crate) fn join(&self) -> Result<(), LogError> {
        match &self.worker.membership {
            Membership::Topics(topics) => {
                let names: Vec<&str> = topics.iter().map(String::as_str).collect();
                self.consumer
                    .subscribe(&names)
                    .map_err(|error| fatal("subscribe to the topics", &error))
            }
            Membership::Fixed(list) => {
                self.consumer.context().post(Notice::Assign(list.clone()));
                Ok(())
            }
        }
    }

    /// The partitions owned now, in order.
    pub fn owned(&self) -> Vec<Partition> {
        self.owned.list()
    }

    /// Takes messages until the bounds are reached or there is none; waits for the first at most `wait`.
    fn take_messages(
        &mut self,
        batch: &mut Batch,
        signals: &mut Vec<Signal>,
        mut wait: Duration,
    ) -> Result<(), LogError> {
        let (rows_before, bytes_before) = (batch.len(), batch.bytes());
        loop {
            let rows = batch.len() - rows_before;
            let bytes = batch.bytes() - bytes_before;
            if rows >= self.worker.batch_rows {
                break;
            }
            let Some(message) = self.queue.next(wait) else {
                break;
            };
            wait = Duration::ZERO;
            if rows > 0 && bytes + message.bytes() > self.worker.batch_bytes {
                self.queue.put_back(message);
                break;
            }
            let Some(OwnedPartition { partition, next }) = self.owned.of(&message) else {
                continue;
            };
            let offset = message.offset();
            match message.error() {
                // Seen before: fetched again around a rebalance.
                None if offset < *next => {}
                None => {
                    *next = offset + 1;
                    batch.push(
                        partition,
                        offset,
                        message.timestamp_ms(),
                        message.key(),
                        message.value(),
                    );
                }
                Some(RDKafkaErrorCode::PartitionEOF) if offset < *next => {}
                Some(RDKafkaErrorCode::PartitionEOF) => {
                    *next = offset;
                    signals.push(Signal::End(partition.clone(), offset));
                }
                Some(code) => partition_error(partition, *next, code, &message)?,
            }
        }
        let rows = batch.len() - rows_before;
        if rows > 0 {
            crate::metrics::fetched(rows, batch.bytes() - bytes_before);
        }
        Ok(())
    }
}

/// An error of one partition that was to be read from `next` on: fatal where waiting does not mend it.
pub(crate) fn partition_error(
    partition: &Partition,
    next: i64,
    code: RDKafkaErrorCode,
    message: &Taken,
) -> Result<(), LogError> {
    let text = String::from_utf8_lossy(message.value().unwrap_or_default()).into_owned();
    if matches!(
        code,
        RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange
    ) {
        return Err(LogError::Fatal(format!(
            "topic {} partition {} has no record at offset {next} any more ({text}): what was not read is gone or the \
             topic was made anew; restore the topic, or reset the group's offsets and start with empty state",
            partition.topic, partition.index
        )));
    }
    if is_denied(code) {
        return Err(LogError::Fatal(format!(
            "cannot read {partition}: {code} ({text}); check that the topic exists and that the user may read it"
        )));
    }
    tracing::debug!(%partition, %code, text, "partition");
    Ok(())
}

impl Source for KafkaSource {
    fn fetch(&mut self, batch: &mut Batch, wait: Duration) -> Result<Vec<Signal>, LogError> {
        let deadline = Instant::now() + wait;
        let rows_before = batch.len();
        let mut signals = std::mem::take(&mut self.pending);
        let mut slice = Duration::ZERO;
        loop {
            self.serve_group(&mut signals)?;
            let idle = self.paused || self.revoking.is_some() || self.owned.is_empty();
            if idle {
                if signals.is_empty() && !slice.is_zero() {
                    serve(&self.consumer, slice);
                    self.serve_group(&mut signals)?;
                }
            } else {
                // With a signal to deliver there is no waiting for records.
                let wait = if signals.is_empty() {
                    slice
                } else {
                    Duration::ZERO
                };
                self.take_messages(batch, &mut signals, wait)?;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if !signals.is_empty() || batch.len() > rows_before || left.is_zero() {
                return Ok(signals);
            }
            // Rounded up: a wait under a millisecond would be none at all.
            slice = left.min(IDLE_SLICE).max(Duration::from_millis(1));
        }
    }

    fn release(&mut self) -> Result<(), LogError> {
        if let Some(partitions) = &self.revoking {
            Outcome::Revoked {
                partitions: partitions.len(),
            }
            .emit();
        }
        self.give_up()
    }

    /// Leaves the messages where they are: librdkafka stops fetching at its bound of bytes, and keeps what it has.
    fn pause(&mut self, paused: bool) -> Result<(), LogError> {
        self.paused = paused;
        Ok(())
    }

    fn rewind(&mut self) -> Result<Vec<Partition>, LogError> {
        let deadline = Instant::now() + self.worker.patience;
        let takeover_deadline = Instant::now() + self.worker.session_timeout * 2;
        loop {
            // What the group asks back has nothing left to commit, and nothing else comes before it is given.
            self.give_up()?;
            match self.seek_to_own_commit() {
                Ok(None) => return Ok(self.owned.list()),
                _ if self.worker.stopped() => {
                    return Err(LogError::Aborted(
                        "asked to stop while going back to the last commit".to_owned(),
                    ));
                }
                Ok(Some(foreign)) if Instant::now() >= takeover_deadline => {
                    return Err(LogError::Fenced(foreign));
                }
                Ok(Some(foreign)) => tracing::info!(foreign, "waiting for the group to say so"),
                Err(error) => {
                    self.judge(&error)?;
                    if Instant::now() >= deadline {
                        return Err(fatal("go back to the last commit", &error));
                    }
                    tracing::info!(%error, "waiting to go back to the last commit");
                }
            }
            serve(&self.consumer, Duration::from_millis(50));
            let mut signals = std::mem::take(&mut self.pending);
            let served = self.serve_group(&mut signals);
            self.pending = signals;
            served?;
        }
    }

    fn end(&mut self, partition: &Partition) -> Option<i64> {
        self.consumer
            .fetch_watermarks(&partition.topic, partition.index, LOOKUP_WAIT)
            .inspect_err(|error| tracing::debug!(%error, %partition, "cannot ask for the end"))
            .ok()
            .map(|(_, end)| end)
    }

    fn is_drained(&mut self) -> Result<bool, LogError> {
        let drained = self.drained();
        if let Err(error) = &drained {
            self.judge(error)?;
            tracing::debug!(%error, "cannot ask whether the topics are read to their ends");
        }
        Ok(drained.unwrap_or(false))
    }

    /// On a thread of its own: a broker that is slow to answer must not hold rows up. What became of it is told with the
    /// next call; one that is still under way stands for both, since the next snapshot asks for more.
    fn trim(&mut self, partition: &Partition, before: i64) -> Result<(), LogError> {
        if self
            .trimming
            .as_ref()
            .is_some_and(|last| !last.is_finished())
        {
            return Ok(());
        }
        let last = self.trimming.take().map(JoinHandle::join);
        let (connection, partition) = (self.connection.clone(), partition.clone());
        let work = move || {
            let admin = Admin::connect(&connection, LOOKUP_WAIT)?;
            Ok(admin.trim(&partition, before)?)
        };
        let started = std::thread::Builder::new()
            .name("trim".to_owned())
            .spawn(work);
        self.trimming = started.ok();
        match last {
            Some(Ok(told)) => told,
            _ => Ok(()),
        }
    }

    fn replay(
        &mut self,
        partition: &Partition,
        from: Option<i64>,
        to: Option<i64>,
        visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    ) -> Result<i64, LogError> {
        let consumer = self.consumer.clone();
        crate::replay::replay(
            &self.connection,
            &self.worker,
            partition,
            from..to,
            visit,
            &|| serve(&consumer, Duration::ZERO),
        )
    }
}

impl KafkaSource {
    fn drained(&self) -> KafkaResult<bool> {
        let mut partitions = Vec::new();
        match &self.worker.membership {
            Membership::Fixed(list) => partitions.clone_from(list),
            Membership::Topics(topics) => {
                for topic in topics {
                    let count = partition_count(self.consumer.client(), topic, LOOKUP_WAIT)?;
                    let shared: Arc<str> = Arc::from(topic.as_str());
                    let indices = 0..i32::try_from(count.unwrap_or(0)).unwrap_or(i32::MAX);
                    partitions.extend(indices.map(|index| Partition::new(shared.clone(), index)));
                }
            }
        }
        let committed = offsets::committed(&self.consumer, &partitions, LOOKUP_WAIT)?;
        for partition in &partitions {
            let (_, end) =
                self.consumer
                    .fetch_watermarks(&partition.topic, partition.index, LOOKUP_WAIT)?;
            if committed.get(partition).and_then(|found| found.next) != Some(end) {
                return Ok(false);
            }
        }
        Ok(!partitions.is_empty())
    }

    /// Goes back to our own last commit, which is what the engine rolls its state back to, or says which partition someone
    /// else has committed since: the state fits no other offset.
    fn seek_to_own_commit(&mut self) -> KafkaResult<Option<String>> {
        let partitions = self.owned.list();
        if partitions.is_empty() {
            return Ok(None);
        }
        let places = self.consumer.context().positions().clone();
        // At least once, the group may be ahead of us: our own positions were committed, and the answer was lost.
        if self.worker.delivery != Delivery::AtLeastOnce {
            let foreign = self.foreign_commit(&partitions, &places)?;
            if foreign.is_some() {
                return Ok(foreign);
            }
        }
        let starts = places.iter();
        let starts = starts.map(|(partition, position)| (partition, position.next_offset));
        let list = offsets::list_at(starts)?;
        let answer = self.consumer.seek_partitions(list, LOOKUP_WAIT)?;
        for element in answer.elements() {
            element.error()?;
        }
        self.queue.keep(|_| false);
        for (partition, position) in &places {
            self.owned.set(partition, position.next_offset);
        }
        Ok(None)
    }

    /// A partition that the group holds another position of than ours, in words.
    fn foreign_commit(
        &self,
        partitions: &[Partition],
        places: &BTreeMap<Partition, Position>,
    ) -> KafkaResult<Option<String>> {
        for (partition, found) in offsets::committed(&self.consumer, partitions, LOOKUP_WAIT)? {
            // Never committed: again from where it started.
            let theirs = found.beginning().map(|it| it.position);
            let (Some(theirs), Some(ours)) = (theirs, places.get(&partition)) else {
                continue;
            };
            if theirs != *ours {
                return Ok(Some(format!(
                    "{partition} was committed at {theirs} by another instance, ours is {ours}"
                )));
            }
        }
        Ok(None)
    }
}

impl KafkaSource {
    /// Answers what the group has asked and nobody has heard yet: the consumer cannot be closed before.
    fn answer_all(&mut self) {
        for _ in 0..EVENTS_PER_FETCH {
            serve(&self.consumer, Duration::ZERO);
        }
        while let Some(notice) = self.consumer.context().take() {
            match notice {
                Notice::Assign(offered) => self.assigning.push_back(offered),
                Notice::Revoke { partitions, .. } => self.revoking = Some(partitions),
                Notice::Down(_) | Notice::Up | Notice::Failed(_) => {}
            }
        }
        for offered in std::mem::take(&mut self.assigning) {
            if let Err(error) = self.assign_at(&offsets::list_of(&offered)) {
                tracing::debug!(%error, "assign while closing");
            }
        }
        if let Err(error) = self.give_up() {
            tracing::debug!(%error, "unassign while closing");
        }
    }
}

impl Drop for KafkaSource {
    /// Leaves the group: what is not committed is read again by the next owner.
    fn drop(&mut self) {
        self.consumer.context().close();
        self.answer_all();
        close(&self.consumer);
    }
}

/// Closes a consumer, waiting a while for the group. What cannot be closed is left to the end of the process: rust-rdkafka
/// would wait for ever.
fn close(consumer: &SharedConsumer) {
    let closing = consumer.close_queue();
    let deadline = Instant::now() + CLOSE_WAIT;
    while !consumer.closed() {
        if closing.is_err() || Instant::now() >= deadline {
            tracing::warn!(
                ?closing,
                "the consumer cannot leave its group and is left as it is; the group gives it up by its session timeout"
            );
            std::mem::forget(Arc::clone(consumer));
            return;
        }
        serve(consumer, Duration::from_millis(50));
    }
}
