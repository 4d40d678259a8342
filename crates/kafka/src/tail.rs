//! A plain reader of one topic, without a group: for `quaystream tail`, the board and tests.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::admin::partition_count;
use crate::config::{Connection, Isolation, Start};
use crate::context::QuietContext;
use crate::error::{Error, is_denied};
use crate::offsets;

const LOOKUP_WAIT: Duration = Duration::from_secs(10);
const QUEUED_BYTES: usize = 32 * 1024 * 1024;
const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where a tail begins in each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At the oldest record.
    Beginning,
    /// At the next record to be written.
    End,
    /// At this offset.
    Offset(i64),
    /// At the first record with this timestamp or a later one, milliseconds since 1970.
    Time(i64),
}

/// One record read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailRecord {
    /// Partition number.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
    /// Record timestamp, milliseconds since 1970; -1 where there is none.
    pub timestamp_ms: i64,
    /// Key, if any.
    pub key: Option<Vec<u8>>,
    /// Value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Reads one topic, all its partitions.
pub struct Tail {
    consumer: BaseConsumer<QuietContext>,
    bootstrap: String,
    topic: String,
    open: BTreeSet<i32>,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail")
            .field("topic", &self.topic)
            .field("not_at_end", &self.open)
            .finish_non_exhaustive()
    }
}

impl Tail {
    /// Opens all partitions of a topic, or the one given.
    pub fn open(
        connection: &Connection,
        topic: &str,
        partition: Option<i32>,
        from: From,
        isolation: Isolation,
    ) -> Result<Self, Error> {
        let consumer: BaseConsumer<QuietContext> = connection
            .consumer_config("quaystream-tail", isolation, QUEUED_BYTES, RECORD_BYTES_MAX)
            .set("auto.offset.reset", "earliest")
            .create_with_context(QuietContext)
            .map_err(|cause| Error::Setup(Box::new(cause)))?;
        let request = |action: &str, cause: KafkaError| Error::Request {
            action: format!("{action} topic {topic}"),
            bootstrap: connection.bootstrap.clone(),
            cause: Box::new(cause),
        };
        let count = partition_count(consumer.client(), topic, LOOKUP_WAIT)
            .map_err(|cause| request("look up", cause))?
            .ok_or_else(|| Error::NoTopic {
                topic: topic.to_owned(),
            })?;
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        let open: BTreeSet<i32> = (0..count)
            .filter(|index| partition.is_none_or(|wanted| wanted == *index))
            .collect();
        let mut list = TopicPartitionList::new();
        for index in &open {
            let offset = match from {
                From::Beginning => Offset::Beginning,
                From::End => Offset::End,
                From::Offset(offset) => Offset::Offset(offset),
                From::Time(timestamp_ms) => {
                    let partition = pipeline::log::Partition::new(topic, *index);
                    let start = Start::At(timestamp_ms);
                    Offset::Offset(
                        offsets::start(&consumer, &partition, start, LOOKUP_WAIT)
                            .map_err(|cause| request("ask for offsets of", cause))?,
                    )
                }
            };
            list.add_partition_offset(topic, *index, offset)
                .map_err(|cause| request("read", cause))?;
        }
        consumer
            .assign(&list)
            .map_err(|cause| request("read", cause))?;
        Ok(Tail {
            consumer,
            bootstrap: connection.bootstrap.clone(),
            topic: topic.to_owned(),
            open,
        })
    }

    /// The next record; none if none came within `wait`, or if [`Self::at_end`] has become true.
    pub fn next(&mut self, wait: Duration) -> Result<Option<TailRecord>, Error> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.consumer.poll(left) {
                Some(Ok(message)) => {
                    let record = read(&message);
                    drop(message);
                    self.open.insert(record.partition);
                    return Ok(Some(record));
                }
                Some(Err(KafkaError::PartitionEOF(index))) => {
                    self.open.remove(&index);
                    if self.open.is_empty() {
                        return Ok(None);
                    }
                }
                Some(Err(cause)) => {
                    let code = cause
                        .rdkafka_error_code()
                        .unwrap_or(RDKafkaErrorCode::Unknown);
                    if is_denied(code) {
                        return Err(Error::Request {
                            action: format!("read topic {}", self.topic),
                            bootstrap: self.bootstrap.clone(),
                            cause: Box::new(cause),
                        });
                    }
                    tracing::debug!(error = %cause, topic = self.topic, "tail");
                }
                None => {}
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }

    /// True when the end of every partition has been reached and nothing was read since.
    pub fn at_end(&self) -> bool {
        self.open.is_empty()
    }

    /// Everything up to the end of the topic; fails after `patience` without a record or an end.
    pub fn read_to_end(&mut self, patience: Duration) -> Result<Vec<TailRecord>, Error> {
        let mut records = Vec::new();
        while !self.at_end() {
            match self.next(patience)? {
                Some(record) => records.push(record),
                None if self.at_end() => break,
                None => {
                    return Err(Error::Request {
                        action: format!("read topic {} to its end", self.topic),
                        bootstrap: self.bootstrap.clone(),
                        cause: Box::new(KafkaError::MessageConsumption(
                            RDKafkaErrorCode::OperationTimedOut,
                        )),
                    });
                }
            }
        }
        Ok(records)
    }
}

fn read(message: &BorrowedMessage<'_>) -> TailRecord {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| {
                (
                    header.key.to_owned(),
                    header.value.unwrap_or_default().to_vec(),
                )
            })
            .collect()
    });
    TailRecord {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
