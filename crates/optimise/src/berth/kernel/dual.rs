//! The Lagrangian bound: "each ship once" is dualised, prices follow a subgradient with momentum. Prices are integers in
//! fixed point, so each bound is exact.

use super::arcs::{Graph, Labels, SCALE_BITS};
use super::instance::Instance;

/// Iterations without a better bound before the step shrinks, unless a caller knows better.
const PATIENCE: u32 = 40;
const SHRINK: f64 = 0.65;
const MOMENTUM: f64 = 0.9;
/// How much of the newest slope enters the momentum.
const GAIN: f64 = 0.5;
/// Weight of the newest path in the averages that guide branching.
const NEWEST: f32 = 0.08;

/// Prices and what was learnt with them.
#[derive(Debug, Clone)]
pub(super) struct Dual {
    /// Prices by ship: what a stay is worth above its price of absence (so never above 0 when absent is cheap), scaled.
    pub lambda: Vec<i64>,
    pub best_lambda: Vec<i64>,
    /// Best bound so far, scaled.
    pub best: i64,
    pub step: f64,
    stalled: u32,
    /// Iterations without a better bound before the step shrinks.
    pub patience: u32,
    velocity: Vec<f64>,
    pub cover: Vec<i32>,
    /// Share of recent paths that take the ship to the berth, by `ship * berths + berth`.
    pub share: Vec<f32>,
    /// Mean start slot of recent paths, by ship.
    pub mean_start: Vec<f32>,
    /// Mean and mean square of the cost (scaled, relative to absence) at which recent paths take the ship.
    pub mean_cost: Vec<f64>,
    pub square_cost: Vec<f64>,
    pub labels: Vec<Labels>,
}

/// What one iteration found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Prices were changed.
    Moved,
    /// Each ship came once: the paths are an optimal plan of this graph.
    Optimal,
}

impl Dual {
    /// Starts from the given prices (scaled cost of having the ship, absolute).
    pub fn new(instance: &Instance, prices: &[i64]) -> Self {
        let ships = instance.ships;
        // with cost counted relative to absence, lambda = price of ship - price of absence, at most 0
        let relative = |ship: usize| {
            (prices[ship] - (instance.price[ship] << SCALE_BITS))
                .clamp(-(instance.price[ship] << SCALE_BITS), 0)
        };
        let lambda: Vec<i64> = (0..ships).map(relative).collect();
        Dual {
            best_lambda: lambda.clone(),
            lambda,
            best: i64::MIN,
            step: 1.0,
            stalled: 0,
            patience: PATIENCE,
            velocity: vec![0.0; ships],
            cover: vec![0; ships],
            share: vec![0.0; ships * instance.berths],
            mean_start: vec![0.0; ships],
            mean_cost: vec![0.0; ships],
            square_cost: vec![0.0; ships],
            labels: vec![Labels::default(); instance.berths],
        }
    }

    /// The best prices, scaled and absolute.
    pub fn prices(&self, instance: &Instance) -> Vec<i64> {
        let absolute =
            |(ship, lambda): (usize, &i64)| lambda + (instance.price[ship] << SCALE_BITS);
        self.best_lambda.iter().enumerate().map(absolute).collect()
    }

    /// The best bound, rounded up to whole cost units.
    pub fn bound(&self) -> i64 {
        if self.best == i64::MIN {
            return i64::MIN;
        }
        -((-self.best) >> SCALE_BITS)
    }

    /// Takes note of the bound at the current prices, scaled.
    pub fn accept(&mut self, bound: i64) {
        if bound > self.best {
            self.best = bound;
            self.best_lambda.copy_from_slice(&self.lambda);
        }
    }

    /// Restarts the step rule, for another graph.
    pub fn restart(&mut self, step: f64) {
        self.best = i64::MIN;
        self.step = step;
        self.stalled = 0;
        self.lambda.copy_from_slice(&self.best_lambda);
        self.velocity.fill(0.0);
    }

    /// Value of the Lagrangian at the current prices, scaled; fills covers and averages.
    fn evaluate(&mut self, instance: &Instance, graph: &Graph) -> i64 {
        let mut value: i64 = self.lambda.iter().sum();
        value += instance.price.iter().sum::<i64>() << SCALE_BITS;
        self.cover.fill(0);
        for share in &mut self.share {
            *share *= 1.0 - NEWEST;
        }
        for (berth, arcs) in graph.berths.iter().enumerate() {
            value += self.labels[berth].solve(arcs, &self.lambda);
            let (cover, share, mean_start) =
                (&mut self.cover, &mut self.share, &mut self.mean_start);
            let (mean_cost, square_cost) = (&mut self.mean_cost, &mut self.square_cost);
            self.labels[berth].path(arcs, |arc| {
                let ship = usize::from(arc.ship);
                cover[ship] += 1;
                share[ship * instance.berths + berth] += NEWEST;
                mean_start[ship] += NEWEST * (f32::from(arc.start) - mean_start[ship]);
                let cost = arc.cost as f64;
                mean_cost[ship] += f64::from(NEWEST) * (cost - mean_cost[ship]);
                square_cost[ship] += f64::from(NEWEST) * (cost * cost - square_cost[ship]);
            });
        }
        value
    }

    /// One iteration towards `target` (cost units, the best known value).
    pub fn iterate(&mut self, instance: &Instance, graph: &Graph, target: i64) -> Step {
        let value = self.evaluate(instance, graph);
        if value > self.best {
            self.best = value;
            self.best_lambda.copy_from_slice(&self.lambda);
            self.stalled = 0;
        } else {
            self.stalled += 1;
            if self.stalled > self.patience {
                self.stalled = 0;
                self.step *= SHRINK;
                self.lambda.copy_from_slice(&self.best_lambda);
                self.velocity.fill(0.0);
            }
        }
        let is_fine = |(cover, lambda): (&i32, &i64)| *cover == 1 || (*cover == 0 && *lambda == 0);
        if self.cover.iter().zip(&self.lambda).all(is_fine) {
            self.best = value;
            self.best_lambda.copy_from_slice(&self.lambda);
            return Step::Optimal;
        }
        self.advance(instance, value, target);
        Step::Moved
    }

    fn advance(&mut self, instance: &Instance, value: i64, target: i64) {
        let mut square = 0.0;
        for ship in 0..self.lambda.len() {
            let slope = f64::from(1 - self.cover[ship]);
            let slope = if slope > 0.0 && self.lambda[ship] >= 0 {
                0.0
            } else {
                slope
            };
            self.velocity[ship] = MOMENTUM * self.velocity[ship] + GAIN * slope;
            square += slope * slope;
        }
        // a bad value must not make the next step larger still
        let target = target << SCALE_BITS;
        let distance = (target - value).min(2 * (target - self.best)) as f64;
        let length = self.step * distance.max(1.0) / square.max(1.0);
        // no ship is worth more than its price of absence, nor less than nothing
        let ships = self
            .lambda
            .iter_mut()
            .zip(&self.velocity)
            .zip(&instance.price);
        for ((lambda, velocity), price) in ships {
            *lambda = (*lambda + (length * velocity) as i64).clamp(-(price << SCALE_BITS), 0);
        }
    }

    /// Removes arcs that no plan cheaper than `value` uses. The labels are renewed at the best prices.
    pub fn fix(&mut self, graph: &mut Graph, value: i64) {
        let spare = ((value - 1) << SCALE_BITS) - self.best;
        for (berth, arcs) in graph.berths.iter_mut().enumerate() {
            let labels = &mut self.labels[berth];
            labels.solve(arcs, &self.best_lambda);
            labels.fix(arcs, &self.best_lambda, spare);
        }
    }

    /// The plan of the last evaluation's paths: by ship, berth and start slot.
    pub fn paths(&self, graph: &Graph, visit: &mut dyn FnMut(usize, usize, usize)) {
        for (berth, arcs) in graph.berths.iter().enumerate() {
            self.labels[berth].path(arcs, |arc| {
                visit(usize::from(arc.ship), berth, usize::from(arc.start))
            });
        }
    }
}
