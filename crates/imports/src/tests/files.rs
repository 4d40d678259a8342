//! The public files beside the checkout, counted and looked up by other means than the importer's own.

use super::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of public samples, beside some folder above this crate.
fn samples() -> Option<PathBuf> {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir
        .ancestors()
        .skip(1)
        .map(|dir| dir.join("../shared/data"))
        .find(|dir| dir.is_dir())
}

/// Reads a sample; without it the test says that it skips.
#[allow(clippy::print_stderr)]
fn sample(name: &str) -> Option<String> {
    let path = samples().map(|dir| dir.join(name));
    let text = path.and_then(|path| std::fs::read_to_string(path).ok());
    if text.is_none() {
        eprintln!("skipped: {name} is not here");
    }
    text
}

#[test]
fn finnish_port_calls() {
    let Some(text) = sample("portcalls/digitraffic_portcalls_FIRAU_2019-10-23.json") else {
        return;
    };
    let import = imported(&text);
    // Counted in the text itself: members that have a time.
    let count = |key: &str| text.matches(&format!("\"{key}\": \"2")).count();
    let of = |classifier: v1::Classifier, event_type: v1::OperationsEventType| {
        let fits = |event: &&Event| {
            envelope(event).classifier == i32::from(classifier)
                && timestamp(event).event_type == i32::from(event_type)
        };
        import.events.iter().filter(fits).count()
    };
    use v1::{Classifier::*, OperationsEventType::*};
    assert_eq!(of(Est, Arri), count("eta"));
    assert_eq!(of(Est, Depa), count("etd"));
    assert_eq!(of(Act, Arri), count("ata"));
    assert_eq!(of(Act, Depa), count("atd"));
    assert_eq!(count("eta"), 15);
    assert!(
        import.events.len() > 40
            && import.events.len() == count("eta") + count("etd") + count("ata") + count("atd")
    );
    // Every line of the document that holds such a time is in some event.
    let times: Vec<i64> = import
        .events
        .iter()
        .map(|event| envelope(event).event_time_us)
        .collect();
    for line in text.lines().filter(|line| line.contains("\"ata\": \"2")) {
        let at = line.split('"').nth(3).unwrap();
        let expected =
            chrono::NaiveDateTime::parse_from_str(&at[..19], "%Y-%m-%dT%H:%M:%S").unwrap();
        assert!(
            times.contains(&expected.and_utc().timestamp_micros()),
            "{at}"
        );
    }
    let trica = import
        .events
        .iter()
        .find(|event| envelope(event).event_id == "2468263-1-atd")
        .unwrap();
    assert_eq!(envelope(trica).event_time_us, 1_571_779_800_000_000);
    assert_eq!(timestamp(trica).facility_code, "BF3");
    assert_eq!(timestamp(trica).vessel.as_ref().unwrap().imo, "9307384");
    assert!(
        import
            .problems
            .iter()
            .all(|problem| problem.fate == Fate::Kept),
        "{:#?}",
        import.problems
    );
}

fn check_ais(text: &str, events: usize, skipped: usize) -> Import {
    let import = imported(text);
    let rows: Vec<&str> = text
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .collect();
    let vessels: Vec<&&str> = rows
        .iter()
        .filter(|row| row.contains(",Class A,") || row.contains(",Class B,"))
        .collect();
    assert_eq!(
        (import.events.len(), import.events.len()),
        (vessels.len(), events)
    );
    let listed = import
        .problems
        .iter()
        .filter(|problem| problem.fate == Fate::Skipped);
    assert_eq!(
        (rows.len() - vessels.len(), listed.count()),
        (skipped, skipped)
    );
    for (row, event) in vessels.iter().zip(&import.events) {
        let cells: Vec<&str> = row.split(',').collect();
        let position = position(event);
        assert_eq!(position.mmsi, cells[2], "{row}");
        let degrees = |e7: Option<i32>| e7.map(|e7| f64::from(e7) / 1e7);
        let (latitude, longitude): (f64, f64) =
            (cells[3].parse().unwrap(), cells[4].parse().unwrap());
        if latitude > 90.0 {
            assert_eq!(
                (position.latitude_e7, position.longitude_e7),
                (None, None),
                "{row}"
            );
            continue;
        }
        assert!(
            (degrees(position.latitude_e7).unwrap() - latitude).abs() < 1e-7,
            "{row}"
        );
        assert!(
            (degrees(position.longitude_e7).unwrap() - longitude).abs() < 1e-7,
            "{row}"
        );
        let knots = position
            .speed_over_ground_dkn
            .map(|dkn| f64::from(dkn) / 10.0);
        assert_eq!(knots, cells[7].parse().ok(), "{row}");
    }
    import
}

#[test]
fn danish_ais_with_22_columns() {
    let Some(text) = sample("ais/dma_aisdk_2018-06-01_head.csv") else {
        return;
    };
    let import = check_ais(&text, 126, 12);
    let astina = import
        .events
        .iter()
        .find(|event| position(event).name == "ASTINA")
        .unwrap();
    let astina = position(astina);
    assert_eq!(
        (astina.draught_cm, astina.length_cm, astina.beam_cm),
        (Some(590), Some(13_000), Some(2_000))
    );
    assert_eq!(astina.arrival_estimated_at_us, Some(1_559_275_200_000_000));
}

#[test]
fn danish_ais_with_26_columns_and_its_duplicates() {
    let Some(text) = sample("ais/dma_aisdk_2026-09-05_edge_cases.csv") else {
        return;
    };
    let import = check_ais(&text, 12, 3);
    let ids: Vec<&str> = import
        .events
        .iter()
        .map(|event| envelope(event).event_id.as_str())
        .collect();
    let distinct: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len() - distinct.len(), 2, "one report three times");
    let yara = import
        .events
        .iter()
        .find(|event| position(event).imo == "9734848")
        .unwrap();
    assert_eq!(position(yara).destination, "SESTE>DEBRB");
}

#[test]
fn track_and_trace_2() {
    let Some(text) = sample("dcsa/tnt-220-response.json") else {
        return;
    };
    let import = imported(&text);
    let count = |kind: &str| text.matches(&format!("\"eventType\": \"{kind}\"")).count();
    assert_eq!(import.events.len(), count("TRANSPORT") + count("EQUIPMENT"));
    let skipped = import
        .problems
        .iter()
        .filter(|problem| problem.reason.starts_with("SHIPMENT events"));
    assert_eq!(skipped.count(), count("SHIPMENT"));
    let load = import
        .events
        .iter()
        .find(|event| envelope(event).event_id.ends_with("31651e7"))
        .unwrap();
    assert_eq!(
        equipment(load).event_type,
        i32::from(v1::EquipmentEventType::Load)
    );
    assert_eq!(equipment(load).container_id, "APZU4812090");
    assert_eq!(envelope(load).classifier, i32::from(v1::Classifier::Est));
    // 2019-11-12T07:41:00+08:30
    assert_eq!(envelope(load).event_time_us, 1_573_513_860_000_000);
    assert_eq!(envelope(load).un_location_code, "FRPAR");
}

#[test]
fn track_and_trace_3() {
    let Some(text) = sample("dcsa/tnt-300-response.json") else {
        return;
    };
    let import = imported(&text);
    let document: Value = serde_json::from_str(&text).unwrap();
    let events = document["events"].as_array().unwrap();
    let kinds = |kind: &str| {
        events
            .iter()
            .filter(|e| e["eventClassification"]["eventTypeCode"] == kind)
            .count()
    };
    assert_eq!(
        import.events.len(),
        kinds("TRANSPORT") + kinds("EQUIPMENT") + kinds("REEFER")
    );
    let gate = import
        .events
        .iter()
        .find(|event| envelope(event).event_id == "evt-resp-equip-001")
        .unwrap();
    assert_eq!(
        equipment(gate).event_type,
        i32::from(v1::EquipmentEventType::Gtin)
    );
    assert_eq!(
        equipment(gate).facility_type,
        i32::from(v1::FacilityType::Depo)
    );
    assert_eq!(
        only(&import, "expected 9").place,
        at("/events/1/transportDetails/transportCall/vesselTransport/vesselIMONumber")
    );
    for name in ["equipment", "transport", "reefer", "iot", "shipment"] {
        let Some(text) = sample(&format!("dcsa/tnt-300-request-{name}.json")) else {
            return;
        };
        let import = imported(&text);
        let is_used = !matches!(name, "iot" | "shipment");
        assert_eq!(
            import.events.len(),
            usize::from(is_used),
            "{name}: {:#?}",
            import.problems
        );
        assert!(is_used || import.problems.len() == 1);
    }
}

#[test]
fn deliberately_wrong_documents_give_problems_not_events() {
    for (name, events, problems) in [
        ("tnt-220-response-wrong-attribute-values.json", 1, 3),
        ("tnt-220-response-wrong-date-times.json", 0, 7),
        ("tnt-220-response-wrong-event-ids.json", 0, 7),
        ("tnt-220-response-wrong-structure.json", 0, 2),
    ] {
        let Some(text) = sample(&format!("dcsa/{name}")) else {
            return;
        };
        let import = imported(&text);
        assert_eq!(
            (import.events.len(), import.problems.len()),
            (events, problems),
            "{name}: {:#?}",
            import.problems
        );
    }
}

#[test]
fn port_call_2() {
    let Some(text) = sample("dcsa/portcall-api-200-get-response.json") else {
        return;
    };
    let import = imported(&text);
    assert_eq!(
        import.events.len(),
        2,
        "a timestamp and a forecast of moves"
    );
    let stamp = timestamp(&import.events[0]);
    assert_eq!(stamp.service, i32::from(v1::PortCallService::Berth));
    assert_eq!(stamp.event_type, i32::from(v1::OperationsEventType::Strt));
    assert_eq!(stamp.delay_reason_codes, ["STR"]);
    let vessel = stamp.vessel.as_ref().unwrap();
    assert_eq!(
        (vessel.length_cm, vessel.beam_cm),
        (Some(24_545), Some(3_733))
    );
    assert_eq!(
        (vessel.draught_cm, vessel.air_draught_cm),
        (Some(1_250), Some(5_500))
    );
    assert_eq!(
        envelope(&import.events[0]).event_time_us,
        1_737_595_425_000_000
    );
    let Event::Vessel(moves) = &import.events[1] else {
        panic!("of the vessel stream")
    };
    let Some(v1::vessel_event::Body::MovesForecast(moves)) = &moves.body else {
        panic!("moves")
    };
    assert_eq!(
        (moves.load_20, moves.discharge_45, moves.restow, moves.empty),
        (123, 123, 123, 246)
    );
    assert!(
        only(&import, "feedback of the publisher")
            .excerpt
            .contains("$.events[2].location")
    );
    let Some(request) = sample("dcsa/portcall-api-200-post-request.json") else {
        return;
    };
    assert_eq!(imported(&request).events, import.events);
}
