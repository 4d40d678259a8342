use super::*;
use crate::{Format, ImportError};

#[test]
fn unknown_files_say_what_they_look_like() {
    let seen = |text: &str| import(None, text.as_bytes()).unwrap_err().to_string();
    assert!(seen("").contains("it is empty"));
    assert!(seen("<portCalls/>").contains("looks like XML"));
    assert!(seen("UNA:+.? 'UNB+").contains("looks like EDIFACT"));
    assert!(seen("{\"a\": 1}").contains("JSON without the fields"));
    assert!(seen("{\"a\": ").contains("does not parse"));
    assert!(seen("a,b,c").contains("digitraffic, dma-ais, dcsa-track-trace, dcsa-port-call"));
}

#[test]
fn a_format_asked_for_is_held_to() {
    let error = import(Some(Format::Digitraffic), b"[]").unwrap_err();
    assert!(matches!(
        error,
        ImportError::NotOfFormat {
            format: Format::Digitraffic,
            ..
        }
    ));
    let error = import(Some(Format::DcsaPortCall), b"[1, ")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the file is not dcsa-port-call: EOF"),
        "{error}"
    );
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
}

/// Cut, doubled and scrambled files: every outcome is an event or a problem, and nothing panics.
#[test]
fn damaged_files_never_panic() {
    let samples = [
        r#"{"portCalls": [{"portCallId": 77, "portToVisit": "FIRAU", "imoLloyds": 9307384, "portAreaDetails":
            [{"eta": "2019-10-22T04:00:00.000+0000", "etaTimestamp": "2019-10-11T06:50:10.000+0000"}]}]}"#,
        r##"[{"eventID": "e1", "eventType": "EQUIPMENT", "eventClassifierCode": "ACT", "seals": [1, {}, null],
            "eventCreatedDateTime": "2021-01-09T14:12:56Z", "eventDateTime": "2021-01-09T14:12:56+01:00",
            "equipmentEventTypeCode": "GTIN", "equipmentReference": "CSQU3054383", "ISOEquipmentCode": "45R1"}]"##,
        "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,SOG\n05/09/2026 00:00:00,Class A,211234560,51.4,6.7,\"9.9\"\n",
    ];
    let mut seed = 7_u64;
    let mut next = |bound: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    for sample in samples {
        for _ in 0..2_000 {
            let mut bytes = sample.as_bytes().to_vec();
            for _ in 0..1 + next(3) {
                let place = next(bytes.len());
                match next(3) {
                    0 => bytes.truncate(place.max(1)),
                    1 => bytes[place] = next(256) as u8,
                    _ => bytes.insert(place, bytes[place]),
                }
            }
            for format in [
                None,
                Some(Format::DmaAis),
                Some(Format::DcsaPortCall),
                Some(Format::DcsaTrackTrace),
            ] {
                if let Ok(import) = import(format, &bytes) {
                    let sound = |event: &Event| {
                        let envelope = envelope(event);
                        !envelope.event_id.is_empty()
                            && envelope.event_time_us > 0
                            && envelope.record_time_us > 0
                    };
                    assert!(import.events.iter().all(sound));
                }
            }
        }
    }
}

#[test]
fn rows_are_given_as_they_are_read() {
    let text = "# Timestamp,Type of mobile,MMSI,Latitude,Longitude\n05/09/2026 00:00:00,Class A,211234560,51.4,6.7\n";
    let mut seen = Vec::new();
    let format = crate::read(None, text.as_bytes(), &mut |outcome| {
        seen.push(matches!(outcome, Outcome::Event(_)));
    });
    assert_eq!(format.unwrap(), Format::DmaAis);
    assert_eq!(seen, [true]);
}
