//! Port calls of Digitraffic (Fintraffic, Finland), as its marine API gives them.
//!
//! Each berth of a call gives up to four timestamps: ETA and ETD (EST), ATA and ATD (ACT), each with the instant at which
//! it was written and by whom. Every version of an estimate is an event of its own, so that a series of files gives the
//! series of estimates; a fact that is corrected keeps its id.

use crate::error::ImportError;
use crate::format::Format;
use crate::node::{Node, Skipped};
use crate::outcome::{Desk, Fate};
use events::v1::{self, Classifier, OperationsEventType, PortCallPhase};
use serde_json::Value;

/// The member, its classifier, event type and phase.
const STAMPS: [(&str, Classifier, OperationsEventType, PortCallPhase); 4] = [
    (
        "eta",
        Classifier::Est,
        OperationsEventType::Arri,
        PortCallPhase::Inbd,
    ),
    (
        "etd",
        Classifier::Est,
        OperationsEventType::Depa,
        PortCallPhase::Outb,
    ),
    (
        "ata",
        Classifier::Act,
        OperationsEventType::Arri,
        PortCallPhase::Inbd,
    ),
    (
        "atd",
        Classifier::Act,
        OperationsEventType::Depa,
        PortCallPhase::Outb,
    ),
];

/// A port call's own fields, which all its timestamps share.
struct PortCall {
    id: String,
    place: String,
    vessel: v1::VesselParticulars,
    agent: String,
}

pub(crate) fn read(document: &Value, desk: &mut Desk<'_>) -> Result<(), ImportError> {
    let root = Node::root(document);
    let Some(calls) = root.get("portCalls").filter(Node::is_list) else {
        return Err(ImportError::NotOfFormat {
            format: Format::Digitraffic,
            reason: "there is no list portCalls".to_owned(),
        });
    };
    for call in calls.elements() {
        // A skipped one has put its problem on the desk.
        let _ = read_call(&call, desk);
    }
    Ok(())
}

fn read_call(node: &Node<'_>, desk: &mut Desk<'_>) -> Result<(), Skipped> {
    let id = node.text_of("portCallId");
    if id.is_empty() {
        return Err(node.skip(desk, "portCallId is missing"));
    }
    let agents = node
        .get("agentInfo")
        .map(|list| list.elements())
        .unwrap_or_default();
    let call = PortCall {
        id,
        place: node.place(desk, "portToVisit"),
        vessel: v1::VesselParticulars {
            imo: node.imo(desk, "imoLloyds"),
            mmsi: node.mmsi(desk, "mmsi"),
            name: node.text_of("vesselName"),
            kind: v1::VesselKind::Sea.into(),
            ..Default::default()
        },
        agent: agents
            .first()
            .map(|agent| agent.text_of("name"))
            .unwrap_or_default(),
    };
    let areas = node
        .get("portAreaDetails")
        .map(|list| list.elements())
        .unwrap_or_default();
    if areas.is_empty() {
        return Err(node.skip(
            desk,
            "portAreaDetails is missing or empty: the call has no times",
        ));
    }
    for (place, area) in areas.iter().enumerate() {
        read_area(area, place, &call, node, desk);
    }
    Ok(())
}

fn read_area(
    area: &Node<'_>,
    place: usize,
    call: &PortCall,
    whole: &Node<'_>,
    desk: &mut Desk<'_>,
) {
    let mut found = false;
    for stamp in STAMPS {
        if area.get(stamp.0).is_some() {
            found = true;
            let _ = read_stamp(area, place, call, whole, stamp, desk);
        }
    }
    if !found {
        area.problem(desk, Fate::Skipped, "none of eta, etd, ata, atd is there");
    }
}

fn read_stamp(
    area: &Node<'_>,
    place: usize,
    call: &PortCall,
    whole: &Node<'_>,
    (key, classifier, event_type, phase): (&str, Classifier, OperationsEventType, PortCallPhase),
    desk: &mut Desk<'_>,
) -> Result<(), Skipped> {
    let event_time_us = area.instant(desk, &[key])?;
    let written = format!("{key}Timestamp");
    let record_time_us = match area.get(&written) {
        Some(_) => area.instant(desk, &[&written])?,
        None => whole.instant(desk, &["portCallTimestamp"])?,
    };
    let version = match classifier {
        Classifier::Est => format!("-{}", record_time_us / 1_000_000),
        _ => String::new(),
    };
    let draught = match event_type {
        OperationsEventType::Arri => "arrivalDraught",
        _ => "departureDraught",
    };
    let draught_cm = area
        .get(draught)
        .and_then(|node| node.amount(2))
        .filter(|draught_cm| *draught_cm > 0);
    let body = v1::PortCallTimestamp {
        service: v1::PortCallService::Berth.into(),
        event_type: event_type.into(),
        phase: phase.into(),
        facility_type: v1::FacilityType::Brth.into(),
        facility_code: area.text_of("berthCode"),
        code_list_provider: v1::CodeListProvider::Local.into(),
        vessel: Some(v1::VesselParticulars {
            draught_cm,
            ..call.vessel.clone()
        }),
        carrier: call.agent.clone(),
        ..Default::default()
    };
    desk.event(v1::VesselEvent {
        envelope: Some(v1::Envelope {
            event_id: format!("{}-{}-{key}{version}", call.id, place + 1),
            source: Format::Digitraffic.source().to_owned(),
            event_time_us,
            record_time_us,
            classifier: classifier.into(),
            un_location_code: call.place.clone(),
            port_call_id: call.id.clone(),
            berth_visit_id: format!("{}-{}", call.id, place + 1),
            ..Default::default()
        }),
        body: Some(v1::vessel_event::Body::PortCallTimestamp(body)),
    });
    Ok(())
}
