//! Large problems: a few paths of each party at a time.
//!
//! Ten thousand units with three hundred paths each are too many options for the kernel, and most can never pay. So the
//! relaxation is solved over a few paths of every fifth party; its prices say which others would pay (they are priced all,
//! leg by leg); those join, and the relaxation is solved again, for all parties. The kernel then plans with the paths that came nearest. The bound
//! is computed at the end over *every* path, so nothing is lost from the proof.

use domain::rail::RailProblem;

use super::build::{Built, sample, select};
use super::network::{BROKEN, Network, Profile};
use crate::rail::active::Active;
use crate::rail::kernel::Start;
use crate::rail::prices::Prices;
use crate::rail::relaxation;

/// Problems with more options than this are sifted.
pub const MAX_OPTIONS: usize = 60_000;
/// Paths of a party to begin with: the cheapest, and others spread over the rest.
const CHEAPEST: usize = 4;
const SPREAD: usize = 8;
/// Paths of a party that the prices choose.
const NEAREST: usize = 12;
/// How near the two sides of the relaxation must come in each round of choosing: prices that only choose need not be exact.
const ROUGH: [f64; 3] = [3e-2, 3e-3, 1e-3];
/// Above so many options there is time for the first rounds alone.
const MANY_OPTIONS: usize = 300_000;
const FEW_ROUNDS: usize = 2;
/// The first round looks at one party in so many.
const SAMPLED: usize = 5;
/// Above so many options it is the only one, looks at more parties, and more closely.
const HUGE_OPTIONS: usize = 4_000_000;
const HUGE_SAMPLED: usize = 3;
const HUGE_ROUGH: f64 = 3e-3;
/// Another round is worth while if paths outside would lower the bound by this part.
const WORTH: f64 = 2e-4;

/// The kernel's problem of the paths that came nearest, with the relaxation's prices and shares.
pub struct Sifted {
    /// Items and options.
    pub built: Built,
    /// Prices and shares; no choice.
    pub start: Start,
    /// A bound over every path, in money.
    pub bound: i64,
}

/// How many options a problem has.
pub fn options(network: &Network) -> usize {
    let of = |profile: &Profile| profile.costs.iter().filter(|cost| **cost != BROKEN).count();
    let count: Vec<usize> = network.profiles.iter().map(of).collect();
    network
        .parties
        .iter()
        .map(|party| 1 + count[party.profile])
        .sum()
}

/// Chooses paths. `known` are prices of whole rows from an earlier run; `keep` is the path of each party in the last plan.
pub fn sift(
    problem: &RailProblem,
    network: &Network,
    known: Option<&[f64]>,
    keep: &[Option<u32>],
    stop: &dyn Fn() -> bool,
) -> Sifted {
    let mut chosen: Vec<Vec<u32>> = match known {
        None => spread(network),
        Some(_) => vec![Vec::new(); network.parties.len()],
    };
    let mut best: Option<Proven> = None;
    let mut prices = known.map(<[f64]>::to_vec);
    let mut left = match options(network) {
        ..=MANY_OPTIONS => ROUGH.iter(),
        _ => ROUGH[..FEW_ROUNDS].iter(),
    };
    let is_huge = known.is_none() && options(network) > HUGE_OPTIONS;
    if prices.is_none() {
        // One party in five asks for about the same prices, if trains have a fifth of their room.
        let every = if is_huge { HUGE_SAMPLED } else { SAMPLED };
        let few = sample(problem, network, Some(&chosen), every);
        let active = Active::new(&few.core);
        let from = vec![0.0; network.rows.capacity.len()];
        let rough = left.next().copied().unwrap_or(1.0);
        let enough = if is_huge { HUGE_ROUGH } else { rough };
        let relaxed = relaxation::full(&few.core, &active, from, enough, stop);
        prove(problem, network, &relaxed.prices, &mut best);
        prices = Some(relaxed.prices);
    }
    loop {
        if let Some(prices) = &prices {
            widen(problem, network, &mut chosen, prices);
        }
        for (paths, keep) in chosen.iter_mut().zip(keep) {
            paths.extend(*keep);
        }
        for paths in &mut chosen {
            paths.sort_unstable();
            paths.dedup();
        }
        let built = select(problem, network, Some(&chosen));
        if is_huge && let Some(Proven { prices, bound }) = best {
            let start = Start {
                prices,
                ..Start::default()
            };
            return Sifted {
                built,
                start,
                bound,
            };
        }
        let active = Active::new(&built.core);
        let from = prices.unwrap_or_else(|| vec![0.0; network.rows.capacity.len()]);
        let enough = left.next().copied().unwrap_or(1.0);
        let relaxed = relaxation::full(&built.core, &active, from, enough, stop);
        let fixed = Prices::new(&built.core, &active, &relaxed.prices);
        let worth = (WORTH * fixed.bound.abs() as f64) as i64;
        let upper = fixed.in_money(fixed.bound - worth);
        prove(problem, network, &relaxed.prices, &mut best);
        let proven = best.as_ref().map_or(i64::MIN, |best| best.bound);
        if proven >= upper || left.as_slice().is_empty() || stop() {
            let mut start = Start {
                choice: Vec::new(),
                prices: relaxed.prices,
                share: relaxed.share,
            };
            if let Some(best) = best.filter(|best| best.bound > fixed.bound_in_money()) {
                // This round was cut short: what an earlier one says of the rows is worth more.
                start.prices = best.prices;
                start.share.clear();
            }
            return Sifted {
                built,
                start,
                bound: proven,
            };
        }
        prices = best.as_ref().map(|best| best.prices.clone());
    }
}

/// Prices of whole rows with the bound that they prove over every path, in money.
struct Proven {
    prices: Vec<f64>,
    bound: i64,
}

/// Keeps the best of what is proven by `prices` and on the way to them: prices over few paths err to one side and the
/// other, and the bound is concave, so that the middle is often better than both ends (Wentges 1997).
fn prove(problem: &RailProblem, network: &Network, prices: &[f64], best: &mut Option<Proven>) {
    let from = best.as_ref().map(|best| best.prices.clone());
    for part in [1.0, 0.6, 0.3] {
        let between: Vec<f64> = match &from {
            Some(from) => from
                .iter()
                .zip(prices)
                .map(|(from, to)| from + part * (to - from))
                .collect(),
            None => prices.to_vec(),
        };
        let fixed = Prices::of_rows(&network.rows.capacity, total(network), &between);
        let bound = fixed.in_money(bound(problem, network, &fixed));
        if best.as_ref().is_none_or(|best| bound > best.bound) {
            *best = Some(Proven {
                prices: between,
                bound,
            });
        }
        if from.is_none() {
            break;
        }
    }
}

/// Adds the paths of least reduced cost under `prices`.
fn widen(problem: &RailProblem, network: &Network, chosen: &mut [Vec<u32>], prices: &[f64]) {
    let fixed = Prices::of_rows(&network.rows.capacity, total(network), prices);
    for (known, near) in chosen.iter_mut().zip(nearest(problem, network, &fixed)) {
        known.extend(near);
    }
}

/// What staying costs in all: no useful prices of rows add up to much more.
fn total(network: &Network) -> i64 {
    let parties = network.parties.iter();
    let stay = parties.map(|party| network.profiles[party.profile].stay.abs());
    stay.sum::<i64>().max(1)
}

/// The cheapest paths of each party, and others evenly from the rest.
fn spread(network: &Network) -> Vec<Vec<u32>> {
    let of = |profile: &Profile| {
        let mut paths: Vec<u32> = (0..profile.costs.len() as u32)
            .filter(|&path| profile.costs[path as usize] != BROKEN)
            .collect();
        paths.sort_by_key(|&path| (profile.costs[path as usize], path));
        let rest = paths.split_off(paths.len().min(CHEAPEST));
        let step = rest.len().div_ceil(SPREAD).max(1);
        // Parties begin at different places, so that together they see every train.
        let start = profile.example % step;
        paths.extend(rest.into_iter().skip(start).step_by(step));
        paths
    };
    let chosen: Vec<Vec<u32>> = network.profiles.iter().map(of).collect();
    let parties = network.parties.iter();
    parties.map(|party| chosen[party.profile].clone()).collect()
}

/// The paths of least reduced cost of each party.
fn nearest(problem: &RailProblem, network: &Network, prices: &Prices) -> Vec<Vec<u32>> {
    let mut tariff = Tariff::new(network, prices);
    let of = |at: usize| {
        tariff.open(problem, &network.profiles[at]);
        let mut best: Vec<(i64, u32)> = Vec::with_capacity(NEAREST + 1);
        tariff.each(at, |path, priced| {
            if best.len() < NEAREST || best.last().is_some_and(|last| priced < last.0) {
                let place = best.partition_point(|known| *known <= (priced, path));
                best.insert(place, (priced, path));
                best.truncate(NEAREST);
            }
        });
        best.into_iter().map(|(_, path)| path).collect::<Vec<u32>>()
    };
    let chosen: Vec<Vec<u32>> = (0..network.profiles.len()).map(of).collect();
    let parties = network.parties.iter();
    parties.map(|party| chosen[party.profile].clone()).collect()
}

/// The bound that `prices` prove over every path of the network, fixed point.
pub fn bound(problem: &RailProblem, network: &Network, prices: &Prices) -> i64 {
    let mut tariff = Tariff::new(network, prices);
    let of = |at: usize| {
        tariff.open(problem, &network.profiles[at]);
        let mut least = network.profiles[at].stay << prices.shift;
        tariff.each(at, |_, priced| least = least.min(priced));
        least
    };
    let least: Vec<i64> = (0..network.profiles.len()).map(of).collect();
    let rooms = prices.per_unit.iter().zip(&network.rows.capacity);
    let rooms: i64 = rooms.map(|(price, capacity)| price * capacity).sum();
    let parties = network.parties.iter();
    parties.map(|party| least[party.profile]).sum::<i64>() - rooms
}

/// What a party pays on each train.
struct Tariff<'a> {
    network: &'a Network,
    prices: &'a Prices,
    /// Distinct slots of each relation.
    slots: Vec<Vec<u32>>,
    of_slot: Vec<i64>,
    held: usize,
}

impl<'a> Tariff<'a> {
    fn new(network: &'a Network, prices: &'a Prices) -> Self {
        let mut count = 0;
        let slots = network.relations.iter().map(|relation| {
            let mut slots: Vec<u32> = relation.paths.iter().flatten().copied().collect();
            slots.sort_unstable();
            slots.dedup();
            count = count.max(slots.last().map_or(0, |&slot| slot as usize + 1));
            slots
        });
        let slots = slots.collect();
        Tariff {
            network,
            prices,
            slots,
            of_slot: vec![0; count],
            held: 0,
        }
    }

    /// Prices the slots for a profile.
    fn open(&mut self, problem: &RailProblem, profile: &Profile) {
        let (rows, per_unit) = (&self.network.rows, &self.prices.per_unit);
        let party = &self.network.parties[profile.example];
        self.held = party.held.len();
        for &slot in &self.slots[profile.relation] {
            self.of_slot[slot as usize] = if profile.is_special {
                let uses = rows.uses(problem, &party.units, slot);
                uses.map(|used| per_unit[used.row as usize] * used.amount)
                    .sum()
            } else {
                rows.rooms(slot)
                    .map(|(row, kind)| per_unit[row] * profile.room[kind as usize])
                    .sum()
            };
        }
    }

    /// Every path of a profile that breaks no rule, with its price, fixed point.
    fn each(&self, profile: usize, mut tell: impl FnMut(u32, i64)) {
        let profile = &self.network.profiles[profile];
        let paths = &self.network.relations[profile.relation].paths;
        for (path, (legs, &cost)) in paths.iter().zip(&profile.costs).enumerate() {
            if cost == BROKEN {
                continue;
            }
            let further = legs[self.held..].iter();
            let legs: i64 = further.map(|&slot| self.of_slot[slot as usize]).sum();
            tell(path as u32, (cost << self.prices.shift) + legs);
        }
    }
}
