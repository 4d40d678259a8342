//! Events of one object share a key.
use crate::v1::{self, Envelope};
use crate::{Event, Message, Stream};

fn key(event: impl Into<Event>) -> String {
    String::from_utf8(event.into().key()).unwrap()
}

fn envelope() -> Option<Envelope> {
    Some(Envelope {
        port_call_id: "call-1".into(),
        berth_visit_id: "visit-1".into(),
        train_id: "train-1".into(),
        terminal_id: "DIT".into(),
        ..Default::default()
    })
}

#[test]
fn vessel_events_go_by_port_call_and_positions_by_craft() {
    use v1::vessel_event::Body;
    let event = |envelope, body| {
        key(v1::VesselEvent {
            envelope,
            body: Some(body),
        })
    };
    let craft = v1::VesselParticulars {
        eni: "02312345".into(),
        imo: "9321483".into(),
        ..Default::default()
    };
    let timestamp = v1::PortCallTimestamp {
        vessel: Some(craft),
        ..Default::default()
    };
    assert_eq!(
        event(envelope(), Body::PortCallTimestamp(timestamp.clone())),
        "call-1"
    );
    assert_eq!(event(None, Body::PortCallTimestamp(timestamp)), "9321483");
    assert_eq!(
        event(envelope(), Body::MovesForecast(Default::default())),
        "call-1"
    );
    let position = v1::VesselPosition {
        mmsi: "211000000".into(),
        ..Default::default()
    };
    assert_eq!(
        event(envelope(), Body::VesselPosition(position)),
        "211000000"
    );
    assert_eq!(event(envelope(), Body::Heartbeat(Default::default())), "");
}

#[test]
fn container_and_rail_events_go_by_their_object() {
    use v1::{container_event, rail_event};
    let moved = v1::MoveEvent {
        container_id: "C".into(),
        equipment_id: "STS-1".into(),
        ..Default::default()
    };
    let body = Some(container_event::Body::MoveEvent(moved));
    assert_eq!(
        key(v1::ContainerEvent {
            envelope: envelope(),
            body
        }),
        "STS-1"
    );
    let gate = v1::GateEvent {
        container_id: "C".into(),
        truck_id: "DU-1".into(),
        ..Default::default()
    };
    let body = Some(container_event::Body::GateEvent(gate));
    assert_eq!(
        key(v1::ContainerEvent {
            envelope: envelope(),
            body
        }),
        "DU-1"
    );
    let body = Some(rail_event::Body::TrainReady(Default::default()));
    assert_eq!(
        key(v1::RailEvent {
            envelope: envelope(),
            body
        }),
        "train-1"
    );
    let booking = v1::RailBooking {
        booking_id: "b".into(),
        unit_id: "unit-1".into(),
        ..Default::default()
    };
    let body = Some(rail_event::Body::RailBooking(booking));
    assert_eq!(
        key(v1::RailEvent {
            envelope: envelope(),
            body
        }),
        "unit-1"
    );
}

#[test]
fn reference_keys_carry_the_kind() {
    use v1::reference_event::Body;
    let event = |body| {
        key(v1::ReferenceEvent {
            envelope: envelope(),
            body: Some(body),
        })
    };
    assert_eq!(event(Body::Terminal(Default::default())), "terminal/DIT");
    assert_eq!(
        event(Body::Berth(v1::Berth {
            berth_id: "B1".into(),
            ..Default::default()
        })),
        "berth/B1"
    );
    assert_eq!(
        event(Body::Crane(v1::Crane {
            crane_id: "B1".into(),
            ..Default::default()
        })),
        "crane/B1"
    );
}

#[test]
fn commands_go_by_what_they_are_about() {
    use v1::planner_event::Body;
    let event = |body| {
        key(v1::PlannerEvent {
            envelope: envelope(),
            body: Some(body),
        })
    };
    assert_eq!(event(Body::BerthCommand(Default::default())), "visit-1");
    let closure = v1::BerthClosure {
        closure_id: "c".into(),
        berth_id: "B1".into(),
        ..Default::default()
    };
    assert_eq!(event(Body::BerthClosure(closure)), "B1");
}

#[test]
fn an_event_comes_back_from_its_bytes() {
    let event = Event::from(v1::RailEvent {
        envelope: envelope(),
        body: None,
    });
    assert_eq!(
        Event::decode(Stream::Rail, &event.encode_to_vec()),
        Ok(event.clone())
    );
    assert_eq!((event.stream(), event.key()), (Stream::Rail, Vec::new()));
    let mut empty = Event::from(v1::VesselEvent::default());
    assert!(empty.envelope().is_none());
    empty.envelope_mut().source = "ais".into();
    assert_eq!(empty.envelope().map(Message::encoded_len), Some(5));
}
