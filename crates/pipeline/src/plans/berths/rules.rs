//! Prices, horizons and assumptions of berth plans.

use domain::berth::Weights;

/// Everything about berth plans that is a choice of the port. Costs are in one unit of the port's choosing.
#[derive(Debug, Clone)]
pub struct BerthRules {
    /// How far ahead is planned, minutes.
    pub horizon_min: i64,
    /// Stays start and end at multiples of this since 1970, minutes.
    pub time_step_min: i64,
    /// Stays planned to start within this time are frozen, minutes.
    pub frozen_min: i64,
    /// Stays planned to start within this time keep their berth, minutes.
    pub slushy_min: i64,
    /// How far such a stay may shift along its berth, metres.
    pub slushy_shift_m: i64,
    /// Distance of mooring places where a quay is used by the metre, metres.
    pub mooring_step_m: i64,
    /// Water that remains under the keel, cm.
    pub under_keel_cm: i64,
    /// Distance that a vessel with 0, 1, 2 or 3 blue cones keeps to its neighbours, metres.
    pub cone_distance_m: [i64; 4],
    /// Level of the berths' gauge from which traffic stops, cm; none if it never does.
    pub traffic_stops_cm: Option<i64>,
    /// Sailing and mooring from one terminal to another, minutes.
    pub travel_min: i64,
    /// A barge makes the calls of a rotation in their announced order.
    pub is_rotation_order_fixed: bool,
    /// A vessel that cannot leave by its latest departure gets no berth. If not, leaving later costs as much as leaving
    /// after the time due.
    pub is_latest_departure_hard: bool,
    /// A vessel whose estimated arrival is so long past, minutes, is not planned until somebody says more.
    pub overdue_max_min: i64,
    /// Length of a vessel that nobody gave, cm.
    pub length_unknown_cm: i64,
    /// Draught of a vessel that nobody gave, cm.
    pub draught_unknown_cm: i64,
    /// Time alongside without moves, where the moves are known and no time is agreed, minutes.
    pub setup_min: i64,
    /// Cranes that work one vessel.
    pub cranes_per_vessel: usize,
    /// Moves that a crane must have made lately before its measured rate counts instead of the master data's.
    pub rate_moves_min: i64,
    /// Moves an hour where a berth has no crane.
    pub moves_per_h_unknown: i64,
    /// Time alongside if neither moves nor an agreed time are known, minutes.
    pub handling_unknown_min: i64,
    /// How long a crane stands still of which nobody knows when it comes back, minutes.
    pub outage_unknown_min: i64,
    /// Price of a minute from arrival to departure of a vessel of priority 1; multiplied by the priority.
    pub in_port_per_min: i64,
    /// Price of leaving a vessel of priority 1 without a berth; multiplied by the priority.
    pub unassigned: i64,
    /// The other prices.
    pub weights: Weights,
}

impl Default for BerthRules {
    fn default() -> Self {
        BerthRules {
            horizon_min: 5 * 1440,
            time_step_min: 15,
            frozen_min: 180,
            slushy_min: 1440,
            slushy_shift_m: 50,
            mooring_step_m: 10,
            under_keel_cm: 20,
            cone_distance_m: [0, 10, 50, 100],
            traffic_stops_cm: Some(1130),
            travel_min: 45,
            is_rotation_order_fixed: true,
            is_latest_departure_hard: false,
            overdue_max_min: 1440,
            length_unknown_cm: 11_000,
            draught_unknown_cm: 280,
            setup_min: 30,
            cranes_per_vessel: 2,
            rate_moves_min: 30,
            moves_per_h_unknown: 25,
            handling_unknown_min: 240,
            outage_unknown_min: 240,
            in_port_per_min: 10,
            unassigned: 1_000_000,
            weights: Weights {
                late_per_min: 20,
                place_per_m: 1,
                other_quay: 500,
                crane_per_min: 0,
                outside_window_per_min: 0,
                change_berth: 600,
                change_per_m: 2,
                change_per_min: 0,
                change_stay: 2_000,
                change_stay_soon: 80,
                change_tolerance_min: 30,
            },
        }
    }
}
