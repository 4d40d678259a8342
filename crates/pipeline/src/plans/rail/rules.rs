//! Prices and assumptions of rail-slot plans.

use domain::rail::Weights;

/// Everything about rail-slot plans that is a choice of the port. Prices are in one unit of the port's choosing.
#[derive(Debug, Clone)]
pub struct RailRules {
    /// Price of a unit that goes by no train of the plan; the weights add to it by priority.
    pub roll_over: i64,
    /// Uncertainty of an estimated readiness: one standard deviation, minutes; and how much it grows with every hour that
    /// it lies ahead.
    pub ready_spread_min: i64,
    /// That growth, minutes for an hour.
    pub ready_spread_per_h_min: i64,
    /// A unit of which nobody knows when it can be lifted is taken to be ready so long after now, minutes.
    pub ready_unknown_min: i64,
    /// Uncertainty of that, minutes.
    pub ready_unknown_spread_min: i64,
    /// A unit goes by the train that it is booked on or not at all. If not, leaving that train costs a change.
    pub is_booked_slot_binding: bool,
    /// Of so many units that are rolled over for want of room, the dearest first, a run tells who would have to give way.
    pub give_way_units_max: usize,
    /// Track gauge of all trains, millimetres.
    pub gauge_mm: i64,
    /// How sure it must be that a train is not overfull although it is booked beyond its room, thousandths; 1000: no
    /// train is.
    pub overbooking_confidence_permille: i64,
    /// Bookings that must have come to their end before a no-show rate counts.
    pub no_show_bookings_min: i64,
    /// Trains that close within so many minutes are loaded onto their wagons.
    pub load_within_min: i64,
    /// Budget of loading one train; 0: none is loaded.
    pub load_iterations: u64,
    /// The usual wagon, where a train's own are not known: Sgns, Sggrss, Sggmrss or T3000e; "" for none.
    pub wagon_type: String,
    /// Length of a train's wagons, decimetres.
    pub train_length_max_dm: i64,
    /// Mass of a train's units where its slot gives no limit, kilograms.
    pub train_gross_max_kg: i64,
    /// Load on one axle, kilograms.
    pub axle_max_kg: i64,
    /// The heavier bogie of a platform carries at most so many times the lighter.
    pub bogie_ratio_max: i64,
    /// The other prices and times.
    pub weights: Weights,
}

impl Default for RailRules {
    fn default() -> Self {
        RailRules {
            roll_over: 1_000,
            ready_spread_min: 30,
            ready_spread_per_h_min: 7,
            ready_unknown_min: 720,
            ready_unknown_spread_min: 360,
            is_booked_slot_binding: false,
            give_way_units_max: 20,
            gauge_mm: 1435,
            overbooking_confidence_permille: 950,
            no_show_bookings_min: 30,
            load_within_min: 720,
            load_iterations: 4_000,
            wagon_type: "Sggmrss".to_owned(),
            train_length_max_dm: 7_200,
            train_gross_max_kg: 1_600_000,
            axle_max_kg: 22_500,
            bogie_ratio_max: 3,
            weights: Weights::default(),
        }
    }
}
