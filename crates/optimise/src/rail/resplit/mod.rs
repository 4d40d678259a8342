//! Exact re-split of a few trains: everything aboard them is taken off and put back in the best way.
//!
//! Within the freed room, what a split costs above the least it could is again "reduced costs plus priced room left over"
//! (see [`exact`](super::exact)), so a branch ends where that reaches what the present split spends, and options dearer
//! than that fall away beforehand. The better the plan, the less it spends and the more trains can be freed: [`depth`]
//! decides how many.

pub mod depth;

use super::active::Active;
use super::core::Core;
use super::prices::Prices;
use super::state::State;
use crate::random::Random;
use depth::Depth;

/// Undecided items of one re-split at most; by chance some of more stay where they are.
const MAX_OPEN: usize = 64;
/// Items that stay of which one re-split looks at no more.
const MAX_STAYING: usize = 256;
/// Steps between two looks at the clock.
const LOOK: u32 = 4_096;
/// Draws for one more train at most.
const DRAWS: usize = 8;

/// The search with its buffers.
#[derive(Debug)]
pub struct Resplit<'a> {
    core: &'a Core,
    active: &'a Active,
    prices: &'a Prices,
    /// Rows of each train.
    rows: Vec<Vec<u32>>,
    freed: Vec<u32>,
    freed_rows: Vec<u32>,
    /// Items with one option left, and that option.
    settled: Vec<(u32, u32)>,
    open: Vec<Open>,
    options: Vec<u32>,
    room: Vec<i64>,
    chosen: Vec<u32>,
    best: Vec<u32>,
    has_better: bool,
    allowance: i64,
    steps: u32,
    max_steps: u32,
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
            freed: Vec::new(),
            freed_rows: Vec::new(),
            settled: Vec::new(),
            open: Vec::new(),
            options: Vec::new(),
            room: Vec::new(),
            chosen: Vec::new(),
            best: Vec::new(),
            has_better: false,
            allowance: 0,
            steps: 0,
            max_steps: 0,
        }
    }

    /// Re-splits trains that could exchange something, until about `steps` steps are made; `state` takes every better
    /// split. Returns the steps made.
    pub fn run(
        &mut self,
        state: &mut State,
        depth: &mut Depth,
        steps: u64,
        random: &mut Random,
        stop: &dyn Fn() -> bool,
    ) -> u64 {
        let trains = self.core.trains();
        let mut made = 0;
        while trains > 1 && made < steps && !stop() {
            let level = depth.level();
            self.draw(state, level.trains, random);
            self.max_steps = level.steps;
            let (spent, is_better) = self.resplit(state, random, stop);
            depth.note(trains, is_better);
            made += spent;
        }
        made
    }

    /// Draws the trains to free: one by chance, then such as what rides on them could go by.
    fn draw(&mut self, state: &State, count: usize, random: &mut Random) {
        let trains = self.core.trains();
        self.freed.clear();
        self.freed.push(random.below(trains) as u32);
        for _ in 0..DRAWS * count {
            if self.freed.len() >= count.min(trains) {
                break;
            }
            let from = self.freed[random.below(self.freed.len())];
            let aboard = state.aboard(from as usize);
            if aboard.is_empty() || random.below(4) == 0 {
                self.free(random.below(trains) as u32);
                continue;
            }
            let item = aboard[random.below(aboard.len())];
            let options = self.active.of(item as usize);
            // Options stand by reduced cost.
            let option = options[random.below(options.len()).min(random.below(options.len()))];
            let core = self.core;
            for &train in core.legs(option as usize) {
                self.free(train);
            }
        }
    }

    fn free(&mut self, train: u32) {
        if !self.freed.contains(&train) {
            self.freed.push(train);
        }
    }

    /// True if a path uses freed trains alone. Others would have their room priced too: who rides on them stays.
    fn is_within(&self, option: u32) -> bool {
        let mut legs = self.core.legs(option as usize).iter();
        legs.all(|leg| self.freed.contains(leg))
    }

    /// Steps made, and whether that gave a better split.
    fn resplit(
        &mut self,
        state: &mut State,
        random: &mut Random,
        stop: &dyn Fn() -> bool,
    ) -> (u64, bool) {
        let mut items: Vec<u32> = self
            .freed
            .iter()
            .flat_map(|&train| state.aboard(train as usize))
            .copied()
            .filter(|&item| self.is_within(state.choice[item as usize]))
            .collect();
        items.sort_unstable();
        items.dedup();
        let Some(mut spends) = self.spends(state, &items) else {
            return (items.len() as u64, false);
        };
        self.invite(state, &mut items, &mut spends, random);
        let work = items.len() as u64;
        self.room.clone_from(&state.room);
        for &item in &items {
            for used in self.core.uses(state.choice[item as usize] as usize) {
                self.room[used.row as usize] += used.amount;
            }
        }
        let settled = match self.open(&items, spends) {
            Some(spent) => spent + self.thin(state, random),
            None => return (work, false),
        };
        if settled >= spends {
            return (work, false);
        }
        self.allowance = spends;
        self.has_better = false;
        self.steps = 0;
        let rows = self.freed_rows.iter();
        let floor = rows
            .map(|&row| self.prices.per_unit[row as usize] * self.room[row as usize])
            .sum();
        self.chosen.clear();
        self.chosen.resize(self.open.len(), 0);
        self.descend(0, settled, floor, stop);
        if self.has_better {
            for &(item, option) in &self.settled {
                state.shift(self.core, item, option);
            }
            for (nth, open) in self.open.iter().enumerate() {
                state.shift(self.core, open.item, self.best[nth]);
            }
        }
        (work + u64::from(self.steps), self.has_better)
    }

    /// What the present split spends: reduced costs, and priced room left over on the freed trains.
    fn spends(&mut self, state: &State, items: &[u32]) -> Option<i64> {
        self.freed_rows.clear();
        for &train in &self.freed {
            self.freed_rows.extend(&self.rows[train as usize]);
        }
        let mut spends: i64 = 0;
        for &item in items {
            let reduced = self.prices.reduced[state.choice[item as usize] as usize];
            if reduced == i64::MAX {
                return None;
            }
            spends += reduced;
        }
        for &row in &self.freed_rows {
            spends += self.prices.per_unit[row as usize] * state.room[row as usize];
        }
        Some(spends)
    }

    /// Adds who stays, but could ride on the freed trains at a price below what the split spends.
    fn invite(&self, state: &State, items: &mut Vec<u32>, spends: &mut i64, random: &mut Random) {
        let (staying, reduced) = (state.staying(), &self.prices.reduced);
        let allowance = *spends;
        let start = if staying.len() > MAX_STAYING {
            random.below(staying.len())
        } else {
            0
        };
        let some = staying[start..].iter().chain(&staying[..start]);
        for &item in some.take(MAX_STAYING) {
            let stays = reduced[state.choice[item as usize] as usize];
            let limit = allowance.saturating_add(stays);
            let options = self.active.of(item as usize).iter();
            let mut near = options.take_while(|&&option| reduced[option as usize] < limit);
            let is_near = near.any(|&option| {
                !self.core.legs(option as usize).is_empty() && self.is_within(option)
            });
            if stays != i64::MAX && is_near {
                items.push(item);
                *spends += stays;
            }
        }
    }

    /// Lists the options that could be part of a better split, and seats who has one alone; returns what those spend.
    /// None if an item is left without option.
    fn open(&mut self, items: &[u32], spends: i64) -> Option<i64> {
        self.open.clear();
        self.options.clear();
        self.settled.clear();
        let mut spent = 0;
        let (core, active, reduced) = (self.core, self.active, &self.prices.reduced);
        for &item in items {
            let first = self.options.len();
            for &option in active.of(item as usize) {
                if reduced[option as usize] >= spends {
                    break;
                }
                if self.is_within(option) {
                    self.options.push(option);
                }
            }
            match self.options[first..] {
                [] => return None,
                [option] => {
                    if !core.fits(&self.room, option as usize) {
                        return None;
                    }
                    for used in core.uses(option as usize) {
                        self.room[used.row as usize] -= used.amount;
                    }
                    spent += reduced[option as usize];
                    self.settled.push((item, option));
                    self.options.truncate(first);
                }
                [best, next, ..] => self.open.push(Open {
                    item,
                    first: first as u32,
                    end: self.options.len() as u32,
                    regret: reduced[next as usize] - reduced[best as usize],
                }),
            }
        }
        Some(spent)
    }

    /// Leaves some of the undecided where they are, by chance, if there are too many; returns what those spend. Puts the
    /// others in order.
    fn thin(&mut self, state: &State, random: &mut Random) -> i64 {
        let mut spent = 0;
        while self.open.len() > MAX_OPEN {
            let open = self.open.swap_remove(random.below(self.open.len()));
            let option = state.choice[open.item as usize];
            for used in self.core.uses(option as usize) {
                self.room[used.row as usize] -= used.amount;
            }
            spent += self.prices.reduced[option as usize];
        }
        let by_regret = |open: &Open| (std::cmp::Reverse(open.regret), open.item);
        self.open.sort_by_key(by_regret);
        spent
    }

    /// `spent` counts reduced costs; `slack` is the price of the freed room not yet used.
    fn descend(&mut self, depth: usize, spent: i64, slack: i64, stop: &dyn Fn() -> bool) {
        self.steps += 1;
        if self.steps.is_multiple_of(LOOK) && stop() {
            self.max_steps = 0;
        }
        if self.steps > self.max_steps {
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
                self.descend(depth + 1, sum, slack - used_price, stop);
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

#[cfg(test)]
mod tests {
    use super::{Depth, Resplit};
    use crate::rail::active::Active;
    use crate::rail::core::{Core, Use};
    use crate::rail::prices::Prices;
    use crate::rail::state::State;
    use crate::random::Random;

    /// Two trains with room for five each carry a three and a two too few: only with the two that stays are both full.
    #[test]
    fn who_stays_is_invited() {
        let mut core = Core::new(2, vec![5, 5], vec![0, 1]);
        for size in [3, 3, 2, 2] {
            core.push_item();
            for train in [0, 1] {
                let uses = [Use {
                    row: train,
                    amount: size,
                }];
                core.push_option(1, &[train], uses);
            }
            core.push_option(10 * size, &[], []);
        }
        let mut active = Active::new(&core);
        let prices = Prices::new(&core, &active, &[45.0, 45.0]);
        active.sort_by_key(&prices.reduced);
        let mut state = State::new(&core, &[0, 4, 6, 11]);
        assert_eq!(state.staying(), [3]);
        let mut random = Random::new(1);
        let mut resplit = Resplit::new(&core, &active, &prices);
        resplit.run(
            &mut state,
            &mut Depth::default(),
            1_000,
            &mut random,
            &|| false,
        );
        assert_eq!(state.value, 4);
        assert!(state.staying().is_empty());
    }
}
