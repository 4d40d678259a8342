//! The planners' sections of the configuration file as they are written. `planners` says what each option means to the
//! engine.

use serde::Deserialize;
use toml::Spanned;

/// What the planners' ticks follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tick {
    /// Event time, once all sources have passed it.
    Watermark,
    /// The wall clock.
    Clock,
}

/// `[planners]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planners {
    /// What their ticks follow.
    pub tick: Tick,
}

/// `[planners.*]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planner {
    /// Off: no plans of this kind.
    pub is_on: bool,
    /// From one plan to the next, seconds of event time.
    pub every_s: Spanned<u64>,
    /// Budget of one solve.
    pub iterations: Spanned<u64>,
    /// Seed of the solver.
    pub seed: u64,
}

/// `[planners.berths.triggers]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BerthTriggers {
    /// From one look to the next, seconds of event time; 0: never.
    pub every_s: Spanned<u64>,
    /// From one plan to the next at least, seconds of event time.
    pub interval_min_s: Spanned<u64>,
    /// An arrival's shift that is tolerated, minutes.
    pub arrival_min: Spanned<i64>,
    /// A water level's change that is tolerated, cm.
    pub water_cm: Spanned<i64>,
}

/// `[planners.rail.triggers]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RailTriggers {
    /// From one look to the next, seconds of event time; 0: never.
    pub every_s: Spanned<u64>,
    /// From one plan to the next at least, seconds of event time.
    pub interval_min_s: Spanned<u64>,
    /// A train's shift that is tolerated, minutes.
    pub departure_min: Spanned<i64>,
    /// A cut-off's shift that is tolerated, minutes.
    pub cut_off_min: Spanned<i64>,
    /// A unit's shift of readiness that is tolerated, minutes.
    pub ready_min: Spanned<i64>,
}

/// `[planners.berths.rules]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // docs/CONFIGURATION.md and `pipeline::plans::berths::BerthRules`
pub struct BerthRules {
    pub horizon_min: Spanned<i64>,
    pub time_step_min: Spanned<i64>,
    pub frozen_min: Spanned<i64>,
    pub slushy_min: Spanned<i64>,
    pub slushy_shift_m: Spanned<i64>,
    pub change_tolerance_min: Spanned<i64>,
    pub mooring_step_m: Spanned<i64>,
    pub under_keel_cm: Spanned<i64>,
    pub cone_distance_m: Spanned<[i64; 4]>,
    pub traffic_stops_cm: Spanned<i64>,
    pub travel_min: Spanned<i64>,
    pub is_rotation_order_fixed: bool,
    pub is_latest_departure_hard: bool,
    pub overdue_max_min: Spanned<i64>,
    pub length_unknown_cm: Spanned<i64>,
    pub draught_unknown_cm: Spanned<i64>,
    pub setup_min: Spanned<i64>,
    pub cranes_per_vessel: Spanned<i64>,
    pub rate_moves_min: Spanned<i64>,
    pub moves_per_h_unknown: Spanned<i64>,
    pub handling_unknown_min: Spanned<i64>,
    pub outage_unknown_min: Spanned<i64>,
}

/// `[planners.berths.prices]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BerthPrices {
    pub in_port_per_min: Spanned<i64>,
    pub unassigned: Spanned<i64>,
    pub late_per_min: Spanned<i64>,
    pub place_per_m: Spanned<i64>,
    pub other_quay: Spanned<i64>,
    pub change_berth: Spanned<i64>,
    pub change_per_m: Spanned<i64>,
    pub change_per_min: Spanned<i64>,
    pub change_stay: Spanned<i64>,
    pub change_stay_soon: Spanned<i64>,
}

/// `[planners.rail.rules]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RailRules {
    pub ready_spread_min: Spanned<i64>,
    pub ready_spread_per_h_min: Spanned<i64>,
    pub ready_unknown_min: Spanned<i64>,
    pub ready_unknown_spread_min: Spanned<i64>,
    pub is_booked_slot_binding: bool,
    pub give_way_units_max: Spanned<i64>,
    pub gauge_mm: Spanned<i64>,
    pub transfer_min: Spanned<i64>,
    pub break_of_gauge_min: Spanned<i64>,
    pub change_max_min: Spanned<i64>,
    pub legs_max: Spanned<i64>,
}

/// `[planners.rail.overbooking]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Overbooking {
    pub confidence_permille: Spanned<i64>,
    pub no_show_bookings_min: Spanned<i64>,
}

/// `[planners.rail.loading]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Loading {
    pub within_min: Spanned<i64>,
    pub iterations: Spanned<i64>,
    pub wagon_type: Spanned<String>,
    pub train_length_max_dm: Spanned<i64>,
    pub train_gross_max_kg: Spanned<i64>,
    pub axle_max_kg: Spanned<i64>,
    pub bogie_ratio_max: Spanned<i64>,
}

/// `[planners.rail.prices]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RailPrices {
    pub roll_over: Spanned<i64>,
    pub priority_roll_over: Spanned<i64>,
    pub dwell_per_teu_hour: Spanned<i64>,
    pub transit_per_teu_hour: Spanned<i64>,
    pub lateness_per_hour: Spanned<i64>,
    pub lateness_priority_per_hour: Spanned<i64>,
    pub transfer: Spanned<i64>,
    pub change: Spanned<i64>,
    pub broken_pin: Spanned<i64>,
    pub missed_connection: Spanned<i64>,
    pub unknown_milestone: Spanned<i64>,
}
