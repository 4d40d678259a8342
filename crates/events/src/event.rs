//! One event of any stream, as a prost struct: what producers of events (importers, the simulated port) make.
use prost::Message;

use crate::v1::{self, Envelope};
use crate::{Stream, key};

/// An event of any stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Of the vessel topic.
    Vessel(v1::VesselEvent),
    /// Of the container topic.
    Container(v1::ContainerEvent),
    /// Of the rail topic.
    Rail(v1::RailEvent),
    /// Of the telemetry topic.
    Telemetry(v1::TelemetryEvent),
    /// Of the reference topic.
    Reference(v1::ReferenceEvent),
    /// Of the planner-command topic.
    Planner(v1::PlannerEvent),
}

impl Event {
    /// The stream that the event belongs to.
    pub fn stream(&self) -> Stream {
        match self {
            Event::Vessel(_) => Stream::Vessel,
            Event::Container(_) => Stream::Container,
            Event::Rail(_) => Stream::Rail,
            Event::Telemetry(_) => Stream::Telemetry,
            Event::Reference(_) => Stream::Reference,
            Event::Planner(_) => Stream::Planner,
        }
    }

    /// The envelope, if there is one.
    pub fn envelope(&self) -> Option<&Envelope> {
        match self {
            Event::Vessel(event) => event.envelope.as_ref(),
            Event::Container(event) => event.envelope.as_ref(),
            Event::Rail(event) => event.envelope.as_ref(),
            Event::Telemetry(event) => event.envelope.as_ref(),
            Event::Reference(event) => event.envelope.as_ref(),
            Event::Planner(event) => event.envelope.as_ref(),
        }
    }

    /// The envelope for change; an empty one is put in where there is none.
    pub fn envelope_mut(&mut self) -> &mut Envelope {
        let slot = match self {
            Event::Vessel(event) => &mut event.envelope,
            Event::Container(event) => &mut event.envelope,
            Event::Rail(event) => &mut event.envelope,
            Event::Telemetry(event) => &mut event.envelope,
            Event::Reference(event) => &mut event.envelope,
            Event::Planner(event) => &mut event.envelope,
        };
        slot.get_or_insert_default()
    }

    /// The record key: the object that the event is about, so that all events of one object keep their order. Empty
    /// for a heartbeat (which goes to every partition) and for an event without a body.
    pub fn key(&self) -> Vec<u8> {
        key::of(self).into_bytes()
    }

    /// The record value.
    pub fn encode_to_vec(&self) -> Vec<u8> {
        match self {
            Event::Vessel(event) => event.encode_to_vec(),
            Event::Container(event) => event.encode_to_vec(),
            Event::Rail(event) => event.encode_to_vec(),
            Event::Telemetry(event) => event.encode_to_vec(),
            Event::Reference(event) => event.encode_to_vec(),
            Event::Planner(event) => event.encode_to_vec(),
        }
    }

    /// The event in a record value of a stream, as prost reads it. For tools and tests: the engine decodes with
    /// [`crate::decode::Decoder`].
    ///
    /// # Errors
    /// If the bytes are not a message of this stream.
    pub fn decode(stream: Stream, value: &[u8]) -> Result<Event, prost::DecodeError> {
        Ok(match stream {
            Stream::Vessel => Event::Vessel(v1::VesselEvent::decode(value)?),
            Stream::Container => Event::Container(v1::ContainerEvent::decode(value)?),
            Stream::Rail => Event::Rail(v1::RailEvent::decode(value)?),
            Stream::Telemetry => Event::Telemetry(v1::TelemetryEvent::decode(value)?),
            Stream::Reference => Event::Reference(v1::ReferenceEvent::decode(value)?),
            Stream::Planner => Event::Planner(v1::PlannerEvent::decode(value)?),
        })
    }
}

macro_rules! from_message {
    ($($variant:ident: $message:ident),+) => {$(
        impl From<v1::$message> for Event {
            fn from(message: v1::$message) -> Event {
                Event::$variant(message)
            }
        }
    )+};
}

from_message!(
    Vessel: VesselEvent,
    Container: ContainerEvent,
    Rail: RailEvent,
    Telemetry: TelemetryEvent,
    Reference: ReferenceEvent,
    Planner: PlannerEvent
);
