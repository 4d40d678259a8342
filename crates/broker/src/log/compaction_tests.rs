use std::sync::Arc;

use super::*;
use crate::log::testing::{Spec, keyed, plain, transactional};
use crate::memory::Memory;

fn config(pairs: &[(&str, &str)]) -> TopicConfig {
    let mut set: std::collections::BTreeMap<String, String> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    set.insert("cleanup.policy".to_owned(), "compact".to_owned());
    TopicConfig::parse(set).unwrap()
}

fn append(partition: &Partition, memory: &Memory, bytes: Vec<u8>) {
    let header = Header::accept(&bytes).unwrap();
    assert!(memory.try_reserve(charge_bytes(bytes.len())));
    partition.log().append(bytes, header, 0).unwrap();
}

/// Offset, key and whether there is a value, of all records that are left.
fn left(partition: &Partition) -> Vec<(i64, String, bool)> {
    let slice = partition.log().read(0, i64::MAX, usize::MAX, true);
    let mut found = Vec::new();
    for bytes in slice.batches {
        let header = Header::read(&bytes).unwrap();
        let crc = u32::from_be_bytes(bytes[17..21].try_into().unwrap());
        assert_eq!(
            crc,
            crc32c::crc32c(&bytes[21..]),
            "the checksum agrees after compaction"
        );
        if !header.is_control() {
            let unfolded = unfold(&header, &bytes).unwrap();
            found.extend(Records::new(&header, &unfolded).map(|record| {
                (
                    record.offset,
                    String::from_utf8(record.key.unwrap().to_vec()).unwrap(),
                    record.has_value,
                )
            }));
        }
    }
    found
}

fn new() -> (Partition, Arc<Memory>) {
    let memory = Arc::new(Memory::new(10_000_000));
    (Partition::new(Arc::clone(&memory)), memory)
}

const FILLER: &str = "0123456789012345678901234567890123456789";

/// Much of one key.
fn fill(partition: &Partition, memory: &Memory) {
    for _ in 0..1_000 {
        append(partition, memory, plain(&[keyed("filler", FILLER)]));
    }
}

#[test]
fn the_newest_of_each_key_stays_at_its_offset() {
    let (partition, memory) = new();
    append(
        &partition,
        &memory,
        plain(&[keyed("a", "1"), keyed("b", "1"), keyed("c", "1")]),
    );
    fill(&partition, &memory);
    append(
        &partition,
        &memory,
        plain(&[keyed("a", "2"), keyed("c", "2"), keyed("a", "3")]),
    );
    assert!(compact(&partition, &config(&[]), 1_000) > 60_000);
    let expected = [(1, "b"), (1_002, "filler"), (1_004, "c"), (1_005, "a")];
    let expected: Vec<_> = expected
        .iter()
        .map(|(offset, key)| (*offset, (*key).to_owned(), true))
        .collect();
    assert_eq!(left(&partition), expected);
    assert_eq!(partition.log().end_offset(), 1_006);
    let charged: usize = partition
        .log()
        .batches
        .iter()
        .map(Batch::charge_bytes)
        .sum();
    assert_eq!(memory.used_bytes(), charged);
    assert_eq!(
        compact(&partition, &config(&[]), 1_000),
        0,
        "nothing new is dirty"
    );
}

#[test]
fn what_was_aborted_goes_and_what_is_open_stays() {
    let (partition, memory) = new();
    append(&partition, &memory, plain(&[keyed("a", "1")]));
    append(
        &partition,
        &memory,
        transactional(&[keyed("a", "aborted")], 7, 0),
    );
    partition.log().append_marker(7, 0, false, 0);
    fill(&partition, &memory);
    append(
        &partition,
        &memory,
        transactional(&[keyed("filler", "open")], 8, 0),
    );
    compact(&partition, &config(&[]), 1_000);
    let expected = [(0, "a"), (1_002, "filler"), (1_003, "filler")];
    let expected: Vec<_> = expected
        .iter()
        .map(|(offset, key)| (*offset, (*key).to_owned(), true))
        .collect();
    assert_eq!(left(&partition), expected);
    assert!(partition.log().aborted.is_empty());
}

#[test]
fn deletions_stay_for_their_time_then_go() {
    let (partition, memory) = new();
    append(&partition, &memory, plain(&[keyed("gone", "1")]));
    append(
        &partition,
        &memory,
        plain(&[Spec {
            key: "gone",
            value: None,
            timestamp_ms: 0,
        }]),
    );
    fill(&partition, &memory);
    let config = config(&[
        ("delete.retention.ms", "500"),
        ("min.cleanable.dirty.ratio", "0"),
    ]);
    compact(&partition, &config, 1_000);
    assert_eq!(left(&partition)[0], (1, "gone".to_owned(), false));
    fill(&partition, &memory);
    compact(&partition, &config, 1_400);
    assert_eq!(left(&partition)[0], (1, "gone".to_owned(), false));
    fill(&partition, &memory);
    compact(&partition, &config, 1_500);
    assert_eq!(left(&partition)[0].1, "filler");
}

#[test]
fn young_records_wait_for_the_lag() {
    let (partition, memory) = new();
    fill(&partition, &memory);
    assert_eq!(
        compact(
            &partition,
            &config(&[("min.compaction.lag.ms", "5000")]),
            4_999
        ),
        0
    );
    assert!(
        compact(
            &partition,
            &config(&[("min.compaction.lag.ms", "5000")]),
            5_000
        ) > 0
    );
}

#[test]
fn little_dirt_waits_until_it_is_old() {
    let (partition, memory) = new();
    fill(&partition, &memory);
    assert!(compact(&partition, &config(&[]), 1_000) > 0);
    append(&partition, &memory, plain(&[keyed("filler", "new")]));
    let small = config(&[
        ("min.cleanable.dirty.ratio", "0.9"),
        ("max.compaction.lag.ms", "5000"),
    ]);
    assert_eq!(compact(&partition, &small, 5_000), 0);
    assert!(compact(&partition, &small, 5_001) > 0);
    assert_eq!(left(&partition), [(1_000, "filler".to_owned(), true)]);
}

#[test]
fn the_end_marker_of_the_last_transaction_stays_for_those_who_read_to_the_end() {
    let (partition, memory) = new();
    fill(&partition, &memory);
    append(&partition, &memory, transactional(&[keyed("a", "1")], 7, 0));
    partition.log().append_marker(7, 0, true, 0);
    assert!(compact(&partition, &config(&[]), 1_000) > 0);
    let slice = partition.log().read(1_001, i64::MAX, usize::MAX, true);
    let last = slice.batches.last().and_then(|bytes| Header::read(bytes));
    assert!(last.is_some_and(|header| header.is_control()));
    assert_eq!(partition.log().end_offset(), 1_002);
}
