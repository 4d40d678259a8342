//! A member of a consumer group that fetches in batches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::log::{Batch, LogError, Partition, Signal, Source};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::assignment::{Owned, OwnedPartition};
use crate::config::{Connection, Delivery, Membership, Worker};
use crate::context::{Notice, SharedConsumer, WorkerContext, serve};
use crate::error::{is_denied, is_fence};
use crate::metrics::Outcome;
use crate::offsets;
use crate::raw::{FetchQueue, Taken};
use crate::sink::KafkaSink;

/// Between two looks at the group while nothing comes; the time that a rebalance may wait for it.
const IDLE_SLICE: Duration = Duration::from_millis(20);
/// One question to the brokers about offsets, inside `fetch`.
const LOOKUP_WAIT: Duration = Duration::from_secs(2);
/// Messages taken from librdkafka at once.
const TAKE_AHEAD: usize = 4096;
/// Callbacks served before a fetch goes on.
const EVENTS_PER_FETCH: usize = 16;

/// Connects one worker: its source and its sink, which share one consumer (hence one thread).
///
/// Waits up to [`Worker::patience`] for the brokers, and fails at once when a topic is missing or a setting is wrong.
pub fn connect(
    connection: &Connection,
    worker: Worker,
) -> Result<(KafkaSource, KafkaSink), LogError> {
    let faults = worker.faults();
    if !faults.is_empty() {
        return Err(LogError::Fatal(faults.join("; ")));
    }
    let consumer: BaseConsumer<WorkerContext> = worker
        .consumer_config(connection)
        .create_with_context(WorkerContext::default())
        .map_err(|cause| crate::error::Error::Setup(Box::new(cause)))?;
    let consumer: SharedConsumer = Arc::new(consumer);
    check_topics(&consumer, &worker)?;
    let sink = KafkaSink::connect(connection, &worker, consumer.clone())?;
    let source = KafkaSource {
        queue: FetchQueue::new(consumer.client()),
        owned: Owned::default(),
        assigning: VecDeque::new(),
        revoking: None,
        paused: false,
        pending: Vec::new(),
        connection: connection.clone(),
        worker,
        consumer,
    };
    source.join()?;
    Ok((source, sink))
}

fn check_topics(consumer: &SharedConsumer, worker: &Worker) -> Result<(), LogError> {
    let topics: Vec<String> = match &worker.membership {
        Membership::Topics(topics) => topics.clone(),
        Membership::Fixed(list) => list.iter().map(|p| p.topic.to_string()).collect(),
    };
    let deadline = Instant::now() + worker.patience;
    for topic in topics {
        loop {
            match consumer.fetch_metadata(Some(&topic), LOOKUP_WAIT) {
                Ok(found) if found.topics().iter().any(|t| !t.partitions().is_empty()) => break,
                Ok(_) => {
                    return Err(crate::error::Error::NoTopic { topic }.into());
                }
                Err(cause) if worker.stopped() || Instant::now() >= deadline => {
                    return Err(LogError::Fatal(format!(
                        "cannot read the metadata of topic {topic}: {cause}; check that the brokers are up and the \
                         credentials are right"
                    )));
                }
                Err(error) => {
                    tracing::debug!(%error, topic, "waiting for metadata");
                    serve(consumer, Duration::from_millis(50));
                }
            }
        }
    }
    Ok(())
}

/// The records of one worker. See [`connect`].
///
/// Messages of all partitions come to one queue of ours, so that one bound on bytes holds for all, and that an idle
/// source can sleep on it. `poll` on the consumer serves the group alone.
pub struct KafkaSource {
    // Before `consumer`: its messages belong to it.
    queue: FetchQueue,
    owned: Owned,
    assigning: VecDeque<Vec<Partition>>,
    revoking: Option<Vec<Partition>>,
    paused: bool,
    /// Signals that came up outside `fetch`.
    pending: Vec<Signal>,
    connection: Connection,
    worker: Worker,
    consumer: SharedConsumer,
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
    fn join(&self) -> Result<(), LogError> {
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

    fn cooperative(&self) -> bool {
        matches!(
            self.consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        )
    }

    fn serve_group(&mut self, signals: &mut Vec<Signal>) -> Result<(), LogError> {
        for _ in 0..EVENTS_PER_FETCH {
            serve(&self.consumer, Duration::ZERO);
            let Some(notice) = self.consumer.context().take() else {
                break;
            };
            self.act(notice, signals)?;
        }
        self.assign_next(signals)
    }

    fn act(&mut self, notice: Notice, signals: &mut Vec<Signal>) -> Result<(), LogError> {
        match notice {
            Notice::Assign(partitions) => self.assigning.push_back(partitions),
            Notice::Revoke { partitions, lost } => self.take_away(partitions, lost, signals)?,
            Notice::Down(reason) => {
                Outcome::Unreachable { reason: &reason }.emit();
                signals.push(Signal::Unreachable(reason));
            }
            Notice::Up => {
                Outcome::Reachable.emit();
                signals.push(Signal::Reachable);
            }
            Notice::Failed(error) => self.judge(&error)?,
        }
        Ok(())
    }

    /// Errors of the consumer as a whole: librdkafka retries what can be retried.
    fn judge(&self, error: &KafkaError) -> Result<(), LogError> {
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        if is_fence(code) {
            return Err(LogError::Fenced(format!(
                "group {}: {error}",
                self.worker.group
            )));
        }
        if matches!(
            code,
            RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition
        ) {
            // A broker that has just started may not know its topics yet: ask again before giving up.
            return check_topics(&self.consumer, &self.worker);
        }
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) || is_denied(code) {
            return Err(fatal(
                &format!("consume as group {}", self.worker.group),
                error,
            ));
        }
        tracing::debug!(%error, "consumer");
        Ok(())
    }

    fn take_away(
        &mut self,
        partitions: Vec<Partition>,
        lost: bool,
        signals: &mut Vec<Signal>,
    ) -> Result<(), LogError> {
        // What was offered and never assigned has to be assigned before it can be given back.
        for offered in std::mem::take(&mut self.assigning) {
            self.assign_at(&offsets::list_of(&offered))
                .map_err(|error| fatal("assign partitions", &error))?;
        }
        let ours: Vec<Partition> = partitions
            .iter()
            .filter(|partition| self.owned.contains(partition))
            .cloned()
            .collect();
        self.revoking = Some(partitions);
        if lost {
            Outcome::Lost {
                partitions: ours.len(),
            }
            .emit();
            self.give_up()?;
            if !ours.is_empty() {
                signals.push(Signal::Lost(ours));
            }
        } else if ours.is_empty() {
            self.give_up()?;
        } else {
            signals.push(Signal::Revoking(ours));
        }
        Ok(())
    }

    fn give_up(&mut self) -> Result<(), LogError> {
        let Some(partitions) = self.revoking.take() else {
            return Ok(());
        };
        for partition in &partitions {
            self.owned.remove(partition);
            self.consumer.context().positions().remove(partition);
        }
        self.settle();
        let answer = if self.cooperative() {
            self.consumer
                .incremental_unassign(&offsets::list_of(&partitions))
        } else {
            self.consumer.unassign()
        };
        answer.map_err(|error| fatal("give partitions back", &error))
    }

    /// Assigns what the group has offered, once the brokers have told where to start.
    fn assign_next(&mut self, signals: &mut Vec<Signal>) -> Result<(), LogError> {
        while let Some(offered) = self.assigning.front() {
            let starts = match self.starts(offered) {
                Ok(starts) => starts,
                Err(error) => {
                    self.judge(&error)?;
                    tracing::info!(%error, "waiting for the committed offsets");
                    return Ok(());
                }
            };
            self.assigning.pop_front();
            let list = offsets::list_at(starts.iter().map(|(partition, next)| (partition, *next)))
                .map_err(|error| fatal("assign partitions", &error))?;
            self.assign_at(&list)
                .map_err(|error| fatal("assign partitions", &error))?;
            let mut positions = self.consumer.context().positions();
            for (partition, next) in &starts {
                self.owned.set(partition, *next);
                positions.insert(partition.clone(), *next);
            }
            if !starts.is_empty() {
                Outcome::Assigned {
                    partitions: starts.len(),
                }
                .emit();
                signals.push(Signal::Assigned(starts));
            }
        }
        Ok(())
    }

    fn starts(&self, partitions: &[Partition]) -> KafkaResult<Vec<(Partition, i64)>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let committed = offsets::committed(&self.consumer, partitions, LOOKUP_WAIT)?;
        let mut starts = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let next = match committed.get(partition).and_then(|found| found.next) {
                Some(next) => next,
                None => offsets::start(&self.consumer, partition, self.worker.start, LOOKUP_WAIT)?,
            };
            starts.push((partition.clone(), next));
        }
        Ok(starts)
    }

    fn assign_at(&mut self, list: &TopicPartitionList) -> KafkaResult<()> {
        for element in list.elements() {
            self.queue
                .attach(self.consumer.client(), element.topic(), element.partition())?;
        }
        self.settle();
        if self.cooperative() {
            self.consumer.incremental_assign(list)
        } else {
            self.consumer.assign(list)
        }
    }

    /// Before a rebalance is answered: lets the partitions that stay go on exactly where the engine is.
    ///
    /// While a rebalance waits for its answer librdkafka pauses them, and then goes on from its own idea of what the
    /// application has seen. Its batch call takes an end of partition for a record there (2.12): it would go on one
    /// offset too far and skip a record. It may also be behind, by a batch that was being taken.
    fn settle(&mut self) {
        self.queue.clear();
        if self.owned.is_empty() || !self.cooperative() {
            return;
        }
        let places = self
            .owned
            .iter()
            .map(|owned| (&owned.partition, owned.next));
        let answer = offsets::list_at(places)
            .and_then(|list| self.consumer.seek_partitions(list, LOOKUP_WAIT));
        match answer {
            // A partition that has not begun to fetch yet begins where it was assigned, which is the same place.
            Ok(list) => list
                .elements()
                .iter()
                .filter_map(|element| element.error().err())
                .for_each(|error| tracing::debug!(%error, "settle")),
            Err(error) => tracing::warn!(%error, "cannot settle the partitions that stay"),
        }
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
            let ahead = (self.worker.batch_rows - rows).min(TAKE_AHEAD);
            let Some(message) = self.queue.next(ahead, wait) else {
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
                Some(code) => partition_error(partition, code, &message)?,
            }
        }
        let rows = batch.len() - rows_before;
        if rows > 0 {
            crate::metrics::fetched(rows, batch.bytes() - bytes_before);
        }
        Ok(())
    }
}

/// An error of one partition: fatal where waiting does not mend it.
pub(crate) fn partition_error(
    partition: &Partition,
    code: RDKafkaErrorCode,
    message: &Taken,
) -> Result<(), LogError> {
    let text = String::from_utf8_lossy(message.value().unwrap_or_default()).into_owned();
    if matches!(
        code,
        RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange
    ) {
        return Err(LogError::Fatal(format!(
            "topic {} partition {} has no record at offset {} any more ({text}): what was not read is gone or the \
             topic was made anew; restore the topic, or reset the group's offsets and start with empty state",
            partition.topic,
            partition.index,
            message.offset()
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

fn fatal(action: &str, error: &KafkaError) -> LogError {
    LogError::Fatal(format!("cannot {action}: {error}"))
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

    /// Leaves the messages where they are: librdkafka stops fetching at its bound of bytes. (Its own pause would go on
    /// from a position that counts an end of partition as a record.)
    fn pause(&mut self, paused: bool) -> Result<(), LogError> {
        self.paused = paused;
        Ok(())
    }

    fn rewind(&mut self) -> Result<(), LogError> {
        let deadline = Instant::now() + self.worker.patience;
        let takeover_deadline = Instant::now() + self.worker.session_timeout * 2;
        loop {
            match self.seek_to_committed() {
                Ok(None) => return Ok(()),
                Ok(Some(foreign)) if Instant::now() >= takeover_deadline => {
                    return Err(LogError::Fenced(foreign));
                }
                Ok(Some(foreign)) => tracing::info!(foreign, "waiting for the group to say so"),
                Err(error) => {
                    self.judge(&error)?;
                    if self.worker.stopped() || Instant::now() >= deadline {
                        return Err(fatal("read again from the committed offsets", &error));
                    }
                    tracing::info!(%error, "waiting to read again from the committed offsets");
                }
            }
            serve(&self.consumer, Duration::from_millis(50));
            let mut signals = std::mem::take(&mut self.pending);
            let served = self.serve_group(&mut signals);
            self.pending = signals;
            served?;
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
    /// Goes back to where the group is, or says which partition someone else has committed. (The state that the
    /// engine rolls back to is that of our own last commit: it fits no other offset.)
    fn seek_to_committed(&mut self) -> KafkaResult<Option<String>> {
        let partitions = self.owned.list();
        if partitions.is_empty() {
            return Ok(None);
        }
        let committed = offsets::committed(&self.consumer, &partitions, LOOKUP_WAIT)?;
        let mut places = self.consumer.context().positions().clone();
        for (partition, found) in committed {
            let (Some(next), Some(ours)) = (found.next, places.get_mut(&partition)) else {
                // Never committed: again from where it started.
                continue;
            };
            if next != *ours && self.worker.delivery != Delivery::AtLeastOnce {
                return Ok(Some(format!(
                    "{partition} was committed at {next} by another instance, ours is {ours}"
                )));
            }
            *ours = next;
        }
        let list = offsets::list_at(places.iter().map(|(partition, next)| (partition, *next)))?;
        let answer = self.consumer.seek_partitions(list, LOOKUP_WAIT)?;
        for element in answer.elements() {
            element.error()?;
        }
        self.queue.clear();
        for (partition, next) in &places {
            self.owned.set(partition, *next);
        }
        *self.consumer.context().positions() = places;
        Ok(None)
    }
}

impl Drop for KafkaSource {
    /// Leaves the group: what is not committed is read again by the next owner.
    fn drop(&mut self) {
        self.consumer.context().close();
        // A rebalance that waits for us would keep the consumer from closing.
        if self.revoking.is_some() || !self.assigning.is_empty() {
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
}
