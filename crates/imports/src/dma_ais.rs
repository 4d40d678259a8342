//! Historical AIS of the Danish Maritime Authority: CSV with 22 columns, since about 2021 with 26.
//!
//! Columns are found by their names. Rows of base stations, buoys and search-and-rescue aircraft are no vessels and are
//! listed as skipped. An exact copy of a row gives the same event id, so that it counts as the duplicate that it is.
//! Values that mean "not available" (latitude 91, longitude 181, course 360, heading 511, speed 102.3) become absent.

use crate::error::ImportError;
use crate::format::Format;
use crate::outcome::{Desk, Fate, Place};
use crate::scan;
use csv::StringRecord;
use domain::ids::{ImoNumber, Mmsi};
use events::v1;
use std::io::Read;

/// Columns that must be there.
const NEEDED: [&str; 5] = [
    "Timestamp",
    "Type of mobile",
    "MMSI",
    "Latitude",
    "Longitude",
];

/// ITU-R M.1371 navigational status in the words of the file.
const STATUSES: [(&str, u32); 12] = [
    ("Under way using engine", 0),
    ("At anchor", 1),
    ("Not under command", 2),
    ("Restricted maneuverability", 3),
    ("Constrained by her draught", 4),
    ("Moored", 5),
    ("Aground", 6),
    ("Engaged in fishing", 7),
    ("Under way sailing", 8),
    ("Reserved for future amendment [HSC]", 9),
    ("Reserved for future amendment [WIG]", 10),
    ("AIS-SART (active); MOB-AIS; EPIRB-AIS", 14),
];

/// Where each column is.
struct Columns(Vec<String>);

impl Columns {
    fn text<'r>(&self, row: &'r StringRecord, name: &str) -> &'r str {
        let place = self.0.iter().position(|column| column == name);
        place.and_then(|place| row.get(place)).unwrap_or("").trim()
    }
}

/// One row with where it stands, for its problems.
struct Row<'r> {
    columns: &'r Columns,
    row: &'r StringRecord,
    line: u64,
    text: String,
}

impl Row<'_> {
    fn get(&self, name: &str) -> &str {
        self.columns.text(self.row, name)
    }

    fn problem(&self, desk: &mut Desk<'_>, fate: Fate, reason: String) {
        desk.problem(Place::Line(self.line), fate, reason, &self.text);
    }

    /// A decimal that may be absent; text that is no number is a problem.
    fn decimal(&self, desk: &mut Desk<'_>, name: &str, places: u32) -> Option<i64> {
        let text = self.get(name);
        if text.is_empty() {
            return None;
        }
        let value = scan::scaled(text, places);
        if value.is_none() {
            self.problem(desk, Fate::Kept, format!("{name} {text:?} is no number"));
        }
        value
    }

    /// The same, not below zero and below the value that means "not available".
    fn amount(
        &self,
        desk: &mut Desk<'_>,
        name: &str,
        places: u32,
        unavailable: i64,
    ) -> Option<u32> {
        let value = self
            .decimal(desk, name, places)
            .filter(|value| (0..unavailable).contains(value));
        value.and_then(|value| u32::try_from(value).ok())
    }

    /// A text that may be absent or "Unknown" or "Undefined".
    fn words(&self, name: &str) -> String {
        match self.get(name) {
            "Unknown" | "Undefined" => String::new(),
            text => text.to_owned(),
        }
    }
}

pub(crate) fn read(file: impl Read, desk: &mut Desk<'_>) -> Result<(), ImportError> {
    let mut rows = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(file);
    let mut row = StringRecord::new();
    let not_of_format = |reason: String| ImportError::NotOfFormat {
        format: Format::DmaAis,
        reason,
    };
    if !rows
        .read_record(&mut row)
        .map_err(|fault| not_of_format(fault.to_string()))?
    {
        return Err(not_of_format("it is empty".to_owned()));
    }
    let bare = |name: &str| name.trim_start_matches(['\u{feff}', '#']).trim().to_owned();
    let columns = Columns(row.iter().map(bare).collect());
    if let Some(missing) = NEEDED
        .iter()
        .find(|name| !columns.0.iter().any(|column| column == *name))
    {
        return Err(not_of_format(format!(
            "the column {missing:?} is missing from the first line"
        )));
    }
    loop {
        let line = rows.position().line();
        match rows.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = row.position().map_or(line, |position| position.line());
                let text = row.iter().collect::<Vec<_>>().join(",");
                let columns = &columns;
                read_row(
                    &Row {
                        columns,
                        row: &row,
                        line,
                        text,
                    },
                    desk,
                );
            }
            Err(fault) if fault.is_io_error() => return Err(std::io::Error::other(fault).into()),
            Err(fault) => desk.problem(Place::Line(line), Fate::Skipped, fault.to_string(), ""),
        }
    }
}

fn read_row(row: &Row<'_>, desk: &mut Desk<'_>) {
    if row.row.len() != row.columns.0.len() {
        let (has, needs) = (row.row.len(), row.columns.0.len());
        return row.problem(
            desk,
            Fate::Skipped,
            format!("the row has {has} columns, the header {needs}"),
        );
    }
    let mobile = row.get("Type of mobile");
    if !matches!(mobile, "Class A" | "Class B") {
        return row.problem(desk, Fate::Skipped, format!("{mobile:?} is no vessel"));
    }
    let Some(event_time_us) = scan::danish_instant_us(row.get("Timestamp")) else {
        let reason =
            "Timestamp is no instant: expected such as 05/09/2026 23:59:59 (day first, UTC)";
        return row.problem(desk, Fate::Skipped, reason.to_owned());
    };
    let number = row.get("MMSI");
    let Some(mmsi) = number.parse().ok().and_then(Mmsi::from_number) else {
        return row.problem(
            desk,
            Fate::Skipped,
            format!("MMSI {number:?} is not of nine digits"),
        );
    };
    let position = position(row, mmsi, desk);
    desk.event(v1::VesselEvent {
        envelope: Some(v1::Envelope {
            event_id: format!(
                "{mmsi}-{}-{:016x}",
                event_time_us / 1_000_000,
                scan::fingerprint(&row.text)
            ),
            source: Format::DmaAis.source().to_owned(),
            event_time_us,
            // The files do not say when the report was written down.
            record_time_us: event_time_us,
            classifier: v1::Classifier::Act.into(),
            ..Default::default()
        }),
        body: Some(v1::vessel_event::Body::VesselPosition(position)),
    });
}

fn position(row: &Row<'_>, mmsi: Mmsi, desk: &mut Desk<'_>) -> v1::VesselPosition {
    let (latitude_e7, longitude_e7) = coordinates(row, desk);
    let metres = |desk: &mut Desk<'_>, name| {
        row.amount(desk, name, 2, 100_000)
            .filter(|length_cm| *length_cm > 0)
    };
    v1::VesselPosition {
        mmsi: mmsi.to_string(),
        imo: imo(row, desk),
        latitude_e7,
        longitude_e7,
        speed_over_ground_dkn: row.amount(desk, "SOG", 1, 1_023),
        course_over_ground_ddeg: row.amount(desk, "COG", 1, 3_600),
        heading_deg: row.amount(desk, "Heading", 0, 360),
        navigational_status: status(row, desk),
        draught_cm: row
            .amount(desk, "Draught", 2, 2_560)
            .filter(|draught_cm| *draught_cm > 0),
        destination: row.words("Destination"),
        arrival_estimated_at_us: arrival(row, desk),
        name: row.words("Name"),
        ship_type: row.words("Ship type"),
        length_cm: metres(desk, "Length"),
        beam_cm: metres(desk, "Width"),
    }
}

/// Both or neither: half a position is none.
fn coordinates(row: &Row<'_>, desk: &mut Desk<'_>) -> (Option<i32>, Option<i32>) {
    const UNAVAILABLE_LATITUDE_E7: i64 = 910_000_000;
    const UNAVAILABLE_LONGITUDE_E7: i64 = 1_810_000_000;
    let latitude_e7 = row.decimal(desk, "Latitude", 7);
    let longitude_e7 = row.decimal(desk, "Longitude", 7);
    let (Some(latitude_e7), Some(longitude_e7)) = (latitude_e7, longitude_e7) else {
        return (None, None);
    };
    if latitude_e7 == UNAVAILABLE_LATITUDE_E7 || longitude_e7 == UNAVAILABLE_LONGITUDE_E7 {
        return (None, None);
    }
    if latitude_e7.abs() > 900_000_000 || longitude_e7.abs() > 1_800_000_000 {
        row.problem(
            desk,
            Fate::Kept,
            "the position is not on the globe".to_owned(),
        );
        return (None, None);
    }
    (
        i32::try_from(latitude_e7).ok(),
        i32::try_from(longitude_e7).ok(),
    )
}

fn imo(row: &Row<'_>, desk: &mut Desk<'_>) -> String {
    let text = row.words("IMO");
    if !text.is_empty()
        && let Err(fault) = ImoNumber::parse(&text)
    {
        row.problem(desk, Fate::Kept, fault.to_string());
    }
    text
}

fn status(row: &Row<'_>, desk: &mut Desk<'_>) -> Option<u32> {
    let text = row.get("Navigational status");
    if text.is_empty() || text == "Unknown value" {
        return None;
    }
    let known = STATUSES.iter().find(|(words, _)| *words == text);
    if known.is_none() {
        row.problem(
            desk,
            Fate::Kept,
            format!("navigational status {text:?} is unknown"),
        );
    }
    known.map(|(_, status)| *status)
}

fn arrival(row: &Row<'_>, desk: &mut Desk<'_>) -> Option<i64> {
    let text = row.words("ETA");
    if text.is_empty() {
        return None;
    }
    let at_us = scan::danish_instant_us(&text);
    if at_us.is_none() {
        row.problem(desk, Fate::Kept, format!("ETA {text:?} is no instant"));
    }
    at_us
}
