//! A tighter bound where no option uses two trains: every train becomes a knapsack.
//!
//! Relax "each item once" at a price `v` an item. What is left falls apart into a 0/1 knapsack a train, solved exactly by
//! dynamic programming over its capacity ([`programme`]), and
//! `sum v - sum over trains of max profit (v - cost) within the capacity` bounds every plan from below. Of a train with
//! several capacities the least is the knapsack's; the others keep the prices of the linear relaxation, as part of the
//! cost. Prices are whole numbers of 1/64, so the bound is exact. It starts from the linear relaxation, which it can only
//! raise ([`ascent`]); what an option adds to it tells which options no better plan uses ([`penalty`]); and what the prices
//! cannot close, branch and bound does ([`tree`]), for as long as the search goes on beside it.

mod ascent;
mod look;
mod penalty;
mod programme;
mod rows;
mod tree;

use ascent::Ascent;
use look::Look;
use penalty::eliminate;
use rows::{Form, Rows};
use tree::{Ground, Tree};

use super::active::Active;
use super::core::Core;
use super::prices::Prices;

/// Binary places of an item's price.
const SHIFT: u32 = 6;
/// The programme waits while a look at all knapsacks takes more cells than this.
const MAX_CELLS: i64 = 30_000_000;
/// The first step of the ascent, and that after options have fallen away.
const STEPS: [f64; 2] = [0.5, 0.1];
/// A step below this is the end of an ascent.
const LEAST_STEP: f64 = 1e-3;
const PATIENCE: u32 = 10;
/// Where trains have one capacity each, dives of the tree find better plans than annealing does: they get most of the
/// time, and the ascent that comes before them a good part.
const WHOLE_PACES: [u64; 2] = [8, 64];
/// An ascent begins anew once one option in so many has fallen away.
const FALLEN_PART: usize = 8;

/// The highest bound, fixed point, at which there may still be a plan that costs less than `value`.
fn threshold(value: i64) -> i64 {
    (value - 1) << SHIFT
}

/// The bound's state between rounds.
#[derive(Debug)]
pub struct Knapsacks {
    /// The best bound so far, in money.
    pub bound: i64,
    form: Form,
    look: Look,
    rows: Option<Rows>,
    /// Options in play when `rows` was made.
    options: usize,
    ascent: Ascent,
    tree: Option<Tree>,
    is_done: bool,
    /// The value for which options have fallen away.
    value: i64,
}

impl Knapsacks {
    /// `None` if an option uses two trains.
    pub fn new(core: &Core, active: &Active, prices: &Prices) -> Option<Self> {
        let form = Form::new(core, prices)?;
        let scale = (1_u64 << prices.shift) as f64;
        let least = |item| {
            let options = active.of(item).iter();
            let priced = options.map(|&option| prices.priced(core, option as usize));
            priced.min().unwrap_or(0) as f64 / scale
        };
        let price = (0..core.items()).map(least).collect();
        Some(Knapsacks {
            bound: i64::MIN,
            form,
            look: Look::new(core.options()),
            rows: None,
            options: usize::MAX,
            ascent: Ascent::new(price, STEPS[0], PATIENCE),
            tree: None,
            is_done: false,
            value: i64::MAX,
        })
    }

    /// Rounds of the ascent and nodes of the tree so far.
    pub fn work(&self) -> (u64, u64) {
        (
            self.look.rounds,
            self.tree.as_ref().map_or(0, |tree| tree.nodes),
        )
    }

    /// How much work is worth its while, in parts of the least.
    pub fn pace(&self) -> u64 {
        let [ascent, tree] = WHOLE_PACES;
        match (self.form.is_whole, &self.tree) {
            (false, _) => 1,
            (true, None) => ascent,
            (true, Some(_)) => tree,
        }
    }

    /// A plan that costs less than what was known.
    pub fn take_found(&mut self) -> Option<Vec<u32>> {
        self.tree.as_mut().and_then(|tree| tree.found.take())
    }

    /// Raises the bound towards `value`, the best plan known, until so many cells of the programme are done in all, and
    /// takes options out of play that no better plan uses.
    pub fn raise(
        &mut self,
        core: &Core,
        active: &mut Active,
        value: i64,
        cells: u64,
        stop: &dyn Fn() -> bool,
    ) {
        if self.is_done || self.bound >= value || !self.prepare(core, active, value) {
            return;
        }
        if self.tree.is_some() && value < self.value {
            self.fix(active, value);
        }
        while self.look.cells < cells && self.bound < value && !self.is_done && !stop() {
            if self.tree.is_some() {
                self.search(core, value, cells, stop);
            } else if self.ascent.step < LEAST_STEP {
                self.settle(core, active, value);
            } else if let Some(rows) = &self.rows {
                self.ascent.round(rows, &mut self.look, value);
                self.take(self.ascent.best, value);
            }
        }
    }

    /// The knapsacks of what is in play; false if that is still too much, or nothing.
    fn prepare(&mut self, core: &Core, active: &Active, value: i64) -> bool {
        let has_fallen = |before: usize| (before - active.len()) * FALLEN_PART > before;
        if self.rows.is_some() && (self.tree.is_some() || !has_fallen(self.options)) {
            return true;
        }
        let Some(rows) = self.form.rows(core, active) else {
            self.bound = value;
            return false;
        };
        self.options = active.len();
        let is_small = rows.cells() <= MAX_CELLS;
        self.rows = is_small.then_some(rows);
        is_small
    }

    /// The ascent has ended: options fall away. If many do it begins anew, else the tree does.
    fn settle(&mut self, core: &Core, active: &mut Active, value: i64) {
        let before = active.len();
        self.fix(active, value);
        if self.bound >= value {
            return;
        }
        if (before - active.len()) * FALLEN_PART > before - core.items() {
            self.options = usize::MAX;
            self.rows = None;
            if !self.prepare(core, active, value) {
                return;
            }
            let price = self.ascent.best_price.clone();
            self.ascent = Ascent::new(price, STEPS[1], PATIENCE);
            return;
        }
        let mut tree = Tree::default();
        let price = self.ascent.best_price.clone();
        let mut ground = Ground {
            core,
            form: &self.form,
            look: &mut self.look,
        };
        tree.plant(&mut ground, active.clone(), price, self.ascent.best, value);
        self.tree = Some(tree);
    }

    /// Takes options out of play.
    fn fix(&mut self, active: &mut Active, value: i64) {
        let Some(rows) = &self.rows else {
            return;
        };
        self.value = value;
        match eliminate(&mut self.look, rows, &self.ascent.best_price, active, value) {
            Some(bound) => self.take(bound, value),
            None => self.bound = value,
        }
    }

    fn search(&mut self, core: &Core, value: i64, cells: u64, stop: &dyn Fn() -> bool) {
        let Some(tree) = &mut self.tree else {
            return;
        };
        let mut ground = Ground {
            core,
            form: &self.form,
            look: &mut self.look,
        };
        let goes_on = tree.search(&mut ground, value, cells, stop);
        let value = tree.found.as_ref().map_or(value, |found| core.total(found));
        let bound = tree.bound();
        self.is_done = !goes_on;
        match bound {
            Some(bound) => self.take(bound, value),
            None => self.bound = value,
        }
    }

    /// Takes note of a bound in fixed point. Options left out lead to no plan below `value`.
    fn take(&mut self, bound: i64, value: i64) {
        let money = (bound + (1 << SHIFT) - 1) >> SHIFT;
        self.bound = self.bound.max(money.min(value));
    }
}
