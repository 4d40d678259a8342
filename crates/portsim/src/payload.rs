//! Bodies of events and the tables that they make.

use events::{Event, Stream, v1};

/// A body that can be put into an event.
pub(crate) trait Payload {
    /// Name of the table, which is the message's in snake case.
    const TABLE: &'static str;
    /// The event with this envelope and body.
    fn wrap(self, envelope: v1::Envelope) -> Event;
}

macro_rules! payloads {
    ($($body:ident, $table:literal, $event:ident, $module:ident;)+) => { $(
        impl Payload for v1::$body {
            const TABLE: &'static str = $table;
            fn wrap(self, envelope: v1::Envelope) -> Event {
                v1::$event {
                    envelope: Some(envelope),
                    body: Some(v1::$module::Body::$body(self)),
                }
                .into()
            }
        }
    )+ };
}

payloads! {
    PortCallTimestamp, "port_call_timestamp", VesselEvent, vessel_event;
    MovesForecast, "moves_forecast", VesselEvent, vessel_event;
    VesselPosition, "vessel_position", VesselEvent, vessel_event;
    VesselNotice, "vessel_notice", VesselEvent, vessel_event;
    EquipmentEvent, "equipment_event", ContainerEvent, container_event;
    CustomsStatus, "customs_status", ContainerEvent, container_event;
    MoveEvent, "move_event", ContainerEvent, container_event;
    GateEvent, "gate_event", ContainerEvent, container_event;
    TrainRunning, "train_running", RailEvent, rail_event;
    TrainComposition, "train_composition", RailEvent, rail_event;
    TrainReady, "train_ready", RailEvent, rail_event;
    TrainInterruption, "train_interruption", RailEvent, rail_event;
    RailBooking, "rail_booking", RailEvent, rail_event;
    WagonStatus, "wagon_status", RailEvent, rail_event;
    WaterLevel, "water_level", TelemetryEvent, telemetry_event;
    ReeferTelemetry, "reefer_telemetry", TelemetryEvent, telemetry_event;
    DeviceStatus, "device_status", TelemetryEvent, telemetry_event;
    Terminal, "terminal", ReferenceEvent, reference_event;
    Berth, "berth", ReferenceEvent, reference_event;
    Crane, "crane", ReferenceEvent, reference_event;
    RailService, "rail_service", ReferenceEvent, reference_event;
    TrainSlot, "train_slot", ReferenceEvent, reference_event;
    WagonType, "wagon_type", ReferenceEvent, reference_event;
    Vessel, "vessel", ReferenceEvent, reference_event;
    SourceProfile, "source_profile", ReferenceEvent, reference_event;
    BerthCommand, "berth_command", PlannerEvent, planner_event;
    RailCommand, "rail_command", PlannerEvent, planner_event;
    BerthClosure, "berth_closure", PlannerEvent, planner_event;
}

/// A heartbeat on a stream.
pub(crate) fn heartbeat(stream: Stream, envelope: v1::Envelope) -> Event {
    let envelope = Some(envelope);
    let beat = v1::SourceHeartbeat {};
    match stream {
        Stream::Vessel => v1::VesselEvent {
            envelope,
            body: Some(v1::vessel_event::Body::Heartbeat(beat)),
        }
        .into(),
        Stream::Container => v1::ContainerEvent {
            envelope,
            body: Some(v1::container_event::Body::Heartbeat(beat)),
        }
        .into(),
        Stream::Rail => v1::RailEvent {
            envelope,
            body: Some(v1::rail_event::Body::Heartbeat(beat)),
        }
        .into(),
        Stream::Telemetry => v1::TelemetryEvent {
            envelope,
            body: Some(v1::telemetry_event::Body::Heartbeat(beat)),
        }
        .into(),
        Stream::Reference => v1::ReferenceEvent {
            envelope,
            body: Some(v1::reference_event::Body::Heartbeat(beat)),
        }
        .into(),
        Stream::Planner => v1::PlannerEvent {
            envelope,
            body: Some(v1::planner_event::Body::Heartbeat(beat)),
        }
        .into(),
    }
}
