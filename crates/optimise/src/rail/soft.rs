//! Annealing that may overfill trains at a price.
//!
//! Tight capacities cut the feasible choices into islands; a search that may overload crosses between them. The price of
//! an overload follows the prices of the relaxation, times a factor that rises while too few states are feasible and
//! falls while too many are. Moves are shifts of one item and exchanges of two; while a train is overfull, every other one
//! begins aboard it. Where sizes hardly differ, plans stay apart by a few units of room that lie on different trains, and it
//! takes several exchanges, each of the right two items, to bring them together: so an exchange looks at several partners.

use super::active::Active;
use super::core::Core;
use super::prices::Prices;
use super::state::State;
use crate::random::Random;

/// Moves between two looks at the clock, the temperature and the overload factor.
const ROUND: u64 = 512;
/// Of [`ROUND`] moves, so many should end in a feasible state.
const FEASIBLE: std::ops::Range<u32> = 100..200;

/// Every other move is an exchange while so few rows are overfull; beyond it, one in four: then loads must leave, not change
/// places.
const FEW: usize = 4;
/// Partners that an exchange looks at.
const PARTNERS: usize = 4;

/// One run of cooling.
#[derive(Debug, Clone, Copy)]
pub struct Cooling {
    /// Temperature at the start, in money; it falls to a thirtieth.
    pub from: f64,
    /// Moves tried.
    pub moves: u64,
}

/// The search, with the buffers it reuses.
#[derive(Debug)]
pub struct Soft<'c> {
    core: &'c Core,
    /// The price of one unit of overload of each row at factor 1, fixed point.
    base: Vec<i64>,
    penalty: Vec<i64>,
    /// Overload factor, in 64ths.
    factor: i64,
    shift: u32,
    /// Items that differ from the best choice, perhaps repeated.
    journal: Vec<u32>,
    /// Rows that are overfull, in no order, and where each stands among them.
    overfull: Vec<u32>,
    place: Vec<u32>,
}

impl<'c> Soft<'c> {
    /// A search on `core` with overload priced after `prices`.
    pub fn new(core: &'c Core, prices: &Prices) -> Self {
        let rows = core.capacity().len().max(1) as i64;
        let whole = prices
            .per_unit
            .iter()
            .zip(core.capacity())
            .map(|(price, room)| price * room);
        let mean = whole.sum::<i64>() / rows;
        let floor = |capacity: i64| (mean / 8 / capacity.max(1)).max(1);
        let rooms = prices.per_unit.iter().zip(core.capacity());
        let base: Vec<i64> = rows_with_floor(rooms, floor);
        Soft {
            core,
            penalty: base.clone(),
            base,
            factor: 128,
            shift: prices.shift,
            journal: Vec::new(),
            overfull: Vec::new(),
            place: vec![0; core.capacity().len()],
        }
    }

    /// Cools from `from` (which may be overfull) over the `loose` items; `best` takes every better feasible choice.
    /// Returns the moves tried.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one search, each borrowed differently"
    )]
    pub fn run(
        &mut self,
        active: &Active,
        loose: &[u32],
        cooling: Cooling,
        random: &mut Random,
        from: &mut State,
        best: &mut State,
        stop: &dyn Fn() -> bool,
    ) -> u64 {
        if loose.is_empty() {
            return 0;
        }
        self.reset(from, best);
        let rounds = (cooling.moves / ROUND).max(8);
        let shrink = 1.0 - 3.4 / rounds as f64;
        let mut temperature = cooling.from * (1_u64 << self.shift) as f64;
        for round in 0..rounds {
            if stop() {
                return round * ROUND;
            }
            let mut feasible = 0;
            for _ in 0..ROUND {
                let threshold = (temperature * random.exponential()) as i64;
                let item = self.pick(loose, active, from, random);
                let few = self.overfull.len() <= FEW;
                let exchanges = if few { 2 } else { 1 };
                let moved = if random.next_u64() & 3 < exchanges {
                    self.exchange(active, item, threshold, random, from)
                } else {
                    self.shift(active, item, threshold, random, from)
                };
                if self.overfull.is_empty() {
                    feasible += 1;
                    if moved && from.value < best.value {
                        self.keep(from, best);
                    }
                }
            }
            temperature *= shrink;
            self.adapt(feasible);
        }
        rounds * ROUND
    }

    fn reset(&mut self, from: &State, best: &State) {
        self.journal.clear();
        let differ = from.choice.iter().zip(&best.choice).enumerate();
        self.journal.extend(
            differ
                .filter(|(_, (a, b))| a != b)
                .map(|(item, _)| item as u32),
        );
        self.overfull.clear();
        for (row, &room) in from.room.iter().enumerate() {
            if room < 0 {
                self.place[row] = self.overfull.len() as u32;
                self.overfull.push(row as u32);
            }
        }
    }

    fn keep(&mut self, from: &State, best: &mut State) {
        best.value = from.value;
        for item in self.journal.drain(..) {
            best.choice[item as usize] = from.choice[item as usize];
        }
    }

    fn adapt(&mut self, feasible: u32) {
        if feasible < FEASIBLE.start {
            self.factor = (self.factor * 17 / 16 + 1).min(64 * 64);
        } else if feasible >= FEASIBLE.end {
            self.factor = (self.factor * 15 / 16).max(66);
        }
        for (penalty, base) in self.penalty.iter_mut().zip(&self.base) {
            *penalty = base * self.factor / 64;
        }
    }

    /// The item to move: every other time one of an overfull train.
    #[inline]
    fn pick(&self, loose: &[u32], active: &Active, state: &State, random: &mut Random) -> u32 {
        if !self.overfull.is_empty() && random.next_u64() & 1 == 0 {
            let row = self.overfull[random.below(self.overfull.len())];
            let train = self.core.train_of_rows()[row as usize];
            let aboard = state.aboard(train as usize);
            if !aboard.is_empty() {
                let item = aboard[random.below(aboard.len())];
                if active.of(item as usize).len() > 1 {
                    return item;
                }
            }
        }
        loose[random.below(loose.len())]
    }

    /// Takes note of a row that has become overfull, or no longer is.
    #[cold]
    fn mark(&mut self, row: usize, is_overfull: bool) {
        if is_overfull {
            self.place[row] = self.overfull.len() as u32;
            self.overfull.push(row as u32);
            return;
        }
        let at = self.place[row] as usize;
        self.overfull.swap_remove(at);
        if let Some(&moved) = self.overfull.get(at) {
            self.place[moved as usize] = at as u32;
        }
    }

    /// Takes `option`'s uses off the rooms (`sign` 1 gives them back); returns what overload that costs.
    #[inline]
    fn load(&mut self, room: &mut [i64], option: u32, sign: i64) -> i64 {
        let mut cost = 0;
        for used in self.core.uses(option as usize) {
            let row = used.row as usize;
            let before = room[row];
            let after = before + sign * used.amount;
            room[row] = after;
            if before < 0 || after < 0 {
                cost += self.penalty[row] * (before.min(0) - after.min(0));
                if (before < 0) != (after < 0) {
                    self.mark(row, after < 0);
                }
            }
        }
        cost
    }

    /// What leaving `option` can save of overload at most.
    #[inline]
    fn relief(&self, room: &[i64], option: u32) -> i64 {
        let mut relief = 0;
        for used in self.core.uses(option as usize) {
            let lack = -room[used.row as usize];
            if lack > 0 {
                relief += self.penalty[used.row as usize] * lack.min(used.amount);
            }
        }
        relief
    }

    fn shift(
        &mut self,
        active: &Active,
        item: u32,
        threshold: i64,
        random: &mut Random,
        state: &mut State,
    ) -> bool {
        let options = active.of(item as usize);
        // Options stand by reduced cost: the smaller of two draws prefers the promising ones.
        let option = options[random.below(options.len()).min(random.below(options.len()))];
        let old = state.choice[item as usize];
        if option == old {
            return false;
        }
        let dearer = self.core.cost(option as usize) - self.core.cost(old as usize);
        let mut energy = dearer << self.shift;
        if energy - self.relief(&state.room, old) > threshold {
            return false;
        }
        energy += self.load(&mut state.room, old, 1);
        energy += self.load(&mut state.room, option, -1);
        if energy > threshold {
            self.load(&mut state.room, option, 1);
            self.load(&mut state.room, old, -1);
            return false;
        }
        state.reseat(self.core, item, option);
        self.journal.push(item);
        true
    }

    /// Exchanges the item with one aboard another train that can take its place: of a few, that which costs least.
    fn exchange(
        &mut self,
        active: &Active,
        item: u32,
        threshold: i64,
        random: &mut Random,
        state: &mut State,
    ) -> bool {
        let core = self.core;
        let options = active.of(item as usize);
        let option = options[random.below(options.len())];
        let old = state.choice[item as usize];
        let Some(&train) = core.legs(option as usize).first().filter(|_| option != old) else {
            return false;
        };
        let aboard = state.aboard(train as usize);
        if aboard.is_empty() {
            return false;
        }
        let legs = core.legs(old as usize);
        let cost = |option: u32| core.cost(option as usize);
        let gained = (cost(option) - cost(old)) << self.shift;
        let gained =
            gained + self.load(&mut state.room, old, 1) + self.load(&mut state.room, option, -1);
        let mut best: Option<(i64, u32, u32)> = None;
        for _ in 0..PARTNERS {
            let aboard = state.aboard(train as usize);
            let other = aboard[random.below(aboard.len())];
            let other_old = state.choice[other as usize];
            let mut ways = active.of(other as usize).iter();
            let Some(&way) = ways.find(|&&way| is_same(core.legs(way as usize), legs)) else {
                continue;
            };
            if other == item || way == other_old {
                continue;
            }
            let second = (cost(way) - cost(other_old)) << self.shift;
            let mut energy = gained + second;
            if energy - self.relief(&state.room, other_old) > threshold {
                continue;
            }
            energy += self.load(&mut state.room, other_old, 1);
            energy += self.load(&mut state.room, way, -1);
            self.load(&mut state.room, way, 1);
            self.load(&mut state.room, other_old, -1);
            if best.is_none_or(|best| energy < best.0) {
                best = Some((energy, other, way));
            }
        }
        let Some((_, other, way)) = best.filter(|best| best.0 <= threshold) else {
            self.load(&mut state.room, option, 1);
            self.load(&mut state.room, old, -1);
            return false;
        };
        self.load(&mut state.room, state.choice[other as usize], 1);
        self.load(&mut state.room, way, -1);
        state.reseat(core, item, option);
        state.reseat(core, other, way);
        self.journal.push(item);
        self.journal.push(other);
        true
    }
}

/// True if two options use the same trains. (Comparing slices would call into the C library for one or two numbers.)
#[inline]
fn is_same(legs: &[u32], others: &[u32]) -> bool {
    legs.len() == others.len() && legs.iter().zip(others).all(|(a, b)| a == b)
}

fn rows_with_floor<'a>(
    rooms: impl Iterator<Item = (&'a i64, &'a i64)>,
    floor: impl Fn(i64) -> i64,
) -> Vec<i64> {
    rooms
        .map(|(&price, &capacity)| price.max(floor(capacity)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Cooling, Soft};
    use crate::rail::active::Active;
    use crate::rail::core::{Core, Use};
    use crate::rail::prices::Prices;
    use crate::rail::state::State;
    use crate::random::Random;

    /// Nines and eights on four trains, each with a unit of room too few for what stays: three exchanges bring it together.
    #[test]
    fn room_comes_together() {
        let mut core = Core::new(4, vec![20; 4], vec![0, 1, 2, 3]);
        let mut choice = Vec::new();
        for nth in 0..9 {
            core.push_item();
            let size = [9, 8, 9, 8, 9, 8, 9, 8, 4][nth];
            for train in 0..4 {
                let uses = [Use {
                    row: train,
                    amount: size,
                }];
                core.push_option(1, &[train], uses);
            }
            core.push_option(1_000, &[], []);
            let ride = if nth < 8 { nth / 2 } else { 4 };
            choice.push((5 * nth + ride) as u32);
        }
        let mut active = Active::new(&core);
        let prices = Prices::new(&core, &active, &[100.0; 4]);
        active.sort_by_key(&prices.reduced);
        let items: Vec<u32> = (0..9).collect();
        let mut from = State::new(&core, &choice);
        let mut best = from.clone();
        let mut soft = Soft::new(&core, &prices);
        let cooling = Cooling {
            from: 20.0,
            moves: 8_192,
        };
        let mut random = Random::new(3);
        let run = (&mut random, &mut from, &mut best);
        soft.run(&active, &items, cooling, run.0, run.1, run.2, &|| false);
        assert_eq!(best.value, 9);
        let rows = from.room.iter().enumerate();
        let mut overfull: Vec<u32> = rows
            .filter(|(_, room)| **room < 0)
            .map(|(row, _)| row as u32)
            .collect();
        soft.overfull.sort_unstable();
        overfull.sort_unstable();
        assert_eq!(soft.overfull, overfull);
    }
}
