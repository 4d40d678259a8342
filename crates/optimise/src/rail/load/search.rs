//! Annealing over faulty loadings: exchange two places, house a homeless unit, change the pattern of a platform. Once a
//! loading stands, exchanges that keep it standing shorten the crane's travel.

use super::yard::{EMPTY, Yard};
use crate::random::Random;

/// Moves between two looks at the clock.
const ROUND: u64 = 256;
/// Temperature at the start, kilograms of fault.
const HOT_KG: f64 = 6_000.0;

/// Heaviest units first, each where its wagon is lightest for its size; what finds no place stays homeless.
pub fn construct(yard: &mut Yard) {
    let mut order = std::mem::take(&mut yard.homeless);
    order.sort_by_key(|&unit| {
        let unit_ref = &yard.units[unit as usize];
        (
            std::cmp::Reverse(unit_ref.length_dm),
            std::cmp::Reverse(unit_ref.gross_kg),
            unit,
        )
    });
    for unit in order {
        yard.homeless.push(unit);
        settle(yard);
    }
}

/// Houses the last homeless unit in the place that adds least fault; may change the pattern of an empty site.
fn settle(yard: &mut Yard) {
    let Some(unit) = yard.homeless.pop() else {
        return;
    };
    let mut best: Option<(i64, usize, usize, usize)> = None;
    for site in 0..yard.sites.len() {
        let is_empty = yard.sites[site].places.iter().all(|&unit| unit == EMPTY);
        let (wagon, now) = (yard.sites[site].wagon, yard.sites[site].pattern);
        let patterns = if is_empty {
            yard.sites[site].allowed.clone()
        } else {
            vec![now]
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
                let wasted = yard.sites[site]
                    .places
                    .iter()
                    .filter(|&&unit| unit == EMPTY)
                    .count();
                let key = yard.wrong_kg(wagon) * 8
                    + if is_empty { 2_000 } else { 0 }
                    + wasted as i64 * 500;
                if best.is_none_or(|best| key < best.0) {
                    best = Some((key, site, place, pattern));
                }
                yard.put(site, place, EMPTY);
            }
        }
        if is_empty && yard.sites[site].pattern != now {
            yard.repattern(site, now);
        }
        yard.weigh(wagon);
    }
    match best {
        None => yard.evict(unit),
        Some((_, site, place, pattern)) => {
            if yard.sites[site].pattern != pattern {
                yard.repattern(site, pattern);
            }
            yard.put(site, place, unit);
            yard.weigh(yard.sites[site].wagon);
        }
    }
}

/// Anneals until nothing is wrong or `moves` are spent; returns the moves used.
pub fn mend(yard: &mut Yard, moves: u64, random: &mut Random, stop: &dyn Fn() -> bool) -> u64 {
    let mut faults = yard.faults_kg();
    let rounds = (moves / ROUND).max(1);
    let shrink = 1.0 - 4.0 / (rounds as f64).max(8.0);
    let mut heat = HOT_KG;
    for round in 0..rounds {
        if stop() {
            return round * ROUND;
        }
        for nth in 0..ROUND {
            if faults == 0 {
                return round * ROUND + nth;
            }
            let allowed = faults + (heat * random.exponential()) as i64;
            if !yard.homeless.is_empty() && random.below(4) == 0 {
                faults = rehouse(yard, random, faults, allowed);
            } else if random.below(16) == 0 {
                faults = repattern(yard, random, faults, allowed);
            } else {
                faults = exchange(yard, random, faults, allowed);
            }
        }
        heat *= shrink;
    }
    rounds * ROUND
}

/// A site and place by chance.
fn draw(yard: &Yard, random: &mut Random) -> (usize, usize) {
    let site = random.below(yard.sites.len());
    (site, random.below(yard.sites[site].places.len()))
}

/// Exchanges who stands in two places, if both suit.
fn exchange(yard: &mut Yard, random: &mut Random, faults: i64, allowed: i64) -> i64 {
    let (a, b) = (draw(yard, random), draw(yard, random));
    let (unit_a, unit_b) = (yard.sites[a.0].places[a.1], yard.sites[b.0].places[b.1]);
    let suits = |unit: u32, to: (usize, usize)| unit == EMPTY || yard.suits(unit, to.0, to.1);
    if a == b || unit_a == unit_b || !suits(unit_a, b) || !suits(unit_b, a) {
        return faults;
    }
    swap(yard, a, b);
    let after = yard.faults_kg();
    if after <= allowed {
        return after;
    }
    swap(yard, a, b);
    faults
}

fn swap(yard: &mut Yard, a: (usize, usize), b: (usize, usize)) {
    let unit_a = yard.put(a.0, a.1, EMPTY);
    let unit_b = yard.put(b.0, b.1, unit_a);
    yard.put(a.0, a.1, unit_b);
    yard.weigh(yard.sites[a.0].wagon);
    yard.weigh(yard.sites[b.0].wagon);
}

/// A homeless unit takes a place; who stood there becomes homeless.
fn rehouse(yard: &mut Yard, random: &mut Random, faults: i64, allowed: i64) -> i64 {
    let nth = random.below(yard.homeless.len());
    let unit = yard.homeless[nth];
    let (site, place) = draw(yard, random);
    if !yard.suits(unit, site, place) {
        return faults;
    }
    let wagon = yard.sites[site].wagon;
    yard.homeless.swap_remove(nth);
    let old = yard.put(site, place, unit);
    if old != EMPTY {
        yard.evict(old);
    }
    yard.weigh(wagon);
    let after = yard.faults_kg();
    if after <= allowed {
        return after;
    }
    if old != EMPTY {
        yard.homeless.pop();
    }
    yard.put(site, place, old);
    yard.evict(unit);
    yard.weigh(wagon);
    faults
}

/// Another pattern for a site; its units and the homeless take the new places as they suit.
fn repattern(yard: &mut Yard, random: &mut Random, faults: i64, allowed: i64) -> i64 {
    let site = random.below(yard.sites.len());
    let options = &yard.sites[site].allowed;
    let pattern = options[random.below(options.len())];
    if pattern == yard.sites[site].pattern {
        return faults;
    }
    let (old_pattern, old_places) = (yard.sites[site].pattern, yard.sites[site].places.clone());
    let wagon = yard.sites[site].wagon;
    yard.repattern(site, pattern);
    for place in 0..yard.sites[site].places.len() {
        let homeless = yard
            .homeless
            .iter()
            .rposition(|&unit| yard.suits(unit, site, place));
        if let Some(nth) = homeless {
            let unit = yard.homeless.remove(nth);
            yard.put(site, place, unit);
        }
    }
    yard.weigh(wagon);
    let after = yard.faults_kg();
    if after <= allowed {
        return after;
    }
    yard.repattern(site, old_pattern);
    for (place, &unit) in old_places
        .iter()
        .enumerate()
        .filter(|(_, unit)| **unit != EMPTY)
    {
        if let Some(nth) = yard.homeless.iter().position(|&other| other == unit) {
            yard.homeless.remove(nth);
        }
        yard.put(site, place, unit);
    }
    yard.weigh(wagon);
    faults
}

/// Exchanges that keep a standing loading and shorten the crane's travel.
pub fn shorten(yard: &mut Yard, moves: u64, random: &mut Random, stop: &dyn Fn() -> bool) {
    if yard.sites.is_empty() || yard.faults_kg() != 0 {
        return;
    }
    let middles = yard.consist.middles_dm();
    for nth in 0..moves {
        if nth % ROUND == 0 && stop() {
            return;
        }
        let (a, b) = (draw(yard, random), draw(yard, random));
        let (unit_a, unit_b) = (yard.sites[a.0].places[a.1], yard.sites[b.0].places[b.1]);
        let travel = |yard: &Yard, unit: u32, site: usize| match unit {
            EMPTY => 0,
            unit => (middles[yard.sites[site].wagon] - yard.units[unit as usize].yard_at_dm).abs(),
        };
        let before = travel(yard, unit_a, a.0) + travel(yard, unit_b, b.0);
        let after = travel(yard, unit_a, b.0) + travel(yard, unit_b, a.0);
        if after < before {
            exchange_places(yard, a, b, (unit_a, unit_b));
        }
    }
}

fn exchange_places(yard: &mut Yard, a: (usize, usize), b: (usize, usize), units: (u32, u32)) {
    let suits = |unit: u32, to: (usize, usize)| unit == EMPTY || yard.suits(unit, to.0, to.1);
    if suits(units.0, b) && suits(units.1, a) {
        swap(yard, a, b);
        if yard.faults_kg() != 0 {
            swap(yard, a, b);
        }
    }
}
