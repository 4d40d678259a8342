//! The JSON form of a berth problem, version 1 (docs/BERTH.md lists every field). Ids are strings; references are by id.
//! Times are minutes, metres along the quay, centimetres of water, whole cost units.

use domain::berth as d;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that this build reads and writes.
pub const VERSION: u32 = 1;

/// A problem file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Must be 1.
    pub version: u32,
    /// Quantum of time, minutes.
    pub time_step_min: i64,
    /// No stay ends later.
    pub horizon_end_min: i64,
    /// Berths.
    pub berths: Vec<Berth>,
    /// Cranes.
    #[serde(default)]
    pub cranes: Vec<Crane>,
    /// Calls.
    pub calls: Vec<Call>,
    /// Barges with several calls.
    #[serde(default)]
    pub rotations: Vec<Rotation>,
    /// Minutes from terminal to terminal.
    #[serde(default)]
    pub travel_min: Vec<Vec<i64>>,
    /// Locked orders: pairs of call ids.
    #[serde(default)]
    pub orders: Vec<(String, String)>,
    /// Contracted windows.
    #[serde(default)]
    pub reservations: Vec<Reservation>,
    /// Steps of the water level: minute and level above the reference gauge, cm.
    #[serde(default)]
    pub water: Vec<(i64, i64)>,
    /// Traffic stops from this level on.
    #[serde(default)]
    pub water_stop_cm: Option<i64>,
    /// Keel clearance.
    #[serde(default)]
    pub under_keel_cm: i64,
    /// Distance by cones 0 to 3.
    #[serde(default)]
    pub cone_distance_m: [i64; 4],
    /// Frozen before this minute.
    #[serde(default = "long_ago")]
    pub frozen_until_min: i64,
    /// Slushy before this minute.
    #[serde(default = "long_ago")]
    pub slushy_until_min: i64,
    /// Shift allowed to a slushy stay.
    #[serde(default)]
    pub slushy_shift_m: i64,
    /// Prices.
    #[serde(default)]
    pub weights: Weights,
}

fn long_ago() -> i64 {
    -d::validate::MAGNITUDE_MAX
}

/// A berth, discrete unless `step_m` is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Berth {
    /// Id.
    pub id: String,
    /// Index into the travel table.
    #[serde(default)]
    pub terminal: usize,
    /// Number of the quay.
    #[serde(default)]
    pub quay: usize,
    /// First metre.
    #[serde(default)]
    pub from_m: i64,
    /// First metre after.
    pub to_m: i64,
    /// Distance of mooring places; makes the berth one by the metre.
    #[serde(default)]
    pub step_m: Option<i64>,
    /// Gap between neighbours.
    #[serde(default)]
    pub gap_m: i64,
    /// Depth at the reference gauge.
    pub depth_cm: i64,
    /// Shallower stretches: from metre, to metre, depth cm.
    #[serde(default)]
    pub sections: Vec<(i64, i64, i64)>,
    /// Clearance above.
    #[serde(default)]
    pub air_clearance_cm: Option<i64>,
    /// Most cones.
    #[serde(default)]
    pub cones_max: u8,
    /// Opening hours.
    #[serde(default)]
    pub open: Vec<(i64, i64)>,
    /// Closures: from metre, to metre, from minute, to minute.
    #[serde(default)]
    pub closures: Vec<(i64, i64, i64, i64)>,
}

/// A crane.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crane {
    /// Id.
    pub id: String,
    /// Number of the quay.
    #[serde(default)]
    pub quay: usize,
    /// Place in the row of cranes.
    pub rail_order: i64,
    /// Reach.
    pub reach_from_m: i64,
    /// Reach.
    pub reach_to_m: i64,
    /// Moves an hour, in hundredths.
    pub rate_centimoves_h: i64,
    /// Outages.
    #[serde(default)]
    pub outages: Vec<(i64, i64)>,
}

/// A call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Id.
    pub id: String,
    /// Length.
    pub length_m: i64,
    /// Draught.
    #[serde(default)]
    pub draught_cm: i64,
    /// Height above the water.
    #[serde(default)]
    pub air_draught_cm: i64,
    /// Cones.
    #[serde(default)]
    pub cones: u8,
    /// Estimated arrival.
    pub arrival_min: i64,
    /// Earliest start; the arrival if absent.
    #[serde(default)]
    pub release_min: Option<i64>,
    /// By berth id: minutes, or "cranes". Other berths are forbidden.
    pub handling: BTreeMap<String, Handling>,
    /// Crane work.
    #[serde(default)]
    pub work: Option<Work>,
    /// Hard limit.
    #[serde(default)]
    pub latest_departure_min: Option<i64>,
    /// Soft limit.
    #[serde(default)]
    pub due_min: Option<i64>,
    /// Price of a minute in port.
    pub cost_per_min: i64,
    /// Price of no stay.
    pub unassigned_price: i64,
    /// Preferred berth and metre.
    #[serde(default)]
    pub preferred: Option<(String, i64)>,
    /// Contract.
    #[serde(default)]
    pub contract: Option<usize>,
    /// Promised window.
    #[serde(default)]
    pub promised: Option<(i64, i64)>,
    /// Locks.
    #[serde(default)]
    pub lock: Lock,
    /// Stay of the last plan.
    #[serde(default)]
    pub previous: Option<Previous>,
    /// Lies there already.
    #[serde(default)]
    pub alongside: bool,
}

/// Minutes, or the word "cranes".
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Handling {
    /// Minutes without cranes.
    Minutes(i64),
    /// By cranes.
    Cranes(CranesWord),
}

/// The word "cranes".
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum CranesWord {
    /// The word.
    #[serde(rename = "cranes")]
    Cranes,
}

/// Crane work.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Moves.
    pub moves: i64,
    /// Minutes without moves.
    #[serde(default)]
    pub setup_min: i64,
    /// Fewest cranes.
    pub cranes_min: usize,
    /// Most cranes.
    pub cranes_max: usize,
}

/// Locks of a call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Berth id.
    #[serde(default)]
    pub berth: Option<String>,
    /// First metre.
    #[serde(default)]
    pub from_m: Option<i64>,
    /// Start.
    #[serde(default)]
    pub start_min: Option<i64>,
}

/// A stay of the last plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Berth id.
    pub berth: String,
    /// First metre.
    pub from_m: i64,
    /// Start.
    pub start_min: i64,
}

/// A rotation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Barge.
    pub barge: String,
    /// Call ids.
    pub calls: Vec<String>,
    /// In this order only.
    #[serde(default)]
    pub order_fixed: bool,
}

/// A contracted window.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// Berth id.
    pub berth: String,
    /// Contract.
    pub contract: usize,
    /// From minute.
    pub start_min: i64,
    /// To minute.
    pub end_min: i64,
}

/// Prices.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// A minute late.
    pub late_per_min: i64,
    /// A metre off the preferred place.
    pub place_per_m: i64,
    /// Another quay than the preferred one.
    pub other_quay: i64,
    /// A minute of one crane.
    pub crane_per_min: i64,
    /// A minute outside the promised window.
    pub outside_window_per_min: i64,
    /// Another berth than in the last plan.
    pub change_berth: i64,
    /// A metre of shift.
    pub change_per_m: i64,
    /// A minute of shift.
    pub change_per_min: i64,
    /// Moving a stay at all.
    pub change_stay: i64,
    /// The same for a stay at the frozen horizon; as `change_stay` if left out.
    pub change_stay_soon: Option<i64>,
    /// Minutes that a start may shift before the stay counts as moved.
    pub change_tolerance_min: i64,
}

/// A plan file: the stays, and the calls without one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Stays.
    pub stays: Vec<Stay>,
    /// Calls without a stay, and why.
    #[serde(default)]
    pub unassigned: Vec<Unassigned>,
}

/// A stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stay {
    /// Call id.
    pub call: String,
    /// Berth id.
    pub berth: String,
    /// First metre.
    pub from_m: i64,
    /// Start.
    pub start_min: i64,
    /// End.
    pub end_min: i64,
    /// Crane ids.
    #[serde(default)]
    pub cranes: Vec<String>,
}

/// A call without a stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unassigned {
    /// Call id.
    pub call: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}
