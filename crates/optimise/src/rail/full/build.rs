//! Parties to items, a selection of their paths to options.

use std::collections::BTreeMap;

use domain::rail::{RailProblem, Rule};

use super::network::{BROKEN, Network, network};
use super::rows::Row;
use crate::rail::core::{Core, Use};

/// One item of the kernel: the units that go alike.
#[derive(Debug, Clone)]
pub struct Item {
    /// Positions of the units in the problem.
    pub units: Vec<usize>,
    /// The path of each option, as positions of slots.
    pub options: Vec<Vec<u32>>,
    /// Rules that paths break, with the number of paths; counted for the unit that breaks first.
    pub breaches: BTreeMap<Rule, usize>,
    /// Paths that the network offers.
    pub offered: usize,
}

/// The kernel's problem with what is needed to read its answer back.
#[derive(Debug)]
pub struct Built {
    /// The kernel's problem.
    pub core: Core,
    /// Its items, in order.
    pub items: Vec<Item>,
    /// The meaning of each row: (slot position, kind).
    pub rows: Vec<(u32, Row)>,
    /// False if some relation has more paths than were searched: then no bound holds.
    pub is_complete: bool,
}

/// Builds the kernel's problem with every path.
pub fn build(problem: &RailProblem) -> Built {
    select(problem, &network(problem), None)
}

/// The kernel's problem with every path, or with those that `chosen` names by party. Staying is the first option of every
/// item.
pub fn select(problem: &RailProblem, network: &Network, chosen: Option<&[Vec<u32>]>) -> Built {
    sample(problem, network, chosen, 1)
}

/// As [`select`] for one party in `every`, with as small a part of all capacities.
pub fn sample(
    problem: &RailProblem,
    network: &Network,
    chosen: Option<&[Vec<u32>]>,
    every: usize,
) -> Built {
    let part = |capacity: &i64| (*capacity as u64).div_ceil(every as u64) as i64;
    let train_of = network.rows.meaning.iter().map(|(slot, _)| *slot);
    let mut core = Core::new(
        problem.trains.len(),
        network.rows.capacity.iter().map(part).collect(),
        train_of.collect(),
    );
    let mut items = Vec::with_capacity(network.parties.len());
    let mut uses: Vec<Use> = Vec::new();
    for (at, party) in network.parties.iter().enumerate().step_by(every) {
        let profile = &network.profiles[party.profile];
        let offered = &network.relations[profile.relation].paths;
        let mut item = Item {
            units: party.units.clone(),
            options: vec![party.held.clone()],
            breaches: profile.breaches.clone(),
            offered: offered.len(),
        };
        core.push_item();
        core.push_option(profile.stay, &[], []);
        let mut push = |path: usize| {
            let (legs, cost) = (&offered[path], profile.costs[path]);
            if cost == BROKEN {
                return;
            }
            let further = &legs[party.held.len()..];
            uses.clear();
            for &slot in further {
                uses.extend(network.rows.uses(problem, &party.units, slot));
            }
            core.push_option(cost, further, uses.iter().copied());
            item.options.push(legs.clone());
        };
        match chosen {
            None => (0..offered.len()).for_each(&mut push),
            Some(chosen) => chosen[at].iter().for_each(|&path| push(path as usize)),
        }
        items.push(item);
    }
    Built {
        core,
        items,
        rows: network.rows.meaning.clone(),
        is_complete: network.is_complete,
    }
}
