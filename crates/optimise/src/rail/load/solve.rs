//! One train: a loading, a proof that there is none, or "unknown".

use domain::rail::wagons::{Consist, LoadUnit, Loading};

use super::exhaust::{self, Found};
use super::proof::{self, Proof};
use super::search;
use super::yard::{EMPTY, Yard};
use crate::budget::Budget;
use crate::random::Random;

/// Moves of the first annealing, for each unit; later ones take twice as many each.
const MOVES_A_UNIT: u64 = 400;
/// Annealings at most.
const RUNS: u32 = 7;
/// Moves that shorten the crane's travel, for each unit.
const SHORTEN_A_UNIT: u64 = 100;
/// Steps of the exhaustive search.
const EXHAUST_NODES: u64 = 200_000;
/// The exhaustive search is not tried on more units.
const EXHAUST_UNITS: usize = 10;

/// What can be said about a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It can stand so.
    Loaded(Loading),
    /// It cannot stand.
    Impossible(Proof),
    /// Neither a loading nor a proof was found within the budget.
    Unknown,
}

/// Loads `units` onto `consist`. The budget's unit of work is one move of the search.
pub fn solve(consist: &Consist, units: &[LoadUnit], seed: u64, budget: &Budget) -> Answer {
    if let Some(proof) = proof::quick(consist, units) {
        return Answer::Impossible(proof);
    }
    let stop = || budget.stop.stop();
    let mut random = Random::new(seed);
    let mut first = Yard::new(consist, units);
    search::construct(&mut first);
    let mut moves = MOVES_A_UNIT * units.len().max(1) as u64;
    let mut left = budget.iterations;
    for run in 0..RUNS {
        if stop() || left == 0 {
            return Answer::Unknown;
        }
        let mut yard = first.clone();
        let used = search::mend(&mut yard, moves.min(left), &mut random, &stop);
        left = left.saturating_sub(used.max(1));
        if yard.faults_kg() == 0 {
            search::shorten(
                &mut yard,
                SHORTEN_A_UNIT * units.len() as u64,
                &mut random,
                &stop,
            );
            return Answer::Loaded(yard.loading());
        }
        if run == 0
            && let Some(proof) = proof::deep(consist, units)
        {
            return Answer::Impossible(proof);
        }
        if run == 0 && units.len() <= EXHAUST_UNITS {
            let mut yard = Yard::new(consist, units);
            match exhaust::exhaust(&mut yard, EXHAUST_NODES, &stop) {
                Found::Loading => return Answer::Loaded(yard.loading()),
                Found::None => return Answer::Impossible(Proof::Exhausted),
                Found::Unknown => {}
            }
        }
        moves *= 2;
    }
    Answer::Unknown
}

/// What a loader without a plan does: unit after unit into the first place that takes it; `None` where one finds none.
pub fn first_fit(consist: &Consist, units: &[LoadUnit]) -> Option<Loading> {
    let mut yard = Yard::new(consist, units);
    yard.homeless.clear();
    'units: for unit in 0..units.len() as u32 {
        for site in 0..yard.sites.len() {
            let wagon = yard.sites[site].wagon;
            let is_empty = yard.sites[site].places.iter().all(|&unit| unit == EMPTY);
            let patterns = if is_empty {
                yard.sites[site].allowed.clone()
            } else {
                vec![yard.sites[site].pattern]
            };
            for pattern in patterns {
                if pattern != yard.sites[site].pattern {
                    yard.repattern(site, pattern);
                }
                for place in 0..yard.sites[site].places.len() {
                    if yard.sites[site].places[place] != EMPTY || !yard.suits(unit, site, place) {
                        continue;
                    }
                    yard.put(site, place, unit);
                    yard.weigh(wagon);
                    if yard.faults_kg() == 0 {
                        continue 'units;
                    }
                    yard.put(site, place, EMPTY);
                    yard.weigh(wagon);
                }
            }
        }
        return None;
    }
    Some(yard.loading())
}
