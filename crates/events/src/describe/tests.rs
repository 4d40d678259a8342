//! Messages in words.
use super::*;
use crate::Message;
use crate::v1::{self, Envelope, RejectReason, planner_event};

fn command() -> Vec<u8> {
    let command = v1::BerthCommand {
        kind: v1::CommandKind::Lock.into(),
        berth_id: "B1".into(),
        start_at_us: Some(0),
        reason: "pilot is late".into(),
        ..Default::default()
    };
    let envelope = Envelope {
        event_id: "e-1".into(),
        event_time_us: 1_777_617_000_500_000,
        classifier: 9,
        ..Default::default()
    };
    let body = Some(planner_event::Body::BerthCommand(command));
    v1::PlannerEvent {
        envelope: Some(envelope),
        body,
    }
    .encode_to_vec()
}

#[test]
fn an_event_in_a_line() {
    assert_eq!(
        line("planner", &command()).unwrap(),
        "envelope {event_id=e-1 event_time_us=2026-05-01T06:30:00.500Z classifier=#9} \
         berth_command {kind=LOCK berth_id=B1 start_at_us=1970-01-01T00:00:00Z reason=\"pilot is late\"}"
    );
}

#[test]
fn an_event_in_json() {
    let json = json("quaystream.v1.PlannerEvent", &command()).unwrap();
    assert_eq!(
        json["envelope"]["event_time_us"],
        "2026-05-01T06:30:00.500Z"
    );
    assert_eq!(json["berth_command"]["kind"], "LOCK");
    assert!(json["berth_command"].get("planner").is_none());
}

#[test]
fn bytes_and_numbers() {
    let reject = v1::Reject {
        offset: 7,
        offsets_more: vec![8, 9],
        reason: RejectReason::BadUtf8.into(),
        raw: vec![0xab; 40],
        ..Default::default()
    };
    let bytes = reject.encode_to_vec();
    let shown = line("reject", &bytes).unwrap();
    assert_eq!(
        shown,
        format!(
            "offset=7 offsets_more=[8, 9] reason=BAD_UTF8 raw={}.. (40 bytes)",
            "ab".repeat(32)
        )
    );
    assert_eq!(json("reject", &bytes).unwrap()["raw"], "ab".repeat(40));
}

#[test]
fn what_is_not_there_or_not_that_is_an_error() {
    assert!(matches!(
        resolve("ships"),
        Err(DescribeError::NoMessage { .. })
    ));
    assert!(matches!(
        line("vessel", &[0x08, 0x01]),
        Err(DescribeError::NotTheMessage { .. })
    ));
    assert_eq!(
        resolve("partials").unwrap().full_name(),
        "quaystream.internal.v1.Partials"
    );
}

#[test]
fn instants_at_the_ends_of_time_do_not_panic() {
    for instant_us in [i64::MIN, -1, 0, i64::MAX] {
        assert!(!rfc3339(instant_us).is_empty());
    }
}

#[test]
fn fields_carry_the_comments_of_the_schema() {
    let fields = fields(&resolve("port_call_timestamp").unwrap());
    let quay = fields
        .iter()
        .find(|field| field.name == "quay_from_dm")
        .unwrap();
    assert_eq!(
        (quay.number, quay.type_name.as_str(), quay.label),
        (9, "uint32", "optional")
    );
    assert_eq!(
        quay.comment,
        "Bollards or quay metres taken, from the quay's zero point."
    );
    assert!(fields.iter().any(|field| field.label == "repeated"));
}
