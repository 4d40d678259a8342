//! Handing records to librdkafka and learning what became of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, NoCustomPartitioner, Producer, ProducerContext,
};

use crate::error::{Error, readable};
use crate::metrics::Outcome;

/// A producer whose undelivered records are collected.
pub(crate) type OutProducer = BaseProducer<OutContext>;

/// Delivery reports of one producer.
#[derive(Debug, Default)]
pub(crate) struct OutContext {
    undelivered: Mutex<Option<Undelivered>>,
}

/// Records that the brokers did not take, since last asked.
#[derive(Debug, Clone)]
pub(crate) struct Undelivered {
    pub(crate) count: u64,
    pub(crate) topic: String,
    pub(crate) key: String,
    pub(crate) bytes: usize,
    pub(crate) cause: KafkaError,
}

impl Undelivered {
    /// True where the record itself is at fault: trying again would not help.
    pub(crate) fn too_large(&self) -> bool {
        is_too_large(&self.cause)
    }

    pub(crate) fn is_forbidden(&self) -> bool {
        self.cause
            .rdkafka_error_code()
            .is_some_and(crate::error::is_forbidden)
    }

    pub(crate) fn into_error(self, limit: usize) -> Error {
        if self.too_large() {
            return Error::RecordTooLarge {
                topic: self.topic,
                key: self.key,
                bytes: self.bytes,
                limit,
            };
        }
        Error::Undelivered {
            count: self.count,
            topic: self.topic,
            key: self.key,
            cause: Box::new(self.cause),
        }
    }
}

pub(crate) fn is_too_large(cause: &KafkaError) -> bool {
    matches!(
        cause.rdkafka_error_code(),
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize)
    )
}

impl OutContext {
    fn undelivered(&self) -> MutexGuard<'_, Option<Undelivered>> {
        self.undelivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What was not delivered since last asked.
    pub(crate) fn take_undelivered(&self) -> Option<Undelivered> {
        self.undelivered().take()
    }
}

impl ClientContext for OutContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::context::log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        Outcome::ClientError { code, reason }.emit();
    }
}

impl ProducerContext<NoCustomPartitioner> for OutContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((cause, message)) = result else {
            return;
        };
        crate::metrics::undelivered();
        let mut undelivered = self.undelivered();
        match undelivered.as_mut() {
            Some(known) => known.count += 1,
            None => {
                *undelivered = Some(Undelivered {
                    count: 1,
                    topic: message.topic().to_owned(),
                    key: readable(message.key()),
                    bytes: message.key_len() + message.payload_len(),
                    cause: cause.clone(),
                });
            }
        }
    }
}

/// One record to hand over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) timestamp_ms: i64,
    pub(crate) headers: &'a [(&'static str, Vec<u8>)],
}

impl Record<'_> {
    pub(crate) fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }
}

/// Hands one record to librdkafka, waiting for room in its queue until `deadline`.
pub(crate) fn enqueue(
    producer: &OutProducer,
    record: Record<'_>,
    deadline: Instant,
) -> Result<(), KafkaError> {
    let mut out = BaseRecord::<[u8], [u8]>::to(record.topic)
        // Zero would mean "now": the clock must not come in here.
        .timestamp(record.timestamp_ms.max(1));
    out.partition = record.partition;
    out.key = record.key;
    out.payload = record.value;
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in record.headers {
            headers = headers.insert(Header {
                key,
                value: Some(value),
            });
        }
        out.headers = Some(headers);
    }
    loop {
        match producer.send(out) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                if Instant::now() < deadline =>
            {
                out = back;
                serve_reports(producer);
                crate::raw::flush(producer.client(), Duration::from_millis(1));
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// Serves the delivery reports that are there. One poll serves one, of a batch; those not served count as in flight.
pub(crate) fn serve_reports(producer: &OutProducer) {
    let mut left = producer.in_flight_count();
    loop {
        producer.poll(Duration::ZERO);
        let now = producer.in_flight_count();
        if now >= left {
            return;
        }
        left = now;
    }
}

/// Sends everything now and waits until each record is delivered or given up; false at `deadline`.
pub(crate) fn flush(producer: &OutProducer, deadline: Instant) -> bool {
    loop {
        serve_reports(producer);
        if crate::raw::flush(producer.client(), Duration::from_millis(1)) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
    }
}
