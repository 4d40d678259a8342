//! Ruin and recreate with annealing (Schrimpf et al. 2000; Christiaens and Vanden Berghe 2020).

use super::instance::{BerthOption, Instance};
use super::sequences::{NOWHERE, Sequences};
use crate::budget::Stop;
use crate::random::Random;

/// The outside stop is asked once in so many iterations.
const STOP_EVERY: u64 = 16;
/// Iterations of the first annealing cycle; later ones are longer.
const FIRST_CYCLE: u64 = 4_000;
/// Starting temperature as a share of the mean cost of a ship.
const HOT: f64 = 0.12;
/// Final temperature as a share of the mean cost of a ship.
const COLD: f64 = 0.008;

/// An annealing cycle that begins from a plan found elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cycle {
    /// Iterations of the whole cycle.
    pub length: u64,
    /// Iterations left out at its hot end.
    pub skipped: u64,
}

/// The search with all its memory.
pub(super) struct Search<'a> {
    instance: &'a Instance,
    random: Random,
    /// By ship, the places that a better plan may still give it, ascending by floor.
    options: Vec<Vec<BerthOption>>,
    pub best: Sequences,
    current: Sequences,
    /// Sequences of the berths that this iteration has touched, as they were.
    saved: Vec<Vec<super::sequences::Slot>>,
    touched: Vec<u16>,
    is_touched: Vec<bool>,
    removed: Vec<u16>,
    is_removed: Vec<bool>,
    near: Vec<(i32, u16)>,
    exponential: Vec<f64>,
    cycle_length: u64,
    cycle_done: u64,
    pub iterations: u64,
    pub improvements: u64,
}

impl<'a> Search<'a> {
    pub fn new(instance: &'a Instance, seed: u64, start: Sequences) -> Self {
        Search {
            instance,
            random: Random::new(seed),
            options: instance.options.clone(),
            current: start.clone(),
            best: start,
            saved: vec![Vec::with_capacity(instance.ships); instance.berths],
            touched: Vec::with_capacity(instance.berths),
            is_touched: vec![false; instance.berths],
            removed: Vec::with_capacity(instance.ships),
            is_removed: vec![false; instance.ships],
            near: Vec::with_capacity(instance.ships),
            exponential: crate::berth::exponential::quantiles(),
            cycle_length: FIRST_CYCLE.max(20 * instance.ships as u64),
            cycle_done: 0,
            iterations: 0,
            improvements: 0,
        }
    }

    /// Offers a plan found elsewhere.
    pub fn offer(&mut self, plan: &Sequences) {
        if plan.value < self.best.value {
            self.best.copy_from(plan);
            self.current.copy_from(plan);
            self.improvements += 1;
        }
    }

    /// Leaves each ship the berths at which `may_lie` says that a better plan could have it.
    pub fn narrow(&mut self, may_lie: impl Fn(usize, usize) -> bool) {
        for (ship, options) in self.options.iter_mut().enumerate() {
            options.retain(|option| may_lie(ship, usize::from(option.berth)));
        }
    }

    /// Begins a short cool cycle from a plan found elsewhere.
    pub fn restart_from(&mut self, plan: &Sequences, cycle: Cycle) {
        self.offer(plan);
        self.current.copy_from(plan);
        self.cycle_length = cycle.length;
        self.cycle_done = cycle.skipped;
    }

    /// Runs so many iterations; true if the outside asks to stop.
    pub fn run(&mut self, iterations: u64, stop: &dyn Stop) -> bool {
        if self.instance.ships == 0 {
            self.iterations += iterations;
            return stop.stop();
        }
        for n in 0..iterations {
            if n % STOP_EVERY == 0 && stop.stop() {
                return true;
            }
            self.iterate();
        }
        false
    }

    fn iterate(&mut self) {
        let before = self.current.value;
        self.ruin();
        self.recreate();
        let draw = self.exponential[self.random.below(self.exponential.len())];
        let limit = before as f64 + self.temperature() * draw;
        if self.current.value <= before || (self.current.value as f64) < limit {
            if self.current.value < self.best.value {
                self.best.copy_from(&self.current);
                self.improvements += 1;
            }
            self.forget();
        } else {
            self.undo(before);
        }
        self.iterations += 1;
        self.cycle_done += 1;
        if self.cycle_done == self.cycle_length {
            self.cycle_done = 0;
            self.cycle_length += self.cycle_length / 2;
            self.current.copy_from(&self.best);
        }
    }

    fn temperature(&self) -> f64 {
        let mean = self.best.value as f64 / self.instance.ships as f64;
        let left = 1.0 - self.cycle_done as f64 / self.cycle_length as f64;
        mean * (COLD + (HOT - COLD) * left * left * left)
    }

    fn ruin(&mut self) {
        let ships = self.instance.ships;
        let most = (ships / 5).clamp(2, 9);
        let count = 2 + self.random.below(most - 1);
        let seed = self.random.below(ships);
        match self.random.below(8) {
            0 => {
                for _ in 0..count {
                    let ship = self.random.below(ships);
                    self.mark(ship);
                }
            }
            1..=3 => self.mark_strings(seed, count),
            _ => self.mark_near_in_time(seed, count),
        }
        for n in 0..self.touched.len() {
            let berth = usize::from(self.touched[n]);
            let (saved, is_removed) = (&mut self.saved[berth], &self.is_removed);
            saved.clear();
            saved.extend_from_slice(&self.current.at[berth]);
            self.current
                .remove_from(self.instance, berth, |ship| is_removed[ship]);
        }
    }

    fn mark(&mut self, ship: usize) {
        if self.is_removed[ship] {
            return;
        }
        self.is_removed[ship] = true;
        self.removed.push(ship as u16);
        let berth = self.current.berth_of[ship];
        if berth != NOWHERE && !self.is_touched[usize::from(berth)] {
            self.is_touched[usize::from(berth)] = true;
            self.touched.push(berth);
        }
    }

    /// Ships whose stays start closest to the seed's, with some noise.
    fn mark_near_in_time(&mut self, seed: usize, count: usize) {
        let centre = self.current.start_of(seed).unwrap_or(0);
        self.near.clear();
        let mut noise = self.random.next_u64();
        for sequence in &self.current.at {
            for slot in sequence {
                noise = noise.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let jitter = (noise >> 60) as i32;
                self.near
                    .push(((slot.start - centre).abs() + jitter, slot.ship));
            }
        }
        let count = count.min(self.near.len());
        if count > 0 {
            self.near.select_nth_unstable(count - 1);
        }
        for n in 0..count {
            self.mark(usize::from(self.near[n].1));
        }
        self.mark(seed);
    }

    /// Neighbours in sequence around the seed's time, at the seed's berth and one or two others.
    fn mark_strings(&mut self, seed: usize, count: usize) {
        let centre = self.current.start_of(seed).unwrap_or(0);
        let berths = 1 + self.random.below(3);
        let length = count.div_ceil(berths).max(1);
        for n in 0..berths {
            let own = self.current.berth_of[seed];
            let berth = match n {
                0 if own != NOWHERE => usize::from(own),
                _ => self.random.below(self.instance.berths),
            };
            let sequence = &self.current.at[berth];
            let Some(middle) = sequence.iter().position(|slot| slot.end > centre) else {
                continue;
            };
            let back = self.random.below(length);
            let from = middle.saturating_sub(back);
            let to = (from + length).min(sequence.len());
            for position in from..to {
                let ship = usize::from(self.current.at[berth][position].ship);
                self.mark(ship);
            }
        }
        self.mark(seed);
    }

    fn recreate(&mut self) {
        let instance = self.instance;
        let key_of = |ship: usize| instance.options[ship].first();
        match self.random.below(8) {
            0..=2 => self
                .removed
                .sort_by_key(|ship| key_of(usize::from(*ship)).map_or(0, |o| o.start_from)),
            3 => self.removed.sort_by_key(|ship| {
                std::cmp::Reverse(key_of(usize::from(*ship)).map_or(0, |o| o.handling))
            }),
            4 => self
                .removed
                .sort_by_key(|ship| key_of(usize::from(*ship)).map_or(0, |o| o.handling)),
            5 => self.removed.sort_by_key(|ship| {
                key_of(usize::from(*ship)).map_or(0, |o| o.start_from + o.handling)
            }),
            _ => {
                for n in (1..self.removed.len()).rev() {
                    let other = self.random.below(n + 1);
                    self.removed.swap(n, other);
                }
            }
        }
        for n in 0..self.removed.len() {
            let ship = usize::from(self.removed[n]);
            let insertion = self.current.best_insertion(
                instance,
                ship,
                &self.options[ship],
                Some(&mut self.random),
            );
            if let Some(insertion) = insertion {
                self.save(insertion.berth);
                self.current.insert(instance, ship, insertion);
            }
        }
    }

    /// Keeps a berth's sequence before its first change.
    fn save(&mut self, berth: u16) {
        let index = usize::from(berth);
        if !self.is_touched[index] {
            self.is_touched[index] = true;
            self.touched.push(berth);
            self.saved[index].clear();
            self.saved[index].extend_from_slice(&self.current.at[index]);
        }
    }

    fn undo(&mut self, value: i64) {
        for ship in &self.removed {
            self.current.berth_of[usize::from(*ship)] = NOWHERE;
        }
        for berth in &self.touched {
            let index = usize::from(*berth);
            std::mem::swap(&mut self.current.at[index], &mut self.saved[index]);
            for slot in &self.current.at[index] {
                self.current.berth_of[usize::from(slot.ship)] = *berth;
            }
        }
        self.current.value = value;
        self.forget();
    }

    fn forget(&mut self) {
        for ship in self.removed.drain(..) {
            self.is_removed[usize::from(ship)] = false;
        }
        for berth in self.touched.drain(..) {
            self.is_touched[usize::from(berth)] = false;
        }
    }
}

/// First come first served: by release, each where it is cheapest.
pub(super) fn first_come(instance: &Instance) -> Sequences {
    let mut order: Vec<usize> = (0..instance.ships).collect();
    order.sort_by_key(|ship| {
        (
            instance.options[*ship]
                .first()
                .map_or(0, |option| option.start_from),
            *ship,
        )
    });
    let mut plan = Sequences::empty(instance);
    insert_all(instance, &mut plan, &order);
    plan
}

/// Inserts ships in the order given, each where it is cheapest.
pub(super) fn insert_all(instance: &Instance, plan: &mut Sequences, order: &[usize]) {
    for ship in order {
        if let Some(insertion) =
            plan.best_insertion(instance, *ship, &instance.options[*ship], None)
        {
            plan.insert(instance, *ship, insertion);
        }
    }
}
