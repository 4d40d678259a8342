//! Level 2 in the plan: what the wagons of trains that close soon hold is known beforehand ([`foreseen`]); such trains are
//! loaded onto their wagons, and what cannot stand is a cut that the next plan keeps. A load that was found holds as long as
//! its units and wagons are the same.

mod foreseen;
mod saved;

use std::collections::{BTreeMap, BTreeSet};

use domain::rail::wagons::{self, Consist, LoadUnit, Loading};
use domain::rail::{LoadCut, RailPlan, RailProblem, TrainSlot};
use events::v1;
use optimise::budget::Budget;
use optimise::rail::load::{Answer, solve, teach};
use optimise::rail::overbook::Overbooking;

use twox_hash::XxHash3_64;

use super::inputs::{Inputs, SlotRow};
use super::rules::RailRules;
use super::wagons::consist;
use crate::error::EngineError;
use foreseen::Foreseen;

/// A train that was loaded, or tried.
#[derive(Debug)]
struct Tried {
    /// Of its wagons and units.
    fingerprint: u64,
    /// Where each unit stands, if a load was found.
    places: Option<Vec<v1::UnitPlace>>,
}

/// What is known of the loads of all trains.
#[derive(Debug, Default)]
pub struct Loads {
    tried: BTreeMap<String, Tried>,
    cuts: Vec<LoadCut>,
    foreseen: Foreseen,
}

/// What a train's row is made with.
pub struct Frame<'p> {
    pub plan_seq: u64,
    pub planned_at_us: i64,
    pub inputs: &'p Inputs,
    /// As planned, with rooms beyond those of the trains where they may be overbooked.
    pub problem: &'p RailProblem,
    /// As it is.
    pub plain: &'p RailProblem,
    pub plan: &'p RailPlan,
    pub overbooked: &'p BTreeMap<String, Overbooking>,
}

impl Loads {
    /// The cuts that still concern an open train, learned and foreseen.
    pub fn cuts(&mut self, problem: &RailProblem) -> Vec<LoadCut> {
        let is_open = |slot: &&TrainSlot| !slot.is_frozen(problem.now_at_min);
        let open = problem.trains.iter().filter(is_open);
        let open: BTreeSet<&str> = open.map(|slot| slot.id.as_str()).collect();
        self.cuts.retain(|cut| open.contains(cut.train.as_str()));
        let known = problem.trains.iter().map(|slot| slot.id.as_str());
        let known: BTreeSet<&str> = known.collect();
        self.tried.retain(|slot, _| known.contains(slot.as_str()));
        self.cuts
            .iter()
            .chain(&self.foreseen.cuts)
            .cloned()
            .collect()
    }

    /// The trains of a problem that are to be loaded now, and their wagons.
    fn due<'p>(
        inputs: &'p Inputs,
        problem: &'p RailProblem,
        rules: &'p RailRules,
    ) -> impl Iterator<Item = (&'p TrainSlot, Consist)> {
        let is_due = |slot: &&TrainSlot| {
            let left_min = slot.closing_at_min - problem.now_at_min;
            let is_soon = !slot.is_frozen(problem.now_at_min) && left_min <= rules.load_within_min;
            is_soon && rules.load_iterations > 0
        };
        let slots = problem.trains.iter().filter(is_due);
        slots.filter_map(|slot| Some((slot, consist_of(inputs, slot, rules)?)))
    }

    /// Loads the trains of a plan that close soon and are not booked beyond their room. True if a load cannot stand and
    /// level 1 has something to learn from it.
    pub fn load(
        &mut self,
        inputs: &Inputs,
        problem: &RailProblem,
        plan: &RailPlan,
        overbooked: &BTreeMap<String, Overbooking>,
        rules: &RailRules,
        seed: u64,
    ) -> Result<bool, EngineError> {
        let mut has_learned = false;
        let due = Self::due(inputs, problem, rules);
        for (slot, consist) in due.filter(|(slot, _)| !overbooked.contains_key(&slot.id)) {
            let units = teach::aboard(problem, plan, &slot.id);
            let fingerprint = fingerprint(&consist, &units);
            let tried = self.tried.get(&slot.id);
            if tried.is_some_and(|tried| tried.fingerprint == fingerprint) {
                continue;
            }
            let budget = Budget::iterations(rules.load_iterations);
            let places = match solve(&consist, &units, seed, &budget) {
                Answer::Loaded(loading) => {
                    verify(&slot.id, &consist, &units, &loading)?;
                    Some(places(&consist, &loading))
                }
                Answer::Unknown => None,
                Answer::Impossible(proof) => {
                    let cut = teach::cut(&slot.id, &consist, &proof, &units, &problem.units);
                    has_learned |= !self.cuts.contains(&cut);
                    self.cuts.push(cut);
                    None
                }
            };
            let tried = Tried {
                fingerprint,
                places,
            };
            self.tried.insert(slot.id.clone(), tried);
        }
        Ok(has_learned)
    }

    /// A row for each train that was loaded, or is booked beyond its room, by its slot.
    pub fn rows(
        &self,
        frame: &Frame<'_>,
        show_permille: &dyn Fn(&str) -> i64,
    ) -> BTreeMap<String, v1::TrainLoad> {
        let slots = frame.inputs.slots.iter();
        let rows = slots.filter_map(|slot| {
            let row = self.row(frame, slot, show_permille)?;
            Some((slot.train_slot_id.clone(), row))
        });
        rows.collect()
    }

    fn row(
        &self,
        frame: &Frame<'_>,
        slot: &SlotRow,
        show_permille: &dyn Fn(&str) -> i64,
    ) -> Option<v1::TrainLoad> {
        let id = slot.train_slot_id.as_str();
        let tried = self.tried.get(id);
        let overbooked = frame.overbooked.get(id);
        let planned = frame.problem.trains.iter().find(|train| train.id == id)?;
        let plain = frame.plain.trains.iter().find(|train| train.id == id)?;
        let state = match (overbooked, tried) {
            (Some(_), _) => v1::LoadState::Overbooked,
            (None, None) => return None,
            (None, Some(tried)) if tried.places.is_some() => v1::LoadState::Loaded,
            (None, Some(_)) => v1::LoadState::Unknown,
        };
        let loaded = tried.filter(|_| state == v1::LoadState::Loaded);
        let aboard = frame.plan.assignments.iter();
        let aboard = aboard.filter(|unit| unit.legs.iter().any(|leg| leg == id));
        let cuts = self.cuts.iter().filter(|cut| cut.train == id);
        let limit = |teu_quarters: i64| match teu_quarters {
            domain::rail::UNLIMITED => 0,
            quarters => whole(quarters),
        };
        Some(v1::TrainLoad {
            plan_seq: frame.plan_seq,
            planned_at_us: frame.planned_at_us,
            terminal_id: slot.terminal_id.clone(),
            train_slot_id: id.to_owned(),
            state: state.into(),
            units: whole(aboard.count() as i64),
            places: loaded
                .and_then(|tried| tried.places.clone())
                .unwrap_or_default(),
            cuts: self
                .foreseen
                .in_words(id)
                .chain(cuts.map(in_words))
                .collect(),
            teu_risk_ppm: ppm(overbooked.map(|train| train.teu_risk)),
            length_risk_ppm: ppm(overbooked.map(|train| train.length_risk)),
            gross_risk_ppm: ppm(overbooked.map(|train| train.gross_risk)),
            expected_teu_quarters_permille: overbooked.map_or(0, |train| {
                train.expected_teu_quarters_permille.max(0) as u64
            }),
            bump_order: overbooked
                .map(|train| bumps(train, show_permille))
                .unwrap_or_default(),
            teu_max_quarters: limit(plain.max_teu_quarters),
            teu_bookable_quarters: limit(planned.max_teu_quarters),
        })
    }
}

fn consist_of(inputs: &Inputs, slot: &TrainSlot, rules: &RailRules) -> Option<Consist> {
    let row = inputs
        .slots
        .iter()
        .find(|row| row.train_slot_id == slot.id)?;
    let composition = inputs
        .compositions
        .iter()
        .find(|one| one.train_slot_id == slot.id);
    consist(row, composition, &inputs.defective_wagons, rules)
}

/// A loading that breaks a rule is not published.
fn verify(
    slot: &str,
    consist: &Consist,
    units: &[LoadUnit],
    loading: &Loading,
) -> Result<(), EngineError> {
    match wagons::check(consist, units, loading) {
        Ok(_) => Ok(()),
        Err(violations) => Err(EngineError::Infeasible {
            planner: super::PLANNER,
            violations: format!("the load of {slot}: {violations:?}"),
        }),
    }
}

fn whole(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn ppm(risk: Option<f64>) -> u32 {
    (risk.unwrap_or(0.0).clamp(0.0, 1.0) * 1e6).round() as u32
}

/// Stands for a train's wagons and the units that are to stand on them.
fn fingerprint(consist: &Consist, units: &[LoadUnit]) -> u64 {
    XxHash3_64::oneshot(format!("{consist:?} {units:?}").as_bytes())
}

fn places(consist: &Consist, loading: &Loading) -> Vec<v1::UnitPlace> {
    let place = |placed: &wagons::Placed| {
        let wagon = &consist.wagons[placed.wagon];
        let wagon_type = consist.type_of(placed.wagon);
        let pattern = &wagon_type.platforms[placed.platform].patterns[placed.pattern];
        v1::UnitPlace {
            unit_id: placed.unit.clone(),
            wagon: whole(placed.wagon as i64 + 1),
            wagon_number: wagon.number.clone(),
            wagon_type: wagon_type.name.clone(),
            platform: whole(placed.platform as i64 + 1),
            offset_dm: pattern.positions[placed.position].offset_dm as i32,
        }
    };
    let mut places: Vec<v1::UnitPlace> = loading.placed.iter().map(place).collect();
    places.sort_by(|a, b| {
        let at = |one: &v1::UnitPlace| (one.wagon, one.platform, one.offset_dm);
        at(a).cmp(&at(b)).then_with(|| a.unit_id.cmp(&b.unit_id))
    });
    places
}

fn in_words(cut: &LoadCut) -> String {
    format!(
        "of {} units at most {} can stand on its wagons together",
        cut.units.len(),
        cut.max_units
    )
}

fn bumps(train: &Overbooking, show_permille: &dyn Fn(&str) -> i64) -> Vec<v1::Bump> {
    let bumps = train.bump_order.iter();
    bumps
        .map(|bump| v1::Bump {
            unit_id: bump.id.clone(),
            reason: bump.reason.code().to_owned(),
            show_permille: whole(show_permille(&bump.id)),
        })
        .collect()
}

/// True if nothing but the plan's number and instant differs.
pub fn is_same(before: &v1::TrainLoad, after: &v1::TrainLoad) -> bool {
    let renumbered = v1::TrainLoad {
        plan_seq: after.plan_seq,
        planned_at_us: after.planned_at_us,
        ..before.clone()
    };
    renumbered == *after
}
