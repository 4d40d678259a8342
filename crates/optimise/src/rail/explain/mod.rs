//! Why a unit goes as it goes, or stays: every path that the network offers it, its price, and what stands in its way.

pub mod give_way;

use std::collections::BTreeMap;

use domain::rail::index::Index;
use domain::rail::rules::{self, Path, capacity};
use domain::rail::{Breach, LoadCut, RailPlan, RailProblem, Rule, TrainSlot, Unit, check, cost};

use crate::rail::full::paths::{self, Departures};

/// Something that keeps a unit off a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// A rule that no room would mend.
    Breach {
        /// The slot.
        train: String,
        /// What is broken, with what it needs and what is allowed.
        breach: Breach,
    },
    /// Others have the room.
    Room {
        /// The slot.
        train: String,
        /// TEU, length, tonnes or dangerous goods.
        rule: Rule,
        /// How much is lacking, in the rule's own unit.
        lack: i64,
    },
}

/// One path for a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Slot references, in order; empty for staying.
    pub legs: Vec<String>,
    /// The objective of this unit by this path.
    pub price: i64,
    /// What stands in its way; empty if it could go so at once.
    pub obstacles: Vec<Obstacle>,
}

/// A unit's place in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The path that the plan gives it.
    pub taken: Alternative,
    /// Others, free ones first, then by price.
    pub others: Vec<Alternative>,
}

/// Explains one unit of a plan; `None` if the problem does not know it. At most `limit` alternatives.
pub fn explain(
    problem: &RailProblem,
    plan: &RailPlan,
    unit: &str,
    limit: usize,
) -> Option<Explanation> {
    Explainer::new(problem, plan).explain(unit, limit)
}

/// Explains any number of units of one plan.
#[derive(Debug)]
pub struct Explainer<'p> {
    problem: &'p RailProblem,
    plan: &'p RailPlan,
    /// What the plan costs; none if it breaks a rule.
    value: Option<i64>,
    index: Index<'p>,
    departures: Departures,
    legs: BTreeMap<&'p str, &'p [String]>,
    aboard: BTreeMap<&'p str, Vec<&'p Unit>>,
}

impl<'p> Explainer<'p> {
    /// Looks once at the whole plan.
    pub fn new(problem: &'p RailProblem, plan: &'p RailPlan) -> Self {
        let index = Index::new(problem);
        let aboard = aboard(problem, &index, plan);
        let assignments = plan.assignments.iter();
        let legs = assignments.map(|one| (one.unit.as_str(), one.legs.as_slice()));
        Explainer {
            problem,
            plan,
            value: check(problem, plan).ok().map(|cost| cost.total()),
            departures: Departures::new(problem),
            legs: legs.collect(),
            index,
            aboard,
        }
    }

    /// Explains one unit; `None` if the problem does not know it. At most `limit` alternatives.
    pub fn explain(&self, unit: &str, limit: usize) -> Option<Explanation> {
        let problem = self.problem;
        let unit = &problem.units[self.index.unit(unit)?];
        let (held, ways) = self.ways(unit);
        let taken: &[String] = self.legs.get(unit.id.as_str()).copied().unwrap_or_default();
        let judge = |legs: &[&TrainSlot]| judge(problem, unit, &held, legs, &self.aboard);
        let mut others: Vec<Alternative> = ways
            .iter()
            .map(|legs| judge(legs))
            .filter(|other| other.legs != taken)
            .collect();
        others.sort_by_key(|other| (!other.obstacles.is_empty(), other.price));
        others.truncate(limit);
        Some(Explanation {
            taken: judge(&self.index.path(problem, taken)?),
            others,
        })
    }
}

impl<'p> Explainer<'p> {
    /// The slots that a unit keeps whatever is planned, and every way on from there; the first is not to go on.
    fn ways(&self, unit: &Unit) -> (Vec<&'p TrainSlot>, Vec<Vec<&'p TrainSlot>>) {
        let problem = self.problem;
        let previous = self.index.path(problem, &unit.previous).unwrap_or_default();
        let held = previous[..rules::held(problem, &previous)].to_vec();
        let held_at: Vec<u32> = held
            .iter()
            .filter_map(|slot| self.index.train(&slot.id).map(|at| at as u32))
            .collect();
        let offered = paths::between(
            problem,
            &self.departures,
            &held_at,
            &unit.origin,
            &unit.destination,
        );
        let slots = |path: &Vec<u32>| {
            let slots = path.iter();
            slots.map(|&slot| &problem.trains[slot as usize]).collect()
        };
        let ways = std::iter::once(&held_at).chain(&offered.paths);
        (held, ways.map(slots).collect())
    }
}

/// Who is on each slot.
fn aboard<'p>(
    problem: &'p RailProblem,
    index: &Index<'p>,
    plan: &RailPlan,
) -> BTreeMap<&'p str, Vec<&'p Unit>> {
    let mut aboard: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for assigned in &plan.assignments {
        let Some(unit) = index.unit(&assigned.unit) else {
            continue;
        };
        for slot in assigned.legs.iter().filter_map(|leg| index.train(leg)) {
            aboard
                .entry(&problem.trains[slot].id)
                .or_default()
                .push(&problem.units[unit]);
        }
    }
    aboard
}

fn judge(
    problem: &RailProblem,
    unit: &Unit,
    held: &[&TrainSlot],
    legs: &[&TrainSlot],
    aboard: &BTreeMap<&str, Vec<&Unit>>,
) -> Alternative {
    let path = Path {
        problem,
        unit,
        held,
        legs,
    };
    let mut obstacles = Vec::new();
    if let Some(breach) = rules::first_breach(&path) {
        let train = legs
            .get(breach.leg)
            .map_or_else(String::new, |slot| slot.id.clone());
        obstacles.push(Obstacle::Breach { train, breach });
    }
    for slot in legs.iter().skip(held.len()) {
        let others = aboard.get(slot.id.as_str()).into_iter().flatten().copied();
        let mut units: Vec<&Unit> = others.filter(|other| other.id != unit.id).collect();
        units.push(unit);
        let lacks = lacks(problem, slot, &units, Some(unit)).into_iter();
        obstacles.extend(lacks.map(|(rule, lack)| Obstacle::Room {
            train: slot.id.clone(),
            rule,
            lack,
        }));
    }
    Alternative {
        legs: legs.iter().map(|slot| slot.id.clone()).collect(),
        price: cost::of_path(&path).total(),
        obstacles,
    }
}

/// What `units` together lack on `slot`, by rule; with one of them given what stands in its way alone: a cut of the loading
/// concerns those that it names.
fn lacks(
    problem: &RailProblem,
    slot: &TrainSlot,
    units: &[&Unit],
    of: Option<&Unit>,
) -> Vec<(Rule, i64)> {
    let rooms = capacity::overloads(slot, units).map(|(rule, used, limit)| (rule, used - limit));
    let mut lacks: Vec<(Rule, i64)> = rooms.collect();
    for (limit, count, gross_kg) in rules::dangerous::overloads(slot, units) {
        let units_over = count - limit.max_units;
        lacks.push(if units_over > 0 {
            (Rule::Dangerous, units_over)
        } else {
            (Rule::DangerousGross, gross_kg - limit.max_gross_kg)
        });
    }
    let concerns =
        |cut: &&LoadCut| cut.train == slot.id && of.is_none_or(|unit| cut.units.contains(&unit.id));
    for cut in problem.load_cuts.iter().filter(concerns) {
        let over = rules::load_cut::counted(cut, units) - cut.max_units;
        if over > 0 {
            lacks.push((Rule::LoadCut, over));
        }
    }
    lacks
}
