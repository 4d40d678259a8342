//! Golden rows: what stands in a record stands in the row.
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};

use super::*;
use crate::schema::table;
use crate::v1::{self, Classifier, Envelope, container_event, vessel_event};
use crate::{Message, row_time_us};

fn envelope(classifier: Classifier) -> Envelope {
    Envelope {
        event_id: "e-1".into(),
        source: "tos".into(),
        source_seq: 7,
        event_time_us: 1_700_000_000_000_000,
        record_time_us: 1_700_000_001_000_000,
        classifier: classifier.into(),
        terminal_id: "DIT".into(),
        ..Envelope::default()
    }
}

fn call() -> v1::VesselEvent {
    let timestamp = v1::PortCallTimestamp {
        service: v1::PortCallService::Berth.into(),
        event_type: v1::OperationsEventType::Arri.into(),
        facility_code: "B1".into(),
        delay_reason_codes: vec!["WEA".into(), "ANA".into()],
        vessel: Some(v1::VesselParticulars {
            imo: "9321483".into(),
            name: "Düsseldorf Express".into(),
            draught_cm: Some(0),
            kind: v1::VesselKind::Barge.into(),
            ..Default::default()
        }),
        quay_from_dm: Some(250),
        departure_latest_at_us: Some(5),
        ..Default::default()
    };
    v1::VesselEvent {
        envelope: Some(envelope(Classifier::Est)),
        body: Some(vessel_event::Body::PortCallTimestamp(timestamp)),
    }
}

fn one(stream: Stream, value: &[u8]) -> RecordBatch {
    let mut decoder = Decoder::new(stream, &Projection::all()).unwrap();
    let row_time_us = decoder.read(value).unwrap().row_time_us();
    decoder.keep(value, row_time_us, 3, 44);
    decoder.take().remove(0).1
}

fn text<'a>(batch: &'a RecordBatch, column: &str) -> &'a str {
    batch
        .column_by_name(column)
        .unwrap()
        .as_string::<i32>()
        .value(0)
}

fn integer(batch: &RecordBatch, column: &str) -> Option<i64> {
    let column = batch.column_by_name(column).unwrap();
    column
        .is_valid(0)
        .then(|| column.as_primitive::<Int64Type>().value(0))
}

fn instant(batch: &RecordBatch, column: &str) -> i64 {
    batch
        .column_by_name(column)
        .unwrap()
        .as_primitive::<TimestampMicrosecondType>()
        .value(0)
}

#[test]
fn a_port_call_timestamp_becomes_a_row() {
    let batch = one(Stream::Vessel, &call().encode_to_vec());
    assert_eq!(batch.schema(), table("port_call_timestamp").unwrap().schema);
    assert_eq!(text(&batch, "event_id"), "e-1");
    assert_eq!(text(&batch, "classifier"), "EST");
    assert_eq!(text(&batch, "terminal_id"), "DIT");
    assert_eq!(integer(&batch, "source_seq"), Some(7));
    assert_eq!(instant(&batch, "event_time"), 1_700_000_000_000_000);
    assert_eq!(instant(&batch, "row_time"), 1_700_000_001_000_000);
    assert_eq!(
        batch
            .column_by_name("partition")
            .unwrap()
            .as_primitive::<Int32Type>()
            .value(0),
        3
    );
    assert_eq!(integer(&batch, "offset"), Some(44));
    assert_eq!(text(&batch, "service"), "BERTH");
    assert_eq!(text(&batch, "phase"), "");
    assert_eq!(text(&batch, "vessel_name"), "Düsseldorf Express");
    assert_eq!(text(&batch, "vessel_kind"), "BARGE");
    assert_eq!(integer(&batch, "vessel_draught_cm"), Some(0));
    assert_eq!(integer(&batch, "vessel_beam_cm"), None);
    assert_eq!(integer(&batch, "vessel_cones"), Some(0));
    assert_eq!(integer(&batch, "quay_from_dm"), Some(250));
    assert_eq!(integer(&batch, "quay_to_dm"), None);
    assert_eq!(instant(&batch, "departure_latest_at"), 5);
    let codes = batch
        .column_by_name("delay_reason_codes")
        .unwrap()
        .as_list::<i32>()
        .value(0);
    assert_eq!(
        codes
            .as_string::<i32>()
            .iter()
            .flatten()
            .collect::<Vec<_>>(),
        ["WEA", "ANA"]
    );
}

#[test]
fn the_columns_that_are_asked_for_come_in_the_order_of_the_table() {
    let mut projection = Projection::none();
    projection
        .add("port_call_timestamp", &["vessel_imo", "service", "source"])
        .unwrap();
    let mut decoder = Decoder::new(Stream::Vessel, &projection).unwrap();
    let value = call().encode_to_vec();
    decoder.read(&value).unwrap();
    decoder.keep(&value, 0, 0, 0);
    assert_eq!(decoder.rows_pending(), 1);
    let (id, batch) = decoder.take().remove(0);
    assert_eq!(id.table().name, "port_call_timestamp");
    let names: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["source", "service", "vessel_imo"]);
    assert_eq!(
        (
            text(&batch, "source"),
            text(&batch, "service"),
            text(&batch, "vessel_imo")
        ),
        ("tos", "BERTH", "9321483")
    );
    assert_eq!(decoder.rows_pending(), 0);
    assert!(decoder.take().is_empty());
}

#[test]
fn rows_are_counted_where_no_column_is_asked_for_and_only_headed_where_no_table_is() {
    let value = call().encode_to_vec();
    let mut projection = Projection::none();
    projection.add("port_call_timestamp", &[]).unwrap();
    let mut decoder = Decoder::new(Stream::Vessel, &projection).unwrap();
    for _ in 0..2 {
        decoder.read(&value).unwrap();
        decoder.keep(&value, 0, 0, 0);
    }
    assert_eq!(decoder.take().remove(0).1.num_rows(), 2);

    let mut decoder = Decoder::new(Stream::Vessel, &Projection::none()).unwrap();
    assert_eq!(decoder.read(&value).unwrap().source, "tos");
    decoder.keep(&value, 0, 0, 0);
    assert_eq!(decoder.rows_pending(), 0);
    assert!(decoder.take().is_empty());
}

#[test]
fn a_head_tells_what_the_engine_needs() {
    let mut event = call();
    event.envelope.as_mut().unwrap().is_retracted = true;
    let value = event.encode_to_vec();
    let mut decoder = Decoder::new(Stream::Vessel, &Projection::none()).unwrap();
    let head = decoder.read(&value).unwrap();
    assert_eq!(
        head.kind,
        Kind::Table(table("port_call_timestamp").unwrap().id)
    );
    assert_eq!(
        (head.source, head.event_id, head.terminal_id),
        ("tos", "e-1", "DIT")
    );
    assert_eq!(
        (head.classifier, head.is_retracted, head.flags),
        (Classifier::Est, true, Flags::default())
    );
    assert_eq!(head.row_time_us(), 1_700_000_001_000_000);
}

#[test]
fn estimates_count_by_when_they_were_written_and_facts_by_when_they_happened() {
    for forecast in [Classifier::Est, Classifier::Pln, Classifier::Req] {
        assert_eq!(row_time_us(forecast, 1, 2), 2);
    }
    for fact in [Classifier::Act, Classifier::Unspecified] {
        assert_eq!(row_time_us(fact, 1, 2), 1);
    }
}

#[test]
fn a_heartbeat_needs_a_source_and_a_record_time_alone() {
    let mut event = v1::ContainerEvent {
        envelope: Some(Envelope {
            source: "tos".into(),
            record_time_us: 9,
            ..Default::default()
        }),
        body: Some(container_event::Body::Heartbeat(v1::SourceHeartbeat {})),
    };
    let mut decoder = Decoder::new(Stream::Container, &Projection::all()).unwrap();
    let value = event.encode_to_vec();
    let head = decoder.read(&value).unwrap();
    assert_eq!((head.kind, head.row_time_us()), (Kind::Heartbeat, 9));
    decoder.keep(&value, 9, 0, 0);
    assert_eq!(decoder.rows_pending(), 0);
    event.envelope.as_mut().unwrap().record_time_us = 0;
    assert_eq!(
        decoder.read(&event.encode_to_vec()).unwrap_err().reason,
        RejectReason::MissingTime
    );
}

#[test]
fn an_unknown_enum_number_is_flagged_and_shown() {
    let mut event = call();
    event.envelope.as_mut().unwrap().classifier = 99;
    let value = event.encode_to_vec();
    let mut decoder = Decoder::new(Stream::Vessel, &Projection::all()).unwrap();
    let head = decoder.read(&value).unwrap();
    assert!(head.flags.has_unknown_enum);
    assert_eq!(head.classifier, Classifier::Unspecified);
    assert_eq!(text(&one(Stream::Vessel, &value), "classifier"), "#99");
}

#[test]
fn an_unsigned_number_that_sql_cannot_hold_is_flagged_and_cut() {
    let mut event = call();
    event.envelope.as_mut().unwrap().source_seq = u64::MAX;
    let value = event.encode_to_vec();
    let mut decoder = Decoder::new(Stream::Vessel, &Projection::all()).unwrap();
    assert!(decoder.read(&value).unwrap().flags.is_saturated);
    assert_eq!(
        integer(&one(Stream::Vessel, &value), "source_seq"),
        Some(i64::MAX)
    );
}

#[test]
fn nothing_is_kept_after_a_record_that_was_rejected() {
    let mut decoder = Decoder::new(Stream::Vessel, &Projection::all()).unwrap();
    let good = call().encode_to_vec();
    decoder.read(&good).unwrap();
    decoder.keep(&good, 0, 0, 0);
    let bad = &good[..good.len() - 1];
    decoder.read(bad).unwrap_err();
    decoder.keep(bad, 0, 0, 0);
    decoder.keep(&good, 0, 0, 0);
    assert_eq!(decoder.rows_pending(), 1);
}

#[path = "reject_tests.rs"]
mod rejects;
