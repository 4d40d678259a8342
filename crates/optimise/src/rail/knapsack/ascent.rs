//! Prices of items, and how they rise.

use super::SHIFT;
use super::look::Look;
use super::rows::Rows;

const MOMENTUM: f64 = 0.6;
const SHRINK: f64 = 0.7;
/// Steps aim at most so much above the bound, as a part of it.
const AIM: f64 = 0.03;

/// An ascent of item prices.
#[derive(Debug, Clone)]
pub(super) struct Ascent {
    /// The price of each item.
    pub(super) price: Vec<f64>,
    /// Those of the best bound.
    pub(super) best_price: Vec<f64>,
    /// The best bound, fixed point.
    pub(super) best: i64,
    /// Part of Polyak's step.
    pub(super) step: f64,
    direction: Vec<f64>,
    stalled: u32,
    patience: u32,
}

impl Ascent {
    /// From given prices; the step shrinks after `patience` rounds in vain.
    pub(super) fn new(price: Vec<f64>, step: f64, patience: u32) -> Self {
        Ascent {
            best_price: price.clone(),
            direction: vec![0.0; price.len()],
            price,
            best: i64::MIN,
            step,
            stalled: 0,
            patience,
        }
    }

    /// One round towards `value`, the best plan known.
    pub(super) fn round(&mut self, rows: &Rows, look: &mut Look, value: i64) {
        look.rounds += 1;
        let bound = look.bound(rows, &self.price);
        if bound.is_some_and(|bound| bound > self.best) {
            self.best = bound.unwrap_or(self.best);
            self.best_price.copy_from_slice(&self.price);
            self.stalled = 0;
        } else {
            self.stalled += 1;
        }
        let Some(bound) = bound.filter(|_| self.stalled <= self.patience) else {
            self.stalled = 0;
            self.step *= SHRINK;
            self.price.copy_from_slice(&self.best_price);
            self.direction.fill(0.0);
            return;
        };
        let bound = bound as f64 / f64::from(1_u32 << SHIFT);
        // A plan that is still bad must not set the step.
        let distance = (value as f64 - bound).min(AIM * bound.abs()).max(0.5);
        let mut norm = 0.0;
        for &item in &rows.loose {
            let direction = &mut self.direction[item as usize];
            *direction = MOMENTUM * *direction + (1.0 - MOMENTUM) * look.lack[item as usize];
            norm += *direction * *direction;
        }
        if norm < 1e-9 {
            return;
        }
        let step = self.step * distance / norm;
        for &item in &rows.loose {
            self.price[item as usize] += step * self.direction[item as usize];
        }
    }
}
