//! What columns are made in: text one after another, the texts of enums, bits.
use arrow::array::StringArray;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow::error::ArrowError;

use super::row::spanned;
use super::stage::ROWS_MAX;
use crate::schema::enum_text;

/// Texts are copied so many bytes at a time.
const CHUNK: usize = 16;

/// Takes a vector out and leaves one with as much room, and some for what is a little more the next time.
pub(super) fn renewed<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = values.len() + values.len() / 16;
    let room = if room == 0 {
        0
    } else {
        room + CHUNK * ROWS_MAX
    };
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

    /// Appends spans of `source`. Short ones are copied as a whole chunk, of which the next one covers what is too much.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        source: &[u8],
        spans: impl ExactSizeIterator<Item = u64> + Clone,
    ) {
        let length: usize = spans.clone().map(|span| (span as u32) as usize).sum();
        let (ends, room, mut at) = self.room(spans.len(), length + CHUNK);
        for (end, span) in ends.iter_mut().zip(spans) {
            let start = (span >> 32) as usize;
            let length = (span as u32) as usize;
            match (source.get(start..start + CHUNK), chunk_at(room, at)) {
                (Some(from), Some(to)) if length <= CHUNK => to.copy_from_slice(from),
                _ => copy(spanned(source, span), room, at),
            }
            at += length;
            *end = at as i32;
        }
        self.bytes.truncate(at);
    }

    /// Room for so many more ends and bytes; and where the bytes begin.
    #[inline(always)]
    fn room(&mut self, rows: usize, bytes: usize) -> (&mut [i32], &mut [u8], usize) {
        let (first, at) = (self.ends.len(), self.bytes.len());
        self.ends.resize(first + rows, 0);
        self.bytes.resize(at + bytes, 0);
        (&mut self.ends[first..], &mut self.bytes, at)
    }

    /// Appends a span of the record.
    pub(super) fn push_span(&mut self, value: &[u8], span: u64) {
        self.push(spanned(value, span));
    }

    #[inline(always)]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as i32);
    }

    pub(super) fn finish(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let ends = renewed_from(&mut self.ends, 0).into();
        (
            OffsetBuffer::new(ends),
            Buffer::from_vec(renewed(&mut self.bytes)),
        )
    }

    /// As [`Spans::finish`], for text that was checked when it was read. Builds with assertions check it once more.
    pub(super) fn finish_text(
        &mut self,
        nulls: Option<NullBuffer>,
    ) -> Result<StringArray, ArrowError> {
        if cfg!(debug_assertions) {
            let (offsets, bytes) = self.finish();
            return StringArray::try_new(offsets, bytes, nulls);
        }
        let ends = renewed_from(&mut self.ends, 0).into();
        let bytes = Buffer::from_vec(renewed(&mut self.bytes));
        // SAFETY: `ends` begins with 0, and each further one is the sum of the lengths so far, which is the length of
        // `bytes`, below 2^30 (`table::SPAN_BYTES_MAX`). Between two ends stands either the text of an enum or a span that
        // `walk` stored after the bytes were found to be UTF-8, copied by its own length. `nulls` has a bit for each row.
        Ok(unsafe { StringArray::new_unchecked(OffsetBuffer::new_unchecked(ends), bytes, nulls) })
    }
}

/// The chunk at a place. Buffers are below 2 GiB: to say so saves a check for overflow.
#[inline(always)]
fn chunk_at(room: &mut [u8], at: usize) -> Option<&mut [u8]> {
    let at = at as u32 as usize;
    room.get_mut(at..at + CHUNK)
}

/// Copies a text that is no chunk to a place in a buffer.
#[inline(never)]
fn copy(text: &[u8], buffer: &mut [u8], at: usize) {
    if let Some(to) = buffer.get_mut(at..at + text.len()) {
        to.copy_from_slice(text);
    }
}

/// The texts of an enum's numbers.
#[derive(Debug)]
pub(super) struct EnumTexts {
    /// By number, as far as they are not longer than a chunk.
    short: Vec<ShortText>,
    long: Vec<(i32, String)>,
}

#[derive(Clone, Copy, Debug)]
struct ShortText {
    chunk: [u8; CHUNK],
    /// [`NO_TEXT`] for gaps.
    length: u8,
}

const NO_TEXT: u8 = u8::MAX;

impl EnumTexts {
    pub(super) fn new(descriptor: &prost_reflect::EnumDescriptor) -> EnumTexts {
        let mut texts = EnumTexts {
            short: Vec::new(),
            long: Vec::new(),
        };
        for value in descriptor.values() {
            let number = value.number();
            let Some(text) = enum_text(descriptor, number) else {
                continue;
            };
            let place = usize::try_from(number)
                .ok()
                .filter(|&place| place < 256 && text.len() <= CHUNK);
            let Some(place) = place else {
                texts.long.push((number, text));
                continue;
            };
            if texts.short.len() <= place {
                let none = ShortText {
                    chunk: [0; CHUNK],
                    length: NO_TEXT,
                };
                texts.short.resize(place + 1, none);
            }
            let short = &mut texts.short[place];
            short.chunk[..text.len()].copy_from_slice(text.as_bytes());
            short.length = text.len() as u8;
        }
        texts
    }

    /// Appends the texts of numbers.
    #[inline(always)]
    pub(super) fn fill(
        &self,
        spans: &mut Spans,
        numbers: impl ExactSizeIterator<Item = u64> + Clone,
    ) {
        let (first, start) = (spans.ends.len(), spans.bytes.len());
        let (ends, room, mut at) = spans.room(numbers.len(), (numbers.len() + 1) * CHUNK);
        let (short, mut is_short) = (self.short.as_slice(), true);
        for (end, number) in ends.iter_mut().zip(numbers.clone()) {
            match (short.get(number as usize), chunk_at(room, at)) {
                (Some(text), Some(to)) if text.length != NO_TEXT => {
                    to.copy_from_slice(&text.chunk);
                    at += usize::from(text.length);
                }
                _ => is_short = false,
            }
            *end = at as i32;
        }
        spans.bytes.truncate(at);
        if !is_short {
            spans.ends.truncate(first);
            spans.bytes.truncate(start);
            numbers.for_each(|number| self.push(spans, number as i64));
        }
    }

    /// Appends the text of any number.
    pub(super) fn push(&self, spans: &mut Spans, number: i64) {
        let short = usize::try_from(number).ok();
        let short = short.and_then(|place| self.short.get(place));
        if let Some(text) = short.filter(|text| text.length != NO_TEXT) {
            return spans.push(&text.chunk[..usize::from(text.length)]);
        }
        let long = self
            .long
            .iter()
            .find(|(long, _)| i64::from(*long) == number);
        match long {
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

    /// Appends bits, up to 64 at once.
    #[inline(always)]
    pub(super) fn fill(&mut self, mut bits: impl ExactSizeIterator<Item = bool>) {
        while bits.len() > 0 {
            let count = bits.len().min(64);
            let chunk = bits.by_ref().take(count).enumerate();
            let word = chunk.fold(0, |word, (place, bit)| word | u64::from(bit) << place);
            let shift = self.len & 63;
            match self.words.last_mut() {
                Some(last) if shift != 0 => {
                    *last |= word << shift;
                    if shift + count > 64 {
                        self.words.push(word >> (64 - shift));
                    }
                }
                _ => self.words.push(word),
            }
            self.len += count;
        }
    }

    pub(super) fn finish(&mut self) -> BooleanBuffer {
        let len = std::mem::take(&mut self.len);
        BooleanBuffer::new(Buffer::from_vec(renewed(&mut self.words)), 0, len)
    }
}
