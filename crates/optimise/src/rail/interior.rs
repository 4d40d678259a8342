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
/// Corrections of a step towards the centre at most, each for a step that is longer by [`FURTHER`].
const CORRECTIONS: u32 = 3;
const FURTHER: f64 = 0.2;
/// Products so near to the centre, as parts of it, are left alone.
const NEAR: std::ops::Range<f64> = 0.1..10.0;
/// Halvings when a value is sought.
const BISECTIONS: u32 = 20;
/// The relative distance between the relaxation's two sides at which its prices are as good as they get.
pub const ENOUGH: f64 = 3e-5;

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
struct Form {
    first: Vec<usize>,
    options: Vec<u32>,
    cost: Vec<f64>,
    use_first: Vec<usize>,
    uses: Vec<(usize, f64)>,
    rows: usize,
}

/// Not one of the rows looked at.
const OUT: usize = usize::MAX;

impl Form {
    fn new(core: &Core, active: &Active, rows: &[u32]) -> Self {
        let mut place = vec![OUT; core.capacity().len()];
        for (at, &row) in rows.iter().enumerate() {
            place[row as usize] = at;
        }
        let mut form = Form {
            first: vec![0],
            options: Vec::with_capacity(active.len()),
            cost: Vec::with_capacity(active.len()),
            use_first: vec![0],
            uses: Vec::new(),
            rows: rows.len(),
        };
        for item in 0..core.items() {
            for &option in active.of(item) {
                form.options.push(option);
                form.cost.push(core.cost(option as usize) as f64);
                for used in core.uses(option as usize) {
                    let row = used.row as usize;
                    let part = used.amount as f64 / core.capacity()[row].max(1) as f64;
                    if place[row] != OUT {
                        form.uses.push((place[row], part));
                    }
                }
                // Trains of a chain come in any order, the factorisation reads the lower triangle alone.
                let start = form.use_first[form.use_first.len() - 1];
                form.uses[start..].sort_unstable_by_key(|(row, _)| *row);
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

impl Step {
    fn new(form: &Form) -> Self {
        Step {
            share: vec![0.0; form.options.len()],
            slack: vec![0.0; form.rows],
            share_dual: vec![0.0; form.options.len()],
            prices: vec![0.0; form.rows],
            value: vec![0.0; form.items()],
        }
    }
}

/// Solves the relaxation over the options in play and the given rows (ascending); `stop` ends it early with the prices so
/// far, as does a relative distance of `enough` between its two sides. Rows left out have no price.
pub fn relax(
    core: &Core,
    active: &Active,
    rows: &[u32],
    enough: f64,
    stop: &dyn Fn() -> bool,
) -> Relaxed {
    let form = Form::new(core, active, rows);
    let mut point = start(&form);
    let mut step = Step::new(&form);
    let mut other = Step::new(&form);
    let mut target = (vec![0.0; form.options.len()], vec![0.0; form.rows]);
    let mut normal = Normal::new(&form);
    let mut iterations = 0;
    let mut short = 0;
    let mut is_converged = false;
    while iterations < MAX_ITERATIONS && !stop() {
        let (gap, scale) = gap(&form, &point);
        is_converged = gap <= enough * scale;
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
        let aimed = sigma.min(1.0) * centre;
        let mut reached = lengths(&point, &step, 1.0);
        for _ in 0..CORRECTIONS {
            let further = |length: f64| (length + FURTHER).min(1.0);
            let aim = (further(reached.0), further(reached.1));
            centred_target(&point, &step, aim, aimed, &mut target);
            normal.solve(&form, &point, &target, &mut other);
            let now = lengths(&point, &other, 1.0);
            if now.0 + now.1 < reached.0 + reached.1 + 0.1 * FURTHER {
                break;
            }
            reached = now;
            std::mem::swap(&mut step, &mut other);
        }
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
    let mut prices = vec![0.0; core.capacity().len()];
    for (&row, &price) in rows.iter().zip(&point.prices) {
        prices[row as usize] = price;
    }
    Relaxed {
        prices,
        share,
        iterations,
        is_converged,
    }
}

/// Multiplications of one Newton step over the given rows.
pub fn newton_work(core: &Core, active: &Active, rows: &[u32]) -> u64 {
    let count = rows.len() as u64;
    let mut work = count * count * count / 6;
    // The item that touched a row last; rows left out count as touched always.
    let mut seen = vec![u32::MAX - 1; core.capacity().len()];
    rows.iter().for_each(|&row| seen[row as usize] = u32::MAX);
    for item in 0..core.items() {
        let mut touched = 0_u64;
        for &option in active.of(item) {
            let uses = core.uses(option as usize);
            work += (uses.len() * uses.len()) as u64;
            for used in uses {
                let seen = &mut seen[used.row as usize];
                if *seen != u32::MAX - 1 && *seen != item as u32 {
                    touched += 1;
                    *seen = item as u32;
                }
            }
        }
        work += touched * touched / 2;
    }
    work
}

/// Near the central path. Where prices rule, the path's shares are `mu / priced use` and a row that `n` options use is full
/// but for one part in `n + 1`: so its price is `mu (n + 1)`, and values follow from shares that add up to 1.
fn start(form: &Form) -> Point {
    let mut value = vec![0.0; form.items()];
    let mut users = vec![1.0; form.rows];
    let mut spread = 0.0;
    for (item, value) in value.iter_mut().enumerate() {
        let range = form.first[item]..form.first[item + 1];
        let costs = &form.cost[range.clone()];
        *value = costs.iter().copied().fold(f64::INFINITY, f64::min);
        spread += costs.iter().map(|cost| cost - *value).sum::<f64>();
        for at in range {
            form.uses(at).iter().for_each(|&(row, _)| users[row] += 1.0);
        }
    }
    let centre = 1.0 + spread / form.options.len().max(1) as f64;
    let prices: Vec<f64> = users.iter().map(|users| centre * users).collect();
    let mut share = vec![0.0; form.options.len()];
    let mut share_dual = vec![0.0; form.options.len()];
    let mut slack = vec![1.0; form.rows];
    for (item, value) in value.iter_mut().enumerate() {
        let range = form.first[item]..form.first[item + 1];
        for at in range.clone() {
            share_dual[at] = form.cost[at] + form.priced(at, &prices);
        }
        *value = centred_value(&share_dual[range.clone()], centre);
        for at in range {
            share_dual[at] -= *value;
            share[at] = centre / share_dual[at];
            for &(row, part) in form.uses(at) {
                slack[row] -= share[at] * part;
            }
        }
    }
    for (slack, users) in slack.iter_mut().zip(&users) {
        *slack = slack.max(1.0 / users);
    }
    Point {
        share,
        slack,
        share_dual,
        prices,
        value,
    }
}

/// The value `v` at which the shares `centre / (priced - v)` add up to 1.
fn centred_value(priced: &[f64], centre: f64) -> f64 {
    let least = priced.iter().copied().fold(f64::INFINITY, f64::min);
    if priced.is_empty() {
        return 0.0;
    }
    let (mut low, mut high) = (least - centre * priced.len() as f64, least - centre);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        let sum: f64 = priced.iter().map(|priced| centre / (priced - middle)).sum();
        if sum > 1.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
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

/// Moves the target so that products which a longer step would leave far from `centre` come nearer (Gondzio 1996).
fn centred_target(
    point: &Point,
    step: &Step,
    lengths: (f64, f64),
    centre: f64,
    target: &mut (Vec<f64>, Vec<f64>),
) {
    let (primal, dual) = lengths;
    let moved = |x: f64, dx: f64, z: f64, dz: f64| {
        let product = (x + primal * dx) * (z + dual * dz);
        (product.clamp(NEAR.start * centre, NEAR.end * centre) - product).max(-NEAR.end * centre)
    };
    for (at, t) in target.0.iter_mut().enumerate() {
        *t += moved(
            point.share[at],
            step.share[at],
            point.share_dual[at],
            step.share_dual[at],
        );
    }
    for (row, t) in target.1.iter_mut().enumerate() {
        *t += moved(
            point.slack[row],
            step.slack[row],
            point.prices[row],
            step.prices[row],
        );
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
    }
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, relax};
    use crate::rail::active::Active;
    use crate::rail::binding::undominated;
    use crate::rail::full::build::build;
    use crate::rail::generate::{Shape, problem};

    /// Chains of trains name their rows in any order; read wrongly, the matrix is another and no step goes far.
    #[test]
    fn chains_whose_later_train_comes_first_do_not_stop_it() {
        for seed in 0..5 {
            let shape = Shape {
                units: 400,
                trains: 24,
                fill_percent: 110,
            };
            let core = build(&problem(shape, seed)).core;
            let active = Active::new(&core);
            let relaxed = relax(
                &core,
                &active,
                &undominated(&core, &active),
                ENOUGH,
                &|| false,
            );
            assert!(relaxed.is_converged, "seed {seed}");
            assert!(
                relaxed.iterations < 60,
                "seed {seed}: {}",
                relaxed.iterations
            );
            let mut used = vec![0.0; core.capacity().len()];
            for (option, share) in relaxed.share.iter().enumerate() {
                let uses = core.uses(option).iter();
                uses.for_each(|one| used[one.row as usize] += share * one.amount as f64);
            }
            let mut rows = used.iter().zip(core.capacity());
            assert!(
                rows.all(|(used, &room)| *used <= 1.0001 * room as f64 + 1e-6),
                "seed {seed}"
            );
        }
    }
}
