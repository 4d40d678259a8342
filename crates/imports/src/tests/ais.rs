use super::*;

const HEAD: &str = "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,ROT,SOG,COG,Heading,IMO,\
                    Callsign,Name,Ship type,Cargo type,Width,Length,Type of position fixing device,Draught,Destination,\
                    ETA,Data source type";

fn file(rows: &[&str]) -> String {
    format!("{HEAD}\n{}\n", rows.join("\n"))
}

const WHOLE: &str = "05/09/2026 00:00:02,Class A,211234560,51.447125,6.72401,Under way using engine,0.0,9.9,239.3,242,\
                     9321483,LAXS7,LORELEI,Tanker,,26,160,GPS,6.9,\"DUISBURG, DE\",05/09/2026 18:00:00,AIS";

#[test]
fn a_whole_row_gives_a_whole_position() {
    let import = imported(&file(&[WHOLE]));
    assert_eq!(import.problems, []);
    let [event] = &import.events[..] else {
        panic!("one event")
    };
    let expected = v1::VesselPosition {
        mmsi: "211234560".to_owned(),
        imo: "9321483".to_owned(),
        latitude_e7: Some(514_471_250),
        longitude_e7: Some(67_240_100),
        speed_over_ground_dkn: Some(99),
        course_over_ground_ddeg: Some(2_393),
        heading_deg: Some(242),
        navigational_status: Some(0),
        draught_cm: Some(690),
        destination: "DUISBURG, DE".to_owned(),
        arrival_estimated_at_us: Some(1_788_631_200_000_000),
        name: "LORELEI".to_owned(),
        ship_type: "Tanker".to_owned(),
        length_cm: Some(16_000),
        beam_cm: Some(2_600),
    };
    assert_eq!(position(event), &expected);
    assert_eq!(envelope(event).event_time_us, 1_788_566_402_000_000);
    assert_eq!(envelope(event).source, "dma-ais");
}

#[test]
fn copies_have_one_id_and_different_rows_have_two() {
    let other = WHOLE.replace("9.9", "9.8");
    let import = imported(&file(&[WHOLE, WHOLE, &other]));
    let ids: Vec<&str> = import
        .events
        .iter()
        .map(|event| envelope(event).event_id.as_str())
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn not_available_is_absent_and_no_problem() {
    let row = "05/09/2026 00:00:00,Class B,211234560,91.000000,0.000000,Unknown value,,102.3,360.0,511,Unknown,,,\
               Undefined,,,,Undefined,,Unknown,,AIS";
    let import = imported(&file(&[row]));
    assert_eq!(import.problems, []);
    let expected = v1::VesselPosition {
        mmsi: "211234560".to_owned(),
        ..Default::default()
    };
    assert_eq!(position(&import.events[0]), &expected);
}

#[test]
fn what_is_wrong_is_listed_with_its_line() {
    let import = imported(&file(&[
        WHOLE,
        "05/09/2026 00:00:00,Base Station,2190064,56.7,11.5,,,,,,,,,,,,,,,,,AIS",
        "2026-09-05 00:00:00,Class A,211234560,56.7,11.5,,,,,,,,,,,,,,,,,AIS",
        "05/09/2026 00:00:00,Class A,harbour,56.7,11.5,,,,,,,,,,,,,,,,,AIS",
        "05/09/2026 00:00:00,Class A,211234560,56.7",
        "05/09/2026 00:00:00,Class A,211234560,95.7,11.5,Drifting,,fast,,,7654321,,,,,,,,,,soon,AIS",
    ]));
    assert_eq!(import.events.len(), 2);
    let line = |reason| only(&import, reason).place.clone();
    assert_eq!(line("no vessel"), Place::Line(3));
    assert_eq!(line("Timestamp is no instant"), Place::Line(4));
    assert_eq!(line("not of nine digits"), Place::Line(5));
    assert_eq!(line("4 columns, the header 22"), Place::Line(6));
    for kept in [
        "not on the globe",
        "\"Drifting\" is unknown",
        "SOG \"fast\"",
        "expected 9",
        "ETA \"soon\"",
    ] {
        let problem = only(&import, kept);
        assert_eq!(
            (problem.place.clone(), problem.fate),
            (Place::Line(7), Fate::Kept),
            "{kept}"
        );
    }
    let doubtful = position(&import.events[1]);
    assert_eq!(
        (doubtful.latitude_e7, doubtful.imo.as_str()),
        (None, "7654321")
    );
    let text = only(&import, "no vessel").to_string();
    assert!(
        text.starts_with("line 3: skipped: \"Base Station\" is no vessel in 05/09/2026"),
        "{text}"
    );
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let text = "# Timestamp,Type of mobile,Longitude,Latitude,MMSI\n05/09/2026 00:00:00,Class A,6.7,51.4,211234560\n";
    let import = imported(text);
    assert_eq!(position(&import.events[0]).latitude_e7, Some(514_000_000));
    let error = import_error("# Timestamp,Type of mobile,Longitude,MMSI\n");
    assert!(error.contains("\"Latitude\" is missing"), "{error}");
}

fn import_error(text: &str) -> String {
    import(None, text.as_bytes()).unwrap_err().to_string()
}
