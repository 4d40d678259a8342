//! Prices of capacity in fixed point, and the exact bound that they prove.
//!
//! For prices `p >= 0` a unit of capacity, any plan costs at least
//! `sum over items of min over options (cost + p * use) - p * capacity`. In whole numbers of `2^-shift` nothing is
//! rounded, so the bound is exact and the same on every machine.

use super::active::Active;
use super::core::Core;

/// Fixed-point prices with the reduced cost of every option.
#[derive(Debug, Clone)]
pub struct Prices {
    /// Binary places of the fixed point.
    pub shift: u32,
    /// The price of one unit of each row.
    pub per_unit: Vec<i64>,
    /// Cost and priced use of each option in play, less the least of its item; at least 0. `i64::MAX` out of play.
    pub reduced: Vec<i64>,
    /// The bound, in fixed point.
    pub bound: i64,
}

/// What the dearest choice costs: no useful prices of rows add up to more than that.
fn dearest_total(core: &Core) -> i64 {
    let dearest = |item| {
        core.options_of(item)
            .map(|option| core.cost(option).abs())
            .max()
    };
    (0..core.items()).filter_map(dearest).sum::<i64>().max(1)
}

impl Prices {
    /// Prices `row_prices` (of whole rows), and the bound over the options in play.
    pub fn new(core: &Core, active: &Active, row_prices: &[f64]) -> Self {
        let mut prices = Prices::of_rows(core.capacity(), dearest_total(core), row_prices);
        prices.reprice(core, active);
        if prices.bound < 0 && prices.per_unit.iter().any(|price| *price != 0) {
            // Prices from a search cut short may be worse than none.
            let bound = prices.bound;
            let given = std::mem::replace(&mut prices.per_unit, vec![0; core.capacity().len()]);
            prices.reprice(core, active);
            if prices.bound < bound {
                prices.per_unit = given;
                prices.reprice(core, active);
            }
        }
        prices
    }

    /// Prices alone, of rows of `capacities`, where the dearest plan costs `total`.
    pub fn of_rows(capacities: &[i64], total: i64, row_prices: &[f64]) -> Self {
        // The largest shift at which no sum over the core, nor overload at 64 times its price, can overflow.
        let bits = 64 - total.leading_zeros();
        let shift = 50_u32.saturating_sub(bits).min(24);
        let scale = (1_u64 << shift) as f64;
        let sum: f64 = row_prices.iter().sum();
        let is_useful = sum.is_finite() && sum <= 2.0 * total as f64;
        let scale = if is_useful { scale } else { 0.0 };
        let rows = row_prices.iter().zip(capacities);
        let per_unit =
            rows.map(|(price, &capacity)| (price / capacity.max(1) as f64 * scale) as i64);
        Prices {
            shift,
            per_unit: per_unit.collect(),
            reduced: Vec::new(),
            bound: 0,
        }
    }

    /// Reduced costs and bound over the options in play.
    pub fn reprice(&mut self, core: &Core, active: &Active) {
        self.reduced.clear();
        self.reduced.resize(core.options(), i64::MAX);
        let rooms = self.per_unit.iter().zip(core.capacity());
        self.bound = -rooms.map(|(price, capacity)| price * capacity).sum::<i64>();
        for item in 0..core.items() {
            let mut least = i64::MAX;
            for &option in active.of(item) {
                let priced = self.priced(core, option as usize);
                self.reduced[option as usize] = priced;
                least = least.min(priced);
            }
            for &option in active.of(item) {
                self.reduced[option as usize] -= least;
            }
            if least != i64::MAX {
                self.bound += least;
            }
        }
    }

    /// Cost and priced use of an option, fixed point.
    pub fn priced(&self, core: &Core, option: usize) -> i64 {
        let uses = core.uses(option).iter();
        let used: i64 = uses
            .map(|used| self.per_unit[used.row as usize] * used.amount)
            .sum();
        (core.cost(option) << self.shift) + used
    }

    /// The bound in money, rounded up: costs are whole.
    pub fn bound_in_money(&self) -> i64 {
        self.in_money(self.bound)
    }

    /// Another bound at the same fixed point in money, rounded up.
    pub fn in_money(&self, bound: i64) -> i64 {
        (bound + (1 << self.shift) - 1) >> self.shift
    }

    /// Takes out of play every option through which no plan can cost less than `value`; returns how many.
    pub fn fix(&self, active: &mut Active, value: i64) -> usize {
        let before = active.len();
        let allowance = ((value - 1) << self.shift) - self.bound;
        active.retain(|_, option| self.reduced[option as usize] <= allowance);
        before - active.len()
    }
}
