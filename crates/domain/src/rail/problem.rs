//! Everything that the level-1 plan hangs on, at one instant. Times are whole minutes since the epoch.

use super::cut_off::CutOff;
use super::unit::Unit;

/// No limit on a capacity.
pub const UNLIMITED: i64 = i64::MAX;

/// How far a train has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlotStatus {
    /// Units may be planned.
    #[default]
    Open,
    /// The loading list is closed: a fact.
    Closed,
    /// It has left: a fact.
    Departed,
    /// It does not run: nothing may be planned, and what stood on it must go otherwise.
    Cancelled,
}

/// A limit on dangerous goods of one train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousLimit {
    /// RID classes that count; empty for all dangerous goods.
    pub classes: Vec<String>,
    /// At most so many units.
    pub max_units: i64,
    /// At most so many kilograms gross.
    pub max_gross_kg: i64,
}

impl DangerousLimit {
    /// Does this limit count `unit`?
    pub fn counts(&self, unit: &Unit) -> bool {
        let class = unit.cargo.dangerous_class.as_ref();
        class.is_some_and(|class| self.classes.is_empty() || self.classes.contains(class))
    }
}

/// One departure of one train.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrainSlot {
    /// The slot's reference, opaque here.
    pub id: String,
    /// Where it loads (UN/LOCODE).
    pub origin: String,
    /// Where it ends (UN/LOCODE).
    pub destination: String,
    /// Other places where units can be taken off, at the arrival time of the train.
    pub also_serves: Vec<String>,
    /// The corridor it runs on.
    pub corridor: String,
    /// The loading track, for display.
    pub track: String,
    /// Track gauge, millimetres (1435, 1520).
    pub gauge_mm: i64,
    /// Departure, minutes since the epoch.
    pub departure_at_min: i64,
    /// Arrival, minutes since the epoch.
    pub arrival_at_min: i64,
    /// How uncertain the arrival is: one standard deviation, minutes.
    pub arrival_spread_min: i64,
    /// How far it has come.
    pub status: SlotStatus,
    /// When the loading list closes, minutes since the epoch; from then on the train is frozen.
    pub closing_at_min: i64,
    /// Loading length in decimetres, or [`UNLIMITED`].
    pub max_length_dm: i64,
    /// Capacity in quarters of a TEU, or [`UNLIMITED`].
    pub max_teu_quarters: i64,
    /// Load in kilograms, or [`UNLIMITED`].
    pub max_gross_kg: i64,
    /// The heaviest unit that its wagons' axles bear, kilograms, or [`UNLIMITED`].
    pub max_unit_gross_kg: i64,
    /// The longest unit that its wagons take, decimetres, or [`UNLIMITED`].
    pub max_unit_length_dm: i64,
    /// The largest loading-gauge code that the line admits, or [`UNLIMITED`].
    pub max_profile_code: i64,
    /// Limits on dangerous goods.
    pub dangerous_limits: Vec<DangerousLimit>,
    /// Cut-offs by kind.
    pub cut_offs: Vec<CutOff>,
    /// Price of carriage for one TEU.
    pub price_per_teu: i64,
}

impl TrainSlot {
    /// True if its loading list can no longer change.
    pub fn is_frozen(&self, now_at_min: i64) -> bool {
        match self.status {
            SlotStatus::Closed | SlotStatus::Departed => true,
            SlotStatus::Cancelled => false,
            SlotStatus::Open => self.closing_at_min <= now_at_min,
        }
    }

    /// Can a unit for `place` be taken off here?
    pub fn serves(&self, place: &str) -> bool {
        self.destination == place || self.also_serves.iter().any(|stop| stop == place)
    }
}

/// What loading a train (level 2) has taught: of `units`, at most `max_units` fit on `train` together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadCut {
    /// The slot.
    pub train: String,
    /// The units that cannot all go.
    pub units: Vec<String>,
    /// How many of them can.
    pub max_units: i64,
}

/// Prices, in one money-like unit, all at least 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// Added to a roll-over for each step of priority.
    pub priority_roll_over: i64,
    /// Waiting of one TEU for one hour, from ready to the first departure.
    pub dwell_per_teu_hour: i64,
    /// Travel of one TEU for one hour, from the first departure to the last arrival.
    pub transit_per_teu_hour: i64,
    /// Arriving one hour after the due time, for each unit.
    pub lateness_per_hour: i64,
    /// Added to that for each step of priority.
    pub lateness_priority_per_hour: i64,
    /// Handling at each change of trains.
    pub transfer: i64,
    /// Going otherwise than the last published plan says (rolling over counts too).
    pub change: i64,
    /// Rolling over a pinned unit.
    pub broken_pin: i64,
    /// Missing a train or a connection; multiplied by its probability.
    pub missed_connection: i64,
    /// Planning a unit although the milestone of a cut-off ahead is unknown.
    pub unknown_milestone: i64,
    /// Least minutes between trains of one gauge.
    pub transfer_min: i64,
    /// Least minutes between trains at a break of gauge.
    pub break_of_gauge_min: i64,
    /// At most so many minutes from one train's arrival to the next train's departure.
    pub max_change_min: i64,
    /// At most so many legs a unit.
    pub max_legs: usize,
}

impl Default for Weights {
    fn default() -> Self {
        Weights {
            priority_roll_over: 500,
            dwell_per_teu_hour: 1,
            transit_per_teu_hour: 0,
            lateness_per_hour: 10,
            lateness_priority_per_hour: 10,
            transfer: 50,
            change: 25,
            broken_pin: 100_000,
            missed_connection: 400,
            unknown_milestone: 40,
            transfer_min: 120,
            break_of_gauge_min: 480,
            max_change_min: 2880,
            max_legs: 3,
        }
    }
}

/// The level-1 problem at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RailProblem {
    /// The instant of planning, minutes since the epoch.
    pub now_at_min: i64,
    /// Slots with distinct ids.
    pub trains: Vec<TrainSlot>,
    /// Units with distinct ids.
    pub units: Vec<Unit>,
    /// Cuts that loading has taught.
    pub load_cuts: Vec<LoadCut>,
    /// Prices.
    pub weights: Weights,
}
