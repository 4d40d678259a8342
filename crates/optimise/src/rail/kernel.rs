//! The kernel: a choice of one option an item within the capacities, and a bound.

use super::core::Core;
use super::greedy;
use crate::answer::{Answer, Statistics};
use crate::budget::Budget;

/// What an earlier run left.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The option of each item, where it is still known.
    pub choice: Vec<Option<u32>>,
    /// The price of each whole row.
    pub prices: Vec<f64>,
}

/// An answer with the prices behind its bound.
#[derive(Debug, Clone)]
pub struct Solved {
    /// The chosen option of each item (counted over all options), value and bound.
    pub answer: Answer<Vec<u32>>,
    /// The price of each whole row.
    pub prices: Vec<f64>,
}

/// Solves `core`.
pub fn solve(core: &Core, _start: Option<&Start>, _seed: u64, _budget: &Budget) -> Solved {
    let costs: Vec<i64> = (0..core.options())
        .map(|option| core.cost(option))
        .collect();
    let choice = greedy::regret(core, &costs);
    let value = core.total(&choice);
    let cheapest = |item| core.options_of(item).map(|option| core.cost(option)).min();
    let bound = (0..core.items()).filter_map(cheapest).sum();
    Solved {
        answer: Answer {
            plan: choice,
            value,
            bound,
            statistics: Statistics::default(),
        },
        prices: vec![0.0; core.capacity().len()],
    }
}
