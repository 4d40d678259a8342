//! Rows waiting to go into columns. Rows are kept as they were read, words and bytes, until some have gathered; then each
//! column takes its word of all of them in one loop. So the kind of a column is asked once for many rows, and rows of
//! several tables in turn do not disturb each other.
use super::layout::{BODY_SLOT, EnvelopeSlots};
use super::row::{BYTES_AT, OFFSET, PARTITION, PRESENT, ROW_TIME, Row};

/// Rows that wait at most.
pub(crate) const ROWS_MAX: usize = 128;
/// Bytes that wait at most, but for the last row's: stage and columns should stay in the cache.
const BYTES_MAX: usize = 32 * 1024;
/// Zeroes after the bytes, so that the last short text can be copied as a whole chunk.
const PADDING: [u8; 16] = [0; 16];

/// The part of a record's place that is not in its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub row_time_us: i64,
    pub partition: i32,
    pub offset: i64,
}

/// Rows of one table.
#[derive(Debug)]
pub(crate) struct Stage {
    /// A row's words one after another.
    words: Vec<u64>,
    /// The slot that a row's first word is from.
    first: u8,
    stride: usize,
    body_slots: usize,
    /// The records' bytes one after another, if any column takes bytes.
    bytes: Vec<u8>,
    needs_bytes: bool,
    needs_present: bool,
}

impl Stage {
    pub fn new(
        envelope: &EnvelopeSlots,
        body_slots: usize,
        needs_bytes: bool,
        needs_present: bool,
    ) -> Stage {
        Stage {
            words: Vec::new(),
            first: envelope.first,
            stride: usize::from(BODY_SLOT - envelope.first) + body_slots,
            body_slots,
            bytes: Vec::new(),
            needs_bytes,
            needs_present,
        }
    }

    /// Puts a row on stage; true if it is time to take them all.
    #[inline(always)]
    pub fn push(&mut self, row: &mut Row, value: &[u8], place: Place) -> bool {
        row.place(ROW_TIME, place.row_time_us as u64);
        row.place(PARTITION, place.partition as u64);
        row.place(OFFSET, place.offset as u64);
        row.place(BYTES_AT, self.bytes.len() as u64);
        if self.needs_present {
            row.place(PRESENT, row.present(self.body_slots));
        }
        self.words
            .extend_from_slice(row.staged(self.first, self.body_slots));
        if self.needs_bytes {
            self.bytes.extend_from_slice(value);
        }
        self.words.len() >= ROWS_MAX * self.stride || self.bytes.len() >= BYTES_MAX
    }

    /// To be called when the last row is there.
    pub fn end(&mut self) {
        self.bytes.extend_from_slice(&PADDING);
    }

    pub fn clear(&mut self) {
        self.words.clear();
        self.bytes.clear();
        if self.bytes.capacity() > 2 * BYTES_MAX {
            self.bytes = Vec::new();
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A slot of each row.
    #[inline(always)]
    pub fn slot(&self, slot: u8) -> impl ExactSizeIterator<Item = u64> + Clone {
        let place = self.word(slot);
        self.words
            .chunks_exact(self.stride)
            .map(move |row| row[place])
    }

    /// A slot of each row that is a span, counted from the start of all bytes.
    #[inline(always)]
    pub fn spans(&self, slot: u8) -> impl ExactSizeIterator<Item = u64> + Clone {
        let (place, bytes_at) = (self.word(slot), self.word(BYTES_AT));
        self.words
            .chunks_exact(self.stride)
            .map(move |row| row[place] + (row[bytes_at] << 32))
    }

    /// Whether a slot of the body is present in each row.
    #[inline(always)]
    pub fn present(&self, slot: u8) -> impl ExactSizeIterator<Item = bool> {
        let bit = slot.saturating_sub(BODY_SLOT) & 63;
        self.slot(PRESENT)
            .map(move |present| present >> bit & 1 == 1)
    }

    /// The place of a slot among a row's words.
    fn word(&self, slot: u8) -> usize {
        usize::from(slot.saturating_sub(self.first)).min(self.stride - 1)
    }
}
