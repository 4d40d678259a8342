//! The JSON that `--out json` prints, version 1.

use std::collections::BTreeMap;

use domain::rail::wagons::{Loading, Placed};
use domain::rail::{Cost, LoadCut, RailProblem};
use optimise::rail::explain::Alternative;
use optimise::rail::explain::give_way::{self, GiveWay};
use optimise::rail::load::foresight;
use optimise::rail::load::teach::Loaded;
use optimise::rail::overbook::{self, Overbooking};
use serde::{Deserialize, Serialize};

use super::draw;
use super::error::RailError;
use super::json::Booked;

/// One solved instance.
#[derive(Debug, Serialize)]
pub struct Output<P> {
    /// Version of this form.
    pub version: u32,
    /// The objective of the plan.
    pub value: i64,
    /// A proven lower bound on any plan's objective.
    pub bound: i64,
    /// (value - bound) / value.
    pub gap: f64,
    /// True if no plan is better.
    pub proved: bool,
    /// Processor seconds of the solving thread.
    pub seconds: f64,
    /// Moves of the search.
    pub iterations: u64,
    /// The terms of the objective; bare instances have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Terms>,
    /// Loadings of the trains whose wagons are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loads: Option<Loads>,
    /// Trains booked beyond their room, where the problem asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overbooking: Option<Overbooked>,
    /// The plan.
    pub plan: P,
}

/// Units on wagons.
#[derive(Debug, Serialize)]
pub struct Loads {
    /// By slot.
    pub loadings: BTreeMap<String, Vec<OnWagon>>,
    /// Slots whose load could not be placed.
    pub unknown: Vec<String>,
    /// What level 1 learned: of these units at most so many on this slot.
    pub cuts: Vec<Cut>,
    /// How many such cuts were known before anything was loaded, from the wagons' patterns.
    pub foreseen_cuts: usize,
    /// What the wagons of slots hold, where that is less than the slot's own limits.
    pub held: BTreeMap<String, Held>,
    /// Quarters of a TEU left to slots that cuts did not settle: a choice, not a proof.
    pub tightened: BTreeMap<String, i64>,
}

/// A unit in its place.
#[derive(Debug, Serialize, Deserialize)]
pub struct OnWagon {
    /// The unit.
    pub unit: String,
    /// The wagon, from the head, from 0.
    pub wagon: usize,
    /// The platform of the wagon.
    pub platform: usize,
    /// The pattern in which the platform is used.
    pub pattern: usize,
    /// The place within the pattern.
    pub position: usize,
}

/// A cut.
#[derive(Debug, Serialize)]
pub struct Cut {
    /// The slot.
    pub train: String,
    /// The units.
    pub units: Vec<String>,
    /// How many of them can go.
    pub max_units: i64,
}

impl From<&Loaded> for Loads {
    fn from(loaded: &Loaded) -> Self {
        let on_wagon = |placed: &Placed| OnWagon {
            unit: placed.unit.clone(),
            wagon: placed.wagon,
            platform: placed.platform,
            pattern: placed.pattern,
            position: placed.position,
        };
        let loading = |(slot, loading): (&String, &Loading)| {
            (slot.clone(), loading.placed.iter().map(on_wagon).collect())
        };
        let cut = |cut: &LoadCut| Cut {
            train: cut.train.clone(),
            units: cut.units.clone(),
            max_units: cut.max_units,
        };
        Loads {
            loadings: loaded.loadings.iter().map(loading).collect(),
            unknown: loaded.unknown.clone(),
            cuts: loaded.cuts.iter().map(cut).collect(),
            foreseen_cuts: loaded.foresight.cuts.len(),
            held: (loaded.foresight.held.iter())
                .map(|(slot, held)| (slot.clone(), (*held).into()))
                .collect(),
            tightened: loaded.tightened.clone(),
        }
    }
}

impl From<OnWagon> for Placed {
    fn from(on: OnWagon) -> Self {
        Placed {
            unit: on.unit,
            wagon: on.wagon,
            platform: on.platform,
            pattern: on.pattern,
            position: on.position,
        }
    }
}

/// Trains booked beyond their room.
#[derive(Debug, Serialize)]
pub struct Overbooked {
    /// How sure it must be that a train is not overfull, thousandths.
    pub confidence_permille: i64,
    /// By slot.
    pub trains: BTreeMap<String, OverbookedTrain>,
}

/// A train booked beyond its room.
#[derive(Debug, Serialize)]
pub struct OverbookedTrain {
    /// Its bookings, dearest first.
    pub accepted: Vec<String>,
    /// Chance that more TEU show up than there is room for.
    pub teu_risk: f64,
    /// Chance that more metres show up than there is room for.
    pub length_risk: f64,
    /// Chance that more tonnes show up than there is room for.
    pub gross_risk: f64,
    /// Quarters of a TEU booked.
    pub booked_teu_quarters: i64,
    /// Quarters of a TEU expected to show up.
    pub expected_teu_quarters: f64,
    /// Quarters of a TEU that find no room on average.
    pub bumped_teu_quarters: f64,
    /// Who gives way, first to last, if too many show up.
    pub bump_order: Vec<Bump>,
}

/// A place in the bump order.
#[derive(Debug, Serialize)]
pub struct Bump {
    /// The unit.
    pub unit: String,
    /// Why it stands before the next, as a code.
    pub reason: &'static str,
    /// The same in words.
    pub words: &'static str,
    /// How often it shows up, thousandths.
    pub show_permille: i64,
}

impl Overbooked {
    /// The trains of a plan, with the rates of their units.
    pub fn new(
        problem: &RailProblem,
        rates: &Booked,
        trains: &BTreeMap<String, Overbooking>,
    ) -> Self {
        let teu_quarters = |accepted: &[String]| -> i64 {
            let units = problem.units.iter();
            let aboard = units.filter(|unit| accepted.contains(&unit.id));
            aboard.map(|unit| unit.teu_quarters).sum()
        };
        let bump = |bump: &overbook::Bump| Bump {
            unit: bump.id.clone(),
            reason: bump.reason.code(),
            words: bump.reason.words(),
            show_permille: rates.of(&bump.id),
        };
        let train = |(slot, train): (&String, &Overbooking)| {
            let written = OverbookedTrain {
                accepted: train.accepted.clone(),
                teu_risk: train.teu_risk,
                length_risk: train.length_risk,
                gross_risk: train.gross_risk,
                booked_teu_quarters: teu_quarters(&train.accepted),
                expected_teu_quarters: train.expected_teu_quarters_permille as f64 / 1e3,
                bumped_teu_quarters: train.expected_bumped_teu_quarters,
                bump_order: train.bump_order.iter().map(bump).collect(),
            };
            (slot.clone(), written)
        };
        Overbooked {
            confidence_permille: rates.confidence_permille,
            trains: trains.iter().map(train).collect(),
        }
    }
}

/// What a train's wagons hold.
#[derive(Debug, Serialize)]
pub struct Held {
    /// Quarters of a TEU.
    pub teu_quarters: i64,
    /// Units end to end, decimetres.
    pub length_dm: i64,
    /// Load, kilograms.
    pub gross_kg: i64,
}

impl From<foresight::Held> for Held {
    fn from(held: foresight::Held) -> Self {
        Held {
            teu_quarters: held.teu_quarters,
            length_dm: held.length_dm,
            gross_kg: held.gross_kg,
        }
    }
}

/// The terms of the objective.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the terms are those of domain::rail::Cost")]
pub struct Terms {
    pub carriage: i64,
    pub dwell: i64,
    pub transit: i64,
    pub lateness: i64,
    pub transfer: i64,
    pub change: i64,
    pub missed_connection: i64,
    pub unknown_milestone: i64,
    pub roll_over: i64,
    pub broken_pin: i64,
}

impl From<Cost> for Terms {
    fn from(cost: Cost) -> Self {
        Terms {
            carriage: cost.carriage,
            dwell: cost.dwell,
            transit: cost.transit,
            lateness: cost.lateness,
            transfer: cost.transfer,
            change: cost.change,
            missed_connection: cost.missed_connection,
            unknown_milestone: cost.unknown_milestone,
            roll_over: cost.roll_over,
            broken_pin: cost.broken_pin,
        }
    }
}

/// A full-rule plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Units that go, with their slots in order.
    pub assignments: Vec<Going>,
    /// Units that stay.
    pub rolled_over: Vec<Staying>,
}

/// A unit that goes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Going {
    /// The unit.
    pub unit: String,
    /// Its slots.
    pub legs: Vec<String>,
}

/// A unit that stays.
#[derive(Debug, Serialize, Deserialize)]
pub struct Staying {
    /// The unit.
    pub unit: String,
    /// Why, as a code.
    #[serde(default)]
    pub reason: String,
}

/// A bare plan: the train (or agent) of each container (or job), in order.
#[derive(Debug, Serialize, Deserialize)]
pub struct BarePlan {
    /// Train numbers, from 0.
    pub train: Vec<usize>,
}

/// One unit explained.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// Version of this form.
    pub version: u32,
    /// The unit.
    pub unit: String,
    /// Why it stays, as a code; empty if it goes.
    pub reason: String,
    /// Its place in the plan.
    pub taken: Way,
    /// Other places, free ones first, then by price.
    pub others: Vec<Way>,
}

/// A place for a unit.
#[derive(Debug, Serialize)]
pub struct Way {
    /// Its slots; none if it stays.
    pub legs: Vec<String>,
    /// What the unit costs there.
    pub price: i64,
    /// What stands in the way, in words.
    pub obstacles: Vec<String>,
    /// Who would have to give way, where nothing but room stands in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub give_way: Option<Giving>,
}

/// Units that would have to give way.
#[derive(Debug, Serialize)]
pub struct Giving {
    /// What the whole plan would cost more.
    pub price: i64,
    /// Who, and where each would go.
    pub units: Vec<Displaced>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub struct Displaced {
    /// The unit.
    pub unit: String,
    /// Its slots then; none if it would stay.
    pub to: Vec<String>,
    /// What that costs more than its place in the plan.
    pub dearer: i64,
}

impl Way {
    /// An alternative, and who would give way for it.
    pub fn new(way: &Alternative, gives: Option<&GiveWay>) -> Self {
        let displaced = |one: &give_way::Displaced| Displaced {
            unit: one.unit.clone(),
            to: one.to.clone(),
            dearer: one.dearer,
        };
        Way {
            legs: way.legs.clone(),
            price: way.price,
            obstacles: way.obstacles.iter().map(draw::obstacle).collect(),
            give_way: gives.map(|gives| Giving {
                price: gives.price,
                units: gives.displaced.iter().map(displaced).collect(),
            }),
        }
    }
}

/// The object as text.
pub fn text(output: &impl Serialize) -> Result<String, RailError> {
    let mut text = serde_json::to_string_pretty(output).map_err(RailError::Write)?;
    text.push('\n');
    Ok(text)
}
