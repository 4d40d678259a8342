//! The answer to a fetch, written by hand so that records go out from where they are stored, without a copy.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::answer::Answer;
use super::head::Head;
use crate::log::Aborted;

/// The version from which on lengths are varints and tagged fields follow.
const FLEXIBLE_FROM: i16 = 12;

/// One partition's part.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) index: i32,
    pub(crate) error_code: i16,
    pub(crate) high_watermark: i64,
    pub(crate) stable_offset: i64,
    pub(crate) start_offset: i64,
    /// For readers of committed records alone.
    pub(crate) aborted: Option<Vec<Aborted>>,
    pub(crate) records: Vec<Bytes>,
    pub(crate) records_bytes: usize,
}

impl Part {
    pub(crate) fn failed(index: i32, error: ResponseError) -> Self {
        Self {
            index,
            error_code: error.code(),
            high_watermark: -1,
            stable_offset: -1,
            start_offset: -1,
            ..Self::default()
        }
    }

    /// A partition that is not there; Apache Kafka states an empty list of aborted transactions with it.
    pub(crate) fn unknown(index: i32, error: ResponseError) -> Self {
        Self {
            aborted: Some(Vec::new()),
            ..Self::failed(index, error)
        }
    }
}

/// One topic's parts.
#[derive(Debug)]
pub(crate) struct TopicParts {
    pub(crate) name: StrBytes,
    pub(crate) id: Uuid,
    pub(crate) parts: Vec<Part>,
}

struct Writer {
    version: i16,
    buffer: BytesMut,
    /// Bytes that left the buffer.
    written_bytes: usize,
    answer: Answer,
}

/// Encodes the whole answer, length and header in front.
pub(crate) fn encode(head: Head, error_code: i16, topics: Vec<TopicParts>) -> Answer {
    let mut writer = Writer {
        version: head.version,
        buffer: BytesMut::with_capacity(256),
        written_bytes: 0,
        answer: Answer::default(),
    };
    writer.buffer.put_i32(head.correlation_id);
    writer.tagged();
    writer.buffer.put_i32(0);
    if writer.version >= 7 {
        writer.buffer.put_i16(error_code);
        writer.buffer.put_i32(0);
    }
    writer.length(topics.len());
    for topic in topics {
        writer.topic(topic);
    }
    writer.tagged();
    writer.finish()
}

impl Writer {
    fn is_flexible(&self) -> bool {
        self.version >= FLEXIBLE_FROM
    }

    fn tagged(&mut self) {
        if self.is_flexible() {
            self.buffer.put_u8(0);
        }
    }

    /// The length of an array or of bytes.
    fn length(&mut self, length: usize) {
        if self.is_flexible() {
            self.unsigned(length + 1);
        } else {
            self.buffer
                .put_i32(i32::try_from(length).unwrap_or(i32::MAX));
        }
    }

    fn unsigned(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.buffer.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.put_u8(value as u8);
    }

    fn topic(&mut self, topic: TopicParts) {
        if self.version >= 13 {
            self.buffer.put_slice(topic.id.as_bytes());
        } else if self.is_flexible() {
            self.unsigned(topic.name.len() + 1);
            self.buffer.put_slice(topic.name.as_bytes());
        } else {
            self.buffer
                .put_i16(i16::try_from(topic.name.len()).unwrap_or(i16::MAX));
            self.buffer.put_slice(topic.name.as_bytes());
        }
        self.length(topic.parts.len());
        for part in topic.parts {
            self.part(part);
        }
        self.tagged();
    }

    fn part(&mut self, part: Part) {
        self.buffer.put_i32(part.index);
        self.buffer.put_i16(part.error_code);
        self.buffer.put_i64(part.high_watermark);
        self.buffer.put_i64(part.stable_offset);
        if self.version >= 5 {
            self.buffer.put_i64(part.start_offset);
        }
        self.aborted(part.aborted.as_deref());
        if self.version >= 11 {
            // No other replica is to be preferred.
            self.buffer.put_i32(-1);
        }
        self.length(part.records_bytes);
        if !part.records.is_empty() {
            self.flush();
        }
        for batch in part.records {
            self.written_bytes += batch.len();
            self.answer.push(batch);
        }
        self.tagged();
    }

    fn aborted(&mut self, aborted: Option<&[Aborted]>) {
        match aborted {
            None if self.is_flexible() => self.buffer.put_u8(0),
            None => self.buffer.put_i32(-1),
            Some(aborted) => {
                self.length(aborted.len());
                for one in aborted {
                    self.buffer.put_i64(one.producer_id);
                    self.buffer.put_i64(one.first_offset);
                    self.tagged();
                }
            }
        }
    }

    fn flush(&mut self) {
        let piece = self.buffer.split().freeze();
        self.written_bytes += piece.len();
        self.answer.push(piece);
    }

    fn finish(mut self) -> Answer {
        self.flush();
        let length = i32::try_from(self.written_bytes).unwrap_or(i32::MAX);
        self.answer
            .push_front(Bytes::copy_from_slice(&length.to_be_bytes()));
        self.answer
    }
}
