//! Prices of capacity from the linear relaxation, by a primal-dual interior-point method (Mehrotra 1992) that uses the
//! form of the problem: items are independent but for the capacity rows, so each Newton step needs one dense
//! factorisation of the size of the rows alone.
//!
//! The relaxation: `min c x`, each item's options sum to 1, each row's use in parts of its capacity is at most 1.

use super::active::Active;
use super::cholesky::Cholesky;
use super::core::Core;

const MAX_ITERATIONS: u32 = 90;
/// A step shorter than this part of the way is a bad one.
const SHORT: f64 = 0.1;
/// So short a step is never taken without going back towards the centre.
const TINY: f64 = 0.02;
/// After so many bad steps, no bad step is.
const MAX_SHORT: u32 = 5;
/// Stop at this relative distance between the relaxation's two sides.
const ENOUGH: f64 = 3e-5;

/// What the relaxation says.
#[derive(Debug, Clone)]
pub struct Relaxed {
    /// The price of each whole row.
    pub prices: Vec<f64>,
    /// How much of each option (counted over all options) is taken; 0 out of play.
    pub share: Vec<f64>,
    /// Newton steps.
    pub iterations: u32,
    /// False if it ended before the two sides met.
    pub is_converged: bool,
}

/// The relaxation in compact form.
struct Form<'a> {
    first: Vec<usize>,
    options: Vec<u32>,
    cost: Vec<f64>,
    use_first: Vec<usize>,
    uses: Vec<(usize, f64)>,
    rows: usize,
    core: &'a Core,
}

impl<'a> Form<'a> {
    fn new(core: &'a Core, active: &Active) -> Self {
        let mut form = Form {
            first: vec![0],
            options: Vec::with_capacity(active.len()),
            cost: Vec::with_capacity(active.len()),
            use_first: vec![0],
            uses: Vec::new(),
            rows: core.capacity().len(),
            core,
        };
        for item in 0..core.items() {
            for &option in active.of(item) {
                form.options.push(option);
                form.cost.push(core.cost(option as usize) as f64);
                for used in core.uses(option as usize) {
                    let row = used.row as usize;
                    let part = used.amount as f64 / core.capacity()[row].max(1) as f64;
                    form.uses.push((row, part));
                }
                form.use_first.push(form.uses.len());
            }
            form.first.push(form.options.len());
        }
        form
    }

    fn uses(&self, at: usize) -> &[(usize, f64)] {
        &self.uses[self.use_first[at]..self.use_first[at + 1]]
    }

    fn items(&self) -> usize {
        self.first.len() - 1
    }

    /// Priced use of an option.
    fn priced(&self, at: usize, prices: &[f64]) -> f64 {
        self.uses(at)
            .iter()
            .map(|&(row, part)| prices[row] * part)
            .sum()
    }
}

/// A point: shares and slacks (primal), their duals, item values and row prices are implied by the slack duals.
struct Point {
    share: Vec<f64>,
    slack: Vec<f64>,
    share_dual: Vec<f64>,
    prices: Vec<f64>,
    value: Vec<f64>,
}

struct Step {
    share: Vec<f64>,
    slack: Vec<f64>,
    share_dual: Vec<f64>,
    prices: Vec<f64>,
    value: Vec<f64>,
}

/// Solves the relaxation over the options in play; `stop` ends it early with the prices so far.
pub fn relax(core: &Core, active: &Active, stop: &dyn Fn() -> bool) -> Relaxed {
    let form = Form::new(core, active);
    let mut point = start(&form);
    let mut step = Step {
        share: vec![0.0; form.options.len()],
        slack: vec![0.0; form.rows],
        share_dual: vec![0.0; form.options.len()],
        prices: vec![0.0; form.rows],
        value: vec![0.0; form.items()],
    };
    let mut target = (vec![0.0; form.options.len()], vec![0.0; form.rows]);
    let mut normal = Normal::new(&form);
    let mut iterations = 0;
    let mut short = 0;
    let mut is_converged = false;
    while iterations < MAX_ITERATIONS && !stop() {
        let (gap, scale) = gap(&form, &point);
        is_converged = gap <= ENOUGH * scale;
        if is_converged || !normal.factor(&form, &point) {
            break;
        }
        iterations += 1;
        let size = (form.options.len() + form.rows).max(1) as f64;
        let centre = gap / size;
        affine_target(&point, &mut target);
        normal.solve(&form, &point, &target, &mut step);
        let (primal, dual) = lengths(&point, &step, 1.0);
        let left = gap_after(&point, &step, primal, dual) / size;
        let sigma = (left / centre) * (left / centre) * (left / centre);
        corrected_target(&point, &step, sigma.min(1.0) * centre, &mut target);
        normal.solve(&form, &point, &target, &mut step);
        let (mut primal, mut dual) = lengths(&point, &step, 0.995);
        short += u32::from(primal.min(dual) < SHORT);
        let least = if short > MAX_SHORT { SHORT } else { TINY };
        if primal.min(dual) < least {
            // Too near the border for the second-order term: back towards the centre first.
            centring_target(&point, 0.8 * centre, &mut target);
            normal.solve(&form, &point, &target, &mut step);
            (primal, dual) = lengths(&point, &step, 0.9);
        }
        advance(&form, &mut point, &step, primal, dual);
    }
    let mut share = vec![0.0; core.options()];
    for (at, &option) in form.options.iter().enumerate() {
        share[option as usize] = point.share[at];
    }
    Relaxed {
        prices: point.prices,
        share,
        iterations,
        is_converged,
    }
}

/// Multiplications of one Newton step.
pub fn newton_work(core: &Core, active: &Active) -> u64 {
    let rows = core.capacity().len() as u64;
    let mut work = rows * rows * rows / 6;
    let mut seen = vec![u32::MAX; core.capacity().len()];
    for item in 0..core.items() {
        let mut touched = 0_u64;
        for &option in active.of(item) {
            let uses = core.uses(option as usize);
            work += (uses.len() * uses.len()) as u64;
            for used in uses {
                let seen = &mut seen[used.row as usize];
                touched += u64::from(*seen != item as u32);
                *seen = item as u32;
            }
        }
        work += touched * touched / 2;
    }
    work
}

/// Values below the least priced option by a margin, shares inverse to what options lack to that: every product of a
/// share and its dual is then alike within an item. Prices so that rows are alike too.
#[expect(
    clippy::needless_range_loop,
    reason = "the index names an item in several arrays"
)]
fn start(form: &Form) -> Point {
    let mut share = vec![0.0; form.options.len()];
    let mut share_dual = vec![0.0; form.options.len()];
    let mut value = vec![0.0; form.items()];
    let mut used = vec![0.0; form.rows];
    let mut spread = 0.0;
    for item in 0..form.items() {
        let costs = &form.cost[form.first[item]..form.first[item + 1]];
        value[item] = costs.iter().copied().fold(f64::INFINITY, f64::min);
        spread += costs.iter().map(|cost| cost - value[item]).sum::<f64>();
    }
    let margin = 1.0 + spread / form.options.len().max(1) as f64;
    for item in 0..form.items() {
        let range = form.first[item]..form.first[item + 1];
        value[item] = if range.is_empty() {
            0.0
        } else {
            value[item] - margin
        };
        for at in range.clone() {
            share_dual[at] = form.cost[at] - value[item];
        }
        let sum: f64 = range.clone().map(|at| 1.0 / share_dual[at]).sum();
        for at in range {
            share[at] = 1.0 / share_dual[at] / sum;
            for &(row, part) in form.uses(at) {
                used[row] += share[at] * part;
            }
        }
    }
    let pairs = share
        .iter()
        .zip(&share_dual)
        .map(|(share, dual)| share * dual);
    let centre = pairs.sum::<f64>() / form.options.len().max(1) as f64;
    let slack: Vec<f64> = used
        .iter()
        .map(|used| (1.0 - used).abs().max(0.2))
        .collect();
    let mut point = Point {
        prices: slack.iter().map(|slack| centre / slack).collect(),
        share,
        slack,
        share_dual,
        value,
    };
    for at in 0..form.options.len() {
        point.share_dual[at] += form.priced(at, &point.prices);
    }
    point
}

/// Complementarity left, and the size of the objective.
fn gap(form: &Form, point: &Point) -> (f64, f64) {
    let shares = point
        .share
        .iter()
        .zip(&point.share_dual)
        .map(|(a, b)| a * b);
    let rows = point.slack.iter().zip(&point.prices).map(|(a, b)| a * b);
    let cost: f64 = point.share.iter().zip(&form.cost).map(|(a, b)| a * b).sum();
    (shares.sum::<f64>() + rows.sum::<f64>(), cost.abs() + 1.0)
}

fn gap_after(point: &Point, step: &Step, primal: f64, dual: f64) -> f64 {
    let after = |x: &[f64], dx: &[f64], z: &[f64], dz: &[f64]| -> f64 {
        let pairs = x.iter().zip(dx).zip(z.iter().zip(dz));
        pairs
            .map(|((x, dx), (z, dz))| (x + primal * dx) * (z + dual * dz))
            .sum()
    };
    after(
        &point.share,
        &step.share,
        &point.share_dual,
        &step.share_dual,
    ) + after(&point.slack, &step.slack, &point.prices, &step.prices)
}

fn affine_target(point: &Point, target: &mut (Vec<f64>, Vec<f64>)) {
    for (at, t) in target.0.iter_mut().enumerate() {
        *t = -point.share[at] * point.share_dual[at];
    }
    for (row, t) in target.1.iter_mut().enumerate() {
        *t = -point.slack[row] * point.prices[row];
    }
}

fn centring_target(point: &Point, centre: f64, target: &mut (Vec<f64>, Vec<f64>)) {
    for (at, t) in target.0.iter_mut().enumerate() {
        *t = centre - point.share[at] * point.share_dual[at];
    }
    for (row, t) in target.1.iter_mut().enumerate() {
        *t = centre - point.slack[row] * point.prices[row];
    }
}

fn corrected_target(point: &Point, step: &Step, centre: f64, target: &mut (Vec<f64>, Vec<f64>)) {
    for (at, t) in target.0.iter_mut().enumerate() {
        *t = centre - point.share[at] * point.share_dual[at] - step.share[at] * step.share_dual[at];
    }
    for (row, t) in target.1.iter_mut().enumerate() {
        *t = centre - point.slack[row] * point.prices[row] - step.slack[row] * step.prices[row];
    }
}

/// The longest steps that keep the point positive, times `part`.
fn lengths(point: &Point, step: &Step, part: f64) -> (f64, f64) {
    let longest = |x: &[f64], dx: &[f64], so_far: f64| {
        let mut longest = so_far;
        for (x, dx) in x.iter().zip(dx) {
            if x + longest * dx < 0.0 {
                longest = -x / dx;
            }
        }
        longest
    };
    let whole = 1.0 / part;
    let primal = longest(
        &point.slack,
        &step.slack,
        longest(&point.share, &step.share, whole),
    );
    let dual = longest(
        &point.prices,
        &step.prices,
        longest(&point.share_dual, &step.share_dual, whole),
    );
    (primal * part, dual * part)
}

fn advance(form: &Form, point: &mut Point, step: &Step, primal: f64, dual: f64) {
    let add = |x: &mut [f64], dx: &[f64], length: f64| {
        for (x, dx) in x.iter_mut().zip(dx) {
            *x += length * dx;
        }
    };
    add(&mut point.share, &step.share, primal);
    add(&mut point.slack, &step.slack, primal);
    add(&mut point.prices, &step.prices, dual);
    add(&mut point.value, &step.value, dual);
    for item in 0..form.items() {
        for at in form.first[item]..form.first[item + 1] {
            // From the definition, so that the dual side never drifts; where that cancels out, from the step.
            let exact = form.cost[at] + form.priced(at, &point.prices) - point.value[item];
            let stepped = point.share_dual[at] + dual * step.share_dual[at];
            point.share_dual[at] = if exact > 1e-9 * form.cost[at].abs() {
                exact
            } else {
                stepped.max(1e-12)
            };
        }
    }
}

/// The normal equations of one Newton step, reduced to the rows.
struct Normal {
    schur: Cholesky,
    /// Weight of each option: share over its dual.
    weight: Vec<f64>,
    /// Sum of the weights of each item.
    item_weight: Vec<f64>,
    dense: Vec<f64>,
    touched: Vec<usize>,
    right: Vec<f64>,
    item_right: Vec<f64>,
}

impl Normal {
    fn new(form: &Form) -> Self {
        Normal {
            schur: Cholesky::new(form.rows),
            weight: vec![0.0; form.options.len()],
            item_weight: vec![0.0; form.items()],
            dense: vec![0.0; form.rows],
            touched: Vec::new(),
            right: vec![0.0; form.rows],
            item_right: vec![0.0; form.items()],
        }
    }

    /// False if the matrix is no longer positive in floating point: the point is as good as it gets.
    fn factor(&mut self, form: &Form, point: &Point) -> bool {
        self.schur.clear();
        for row in 0..form.rows {
            self.schur
                .add(row, row, point.slack[row] / point.prices[row].max(1e-300));
        }
        for item in 0..form.items() {
            let mut sum = 0.0;
            for at in form.first[item]..form.first[item + 1] {
                let weight = point.share[at] / point.share_dual[at];
                self.weight[at] = weight;
                sum += weight;
                let uses = form.uses(at);
                for (nth, &(row, part)) in uses.iter().enumerate() {
                    for &(other, other_part) in &uses[..=nth] {
                        self.schur.add(row, other, weight * part * other_part);
                    }
                    if self.dense[row] == 0.0 {
                        self.touched.push(row);
                    }
                    self.dense[row] += weight * part;
                }
            }
            self.item_weight[item] = sum.max(1e-300);
            self.touched.sort_unstable();
            for (nth, &row) in self.touched.iter().enumerate() {
                let part = self.dense[row] / self.item_weight[item];
                for &other in &self.touched[..=nth] {
                    self.schur.add(row, other, -part * self.dense[other]);
                }
            }
            for row in self.touched.drain(..) {
                self.dense[row] = 0.0;
            }
        }
        self.schur.factor()
    }

    /// The Newton step to `target` complementarity. Row duals are `-prices`.
    #[expect(
        clippy::needless_range_loop,
        reason = "the index names an item in several arrays"
    )]
    fn solve(
        &mut self,
        form: &Form,
        point: &Point,
        target: &(Vec<f64>, Vec<f64>),
        step: &mut Step,
    ) {
        let right = &mut self.right;
        for (row, right) in right.iter_mut().enumerate() {
            *right = 1.0 - point.slack[row] - target.1[row] / point.prices[row].max(1e-300);
        }
        for item in 0..form.items() {
            let mut item_right = 1.0;
            for at in form.first[item]..form.first[item + 1] {
                let moved = target.0[at] / point.share_dual[at];
                item_right -= point.share[at] + moved;
                for &(row, part) in form.uses(at) {
                    right[row] -= part * (point.share[at] + moved);
                }
            }
            self.item_right[item] = item_right;
            let part = item_right / self.item_weight[item];
            for at in form.first[item]..form.first[item + 1] {
                for &(row, use_part) in form.uses(at) {
                    right[row] -= use_part * self.weight[at] * part;
                }
            }
        }
        self.schur.solve(right);
        for item in 0..form.items() {
            let mut value = self.item_right[item];
            for at in form.first[item]..form.first[item + 1] {
                value -= self.weight[at] * form.priced(at, right);
            }
            value /= self.item_weight[item];
            step.value[item] = value;
            for at in form.first[item]..form.first[item + 1] {
                let pull = value + form.priced(at, right);
                step.share_dual[at] = -pull;
                step.share[at] = self.weight[at] * pull + target.0[at] / point.share_dual[at];
            }
        }
        for row in 0..form.rows {
            let price = point.prices[row].max(1e-300);
            step.prices[row] = -right[row];
            step.slack[row] = (target.1[row] + point.slack[row] * right[row]) / price;
        }
        debug_assert_eq!(form.core.capacity().len(), form.rows);
    }
}
