//! The input streams: one topic each, one root message each.
use std::fmt;

/// An input stream. All records of its topic are of one root message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Port calls, positions and notices of vessels and barges.
    Vessel,
    /// Equipment events, customs, moves, the gate.
    Container,
    /// Trains and rail bookings.
    Rail,
    /// Gauges, reefers, devices.
    Telemetry,
    /// Master data, compacted.
    Reference,
    /// Commands of the planners.
    Planner,
}

impl Stream {
    /// Every stream, in a fixed order.
    pub const ALL: [Stream; 6] = [
        Stream::Vessel,
        Stream::Container,
        Stream::Rail,
        Stream::Telemetry,
        Stream::Reference,
        Stream::Planner,
    ];

    /// The stream's short name, as in configuration: "vessel".
    pub const fn name(self) -> &'static str {
        match self {
            Stream::Vessel => "vessel",
            Stream::Container => "container",
            Stream::Rail => "rail",
            Stream::Telemetry => "telemetry",
            Stream::Reference => "reference",
            Stream::Planner => "planner",
        }
    }

    /// The full protobuf name of the stream's root message.
    pub const fn message_name(self) -> &'static str {
        match self {
            Stream::Vessel => "quaystream.v1.VesselEvent",
            Stream::Container => "quaystream.v1.ContainerEvent",
            Stream::Rail => "quaystream.v1.RailEvent",
            Stream::Telemetry => "quaystream.v1.TelemetryEvent",
            Stream::Reference => "quaystream.v1.ReferenceEvent",
            Stream::Planner => "quaystream.v1.PlannerEvent",
        }
    }

    /// The stream of a short name.
    pub fn from_name(name: &str) -> Option<Stream> {
        Stream::ALL.into_iter().find(|stream| stream.name() == name)
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
