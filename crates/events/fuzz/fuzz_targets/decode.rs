//! Any bytes, on any stream: no panic, the verdict is prost's but for our own rules, and a projection changes nothing. The
//! first byte chooses the stream.
#![no_main]

use std::cell::RefCell;

use events::decode::{Decoder, Kind, Projection};
use events::schema::tables;
use events::v1::RejectReason;
use events::{Event, Stream};
use libfuzzer_sys::fuzz_target;

thread_local! {
    /// Of each stream, the decoders of all columns and of every third.
    static DECODERS: RefCell<Vec<[Decoder; 2]>> = RefCell::new(Stream::ALL.into_iter().map(decoders).collect());
}

fn decoders(stream: Stream) -> [Decoder; 2] {
    let mut third = Projection::none();
    for table in tables() {
        let columns = 0..table.schema.fields().len();
        third.add_indices(table.id, columns.filter(|column| column % 3 == 1));
    }
    [Projection::all(), third]
        .map(|projection| Decoder::new(stream, &projection).expect("our schema fits"))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, value)) = bytes.split_first() else {
        return;
    };
    DECODERS.with_borrow_mut(|decoders| {
        let [all, third] = &mut decoders[usize::from(*first) % Stream::ALL.len()];
        check(all, third, value);
    });
});

fn check(all: &mut Decoder, third: &mut Decoder, value: &[u8]) {
    let by_prost = Event::decode(all.stream(), value);
    let head = match (all.read(value), third.read(value)) {
        (Ok(head), Ok(other)) => {
            assert_eq!(head, other);
            head
        }
        (Err(error), Err(other)) => {
            assert_eq!(error, other);
            use RejectReason::{BadUtf8, BadWireType, Truncated};
            let is_malformed = [BadUtf8, BadWireType, Truncated].contains(&error.reason);
            assert!(!is_malformed || by_prost.is_err(), "{error}");
            return;
        }
        (all, third) => panic!("a projection changes the verdict: {all:?}, {third:?}"),
    };
    let event = by_prost.expect("what the decoder accepts, prost accepts");
    let envelope = event.envelope().cloned().unwrap_or_default();
    assert_eq!(head.source, envelope.source);
    assert_eq!(head.event_id, envelope.event_id);
    assert_eq!(head.record_time_us, envelope.record_time_us);
    let row_time_us = head.row_time_us();
    let is_row = head.kind != Kind::Heartbeat;
    all.keep(value, row_time_us, 0, 0);
    third.keep(value, row_time_us, 0, 0);
    let (all, third) = (all.take(), third.take());
    assert_eq!(
        (all.len(), third.len()),
        (usize::from(is_row), usize::from(is_row))
    );
    for ((_, all), (_, third)) in all.iter().zip(&third) {
        assert_eq!((all.num_rows(), third.num_rows()), (1, 1));
        for (field, column) in third.schema().fields().iter().zip(third.columns()) {
            assert_eq!(Some(column), all.column_by_name(field.name()));
        }
    }
}
