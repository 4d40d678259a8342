//! Batches for the tests of this folder.

use super::batch::{self, Header};

/// A record as a test writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: Option<&'a str>,
    pub(crate) timestamp_ms: i64,
}

pub(crate) fn keyed<'a>(key: &'a str, value: &'a str) -> Spec<'a> {
    Spec {
        key,
        value: Some(value),
        timestamp_ms: 0,
    }
}

fn varint(bytes: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while zigzag >= 0x80 {
        bytes.push((zigzag & 0x7f) as u8 | 0x80);
        zigzag >>= 7;
    }
    bytes.push(zigzag as u8);
}

pub(crate) fn records(specs: &[Spec<'_>]) -> Vec<u8> {
    let base_ms = specs[0].timestamp_ms;
    let mut records = Vec::new();
    for (number, spec) in specs.iter().enumerate() {
        let mut record = vec![0u8];
        varint(&mut record, spec.timestamp_ms - base_ms);
        varint(&mut record, i64::try_from(number).unwrap());
        varint(&mut record, i64::try_from(spec.key.len()).unwrap());
        record.extend_from_slice(spec.key.as_bytes());
        match spec.value {
            None => varint(&mut record, -1),
            Some(value) => {
                varint(&mut record, i64::try_from(value.len()).unwrap());
                record.extend_from_slice(value.as_bytes());
            }
        }
        varint(&mut record, 0);
        varint(&mut records, i64::try_from(record.len()).unwrap());
        records.extend_from_slice(&record);
    }
    records
}

pub(crate) fn header(specs: &[Spec<'_>]) -> Header {
    let count = i32::try_from(specs.len()).unwrap();
    Header {
        base_offset: 0,
        length: 0,
        magic: 2,
        crc: 0,
        attributes: 0,
        last_offset_delta: count - 1,
        base_timestamp_ms: specs[0].timestamp_ms,
        max_timestamp_ms: specs.iter().map(|spec| spec.timestamp_ms).max().unwrap(),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: count,
    }
}

/// A batch as a producer without idempotence sends it.
pub(crate) fn plain(specs: &[Spec<'_>]) -> Vec<u8> {
    let header = header(specs);
    batch::build(&header, header.record_count, &records(specs)).to_vec()
}

/// A batch of a transaction.
pub(crate) fn transactional(specs: &[Spec<'_>], producer_id: i64, base_sequence: i32) -> Vec<u8> {
    let header = Header {
        attributes: 0x10,
        producer_id,
        producer_epoch: 0,
        base_sequence,
        ..header(specs)
    };
    batch::build(&header, header.record_count, &records(specs)).to_vec()
}
