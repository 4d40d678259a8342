//! What is going to happen, by time. Things at one instant happen in the order in which they were planned.

use crate::containers::Container;
use crate::gate::Truck;
use crate::pool::Id;
use crate::rail::{Inbound, Train, Unit};
use crate::sources::Source;
use crate::vessels::{Call, Craft};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Something that will happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// All that is known before the first instant.
    Opening,
    Heartbeat(Source),
    // vessels
    BargeIsAnnounced,
    CoasterIsAnnounced,
    PassesThrough,
    Announce(Id<Call>),
    ReviseArrival(Id<Call>, Source),
    Approaches(Id<Craft>),
    Reaches(Id<Craft>),
    Leaves(Id<Craft>),
    Transponder(Id<Craft>),
    // quay
    AllFast(Id<Call>),
    ReadyForCranes(Id<Call>),
    CraneMove {
        terminal: usize,
        crane: usize,
    },
    CraneFails {
        terminal: usize,
        crane: usize,
    },
    CraneIsBack {
        terminal: usize,
        crane: usize,
    },
    Departs(Id<Call>),
    BerthCloses,
    BerthOpens {
        terminal: usize,
        berth: usize,
    },
    // yard, customs, reefers
    CustomsActs(Id<Container>),
    ReeferReports(Id<Container>),
    ReeferFails,
    // gate
    TruckComes,
    TruckHandles(Id<Truck>),
    TruckLeaves(Id<Truck>),
    // rail
    SlotsArePublished,
    UnitIsBooked(Id<Train>),
    UnitComesByTruck(Id<Unit>),
    TrainCloses(Id<Train>),
    TrainLoads(Id<Train>),
    TrainIsReady(Id<Train>),
    DepartureForecast(Id<Train>),
    TrainDeparts(Id<Train>),
    TrainPasses(Id<Train>),
    InboundForecast(Id<Inbound>),
    InboundPasses(Id<Inbound>),
    InboundUnloads(Id<Inbound>),
    // gauge, planners
    GaugeReads,
    GaugeForecast,
    PlannerActs,
}

#[derive(Debug)]
struct Entry {
    at_us: i64,
    turn: u64,
    step: Step,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at_us, self.turn) == (other.at_us, other.turn)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_us, self.turn).cmp(&(other.at_us, other.turn))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    turn: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at_us: i64, step: Step) {
        self.turn += 1;
        self.entries.push(Reverse(Entry {
            at_us,
            turn: self.turn,
            step,
        }));
    }

    pub(crate) fn next_at_us(&self) -> Option<i64> {
        self.entries.peek().map(|Reverse(entry)| entry.at_us)
    }

    pub(crate) fn next(&mut self) -> Option<(i64, Step)> {
        self.entries
            .pop()
            .map(|Reverse(entry)| (entry.at_us, entry.step))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
