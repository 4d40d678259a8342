//! Bad records: the reason, the place, the mend.
use super::*;

fn reject(value: &[u8]) -> DecodeError {
    let limits = DecodeLimits {
        record_bytes_max: 2_000,
        field_bytes_max: 1_000,
        list_values_max: 10,
    };
    let mut decoder = Decoder::with_limits(Stream::Vessel, &Projection::none(), limits).unwrap();
    decoder.read(value).unwrap_err()
}

fn changed(change: impl FnOnce(&mut Envelope, &mut v1::PortCallTimestamp)) -> Vec<u8> {
    let mut event = call();
    if let (Some(envelope), Some(vessel_event::Body::PortCallTimestamp(timestamp))) =
        (event.envelope.as_mut(), event.body.as_mut())
    {
        change(envelope, timestamp);
    }
    event.encode_to_vec()
}

#[test]
fn an_empty_value() {
    assert_eq!(reject(b"").reason, RejectReason::EmptyValue);
}

#[test]
fn a_truncated_value() {
    let value = call().encode_to_vec();
    let error = reject(&value[..value.len() - 1]);
    assert_eq!(error.reason, RejectReason::Truncated);
    assert_eq!(error.path, "port_call_timestamp");
    let envelope_tag_and_length = 2;
    assert_eq!(
        error.at_byte,
        Some(envelope_tag_and_length + u64::from(value[1]))
    );
}

#[test]
fn text_that_is_not_utf8_names_the_nested_field() {
    let mut value =
        changed(|_, timestamp| timestamp.vessel.get_or_insert_default().name = "ABCDEFGH".into());
    let at = value
        .windows(8)
        .position(|window| window == b"ABCDEFGH")
        .unwrap();
    value[at + 3] = 0xff;
    let error = reject(&value);
    assert_eq!(error.reason, RejectReason::BadUtf8);
    assert_eq!(error.path, "port_call_timestamp.vessel.name");
    assert_eq!(error.at_byte, Some(at as u64 - 2));
    let shown = error.to_string();
    assert!(
        shown.starts_with("field port_call_timestamp.vessel.name at byte "),
        "{shown}"
    );
}

#[test]
fn the_wrong_wire_type_and_the_wrong_message() {
    // Field 1, the envelope, as a varint.
    let error = reject(&[0x08, 0x01]);
    assert_eq!(
        (error.reason, error.path.as_str(), error.at_byte),
        (RejectReason::BadWireType, "envelope", Some(0))
    );
    let gate = v1::GateEvent {
        truck_id: "DU-AB 1".into(),
        ..Default::default()
    };
    let other = v1::ContainerEvent {
        envelope: Some(envelope(Classifier::Act)),
        body: Some(container_event::Body::GateEvent(gate)),
    };
    let error = reject(&other.encode_to_vec());
    assert_ne!(error.reason, RejectReason::Unspecified);
    assert_eq!(reject(&[0x00, 0x01]).reason, RejectReason::BadWireType);
    assert_eq!(reject(&[0x0c]).reason, RejectReason::BadWireType);
    assert_eq!(reject(&[0x0f]).reason, RejectReason::BadWireType);
}

#[test]
fn too_long_a_record_a_field_a_list() {
    assert_eq!(reject(&[0; 2_001]).reason, RejectReason::TooLong);
    let error = reject(&changed(|_, timestamp| {
        timestamp.carrier = "x".repeat(1_001)
    }));
    assert_eq!(
        (error.reason, error.path.as_str()),
        (RejectReason::TooLong, "port_call_timestamp.carrier")
    );
    let error = reject(&changed(|_, timestamp| {
        timestamp.delay_reason_codes = vec!["WEA".into(); 11]
    }));
    assert_eq!(
        (error.reason, error.path.as_str()),
        (
            RejectReason::TooLong,
            "port_call_timestamp.delay_reason_codes"
        )
    );
}

#[test]
fn no_body_that_is_known() {
    let event = v1::VesselEvent {
        envelope: Some(envelope(Classifier::Act)),
        body: None,
    };
    let mut value = event.encode_to_vec();
    value.extend([14 << 3 | 2, 0]);
    assert_eq!(reject(&value).reason, RejectReason::UnknownMessage);
}

#[test]
fn no_source_no_id_no_times() {
    let error = reject(&changed(|envelope, _| envelope.source.clear()));
    assert_eq!(
        (error.reason, error.path.as_str()),
        (RejectReason::MissingSource, "envelope.source")
    );
    let error = reject(&changed(|envelope, _| envelope.event_id.clear()));
    assert_eq!(
        (error.reason, error.path.as_str()),
        (RejectReason::MissingId, "envelope.event_id")
    );
    let error = reject(&changed(|envelope, _| envelope.event_time_us = 0));
    assert_eq!(
        (error.reason, error.path.as_str()),
        (RejectReason::MissingTime, "envelope.event_time_us")
    );
    let error = reject(&changed(|envelope, _| envelope.record_time_us = 0));
    assert_eq!(
        (error.reason, error.path.as_str()),
        (RejectReason::MissingTime, "envelope.record_time_us")
    );
}
