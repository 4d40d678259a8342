//! Room of a train: TEU, metres, tonnes.

use super::Rule;
use crate::rail::problem::TrainSlot;
use crate::rail::unit::Unit;

/// Each capacity of `train` with its rule.
pub fn limits(train: &TrainSlot) -> [(Rule, i64); 3] {
    [
        (Rule::Teu, train.max_teu_quarters),
        (Rule::Length, train.max_length_dm),
        (Rule::Gross, train.max_gross_kg),
    ]
}

/// What `unit` uses of each capacity, in the same order.
pub fn uses(unit: &Unit) -> [i64; 3] {
    [unit.teu_quarters, unit.length_dm, unit.gross_kg]
}

/// Capacities that `units` exceed together: rule, use, limit.
pub fn overloads<'a>(
    train: &'a TrainSlot,
    units: &'a [&Unit],
) -> impl Iterator<Item = (Rule, i64, i64)> + 'a {
    limits(train)
        .into_iter()
        .enumerate()
        .filter_map(move |(at, (rule, limit))| {
            let used: i64 = units.iter().map(|unit| uses(unit)[at]).sum();
            (used > limit).then_some((rule, used, limit))
        })
}
