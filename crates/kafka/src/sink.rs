//! One commit: records and positions, in one transaction or one after the other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pipeline::log::{Commit, LogError, Outgoing, Partition, Position, Sink};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::Producer;

use crate::config::{Connection, Delivery, Worker};
use crate::context::{SharedConsumer, serve};
use crate::deliver::{OutProducer, Record, enqueue, flush};
use crate::error::{Error, is_fence};
use crate::metrics::Outcome;
use crate::offsets;
use crate::transaction::Transactions;

/// Between two looks at the group while the brokers take records.
const FLUSH_SLICE: Duration = Duration::from_millis(200);

/// Where a worker's records go. See [`connect`](crate::connect()).
pub struct KafkaSink {
    way: Way,
    consumer: SharedConsumer,
}

enum Way {
    ExactlyOnce(Box<Transactions>),
    AtLeastOnce(Box<Plain>),
}

impl std::fmt::Debug for KafkaSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = match self.way {
            Way::ExactlyOnce(_) => "exactly-once",
            Way::AtLeastOnce(_) => "at-least-once",
        };
        f.debug_struct("KafkaSink").field("way", &way).finish()
    }
}

impl KafkaSink {
    pub(crate) fn connect(
        connection: &Connection,
        worker: &Worker,
        consumer: SharedConsumer,
    ) -> Result<Self, LogError> {
        let way = match &worker.delivery {
            Delivery::ExactlyOnce { id, timeout } => Way::ExactlyOnce(Box::new(
                Transactions::connect(connection, worker, id.clone(), *timeout, consumer.clone())?,
            )),
            Delivery::AtLeastOnce => {
                Way::AtLeastOnce(Box::new(Plain::connect(connection, worker)?))
            }
        };
        Ok(KafkaSink { way, consumer })
    }
}

impl KafkaSink {
    /// A partition that the commit moves and that is not ours. (The group checks who commits, not for what.)
    fn foreign(&self, commit: &Commit) -> Option<Partition> {
        let owned = self.consumer.context().positions();
        commit
            .positions
            .iter()
            .map(|(partition, _)| partition)
            .find(|partition| !owned.contains_key(partition))
            .cloned()
    }
}

impl Sink for KafkaSink {
    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        let started = Instant::now();
        let records = commit.records.len();
        let bytes = commit.records.iter().map(|out| record(out).bytes()).sum();
        let done = match (self.foreign(&commit), &mut self.way) {
            (Some(partition), _) => Err(LogError::Aborted(format!(
                "{partition} is not owned (any more): what was read from it is the next owner's to commit"
            ))),
            (None, Way::ExactlyOnce(transactions)) => transactions.commit(&commit),
            (None, Way::AtLeastOnce(plain)) => plain.commit(&commit, &self.consumer),
        };
        match &done {
            Ok(()) => {
                let mut positions = self.consumer.context().positions();
                for (partition, position) in commit.positions {
                    if let Some(known) = positions.get_mut(&partition) {
                        *known = position;
                    }
                }
                Outcome::Committed {
                    records,
                    bytes,
                    took: started.elapsed(),
                }
                .emit();
            }
            Err(LogError::Aborted(reason)) => Outcome::Aborted { reason }.emit(),
            Err(LogError::Fenced(reason)) => Outcome::Fenced { reason }.emit(),
            Err(LogError::Fatal(reason)) => Outcome::CommitFatal { reason }.emit(),
        }
        done
    }

    fn is_atomic(&self) -> bool {
        matches!(self.way, Way::ExactlyOnce(_))
    }
}

/// An outgoing record as librdkafka takes it.
pub(crate) fn record(out: &Outgoing) -> Record<'_> {
    Record {
        topic: &out.topic,
        partition: out.partition,
        key: out.key.as_deref(),
        value: out.value.as_deref(),
        timestamp_ms: out.timestamp_ms,
        headers: &out.headers,
    }
}

/// Records first, then positions.
struct Plain {
    connection: Connection,
    worker: Worker,
    producer: OutProducer,
}

impl Plain {
    fn connect(connection: &Connection, worker: &Worker) -> Result<Self, LogError> {
        Ok(Plain {
            producer: Plain::producer(connection, worker)?,
            connection: connection.clone(),
            worker: worker.clone(),
        })
    }

    fn producer(connection: &Connection, worker: &Worker) -> Result<OutProducer, LogError> {
        connection
            .producer_config(worker.record_bytes_max)
            .create_with_context(crate::deliver::OutContext::default())
            .map_err(|error| Error::Setup(Box::new(error)).into())
    }

    fn commit(&mut self, commit: &Commit, consumer: &SharedConsumer) -> Result<(), LogError> {
        self.write(&commit.records, consumer)?;
        if commit.positions.is_empty() {
            return Ok(());
        }
        let positions: BTreeMap<&Partition, &Position> = commit
            .positions
            .iter()
            .map(|(partition, position)| (partition, position))
            .collect();
        let list = offsets::marked(positions, offsets::PLAIN_MARKER)
            .map_err(|error| LogError::Fatal(format!("cannot name the positions: {error}")))?;
        consumer.commit(&list, CommitMode::Sync).map_err(|error| {
            let code = error
                .rdkafka_error_code()
                .unwrap_or(RDKafkaErrorCode::Unknown);
            let text = format!("the positions were not committed: {error}");
            if is_fence(code) {
                LogError::Fenced(text)
            } else if crate::error::is_denied(code) {
                LogError::Fatal(text)
            } else {
                LogError::Aborted(text)
            }
        })
    }

    fn write(&mut self, records: &[Outgoing], consumer: &SharedConsumer) -> Result<(), LogError> {
        let limit = self.worker.record_bytes_max;
        let deadline = Instant::now() + self.worker.patience;
        self.producer.context().take_undelivered();
        let mut refused = None;
        for out in records {
            let record = record(out);
            if let Err(cause) = enqueue(&self.producer, record, deadline) {
                refused = Some(refusal(record, cause, limit));
                break;
            }
        }
        let mut flushed = false;
        while !flushed && Instant::now() < deadline && !self.worker.stopped() {
            // Keeps the group membership while waiting.
            serve(consumer, Duration::ZERO);
            flushed = flush(&self.producer, deadline.min(Instant::now() + FLUSH_SLICE));
        }
        let undelivered = self.producer.context().take_undelivered();
        let fatal = self.producer.client().fatal_error();
        if fatal.is_some() || !flushed {
            self.producer = Plain::producer(&self.connection, &self.worker)?;
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        match undelivered {
            Some(lost) if lost.too_large() => Err(lost.into_error(limit).into()),
            Some(lost) => Err(LogError::Aborted(lost.into_error(limit).to_string())),
            None if !flushed => Err(LogError::Aborted(
                "the brokers did not take the records in time".to_owned(),
            )),
            None => Ok(()),
        }
    }
}

/// Why librdkafka did not take a record at all.
pub(crate) fn refusal(
    record: Record<'_>,
    cause: rdkafka::error::KafkaError,
    limit: usize,
) -> LogError {
    let key = crate::error::readable(record.key);
    if crate::deliver::is_too_large(&cause) {
        return Error::RecordTooLarge {
            topic: record.topic.to_owned(),
            key,
            bytes: record.bytes(),
            limit,
        }
        .into();
    }
    let text = format!(
        "a record for topic {} with key {key} was refused: {cause}",
        record.topic
    );
    match cause.rdkafka_error_code() {
        Some(code) if crate::error::is_denied(code) => LogError::Fatal(format!(
            "{text}; check that the topic has that partition and that the user may write"
        )),
        _ => LogError::Aborted(text),
    }
}
