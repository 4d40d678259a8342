//! The JSON as it is written.

use std::collections::BTreeMap;

use domain::rail::problem::Weights;
use pipeline::plans::rail::RailRules;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProblem {
    pub version: u32,
    pub now_at_min: i64,
    pub trains: Vec<RawTrain>,
    pub units: Vec<RawUnit>,
    #[serde(default)]
    pub load_cuts: Vec<RawCut>,
    #[serde(default)]
    pub weights: RawWeights,
    pub overbooking: Option<RawOverbooking>,
}

/// How far trains are booked beyond their room. Without it none is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOverbooking {
    /// How sure it must be that a train is not overfull, thousandths.
    #[serde(default = "confidence_permille")]
    pub confidence_permille: i64,
    /// Bookings that must have come to their end before a rate counts.
    #[serde(default = "bookings_min")]
    pub bookings_min: i64,
    #[serde(default)]
    pub rates: Vec<RawRate>,
}

/// What was measured of one customer on one service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRate {
    #[serde(default)]
    pub customer: String,
    #[serde(default)]
    pub service: String,
    pub shows: i64,
    pub no_shows: i64,
}

fn confidence_permille() -> i64 {
    RailRules::default().overbooking_confidence_permille
}

fn bookings_min() -> i64 {
    RailRules::default().no_show_bookings_min
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RawStatus {
    #[default]
    Open,
    Closed,
    Departed,
    Cancelled,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTrain {
    pub id: String,
    pub origin: String,
    pub destination: String,
    #[serde(default)]
    pub also_serves: Vec<String>,
    #[serde(default)]
    pub corridor: String,
    #[serde(default)]
    pub track: String,
    #[serde(default = "standard_gauge")]
    pub gauge_mm: i64,
    pub departure_at_min: i64,
    pub arrival_at_min: i64,
    #[serde(default)]
    pub arrival_spread_min: i64,
    #[serde(default)]
    pub status: RawStatus,
    pub closing_at_min: Option<i64>,
    pub max_length_dm: Option<i64>,
    pub max_teu_quarters: Option<i64>,
    pub max_gross_kg: Option<i64>,
    pub max_unit_gross_kg: Option<i64>,
    pub max_unit_length_dm: Option<i64>,
    pub max_profile_code: Option<i64>,
    #[serde(default)]
    pub dangerous_limits: Vec<RawDangerous>,
    #[serde(default)]
    pub cut_offs: BTreeMap<String, i64>,
    #[serde(default)]
    pub price_per_teu: i64,
    pub consist: Option<RawConsist>,
}

/// The wagons of a train, if it is to be loaded. Types are those of the catalogue: Sgns, Sggrss, Sggmrss, T3000e.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConsist {
    pub wagons: Vec<RawWagon>,
    #[serde(default = "axle_kg")]
    pub max_axle_kg: i64,
    #[serde(default = "train_kg")]
    pub max_train_kg: i64,
    #[serde(default = "train_dm")]
    pub max_length_dm: i64,
    #[serde(default)]
    pub segregations: Vec<RawSegregation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWagon {
    pub number: String,
    #[serde(rename = "type")]
    pub wagon_type: String,
    #[serde(default)]
    pub defective: bool,
    /// (platform, pattern) pairs that broken spigots rule out.
    #[serde(default)]
    pub lost_patterns: Vec<(usize, usize)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSegregation {
    pub class: String,
    pub other: String,
    #[serde(default)]
    pub wagons_between: usize,
}

fn axle_kg() -> i64 {
    22_500
}

fn train_kg() -> i64 {
    2_000_000
}

/// 740 m less a locomotive.
fn train_dm() -> i64 {
    7_200
}

fn standard_gauge() -> i64 {
    1435
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDangerous {
    #[serde(default)]
    pub classes: Vec<String>,
    pub max_units: Option<i64>,
    pub max_gross_kg: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCut {
    pub train: String,
    pub units: Vec<String>,
    pub max_units: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE", tag = "status", deny_unknown_fields)]
pub enum RawCustoms {
    Released,
    Expected { at_min: i64 },
    Held,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUnit {
    pub id: String,
    pub origin: String,
    pub destination: String,
    pub corridor: Option<String>,
    pub teu_quarters: i64,
    pub length_dm: i64,
    pub gross_kg: i64,
    #[serde(default)]
    pub profile_code: i64,
    #[serde(default)]
    pub empty: bool,
    #[serde(default)]
    pub reefer: bool,
    #[serde(default)]
    pub out_of_gauge: bool,
    pub dangerous_class: Option<String>,
    pub ready_at_min: i64,
    #[serde(default)]
    pub ready_spread_min: i64,
    pub customs: Option<RawCustoms>,
    pub vgm_at_min: Option<i64>,
    pub documents_at_min: Option<i64>,
    pub declaration_at_min: Option<i64>,
    #[serde(default)]
    pub priority: i64,
    pub due_at_min: Option<i64>,
    pub roll_over_price: i64,
    pub keep_together: Option<String>,
    #[serde(default)]
    pub pinned_to: Vec<String>,
    #[serde(default)]
    pub bumped_from: Vec<String>,
    #[serde(default)]
    pub previous: Vec<String>,
    #[serde(default)]
    pub customer: String,
    /// The service that it is booked on.
    #[serde(default)]
    pub service: String,
    /// True if it stands in the terminal, and so shows up for certain.
    #[serde(default)]
    pub present: bool,
    /// How often it shows up, thousandths, where that is known better than by customer and service.
    pub show_permille: Option<i64>,
}

macro_rules! weights {
    ($($name:ident: $kind:ty),* $(,)?) => {
        /// Every weight may be left out; then the planner's default holds.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct RawWeights { $($name: Option<$kind>),* }

        impl RawWeights {
            pub fn or_default(self) -> Weights {
                let default = Weights::default();
                Weights { $($name: self.$name.unwrap_or(default.$name)),* }
            }
        }
    };
}

weights! {
    priority_roll_over: i64,
    dwell_per_teu_hour: i64,
    transit_per_teu_hour: i64,
    lateness_per_hour: i64,
    lateness_priority_per_hour: i64,
    transfer: i64,
    change: i64,
    broken_pin: i64,
    missed_connection: i64,
    unknown_milestone: i64,
    transfer_min: i64,
    break_of_gauge_min: i64,
    max_change_min: i64,
    max_legs: usize,
}
