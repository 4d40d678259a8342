//! The optimum of a tiny full-rule problem by trying everything through the checker alone.

use domain::rail::{Assigned, RailPlan, RailProblem, RolledOver, RolledOverReason, Unit, check};

/// The least objective of any plan that the checker accepts.
pub fn optimum(problem: &RailProblem) -> i64 {
    let ways: Vec<Vec<Vec<String>>> = problem.units.iter().map(|u| ways(problem, u)).collect();
    let mut at = vec![0; ways.len()];
    let mut best = i64::MAX;
    loop {
        let legs = at.iter().zip(&ways).map(|(&nth, ways)| ways[nth].clone());
        if let Ok(cost) = check(problem, &plan(&problem.units, legs)) {
            best = best.min(cost.total());
        }
        let Some(turn) = (0..at.len()).find(|&k| at[k] + 1 < ways[k].len()) else {
            return best;
        };
        at[turn] += 1;
        at[..turn].fill(0);
    }
}

/// Every sequence of up to two slots that the checker accepts for the unit alone.
fn ways(problem: &RailProblem, unit: &Unit) -> Vec<Vec<String>> {
    let alone = RailProblem {
        units: vec![unit.clone()],
        ..problem.clone()
    };
    let ids = || problem.trains.iter().map(|slot| slot.id.clone());
    let mut sequences = vec![vec![]];
    sequences.extend(ids().map(|id| vec![id]));
    sequences.extend(ids().flat_map(|a| ids().map(move |b| vec![a.clone(), b])));
    sequences.retain(|legs| check(&alone, &plan(&alone.units, [legs.clone()])).is_ok());
    sequences
}

fn plan(units: &[Unit], legs: impl IntoIterator<Item = Vec<String>>) -> RailPlan {
    let mut plan = RailPlan::default();
    for (unit, legs) in units.iter().zip(legs) {
        let unit = unit.id.clone();
        if legs.is_empty() {
            let reason = RolledOverReason::Dearer;
            plan.rolled_over.push(RolledOver { unit, reason });
        } else {
            plan.assignments.push(Assigned { unit, legs });
        }
    }
    plan
}
