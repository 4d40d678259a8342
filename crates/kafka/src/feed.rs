//! A fast plain producer, for simulated and imported events.

use std::time::{Duration, Instant};

use rdkafka::producer::Producer;

use crate::config::Connection;
use crate::deliver::{
    OutContext, OutProducer, Record, enqueue, flush, is_too_large, serve_reports,
};
use crate::error::{Error, readable};

/// After this many records delivery reports are served.
const RECORDS_PER_POLL: u32 = 256;

/// Writes records in order, without loss or doubling within its life. Records become visible one by one.
pub struct Feeder {
    producer: OutProducer,
    record_bytes_max: usize,
    patience: Duration,
    since_poll: u32,
    records: usize,
    bytes: usize,
}

impl std::fmt::Debug for Feeder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeder")
            .field("unflushed_records", &self.records)
            .finish_non_exhaustive()
    }
}

impl Feeder {
    /// A feeder that takes records of up to `record_bytes_max` bytes and waits up to `patience` for brokers that
    /// cannot be reached.
    pub fn connect(
        connection: &Connection,
        record_bytes_max: usize,
        patience: Duration,
    ) -> Result<Self, Error> {
        let producer = connection
            .producer_config(record_bytes_max)
            .set(
                "message.timeout.ms",
                patience.as_millis().clamp(1000, 2_147_483_000).to_string(),
            )
            .create_with_context(OutContext::default())
            .map_err(|cause| Error::Setup(Box::new(cause)))?;
        Ok(Feeder {
            producer,
            record_bytes_max,
            patience,
            since_poll: 0,
            records: 0,
            bytes: 0,
        })
    }

    /// Hands over one record; by its key (murmur2) where no partition is given. Waits for room in the queue.
    pub fn send(
        &mut self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp_ms: i64,
    ) -> Result<(), Error> {
        let record = Record {
            topic,
            partition,
            key,
            value,
            timestamp_ms,
            headers: &[],
        };
        let deadline = Instant::now() + self.patience;
        enqueue(&self.producer, record, deadline).map_err(|cause| {
            let key = readable(key);
            let topic = topic.to_owned();
            if is_too_large(&cause) {
                Error::RecordTooLarge {
                    topic,
                    key,
                    bytes: record.bytes(),
                    limit: self.record_bytes_max,
                }
            } else {
                Error::Undelivered {
                    count: 1,
                    topic,
                    key,
                    cause: Box::new(cause),
                }
            }
        })?;
        self.records += 1;
        self.bytes += record.bytes();
        self.since_poll += 1;
        if self.since_poll >= RECORDS_PER_POLL {
            self.since_poll = 0;
            serve_reports(&self.producer);
        }
        Ok(())
    }

    /// Waits until all records are written. Fails with the first that was not, and the number of them.
    pub fn flush(&mut self) -> Result<(), Error> {
        let flushed = flush(&self.producer, Instant::now() + self.patience);
        if let Some(lost) = self.producer.context().take_undelivered() {
            return Err(lost.into_error(self.record_bytes_max));
        }
        if !flushed {
            return Err(Error::Undelivered {
                count: u64::try_from(self.producer.in_flight_count()).unwrap_or(0),
                topic: "(several)".to_owned(),
                key: "(unknown)".to_owned(),
                cause: Box::new(rdkafka::error::KafkaError::Flush(
                    rdkafka::error::RDKafkaErrorCode::OperationTimedOut,
                )),
            });
        }
        crate::metrics::produced(self.records, self.bytes);
        (self.records, self.bytes) = (0, 0);
        Ok(())
    }
}
