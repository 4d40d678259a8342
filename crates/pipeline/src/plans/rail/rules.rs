//! Prices and assumptions of rail-slot plans.

use domain::rail::Weights;

/// Everything about rail-slot plans that is a choice of the port. Prices are in one unit of the port's choosing.
#[derive(Debug, Clone)]
pub struct RailRules {
    /// Price of a unit that goes by no train of the plan; the weights add to it by priority.
    pub roll_over: i64,
    /// Uncertainty of an estimated readiness: one standard deviation, minutes.
    pub ready_spread_min: i64,
    /// A unit of which nobody knows when it can be lifted is taken to be ready so long after now, minutes.
    pub ready_unknown_min: i64,
    /// Uncertainty of that, minutes.
    pub ready_unknown_spread_min: i64,
    /// A unit goes by the train that it is booked on or not at all. If not, leaving that train costs a change.
    pub is_booked_slot_binding: bool,
    /// Track gauge of all trains, millimetres.
    pub gauge_mm: i64,
    /// The other prices and times.
    pub weights: Weights,
}

impl Default for RailRules {
    fn default() -> Self {
        RailRules {
            roll_over: 1_000,
            ready_spread_min: 60,
            ready_unknown_min: 720,
            ready_unknown_spread_min: 360,
            is_booked_slot_binding: false,
            gauge_mm: 1435,
            weights: Weights::default(),
        }
    }
}
