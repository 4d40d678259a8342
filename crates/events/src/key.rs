//! The record key of an event: the object that it is about.
use crate::Event;
use crate::v1::{
    Envelope, container_event, planner_event, rail_event, reference_event, telemetry_event,
    vessel_event,
};

pub(crate) fn of(event: &Event) -> String {
    match event {
        Event::Vessel(event) => event
            .body
            .as_ref()
            .map(|body| vessel(event.envelope.as_ref(), body)),
        Event::Container(event) => event.body.as_ref().map(container),
        Event::Rail(event) => event
            .body
            .as_ref()
            .map(|body| rail(event.envelope.as_ref(), body)),
        Event::Telemetry(event) => event.body.as_ref().map(telemetry),
        Event::Reference(event) => event
            .body
            .as_ref()
            .map(|body| reference(event.envelope.as_ref(), body)),
        Event::Planner(event) => event
            .body
            .as_ref()
            .map(|body| planner(event.envelope.as_ref(), body)),
    }
    .unwrap_or_default()
}

/// The port call; the craft where the event belongs to none.
fn vessel(envelope: Option<&Envelope>, body: &vessel_event::Body) -> String {
    use vessel_event::Body;
    let port_call = || envelope.map_or(String::new(), |envelope| envelope.port_call_id.clone());
    let craft = match body {
        Body::VesselPosition(position) => return position.mmsi.clone(),
        Body::Heartbeat(_) => return String::new(),
        Body::MovesForecast(_) => None,
        Body::PortCallTimestamp(timestamp) => timestamp.vessel.as_ref(),
        Body::VesselNotice(notice) => notice.vessel.as_ref(),
    };
    let call = port_call();
    match craft {
        Some(craft) if call.is_empty() => [&craft.mmsi, &craft.imo, &craft.eni]
            .into_iter()
            .find(|id| !id.is_empty())
            .cloned()
            .unwrap_or_default(),
        _ => call,
    }
}

fn container(body: &container_event::Body) -> String {
    use container_event::Body;
    match body {
        Body::EquipmentEvent(event) => event.container_id.clone(),
        Body::CustomsStatus(status) => status.container_id.clone(),
        Body::MoveEvent(event) => event.equipment_id.clone(),
        Body::GateEvent(event) => event.truck_id.clone(),
        Body::Heartbeat(_) => String::new(),
    }
}

fn rail(envelope: Option<&Envelope>, body: &rail_event::Body) -> String {
    use rail_event::Body;
    match body {
        Body::RailBooking(booking) => booking.unit_id.clone(),
        Body::WagonStatus(status) => status.wagon_number.clone(),
        Body::Heartbeat(_) => String::new(),
        Body::TrainRunning(_)
        | Body::TrainComposition(_)
        | Body::TrainReady(_)
        | Body::TrainInterruption(_) => {
            envelope.map_or(String::new(), |envelope| envelope.train_id.clone())
        }
    }
}

fn telemetry(body: &telemetry_event::Body) -> String {
    use telemetry_event::Body;
    match body {
        Body::WaterLevel(level) => level.station.clone(),
        Body::ReeferTelemetry(reefer) => reefer.container_id.clone(),
        Body::DeviceStatus(status) => status.device_id.clone(),
        Body::Heartbeat(_) => String::new(),
    }
}

/// With the kind in front: the topic is compacted, and a crane and a berth may share an id.
fn reference(envelope: Option<&Envelope>, body: &reference_event::Body) -> String {
    use reference_event::Body;
    let (kind, id) = match body {
        Body::Terminal(_) => (
            "terminal",
            envelope.map_or("", |envelope| &envelope.terminal_id),
        ),
        Body::Berth(berth) => ("berth", &*berth.berth_id),
        Body::Crane(crane) => ("crane", &*crane.crane_id),
        Body::RailService(service) => ("rail_service", &*service.service_id),
        Body::TrainSlot(slot) => ("train_slot", &*slot.train_slot_id),
        Body::WagonType(wagon) => ("wagon_type", &*wagon.wagon_type),
        Body::Vessel(vessel) => {
            let ids = [&vessel.imo, &vessel.mmsi, &vessel.eni];
            (
                "vessel",
                ids.into_iter()
                    .find(|id| !id.is_empty())
                    .map_or("", |id| id),
            )
        }
        Body::SourceProfile(source) => ("source_profile", &*source.source_id),
        Body::Heartbeat(_) => return String::new(),
    };
    format!("{kind}/{id}")
}

fn planner(envelope: Option<&Envelope>, body: &planner_event::Body) -> String {
    use planner_event::Body;
    match body {
        Body::BerthCommand(_) => {
            envelope.map_or(String::new(), |envelope| envelope.berth_visit_id.clone())
        }
        Body::RailCommand(command) => command.unit_id.clone(),
        Body::BerthClosure(closure) => closure.berth_id.clone(),
        Body::Heartbeat(_) => String::new(),
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
