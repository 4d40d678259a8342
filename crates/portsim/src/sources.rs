//! The systems that write events, and what may be expected of each.

use events::Stream;

/// A system that writes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Network of AIS receivers.
    Ais,
    /// Port community system: agents and barge operators.
    Pcs,
    /// Terminal operating systems.
    Tos,
    /// Gate operating system.
    Gate,
    /// Customs.
    Customs,
    /// Railway undertakings and the infrastructure manager.
    Rail,
    /// Booking system of the rail operators.
    Booking,
    /// The waterway authority's gauges.
    Gauge,
    /// Reefer monitoring.
    Reefer,
    /// Master data.
    Master,
    /// The planners' desk.
    Planner,
}

/// A source as the configuration should list it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceDecl {
    /// The name in the envelope.
    pub name: &'static str,
    /// What it is, in words.
    pub description: &'static str,
    /// Streams that it writes to. Its heartbeats go to every partition of each.
    pub streams: &'static [Stream],
    /// An event that is not late comes less than this after its row time (record time of EST, PLN and REQ, else event
    /// time), in seconds.
    pub out_of_order_max_s: u32,
    /// It corrects and retracts events of its own: of an id the version of the latest record time counts.
    pub has_corrections: bool,
    /// Usual time from event to record, in seconds.
    pub delay_usual_s: u32,
    /// Time between heartbeats, in seconds, as [`crate::Settings`] has it by default.
    pub heartbeat_every_s: u32,
}

impl Source {
    /// All of them, in a fixed order.
    pub const ALL: [Source; 11] = [
        Source::Ais,
        Source::Pcs,
        Source::Tos,
        Source::Gate,
        Source::Customs,
        Source::Rail,
        Source::Booking,
        Source::Gauge,
        Source::Reefer,
        Source::Master,
        Source::Planner,
    ];

    /// What may be expected of it.
    pub fn decl(self) -> SourceDecl {
        use Stream::{Container, Planner, Rail, Reference, Telemetry, Vessel};
        let (name, description, streams, out_of_order_max_s, delay_usual_s): (
            _,
            _,
            &'static [Stream],
            _,
            _,
        ) = match self {
            Source::Ais => ("ais", "network of AIS receivers", &[Vessel], 60, 4),
            Source::Pcs => (
                "pcs",
                "port community system: agents and barge operators",
                &[Vessel],
                900,
                120,
            ),
            Source::Tos => (
                "tos",
                "terminal operating systems",
                &[Vessel, Container, Telemetry],
                300,
                20,
            ),
            Source::Gate => ("gate", "gate operating system", &[Container], 120, 5),
            Source::Customs => ("customs", "customs office", &[Container], 1_200, 180),
            Source::Rail => (
                "rail",
                "railway undertakings and infrastructure manager",
                &[Rail],
                600,
                60,
            ),
            Source::Booking => (
                "booking",
                "booking system of the rail operators",
                &[Rail],
                300,
                20,
            ),
            Source::Gauge => (
                "gauge",
                "gauges of the waterway authority",
                &[Telemetry],
                900,
                240,
            ),
            Source::Reefer => ("reefer", "reefer monitoring", &[Telemetry], 120, 10),
            Source::Master => ("master", "master data", &[Reference], 60, 1),
            Source::Planner => ("planner", "the planners' desk", &[Planner], 60, 1),
        };
        SourceDecl {
            name,
            description,
            streams,
            out_of_order_max_s,
            has_corrections: matches!(
                self,
                Source::Pcs
                    | Source::Tos
                    | Source::Gate
                    | Source::Customs
                    | Source::Rail
                    | Source::Booking
            ),
            delay_usual_s,
            heartbeat_every_s: 300,
        }
    }

    /// The name in the envelope.
    pub fn name(self) -> &'static str {
        self.decl().name
    }

    pub(crate) fn place(self) -> usize {
        self as usize
    }
}

/// Every source, for the configuration of a processor that reads the simulated port.
pub fn sources() -> Vec<SourceDecl> {
    Source::ALL.iter().map(|source| source.decl()).collect()
}
