//! A record batch as it travels: the 61 bytes of its header are read and patched in place, its records stay closed.

use bytes::Bytes;

/// Bytes of the header, from `baseOffset` to the record count.
pub(crate) const HEADER_BYTES: usize = 61;
/// Bytes before the part that `batchLength` counts.
pub(crate) const LENGTH_PREFIX_BYTES: usize = 12;
/// Where the checksummed part starts.
const CHECKED_FROM: usize = 21;

const CODEC_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

/// The fields of a batch header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) base_offset: i64,
    pub(crate) length: i32,
    pub(crate) magic: i8,
    pub(crate) crc: u32,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp_ms: i64,
    pub(crate) max_timestamp_ms: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) record_count: i32,
}

/// Why bytes are not a batch that may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Shorter than a header, or than its own length says; or the checksum does not agree.
    Corrupt,
    /// Message formats 0 and 1, which Kafka 4 dropped too.
    OldFormat,
    /// Not exactly one batch, a control batch from a client, or counts that do not agree.
    Invalid,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

impl Header {
    /// Reads the header at the start of `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            base_offset: i64::from_be_bytes(array(bytes, 0)?),
            length: i32::from_be_bytes(array(bytes, 8)?),
            magic: i8::from_be_bytes(array(bytes, 16)?),
            crc: u32::from_be_bytes(array(bytes, 17)?),
            attributes: i16::from_be_bytes(array(bytes, 21)?),
            last_offset_delta: i32::from_be_bytes(array(bytes, 23)?),
            base_timestamp_ms: i64::from_be_bytes(array(bytes, 27)?),
            max_timestamp_ms: i64::from_be_bytes(array(bytes, 35)?),
            producer_id: i64::from_be_bytes(array(bytes, 43)?),
            producer_epoch: i16::from_be_bytes(array(bytes, 51)?),
            base_sequence: i32::from_be_bytes(array(bytes, 53)?),
            record_count: i32::from_be_bytes(array(bytes, 57)?),
        })
    }

    /// Reads and checks what a producer sent: exactly one sound batch of the current format.
    pub(crate) fn accept(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > 16 && bytes[16] < 2 {
            return Err(Fault::OldFormat);
        }
        let header = Self::read(bytes).ok_or(Fault::Corrupt)?;
        if header.magic != 2 {
            return Err(Fault::Invalid);
        }
        let stated =
            usize::try_from(header.length).map_err(|_| Fault::Corrupt)? + LENGTH_PREFIX_BYTES;
        if stated < HEADER_BYTES || stated > bytes.len() {
            return Err(Fault::Corrupt);
        }
        if stated < bytes.len() {
            return Err(Fault::Invalid);
        }
        if crc32c::crc32c(&bytes[CHECKED_FROM..]) != header.crc {
            return Err(Fault::Corrupt);
        }
        let counted = header.record_count >= 1
            && header.record_count.checked_sub(1) == Some(header.last_offset_delta);
        if header.is_control() || !counted || header.codec() > 4 {
            return Err(Fault::Invalid);
        }
        Ok(header)
    }

    /// 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub(crate) fn codec(&self) -> i16 {
        self.attributes & CODEC_MASK
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub(crate) fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The sequence number of the last record; it wraps at `i32::MAX`.
    pub(crate) fn last_sequence(&self) -> i32 {
        add_sequence(self.base_sequence, self.last_offset_delta)
    }
}

/// Adds to a sequence number, which wraps from `i32::MAX` to 0.
pub(crate) fn add_sequence(sequence: i32, delta: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(delta);
    let wrapped = if sum > i64::from(i32::MAX) {
        sum - i64::from(i32::MAX) - 1
    } else {
        sum
    };
    i32::try_from(wrapped).unwrap_or(0)
}

/// Gives the batch its place in the log; the checksum does not cover these fields.
pub(crate) fn place(batch: &mut [u8], base_offset: i64) {
    batch[0..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&0i32.to_be_bytes());
}

/// Stamps the batch with the time of its arrival (`message.timestamp.type=LogAppendTime`).
pub(crate) fn stamp_append_time(batch: &mut [u8], now_ms: i64) {
    let attributes = i16::from_be_bytes([batch[21], batch[22]]) | LOG_APPEND_TIME;
    batch[21..23].copy_from_slice(&attributes.to_be_bytes());
    batch[35..43].copy_from_slice(&now_ms.to_be_bytes());
    seal(batch);
}

/// Writes the checksum.
fn seal(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[CHECKED_FROM..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

/// A batch with the fields of `header` and these records (each with its length in front), uncompressed.
pub(crate) fn build(header: &Header, record_count: i32, records: &[u8]) -> Bytes {
    let mut batch = Vec::with_capacity(HEADER_BYTES + records.len());
    let length =
        i32::try_from(HEADER_BYTES - LENGTH_PREFIX_BYTES + records.len()).unwrap_or(i32::MAX);
    batch.extend_from_slice(&header.base_offset.to_be_bytes());
    batch.extend_from_slice(&length.to_be_bytes());
    batch.extend_from_slice(&0i32.to_be_bytes());
    batch.push(2);
    batch.extend_from_slice(&[0; 4]);
    let attributes = header.attributes & !(CODEC_MASK | DELETE_HORIZON);
    batch.extend_from_slice(&attributes.to_be_bytes());
    batch.extend_from_slice(&header.last_offset_delta.to_be_bytes());
    batch.extend_from_slice(&header.base_timestamp_ms.to_be_bytes());
    batch.extend_from_slice(&header.max_timestamp_ms.to_be_bytes());
    batch.extend_from_slice(&header.producer_id.to_be_bytes());
    batch.extend_from_slice(&header.producer_epoch.to_be_bytes());
    batch.extend_from_slice(&header.base_sequence.to_be_bytes());
    batch.extend_from_slice(&record_count.to_be_bytes());
    batch.extend_from_slice(records);
    seal(&mut batch);
    Bytes::from(batch)
}

/// The control batch that ends a transaction in one partition.
pub(crate) fn end_marker(
    base_offset: i64,
    producer_id: i64,
    producer_epoch: i16,
    committed: bool,
    now_ms: i64,
) -> Bytes {
    let header = Header {
        base_offset,
        length: 0,
        magic: 2,
        crc: 0,
        attributes: TRANSACTIONAL | CONTROL,
        last_offset_delta: 0,
        base_timestamp_ms: now_ms,
        max_timestamp_ms: now_ms,
        producer_id,
        producer_epoch,
        base_sequence: -1,
        record_count: 1,
    };
    let kind = u8::from(committed);
    // length 16; attributes, timestamp delta, offset delta; key of 4 bytes: version 0, kind; value of 6: version 0, coordinator epoch 0; no headers
    let record = [
        16 << 1,
        0,
        0,
        0,
        4 << 1,
        0,
        0,
        0,
        kind,
        6 << 1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    build(&header, 1, &record)
}
