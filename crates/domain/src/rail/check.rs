//! The independent checker: every rule over a whole plan, and its price.

use std::collections::BTreeMap;

use super::cost::{self, Cost};
use super::index::Index;
use super::plan::RailPlan;
use super::problem::{RailProblem, TrainSlot};
use super::rules::{self, Path, Rule, capacity, dangerous, keep_together, load_cut};
use super::unit::Unit;

/// A rule that a plan breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The unit, where one is to blame.
    pub unit: Option<String>,
    /// The slot, where one is concerned.
    pub train: Option<String>,
    /// What the plan needs, in the rule's own unit.
    pub needed: i64,
    /// What is allowed.
    pub allowed: i64,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = self.unit.as_ref().map(|unit| format!("unit {unit}"));
        let train = self.train.as_ref().map(|train| format!("train {train}"));
        let of: Vec<String> = unit.into_iter().chain(train).collect();
        let broken = self.rule.broken(self.needed, self.allowed);
        write!(f, "{}: {broken}", of.join(", "))
    }
}

/// Prices `plan`, or lists every rule that it breaks.
pub fn check(problem: &RailProblem, plan: &RailPlan) -> Result<Cost, Vec<Violation>> {
    let index = Index::new(problem);
    let mut violations = Vec::new();
    let paths = paths(problem, &index, plan, &mut violations);
    let mut total = Cost::default();
    let mut aboard: Vec<Vec<&Unit>> = vec![Vec::new(); problem.trains.len()];
    for (unit, legs) in problem.units.iter().zip(&paths) {
        let Some(legs) = legs else { continue };
        let previous = index.path(problem, &unit.previous).unwrap_or_default();
        let held = &previous[..rules::held(problem, &previous)];
        let path = Path {
            problem,
            unit,
            held,
            legs,
        };
        if let Some(breach) = rules::first_breach(&path) {
            violations.push(Violation {
                rule: breach.rule,
                unit: Some(unit.id.clone()),
                train: legs.get(breach.leg).map(|slot| slot.id.clone()),
                needed: breach.needed,
                allowed: breach.allowed,
            });
        }
        total.add(&cost::of_path(&path));
        for slot in legs {
            if let Some(train) = index.train(&slot.id) {
                aboard[train].push(unit);
            }
        }
    }
    for (slot, units) in problem.trains.iter().zip(&aboard) {
        check_train(problem, slot, units, &mut violations);
    }
    check_together(problem, &index, &paths, &mut violations);
    if violations.is_empty() {
        Ok(total)
    } else {
        Err(violations)
    }
}

/// The path of each unit (empty for staying); what is not planned exactly once, by known slots, is a violation.
fn paths<'p>(
    problem: &'p RailProblem,
    index: &Index<'p>,
    plan: &RailPlan,
    violations: &mut Vec<Violation>,
) -> Vec<Option<Vec<&'p TrainSlot>>> {
    let mut paths: Vec<Option<Vec<&TrainSlot>>> = vec![None; problem.units.len()];
    let mut seen = vec![0_i64; problem.units.len()];
    let mut wrong = |unit: &str, seen: i64| {
        violations.push(Violation {
            rule: Rule::Coverage,
            unit: Some(unit.to_owned()),
            train: None,
            needed: seen,
            allowed: 1,
        });
    };
    let going = plan.assignments.iter().map(|a| (&a.unit, &a.legs[..]));
    let staying = plan.rolled_over.iter().map(|r| (&r.unit, &[][..]));
    for (at, (id, legs)) in going.chain(staying).enumerate() {
        let path = index.path(problem, legs);
        // An assignment without a leg is not an assignment.
        let is_odd = path.is_none() || (legs.is_empty() && at < plan.assignments.len());
        match index.unit(id) {
            Some(unit) if !is_odd => {
                seen[unit] += 1;
                paths[unit] = path;
            }
            _ => wrong(id, 0),
        }
    }
    for (unit, seen) in problem.units.iter().zip(seen) {
        if seen != 1 {
            wrong(&unit.id, seen);
        }
    }
    paths
}

fn check_train(
    problem: &RailProblem,
    slot: &TrainSlot,
    units: &[&Unit],
    violations: &mut Vec<Violation>,
) {
    if slot.is_frozen(problem.now_at_min) {
        return;
    }
    let mut exceeded = |rule, needed, allowed| {
        violations.push(Violation {
            rule,
            unit: None,
            train: Some(slot.id.clone()),
            needed,
            allowed,
        });
    };
    for (rule, used, limit) in capacity::overloads(slot, units) {
        exceeded(rule, used, limit);
    }
    for (limit, count, gross_kg) in dangerous::overloads(slot, units) {
        if count > limit.max_units {
            exceeded(Rule::Dangerous, count, limit.max_units);
        } else {
            exceeded(Rule::DangerousGross, gross_kg, limit.max_gross_kg);
        }
    }
    for cut in problem.load_cuts.iter().filter(|cut| cut.train == slot.id) {
        let counted = load_cut::counted(cut, units);
        if counted > cut.max_units {
            exceeded(Rule::LoadCut, counted, cut.max_units);
        }
    }
}

/// Units of one keep-together booking go alike, bar those that already stand on a frozen train.
fn check_together<'p>(
    problem: &'p RailProblem,
    index: &Index<'p>,
    paths: &[Option<Vec<&'p TrainSlot>>],
    violations: &mut Vec<Violation>,
) {
    let mut first: BTreeMap<keep_together::Key, &[&TrainSlot]> = BTreeMap::new();
    for (unit, legs) in problem.units.iter().zip(paths) {
        let (Some(key), Some(legs)) = (keep_together::key(unit), legs) else {
            continue;
        };
        let previous = index.path(problem, &unit.previous).unwrap_or_default();
        if rules::held(problem, &previous) > 0 {
            continue;
        }
        let other = *first.entry(key).or_insert(legs);
        let alike = other.len() == legs.len() && other.iter().zip(legs).all(|(a, b)| a.id == b.id);
        if !alike {
            violations.push(Violation {
                rule: Rule::KeepTogether,
                unit: Some(unit.id.clone()),
                train: legs.first().map(|slot| slot.id.clone()),
                needed: 0,
                allowed: 0,
            });
        }
    }
}
