//! Exact re-split of two or three trains: everything aboard them is taken off and put back in the best way.
//!
//! Within the freed room, what a split costs above the least it could is again "reduced costs plus priced room left over"
//! (see [`exact`](super::exact)), so a branch ends where that reaches what the present split spends, and options dearer
//! than that fall away beforehand.

use super::active::Active;
use super::core::Core;
use super::prices::Prices;
use super::state::State;
use crate::random::Random;

/// Steps of one re-split at most.
const MAX_NODES: u32 = 1_500;
/// Undecided items of one re-split at most.
const MAX_OPEN: usize = 48;

/// The search with its buffers.
#[derive(Debug)]
pub struct Resplit<'a> {
    core: &'a Core,
    active: &'a Active,
    prices: &'a Prices,
    /// Rows of each train.
    rows: Vec<Vec<u32>>,
    open: Vec<Open>,
    options: Vec<u32>,
    room: Vec<i64>,
    chosen: Vec<u32>,
    best: Vec<u32>,
    has_better: bool,
    allowance: i64,
    nodes: u32,
}

/// An item to be put back; its options stand side by side, cheapest first.
#[derive(Debug, Clone, Copy)]
struct Open {
    item: u32,
    first: u32,
    end: u32,
    regret: i64,
}

impl<'a> Resplit<'a> {
    /// A search on the options in play.
    pub fn new(core: &'a Core, active: &'a Active, prices: &'a Prices) -> Self {
        let mut rows = vec![Vec::new(); core.trains()];
        for (row, &train) in core.train_of_rows().iter().enumerate() {
            rows[train as usize].push(row as u32);
        }
        Resplit {
            core,
            active,
            prices,
            rows,
            open: Vec::new(),
            options: Vec::new(),
            room: Vec::new(),
            chosen: Vec::new(),
            best: Vec::new(),
            has_better: false,
            allowance: 0,
            nodes: 0,
        }
    }

    /// Re-splits so many pairs and triples by chance; `state` takes every better split. Returns the steps made.
    pub fn run(
        &mut self,
        state: &mut State,
        attempts: u64,
        random: &mut Random,
        stop: &dyn Fn() -> bool,
    ) -> u64 {
        let trains = self.core.trains();
        let mut steps = 0;
        for _ in 0..attempts {
            if trains < 2 || stop() {
                break;
            }
            let mut freed = [random.below(trains) as u32; 3];
            freed[1] = random.below(trains) as u32;
            freed[2] = if random.below(2) == 0 {
                freed[1]
            } else {
                random.below(trains) as u32
            };
            if freed[0] == freed[1] {
                continue;
            }
            steps += self.resplit(state, &freed);
        }
        steps
    }

    fn resplit(&mut self, state: &mut State, freed: &[u32; 3]) -> u64 {
        self.room.clone_from(&state.room);
        self.open.clear();
        self.options.clear();
        self.chosen.clear();
        let mut items: Vec<u32> = freed
            .iter()
            .flat_map(|&train| state.aboard(train as usize))
            .copied()
            .filter(|&item| {
                // Who would leave room on another train too stays: that room has a price as well.
                let legs = self.core.legs(state.choice[item as usize] as usize);
                legs.iter().all(|leg| freed.contains(leg))
            })
            .collect();
        items.sort_unstable();
        items.dedup();
        // What the present split spends: reduced costs and priced room left over on the freed trains.
        let mut spends: i64 = 0;
        for &item in &items {
            let option = state.choice[item as usize] as usize;
            let reduced = self.prices.reduced[option];
            if reduced == i64::MAX {
                return 0;
            }
            spends += reduced;
        }
        let mut rows: Vec<u32> = freed
            .iter()
            .flat_map(|&train| &self.rows[train as usize])
            .copied()
            .collect();
        rows.sort_unstable();
        rows.dedup();
        for &row in &rows {
            spends += self.prices.per_unit[row as usize] * state.room[row as usize];
        }
        for &item in &items {
            let old = state.choice[item as usize];
            for used in self.core.uses(old as usize) {
                self.room[used.row as usize] += used.amount;
            }
        }
        // Rows outside the freed trains would have to be priced too: options stay on the freed trains.
        for &item in &items {
            let first = self.options.len() as u32;
            for &option in self.active.of(item as usize) {
                let reduced = self.prices.reduced[option as usize];
                let legs = self.core.legs(option as usize);
                if reduced < spends && legs.iter().all(|leg| freed.contains(leg)) {
                    self.options.push(option);
                }
            }
            let end = self.options.len() as u32;
            let options = &self.options[first as usize..end as usize];
            let regret = match options {
                [] => return 0,
                [_] => i64::MAX,
                [best, next, ..] => {
                    self.prices.reduced[*next as usize] - self.prices.reduced[*best as usize]
                }
            };
            self.open.push(Open {
                item,
                first,
                end,
                regret,
            });
        }
        self.open
            .sort_by_key(|open| (std::cmp::Reverse(open.regret), open.item));
        if self
            .open
            .iter()
            .filter(|open| open.end - open.first > 1)
            .count()
            > MAX_OPEN
        {
            return 0;
        }
        self.allowance = spends;
        self.has_better = false;
        self.nodes = 0;
        let floor = rows
            .iter()
            .map(|&row| self.prices.per_unit[row as usize] * self.room[row as usize])
            .sum();
        self.chosen.resize(self.open.len(), 0);
        self.descend(0, 0, floor);
        if self.has_better {
            for (nth, open) in self.open.iter().enumerate() {
                state.shift(self.core, open.item, self.best[nth]);
            }
        }
        u64::from(self.nodes)
    }

    /// `spent` counts reduced costs; `slack` is the price of the freed room not yet used.
    fn descend(&mut self, depth: usize, spent: i64, slack: i64) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return;
        }
        let Some(&open) = self.open.get(depth) else {
            if spent + slack < self.allowance {
                self.allowance = spent + slack;
                self.best.clone_from(&self.chosen);
                self.has_better = true;
            }
            return;
        };
        for at in open.first..open.end {
            let option = self.options[at as usize];
            let sum = spent + self.prices.reduced[option as usize];
            if sum >= self.allowance {
                break;
            }
            if !self.core.fits(&self.room, option as usize) {
                continue;
            }
            let mut used_price = 0;
            for used in self.core.uses(option as usize) {
                self.room[used.row as usize] -= used.amount;
                used_price += self.prices.per_unit[used.row as usize] * used.amount;
            }
            self.chosen[depth] = option;
            if sum + self.forced(depth + 1) < self.allowance {
                self.descend(depth + 1, sum, slack - used_price);
            }
            for used in self.core.uses(option as usize) {
                self.room[used.row as usize] += used.amount;
            }
        }
    }

    /// Reduced costs that the undecided items must add for want of room.
    fn forced(&self, depth: usize) -> i64 {
        let mut sum = 0_i64;
        for open in &self.open[depth..] {
            let mut options = self.options[open.first as usize..open.end as usize].iter();
            match options.find(|&&option| self.core.fits(&self.room, option as usize)) {
                Some(&option) => sum += self.prices.reduced[option as usize],
                None => return i64::MAX / 2,
            }
            if sum >= self.allowance {
                break;
            }
        }
        sum
    }
}
