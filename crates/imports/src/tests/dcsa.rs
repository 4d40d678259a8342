use super::*;
use serde_json::{Value, json};

fn tnt(event: Value) -> Import {
    imported(&json!([event]).to_string())
}

fn gate_in() -> Value {
    json!({
        "eventID": "e1", "eventType": "EQUIPMENT", "eventClassifierCode": "ACT",
        "eventCreatedDateTime": "2021-01-09T14:12:56Z", "eventDateTime": "2021-01-09T14:12:56+01:00",
        "equipmentEventTypeCode": "GTIN", "equipmentReference": "CSQU3054383", "ISOEquipmentCode": "45R1",
        "emptyIndicatorCode": "LADEN",
        "eventLocation": {"UNLocationCode": "DEDUI", "facilityCode": "ADT", "facilityCodeListProvider": "SMDG",
                          "facilityTypeCode": "INTE"},
        "transportCall": {"transportCallID": "t1", "modeOfTransport": "TRUCK"},
        "seals": [{"sealNumber": "S1"}, {"sealNumber": "S2"}]
    })
}

#[test]
fn an_equipment_event_of_version_2() {
    let import = tnt(gate_in());
    assert_eq!(import.problems, []);
    let event = &import.events[0];
    let expected = v1::EquipmentEvent {
        container_id: "CSQU3054383".to_owned(),
        iso_code: "45R1".to_owned(),
        event_type: v1::EquipmentEventType::Gtin.into(),
        empty_indicator: v1::EmptyIndicator::Laden.into(),
        mode: v1::TransportMode::Truck.into(),
        facility_type: v1::FacilityType::Inte.into(),
        facility_code: "ADT".to_owned(),
        code_list_provider: v1::CodeListProvider::Smdg.into(),
        transport_call_id: "t1".to_owned(),
        seals: vec!["S1".to_owned(), "S2".to_owned()],
        teu_quarters: 8,
        ..Default::default()
    };
    assert_eq!(equipment(event), &expected);
    assert_eq!(envelope(event).event_time_us, 1_610_197_976_000_000);
    assert_eq!(envelope(event).record_time_us, 1_610_201_576_000_000);
    assert_eq!(
        (
            envelope(event).event_id.as_str(),
            envelope(event).un_location_code.as_str()
        ),
        ("e1", "DEDUI")
    );
}

#[test]
fn version_3_in_both_spellings_gives_the_same() {
    let event = |classifier: &str, kind: &str, suffix: &str| {
        let (class, kind_key) = (
            format!("eventClassifier{suffix}"),
            format!("equipmentEventType{suffix}"),
        );
        json!({"events": [{
            "eventID": "e1", "eventDateTime": "2026-01-20T14:15:00Z", "eventUpdatedDateTime": "2026-01-20T14:20:00Z",
            "eventClassification": {format!("eventType{suffix}"): "EQUIPMENT", class: classifier, kind_key: kind},
            "equipmentDetails": {"equipmentReference": "CSQU3054383", "ISOEquipmentCode": "22GP"}}]})
    };
    let short = imported(&event("ACT", "GTOT", "Code").to_string());
    let long = imported(&event("ACTUAL", "GATED_OUT", "").to_string());
    assert_eq!(short.problems, []);
    assert_eq!(short, long);
    assert_eq!(
        equipment(&long.events[0]).event_type,
        i32::from(v1::EquipmentEventType::Gtot)
    );
    assert_eq!(equipment(&long.events[0]).teu_quarters, 4);
}

#[test]
fn every_fault_of_an_event_is_named() {
    let spoilt = |key: &str, value: Value| {
        let mut event = gate_in();
        match value {
            Value::Null => {
                event.as_object_mut().unwrap().remove(key);
            }
            value => event[key] = value,
        }
        tnt(event)
    };
    for (key, value, reason, pointer) in [
        ("eventID", Value::Null, "eventID is missing", "/0"),
        ("eventID", json!(123), "eventID is no text", "/0/eventID"),
        (
            "eventDateTime",
            Value::Null,
            "eventDateTime is missing",
            "/0",
        ),
        (
            "eventDateTime",
            json!("2019/11/12 07:41:00 +08:30"),
            "no instant",
            "/0/eventDateTime",
        ),
        (
            "eventCreatedDateTime",
            Value::Null,
            "eventCreatedDateTime is missing",
            "/0",
        ),
        (
            "eventClassifierCode",
            json!("MAYBE"),
            "use one of ACT, EST",
            "/0/eventClassifierCode",
        ),
        (
            "equipmentEventTypeCode",
            json!("LOST"),
            "use one of LOAD, DISC",
            "/0/equipmentEventTypeCode",
        ),
        (
            "equipmentReference",
            Value::Null,
            "equipmentReference is missing",
            "/0",
        ),
        (
            "eventType",
            json!("PARTY"),
            "eventType is unknown",
            "/0/eventType",
        ),
        (
            "eventType",
            json!("SHIPMENT"),
            "SHIPMENT events have no place",
            "/0",
        ),
    ] {
        let import = spoilt(key, value);
        assert_eq!(import.events, [], "{reason}");
        let problem = only(&import, reason);
        assert_eq!(
            (problem.place.clone(), problem.fate),
            (at(pointer), Fate::Skipped),
            "{reason}"
        );
    }
    for (key, value, reason) in [
        ("equipmentReference", json!("CSQU3054384"), "expected 3"),
        ("ISOEquipmentCode", json!("9999"), "not of ISO 6346"),
        (
            "emptyIndicatorCode",
            json!("HALF"),
            "use one of EMPTY, LADEN",
        ),
    ] {
        let import = spoilt(key, value);
        assert_eq!(import.events.len(), 1, "{reason}");
        assert_eq!(only(&import, reason).fate, Fate::Kept);
    }
}

#[test]
fn transport_events_are_port_calls_or_trains() {
    let event = |mode: &str, kind: &str| {
        json!({
            "eventID": "e2", "eventType": "TRANSPORT", "eventClassifierCode": "EST", "transportEventTypeCode": kind,
            "eventCreatedDateTime": "2021-01-08T00:00:00Z", "eventDateTime": "2021-01-09T00:00:00Z",
            "delayReasonCode": "WEA",
            "transportCall": {"transportCallID": "t9", "modeOfTransport": mode, "UNLocationCode": "DEDUI",
                              "facilityCode": "ADT", "facilityCodeListProvider": "SMDG", "facilityTypeCode": "POTE",
                              "vessel": {"vesselIMONumber": "9321483", "vesselName": "King"}}})
    };
    let import = tnt(event("BARGE", "ARRI"));
    assert_eq!(import.problems, []);
    let call = timestamp(&import.events[0]);
    assert_eq!(call.event_type, i32::from(v1::OperationsEventType::Arri));
    assert_eq!(call.delay_reason_codes, ["WEA"]);
    assert_eq!(
        call.vessel.as_ref().unwrap().kind,
        i32::from(v1::VesselKind::Barge)
    );
    assert_eq!(envelope(&import.events[0]).port_call_id, "t9");

    let import = tnt(event("RAIL", "DEPA"));
    let Event::Rail(rail) = &import.events[0] else {
        panic!("a train")
    };
    assert_eq!(rail.envelope.as_ref().unwrap().train_id, "t9");

    assert_eq!(
        only(&tnt(event("TRUCK", "ARRI")), "lorries").fate,
        Fate::Skipped
    );
    assert_eq!(
        only(&tnt(event("VESSEL", "STRT")), "ARRI or DEPA").fate,
        Fate::Skipped
    );
}

#[test]
fn reefer_events_give_readings_in_celsius() {
    let event = |unit: &str, set_point: f64| {
        json!({"events": [{
            "eventID": "r1", "eventDateTime": "2026-01-20T18:00:00Z", "eventUpdatedDateTime": "2026-01-20T18:05:00Z",
            "eventClassification": {"eventType": "REEFER", "eventClassifier": "ACTUAL", "reeferEventType": "MEASURED"},
            "equipmentDetails": {"equipmentReference": "CSQU3054383"},
            "reeferDetails": {"temperatureUnit": unit, "internalSetpointTemperature": set_point, "powerStatus": "POWER_OFF",
                              "returnAirTemperatureMeasurement": {"temperatureValue": set_point}}}]})
    };
    for (unit, set_point) in [("CEL", -18.5), ("FAH", -1.3)] {
        let import = imported(&event(unit, set_point).to_string());
        let Event::Telemetry(reading) = &import.events[0] else {
            panic!("a reading")
        };
        let Some(v1::telemetry_event::Body::ReeferTelemetry(reading)) = &reading.body else {
            panic!("a reefer's")
        };
        assert_eq!(
            (reading.set_point_dc, reading.return_air_dc),
            (Some(-185), Some(-185)),
            "{unit}"
        );
        assert_eq!((reading.supply_air_dc, reading.is_powered), (None, false));
    }
}

fn port_call() -> Value {
    json!({
        "eventID": "p1", "eventUpdatedDateTime": "2025-01-23T01:23:45Z",
        "portCall": {"portCallID": "c1", "UNLocationCode": "NLAMS"},
        "terminalCall": {"terminalCallID": "v1"},
        "portCallService": {"portCallServiceTypeCode": "BERTH", "portCallServiceEventTypeCode": "ARRI",
                            "portCallPhaseTypeCode": "INBD", "facilityTypeCode": "BRTH",
                            "serviceLocation": {"facility": {"facilityCode": "ADT", "facilityCodeListProvider": "SMDG"}}},
        "vessel": {"vesselIMONumber": "9321483", "vesselSizeUnit": "FOT", "lengthOverall": 100, "draftUnit": "MTR",
                   "draft": 12.5},
        "timestamp": {"classifierCode": "PLN", "serviceDateTime": "2025-01-24T01:00:00Z", "delayReasonCodes": ["STR"]},
        "movesForecasts": [{"carrierCode": "MAEU", "restowUnits": {"totalUnits": 3},
            "loadUnits": {"totalUnits": {"size20Units": 1, "size40Units": 2, "size45Units": 3},
                          "emptyUnits": {"totalUnits": 4}},
            "dischargeUnits": {"totalUnits": {"size20Units": 5}, "emptyUnits": {"totalUnits": 6}}}]
    })
}

#[test]
fn a_port_call_event_gives_timestamp_and_moves() {
    let import = imported(&json!({ "events": [port_call()] }).to_string());
    assert_eq!(import.problems, []);
    let stamp = timestamp(&import.events[0]);
    assert_eq!(stamp.service, i32::from(v1::PortCallService::Berth));
    assert_eq!(
        (stamp.facility_type, stamp.facility_code.as_str()),
        (i32::from(v1::FacilityType::Brth), "ADT")
    );
    let vessel = stamp.vessel.as_ref().unwrap();
    assert_eq!(
        (vessel.length_cm, vessel.draught_cm),
        (Some(3_048), Some(1_250))
    );
    assert_eq!(
        envelope(&import.events[0]).classifier,
        i32::from(v1::Classifier::Pln)
    );
    assert_eq!(envelope(&import.events[0]).berth_visit_id, "v1");
    let Event::Vessel(moves) = &import.events[1] else {
        panic!("of the vessel stream")
    };
    let Some(v1::vessel_event::Body::MovesForecast(moves)) = &moves.body else {
        panic!("moves")
    };
    assert_eq!(
        (
            moves.load_20,
            moves.load_40,
            moves.load_45,
            moves.discharge_20
        ),
        (1, 2, 3, 5)
    );
    assert_eq!(
        (moves.restow, moves.empty, moves.carrier.as_str()),
        (3, 10, "MAEU")
    );
    assert_eq!(envelope(&import.events[1]).event_id, "p1-moves-1");
}

#[test]
fn what_will_not_take_place_is_cancelled() {
    let mut event = port_call();
    event["portCallService"]["isCanceled"] = json!(true);
    let import = imported(&json!({ "events": [event] }).to_string());
    assert_eq!(
        timestamp(&import.events[0]).event_type,
        i32::from(v1::OperationsEventType::Canc)
    );
}

#[test]
fn faults_of_port_call_events_are_named() {
    let mut event = port_call();
    event["timestamp"]["serviceDateTime"] = json!("noon");
    let feedback = json!([{"severity": "ERROR", "message": "no such place"}]);
    let import = imported(
        &json!({ "events": [event, {"eventID": "x"}], "feedbackElements": feedback }).to_string(),
    );
    assert_eq!(import.events.len(), 1, "the moves are still good");
    assert_eq!(
        only(&import, "no instant").place,
        at("/events/0/timestamp/serviceDateTime")
    );
    assert_eq!(
        only(&import, "eventUpdatedDateTime is missing").place,
        at("/events/1")
    );
    assert_eq!(
        only(&import, "ERROR: no such place").place,
        at("/feedbackElements/0")
    );
}
