//! The records inside a batch, opened only when an offset is sought by time and when a log is compacted.

use std::io::Read;

use bytes::Bytes;

use super::batch::{HEADER_BYTES, Header};

/// Upper bound on what one batch may unfold to.
const UNFOLDED_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// One record: where it lies in the unfolded records, and what compaction and search need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) has_value: bool,
    /// The record as stored, its length in front.
    pub(crate) raw: &'a [u8],
}

/// The unfolded records of a batch; `None` when they cannot be read.
pub(crate) fn unfold(header: &Header, batch: &Bytes) -> Option<Bytes> {
    let body = batch.slice(HEADER_BYTES.min(batch.len())..);
    match header.codec() {
        0 => Some(body),
        1 => read_all(flate2::read::MultiGzDecoder::new(&body[..])),
        2 => unfold_snappy(&body),
        3 => read_all(lz4_flex::frame::FrameDecoder::new(&body[..])),
        4 => read_all(zstd::stream::read::Decoder::new(&body[..]).ok()?),
        _ => None,
    }
}

fn read_all(reader: impl Read) -> Option<Bytes> {
    let mut unfolded = Vec::new();
    let read = reader
        .take(UNFOLDED_MAX_BYTES + 1)
        .read_to_end(&mut unfolded)
        .ok()?;
    (u64::try_from(read).ok()? <= UNFOLDED_MAX_BYTES).then(|| Bytes::from(unfolded))
}

/// Raw snappy, or the blocks that snappy-java writes: a magic of 8 bytes, two versions, then length and block.
fn unfold_snappy(body: &[u8]) -> Option<Bytes> {
    const JAVA_MAGIC: &[u8] = &[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
    if !body.starts_with(JAVA_MAGIC) {
        return snappy_block(body).map(Bytes::from);
    }
    let mut unfolded = Vec::new();
    let mut rest = body.get(16..)?;
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        let end = 4 + usize::try_from(length).ok()?;
        unfolded.extend_from_slice(&snappy_block(rest.get(4..end)?)?);
        if u64::try_from(unfolded.len()).ok()? > UNFOLDED_MAX_BYTES {
            return None;
        }
        rest = &rest[end..];
    }
    Some(Bytes::from(unfolded))
}

fn snappy_block(block: &[u8]) -> Option<Vec<u8>> {
    let unfolded_bytes = snap::raw::decompress_len(block).ok()?;
    if u64::try_from(unfolded_bytes).ok()? > UNFOLDED_MAX_BYTES {
        return None;
    }
    snap::raw::Decoder::new().decompress_vec(block).ok()
}

/// Walks the unfolded records of a batch. Stops at the first record that is not sound: then
/// [`Records::is_sound`] says so.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    header: Header,
    rest: &'a [u8],
    left: i32,
    sound: bool,
}

impl<'a> Records<'a> {
    pub(crate) fn new(header: &Header, unfolded: &'a [u8]) -> Self {
        Self {
            header: *header,
            rest: unfolded,
            left: header.record_count,
            sound: true,
        }
    }

    /// Whether every record so far could be read.
    pub(crate) fn is_sound(&self) -> bool {
        self.sound
    }

    fn read(&mut self) -> Option<Record<'a>> {
        let start = self.rest;
        let mut cursor = start;
        let length = usize::try_from(varint(&mut cursor)?).ok()?;
        let raw_bytes = start.len() - cursor.len() + length;
        let mut body = cursor.get(..length)?;
        body = body.get(1..)?;
        let timestamp_delta_ms = varint(&mut body)?;
        let offset_delta = varint(&mut body)?;
        let key = field(&mut body)?;
        let value = field(&mut body)?;
        let timestamp_ms = if self.header.is_log_append_time() {
            self.header.max_timestamp_ms
        } else {
            self.header
                .base_timestamp_ms
                .saturating_add(timestamp_delta_ms)
        };
        self.rest = &start[raw_bytes..];
        Some(Record {
            offset: self.header.base_offset.saturating_add(offset_delta),
            timestamp_ms,
            key,
            has_value: value.is_some(),
            raw: &start[..raw_bytes],
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        if self.left <= 0 || !self.sound {
            return None;
        }
        self.left -= 1;
        let record = self.read();
        self.sound = record.is_some();
        record
    }
}

/// A zigzag varint of up to 64 bits.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()));
        }
    }
    None
}

/// A nullable byte string with its length in front.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint(bytes)?;
    if length < 0 {
        return Some(None);
    }
    let (value, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(value))
}
