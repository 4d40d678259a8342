//! What level 1 learns from a load that cannot stand, beside what it knew of the wagons ([`super::foresight`]).

use std::collections::BTreeMap;

use domain::rail::wagons::{Consist, LoadUnit, Loading};
use domain::rail::{LoadCut, RailPlan, RailProblem, Unit};

use super::foresight::{Foresight, foresee};
use super::proof::{self, Proof};
use super::solve::{Answer, solve};
use crate::answer;
use crate::budget::Budget;
use crate::rail::overbook::{Overbooking, Shows, plan_overbooked};
use crate::rail::{Warm, re_plan};

/// Rounds in which a train may fail before it is tightened.
const PATIENCE: u32 = 4;
/// Quarters of a TEU that a tightened train loses.
const TIGHTEN_TEU_QUARTERS: i64 = 4;

/// The cut of a proof: of which units how many can go. `all` are the units that might go, `aboard` those that cannot.
pub fn cut(
    train: &str,
    consist: &Consist,
    proof: &Proof,
    aboard: &[LoadUnit],
    all: &[Unit],
) -> LoadCut {
    let of_all = |concerns: &dyn Fn(&Unit) -> bool| {
        all.iter()
            .filter(|unit| concerns(unit))
            .map(|unit| unit.id.clone())
            .collect::<Vec<String>>()
    };
    let (units, max_units) = match proof {
        Proof::Crowd {
            length_dm,
            at_least_kg,
            max_units,
        } => {
            let concerns =
                |unit: &Unit| unit.length_dm == *length_dm && unit.gross_kg >= *at_least_kg;
            (of_all(&concerns), *max_units)
        }
        Proof::NoPlace { unit } => (vec![unit.clone()], 0),
        Proof::Mixed { asked } => match proof::crowded(consist, asked) {
            Some((kinds, max_units)) => {
                let concerns = |unit: &Unit| {
                    kinds.iter().any(|&kind| {
                        unit.length_dm == asked[kind].0 && unit.gross_kg >= asked[kind].1
                    })
                };
                (of_all(&concerns), max_units)
            }
            None => {
                let concerns = |unit: &&LoadUnit| {
                    asked.iter().any(|(length, least, _)| {
                        unit.length_dm == *length && unit.gross_kg >= *least
                    })
                };
                let units: Vec<String> = aboard
                    .iter()
                    .filter(concerns)
                    .map(|unit| unit.id.clone())
                    .collect();
                let max_units = units.len() as i64 - 1;
                (units, max_units)
            }
        },
        Proof::TrainLength { .. } => (of_all(&|_| true), 0),
        Proof::TrainMass { .. } | Proof::Exhausted => (
            aboard.iter().map(|unit| unit.id.clone()).collect(),
            aboard.len() as i64 - 1,
        ),
    };
    LoadCut {
        train: train.to_owned(),
        units,
        max_units,
    }
}

/// A level-1 plan whose trains have been loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Plan and value; the bound is proven for the problem with the cuts, and so for both levels together.
    pub answer: answer::Answer<RailPlan>,
    /// What the next run may start from.
    pub warm: Warm,
    /// Loadings by slot.
    pub loadings: BTreeMap<String, Loading>,
    /// Slots whose load could not be placed within the rounds.
    pub unknown: Vec<String>,
    /// What level 1 knew beforehand.
    pub foresight: Foresight,
    /// Cuts that level 1 learned, in order.
    pub cuts: Vec<LoadCut>,
    /// Slots that cuts alone did not settle, with the TEU quarters left to them: a choice, not a proof.
    pub tightened: BTreeMap<String, i64>,
    /// Slots that are booked beyond their room. Nothing is loaded on them before it is known who comes.
    pub overbooked: BTreeMap<String, Overbooking>,
    /// The problem with all that was known and learned: what the plan was made for, and is to be explained by.
    pub problem: RailProblem,
}

/// Plans, loads every open train of `consists`, teaches level 1 what cannot stand, and plans again: once for each budget of
/// `rounds`. A train that still fails after some cuts loses room, little by little. `loading` is the budget of each train.
/// Where it is known who shows up, trains are booked beyond their room as far as `shows` allow, and a train over that risk
/// takes a round, too. The bound is then that for the rooms of the last round.
pub fn plan_and_load(
    problem: &RailProblem,
    consists: &BTreeMap<String, Consist>,
    shows: Option<Shows>,
    seed: u64,
    rounds: &[Budget],
    loading: &Budget,
) -> Loaded {
    let known_cuts = problem.load_cuts.len();
    let mut problem = problem.clone();
    let mut foresight = foresee(&mut problem, consists);
    if shows.is_some() {
        // More may be booked than can stand.
        problem.load_cuts.truncate(known_cuts);
        foresight.cuts.clear();
    }
    let mut loaded = Loaded {
        answer: answer::Answer {
            plan: RailPlan::default(),
            value: 0,
            bound: 0,
            statistics: answer::Statistics::default(),
        },
        warm: Warm::default(),
        loadings: BTreeMap::new(),
        unknown: Vec::new(),
        foresight,
        cuts: Vec::new(),
        problem: RailProblem::default(),
        tightened: BTreeMap::new(),
        overbooked: BTreeMap::new(),
    };
    let mut failures: BTreeMap<String, u32> = BTreeMap::new();
    let mut proven = i64::MIN;
    for (round, budget) in rounds.iter().enumerate() {
        let start = (round > 0).then_some(&loaded.warm);
        (loaded.answer, loaded.warm) = match shows {
            None => re_plan(&problem, start, seed, budget),
            Some(Shows {
                permille,
                confidence_permille,
            }) => {
                let left = &rounds[round..];
                let booked =
                    plan_overbooked(&problem, permille, confidence_permille, start, seed, left);
                loaded.overbooked = booked.trains;
                loaded.problem = booked.problem;
                (booked.answer, booked.warm)
            }
        };
        if shows.is_some() {
            proven = loaded.answer.bound;
        } else if loaded.tightened.is_empty() {
            // Cuts only take plans away: what bounded the problem before them bounds it still.
            proven = loaded.answer.bound.max(proven);
        }
        let failed = load_all(&problem, consists, seed, loading, &mut loaded);
        if failed.is_empty() {
            break;
        }
        for (slot, cut) in failed {
            let count = failures.entry(slot.clone()).or_insert(0);
            *count += 1;
            if *count > PATIENCE || cut.is_none() {
                tighten(&mut problem, &slot, &mut loaded);
            }
            loaded.cuts.extend(cut.clone());
            problem.load_cuts.extend(cut);
        }
    }
    loaded.answer.bound = proven.min(loaded.answer.value);
    if shows.is_none() {
        loaded.problem = problem;
    }
    loaded
}

fn tighten(problem: &mut RailProblem, slot: &str, loaded: &mut Loaded) {
    let used: i64 = aboard_units(problem, &loaded.answer.plan, slot)
        .iter()
        .map(|unit| unit.teu_quarters)
        .sum();
    if let Some(slot) = problem.trains.iter_mut().find(|train| train.id == slot) {
        slot.max_teu_quarters = (slot.max_teu_quarters.min(used) - TIGHTEN_TEU_QUARTERS).max(0);
        loaded
            .tightened
            .insert(slot.id.clone(), slot.max_teu_quarters);
    }
}

/// Loads every open train; returns the slots that failed, with the cut where there is a proof.
fn load_all(
    problem: &RailProblem,
    consists: &BTreeMap<String, Consist>,
    seed: u64,
    budget: &Budget,
    loaded: &mut Loaded,
) -> Vec<(String, Option<LoadCut>)> {
    loaded.loadings.clear();
    loaded.unknown.clear();
    let mut failed = Vec::new();
    for slot in problem
        .trains
        .iter()
        .filter(|slot| !slot.is_frozen(problem.now_at_min))
    {
        let Some(consist) = consists.get(&slot.id) else {
            continue;
        };
        if loaded.overbooked.contains_key(&slot.id) {
            continue;
        }
        let aboard = aboard(problem, &loaded.answer.plan, &slot.id);
        let cut = match solve(consist, &aboard, seed, budget) {
            Answer::Loaded(loading) => {
                loaded.loadings.insert(slot.id.clone(), loading);
                continue;
            }
            Answer::Unknown => None,
            Answer::Impossible(proof) => {
                Some(cut(&slot.id, consist, &proof, &aboard, &problem.units))
            }
        };
        loaded.unknown.push(slot.id.clone());
        failed.push((slot.id.clone(), cut));
    }
    failed
}

fn aboard_units<'p>(problem: &'p RailProblem, plan: &RailPlan, slot: &str) -> Vec<&'p Unit> {
    let by_id: BTreeMap<&str, &Unit> = problem
        .units
        .iter()
        .map(|unit| (unit.id.as_str(), unit))
        .collect();
    let goes = plan
        .assignments
        .iter()
        .filter(|assigned| assigned.legs.iter().any(|leg| leg == slot));
    goes.filter_map(|assigned| by_id.get(assigned.unit.as_str()).copied())
        .collect()
}

/// The units that a plan puts on a slot, for loading.
pub fn aboard(problem: &RailProblem, plan: &RailPlan, slot: &str) -> Vec<LoadUnit> {
    let load_unit = |unit: &Unit| LoadUnit {
        id: unit.id.clone(),
        length_dm: unit.length_dm,
        gross_kg: unit.gross_kg,
        profile_code: unit.profile_code,
        dangerous_class: unit.cargo.dangerous_class.clone(),
        yard_at_dm: 0,
    };
    aboard_units(problem, plan, slot)
        .into_iter()
        .map(load_unit)
        .collect()
}
