//! One Newton step.

use super::form::Form;
use super::point::Point;
use super::target::Target;
use crate::rail::cholesky::Cholesky;

/// The normal equations of one Newton step, reduced to the rows.
pub(super) struct Normal {
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
    pub(super) fn new(form: &Form) -> Self {
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
    pub(super) fn factor(&mut self, form: &Form, point: &Point) -> bool {
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

    /// The Newton step towards `target`. Row duals are `-prices`.
    #[expect(
        clippy::needless_range_loop,
        reason = "the index names an item in several arrays"
    )]
    pub(super) fn solve(&mut self, form: &Form, point: &Point, target: &Target, step: &mut Point) {
        let right = &mut self.right;
        for (row, right) in right.iter_mut().enumerate() {
            *right = 1.0 - point.slack[row] - target.rows[row] / point.prices[row].max(1e-300);
        }
        for item in 0..form.items() {
            let mut item_right = 1.0;
            for at in form.first[item]..form.first[item + 1] {
                let moved = target.shares[at] / point.share_dual[at];
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
                step.share[at] = self.weight[at] * pull + target.shares[at] / point.share_dual[at];
            }
        }
        for row in 0..form.rows {
            let price = point.prices[row].max(1e-300);
            step.prices[row] = -right[row];
            step.slack[row] = (target.rows[row] + point.slack[row] * right[row]) / price;
        }
    }
}
