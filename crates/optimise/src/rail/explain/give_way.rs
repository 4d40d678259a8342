//! Who would have to give way for a unit to go: the cheapest units to take off the trains that are full, where each would
//! go instead, and what that costs in all.

use std::collections::BTreeMap;

use domain::rail::{Assigned, RailPlan, RolledOver, RolledOverReason, TrainSlot, Unit, check};

use super::{Explainer, judge, lacks};

/// Units that may give way together, at most.
const MAX_UNITS: usize = 3;
/// Of those aboard, so many are looked at: who leaves most cheaply.
const LOOKED_AT: usize = 24;
/// Sets of units that are tried in earnest, at most.
const TRIED: usize = 40;

/// A unit that gives way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displaced {
    /// The unit.
    pub unit: String,
    /// Where it would go instead; empty if it would stay.
    pub to: Vec<String>,
    /// What that costs more than its place in the plan.
    pub dearer: i64,
}

/// A set of units that makes room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveWay {
    /// Who gives way.
    pub displaced: Vec<Displaced>,
    /// What the whole plan would cost more, with the unit itself on its way.
    pub price: i64,
}

type Aboard<'p> = BTreeMap<&'p str, Vec<&'p Unit>>;

impl<'p> Explainer<'p> {
    /// The cheapest units found that would have to give way for `unit` to go by `legs`, where nothing but room stands in
    /// its way. `None` if nobody has to, or no set of up to three units is enough. Units of a booking are left alone.
    pub fn give_way(&self, unit: &str, legs: &[String]) -> Option<GiveWay> {
        let problem = self.problem;
        let unit = &problem.units[self.index.unit(unit)?];
        let legs = self.index.path(problem, legs)?;
        if unit.keep_together.is_some() || legs.is_empty() {
            return None;
        }
        let mut aboard = self.aboard.clone();
        remove(&mut aboard, unit);
        legs.iter().for_each(|slot| board(&mut aboard, slot, unit));
        let full: Vec<&TrainSlot> = legs
            .iter()
            .copied()
            .filter(|slot| self.is_full(&aboard, slot, &[]))
            .collect();
        let known = self.value?;
        let leaving = self.leaving(&aboard, &full, unit);
        let mut sets = self.enough(&aboard, &full, &leaving);
        sets.sort_by_key(|(dearer, set)| (*dearer, set.len()));
        sets.iter().take(TRIED).find_map(|(_, set)| {
            let displaced = self.displace(&aboard, &full, set)?;
            let changed = changed(self.plan, unit, &legs, &displaced);
            let price = check(problem, &changed).ok()?.total() - known;
            Some(GiveWay { displaced, price })
        })
    }

    /// True if a slot lacks something even without `gone`.
    fn is_full(&self, aboard: &Aboard<'p>, slot: &TrainSlot, gone: &[&Unit]) -> bool {
        let units = aboard.get(slot.id.as_str()).into_iter().flatten().copied();
        let stay: Vec<&Unit> = units
            .filter(|unit| gone.iter().all(|gone| gone.id != unit.id))
            .collect();
        !lacks(self.problem, slot, &stay, None).is_empty()
    }

    /// Who could leave the full slots, cheapest first.
    fn leaving(
        &self,
        aboard: &Aboard<'p>,
        full: &[&TrainSlot],
        newcomer: &Unit,
    ) -> Vec<(i64, &'p Unit)> {
        let on = full.iter().filter_map(|slot| aboard.get(slot.id.as_str()));
        let mut units: Vec<&'p Unit> = on.flatten().copied().collect();
        units.retain(|unit| unit.id != newcomer.id && unit.keep_together.is_none());
        units.sort_by_key(|unit| &unit.id);
        units.dedup_by_key(|unit| &unit.id);
        let of = |unit: &'p Unit| {
            let elsewhere = self.elsewhere(aboard, full, unit)?;
            Some((elsewhere.dearer, unit))
        };
        let mut leaving: Vec<(i64, &'p Unit)> = units.into_iter().filter_map(of).collect();
        leaving.sort_by_key(|(dearer, unit)| (*dearer, &unit.id));
        leaving
    }

    /// The cheapest way of a unit without the full slots, all others where they are.
    fn elsewhere(
        &self,
        aboard: &Aboard<'p>,
        full: &[&TrainSlot],
        unit: &'p Unit,
    ) -> Option<Displaced> {
        let problem = self.problem;
        let (held, ways) = self.ways(unit);
        if held
            .iter()
            .any(|slot| full.iter().any(|full| full.id == slot.id))
        {
            return None;
        }
        let legs = self.legs.get(unit.id.as_str()).copied().unwrap_or_default();
        let now = judge(
            problem,
            unit,
            &held,
            &self.index.path(problem, legs)?,
            aboard,
        )
        .price;
        let judged = ways
            .iter()
            .filter(|way| {
                way.iter()
                    .all(|slot| full.iter().all(|full| full.id != slot.id))
            })
            .map(|way| judge(problem, unit, &held, way, aboard))
            .filter(|way| way.obstacles.is_empty());
        let best = judged.min_by(|a, b| (a.price, &a.legs).cmp(&(b.price, &b.legs)))?;
        Some(Displaced {
            unit: unit.id.clone(),
            dearer: best.price - now,
            to: best.legs,
        })
    }

    /// Sets of the leaving, cheapest first looked at, without whom the slots are not full; none holds another.
    fn enough(
        &self,
        aboard: &Aboard<'p>,
        full: &[&TrainSlot],
        leaving: &[(i64, &'p Unit)],
    ) -> Vec<(i64, Vec<&'p Unit>)> {
        let is_enough = |set: &[&Unit]| full.iter().all(|slot| !self.is_full(aboard, slot, set));
        let mut found = Vec::new();
        let mut short: Vec<(i64, Vec<&'p Unit>, usize)> = vec![(0, Vec::new(), 0)];
        for size in 1..=MAX_UNITS {
            let of = match size {
                1 => leaving.len(),
                _ => leaving.len().min(LOOKED_AT),
            };
            let mut next = Vec::new();
            for (dearer, set, from) in &short {
                for (at, (more, unit)) in leaving.iter().enumerate().take(of).skip(*from) {
                    let mut set = set.clone();
                    set.push(*unit);
                    if is_enough(&set) {
                        found.push((dearer + more, set));
                    } else {
                        next.push((dearer + more, set, at + 1));
                    }
                }
            }
            short = next;
        }
        found
    }

    /// Where each of `set` goes, one after the other.
    fn displace(
        &self,
        aboard: &Aboard<'p>,
        full: &[&TrainSlot],
        set: &[&'p Unit],
    ) -> Option<Vec<Displaced>> {
        let mut aboard = aboard.clone();
        set.iter().for_each(|unit| remove(&mut aboard, unit));
        let mut displaced = Vec::new();
        for unit in set {
            let elsewhere = self.elsewhere(&aboard, full, unit)?;
            for slot in self.index.path(self.problem, &elsewhere.to)? {
                board(&mut aboard, slot, unit);
            }
            displaced.push(elsewhere);
        }
        Some(displaced)
    }
}

fn remove(aboard: &mut Aboard<'_>, unit: &Unit) {
    for units in aboard.values_mut() {
        units.retain(|other| other.id != unit.id);
    }
}

fn board<'p>(aboard: &mut Aboard<'p>, slot: &'p TrainSlot, unit: &'p Unit) {
    aboard.entry(&slot.id).or_default().push(unit);
}

/// The plan with the unit on its way and the displaced elsewhere.
fn changed(plan: &RailPlan, unit: &Unit, legs: &[&TrainSlot], displaced: &[Displaced]) -> RailPlan {
    let legs: Vec<String> = legs.iter().map(|slot| slot.id.clone()).collect();
    let others = displaced
        .iter()
        .map(|one| (one.unit.as_str(), one.to.as_slice()));
    let moves: BTreeMap<&str, &[String]> = others
        .chain([(unit.id.as_str(), legs.as_slice())])
        .collect();
    let mut changed = plan.clone();
    changed
        .assignments
        .retain(|assigned| !moves.contains_key(assigned.unit.as_str()));
    changed
        .rolled_over
        .retain(|stays| !moves.contains_key(stays.unit.as_str()));
    for (unit, legs) in moves {
        if legs.is_empty() {
            changed.rolled_over.push(RolledOver {
                unit: unit.to_owned(),
                reason: RolledOverReason::NoRoom,
            });
        } else {
            changed.assignments.push(Assigned {
                unit: unit.to_owned(),
                legs: legs.to_vec(),
            });
        }
    }
    changed
}
