//! Any bytes, on any stream: no panic, and accepted only if prost accepts. The first byte chooses the stream.
#![no_main]

use std::cell::RefCell;

use events::decode::{Decoder, Kind, Projection};
use events::{Event, Stream};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static DECODERS: RefCell<Vec<Decoder>> = RefCell::new(
        Stream::ALL.into_iter().map(|stream| Decoder::new(stream, &Projection::all()).expect("our schema fits")).collect()
    );
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, value)) = bytes.split_first() else { return };
    DECODERS.with_borrow_mut(|decoders| {
        let decoder = &mut decoders[usize::from(*first) % Stream::ALL.len()];
        let by_prost = Event::decode(decoder.stream(), value);
        let Ok(head) = decoder.read(value) else { return };
        let event = by_prost.expect("what the decoder accepts, prost accepts");
        let envelope = event.envelope().cloned().unwrap_or_default();
        assert_eq!(head.source, envelope.source);
        assert_eq!(head.event_id, envelope.event_id);
        let row_time_us = head.row_time_us();
        let is_row = head.kind != Kind::Heartbeat;
        decoder.keep(value, row_time_us, 0, 0);
        let rows: usize = decoder.take().iter().map(|(_, batch)| batch.num_rows()).sum();
        assert_eq!(rows, usize::from(is_row));
    });
});
