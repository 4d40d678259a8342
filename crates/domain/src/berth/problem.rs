//! The berth problem: what is to be planned, on what, under which rules and prices.

use super::call::Call;
use super::cost::Weights;
use super::quay::{Berth, Crane};
use super::water::Water;

/// Minutes from `start_min` (inside) to `end_min` (outside).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// First minute.
    pub start_min: i64,
    /// First minute after.
    pub end_min: i64,
}

impl Interval {
    /// From `start_min` to `end_min`.
    pub fn new(start_min: i64, end_min: i64) -> Self {
        Interval { start_min, end_min }
    }

    /// True if the two share a minute.
    pub fn overlaps(&self, other: &Interval) -> bool {
        self.start_min < other.end_min && other.start_min < self.end_min
    }

    /// True if `other` lies wholly inside.
    pub fn contains(&self, other: &Interval) -> bool {
        self.start_min <= other.start_min && other.end_min <= self.end_min
    }
}

/// The calls of one barge at several terminals, which cannot overlap and need travel time between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rotation {
    /// The barge, opaque to the planner.
    pub barge: String,
    /// Indices into [`BerthProblem::calls`]; a call belongs to one rotation at most.
    pub calls: Vec<usize>,
    /// True if the calls must be made in the order listed.
    pub order_fixed: bool,
}

/// A planner's lock: `second` may not berth before `first` berths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLock {
    /// Index of the call that goes first.
    pub first: usize,
    /// Index of the call that goes second.
    pub second: usize,
}

/// A contracted window: for this time the berth serves the contract's calls alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// Index of the berth.
    pub berth: usize,
    /// The contract, opaque; calls carry the same number.
    pub contract: usize,
    /// When the berth is reserved.
    pub interval: Interval,
}

/// Minutes since the epoch as people read them: hours and minutes, "29:15".
pub fn hours(minutes: i64) -> String {
    let sign = if minutes < 0 { "-" } else { "" };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{}:{:02}", minutes / 60, minutes % 60)
}

/// Everything a berth plan depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BerthProblem {
    /// The quantum of time: every planned start and end is a multiple of it. At least 1.
    pub time_step_min: i64,
    /// No stay may end later, minutes.
    pub horizon_end_min: i64,
    /// Where vessels lie.
    pub berths: Vec<Berth>,
    /// Quay cranes; empty where handling is given in minutes.
    pub cranes: Vec<Crane>,
    /// Calls to be planned, alongside ones included.
    pub calls: Vec<Call>,
    /// Barges with several calls.
    pub rotations: Vec<Rotation>,
    /// Sailing and manoeuvring minutes from terminal to terminal, by [`Berth::terminal`]; empty means none needed.
    pub travel_min: Vec<Vec<i64>>,
    /// Locked orders of berthing.
    pub orders: Vec<OrderLock>,
    /// Contracted windows.
    pub reservations: Vec<Reservation>,
    /// The forecast water level.
    pub water: Water,
    /// Water that must remain under the keel, cm.
    pub under_keel_cm: i64,
    /// Distance to any neighbour on the quay that a vessel with 0, 1, 2 or 3 blue cones keeps, metres.
    pub cone_distance_m: [i64; 4],
    /// Stays whose last planned start lies before this minute are frozen.
    pub frozen_until_min: i64,
    /// Stays whose last planned start lies before this minute keep their berth (and place, within `slushy_shift_m`).
    pub slushy_until_min: i64,
    /// How far a slushy stay may shift along its own berth, metres.
    pub slushy_shift_m: i64,
    /// Prices.
    pub weights: Weights,
}

impl BerthProblem {
    /// Minutes between two terminals, 0 where the table does not say.
    pub fn travel_between_min(&self, from_terminal: usize, to_terminal: usize) -> i64 {
        self.travel_min
            .get(from_terminal)
            .and_then(|row| row.get(to_terminal))
            .copied()
            .unwrap_or(0)
    }

    /// The ids of calls, as a list to read.
    pub fn call_ids(&self, calls: &[usize]) -> String {
        let ids: Vec<&str> = calls
            .iter()
            .map(|call| self.calls[*call].id.as_str())
            .collect();
        ids.join(", ")
    }

    /// `minutes` rounded up to the time step.
    #[inline]
    pub fn round_up_min(&self, minutes: i64) -> i64 {
        let step = self.time_step_min.max(1);
        let above = minutes + step - 1;
        above - above.rem_euclid(step)
    }
}
