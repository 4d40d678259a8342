//! The products of primal and dual that a Newton step aims at.

use super::form::Form;
use super::point::Point;

/// Products so near to the centre, as parts of it, are left alone.
const NEAR: std::ops::Range<f64> = 0.1..10.0;

/// By how much each product is to change.
pub(super) struct Target {
    /// Of shares and what stands against them.
    pub(super) shares: Vec<f64>,
    /// Of slacks and prices.
    pub(super) rows: Vec<f64>,
}

impl Target {
    pub(super) fn new(form: &Form) -> Self {
        Target {
            shares: vec![0.0; form.options.len()],
            rows: vec![0.0; form.rows],
        }
    }

    /// All products become `centre`; 0 is the border, where the optimum lies.
    pub(super) fn centre(&mut self, point: &Point, centre: f64) {
        for (at, t) in self.shares.iter_mut().enumerate() {
            *t = centre - point.share[at] * point.share_dual[at];
        }
        for (row, t) in self.rows.iter_mut().enumerate() {
            *t = centre - point.slack[row] * point.prices[row];
        }
    }

    /// As [`Self::centre`], less the second-order term of a step that is known (Mehrotra 1992).
    pub(super) fn correct(&mut self, point: &Point, step: &Point, centre: f64) {
        self.centre(point, centre);
        for (at, t) in self.shares.iter_mut().enumerate() {
            *t -= step.share[at] * step.share_dual[at];
        }
        for (row, t) in self.rows.iter_mut().enumerate() {
            *t -= step.slack[row] * step.prices[row];
        }
    }

    /// Products which a step of these lengths would leave far from `centre` come nearer (Gondzio 1996).
    pub(super) fn bring_near(
        &mut self,
        point: &Point,
        step: &Point,
        (primal, dual): (f64, f64),
        centre: f64,
    ) {
        let moved = |x: f64, dx: f64, z: f64, dz: f64| {
            let product = (x + primal * dx) * (z + dual * dz);
            (product.clamp(NEAR.start * centre, NEAR.end * centre) - product)
                .max(-NEAR.end * centre)
        };
        for (at, t) in self.shares.iter_mut().enumerate() {
            *t += moved(
                point.share[at],
                step.share[at],
                point.share_dual[at],
                step.share_dual[at],
            );
        }
        for (row, t) in self.rows.iter_mut().enumerate() {
            *t += moved(
                point.slack[row],
                step.slack[row],
                point.prices[row],
                step.prices[row],
            );
        }
    }
}
