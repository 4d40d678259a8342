//! Regret greedy: the item that would lose most by waiting goes first.

use std::collections::BinaryHeap;

use super::active::Active;
use super::core::Core;

/// A complete choice by descending regret (second-best minus best option that still fits) under `price` an option.
/// Items need an option that always fits; one without is left at its last option.
pub fn regret(core: &Core, price: &[i64]) -> Vec<u32> {
    repair(core, &vec![None; core.items()], price)
}

/// As [`regret`], but the options of `known` are kept where they fit (in the order of items).
#[expect(
    clippy::needless_range_loop,
    reason = "the index names an item in several arrays"
)]
pub fn repair(core: &Core, known: &[Option<u32>], price: &[i64]) -> Vec<u32> {
    let mut room = core.capacity().to_vec();
    let mut choice: Vec<u32> = (0..core.items())
        .map(|item| core.options_of(item).end.saturating_sub(1) as u32)
        .collect();
    let mut open = Vec::new();
    for item in 0..core.items() {
        match known.get(item).copied().flatten() {
            Some(option) if core.fits(&room, option as usize) => {
                choice[item] = option;
                for used in core.uses(option as usize) {
                    room[used.row as usize] -= used.amount;
                }
            }
            _ => open.push(item),
        }
    }
    let mut heap: BinaryHeap<(i64, std::cmp::Reverse<usize>)> = open
        .into_iter()
        .map(|item| (best(core, price, &room, item).1, std::cmp::Reverse(item)))
        .collect();
    while let Some((stale, std::cmp::Reverse(item))) = heap.pop() {
        let (option, regret) = best(core, price, &room, item);
        // Room only shrinks; an item whose regret has changed goes back, and each option can vanish only once.
        if regret != stale && heap.peek().is_some_and(|top| regret < top.0) {
            heap.push((regret, std::cmp::Reverse(item)));
            continue;
        }
        let Some(option) = option else { continue };
        choice[item] = option as u32;
        for used in core.uses(option) {
            room[used.row as usize] -= used.amount;
        }
    }
    choice
}

/// The relaxation's choice made whole: every item takes the option of its largest share, whether it fits or not; items
/// of which nothing is known take their cheapest under `price`.
pub fn round(core: &Core, active: &Active, share: &[f64], price: &[i64]) -> Vec<u32> {
    let largest = |item: usize| {
        let options = active.of(item).iter().copied();
        let by_share = |a: &u32, b: &u32| {
            let (a, b) = (*a as usize, *b as usize);
            share[a]
                .total_cmp(&share[b])
                .then(price[b].cmp(&price[a]))
                .then(b.cmp(&a))
        };
        options
            .max_by(by_share)
            .unwrap_or(core.options_of(item).end.saturating_sub(1) as u32)
    };
    (0..core.items()).map(largest).collect()
}

/// The option of each item that takes the least part of any row.
pub fn refuges(core: &Core) -> Vec<u32> {
    let part = |option: usize| -> f64 {
        let uses = core.uses(option).iter();
        uses.map(|used| used.amount as f64 / core.capacity()[used.row as usize].max(1) as f64)
            .sum()
    };
    let least = |item: usize| {
        let options = core.options_of(item);
        let least = options.min_by(|&a, &b| part(a).total_cmp(&part(b)).then(a.cmp(&b)));
        least.unwrap_or(0) as u32
    };
    (0..core.items()).map(least).collect()
}

/// The cheapest option that fits and its lead over the next; the regret of an only option is the greatest.
fn best(core: &Core, price: &[i64], room: &[i64], item: usize) -> (Option<usize>, i64) {
    let (mut best, mut best_price, mut second) = (None, i64::MAX, i64::MAX);
    for option in core
        .options_of(item)
        .filter(|&option| core.fits(room, option))
    {
        if price[option] < best_price {
            second = best_price;
            (best, best_price) = (Some(option), price[option]);
        } else {
            second = second.min(price[option]);
        }
    }
    let regret = if second == i64::MAX {
        i64::MAX
    } else {
        second - best_price
    };
    (best, regret)
}
