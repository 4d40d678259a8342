//! Exact search over the few options that fixing has left in play.
//!
//! With prices `p` a plan costs `bound + sum of reduced costs + p * (room left over)`, every term at least 0. Depth first,
//! the item with the largest regret first: reduced costs add up, options drop out as room runs short, and a branch ends
//! where the sum reaches what the best plan leaves.

use super::active::Active;
use super::core::Core;
use super::prices::Prices;
use super::state::State;

/// Give up beyond so many nodes.
const MAX_NODES: u64 = 60_000;
/// Do not try with more items than this undecided.
const MAX_LOOSE: usize = 120;

/// How the search ended.
#[derive(Debug)]
pub enum Outcome {
    /// The optimum, better than what was known.
    Better(Vec<u32>),
    /// What was known is the optimum.
    NoneBetter,
    /// Not decided.
    Unknown,
}

struct Search<'a> {
    core: &'a Core,
    active: &'a Active,
    prices: &'a Prices,
    order: Vec<u32>,
    room: Vec<i64>,
    choice: Vec<u32>,
    best: Option<Vec<u32>>,
    /// What reduced costs may add up to, exclusive.
    allowance: i64,
    nodes: u64,
    is_cut: bool,
}

/// Decides whether a plan better than `best` exists in play; also says how many nodes that took.
pub fn finish(
    core: &Core,
    active: &Active,
    prices: &Prices,
    best: &State,
    stop: &dyn Fn() -> bool,
) -> (Outcome, u64) {
    let items = 0..core.items();
    let mut order: Vec<u32> = items
        .clone()
        .filter(|&item| active.of(item).len() > 1)
        .map(|item| item as u32)
        .collect();
    if order.len() > MAX_LOOSE || items.clone().any(|item| active.of(item).is_empty()) {
        return (Outcome::Unknown, 0);
    }
    order.sort_by_key(|&item| {
        let options = active.of(item as usize);
        (std::cmp::Reverse(prices.reduced[options[1] as usize]), item)
    });
    let choice: Vec<u32> = items.map(|item| active.of(item)[0]).collect();
    let mut room = core.capacity().to_vec();
    for (item, &option) in choice.iter().enumerate() {
        if active.of(item).len() == 1 {
            core.uses(option as usize)
                .iter()
                .for_each(|used| room[used.row as usize] -= used.amount);
        }
    }
    if room.iter().any(|&room| room < 0) {
        return (Outcome::NoneBetter, 0);
    }
    let mut search = Search {
        core,
        active,
        prices,
        order,
        room,
        choice,
        best: None,
        allowance: (best.value << prices.shift) - prices.bound,
        nodes: 0,
        is_cut: false,
    };
    search.descend(0, 0, stop);
    let outcome = match (search.is_cut, search.best) {
        (true, _) => Outcome::Unknown,
        (false, Some(choice)) => Outcome::Better(choice),
        (false, None) => Outcome::NoneBetter,
    };
    (outcome, search.nodes)
}

impl Search<'_> {
    fn descend(&mut self, depth: usize, spent: i64, stop: &dyn Fn() -> bool) {
        self.nodes += 1;
        self.is_cut |= self.nodes > MAX_NODES || (self.nodes.is_multiple_of(1024) && stop());
        if self.is_cut {
            return;
        }
        let Some(&item) = self.order.get(depth) else {
            self.leaf();
            return;
        };
        for &option in self.active.of(item as usize) {
            let sum = spent + self.prices.reduced[option as usize];
            if sum >= self.allowance {
                break;
            }
            if !self.core.fits(&self.room, option as usize) {
                continue;
            }
            self.take(option, -1);
            self.choice[item as usize] = option;
            if sum + self.forced(depth + 1) < self.allowance {
                self.descend(depth + 1, sum, stop);
            }
            self.take(option, 1);
        }
    }

    /// A plan: its true cost is compared, since the room left over is priced too.
    fn leaf(&mut self) {
        let value = self.core.total(&self.choice);
        let spent = (value << self.prices.shift) - self.prices.bound;
        if spent < self.allowance {
            self.allowance = spent;
            self.best = Some(self.choice.clone());
        }
    }

    fn take(&mut self, option: u32, sign: i64) {
        for used in self.core.uses(option as usize) {
            self.room[used.row as usize] += sign * used.amount;
        }
    }

    /// Reduced costs that the undecided items must add, for want of room; `i64::MAX` if one has no option left.
    fn forced(&self, depth: usize) -> i64 {
        let mut sum = 0_i64;
        for &item in &self.order[depth..] {
            let mut options = self.active.of(item as usize).iter();
            match options.find(|&&option| self.core.fits(&self.room, option as usize)) {
                Some(&option) => sum += self.prices.reduced[option as usize],
                None => return i64::MAX / 2,
            }
            if sum >= self.allowance {
                return sum;
            }
        }
        sum
    }
}
