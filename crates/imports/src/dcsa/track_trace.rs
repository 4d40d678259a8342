//! Track & Trace: events of equipment and transport; reefer events of version 3.

use super::vessel::{Facility, classifier, transport_mode};
use super::{event_id, events_of, reefer, transport};
use crate::error::ImportError;
use crate::format::Format;
use crate::node::{Node, Skipped};
use crate::outcome::{Desk, Fate};
use domain::codes::{Classifier, EmptyIndicator, EquipmentEventType, SizeType, TransportMode};
use events::v1;
use serde_json::Value;

/// An event with the parts that versions 2.2 and 3.0 put in different places.
pub(super) struct Parts<'a> {
    pub(super) event: Node<'a>,
    /// Where the classifier and the event type are.
    pub(super) class: Node<'a>,
    pub(super) location: Option<Node<'a>>,
    pub(super) call: Option<Node<'a>>,
    pub(super) equipment: Node<'a>,
    pub(super) envelope: v1::Envelope,
}

pub(crate) fn read(document: &Value, desk: &mut Desk<'_>) -> Result<(), ImportError> {
    for event in events_of(document, Format::DcsaTrackTrace)? {
        // A skipped one has put its problem on the desk.
        let _ = read_event(event, desk);
    }
    Ok(())
}

fn read_event(event: Node<'_>, desk: &mut Desk<'_>) -> Result<(), Skipped> {
    let class = event
        .get("eventClassification")
        .unwrap_or_else(|| event.clone());
    let Some(kind) = class.any(&["eventType", "eventTypeCode"]) else {
        return Err(event.skip(desk, "eventType is missing: this is no Track & Trace event"));
    };
    let kind_text = kind.string().unwrap_or_default();
    match kind_text.as_str() {
        "EQUIPMENT" | "TRANSPORT" | "REEFER" => {}
        "SHIPMENT" | "IOT" => {
            return Err(event.skip(
                desk,
                format!("{kind_text} events have no place in the port's events"),
            ));
        }
        _ => {
            let reason =
                "eventType is unknown: use one of SHIPMENT, TRANSPORT, EQUIPMENT, IOT, REEFER";
            return Err(kind.skip(desk, reason));
        }
    }
    let parts = parts(event, class, desk)?;
    match kind_text.as_str() {
        "EQUIPMENT" => equipment(parts, desk),
        "TRANSPORT" => transport::read(parts, desk),
        _ => reefer::read(parts, desk),
    }
}

fn parts<'a>(event: Node<'a>, class: Node<'a>, desk: &mut Desk<'_>) -> Result<Parts<'a>, Skipped> {
    let event_id = event_id(&event, desk)?;
    let event_time_us = event.instant(desk, &["eventDateTime"])?;
    let record_time_us = event.instant(desk, &["eventUpdatedDateTime", "eventCreatedDateTime"])?;
    let fact = class.code(
        desk,
        &["eventClassifier", "eventClassifierCode"],
        Classifier::parse,
    )?;
    let details = event.get("transportDetails");
    let call = details
        .as_ref()
        .and_then(|node| node.get("transportCall"))
        .or_else(|| event.get("transportCall"));
    let location = event
        .get("eventLocation")
        .or_else(|| call.as_ref().and_then(|call| call.get("location")))
        .or_else(|| call.clone());
    let un_location_code = match &location {
        Some(location) if location.get("UNLocationCode").is_some() => {
            location.place(desk, "UNLocationCode")
        }
        _ => call
            .as_ref()
            .map(|call| call.place(desk, "UNLocationCode"))
            .unwrap_or_default(),
    };
    let envelope = v1::Envelope {
        event_id,
        source: Format::DcsaTrackTrace.source().to_owned(),
        event_time_us,
        record_time_us,
        classifier: classifier(fact).into(),
        un_location_code,
        is_retracted: event.get("isRetracted").is_some_and(|node| node.flag()),
        ..Default::default()
    };
    let equipment = event
        .get("equipmentDetails")
        .unwrap_or_else(|| event.clone());
    Ok(Parts {
        event,
        class,
        location,
        call,
        equipment,
        envelope,
    })
}

/// What carries it, and the reference of its call.
pub(super) fn carriage(parts: &Parts<'_>, desk: &mut Desk<'_>) -> (Option<TransportMode>, String) {
    let Some(call) = &parts.call else {
        return (None, String::new());
    };
    let mode = call.code_if_any(desk, &["modeOfTransport"], TransportMode::parse);
    let reference = call
        .any(&["transportCallID", "transportCallReference"])
        .and_then(|node| node.text());
    (mode, reference.unwrap_or_default())
}

fn equipment(parts: Parts<'_>, desk: &mut Desk<'_>) -> Result<(), Skipped> {
    let keys = ["equipmentEventType", "equipmentEventTypeCode"];
    let event_type = parts.class.code(desk, &keys, EquipmentEventType::parse)?;
    if parts.equipment.get("equipmentReference").is_none() {
        return Err(parts.equipment.skip(desk, "equipmentReference is missing"));
    }
    let container_id = parts.equipment.container(desk, "equipmentReference");
    let (mode, transport_call_id) = carriage(&parts, desk);
    let iso_code = parts.equipment.text_of("ISOEquipmentCode");
    let teu_quarters = teu_quarters(&parts.equipment, &iso_code, desk);
    let keys = ["emptyIndicator", "emptyIndicatorCode"];
    let empty = parts
        .equipment
        .code_if_any(desk, &keys, EmptyIndicator::parse);
    let facility = match &parts.location {
        Some(location) => Facility::of(location, desk),
        None => Facility::of(&parts.event, desk),
    };
    let seals = parts
        .event
        .get("seals")
        .or_else(|| parts.equipment.get("seals"));
    let seal_number = |seal: Node<'_>| {
        seal.any(&["sealNumber", "number"])
            .and_then(|node| node.text())
    };
    let body = v1::EquipmentEvent {
        container_id,
        iso_code,
        event_type: equipment_event_type(event_type).into(),
        empty_indicator: match empty {
            Some(EmptyIndicator::Empty) => v1::EmptyIndicator::Empty.into(),
            Some(EmptyIndicator::Laden) => v1::EmptyIndicator::Laden.into(),
            None => v1::EmptyIndicator::Unspecified.into(),
        },
        mode: mode
            .map_or(v1::TransportMode::Unspecified, transport_mode)
            .into(),
        facility_type: facility.facility_type.into(),
        facility_code: facility.code,
        code_list_provider: facility.provider.into(),
        transport_call_id,
        seals: seals
            .map(|list| {
                list.elements()
                    .into_iter()
                    .filter_map(seal_number)
                    .collect()
            })
            .unwrap_or_default(),
        teu_quarters,
        ..Default::default()
    };
    desk.event(v1::ContainerEvent {
        envelope: Some(parts.envelope),
        body: Some(v1::container_event::Body::EquipmentEvent(body)),
    });
    Ok(())
}

fn teu_quarters(equipment: &Node<'_>, iso_code: &str, desk: &mut Desk<'_>) -> u32 {
    let Some(node) = equipment.get("ISOEquipmentCode") else {
        return 0;
    };
    match SizeType::parse(iso_code) {
        Ok(size) => size.teu_quarters().0,
        Err(fault) => {
            node.problem(desk, Fate::Kept, fault.to_string());
            0
        }
    }
}

fn equipment_event_type(code: EquipmentEventType) -> v1::EquipmentEventType {
    let name = format!("EQUIPMENT_EVENT_TYPE_{}", code.code());
    v1::EquipmentEventType::from_str_name(&name).unwrap_or_default()
}
