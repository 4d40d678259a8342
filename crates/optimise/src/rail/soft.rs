//! Annealing that may overfill trains at a price.
//!
//! Tight capacities cut the feasible choices into islands; a search that may overload crosses between them. The price of
//! an overload follows the prices of the relaxation, times a factor that rises while too few states are feasible and
//! falls while too many are. Moves are shifts of one item and exchanges of two.

use super::active::Active;
use super::core::Core;
use super::prices::Prices;
use super::state::State;
use crate::random::Random;

/// Moves between two looks at the clock, the temperature and the overload factor.
const ROUND: u64 = 512;
/// Of [`ROUND`] moves, so many should end in a feasible state.
const FEASIBLE: std::ops::Range<u32> = 100..200;

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
    /// Rows that are overfull.
    overfull: u32,
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
            overfull: 0,
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
                let item = loose[random.below(loose.len())];
                let moved = if random.next_u64() & 3 == 0 {
                    self.exchange(active, item, threshold, random, from)
                } else {
                    self.shift(active, item, threshold, random, from)
                };
                if self.overfull == 0 {
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
        self.overfull = from.room.iter().filter(|&&room| room < 0).count() as u32;
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
                self.overfull = self.overfull + u32::from(after < 0) - u32::from(before < 0);
            }
        }
        cost
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

    /// Exchanges the item with one aboard another train that can take its place.
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
        let other = aboard[random.below(aboard.len())];
        let other_old = state.choice[other as usize];
        let legs = core.legs(old as usize);
        let mut ways = active.of(other as usize).iter();
        let Some(&other_option) = ways.find(|&&way| core.legs(way as usize) == legs) else {
            return false;
        };
        if other == item || other_option == other_old {
            return false;
        }
        let cost = |option: u32| core.cost(option as usize);
        let dearer = cost(option) + cost(other_option) - cost(old) - cost(other_old);
        let mut energy = dearer << self.shift;
        energy += self.load(&mut state.room, old, 1) + self.load(&mut state.room, other_old, 1);
        energy += self.load(&mut state.room, option, -1);
        energy += self.load(&mut state.room, other_option, -1);
        if energy > threshold {
            self.load(&mut state.room, other_option, 1);
            self.load(&mut state.room, option, 1);
            self.load(&mut state.room, other_old, -1);
            self.load(&mut state.room, old, -1);
            return false;
        }
        state.reseat(core, item, option);
        state.reseat(core, other, other_option);
        self.journal.push(item);
        self.journal.push(other);
        true
    }
}

fn rows_with_floor<'a>(
    rooms: impl Iterator<Item = (&'a i64, &'a i64)>,
    floor: impl Fn(i64) -> i64,
) -> Vec<i64> {
    rooms
        .map(|(&price, &capacity)| price.max(floor(capacity)))
        .collect()
}
