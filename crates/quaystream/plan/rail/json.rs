//! The full-rule instance as JSON, version 1. Times are minutes since the epoch, masses kilograms, lengths decimetres,
//! capacities quarters of a TEU, prices one money-like unit. A limit that is left out does not bind.
//!
//! ```json
//! {"version": 1, "now_at_min": 0,
//!  "trains": [{"id": "T1", "origin": "DEDUI", "destination": "PLMAA", "departure_at_min": 600, "arrival_at_min": 1900,
//!              "max_teu_quarters": 368, "max_gross_kg": 1600000, "cut_offs": {"VCO": 300, "FCO": 420}}],
//!  "units": [{"id": "U1", "origin": "DEDUI", "destination": "PLMAA", "teu_quarters": 8, "length_dm": 122,
//!             "gross_kg": 21000, "ready_at_min": 60, "vgm_at_min": 30, "documents_at_min": 0, "roll_over_price": 1500}]}
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::rail::problem::Weights;
use domain::rail::wagons::{Consist, Segregation, Wagon, catalogue};
use domain::rail::{
    Cargo, Customs, CutOff, CutOffKind, DangerousLimit, LoadCut, Lock, Milestone, RailProblem,
    SlotStatus, TrainSlot, UNLIMITED, Unit,
};
use serde::Deserialize;

use super::error::RailError;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProblem {
    version: u32,
    now_at_min: i64,
    trains: Vec<RawTrain>,
    units: Vec<RawUnit>,
    #[serde(default)]
    load_cuts: Vec<RawCut>,
    #[serde(default)]
    weights: RawWeights,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum RawStatus {
    #[default]
    Open,
    Closed,
    Departed,
    Cancelled,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrain {
    id: String,
    origin: String,
    destination: String,
    #[serde(default)]
    also_serves: Vec<String>,
    #[serde(default)]
    corridor: String,
    #[serde(default)]
    track: String,
    #[serde(default = "standard_gauge")]
    gauge_mm: i64,
    departure_at_min: i64,
    arrival_at_min: i64,
    #[serde(default)]
    arrival_spread_min: i64,
    #[serde(default)]
    status: RawStatus,
    closing_at_min: Option<i64>,
    max_length_dm: Option<i64>,
    max_teu_quarters: Option<i64>,
    max_gross_kg: Option<i64>,
    max_unit_gross_kg: Option<i64>,
    max_unit_length_dm: Option<i64>,
    max_profile_code: Option<i64>,
    #[serde(default)]
    dangerous_limits: Vec<RawDangerous>,
    #[serde(default)]
    cut_offs: BTreeMap<String, i64>,
    #[serde(default)]
    price_per_teu: i64,
    consist: Option<RawConsist>,
}

/// The wagons of a train, if it is to be loaded. Types are those of the catalogue: Sgns, Sggrss, Sggmrss, T3000e.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConsist {
    wagons: Vec<RawWagon>,
    #[serde(default = "axle_kg")]
    max_axle_kg: i64,
    #[serde(default = "train_kg")]
    max_train_kg: i64,
    #[serde(default = "train_dm")]
    max_length_dm: i64,
    #[serde(default)]
    segregations: Vec<RawSegregation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWagon {
    number: String,
    #[serde(rename = "type")]
    wagon_type: String,
    #[serde(default)]
    defective: bool,
    /// (platform, pattern) pairs that broken spigots rule out.
    #[serde(default)]
    lost_patterns: Vec<(usize, usize)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSegregation {
    class: String,
    other: String,
    #[serde(default)]
    wagons_between: usize,
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
struct RawDangerous {
    #[serde(default)]
    classes: Vec<String>,
    max_units: Option<i64>,
    max_gross_kg: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCut {
    train: String,
    units: Vec<String>,
    max_units: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE", tag = "status", deny_unknown_fields)]
enum RawCustoms {
    Released,
    Expected { at_min: i64 },
    Held,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUnit {
    id: String,
    origin: String,
    destination: String,
    corridor: Option<String>,
    teu_quarters: i64,
    length_dm: i64,
    gross_kg: i64,
    #[serde(default)]
    profile_code: i64,
    #[serde(default)]
    empty: bool,
    #[serde(default)]
    reefer: bool,
    #[serde(default)]
    out_of_gauge: bool,
    dangerous_class: Option<String>,
    ready_at_min: i64,
    #[serde(default)]
    ready_spread_min: i64,
    customs: Option<RawCustoms>,
    vgm_at_min: Option<i64>,
    documents_at_min: Option<i64>,
    declaration_at_min: Option<i64>,
    #[serde(default)]
    priority: i64,
    due_at_min: Option<i64>,
    roll_over_price: i64,
    keep_together: Option<String>,
    #[serde(default)]
    pinned_to: Vec<String>,
    #[serde(default)]
    bumped_from: Vec<String>,
    #[serde(default)]
    previous: Vec<String>,
}

macro_rules! weights {
    ($($name:ident: $kind:ty),* $(,)?) => {
        /// Every weight may be left out; then the planner's default holds.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RawWeights { $($name: Option<$kind>),* }

        impl RawWeights {
            fn or_default(self) -> Weights {
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

/// A problem, and the wagons of the trains that are to be loaded.
#[derive(Debug)]
pub struct Instance {
    /// Level 1.
    pub problem: RailProblem,
    /// Level 2, by slot.
    pub consists: BTreeMap<String, Consist>,
}

/// Reads a problem and looks for what would make no sense.
pub fn read(text: &str, file: &Path) -> Result<Instance, RailError> {
    let raw: RawProblem = serde_json::from_str(text).map_err(|source| RailError::Json {
        file: file.to_owned(),
        source,
    })?;
    let fault = |field: String, reason: &str| RailError::Meaning {
        file: file.to_owned(),
        field,
        reason: reason.to_owned(),
    };
    if raw.version != 1 {
        return Err(fault("version".to_owned(), "only version 1 is known"));
    }
    let mut problem = RailProblem {
        now_at_min: raw.now_at_min,
        trains: Vec::with_capacity(raw.trains.len()),
        units: raw.units.into_iter().map(unit).collect(),
        load_cuts: raw.load_cuts.into_iter().map(cut).collect(),
        weights: raw.weights.or_default(),
    };
    let mut consists = BTreeMap::new();
    for mut raw in raw.trains {
        let id = raw.id.clone();
        if let Some(raw) = raw.consist.take() {
            let consist = consist(raw).map_err(|reason| fault(format!("train {id}"), &reason))?;
            consists.insert(id.clone(), consist);
        }
        problem.trains.push(train(raw).map_err(|code| {
            fault(
                format!("train {id}"),
                &format!("{code:?} is no cut-off code of DCSA"),
            )
        })?);
    }
    if let Some((field, reason)) = nonsense(&problem) {
        return Err(fault(field, reason));
    }
    Ok(Instance { problem, consists })
}

/// The wagons, or what is wrong with them.
fn consist(raw: RawConsist) -> Result<Consist, String> {
    let types = vec![
        catalogue::sgns(),
        catalogue::sggrss(),
        catalogue::sggmrss(),
        catalogue::t3000e(),
    ];
    let mut wagons = Vec::with_capacity(raw.wagons.len());
    for wagon in raw.wagons {
        let known = types
            .iter()
            .position(|known| known.name == wagon.wagon_type);
        wagons.push(Wagon {
            wagon_type: known.ok_or_else(|| {
                format!(
                    "wagon type {:?} is not one of Sgns, Sggrss, Sggmrss, T3000e",
                    wagon.wagon_type
                )
            })?,
            number: wagon.number,
            is_defective: wagon.defective,
            lost_patterns: wagon.lost_patterns,
        });
    }
    let segregation = |raw: RawSegregation| Segregation {
        class: raw.class,
        other: raw.other,
        wagons_between: raw.wagons_between,
    };
    Ok(Consist {
        types,
        wagons,
        max_axle_kg: raw.max_axle_kg,
        max_train_kg: raw.max_train_kg,
        max_length_dm: raw.max_length_dm,
        max_bogie_ratio: 3,
        segregations: raw.segregations.into_iter().map(segregation).collect(),
    })
}

fn nonsense(problem: &RailProblem) -> Option<(String, &'static str)> {
    const LARGEST: i64 = 1_000_000_000;
    let mut seen = BTreeSet::new();
    for slot in &problem.trains {
        let field = || format!("train {}", slot.id);
        if !seen.insert(&slot.id) {
            return Some((field(), "the id occurs twice"));
        }
        if slot.arrival_at_min < slot.departure_at_min {
            return Some((field(), "it arrives before it leaves"));
        }
        if !(0..=LARGEST).contains(&slot.price_per_teu) {
            return Some((field(), "the price is not between 0 and 10^9"));
        }
    }
    seen.clear();
    for unit in &problem.units {
        let field = || format!("unit {}", unit.id);
        if !seen.insert(&unit.id) {
            return Some((field(), "the id occurs twice"));
        }
        let amounts = [
            unit.teu_quarters,
            unit.length_dm,
            unit.gross_kg,
            unit.roll_over_price,
            unit.priority,
            unit.ready_spread_min,
        ];
        if amounts.iter().any(|amount| !(0..=LARGEST).contains(amount)) {
            return Some((
                field(),
                "a size, mass, price, priority or spread is not between 0 and 10^9",
            ));
        }
    }
    None
}

fn limit(limit: Option<i64>) -> i64 {
    limit.unwrap_or(UNLIMITED)
}

/// The slot, or the code of a cut-off that is not known.
fn train(raw: RawTrain) -> Result<TrainSlot, String> {
    let mut cut_offs = Vec::with_capacity(raw.cut_offs.len());
    for (code, at_min) in raw.cut_offs {
        let kind = CutOffKind::from_code(&code).ok_or(code)?;
        cut_offs.push(CutOff { kind, at_min });
    }
    let dangerous = |raw: RawDangerous| DangerousLimit {
        classes: raw.classes,
        max_units: limit(raw.max_units),
        max_gross_kg: limit(raw.max_gross_kg),
    };
    Ok(TrainSlot {
        id: raw.id,
        origin: raw.origin,
        destination: raw.destination,
        also_serves: raw.also_serves,
        corridor: raw.corridor,
        track: raw.track,
        gauge_mm: raw.gauge_mm,
        departure_at_min: raw.departure_at_min,
        arrival_at_min: raw.arrival_at_min,
        arrival_spread_min: raw.arrival_spread_min,
        status: match raw.status {
            RawStatus::Open => SlotStatus::Open,
            RawStatus::Closed => SlotStatus::Closed,
            RawStatus::Departed => SlotStatus::Departed,
            RawStatus::Cancelled => SlotStatus::Cancelled,
        },
        closing_at_min: raw.closing_at_min.unwrap_or(raw.departure_at_min),
        max_length_dm: limit(raw.max_length_dm),
        max_teu_quarters: limit(raw.max_teu_quarters),
        max_gross_kg: limit(raw.max_gross_kg),
        max_unit_gross_kg: limit(raw.max_unit_gross_kg),
        max_unit_length_dm: limit(raw.max_unit_length_dm),
        max_profile_code: limit(raw.max_profile_code),
        dangerous_limits: raw.dangerous_limits.into_iter().map(dangerous).collect(),
        cut_offs,
        price_per_teu: raw.price_per_teu,
    })
}

fn unit(raw: RawUnit) -> Unit {
    let milestone = |at: Option<i64>| at.map_or(Milestone::Unknown, Milestone::At);
    Unit {
        id: raw.id,
        origin: raw.origin,
        destination: raw.destination,
        corridor: raw.corridor,
        teu_quarters: raw.teu_quarters,
        length_dm: raw.length_dm,
        gross_kg: raw.gross_kg,
        profile_code: raw.profile_code,
        cargo: Cargo {
            is_empty: raw.empty,
            is_reefer: raw.reefer,
            is_out_of_gauge: raw.out_of_gauge,
            dangerous_class: raw.dangerous_class,
        },
        ready_at_min: raw.ready_at_min,
        ready_spread_min: raw.ready_spread_min,
        customs: match raw.customs {
            None | Some(RawCustoms::Released) => Customs::Released,
            Some(RawCustoms::Expected { at_min }) => Customs::Expected(at_min),
            Some(RawCustoms::Held) => Customs::Held,
        },
        vgm: milestone(raw.vgm_at_min),
        documents: milestone(raw.documents_at_min),
        declaration: milestone(raw.declaration_at_min),
        priority: raw.priority,
        due_at_min: raw.due_at_min,
        roll_over_price: raw.roll_over_price,
        keep_together: raw.keep_together,
        lock: match (raw.pinned_to.is_empty(), raw.bumped_from.is_empty()) {
            (false, _) => Lock::Pinned(raw.pinned_to),
            (true, false) => Lock::Bumped(raw.bumped_from),
            (true, true) => Lock::Free,
        },
        previous: raw.previous,
    }
}

fn cut(raw: RawCut) -> LoadCut {
    LoadCut {
        train: raw.train,
        units: raw.units,
        max_units: raw.max_units,
    }
}
