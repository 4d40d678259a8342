//! Whether cranes must pass one another in a plan, or only do so because nobody cared which crane works where.

use domain::berth::rules::handling::finish_min;
use domain::berth::{BerthPlan, BerthProblem, Handling, Stay};
use std::collections::BTreeSet;

/// Stays alongside at one time with their cranes.
type Alongside<'a> = Vec<(&'a Stay, u64)>;

/// True if the vessels of the plan cannot be worked where and when they lie without cranes that pass one another, whichever
/// and however many cranes each of them gets.
pub fn must_cross(problem: &BerthProblem, plan: &BerthPlan) -> bool {
    let quays: BTreeSet<usize> = problem.cranes.iter().map(|crane| crane.quay).collect();
    quays.into_iter().any(|quay| !can_work(problem, plan, quay))
}

/// Goes through the stays of a quay by start and keeps every way to work those that are alongside.
fn can_work(problem: &BerthProblem, plan: &BerthPlan, quay: usize) -> bool {
    let by_cranes = |stay: &&Stay| {
        problem.berths[stay.berth].quay == quay
            && problem.calls[stay.call].handling[stay.berth] == Handling::Cranes
    };
    let mut stays: Vec<&Stay> = plan.stays.iter().filter(by_cranes).collect();
    stays.sort_by_key(|stay| stay.start_min);
    let mut ways: Vec<Alongside<'_>> = vec![Vec::new()];
    for stay in stays {
        let sets = crane_sets(problem, stay, quay);
        let mut seen = BTreeSet::new();
        let mut next = Vec::new();
        for mut way in ways {
            way.retain(|(other, _)| other.end_min > stay.start_min);
            let used: Vec<u64> = way.iter().map(|(_, set)| *set).collect();
            if !seen.insert(used) {
                continue;
            }
            for set in &sets {
                let fits = |(other, theirs): &(&Stay, u64)| {
                    let (near, far) = match stay.from_m < other.from_m {
                        true => (*set, *theirs),
                        false => (*theirs, *set),
                    };
                    agree(problem, near, far)
                };
                if way.iter().all(fits) {
                    let mut longer = way.clone();
                    longer.push((stay, *set));
                    next.push(longer);
                }
            }
        }
        ways = next;
    }
    !ways.is_empty()
}

/// True if cranes for the vessel less far along and for the one further along do not pass one another.
fn agree(problem: &BerthProblem, near: u64, far: u64) -> bool {
    let orders = |set| cranes(set).map(|crane| problem.cranes[crane].rail_order);
    near & far == 0 && orders(near).max() <= orders(far).min()
}

fn cranes(set: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |crane| set & (1 << crane) != 0)
}

/// The sets of a quay's cranes that serve the stay in its time, bits by number of the crane.
fn crane_sets(problem: &BerthProblem, stay: &Stay, quay: usize) -> Vec<u64> {
    let call = &problem.calls[stay.call];
    let to_m = stay.from_m + call.length_m;
    let reaches = |crane: &usize| {
        let crane = &problem.cranes[*crane];
        crane.quay == quay && crane.reach_from_m <= stay.from_m && to_m <= crane.reach_to_m
    };
    let within: Vec<usize> = (0..problem.cranes.len()).filter(reaches).collect();
    let counts = call.work.cranes_min.max(1)..=call.work.cranes_max;
    let mut sets = Vec::new();
    for choice in 1_u64..1 << within.len() {
        let chosen: Vec<usize> = cranes(choice).map(|n| within[n]).collect();
        let set = chosen.iter().fold(0, |set, crane| set | 1_u64 << crane);
        let stay = Stay {
            cranes: chosen,
            ..stay.clone()
        };
        let in_time =
            || finish_min(problem, &stay).is_some_and(|done_min| done_min <= stay.end_min);
        if counts.contains(&stay.cranes.len()) && in_time() {
            sets.push(set);
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::berth::{Berth, Call, Crane, Work};

    /// Calls one after the other along a quay, each with the cranes that the plan gives it, for an hour.
    fn plan_of(cranes: &[(i64, i64)], stays: &[(i64, i64, usize)]) -> (BerthProblem, BerthPlan) {
        let crane = |(n, (rail_order, to_m)): (usize, &(i64, i64))| Crane {
            id: format!("K{n}"),
            rail_order: *rail_order,
            reach_to_m: *to_m,
            rate_centimoves_h: 3000,
            ..Crane::default()
        };
        let call = Call {
            length_m: 100,
            handling: vec![Handling::Cranes],
            work: Work {
                moves: 30,
                setup_min: 0,
                cranes_min: 1,
                cranes_max: 1,
            },
            ..Call::default()
        };
        let stay = |(call, (from_m, start_min, crane)): (usize, &(i64, i64, usize))| Stay {
            call,
            berth: 0,
            from_m: *from_m,
            start_min: *start_min,
            end_min: start_min + 60,
            cranes: vec![*crane],
        };
        let problem = BerthProblem {
            berths: vec![Berth::default()],
            cranes: cranes.iter().enumerate().map(crane).collect(),
            calls: vec![call; stays.len()],
            ..BerthProblem::default()
        };
        let plan = BerthPlan {
            stays: stays.iter().enumerate().map(stay).collect(),
            unassigned: Vec::new(),
        };
        (problem, plan)
    }

    fn must(cranes: &[(i64, i64)], stays: &[(i64, i64, usize)]) -> bool {
        let (problem, plan) = plan_of(cranes, stays);
        must_cross(&problem, &plan)
    }

    #[test]
    fn cranes_that_could_change_places_need_not_cross() {
        assert!(!must(&[(1, 300), (2, 300)], &[(0, 0, 1), (150, 0, 0)]));
    }

    #[test]
    fn a_crane_that_does_not_reach_must_be_passed() {
        let cranes = [(1, 300), (2, 100)];
        assert!(must(&cranes, &[(0, 0, 1), (150, 0, 0)]));
        assert!(
            !must(&cranes, &[(0, 0, 1), (150, 60, 0)]),
            "one after the other"
        );
        assert!(
            !must(&[(1, 300), (1, 100)], &[(0, 0, 1), (150, 0, 0)]),
            "of one order"
        );
    }

    #[test]
    fn a_chain_of_stays_is_followed_through() {
        let cranes = [(1, 600), (2, 600)];
        assert!(!must(&cranes, &[(0, 0, 0), (300, 30, 1), (150, 60, 0)]));
        // the second stay needs the higher crane beside the first, and the lower one beside the third
        assert!(must(&cranes, &[(0, 0, 0), (300, 30, 1), (450, 60, 0)]));
    }
}
