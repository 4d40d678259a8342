//! A tighter bound where trains have one capacity each: every train becomes a knapsack.
//!
//! Relax "each item once" at a price `v` an item. What is left falls apart into a 0/1 knapsack a row, solved exactly by
//! dynamic programming over its capacity, and
//! `sum v - sum over rows of max profit (v - cost) within the capacity` bounds every plan from below. Prices are whole
//! numbers of 1/64, so the bound is exact. It starts from the linear relaxation, which it can only raise.

use super::active::Active;
use super::core::Core;
use super::prices::Prices;

/// Binary places of an item's price.
const SHIFT: u32 = 6;
/// The programme is given up beyond so many cells a round.
const MAX_CELLS: i64 = 30_000_000;
const PATIENCE: u32 = 10;
const SHRINK: f64 = 0.7;
/// Steps aim at most so much above the bound, as a part of it.
const AIM: f64 = 0.03;

/// One option as an object of a row's knapsack.
#[derive(Debug, Clone, Copy)]
struct Object {
    item: u32,
    weight: usize,
    cost: i64,
}

/// The bound's state between rounds.
#[derive(Debug)]
pub struct Knapsacks {
    /// The best bound so far, in money.
    pub bound: i64,
    /// Rounds so far.
    pub rounds: u64,
    /// Cells of the programme so far.
    pub cells: u64,
    capacity: Vec<usize>,
    objects: Vec<Vec<Object>>,
    /// Options that use nothing: (item, cost).
    free: Vec<(u32, i64)>,
    price: Vec<f64>,
    best_price: Vec<f64>,
    direction: Vec<f64>,
    best: i64,
    pub(crate) step: f64,
    stalled: u32,
    before: Vec<i64>,
    after: Vec<i64>,
    taken: Vec<bool>,
}

impl Knapsacks {
    /// `None` if options use more than one row, or rows are too wide for the programme.
    pub fn new(core: &Core, active: &Active, prices: &Prices) -> Option<Self> {
        let rows = core.capacity().len();
        let mut objects = vec![Vec::new(); rows];
        let mut free = Vec::new();
        let mut price = Vec::with_capacity(core.items());
        for item in 0..core.items() {
            let mut least = i64::MAX;
            for &option in active.of(item) {
                let cost = core.cost(option as usize);
                least = least.min(prices.priced(core, option as usize));
                match core.uses(option as usize) {
                    [] => free.push((item as u32, cost)),
                    [used] => objects[used.row as usize].push(Object {
                        item: item as u32,
                        weight: used.amount as usize,
                        cost,
                    }),
                    _ => return None,
                }
            }
            price.push(least as f64 / (1_u64 << prices.shift) as f64);
        }
        let cells = core.capacity().iter().zip(&objects);
        let cells = cells.map(|(&room, row)| room.saturating_mul(row.len() as i64));
        if cells.fold(0_i64, i64::saturating_add) > MAX_CELLS {
            return None;
        }
        let widest = core.capacity().iter().copied().max().unwrap_or(0) as usize;
        let most = objects.iter().map(Vec::len).max().unwrap_or(0);
        Some(Knapsacks {
            bound: i64::MIN,
            rounds: 0,
            cells: 0,
            capacity: core.capacity().iter().map(|&room| room as usize).collect(),
            objects,
            free,
            best_price: price.clone(),
            direction: vec![0.0; price.len()],
            price,
            best: i64::MIN,
            step: 0.5,
            stalled: 0,
            before: vec![0; widest + 1],
            after: vec![0; widest + 1],
            taken: vec![false; (widest + 1) * most],
        })
    }

    /// Rounds of ascent towards `value`, the best plan known, until `cells` of the programme are done in all. False once it
    /// has nothing more to give.
    pub fn ascend(&mut self, value: i64, cells: u64, stop: &dyn Fn() -> bool) -> bool {
        let mut whole: Vec<i64> = vec![0; self.price.len()];
        let mut lack: Vec<f64> = vec![0.0; self.price.len()];
        while self.cells < cells {
            if self.bound >= value || self.step < 1e-3 {
                return false;
            }
            if stop() {
                return true;
            }
            self.rounds += 1;
            let scale = f64::from(1_u32 << SHIFT);
            for (whole, price) in whole.iter_mut().zip(&self.price) {
                *whole = (price * scale) as i64;
            }
            lack.fill(1.0);
            let bound = self.evaluate(&whole, &mut lack);
            if bound > self.best {
                self.best = bound;
                self.bound = (bound + (1 << SHIFT) - 1) >> SHIFT;
                self.best_price.copy_from_slice(&self.price);
                self.stalled = 0;
            } else {
                self.stalled += 1;
                if self.stalled > PATIENCE {
                    self.stalled = 0;
                    self.step *= SHRINK;
                    self.price.copy_from_slice(&self.best_price);
                    self.direction.fill(0.0);
                }
            }
            let bound = bound as f64 / scale;
            // A plan that is still bad must not set the step.
            self.advance(&lack, (value as f64 - bound).min(AIM * bound.abs()));
        }
        true
    }

    fn advance(&mut self, lack: &[f64], distance: f64) {
        let mut norm = 0.0;
        for (direction, lack) in self.direction.iter_mut().zip(lack) {
            *direction = 0.6 * *direction + 0.4 * lack;
            norm += *direction * *direction;
        }
        if norm < 1e-9 {
            return;
        }
        let step = self.step * distance.max(0.5) / norm;
        for (price, direction) in self.price.iter_mut().zip(&self.direction) {
            *price += step * direction;
        }
    }

    /// The bound at whole prices, fixed point; `lack` loses 1 for every time an item is taken.
    fn evaluate(&mut self, price: &[i64], lack: &mut [f64]) -> i64 {
        let mut bound: i64 = price.iter().sum();
        for &(item, cost) in &self.free {
            let dearer = (cost << SHIFT) - price[item as usize];
            if dearer < 0 {
                bound += dearer;
                lack[item as usize] -= 1.0;
            }
        }
        for row in 0..self.objects.len() {
            bound -= self.knapsack(row, price, lack);
        }
        bound
    }

    /// The greatest profit of one row.
    fn knapsack(&mut self, row: usize, price: &[i64], lack: &mut [f64]) -> i64 {
        let capacity = self.capacity[row];
        let width = capacity + 1;
        let (mut before, mut after) = (&mut self.before[..width], &mut self.after[..width]);
        before.fill(0);
        let mut lines = 0;
        let profit = |object: &Object| price[object.item as usize] - (object.cost << SHIFT);
        let gains = |object: &&Object| profit(object) > 0 && object.weight <= capacity;
        for object in self.objects[row].iter().filter(gains) {
            let taken = &mut self.taken[lines * width..(lines + 1) * width];
            let (weight, profit) = (object.weight, profit(object));
            after[..weight].copy_from_slice(&before[..weight]);
            taken[..weight].fill(false);
            let cells = after[weight..].iter_mut().zip(&mut taken[weight..]);
            for ((after, taken), (&skip, &take)) in cells.zip(before[weight..].iter().zip(&*before))
            {
                let take = take + profit;
                *taken = take > skip;
                *after = skip.max(take);
            }
            std::mem::swap(&mut before, &mut after);
            lines += 1;
        }
        self.cells += (lines * width + width) as u64;
        let best = before[capacity];
        let mut room = capacity;
        let mut objects = self.objects[row].iter().filter(gains).rev();
        while let Some(object) = objects.next().filter(|_| lines > 0) {
            lines -= 1;
            if self.taken[lines * width + room] {
                room -= object.weight;
                lack[object.item as usize] -= 1.0;
            }
        }
        best
    }
}
