//! The kernel: a choice of one option an item within the capacities, and a bound.

use super::active::Active;
use super::core::Core;
use super::dual::Dual;
use super::greedy;
use super::prices::Prices;
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
pub fn solve(core: &Core, start: Option<&Start>, seed: u64, budget: &Budget) -> Solved {
    let mut active = Active::new(core);
    let costs: Vec<i64> = (0..core.options()).map(|option| core.cost(option)).collect();
    let mut choice = greedy::regret(core, &costs);
    let mut value = core.total(&choice);
    let relaxed = super::interior::relax(core, &active, &|| budget.stop.stop());
    let prices = Prices::new(core, &active, &relaxed.prices);
    for key in [0, 1] {
        let key: Vec<i64> = if key == 0 { prices.reduced.clone() } else { relaxed.share.iter().map(|s| (-s * 1e6) as i64).collect()};
        let repaired = greedy::regret(core, &key);
        if std::env::var("TRACE").is_ok() {eprintln!("bound {} repaired {} it {}", prices.bound_in_money(), core.total(&repaired), relaxed.iterations);}
        if core.total(&repaired) < value {
            value = core.total(&repaired);
            choice = repaired;
        }
    }
    let mut random = crate::random::Random::new(seed);
    let mut best = super::state::State::new(core, &choice);
    let mut search = super::anneal::Anneal::new(core);
    let mut iterations = 0;
    let hot: f64 = std::env::var("HOT").ok().and_then(|v| v.parse().ok()).unwrap_or(1.0);
    let cold: f64 = std::env::var("COLD").ok().and_then(|v| v.parse().ok()).unwrap_or(0.05);
    let mut moves = 200_000;
    while iterations < budget.iterations && !budget.stop.stop() {
        let fixed = prices.fix(&mut active, best.value);
        active.sort_by_key(&prices.reduced);
        let loose: Vec<u32> = (0..core.items()).filter(|&item| active.of(item).len() > 1).map(|item| item as u32).collect();
        let scale = loose.iter().map(|&item| (prices.reduced[active.of(item as usize)[1] as usize] >> prices.shift) as f64).sum::<f64>() / loose.len().max(1) as f64;
        if std::env::var("TRACE").is_ok() {eprintln!("fixed {fixed} left {} loose {} scale {scale} value {} it {iterations}", active.len(), loose.len(), best.value);}
        if loose.is_empty() {break;}
        iterations += search.run(&active, &loose, super::anneal::Cooling{from: hot*scale, to: cold*scale, moves}, &mut random, &mut best, &|| budget.stop.stop());
        moves *= 2;
    }
    value = best.value;
    choice = best.choice;
    Solved {
        answer: Answer {
            plan: choice,
            value,
            bound: if (0..core.items()).any(|i| active.of(i).is_empty()) {value} else {prices.bound_in_money().min(value)},
            statistics: Statistics { bound_iterations: u64::from(relaxed.iterations), iterations, ..Statistics::default() },
        },
        prices: relaxed.prices,
    }
}
