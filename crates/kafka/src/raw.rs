//! The only unsafe code: consuming from one queue for all partitions, and librdkafka's own flush.
//!
//! rust-rdkafka polls the whole consumer for each message, at twice the CPU (see `docs/decisions/0004-one-queue.md`).

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Messages of all partitions of one consumer, in order of arrival.
///
/// The owner must drop it before the consumer it was made from.
pub(crate) struct FetchQueue {
    queue: *mut sys::rd_kafka_queue_t,
    put_back: Option<Taken>,
}

// SAFETY: librdkafka's queues and messages may be used from any one thread at a time; `FetchQueue` is not shared
// (every method takes `&mut self`, and it is not `Sync`).
unsafe impl Send for FetchQueue {}

/// A message that librdkafka has given us and that we give back on drop.
pub(crate) struct Taken(*mut sys::rd_kafka_message_t);

impl FetchQueue {
    /// An empty queue of this client.
    pub(crate) fn new<C: ClientContext>(client: &Client<C>) -> Self {
        // SAFETY: the client's pointer is valid while it is borrowed; the queue is destroyed in `drop`.
        let queue = unsafe { sys::rd_kafka_queue_new(client.native_ptr()) };
        FetchQueue {
            queue,
            put_back: None,
        }
    }

    /// Lets the messages of one partition come to this queue. To be called before each assignment of the partition:
    /// librdkafka keeps a forwarding that the application has set.
    pub(crate) fn attach<C: ClientContext>(
        &mut self,
        client: &Client<C>,
        topic: &str,
        partition: i32,
    ) -> Result<(), KafkaError> {
        let name = CString::new(topic)?;
        // SAFETY: the client's pointer is valid while it is borrowed and `name` outlives the call; the partition's
        // queue handle is checked and given back here, the forwarding keeps its own reference to our queue.
        unsafe {
            let source =
                sys::rd_kafka_queue_get_partition(client.native_ptr(), name.as_ptr(), partition);
            if source.is_null() {
                return Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::UnknownPartition,
                ));
            }
            sys::rd_kafka_queue_forward(source, self.queue);
            sys::rd_kafka_queue_destroy(source);
        }
        Ok(())
    }

    /// The next message, waiting at most `wait` for it.
    pub(crate) fn next(&mut self, wait: Duration) -> Option<Taken> {
        if self.put_back.is_some() {
            return self.put_back.take();
        }
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: `queue` is ours and alive; the message is owned by the one `Taken` that is made of it.
        let message = unsafe { sys::rd_kafka_consume_queue(self.queue, wait_ms) };
        (!message.is_null()).then(|| Taken(message))
    }

    /// Puts back the last message, which was not wanted yet.
    pub(crate) fn put_back(&mut self, message: Taken) {
        self.put_back = Some(message);
    }

    /// Drops a message that was put back, unless it is `wanted`.
    pub(crate) fn keep(&mut self, wanted: impl FnOnce(&Taken) -> bool) {
        self.put_back = self.put_back.take().filter(wanted);
    }
}

impl Drop for FetchQueue {
    fn drop(&mut self) {
        self.put_back = None;
        // SAFETY: made by `rd_kafka_queue_new`, destroyed once, no message of it is left with us.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) }
    }
}

impl Taken {
    fn message(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: librdkafka gave a non-null message that stays valid until `drop`.
        unsafe { &*self.0 }
    }

    /// The error, if this is not a record.
    pub(crate) fn error(&self) -> Option<RDKafkaErrorCode> {
        match self.message().err {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => None,
            error => Some(error.into()),
        }
    }

    /// What stands for the topic in one assignment: equal for messages of one topic.
    pub(crate) fn topic_token(&self) -> usize {
        self.message().rkt as usize
    }

    /// Topic name; empty where the message has none.
    pub(crate) fn topic(&self) -> &str {
        let topic = self.message().rkt;
        if topic.is_null() {
            return "";
        }
        // SAFETY: the topic lives as long as the message, and its name is a C string that lives as long as the topic.
        unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(topic)) }
            .to_str()
            .unwrap_or("")
    }

    /// Partition number.
    pub(crate) fn partition(&self) -> i32 {
        self.message().partition
    }

    /// Offset of the record, or that an error speaks of.
    pub(crate) fn offset(&self) -> i64 {
        self.message().offset
    }

    /// Record timestamp, milliseconds since 1970; -1 where there is none.
    pub(crate) fn timestamp_ms(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is valid, and `kind` is a place for the call to write to.
        unsafe { sys::rd_kafka_message_timestamp(self.0, &mut kind) }
    }

    /// The key, if the record has one.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        let message = self.message();
        bytes(message.key as *const u8, message.key_len)
    }

    /// The value, or for an error its text.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        let message = self.message();
        bytes(message.payload as *const u8, message.len)
    }

    /// Bytes of key and value.
    pub(crate) fn bytes(&self) -> usize {
        self.message().key_len + self.message().len
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // SAFETY: we own the message and give it back once.
        unsafe { sys::rd_kafka_message_destroy(self.0) }
    }
}

fn bytes<'a>(start: *const u8, len: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        return None;
    }
    // SAFETY: called with the key or payload of a message that outlives the borrow of the `Taken` it is returned
    // through (`Taken::key`, `Taken::value`); librdkafka states its length.
    Some(unsafe { std::slice::from_raw_parts(start, len) })
}

/// Asks librdkafka to send everything now and waits at most `wait`; true if nothing is left. Unlike rust-rdkafka's
/// flush it does not wait in slices of 100 ms; the caller polls in between.
pub(crate) fn flush<C: ClientContext>(client: &Client<C>, wait: Duration) -> bool {
    let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client's pointer is valid while it is borrowed.
    let answer = unsafe { sys::rd_kafka_flush(client.native_ptr(), wait_ms) };
    answer == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}
