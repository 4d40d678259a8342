//! Prices of capacity by a momentum subgradient on rows normalised by their capacity (raw rows diverge as soon as one
//! counts TEU and the next kilograms).

use super::active::Active;
use super::core::Core;

/// Shrink the step after so many iterations without a better bound.
const PATIENCE: u32 = 12;
const SHRINK: f64 = 0.8;
const MOMENTUM: f64 = 0.8;
const GROWTH: f64 = 1.05;
/// Steps aim at a bound that is higher by this part.
const AIM: f64 = 0.5;

/// The search for prices, in floating point; [`Prices`](super::prices::Prices) makes a proof of its result.
#[derive(Debug)]
pub struct Dual {
    /// The best bound so far.
    pub bound: f64,
    /// The price of each whole row behind it.
    pub prices: Vec<f64>,
    /// Iterations so far.
    pub iterations: u64,
    /// Present step relative to Polyak's.
    pub step: f64,
    at: Vec<f64>,
    direction: Vec<f64>,
    stalled: u32,
    // The options in play, compact.
    first: Vec<u32>,
    options: Vec<Packed>,
    uses: Vec<(u32, f64)>,
}

#[derive(Debug, Clone, Copy)]
struct Packed {
    cost: f64,
    uses_end: u32,
}

impl Dual {
    /// Starts from `prices` of whole rows.
    pub fn new(core: &Core, active: &Active, prices: Vec<f64>) -> Self {
        let rows = core.capacity().len();
        let mut dual = Dual {
            bound: f64::NEG_INFINITY,
            at: prices.clone(),
            prices,
            iterations: 0,
            step: 0.1,
            direction: vec![0.0; rows],
            stalled: 0,
            first: Vec::new(),
            options: Vec::new(),
            uses: Vec::new(),
        };
        dual.pack(core, active);
        dual
    }

    /// Takes over the options in play; call it after fixing.
    pub fn pack(&mut self, core: &Core, active: &Active) {
        self.first.clear();
        self.options.clear();
        self.uses.clear();
        self.first.push(0);
        for item in 0..core.items() {
            for &option in active.of(item) {
                let option = option as usize;
                self.uses.extend(core.uses(option).iter().map(|used| {
                    let capacity = core.capacity()[used.row as usize];
                    (used.row, used.amount as f64 / capacity.max(1) as f64)
                }));
                self.options.push(Packed {
                    cost: core.cost(option) as f64,
                    uses_end: self.uses.len() as u32,
                });
            }
            self.first.push(self.options.len() as u32);
        }
    }

    /// The bound at the present prices; `gradient` becomes what each row is overused, in capacities.
    fn evaluate(&self, gradient: &mut [f64]) -> f64 {
        gradient.fill(-1.0);
        let mut bound = -self.at.iter().sum::<f64>();
        let mut use_start = 0_usize;
        let mut start = 0_usize;
        for &end in &self.first[1..] {
            let mut least = f64::INFINITY;
            let mut taken = 0..0;
            for option in &self.options[start..end as usize] {
                let use_end = option.uses_end as usize;
                let mut price = option.cost;
                for &(row, part) in &self.uses[use_start..use_end] {
                    price += self.at[row as usize] * part;
                }
                if price < least {
                    least = price;
                    taken = use_start..use_end;
                }
                use_start = use_end;
            }
            start = end as usize;
            if least < f64::INFINITY {
                bound += least;
            }
            for &(row, part) in &self.uses[taken] {
                gradient[row as usize] += part;
            }
        }
        bound
    }

    /// Up to `iterations` steps; returns early once the step is tiny.
    pub fn ascend(&mut self, iterations: u64, stop: &dyn Fn() -> bool) {
        let mut gradient = vec![0.0; self.at.len()];
        for _ in 0..iterations {
            if self.step < 1e-4 || stop() {
                break;
            }
            self.iterations += 1;
            let bound = self.evaluate(&mut gradient);
            if bound > self.bound {
                let gain = bound - self.bound;
                self.bound = bound;
                self.prices.copy_from_slice(&self.at);
                if gain > 1e-6 * bound.abs() {
                    self.stalled = 0;
                    self.step = (self.step * GROWTH).min(1.0);
                }
            }
            self.stalled += 1;
            if self.stalled > PATIENCE {
                self.step *= SHRINK;
                self.stalled = 0;
                self.at.copy_from_slice(&self.prices);
                self.direction.fill(0.0);
                continue;
            }
            self.advance(&gradient, AIM * self.bound.abs() + (self.bound - bound));
        }
    }

    fn advance(&mut self, gradient: &[f64], distance: f64) {
        let mut norm = 0.0;
        for (direction, (&gradient, &at)) in
            self.direction.iter_mut().zip(gradient.iter().zip(&self.at))
        {
            // A row at price 0 that is not full pulls nowhere.
            let pull = if at <= 0.0 && gradient < 0.0 {
                0.0
            } else {
                gradient
            };
            *direction = MOMENTUM * *direction + (1.0 - MOMENTUM) * pull;
            norm += *direction * *direction;
        }
        if norm < 1e-12 {
            return;
        }
        let step = self.step * distance.max(1.0) / norm;
        for (at, direction) in self.at.iter_mut().zip(&self.direction) {
            *at = (*at + step * direction).max(0.0);
        }
    }
}
