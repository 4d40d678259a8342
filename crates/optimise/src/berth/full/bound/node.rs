//! Parts of the plans for the tree: what is left of each call's options, how to halve a part, and how to take it up again.

use super::ascent::{Bound, SCALE_BITS};
use super::options::{Group, Options};
use super::view::{Choice, LEFT_OUT};
use std::rc::Rc;

/// First step of the ascent in a part, as a share of the one that would close the gap: its prices are near already.
const STEP_PART: f64 = 0.25;

/// A part of the plans.
#[derive(Debug, Clone)]
pub(in super::super) struct Part {
    groups: Vec<Rc<Vec<Group>>>,
    prices_out: Vec<Option<i64>>,
    /// Prices that are not zero, by number.
    lambda: Rc<Vec<(u32, i64)>>,
    /// Bound of the part, scaled.
    best: i64,
}

impl Part {
    /// Bound of the part in cost units.
    pub fn value(&self) -> i64 {
        -((-self.best) >> SCALE_BITS)
    }
}

/// Mean and variance of what recent choices of a call cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spread {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Spread {
    pub fn add(&mut self, cost: i64) {
        self.count += 1.0;
        self.sum += cost as f64;
        self.squares += cost as f64 * cost as f64;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn variance(&self) -> f64 {
        self.squares / self.count.max(1.0) - self.mean() * self.mean()
    }
}

/// What distinguishes the options of a call, in the order in which they are halved: cost, start, spot, cranes.
type Key = (i64, i64, u32, u32);

impl Options {
    /// The cost of a choice without prices.
    pub fn cost_of(&self, choice: &Choice) -> i64 {
        if choice.group == LEFT_OUT {
            return self.price.unwrap_or(0);
        }
        let group = &self.groups[choice.group as usize];
        self.key(group, choice.start).0
    }

    fn key(&self, group: &Group, start: u32) -> Key {
        let profile = &self.profiles[group.profile as usize];
        let at = &profile.starts[start as usize];
        let cost = at.cost + group.place_cost;
        (cost, at.start_min, group.spot, profile.cranes)
    }

    fn keys(&self) -> Vec<Key> {
        let out = self.price.map(|price| (price, i64::MAX, 0, 0));
        let stays = self.groups.iter().flat_map(|group| {
            let starts = group.starts.iter();
            starts.map(|start| self.key(group, *start))
        });
        out.into_iter().chain(stays).collect()
    }

    fn count(&self) -> usize {
        let stays: usize = self.groups.iter().map(|group| group.starts.len()).sum();
        stays + usize::from(self.price.is_some())
    }

    /// The options up to a key, or those beyond.
    fn half(&self, last: Key, is_lower: bool) -> (Rc<Vec<Group>>, Option<i64>) {
        let is_in = |key: Key| (key <= last) == is_lower;
        let mut groups: Vec<Group> = Vec::with_capacity(self.groups.len());
        for group in self.groups.iter() {
            let starts = group.starts.iter().copied();
            let starts: Vec<u32> = starts
                .filter(|start| is_in(self.key(group, *start)))
                .collect();
            let floor = starts.iter().map(|start| self.key(group, *start).0).min();
            if let Some(floor) = floor {
                groups.push(Group {
                    starts,
                    floor,
                    pair_slots: Rc::clone(&group.pair_slots),
                    ..*group
                });
            }
        }
        groups.sort_by_key(|group| (group.floor, group.row_from, group.profile));
        let price = self.price.filter(|price| is_in((*price, i64::MAX, 0, 0)));
        (Rc::new(groups), price)
    }
}

impl Bound {
    /// What is left now, with the best prices.
    pub fn part(&self) -> Part {
        let lambda = self.best_lambda.iter().enumerate();
        let lambda = lambda
            .filter(|(_, price)| **price != 0)
            .map(|(at, price)| (at as u32, *price));
        Part {
            groups: self
                .options
                .iter()
                .map(|options| Rc::clone(&options.groups))
                .collect(),
            prices_out: self.options.iter().map(|options| options.price).collect(),
            lambda: Rc::new(lambda.collect()),
            best: self.best,
        }
    }

    /// Takes up a part: from here on the bound is the part's.
    pub fn enter(&mut self, part: &Part) {
        for ((options, groups), price) in self
            .options
            .iter_mut()
            .zip(&part.groups)
            .zip(&part.prices_out)
        {
            options.groups = Rc::clone(groups);
            options.price = *price;
        }
        self.best_lambda.fill(0);
        for (at, price) in part.lambda.iter() {
            self.best_lambda[*at as usize] = *price;
        }
        self.lambda.copy_from_slice(&self.best_lambda);
        self.velocity.fill(0.0);
        self.best = part.best;
        (self.step, self.stalled) = (STEP_PART, 0);
        self.spread.fill(Spread::default());
        self.layout.active = self.layout.slots;
        self.shorten();
    }

    /// Ends the ascent.
    pub fn rest(&mut self) {
        self.step = 0.0;
    }

    /// True if a call has no option left: no plan is in this part.
    pub fn is_empty(&self) -> bool {
        self.options.iter().any(|options| options.count() == 0)
    }

    /// Halves what is left by the cost of the call whose cost varies most, cheaper half first; if none varies, by the middle
    /// option of the call that has most. None if each call has one option only.
    pub fn halves(&self) -> Option<[Part; 2]> {
        let varying = (0..self.options.len())
            .map(|call| (self.spread[call].variance(), call))
            .filter(|(variance, call)| *variance >= 1.0 && self.options[*call].count() > 1)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, call)) = varying {
            let mean = self.spread[call].mean().floor() as i64;
            let last = (mean, i64::MAX, u32::MAX, u32::MAX);
            let keys = self.options[call].keys();
            let lower = keys.iter().filter(|key| **key <= last).count();
            if lower > 0 && lower < keys.len() {
                return Some(self.halved(call, last));
            }
        }
        let call = (0..self.options.len()).max_by_key(|call| self.options[*call].count())?;
        let mut keys = self.options[call].keys();
        keys.sort_unstable();
        keys.dedup();
        let middle = *keys.get(keys.len().checked_sub(2)? / 2)?;
        Some(self.halved(call, middle))
    }

    fn halved(&self, call: usize, last: Key) -> [Part; 2] {
        let whole = self.part();
        [true, false].map(|is_lower| {
            let mut part = whole.clone();
            (part.groups[call], part.prices_out[call]) = self.options[call].half(last, is_lower);
            part
        })
    }

    /// Forgets the slots after the last that an option left touches, and their prices.
    pub fn shorten(&mut self) {
        let (slots, before) = (self.layout.slots, self.layout.active);
        let mut active = 0;
        for options in &self.options {
            for group in options.groups.iter() {
                let starts = &options.profiles[group.profile as usize].starts;
                let last = group.starts.iter().map(|start| starts[*start as usize].to);
                active = active.max(last.max().unwrap_or(0) + group.travel_slots);
            }
        }
        let active = (active as usize).min(before);
        self.layout.active = active;
        if self.lambda.is_empty() {
            return;
        }
        for row in 0..self.layout.rows {
            for at in row * slots + active..row * slots + before {
                self.lambda[at] = 0;
                self.best_lambda[at] = 0;
                self.velocity[at] = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::berth::full::model::Model;
    use crate::berth::generate::{Size, port};

    fn counts(bound: &Bound) -> Vec<usize> {
        bound
            .options
            .iter()
            .map(|options| options.count())
            .collect()
    }

    #[test]
    fn two_halves_have_every_option_of_the_whole() {
        for seed in 0..12 {
            let problem = port(seed, Size::tiny(seed));
            let model = Model::new(&problem);
            let target = problem.calls.iter().map(|call| call.unassigned_price).sum();
            let mut bound = Bound::new(&model, target);
            for turn in 0..40 {
                // without a few iterations no cost varies, and the call with most options is halved by their middle
                (0..turn % 2 * 10).for_each(|_| bound.iterate(target));
                let whole = counts(&bound);
                let Some(halves) = bound.halves() else {
                    assert!(whole.iter().all(|count| *count <= 1), "seed {seed}");
                    break;
                };
                let [one, other] = [0, 1].map(|half| {
                    bound.enter(&halves[half]);
                    counts(&bound)
                });
                let halved = (0..whole.len()).filter(|call| one[*call] != whole[*call]);
                let halved: Vec<usize> = halved.collect();
                assert_eq!(halved.len(), 1, "seed {seed}");
                for call in 0..whole.len() {
                    let sum = one[call] + other[call];
                    let parts = if halved[0] == call { 1 } else { 2 };
                    assert_eq!(sum, parts * whole[call], "seed {seed}, call {call}");
                }
                bound.enter(&halves[turn / 2 % 2]);
            }
        }
    }
}
