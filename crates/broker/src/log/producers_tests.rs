use super::*;

fn batch(
    epoch: i16,
    base_sequence: i32,
    count: i32,
    base_offset: i64,
    transactional: bool,
) -> Header {
    Header {
        base_offset,
        length: 100,
        magic: 2,
        crc: 0,
        attributes: if transactional { 0x10 } else { 0 },
        last_offset_delta: count - 1,
        base_timestamp_ms: 0,
        max_timestamp_ms: 0,
        producer_id: 7,
        producer_epoch: epoch,
        base_sequence,
        record_count: count,
    }
}

#[test]
fn a_repeated_batch_is_recognised_among_the_last_five() {
    let mut producers = Producers::default();
    for number in 0..6 {
        producers.record(&batch(0, number * 10, 10, i64::from(number) * 10, false), 0);
    }
    let seen = producers.check(&batch(0, 10, 10, 0, false));
    assert_eq!(seen, Ok(Sequenced::Duplicate { base_offset: 10 }));
    let forgotten = producers.check(&batch(0, 0, 10, 0, false));
    assert_eq!(forgotten, Err(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(
        producers.check(&batch(0, 60, 1, 0, false)),
        Ok(Sequenced::Fresh)
    );
    assert_eq!(
        producers.check(&batch(0, 61, 1, 0, false)),
        Err(ResponseError::OutOfOrderSequenceNumber)
    );
}

#[test]
fn a_new_epoch_starts_at_nought_and_fences_the_old() {
    let mut producers = Producers::default();
    producers.record(&batch(3, 0, 5, 0, false), 0);
    assert_eq!(
        producers.check(&batch(4, 5, 1, 0, false)),
        Err(ResponseError::OutOfOrderSequenceNumber)
    );
    assert_eq!(
        producers.check(&batch(4, 0, 1, 0, false)),
        Ok(Sequenced::Fresh)
    );
    producers.record(&batch(4, 0, 1, 5, false), 0);
    assert_eq!(
        producers.check(&batch(3, 5, 1, 0, false)),
        Err(ResponseError::InvalidProducerEpoch)
    );
}

#[test]
fn sequences_wrap() {
    let mut producers = Producers::default();
    producers.record(&batch(0, i32::MAX - 1, 2, 0, false), 0);
    assert_eq!(
        producers.check(&batch(0, 0, 1, 0, false)),
        Ok(Sequenced::Fresh)
    );
    producers.record(&batch(0, i32::MAX, 3, 2, false), 0);
    assert_eq!(
        producers.check(&batch(0, 2, 1, 0, false)),
        Ok(Sequenced::Fresh)
    );
}

#[test]
fn an_unknown_producer_may_start_anywhere() {
    assert_eq!(
        Producers::default().check(&batch(0, 500, 1, 0, false)),
        Ok(Sequenced::Fresh)
    );
}

#[test]
fn transactions_open_and_close() {
    let mut producers = Producers::default();
    producers.record(&batch(0, 0, 5, 100, true), 0);
    producers.record(&batch(0, 5, 5, 105, true), 0);
    assert_eq!(producers.first_open_offset(), Some(100));
    assert!(producers.has_open_transaction(7, 0));
    assert!(!producers.has_open_transaction(7, 1));
    assert_eq!(producers.end_transaction(7, 1, 0), Some(100));
    assert_eq!(producers.first_open_offset(), None);
    assert_eq!(
        producers.check(&batch(0, 10, 1, 0, true)),
        Err(ResponseError::InvalidProducerEpoch)
    );
}

#[test]
fn memory_of_producers_is_bounded_and_idle_ones_are_forgotten() {
    let mut producers = Producers::default();
    for id in 0..20_000 {
        let header = Header {
            producer_id: id,
            ..batch(0, 0, 1, id, false)
        };
        producers.record(&header, id);
    }
    assert!(producers.views().count() <= 5_000);
    assert!(producers.views().any(|view| view.id == 19_999));
    producers.forget_idle(19_999);
    assert_eq!(producers.views().count(), 1);
}
