//! A vessel's call: what it is, when it comes, what it needs, and what is already promised.

use super::problem::Interval;

/// How a call is handled at one berth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// Not at this berth.
    Forbidden,
    /// So many minutes, without the quay's cranes.
    Minutes(i64),
    /// By the quay's cranes, as long as [`Work`] takes them.
    Cranes,
}

/// Crane work of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Moves to be made.
    pub moves: i64,
    /// Minutes alongside without moves (mooring, lashing, papers).
    pub setup_min: i64,
    /// Fewest cranes. At least 1.
    pub cranes_min: usize,
    /// Most cranes.
    pub cranes_max: usize,
}

impl Work {
    /// Minutes alongside with cranes that together make `rate_centimoves_h` hundredths of a move an hour.
    pub fn duration_min(&self, rate_centimoves_h: i64) -> i64 {
        let rate = rate_centimoves_h.max(1);
        self.setup_min + (self.moves * 6000 + rate - 1) / rate
    }
}

/// A berth and a metre on its quay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Index of the berth.
    pub berth: usize,
    /// First metre on the quay.
    pub from_m: i64,
}

/// What a planner has fixed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lock {
    /// Only this berth.
    pub berth: Option<usize>,
    /// Only this first metre.
    pub from_m: Option<i64>,
    /// Only this start.
    pub start_min: Option<i64>,
}

/// The stay of the last published plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Previous {
    /// Where.
    pub place: Place,
    /// Planned start.
    pub start_min: i64,
}

/// One call that wants a stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// Opaque identifier.
    pub id: String,
    /// Length over all, metres, rounded up.
    pub length_m: i64,
    /// Deepest draught during the stay, cm.
    pub draught_cm: i64,
    /// Height above the water, cm.
    pub air_draught_cm: i64,
    /// Blue cones, 0 to 3.
    pub cones: u8,
    /// Estimated (or actual) arrival; time in port counts from here.
    pub arrival_min: i64,
    /// The stay may not start earlier: the arrival, or the announced start less what the vessel can make up.
    pub release_min: i64,
    /// By berth, in the order of the problem's berths.
    pub handling: Vec<Handling>,
    /// Crane work, for berths handled by cranes.
    pub work: Work,
    /// The stay must end by then.
    pub latest_departure_min: Option<i64>,
    /// The stay should end by then; later costs `Weights::late_per_min`.
    pub due_min: Option<i64>,
    /// Price of a minute between arrival and the end of the stay: the call's priority, cost units.
    pub cost_per_min: i64,
    /// Price of leaving the call without a stay, cost units.
    pub unassigned_price: i64,
    /// Where its cargo lies.
    pub preferred: Option<Place>,
    /// The contract under which it sails.
    pub contract: Option<usize>,
    /// The window in which the contract promises a start.
    pub promised: Option<Interval>,
    /// The planner's locks.
    pub lock: Lock,
    /// The stay in the last plan.
    pub previous: Option<Previous>,
    /// The vessel already lies at `previous`: a fact that no rule of access can refuse.
    pub alongside: bool,
}
