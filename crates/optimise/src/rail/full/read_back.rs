//! The kernel's choice as a plan, with a reason for every unit that stays.

use domain::rail::{
    Assigned, RailPlan, RailProblem, RolledOver, RolledOverReason, Rule, unit::Lock,
};

use super::build::{Built, Item};

/// The plan of a choice (one option a kernel item, counted over all options).
pub fn plan(problem: &RailProblem, built: &Built, choice: &[u32]) -> RailPlan {
    let mut taken: Vec<Option<(usize, usize)>> = vec![None; problem.units.len()];
    for (at, item) in built.items.iter().enumerate() {
        let option = choice[at] as usize - built.core.options_of(at).start;
        for &unit in &item.units {
            taken[unit] = Some((at, option));
        }
    }
    let mut plan = RailPlan::default();
    for (unit, taken) in problem.units.iter().zip(taken) {
        let Some((at, option)) = taken else { continue };
        let item = &built.items[at];
        let path = &item.options[option];
        if path.is_empty() {
            plan.rolled_over.push(RolledOver {
                unit: unit.id.clone(),
                reason: reason(built, at, item, &unit.lock),
            });
        } else {
            let legs = path
                .iter()
                .map(|&slot| problem.trains[slot as usize].id.clone());
            plan.assignments.push(Assigned {
                unit: unit.id.clone(),
                legs: legs.collect(),
            });
        }
    }
    plan
}

fn reason(built: &Built, at: usize, item: &Item, lock: &Lock) -> RolledOverReason {
    if matches!(lock, Lock::Pinned(_)) {
        return RolledOverReason::PinImpossible;
    }
    if item.offered == 0 {
        return RolledOverReason::NoTrain;
    }
    if item.options.len() == 1 {
        if item.units.len() > 1 {
            return RolledOverReason::KeepTogether;
        }
        let most = item.breaches.iter().max_by_key(|(_, count)| **count);
        return RolledOverReason::NoFeasibleTrain(most.map_or(Rule::Chain, |(rule, _)| *rule));
    }
    let options = built.core.options_of(at);
    let stay = built.core.cost(options.start);
    let cheaper = options.skip(1).any(|option| built.core.cost(option) < stay);
    if cheaper {
        RolledOverReason::NoRoom
    } else {
        RolledOverReason::Dearer
    }
}
