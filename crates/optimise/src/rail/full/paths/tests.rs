//! The search against the rules.

use std::collections::BTreeSet;

use domain::rail::problem::SlotStatus;
use domain::rail::rules::{Path, chain, frozen, ready};
use domain::rail::{RailProblem, TrainSlot, Unit};

use super::{Departures, between};
use crate::random::Random;

/// Trains between five places that close, leave, are cancelled, stop on their way, wait too short or too long.
fn problem(seed: u64) -> RailProblem {
    let mut random = Random::new(seed);
    let place = |nth: usize| format!("P{nth}");
    let mut problem = RailProblem {
        now_at_min: 1_000,
        ..RailProblem::default()
    };
    problem.weights.max_legs = 1 + random.below(3);
    problem.weights.max_change_min = 600;
    for nth in 0..14 {
        let departure_at_min = 900 + random.below(1_500) as i64;
        problem.trains.push(TrainSlot {
            id: format!("T{nth}"),
            origin: place(random.below(5)),
            destination: place(random.below(5)),
            also_serves: (0..random.below(2))
                .map(|_| place(random.below(5)))
                .collect(),
            gauge_mm: if random.below(4) == 0 { 1520 } else { 1435 },
            departure_at_min,
            arrival_at_min: departure_at_min + random.below(400) as i64,
            closing_at_min: departure_at_min - 60 + random.below(120) as i64,
            status: match random.below(8) {
                0 => SlotStatus::Cancelled,
                1 => SlotStatus::Departed,
                2 => SlotStatus::Closed,
                _ => SlotStatus::Open,
            },
            ..TrainSlot::default()
        });
    }
    problem
}

/// Every chain of at most three trains.
fn chains(trains: usize) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = (0..trains as u32).map(|slot| vec![slot]).collect();
    let mut from = 0;
    for _ in 1..3 {
        let to = all.len();
        for at in from..to {
            for slot in 0..trains as u32 {
                all.push([&all[at][..], &[slot]].concat());
            }
        }
        from = to;
    }
    all
}

/// True if the rules would let an eager unit go so: one that is ready, and asks for nothing.
fn keeps_the_rules(problem: &RailProblem, unit: &Unit, held: &[u32], legs: &[u32]) -> bool {
    let slots = |at: &[u32]| -> Vec<&TrainSlot> {
        at.iter()
            .map(|&slot| &problem.trains[slot as usize])
            .collect()
    };
    let (held, legs) = (slots(held), slots(legs));
    let ends = legs.iter().position(|slot| slot.serves(&unit.destination));
    let path = Path {
        problem,
        unit,
        held: &held,
        legs: &legs,
    };
    legs.len() > held.len()
        && frozen::breach(&path).is_none()
        && chain::breach(&path).is_none()
        && ready::breach(&path).is_none()
        && ends == Some(legs.len() - 1)
}

#[test]
fn the_search_offers_what_the_rules_allow_and_nothing_else() {
    let (mut offered, mut held_on) = (0, 0);
    for seed in 0..500 {
        let problem = problem(seed);
        let departures = Departures::new(&problem);
        let all = chains(problem.trains.len());
        let unit = Unit {
            origin: "P0".to_owned(),
            destination: "P1".to_owned(),
            ..Unit::default()
        };
        let now = problem.now_at_min;
        let fact = problem.trains.iter().position(|slot| {
            slot.is_frozen(now) && slot.origin == unit.origin && !slot.serves(&unit.destination)
        });
        for held in [
            Vec::new(),
            fact.map_or(Vec::new(), |slot| vec![slot as u32]),
        ] {
            let found = between(
                &problem,
                &departures,
                &held,
                &unit.origin,
                &unit.destination,
            );
            let found: BTreeSet<Vec<u32>> = found.paths.into_iter().collect();
            let allowed = all
                .iter()
                .filter(|legs| keeps_the_rules(&problem, &unit, &held, legs));
            let allowed: BTreeSet<Vec<u32>> = allowed.cloned().collect();
            assert_eq!(found, allowed, "seed {seed}, held {held:?}");
            offered += found.len();
            held_on += if held.is_empty() { 0 } else { found.len() };
        }
    }
    assert!(offered > 100 && held_on > 10, "{offered}, {held_on}");
}
