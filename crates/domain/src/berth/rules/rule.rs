//! The rules and how planners call them.

use crate::berth::BerthProblem;

/// A hard rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Every call once, indices within range.
    Complete,
    /// Starts, ends and places on their grids.
    Grid,
    /// The vessel fits on the berth.
    Length,
    /// Vessels do not lie on one another, and keep their gap.
    Overlap,
    /// Not before the vessel is there.
    Arrival,
    /// Not after the latest departure or the horizon.
    Departure,
    /// Long enough alongside, and only where the call may be handled.
    Handling,
    /// Enough water over the whole stay.
    Draught,
    /// Enough clearance over the whole stay.
    AirDraught,
    /// Nobody berths or leaves at high water.
    TrafficStop,
    /// Dangerous-goods cones: the berth's limit and the distances.
    Cones,
    /// Opening hours and closures.
    Closures,
    /// Windows reserved for contracts.
    Contract,
    /// Cranes: reach, outages, number, one vessel at a time.
    CraneWork,
    /// Cranes cannot pass one another.
    CraneCrossing,
    /// One barge at one place at a time, with travel between.
    Rotation,
    /// Locks on berth, place and start.
    Lock,
    /// Locks on the order of berthing.
    Order,
    /// Frozen and slushy stays.
    Frozen,
}

impl Rule {
    /// In the planner's words; what a person reads names a rule by these.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Complete => "every call once",
            Rule::Grid => "time step and mooring places",
            Rule::Length => "length of the berth",
            Rule::Overlap => "the quay is taken",
            Rule::Arrival => "the vessel is not there",
            Rule::Departure => "latest departure or end of the horizon",
            Rule::Handling => "the berth does not handle it, or not in that time",
            Rule::Draught => "draught against the forecast water level",
            Rule::AirDraught => "clearance under the bridge or crane",
            Rule::TrafficStop => "high water stops traffic",
            Rule::Cones => "distance or limit of dangerous-goods cones",
            Rule::Closures => "the berth is closed",
            Rule::Contract => "reserved by contract",
            Rule::CraneWork => "crane capacity",
            Rule::CraneCrossing => "cranes cannot pass one another",
            Rule::Rotation => "the barge's other calls",
            Rule::Lock => "a planner's lock",
            Rule::Order => "a planner's locked order",
            Rule::Frozen => "held to the last plan",
        }
    }

    /// The name with the other calls that it concerns.
    pub fn with(self, problem: &BerthProblem, calls: &[usize]) -> String {
        match calls.is_empty() {
            true => self.name().to_owned(),
            false => format!("{self} ({})", problem.call_ids(calls)),
        }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
