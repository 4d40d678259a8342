//! Exactly once: one Kafka transaction a commit.
//!
//! A commit that fails before `commit_transaction` was asked for is aborted, and nothing of it is visible. After that
//! an answer may be lost, so what happened is read back: each commit re-commits the offset of every partition that
//! the worker owns, with a marker of its own as the offset's metadata. A new producer with the same transactional id
//! first settles the old transaction (`init_transactions`), then the marker that the group holds tells whether it was
//! committed. Offsets alone would not tell, since a commit without input moves none. In front of the marker stands how far
//! within its next record a reader has come, where it has begun with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pipeline::log::{Commit, LogError, Partition, Position};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer;

use crate::config::{Connection, TransactionalId, Worker};
use crate::context::{SharedConsumer, serve};
use crate::deliver::{OutContext, OutProducer, enqueue, flush};
use crate::error::{Error, is_denied, is_fence, is_forbidden};
use crate::fail_point::{Place, reach};
use crate::metrics::Outcome;
use crate::offsets;
use crate::sink::{record, refusal};

/// One try of something that the coordinator may ask to repeat.
const TRY: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(20);
/// Abort is tried in short slices, as librdkafka waits in it for delivery reports that only `poll` serves.
const ABORT_SLICE: Duration = Duration::from_millis(50);
/// `send_offsets_to_transaction` has been seen to hang beyond its own timeout (librdkafka #5511).
const WATCHDOG_GRACE: Duration = Duration::from_secs(2);

static WORKERS: AtomicU64 = AtomicU64::new(0);

/// The transactional producer of one worker.
pub(crate) struct Transactions {
    connection: Connection,
    worker: Worker,
    id: TransactionalId,
    timeout: Duration,
    consumer: SharedConsumer,
    producer: Arc<OutProducer>,
    marker_prefix: String,
    commits: u64,
}

/// Why a commit did not go through.
enum Trouble {
    /// Nothing was committed; the producer can abort and go on.
    Abort(String),
    /// Nothing was committed; the producer is of no more use.
    Renew(String),
    /// It may have been committed; the producer is of no more use.
    Unknown(String),
    /// Abort, then stop: trying again would not help.
    Hopeless(LogError),
    /// A newer instance has the transactional id.
    Fenced(String),
}

impl Transactions {
    pub(crate) fn connect(
        connection: &Connection,
        worker: &Worker,
        id: TransactionalId,
        timeout: Duration,
        consumer: SharedConsumer,
    ) -> Result<Self, LogError> {
        let serial = WORKERS.fetch_add(1, Ordering::Relaxed);
        // Process numbers come again where each process has a container of its own.
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since_us = since.unwrap_or_default().as_micros();
        let (instance, process) = (&worker.instance, std::process::id());
        let marker_prefix = format!("{instance}/{process}/{since_us}/{serial}");
        let producer = new_producer(connection, worker, &id, timeout)?;
        let transactions = Transactions {
            connection: connection.clone(),
            worker: worker.clone(),
            id,
            timeout,
            consumer,
            producer: Arc::new(producer),
            marker_prefix,
            commits: 0,
        };
        transactions.initialise(&transactions.producer)?;
        Ok(transactions)
    }

    /// Settles what an earlier producer with this id has left, and takes the id over.
    fn initialise(&self, producer: &OutProducer) -> Result<(), LogError> {
        let deadline = Instant::now() + self.worker.patience;
        let mut said = false;
        loop {
            let error = match producer.init_transactions(TRY.max(self.timeout / 4)) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            producer.poll(Duration::ZERO);
            // Keeps the group membership while waiting.
            serve(&self.consumer, Duration::ZERO);
            let retriable =
                matches!(&error, KafkaError::Transaction(cause) if cause.is_retriable());
            let code = error
                .rdkafka_error_code()
                .unwrap_or(RDKafkaErrorCode::Unknown);
            if is_fence(code) {
                return Err(LogError::Fenced(format!(
                    "transactional id {}: {error}",
                    self.id.as_str()
                )));
            }
            if retriable && self.worker.stopped() {
                return Err(self.stopped("starting transactions"));
            }
            if !retriable || is_denied(code) || self.impatient(deadline) {
                return Err(LogError::Fatal(format!(
                    "cannot start transactions as {}: {error}; check that the brokers are up and that the user may \
                     use this transactional id",
                    self.id.as_str()
                )));
            }
            if !said {
                tracing::warn!(%error, id = self.id.as_str(), "waiting to start transactions");
                said = true;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn stopped(&self, doing: &str) -> LogError {
        let id = self.id.as_str();
        LogError::Aborted(format!("asked to stop while {doing} as {id}"))
    }

    fn impatient(&self, deadline: Instant) -> bool {
        self.worker.stopped() || Instant::now() >= deadline
    }

    pub(crate) fn commit(&mut self, commit: &Commit) -> Result<(), LogError> {
        self.commits += 1;
        let marker = format!("{}/{}", self.marker_prefix, self.commits);
        let positions = self.positions(commit);
        match self.attempt(commit, &positions, &marker) {
            Ok(()) => Ok(()),
            Err(Trouble::Abort(reason)) => {
                self.abort()?;
                Err(LogError::Aborted(reason))
            }
            Err(Trouble::Renew(reason)) => {
                self.renew(&reason)?;
                Err(LogError::Aborted(reason))
            }
            Err(Trouble::Hopeless(error)) => {
                self.abort()?;
                Err(error)
            }
            Err(Trouble::Fenced(reason)) => Err(LogError::Fenced(reason)),
            Err(Trouble::Unknown(reason)) => {
                self.renew(&reason)?;
                if self.was_committed(&positions, &marker)? {
                    tracing::info!(reason, "the commit of unknown fate had happened");
                    Ok(())
                } else {
                    Err(LogError::Aborted(reason))
                }
            }
        }
    }

    /// The commit's positions, and for every other owned partition the offset committed last.
    fn positions(&self, commit: &Commit) -> BTreeMap<Partition, Position> {
        let mut positions = self.consumer.context().positions().clone();
        positions.extend(commit.positions.iter().cloned());
        positions
    }

    fn attempt(
        &self,
        commit: &Commit,
        positions: &BTreeMap<Partition, Position>,
        marker: &str,
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.timeout;
        self.producer.context().take_undelivered();
        self.producer
            .begin_transaction()
            .map_err(|error| self.before_commit("begin a transaction", &error))?;
        reach(Place::Begun);
        let limit = self.worker.record_bytes_max;
        for out in &commit.records {
            let record = record(out);
            if let Err(cause) = enqueue(&self.producer, record, deadline) {
                return Err(match refusal(record, cause, limit) {
                    LogError::Aborted(reason) => Trouble::Abort(reason),
                    error => Trouble::Hopeless(error),
                });
            }
        }
        reach(Place::Written);
        // The offsets travel while the records are flushed.
        let offsets = self.send_offsets(positions, marker)?;
        let flushed = flush(&self.producer, deadline);
        let sent = offsets.map_or(Ok(()), |sent| self.await_offsets(&sent));
        match self.producer.context().take_undelivered() {
            Some(lost) if lost.too_large() || lost.is_forbidden() => {
                return Err(Trouble::Hopeless(lost.into_error(limit).into()));
            }
            Some(lost) => {
                sent?;
                return Err(Trouble::Abort(lost.into_error(limit).to_string()));
            }
            None => sent?,
        }
        if !flushed {
            return Err(Trouble::Abort(format!(
                "the brokers did not take the records within {} s",
                self.timeout.as_secs()
            )));
        }
        // A client that was told that it is out of the group may name no member and no generation, and offsets without
        // both Kafka takes from anybody (as from producers older than KIP-447): there would be no fence.
        if self.consumer.assignment_lost() {
            return Err(Trouble::Abort(
                "the group has given this member up: what it read is the next owner's to commit"
                    .to_owned(),
            ));
        }
        reach(Place::Flushed);
        reach(Place::Asked);
        self.commit_transaction()?;
        reach(Place::Committed);
        Ok(())
    }

    fn commit_transaction(&self) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.timeout * 2;
        loop {
            let error = match self.producer.commit_transaction(self.timeout) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let reason = format!("commit of the transaction: {error}");
            match &error {
                KafkaError::Transaction(cause)
                    if cause.is_retriable()
                        && !cause.txn_requires_abort()
                        && !self.impatient(deadline) =>
                {
                    self.producer.poll(Duration::ZERO);
                    serve(&self.consumer, Duration::ZERO);
                    std::thread::sleep(PAUSE);
                }
                _ if self.is_takeover(&error) => return Err(Trouble::Fenced(reason)),
                // Also where the client asks for an abort: the brokers may have committed before.
                _ => return Err(Trouble::Unknown(reason)),
            }
        }
    }

    /// A fence of a slot's id comes from a newer instance; one of a process's own id from the broker's timeout.
    fn is_takeover(&self, error: &KafkaError) -> bool {
        matches!(self.id, TransactionalId::Slot(_))
            && error.rdkafka_error_code().is_some_and(is_fence)
    }

    /// What an error means while the commit has not been asked for.
    fn before_commit(&self, action: &str, error: &KafkaError) -> Trouble {
        let reason = format!("cannot {action}: {error}");
        match error {
            _ if self.is_takeover(error) => Trouble::Fenced(reason),
            _ if error.rdkafka_error_code().is_some_and(is_forbidden) => {
                Trouble::Hopeless(LogError::Fatal(reason))
            }
            KafkaError::Transaction(cause) if cause.is_fatal() => Trouble::Renew(reason),
            KafkaError::Transaction(cause)
                if cause.txn_requires_abort() || cause.is_retriable() =>
            {
                Trouble::Abort(reason)
            }
            _ => Trouble::Renew(reason),
        }
    }

    /// Starts to send the offsets on a thread of its own, under the watchdog of [`Self::await_offsets`].
    fn send_offsets(
        &self,
        positions: &BTreeMap<Partition, Position>,
        marker: &str,
    ) -> Result<Option<mpsc::Receiver<Result<(), KafkaError>>>, Trouble> {
        if positions.is_empty() {
            return Ok(None);
        }
        let list = offsets::marked(positions, marker)
            .map_err(|error| Trouble::Abort(format!("cannot name the positions: {error}")))?;
        let Some(group) = self.consumer.group_metadata() else {
            return Err(Trouble::Abort("the consumer is in no group".to_owned()));
        };
        let (answer, answered) = mpsc::sync_channel(1);
        let (producer, timeout) = (self.producer.clone(), self.timeout);
        std::thread::Builder::new()
            .name("kafka-offsets".to_owned())
            .spawn(move || {
                // The other side may have given up: then nobody wants the answer.
                let _ = answer.send(send_offsets(&producer, &list, &group, timeout));
            })
            .map_err(|error| Trouble::Abort(format!("cannot start a thread: {error}")))?;
        Ok(Some(answered))
    }

    fn await_offsets(
        &self,
        answered: &mpsc::Receiver<Result<(), KafkaError>>,
    ) -> Result<(), Trouble> {
        match answered.recv_timeout(self.timeout + WATCHDOG_GRACE) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.before_commit("send the offsets", &error)),
            Err(_) => Err(Trouble::Renew(
                "sending the offsets hangs beyond its timeout".to_owned(),
            )),
        }
    }

    /// Aborts; replaces the producer where that does not work.
    fn abort(&mut self) -> Result<(), LogError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            self.producer.poll(Duration::ZERO);
            let error = match self.producer.abort_transaction(ABORT_SLICE) {
                Ok(()) => {
                    self.producer.context().take_undelivered();
                    return Ok(());
                }
                Err(error) => error,
            };
            let retriable =
                matches!(&error, KafkaError::Transaction(cause) if cause.is_retriable());
            if self.is_takeover(&error) {
                return Err(LogError::Fenced(format!("abort: {error}")));
            }
            if !retriable || self.impatient(deadline) {
                return self.renew(&format!("abort: {error}"));
            }
        }
    }

    /// A new producer with the same id: settles the old transaction either way.
    fn renew(&mut self, reason: &str) -> Result<(), LogError> {
        Outcome::Renewed { reason }.emit();
        let producer = new_producer(&self.connection, &self.worker, &self.id, self.timeout)?;
        self.initialise(&producer)?;
        self.producer = Arc::new(producer);
        Ok(())
    }

    /// Whether the group holds the marker of a commit.
    fn was_committed(
        &self,
        positions: &BTreeMap<Partition, Position>,
        marker: &str,
    ) -> Result<bool, LogError> {
        let partitions: Vec<Partition> = positions.keys().cloned().collect();
        if partitions.is_empty() {
            return Err(LogError::Fatal(
                "a commit without any owned partition was not answered, so that its fate is unknown: restart, the \
                 state is restored from what was committed"
                    .to_owned(),
            ));
        }
        let deadline = Instant::now() + self.worker.patience;
        let mut is_said = false;
        loop {
            match offsets::committed(&self.consumer, &partitions, TRY * 4) {
                Ok(found) => return Ok(found.values().any(|known| known.marker() == marker)),
                Err(_) if self.worker.stopped() => {
                    return Err(self.stopped("reading back whether the last commit happened"));
                }
                Err(error) if self.impatient(deadline) => {
                    return Err(LogError::Fatal(format!(
                        "cannot read back whether the last commit happened: {error}; restart when the brokers are up, \
                         the state is restored from what was committed; {}",
                        offsets::HANGING
                    )));
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_said, true) {
                        tracing::warn!(
                            %error,
                            patience_s = self.worker.patience.as_secs(),
                            "a commit was not answered: waiting for the group's offsets to tell whether it happened; {}",
                            offsets::HANGING
                        );
                    }
                    serve(&self.consumer, PAUSE);
                }
            }
        }
    }
}

fn new_producer(
    connection: &Connection,
    worker: &Worker,
    id: &TransactionalId,
    timeout: Duration,
) -> Result<OutProducer, LogError> {
    let timeout_ms = timeout.as_millis().to_string();
    connection
        .producer_config(worker.record_bytes_max)
        .set("transactional.id", id.as_str())
        .set("transaction.timeout.ms", &timeout_ms)
        .set("message.timeout.ms", &timeout_ms)
        .set("socket.timeout.ms", &timeout_ms)
        .create_with_context(OutContext::default())
        .map_err(|error| Error::Setup(Box::new(error)).into())
}

fn send_offsets(
    producer: &OutProducer,
    list: &TopicPartitionList,
    group: &ConsumerGroupMetadata,
    timeout: Duration,
) -> Result<(), KafkaError> {
    let deadline = Instant::now() + timeout;
    loop {
        match producer.send_offsets_to_transaction(list, group, timeout) {
            Err(KafkaError::Transaction(cause))
                if cause.is_retriable()
                    && !cause.txn_requires_abort()
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(PAUSE);
            }
            answer => return answer,
        }
    }
}
