//! Points, and steps from one to the next.

use super::form::Form;

/// A point, or a step from one: of the primal side shares of options and slacks of rows, of the dual side what stands
/// against each share, prices of rows (which stand against the slacks) and values of items.
pub(super) struct Point {
    pub(super) share: Vec<f64>,
    pub(super) slack: Vec<f64>,
    pub(super) share_dual: Vec<f64>,
    pub(super) prices: Vec<f64>,
    pub(super) value: Vec<f64>,
}

impl Point {
    pub(super) fn zero(form: &Form) -> Self {
        Point {
            share: vec![0.0; form.options.len()],
            slack: vec![0.0; form.rows],
            share_dual: vec![0.0; form.options.len()],
            prices: vec![0.0; form.rows],
            value: vec![0.0; form.items()],
        }
    }
}

/// Complementarity left, and the size of the objective.
pub(super) fn gap(form: &Form, point: &Point) -> (f64, f64) {
    let shares = point
        .share
        .iter()
        .zip(&point.share_dual)
        .map(|(a, b)| a * b);
    let rows = point.slack.iter().zip(&point.prices).map(|(a, b)| a * b);
    let cost: f64 = point.share.iter().zip(&form.cost).map(|(a, b)| a * b).sum();
    (shares.sum::<f64>() + rows.sum::<f64>(), cost.abs() + 1.0)
}

/// Complementarity left after a step of these lengths.
pub(super) fn gap_after(point: &Point, step: &Point, primal: f64, dual: f64) -> f64 {
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

/// The longest steps that keep the point positive, times `part`.
pub(super) fn lengths(point: &Point, step: &Point, part: f64) -> (f64, f64) {
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

/// Takes a step.
pub(super) fn advance(form: &Form, point: &mut Point, step: &Point, primal: f64, dual: f64) {
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
