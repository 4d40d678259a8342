//! Port Call 2.0: timestamps of services, and forecasts of moves.

use super::vessel::{Facility, classifier, facility, particulars};
use super::{event_id, events_of};
use crate::error::ImportError;
use crate::format::Format;
use crate::node::{Node, Skipped};
use crate::outcome::{Desk, Fate};
use domain::codes::{
    Classifier, FacilityType, OperationsEventType, PortCallPhase, PortCallService,
};
use events::v1;
use serde_json::Value;

pub(crate) fn read(document: &Value, desk: &mut Desk<'_>) -> Result<(), ImportError> {
    for event in events_of(document, Format::DcsaPortCall)? {
        // A skipped one has put its problem on the desk.
        let _ = read_event(&event, desk);
    }
    let feedback = Node::root(document)
        .get("feedbackElements")
        .map(|list| list.elements());
    for element in feedback.unwrap_or_default() {
        let (severity, message) = (element.text_of("severity"), element.text_of("message"));
        element.problem(
            desk,
            Fate::Kept,
            format!("feedback of the publisher, {severity}: {message}"),
        );
    }
    Ok(())
}

fn read_event(event: &Node<'_>, desk: &mut Desk<'_>) -> Result<(), Skipped> {
    let envelope = envelope(event, desk)?;
    let forecasts = event
        .get("movesForecasts")
        .map(|list| list.elements())
        .unwrap_or_default();
    let timestamp = event.get("timestamp");
    if timestamp.is_none() && forecasts.is_empty() {
        return Err(event.skip(desk, "there is neither timestamp nor movesForecasts"));
    }
    if let Some(timestamp) = timestamp {
        // A fault here must not lose the forecasts.
        let _ = service(event, &timestamp, envelope.clone(), desk);
    }
    for (place, forecast) in forecasts.iter().enumerate() {
        moves(forecast, place, &envelope, desk);
    }
    Ok(())
}

/// All but event time and classifier, which the timestamp has.
fn envelope(event: &Node<'_>, desk: &mut Desk<'_>) -> Result<v1::Envelope, Skipped> {
    let event_id = event_id(event, desk)?;
    let record_time_us = event.instant(desk, &["eventUpdatedDateTime"])?;
    let Some(call) = event.get("portCall") else {
        return Err(event.skip(desk, "portCall is missing"));
    };
    let port_call_id = call.text_of("portCallID");
    if port_call_id.is_empty() {
        return Err(call.skip(desk, "portCallID is missing"));
    }
    let visit = event
        .get("terminalCall")
        .map(|call| call.text_of("terminalCallID"));
    Ok(v1::Envelope {
        event_id,
        source: Format::DcsaPortCall.source().to_owned(),
        event_time_us: record_time_us,
        record_time_us,
        un_location_code: call.place(desk, "UNLocationCode"),
        port_call_id,
        berth_visit_id: visit.unwrap_or_default(),
        ..Default::default()
    })
}

fn service(
    event: &Node<'_>,
    timestamp: &Node<'_>,
    mut envelope: v1::Envelope,
    desk: &mut Desk<'_>,
) -> Result<(), Skipped> {
    let Some(service) = event.get("portCallService") else {
        return Err(event.skip(desk, "portCallService is missing"));
    };
    let kind = service.code(desk, &["portCallServiceTypeCode"], PortCallService::parse)?;
    let event_type = event_type(event, &service, desk);
    let phase = service.code_if_any(desk, &["portCallPhaseTypeCode"], PortCallPhase::parse);
    envelope.event_time_us = timestamp.instant(desk, &["serviceDateTime"])?;
    let fact = timestamp.code(desk, &["classifierCode"], Classifier::parse)?;
    envelope.classifier = classifier(fact).into();
    let location = service
        .get("serviceLocation")
        .unwrap_or_else(|| service.clone());
    let mut place = Facility::of(&location, desk);
    // The service's own facility type is about the service, the location's about the place.
    if let Some(code) = service.code_if_any(desk, &["facilityTypeCode"], FacilityType::parse) {
        place.facility_type = facility(code);
    }
    let reasons = timestamp
        .get("delayReasonCodes")
        .map(|list| list.elements())
        .unwrap_or_default();
    let body = v1::PortCallTimestamp {
        service: service_type(kind).into(),
        event_type: event_type.into(),
        phase: phase
            .map_or(v1::PortCallPhase::Unspecified, phase_type)
            .into(),
        facility_type: place.facility_type.into(),
        facility_code: place.code,
        code_list_provider: place.provider.into(),
        delay_reason_codes: reasons.iter().filter_map(Node::text).collect(),
        vessel: event
            .get("vessel")
            .map(|vessel| particulars(&vessel, None, desk)),
        carrier: carrier(event),
        ..Default::default()
    };
    desk.event(v1::VesselEvent {
        envelope: Some(envelope),
        body: Some(v1::vessel_event::Body::PortCallTimestamp(body)),
    });
    Ok(())
}

/// A cancelled service or an omitted call will not take place, whatever its event type says.
fn event_type(
    event: &Node<'_>,
    service: &Node<'_>,
    desk: &mut Desk<'_>,
) -> v1::OperationsEventType {
    let says = |holder: Option<Node<'_>>, key: &str| {
        holder
            .and_then(|node| node.get(key))
            .is_some_and(|n| n.flag())
    };
    let is_off = says(Some(service.clone()), "isCanceled")
        || says(event.get("portCall"), "isOmitted")
        || says(event.get("terminalCall"), "isOmitted");
    if is_off {
        return v1::OperationsEventType::Canc;
    }
    let code = service.code_if_any(
        desk,
        &["portCallServiceEventTypeCode"],
        OperationsEventType::parse,
    );
    let name = code.map(|code| format!("OPERATIONS_EVENT_TYPE_{}", code.code()));
    name.and_then(|name| v1::OperationsEventType::from_str_name(&name))
        .unwrap_or_default()
}

fn service_type(code: PortCallService) -> v1::PortCallService {
    let name = format!("PORT_CALL_SERVICE_{}", code.code());
    v1::PortCallService::from_str_name(&name).unwrap_or_default()
}

fn phase_type(code: PortCallPhase) -> v1::PortCallPhase {
    let name = format!("PORT_CALL_PHASE_{}", code.code());
    v1::PortCallPhase::from_str_name(&name).unwrap_or_default()
}

/// The first carrier that the event names.
fn carrier(event: &Node<'_>) -> String {
    let forecasts = event
        .get("movesForecasts")
        .map(|list| list.elements())
        .unwrap_or_default();
    forecasts
        .first()
        .map(|forecast| forecast.text_of("carrierCode"))
        .unwrap_or_default()
}

fn moves(forecast: &Node<'_>, place: usize, envelope: &v1::Envelope, desk: &mut Desk<'_>) {
    let carrier = forecast.text_of("carrierCode");
    let units = |group: &str, kind: &str, size: &str| -> u32 {
        let group = forecast.get(group);
        let kind = group.and_then(|group| group.get(kind));
        kind.and_then(|kind| kind.get(size))
            .and_then(|count| count.amount(0))
            .unwrap_or(0)
    };
    let both = |kind: &str| {
        units("loadUnits", kind, "totalUnits").saturating_add(units(
            "dischargeUnits",
            kind,
            "totalUnits",
        ))
    };
    let restow = forecast
        .get("restowUnits")
        .and_then(|group| group.get("totalUnits"));
    let body = v1::MovesForecast {
        discharge_20: units("dischargeUnits", "totalUnits", "size20Units"),
        discharge_40: units("dischargeUnits", "totalUnits", "size40Units"),
        discharge_45: units("dischargeUnits", "totalUnits", "size45Units"),
        load_20: units("loadUnits", "totalUnits", "size20Units"),
        load_40: units("loadUnits", "totalUnits", "size40Units"),
        load_45: units("loadUnits", "totalUnits", "size45Units"),
        restow: restow.and_then(|count| count.amount(0)).unwrap_or(0),
        empty: both("emptyUnits"),
        reefer: both("pluggedReeferUnits"),
        out_of_gauge: both("outOfGaugeUnits"),
        carrier: carrier.clone(),
    };
    desk.event(v1::VesselEvent {
        envelope: Some(v1::Envelope {
            event_id: format!("{}-moves-{}", envelope.event_id, place + 1),
            classifier: v1::Classifier::Est.into(),
            ..envelope.clone()
        }),
        body: Some(v1::vessel_event::Body::MovesForecast(body)),
    });
}
