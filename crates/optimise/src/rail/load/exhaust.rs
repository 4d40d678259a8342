//! Every way, for small cases: a loading, or the proof that there is none.

use super::yard::{EMPTY, Yard};

/// What the search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The yard holds a loading that stands.
    Loading,
    /// There is none.
    None,
    /// Too many ways.
    Unknown,
}

/// Tries every way, patterns platform by platform and then units, up to `nodes` steps.
pub fn exhaust(yard: &mut Yard, nodes: u64, stop: &dyn Fn() -> bool) -> Found {
    for site in 0..yard.sites.len() {
        yard.repattern(site, yard.sites[site].allowed[0]);
        yard.weigh(yard.sites[site].wagon);
    }
    let mut left = nodes;
    patterns(yard, 0, &mut left, stop)
}

/// Decides the pattern of `site` and those after it; prunes when the places left cannot house all units by length.
fn patterns(yard: &mut Yard, site: usize, left: &mut u64, stop: &dyn Fn() -> bool) -> Found {
    if !step(left, stop) {
        return Found::Unknown;
    }
    if site == yard.sites.len() {
        if !has_room(yard) {
            return Found::None;
        }
        let mut order = yard.homeless.clone();
        order.sort_by_key(|&unit| (std::cmp::Reverse(yard.units[unit as usize].gross_kg), unit));
        yard.homeless.clear();
        let found = units(yard, &order, 0, left, stop);
        if found != Found::Loading {
            yard.homeless = order;
        }
        return found;
    }
    let mut outcome = Found::None;
    for pattern in yard.sites[site].allowed.clone() {
        yard.repattern(site, pattern);
        match patterns(yard, site + 1, left, stop) {
            Found::Loading => return Found::Loading,
            Found::Unknown => return Found::Unknown,
            Found::None => outcome = Found::None,
        }
    }
    outcome
}

fn step(left: &mut u64, stop: &dyn Fn() -> bool) -> bool {
    *left = left.saturating_sub(1);
    *left > 0 && (!left.is_multiple_of(1024) || !stop())
}

/// Enough places of each length?
fn has_room(yard: &Yard) -> bool {
    yard.homeless.iter().all(|&unit| {
        let length = yard.units[unit as usize].length_dm;
        let asked = yard
            .homeless
            .iter()
            .filter(|&&other| yard.units[other as usize].length_dm == length);
        let places = (0..yard.sites.len()).map(|site| {
            let places = 0..yard.sites[site].places.len();
            places
                .filter(|&place| yard.length_dm(site, place) == length)
                .count()
        });
        places.sum::<usize>() >= asked.count()
    })
}

fn units(
    yard: &mut Yard,
    order: &[u32],
    nth: usize,
    left: &mut u64,
    stop: &dyn Fn() -> bool,
) -> Found {
    if !step(left, stop) {
        return Found::Unknown;
    }
    let Some(&unit) = order.get(nth) else {
        for wagon in 0..yard.consist.wagons.len() {
            yard.weigh(wagon);
        }
        return if yard.faults_kg() == 0 {
            Found::Loading
        } else {
            Found::None
        };
    };
    for site in 0..yard.sites.len() {
        for place in 0..yard.sites[site].places.len() {
            if yard.sites[site].places[place] != EMPTY || !yard.suits(unit, site, place) {
                continue;
            }
            yard.put(site, place, unit);
            let found = units(yard, order, nth + 1, left, stop);
            if found != Found::None {
                return found;
            }
            yard.put(site, place, EMPTY);
        }
    }
    Found::None
}
