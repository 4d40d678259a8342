//! What it costs to shift room between two trains.

use super::Gather;
use crate::rail::active::Active;
use crate::rail::core::Core;
use crate::rail::prices::Prices;
use crate::rail::state::State;

/// Units of one size that may go from one train to another in one arc.
const KEPT: usize = 3;
/// No way.
pub(super) const NEVER: i64 = i64::MAX / 4;

/// One unit that could change trains.
#[derive(Debug, Clone, Copy)]
struct Move {
    /// Dearer by so much, fixed point, with the priced use of all rows but the leading one.
    cost: i64,
    item: u32,
    option: u32,
}

/// The cheapest way to shift some room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub cost: i64,
    /// How many of each list take part, four bits each: sizes there, then sizes back.
    counts: u64,
}

/// Costs of shifting room between all pairs of nodes.
pub(super) struct Arcs {
    /// Trains, and staying.
    pub nodes: usize,
    /// Room is shifted up to so much, in steps.
    pub most: i64,
    sizes: Vec<i64>,
    /// By from, to, size: the cheapest, first.
    moves: Vec<Vec<Move>>,
    /// By pair (from < to) and room.
    ways: Vec<Way>,
    /// By node: where anything can be shifted to.
    pub neighbours: Vec<Vec<u32>>,
}

impl Arcs {
    pub fn new(
        gather: &Gather,
        core: &Core,
        active: &Active,
        prices: &Prices,
        state: &State,
    ) -> Self {
        let nodes = core.trains() + 1;
        let most = gather.sizes.last().copied().unwrap_or(0);
        let sizes = gather.sizes.clone();
        let width = (2 * most + 1) as usize;
        let nothing = Way {
            cost: NEVER,
            counts: 0,
        };
        let mut arcs = Arcs {
            nodes,
            most,
            moves: vec![Vec::new(); nodes * nodes * sizes.len()],
            ways: vec![nothing; nodes * nodes * width],
            neighbours: vec![Vec::new(); nodes],
            sizes,
        };
        arcs.list(gather, core, active, prices, state);
        for from in 0..nodes {
            for to in from + 1..nodes {
                if arcs.combine(from, to) {
                    arcs.neighbours[from].push(to as u32);
                    arcs.neighbours[to].push(from as u32);
                }
            }
        }
        arcs
    }

    fn list(
        &mut self,
        gather: &Gather,
        core: &Core,
        active: &Active,
        prices: &Prices,
        state: &State,
    ) {
        let node = |option: u32| match core.legs(option as usize) {
            [] => Some(core.trains()),
            [train] => Some(*train as usize),
            _ => None,
        };
        let beside = |option: u32| {
            let uses = core.uses(option as usize).iter();
            let uses = uses.filter(|used| !gather.leads[used.row as usize]);
            let used = uses.map(|used| prices.per_unit[used.row as usize] * used.amount);
            (core.cost(option as usize) << prices.shift) + used.sum::<i64>()
        };
        for item in 0..core.items() {
            let size = gather.size[item] / gather.step.max(1);
            let now = state.choice[item];
            let (Ok(size), Some(from)) = (self.sizes.binary_search(&size), node(now)) else {
                continue;
            };
            let so_far = beside(now);
            for &option in active.of(item) {
                let Some(to) = node(option).filter(|&to| to != from) else {
                    continue;
                };
                let found = Move {
                    cost: beside(option) - so_far,
                    item: item as u32,
                    option,
                };
                let at = self.at(from, to, size);
                keep(&mut self.moves[at], found);
            }
        }
    }

    fn at(&self, from: usize, to: usize, size: usize) -> usize {
        (from * self.nodes + to) * self.sizes.len() + size
    }

    fn way(&self, from: usize, to: usize, room: i64) -> usize {
        let width = 2 * self.most + 1;
        (from * self.nodes + to) * width as usize + (room + self.most) as usize
    }

    /// What it costs to take `room` from one node and leave it on another; less than 0 is shifted back.
    pub fn cost(&self, from: u32, to: u32, room: i64) -> i64 {
        let (from, to) = (from as usize, to as usize);
        let at = if from < to {
            self.way(from, to, room)
        } else {
            self.way(to, from, -room)
        };
        self.ways[at].cost
    }

    /// What one arc gains at most.
    pub fn gain(&self) -> i64 {
        let ways = self.ways.iter().map(|way| way.cost);
        ways.min().map_or(0, |least| (-least).max(0))
    }

    /// Adds the shifts behind [`Arcs::cost`] to those of other arcs. Whoever moves there already is left to them, and the next
    /// of his size goes; false if there is none.
    pub fn shifts(&self, from: u32, to: u32, room: i64, shifts: &mut Vec<(u32, u32)>) -> bool {
        let (from, to, room) = if from < to {
            (from as usize, to as usize, room)
        } else {
            (to as usize, from as usize, -room)
        };
        let mut counts = self.ways[self.way(from, to, room)].counts;
        for (from, to) in [(from, to), (to, from)] {
            for size in 0..self.sizes.len() {
                let mut asked = counts & 15;
                counts >>= 4;
                for one in &self.moves[self.at(from, to, size)] {
                    if asked > 0 && shifts.iter().all(|shift| shift.0 != one.item) {
                        shifts.push((one.item, one.option));
                        asked -= 1;
                    }
                }
                if asked > 0 {
                    return false;
                }
            }
        }
        true
    }

    /// The cheapest ways between two nodes for each amount of room; false if there is none at all.
    fn combine(&mut self, from: usize, to: usize) -> bool {
        let classes = self.sizes.len();
        let reach = 2 * self.most;
        let mut best = vec![(NEVER, 0_u64); (2 * reach + 1) as usize];
        best[reach as usize] = (0, 0);
        let mut is_any = false;
        let (mut low, mut high) = (0, 0);
        for nth in 0..2 * classes {
            let (there, size) = (nth < classes, nth % classes);
            let moves = if there {
                &self.moves[self.at(from, to, size)]
            } else {
                &self.moves[self.at(to, from, size)]
            };
            if moves.is_empty() {
                continue;
            }
            is_any = true;
            // Who goes there leaves room behind: it comes from `to`.
            let step = if there {
                -self.sizes[size]
            } else {
                self.sizes[size]
            };
            let (was_low, was_high) = (low, high);
            let before = best.clone();
            let mut cost = 0;
            for (count, one) in moves.iter().enumerate() {
                cost += one.cost;
                let count = count as i64 + 1;
                let added = count * step;
                for room in was_low.max(-reach - added)..=was_high.min(reach - added) {
                    let (so_far, counts) = before[(room + reach) as usize];
                    let new = &mut best[(room + added + reach) as usize];
                    if so_far < NEVER && so_far + cost < new.0 {
                        *new = (so_far + cost, counts | (count as u64) << (4 * nth));
                    }
                }
                low = low.min((was_low + added).max(-reach));
                high = high.max((was_high + added).min(reach));
            }
        }
        for room in -self.most..=self.most {
            let (cost, counts) = best[(room + reach) as usize];
            let at = self.way(from, to, room);
            self.ways[at] = Way { cost, counts };
        }
        is_any
    }
}

/// Keeps the cheapest of what can be moved.
fn keep(moves: &mut Vec<Move>, found: Move) {
    let at = moves.partition_point(|one| (one.cost, one.item) < (found.cost, found.item));
    if at < KEPT {
        moves.truncate(KEPT - 1);
        moves.insert(at, found);
    }
}
