use super::*;

const CALL: &str = r#"{"portCalls": [{"portCallId": 77, "portToVisit": "FIRAU", "vesselName": "Trica",
    "imoLloyds": 9307384, "mmsi": 244912000, "portCallTimestamp": "2019-10-23T07:30:41.000+0000",
    "agentInfo": [{"name": "An Agent"}],
    "portAreaDetails": [{"berthCode": "BF3", "arrivalDraught": 6.5, "departureDraught": 0.0,
      "eta": "2019-10-22T04:00:00.000+0000", "etaTimestamp": "2019-10-11T06:50:10.000+0000",
      "etd": null, "ata": "2019-10-22T03:55:00.000+0000", "ataTimestamp": "2019-10-22T06:15:17.000+0000",
      "atd": "2019-10-22T21:30:00.000+0000"}]}]}"#;

#[test]
fn a_call_gives_its_timestamps() {
    let import = imported(CALL);
    assert_eq!(import.problems, []);
    let ids: Vec<&str> = import
        .events
        .iter()
        .map(|event| envelope(event).event_id.as_str())
        .collect();
    assert_eq!(ids, ["77-1-eta-1570776610", "77-1-ata", "77-1-atd"]);
    let eta = &import.events[0];
    assert_eq!(envelope(eta).classifier, i32::from(v1::Classifier::Est));
    assert_eq!(envelope(eta).event_time_us, 1_571_716_800_000_000);
    assert_eq!(envelope(eta).record_time_us, 1_570_776_610_000_000);
    assert_eq!(envelope(eta).un_location_code, "FIRAU");
    assert_eq!(envelope(eta).port_call_id, "77");
    let body = timestamp(eta);
    assert_eq!(
        (body.facility_code.as_str(), body.carrier.as_str()),
        ("BF3", "An Agent")
    );
    let vessel = body.vessel.as_ref().unwrap();
    assert_eq!(
        (vessel.imo.as_str(), vessel.mmsi.as_str(), vessel.draught_cm),
        ("9307384", "244912000", Some(650))
    );
    let atd = &import.events[2];
    assert_eq!(
        timestamp(atd).event_type,
        i32::from(v1::OperationsEventType::Depa)
    );
    assert_eq!(timestamp(atd).vessel.as_ref().unwrap().draught_cm, None);
    // Without a time of its own it has the call's.
    assert_eq!(envelope(atd).record_time_us, 1_571_815_841_000_000);
}

#[test]
fn faults_are_listed_and_the_rest_is_read() {
    let import = imported(
        &CALL
            .replace("\"2019-10-22T03:55:00.000+0000\"", "\"yesterday\"")
            .replace("9307384", "9307385"),
    );
    assert_eq!(import.events.len(), 2);
    let problem = only(&import, "no instant");
    assert_eq!(problem.place, at("/portCalls/0/portAreaDetails/0/ata"));
    assert_eq!(
        (problem.fate, problem.excerpt.as_str()),
        (Fate::Skipped, "\"yesterday\"")
    );
    let wrong = only(&import, "expected 4");
    assert_eq!(
        (wrong.place.clone(), wrong.fate),
        (at("/portCalls/0/imoLloyds"), Fate::Kept)
    );

    let import = imported(
        r#"{"portCalls": [{"portToVisit": "FIRAU"}, {"portCallId": 1}, 5,
        {"portCallId": 2, "portAreaDetails": [{"berthCode": "X"}]}]}"#,
    );
    assert_eq!(import.events, []);
    let reasons: Vec<String> = import.problems.iter().map(ToString::to_string).collect();
    assert_eq!(reasons.len(), 4, "{reasons:#?}");
    assert!(
        reasons[3].starts_with("/portCalls/3/portAreaDetails/0: skipped: none of eta"),
        "{}",
        reasons[3]
    );
}
