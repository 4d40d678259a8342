//! Records like a port's, the same every time.
use events::v1::{self, Classifier, Envelope, container_event, vessel_event};
use events::{Event, Stream};

/// Rows of one batch.
pub const ROWS: usize = 8192;

/// A set of records of one stream, with the tables that they belong to.
pub struct Sample {
    pub name: &'static str,
    pub stream: Stream,
    pub values: Vec<Vec<u8>>,
    pub tables: &'static [&'static str],
}

pub fn samples() -> [Sample; 3] {
    let of = |name, stream, tables, event: fn(u64) -> Event| Sample {
        name,
        stream,
        tables,
        values: (0..ROWS as u64)
            .map(|row| event(row).encode_to_vec())
            .collect(),
    };
    [
        of("move_event", Stream::Container, &["move_event"], |row| {
            container(row, move_event(row))
        }),
        of(
            "port_call_timestamp",
            Stream::Vessel,
            &["port_call_timestamp"],
            port_call_timestamp,
        ),
        of(
            "container_mix",
            Stream::Container,
            &["equipment_event", "move_event", "gate_event"],
            |row| {
                container(
                    row,
                    match scatter(row) % 10 {
                        0..=4 => move_event(row),
                        5..=7 => equipment_event(row),
                        _ => gate_event(row),
                    },
                )
            },
        ),
    ]
}

/// A third of a table's columns: those that a windowed query needs.
pub fn third(table: &str) -> &'static [&'static str] {
    match table {
        // 8 of 25.
        "move_event" => &[
            "event_time",
            "terminal_id",
            "port_call_id",
            "row_time",
            "equipment_id",
            "event_type",
            "is_productive",
            "teu_quarters",
        ],
        // 13 of 41.
        "port_call_timestamp" => &[
            "event_time",
            "record_time",
            "classifier",
            "terminal_id",
            "port_call_id",
            "row_time",
            "service",
            "event_type",
            "facility_code",
            "vessel_kind",
            "vessel_length_cm",
            "quay_from_dm",
            "quay_to_dm",
        ],
        // 10 of 32.
        "equipment_event" => &[
            "event_time",
            "classifier",
            "terminal_id",
            "row_time",
            "container_id",
            "event_type",
            "mode",
            "vgm_kg",
            "yard_block",
            "yard_delta_teu_quarters",
        ],
        // 8 of 25.
        _ => &[
            "event_time",
            "terminal_id",
            "row_time",
            "gate",
            "direction",
            "entered_at",
            "appointment_id",
            "appointment_from_at",
        ],
    }
}

fn scatter(row: u64) -> u64 {
    row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

fn container_id(row: u64) -> String {
    format!("CSQU{:07}", scatter(row) % 10_000_000)
}

fn envelope(row: u64, classifier: Classifier) -> Envelope {
    let event_time_us = 1_777_617_000_000_000 + row as i64 * 37_000_003;
    Envelope {
        event_id: format!(
            "{:08x}-{:04x}-4{:03x}",
            scatter(row),
            row % 65_536,
            row % 4_096
        ),
        source: "tos-dit".into(),
        source_seq: 4_000_000 + row,
        event_time_us,
        record_time_us: event_time_us + 1_250_000,
        classifier: classifier.into(),
        terminal_id: ["DIT", "DeCeTe", "RRT", "Gateway"][row as usize % 4].into(),
        un_location_code: "DEDUI".into(),
        port_call_id: format!("DEDUI-2026-{:05}", scatter(row) % 300),
        ..Envelope::default()
    }
}

fn container(row: u64, body: container_event::Body) -> Event {
    v1::ContainerEvent {
        envelope: Some(envelope(row, Classifier::Act)),
        body: Some(body),
    }
    .into()
}

fn move_event(row: u64) -> container_event::Body {
    let started_at_us = 1_777_617_000_000_000 + row as i64 * 37_000_000;
    container_event::Body::MoveEvent(v1::MoveEvent {
        container_id: container_id(row),
        equipment_id: format!("STS-{:02}", scatter(row) % 12),
        from_position: format!("{:02}-{:02}-{:02}", row % 40, row % 12, 82 + row % 8),
        to_position: format!("B{}-{:02}-{:02}-{}", row % 9, row % 60, row % 10, row % 5),
        started_at_us,
        ended_at_us: started_at_us + 95_000_000,
        event_type: if row % 2 == 0 { 1 } else { 2 },
        is_productive: row % 11 != 0,
        teu_quarters: if row % 3 == 0 { 4 } else { 8 },
    })
}

fn equipment_event(row: u64) -> container_event::Body {
    container_event::Body::EquipmentEvent(v1::EquipmentEvent {
        container_id: container_id(row),
        iso_code: ["22G1", "45R1", "45G1"][row as usize % 3].into(),
        event_type: 1 + (scatter(row) % 4) as i32,
        empty_indicator: 1 + (row % 2) as i32,
        mode: 1 + (row % 4) as i32,
        facility_type: 4,
        facility_code: "DIT".into(),
        code_list_provider: 6,
        transport_call_id: format!("TC{:06}", scatter(row) % 100_000),
        vgm_kg: (row % 2 == 0).then_some(12_000 + (row % 18_000) as u32),
        seals: if row % 2 == 0 {
            vec![format!("S{:08}", row)]
        } else {
            Vec::new()
        },
        yard_block: format!("B{}", row % 9),
        teu_quarters: 8,
        yard_delta_teu_quarters: if row % 2 == 0 { 8 } else { -8 },
        ..Default::default()
    })
}

fn gate_event(row: u64) -> container_event::Body {
    let entered_at_us = 1_777_617_000_000_000 + row as i64 * 37_000_000;
    container_event::Body::GateEvent(v1::GateEvent {
        truck_id: format!("DU-QS {:04}", scatter(row) % 10_000),
        gate: format!("G{}", row % 4),
        direction: 1 + (row % 2) as i32,
        entered_at_us: (row % 2 == 1).then_some(entered_at_us),
        appointment_id: if row % 3 == 0 {
            String::new()
        } else {
            format!("A{:07}", row)
        },
        appointment_from_at_us: (row % 3 != 0).then_some(entered_at_us),
        appointment_to_at_us: (row % 3 != 0).then_some(entered_at_us + 1_800_000_000),
        haulier: "Spedition Rhein".into(),
        container_id: container_id(row),
    })
}

fn port_call_timestamp(row: u64) -> Event {
    let timestamp = v1::PortCallTimestamp {
        service: 1 + (row % 4) as i32,
        event_type: 1 + (row % 4) as i32,
        phase: 1,
        facility_type: 2,
        facility_code: format!("B{:02}", row % 14),
        code_list_provider: 6,
        delay_reason_codes: if row % 8 == 0 {
            vec!["WEA".into()]
        } else {
            Vec::new()
        },
        vessel: Some(v1::VesselParticulars {
            mmsi: format!("2{:08}", scatter(row) % 100_000_000),
            eni: format!("0{:07}", scatter(row) % 10_000_000),
            name: "Duisburg Express".into(),
            length_cm: Some(13_500),
            beam_cm: Some(1_145),
            draught_cm: Some(270 + (row % 90) as u32),
            kind: 2,
            ..Default::default()
        }),
        quay_from_dm: Some(1_200 + (row % 900) as u32),
        quay_to_dm: Some(2_550 + (row % 900) as u32),
        carrier: "CONTARGO".into(),
        handling_planned_min: Some(240),
        departure_latest_at_us: Some(1_777_617_000_000_000 + row as i64 * 40_000_000),
        rotation_seq: (row % 5) as u32,
        rotation_id: format!("ROT-{:06}", scatter(row) % 100_000),
        priority: Some(1),
    };
    let body = Some(vessel_event::Body::PortCallTimestamp(timestamp));
    v1::VesselEvent {
        envelope: Some(envelope(row, Classifier::Est)),
        body,
    }
    .into()
}
