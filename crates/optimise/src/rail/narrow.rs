//! The relaxation of a wide problem, where a Newton step over every option is dear: prices from a sample of the items, then
//! the relaxation over the options near to those prices, and over what its own prices miss, until nothing does.

use super::active::Active;
use super::core::Core;
use super::interior::{self, Relaxed};

/// Problems with at least so many options in play are worth it.
pub const MIN_OPTIONS: usize = 30_000;
/// One item in so many is sampled, on rows with that part of their room.
const SAMPLED: usize = 10;
/// How near the two sides of the sample's relaxation must come: its prices only choose.
const ROUGH: f64 = 3e-3;
/// Options of an item near to the sample's prices.
const NEAREST: usize = 6;
/// Options that a round misses, an item at most.
const JOINING: usize = 3;
/// Rounds at most, and what may still be missed, as a part of the bound.
const ROUNDS: u32 = 6;
const MISSED: f64 = 5e-5;

/// Solves the relaxation over the options in play and the given rows to a relative distance of `enough`. Ended early its
/// prices are those so far, and it has not converged.
pub fn relax(
    core: &Core,
    active: &Active,
    rows: &[u32],
    enough: f64,
    stop: &dyn Fn() -> bool,
) -> Relaxed {
    let mut relaxed = interior::relax_part(core, active, rows, SAMPLED, ROUGH, stop);
    let mut iterations = relaxed.iterations;
    let mut is_near = vec![false; core.options()];
    for round in 0..ROUNDS {
        let most = if round == 0 { NEAREST } else { JOINING };
        let missed = join(core, active, &relaxed.prices, &mut is_near, most);
        if round > 0 && missed <= MISSED {
            break;
        }
        let mut near = active.clone();
        near.retain(|_, option| is_near[option as usize]);
        let next = interior::relax(core, &near, rows, enough, stop);
        iterations += next.iterations;
        if !next.is_converged {
            // The prices before this round are worth more than half a round's.
            relaxed.is_converged = false;
            break;
        }
        relaxed = next;
    }
    Relaxed {
        iterations,
        ..relaxed
    }
}

/// Takes in the `most` cheapest options of each item that are cheaper than those already in (in the first round: than any);
/// returns what the bound would lose by them, as a part of it.
fn join(core: &Core, active: &Active, prices: &[f64], is_near: &mut [bool], most: usize) -> f64 {
    let per_unit: Vec<f64> = (prices.iter().zip(core.capacity()))
        .map(|(price, &room)| price / room.max(1) as f64)
        .collect();
    let priced = |option: u32| {
        let uses = core.uses(option as usize).iter();
        let used = uses.map(|one| per_unit[one.row as usize] * one.amount as f64);
        core.cost(option as usize) as f64 + used.sum::<f64>()
    };
    let (mut lost, mut total) = (0.0, -prices.iter().sum::<f64>());
    let mut best: Vec<(f64, u32)> = Vec::with_capacity(most + 1);
    for item in 0..core.items() {
        best.clear();
        let mut known = f64::INFINITY;
        for &option in active.of(item) {
            let price = priced(option);
            if is_near[option as usize] {
                known = known.min(price);
            } else if best.len() < most || price < best[best.len() - 1].0 {
                let place = best.partition_point(|other| other.0 <= price);
                best.insert(place, (price, option));
                best.truncate(most);
            }
        }
        let least = best.first().map_or(known, |other| other.0.min(known));
        total += least;
        if known.is_finite() {
            lost += known - least;
        } else if let Some(&stay) = active
            .of(item)
            .iter()
            .find(|&&way| core.uses(way as usize).is_empty())
        {
            // What always fits keeps the relaxation within its rows.
            is_near[stay as usize] = true;
        }
        for &(_, option) in best.iter().take_while(|(price, _)| *price < known) {
            is_near[option as usize] = true;
        }
    }
    lost / total.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::active::Active;
    use super::super::binding::undominated;
    use super::super::core::{Core, Use};
    use super::super::interior::{self, ENOUGH};
    use super::super::prices::Prices;
    use crate::random::Random;

    /// Containers with two measures on many trains, and a way out that always fits.
    fn wide(items: usize, trains: u32, seed: u64) -> Core {
        let mut random = Random::new(seed);
        let room = (items as i64 * 120 / i64::from(trains)).max(1);
        let rows = (0..trains).flat_map(|train| [train, train]).collect();
        let mut core = Core::new(
            trains as usize,
            [room, 2 * room].repeat(trains as usize),
            rows,
        );
        for _ in 0..items {
            core.push_item();
            core.push_option(1_500 + random.below(2_000) as i64, &[], []);
            let (size, mass) = (
                100 + random.below(80) as i64,
                150 + random.below(200) as i64,
            );
            for train in 0..trains {
                let uses = [(2 * train, size), (2 * train + 1, mass)];
                let uses = uses.map(|(row, amount)| Use { row, amount });
                core.push_option(random.below(1_000) as i64, &[train], uses);
            }
        }
        core
    }

    #[test]
    fn it_proves_the_same_as_every_option_does() {
        for seed in 0..4 {
            let core = wide(800, 20, seed);
            let active = Active::new(&core);
            let rows = undominated(&core, &active);
            let bound = |prices: &[f64]| Prices::new(&core, &active, prices).bound_in_money();
            let narrow = super::relax(&core, &active, &rows, ENOUGH, &|| false);
            let whole = interior::relax(&core, &active, &rows, ENOUGH, &|| false);
            assert!(narrow.is_converged && whole.is_converged, "seed {seed}");
            let (narrow, whole) = (bound(&narrow.prices), bound(&whole.prices));
            let apart = (narrow - whole).abs() as f64 / whole as f64;
            assert!(apart < 2e-4, "seed {seed}: {narrow} against {whole}");
        }
    }
}
