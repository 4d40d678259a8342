//! What columns are made in: text one after another, the texts of enums, bits.
use arrow::buffer::{BooleanBuffer, Buffer, OffsetBuffer};

use super::row::spanned;
use crate::schema::enum_text;

/// Takes a vector out and leaves one with as much room.
pub(super) fn renewed<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = values.len();
    std::mem::replace(values, Vec::with_capacity(room))
}

/// As [`renewed`], with a first value.
pub(super) fn renewed_from<T>(values: &mut Vec<T>, first: T) -> Vec<T> {
    let taken = renewed(values);
    values.push(first);
    taken
}

/// Text or bytes, one after another.
#[derive(Debug)]
pub(super) struct Spans {
    /// 0, then the end of each.
    pub(super) ends: Vec<i32>,
    bytes: Vec<u8>,
}

impl Spans {
    pub(super) fn new() -> Spans {
        Spans {
            ends: vec![0],
            bytes: Vec::new(),
        }
    }

    /// Makes room for rows of short text.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.ends.reserve(rows);
        self.bytes.reserve(rows * 16 + 16);
    }

    /// Appends a span of the record. Short ones are copied as a whole chunk and cut, which needs no call.
    #[inline(always)]
    pub(super) fn push_span(&mut self, value: &[u8], span: u64) {
        let start = (span >> 32) as usize;
        let length = (span as u32) as usize;
        match value.get(start..).and_then(|rest| rest.first_chunk::<16>()) {
            Some(chunk) if length <= 16 => {
                let end = self.bytes.len() + length;
                self.bytes.extend_from_slice(chunk);
                self.bytes.truncate(end);
            }
            _ => self.bytes.extend_from_slice(spanned(value, span)),
        }
        self.ends.push(self.bytes.len() as i32);
    }

    #[inline(always)]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as i32);
    }

    pub(super) fn finish(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        (
            OffsetBuffer::new(renewed_from(&mut self.ends, 0).into()),
            Buffer::from_vec(renewed(&mut self.bytes)),
        )
    }
}

/// The texts of an enum's numbers.
#[derive(Debug)]
pub(super) struct EnumTexts {
    /// By number; `None` for gaps.
    texts: Vec<Option<(u8, [u8; 16])>>,
    /// Those longer than 16 bytes.
    long: Vec<(i32, String)>,
}

impl EnumTexts {
    pub(super) fn new(descriptor: &prost_reflect::EnumDescriptor) -> EnumTexts {
        let mut texts = EnumTexts {
            texts: Vec::new(),
            long: Vec::new(),
        };
        for value in descriptor.values() {
            let number = value.number();
            let Some(text) = enum_text(descriptor, number) else {
                continue;
            };
            let place = usize::try_from(number)
                .ok()
                .filter(|&place| place < 256 && text.len() <= 16);
            let Some(place) = place else {
                texts.long.push((number, text));
                continue;
            };
            if texts.texts.len() <= place {
                texts.texts.resize(place + 1, None);
            }
            let mut chunk = [0; 16];
            chunk[..text.len()].copy_from_slice(text.as_bytes());
            texts.texts[place] = Some((text.len() as u8, chunk));
        }
        texts
    }

    #[inline(always)]
    pub(super) fn push(&self, spans: &mut Spans, number: i64) {
        match self.texts.get(number as usize) {
            Some(Some((length, chunk))) => {
                let end = spans.bytes.len() + usize::from(*length);
                spans.bytes.extend_from_slice(chunk);
                spans.bytes.truncate(end);
                spans.ends.push(end as i32);
            }
            _ => self.push_rare(spans, number),
        }
    }

    #[cold]
    pub(super) fn push_rare(&self, spans: &mut Spans, number: i64) {
        match self
            .long
            .iter()
            .find(|(long, _)| i64::from(*long) == number)
        {
            Some((_, text)) => spans.push(text.as_bytes()),
            None => spans.push(format!("#{number}").as_bytes()),
        }
    }
}

/// Bits in words.
#[derive(Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    pub(super) len: usize,
}

impl Bits {
    #[inline(always)]
    pub(super) fn push(&mut self, bit: bool) {
        let place = self.len & 63;
        match self.words.last_mut() {
            Some(word) if place != 0 => *word |= u64::from(bit) << place,
            _ => self.words.push(u64::from(bit)),
        }
        self.len += 1;
    }

    pub(super) fn finish(&mut self) -> BooleanBuffer {
        let len = std::mem::take(&mut self.len);
        BooleanBuffer::new(Buffer::from_vec(renewed(&mut self.words)), 0, len)
    }
}
