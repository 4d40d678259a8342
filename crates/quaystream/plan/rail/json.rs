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
//!
//! With `overbooking` trains are booked beyond their room, as far as no-shows and the confidence allow. What was measured
//! is told by customer and service; a unit says whose it is and on which service it is booked. Its rate is the upper end of the
//! interval that was measured for both, else for the service, if at least `bookings_min` bookings are behind it. Without a
//! rate, and if it is `present`, it shows up for certain; `show_permille` sets the rate of one unit.
//!
//! ```json
//! {"overbooking": {"confidence_permille": 950, "bookings_min": 30,
//!                  "rates": [{"customer": "ACME", "service": "DUI-MAA", "shows": 170, "no_shows": 30}]},
//!  "units": [{"id": "U1", "customer": "ACME", "service": "DUI-MAA", "present": false}]}
//! ```
//!
//! All of that may be left out.

mod nonsense;
mod raw;

use std::collections::BTreeMap;
use std::path::Path;

use domain::rail::wagons::{Consist, Segregation, Wagon, catalogue};
use domain::rail::{
    Cargo, Customs, CutOff, CutOffKind, DangerousLimit, LoadCut, Lock, Milestone, RailProblem,
    SlotStatus, TrainSlot, UNLIMITED, Unit,
};
use optimise::rail::overbook::{CERTAIN_PERMILLE, Rates};

use super::error::RailError;
use super::faulty::{self, List};
use raw::{
    RawConsist, RawCustoms, RawCut, RawDangerous, RawOverbooking, RawProblem, RawRate,
    RawSegregation, RawStatus, RawTrain, RawUnit, RawWeights,
};

/// Where objects stand in the file, for errors that name them.
const LISTS: [List; 6] = [
    List::of::<RawTrain>("/trains", "train", "id"),
    List::of::<RawUnit>("/units", "unit", "id"),
    List::of::<RawCut>("/load_cuts", "load cut of train", "train"),
    List::of::<RawRate>("/overbooking/rates", "no-show rate of customer", "customer"),
    List::of::<RawOverbooking>("/overbooking", "overbooking", ""),
    List::of::<RawWeights>("/weights", "weights", ""),
];

/// A problem, and the wagons of the trains that are to be loaded.
#[derive(Debug)]
pub struct Instance {
    /// Level 1.
    pub problem: RailProblem,
    /// Level 2, by slot.
    pub consists: BTreeMap<String, Consist>,
    /// Level 3, if asked for.
    pub overbooking: Option<Booked>,
}

/// How far trains are booked beyond their room.
#[derive(Debug)]
pub struct Booked {
    /// How sure it must be that a train is not overfull, thousandths.
    pub confidence_permille: i64,
    /// How often each unit shows up, thousandths.
    pub permille: BTreeMap<String, i64>,
}

impl Booked {
    /// How often a unit shows up, thousandths.
    pub fn of(&self, unit: &str) -> i64 {
        let known = self.permille.get(unit).copied();
        known.unwrap_or(CERTAIN_PERMILLE)
    }
}

/// Reads a problem and looks for what would make no sense.
pub fn read(text: &str, file: &Path) -> Result<Instance, RailError> {
    let raw: RawProblem =
        serde_json::from_str(text).map_err(|source| faulty::error(file, text, &source, &LISTS))?;
    let fault = |field: String, reason: &str| RailError::Meaning {
        file: file.to_owned(),
        field,
        reason: reason.to_owned(),
    };
    if raw.version != 1 {
        return Err(fault("version".to_owned(), "only version 1 is known"));
    }
    if let Some((field, reason)) = nonsense::of_rates(&raw) {
        return Err(fault(field, &reason));
    }
    let overbooking = raw
        .overbooking
        .as_ref()
        .map(|rates| booked(rates, &raw.units));
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
    if let Some((field, reason)) = nonsense::of_problem(&problem) {
        return Err(fault(field, reason));
    }
    Ok(Instance {
        problem,
        consists,
        overbooking,
    })
}

/// Who shows up how often.
fn booked(raw: &RawOverbooking, units: &[RawUnit]) -> Booked {
    let mut rates = Rates::default();
    for RawRate {
        customer,
        service,
        shows,
        no_shows,
    } in &raw.rates
    {
        rates.add(customer, service, *shows, *no_shows);
    }
    let permille = |unit: &RawUnit| match unit.show_permille {
        _ if unit.present => CERTAIN_PERMILLE,
        Some(permille) => permille,
        None => rates.permille(&unit.customer, &unit.service, raw.bookings_min),
    };
    Booked {
        confidence_permille: raw.confidence_permille,
        permille: (units.iter())
            .map(|unit| (unit.id.clone(), permille(unit)))
            .collect(),
    }
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
