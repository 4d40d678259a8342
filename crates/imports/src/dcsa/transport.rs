//! Transport events: a vessel or a train arrives or departs.

use super::track_trace::{Parts, carriage};
use super::vessel::{Facility, particulars};
use crate::node::Skipped;
use crate::outcome::{Desk, Fate};
use domain::codes::{OperationsEventType, TransportMode};
use events::v1;

pub(super) fn read(mut parts: Parts<'_>, desk: &mut Desk<'_>) -> Result<(), Skipped> {
    let keys = ["transportEventType", "transportEventTypeCode"];
    let event_type = parts.class.code(desk, &keys, OperationsEventType::parse)?;
    let is_arrival = match event_type {
        OperationsEventType::Arri => true,
        OperationsEventType::Depa => false,
        _ => return Err(parts.class.skip(desk, "a transport event is ARRI or DEPA")),
    };
    let (mode, reference) = carriage(&parts, desk);
    if reference.is_empty() {
        return Err(parts.event.skip(
            desk,
            "transportCall has no id: what arrives or departs is unknown",
        ));
    }
    match mode {
        Some(TransportMode::Rail) => {
            parts.envelope.train_id = reference;
            train(parts, is_arrival, desk);
        }
        Some(TransportMode::Vessel | TransportMode::Barge) => {
            parts.envelope.port_call_id = reference;
            vessel(parts, is_arrival, mode, desk);
        }
        Some(TransportMode::Truck) => {
            return Err(parts.event.skip(
                desk,
                "arrivals of lorries have no place: the gate tells of them",
            ));
        }
        None => {
            return Err(parts
                .event
                .skip(desk, "modeOfTransport is missing or unknown"));
        }
    }
    Ok(())
}

fn vessel(parts: Parts<'_>, is_arrival: bool, mode: Option<TransportMode>, desk: &mut Desk<'_>) {
    let Some(call) = &parts.call else { return };
    let craft = call.any(&["vessel", "vesselTransport"]);
    let in_call = Facility::of(call, desk);
    let facility = match &parts.location {
        Some(location) if in_call.code.is_empty() => Facility::of(location, desk),
        _ => in_call,
    };
    let delay = parts
        .event
        .get("delayReasonCode")
        .and_then(|node| node.text());
    let carrier = craft
        .as_ref()
        .map(|craft| craft.text_of("vesselOperatorCarrierCode"));
    let body = v1::PortCallTimestamp {
        service: v1::PortCallService::Berth.into(),
        event_type: match is_arrival {
            true => v1::OperationsEventType::Arri.into(),
            false => v1::OperationsEventType::Depa.into(),
        },
        phase: match is_arrival {
            true => v1::PortCallPhase::Inbd.into(),
            false => v1::PortCallPhase::Outb.into(),
        },
        facility_type: facility.facility_type.into(),
        facility_code: facility.code,
        code_list_provider: facility.provider.into(),
        delay_reason_codes: delay.into_iter().collect(),
        vessel: craft.map(|craft| particulars(&craft, mode, desk)),
        carrier: carrier.unwrap_or_default(),
        ..Default::default()
    };
    desk.event(v1::VesselEvent {
        envelope: Some(parts.envelope),
        body: Some(v1::vessel_event::Body::PortCallTimestamp(body)),
    });
}

fn train(parts: Parts<'_>, is_arrival: bool, desk: &mut Desk<'_>) {
    if parts.envelope.un_location_code.is_empty() {
        parts
            .event
            .problem(desk, Fate::Kept, "the train's place is unknown");
    }
    let body = v1::TrainRunning {
        location_status: match is_arrival {
            true => v1::TrainLocationStatus::Arrival.into(),
            false => v1::TrainLocationStatus::Departure.into(),
        },
        ..Default::default()
    };
    desk.event(v1::RailEvent {
        envelope: Some(parts.envelope),
        body: Some(v1::rail_event::Body::TrainRunning(body)),
    });
}
