use std::sync::Arc;

use super::batch::{Fault, Header, stamp_append_time};
use super::records::{Records, unfold};
use super::testing::{Spec, header, keyed, plain, records, transactional};
use super::*;
use crate::memory::Memory;
use crate::topic_config::TopicConfig;

fn new_log() -> (Log, Arc<Memory>) {
    let memory = Arc::new(Memory::new(1_000_000));
    (Log::new(Arc::clone(&memory)), memory)
}

fn append(log: &mut Log, memory: &Memory, bytes: Vec<u8>) -> Appended {
    let header = Header::accept(&bytes).unwrap();
    assert!(memory.try_reserve(charge_bytes(bytes.len())));
    log.append(bytes, header, 0).unwrap()
}

fn config(pairs: &[(&str, &str)]) -> TopicConfig {
    TopicConfig::parse(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
    .unwrap()
}

#[test]
fn offsets_rise_and_batches_keep_their_content() {
    let (mut log, memory) = new_log();
    let sent = plain(&[keyed("a", "1"), keyed("b", "2")]);
    assert_eq!(append(&mut log, &memory, sent.clone()).base_offset, 0);
    assert_eq!(append(&mut log, &memory, sent.clone()).base_offset, 2);
    let slice = log.read(3, 4, 1, true);
    assert_eq!(
        slice.batches.len(),
        1,
        "a batch comes whole, however little is asked for"
    );
    assert_eq!(slice.batches[0][21..], sent[21..]);
    assert_eq!(Header::read(&slice.batches[0]).unwrap().base_offset, 2);
    assert!(log.read(3, 4, 1, false).batches.is_empty());
    assert!(log.read(4, 4, 1_000, true).batches.is_empty());
}

#[test]
fn what_is_not_a_batch_is_refused() {
    let good = plain(&[keyed("a", "1")]);
    assert!(Header::accept(&good).is_ok());
    assert_eq!(Header::accept(&good[..60]), Err(Fault::Corrupt));
    assert_eq!(
        Header::accept(&[good.clone(), good.clone()].concat()),
        Err(Fault::Invalid)
    );
    for at in 21..good.len() {
        let mut broken = good.clone();
        broken[at] ^= 0x40;
        assert_eq!(Header::accept(&broken), Err(Fault::Corrupt), "byte {at}");
    }
    let mut old = good.clone();
    old[16] = 1;
    assert_eq!(Header::accept(&old), Err(Fault::OldFormat));
    let marker = batch::end_marker(0, 1, 0, true, 0);
    assert_eq!(
        Header::accept(&marker),
        Err(Fault::Invalid),
        "only the broker writes markers"
    );
    let specs = [keyed("a", "1")];
    let miscounted = batch::build(
        &Header {
            last_offset_delta: 5,
            ..header(&specs)
        },
        1,
        &records(&specs),
    );
    assert_eq!(Header::accept(&miscounted), Err(Fault::Invalid));
}

#[test]
fn append_time_replaces_the_producers_and_the_checksum_agrees() {
    let mut bytes = plain(&[keyed("a", "1"), keyed("b", "2")]);
    stamp_append_time(&mut bytes, 77);
    let header = Header::accept(&bytes).unwrap();
    let unfolded = unfold(&header, &bytes.into()).unwrap();
    assert!(Records::new(&header, &unfolded).all(|record| record.timestamp_ms == 77));
}

#[test]
fn markers_close_transactions_and_aborts_are_listed_where_they_matter() {
    let (mut log, memory) = new_log();
    append(&mut log, &memory, plain(&[keyed("a", "1")]));
    append(&mut log, &memory, transactional(&[keyed("b", "1")], 7, 0));
    append(&mut log, &memory, transactional(&[keyed("c", "1")], 8, 0));
    assert_eq!(log.stable_offset(), 1);
    log.append_marker(7, 0, false, 0);
    assert_eq!(log.stable_offset(), 2);
    log.append_marker(8, 0, true, 0);
    assert_eq!((log.stable_offset(), log.end_offset()), (5, 5));
    let aborted = Aborted {
        producer_id: 7,
        first_offset: 1,
        last_offset: 3,
    };
    assert_eq!(log.read(0, 5, 10_000, true).aborted, [aborted]);
    assert_eq!(
        log.read(0, 1, 10_000, true).aborted,
        [],
        "what is read ends before it"
    );
    assert_eq!(
        log.read(4, 5, 10_000, true).aborted,
        [],
        "what is read starts after it"
    );
    log.advance_start(4);
    assert!(log.aborted.is_empty());
}

#[test]
fn memory_is_given_back_for_all_that_goes() {
    let (mut log, memory) = new_log();
    for _ in 0..10 {
        append(&mut log, &memory, plain(&[keyed("key", "value")]));
    }
    log.append_marker(1, 0, true, 0);
    let full_bytes = memory.used_bytes();
    log.advance_start(5);
    assert_eq!((log.start_offset, log.batches.len()), (5, 6));
    assert!(memory.used_bytes() < full_bytes);
    log.advance_start(3);
    assert_eq!(log.start_offset, 5, "the start never goes back");
    drop(log);
    assert_eq!(memory.used_bytes(), 0);
}

#[test]
fn a_repeat_is_stored_once_and_charged_once() {
    let (mut log, memory) = new_log();
    let bytes = transactional(&[keyed("a", "1")], 7, 0);
    append(&mut log, &memory, bytes.clone());
    let used_bytes = memory.used_bytes();
    let again = append(&mut log, &memory, bytes);
    assert_eq!((again.base_offset, again.fresh), (0, false));
    assert_eq!((log.end_offset(), memory.used_bytes()), (1, used_bytes));
}

#[test]
fn retention_by_time_and_size_takes_from_the_front() {
    let (mut log, memory) = new_log();
    for timestamp_ms in [100, 200, 300] {
        append(
            &mut log,
            &memory,
            plain(&[Spec {
                key: "k",
                value: Some("v"),
                timestamp_ms,
            }]),
        );
    }
    assert_eq!(
        log.enforce_retention(
            &config(&[("retention.ms", "50"), ("cleanup.policy", "compact")]),
            1_000
        ),
        0
    );
    assert_eq!(
        log.enforce_retention(&config(&[("retention.ms", "-1")]), i64::MAX),
        0
    );
    log.enforce_retention(&config(&[("retention.ms", "50")]), 260);
    assert_eq!(log.start_offset, 2);
    let (mut log, memory) = new_log();
    for _ in 0..5 {
        append(&mut log, &memory, plain(&[keyed("k", "v")]));
    }
    let batch_bytes = log.size_bytes / 5;
    let keep = (2 * batch_bytes).to_string();
    log.enforce_retention(&config(&[("retention.bytes", &keep)]), 0);
    assert_eq!(log.start_offset, 3, "at least retention.bytes stay");
}

#[test]
fn retention_leaves_open_transactions_alone() {
    let (mut log, memory) = new_log();
    append(&mut log, &memory, plain(&[keyed("k", "v")]));
    append(&mut log, &memory, transactional(&[keyed("k", "v")], 7, 0));
    log.enforce_retention(&config(&[("retention.ms", "1")]), 1_000_000);
    assert_eq!((log.start_offset, log.stable_offset()), (1, 1));
}
