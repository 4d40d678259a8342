//! Room that lies scattered is gathered: shifts of room along paths of trains, until a unit that stays finds a place.
//!
//! Where units have few sizes, a good plan differs from a better one by a few units of room that lie on different trains,
//! and no single exchange brings them together without loss. Here an *arc* from train u to train v says what it costs at
//! least to take exactly `q` of room away from u and leave it on v, by a few units that change places ([`arcs`]); a *path*
//! of arcs carries room from train to train, takes up what lies free on its way, and ends where the room serves
//! somebody: who stays is a node like any other, with room without end ([`paths`]). Paths that make the plan cheaper are
//! taken, the best first, until there is none.
//!
//! One row a train leads (the dearest in all: its slots, as a rule); of the others only the prices count on the way, and a path
//! that would overfill one is not taken.

mod arcs;
mod paths;

use super::active::Active;
use super::core::Core;
use super::prices::Prices;
use super::state::State;
use arcs::Arcs;
use paths::Paths;

/// Different sizes of units at most; with more, room hardly ever fits exactly and other moves do as well.
const MAX_SIZES: usize = 6;
/// The largest size at most, in units of the greatest common divisor of all sizes and capacities.
const MAX_SIZE: i64 = 24;
/// Trains at most: arcs grow with their square.
const MAX_TRAINS: usize = 100;
/// Paths that are tried before arcs are looked at anew.
const TRIED: usize = 24;

/// What is the same for every search on a core: the leading row of each train, the size of each item.
#[derive(Debug)]
pub struct Gather {
    /// The leading row by train; `u32::MAX` for a train without.
    row: Vec<u32>,
    /// By row: true if it leads its train.
    leads: Vec<bool>,
    /// By item: its size on every train; 0 if that is not the same everywhere.
    size: Vec<i64>,
    /// Sizes in ascending order, in `step`s.
    sizes: Vec<i64>,
    /// All sizes are multiples of it.
    step: i64,
}

impl Gather {
    /// None where sizes are too many or too large for room to be counted out, or trains too many for the arcs between them.
    pub fn new(core: &Core, row_prices: &[f64]) -> Option<Self> {
        if core.trains() > MAX_TRAINS {
            return None;
        }
        let row = leading_rows(core, row_prices);
        let mut leads = vec![false; core.capacity().len()];
        let led = row.iter().filter(|&&row| row != u32::MAX);
        led.for_each(|&row| leads[row as usize] = true);
        let size: Vec<i64> = (0..core.items())
            .map(|item| size_of(core, &row, item))
            .collect();
        let mut sizes: Vec<i64> = size.iter().copied().filter(|&size| size > 0).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let step = sizes.iter().fold(0, |step, &size| divisor(step, size));
        sizes.iter_mut().for_each(|size| *size /= step.max(1));
        let is_few = sizes.len() <= MAX_SIZES && sizes.last().is_some_and(|&size| size <= MAX_SIZE);
        is_few.then_some(Gather {
            row,
            leads,
            size,
            sizes,
            step,
        })
    }

    /// Takes paths that make `state` cheaper until there is none, over the options in play.
    pub fn run(
        &self,
        core: &Core,
        active: &Active,
        prices: &Prices,
        state: &mut State,
        stop: &dyn Fn() -> bool,
    ) {
        while !stop() {
            let arcs = Arcs::new(self, core, active, prices, state);
            let room = self.rooms(core, state);
            let mut paths = Paths::new(&arcs, &room);
            paths.search(stop);
            let before = state.value;
            // What was found first may stand in the way of the rest, which is then not taken.
            for shifts in paths.cheaper(TRIED) {
                take(core, state, &shifts);
            }
            if state.value == before {
                break;
            }
        }
    }

    /// Whole steps of room of each node; staying comes last and has no end.
    fn rooms(&self, core: &Core, state: &State) -> Vec<i64> {
        let endless = 4 * MAX_SIZE;
        let of = |&row: &u32| match state.room.get(row as usize) {
            Some(room) => room.div_euclid(self.step).min(endless),
            None => endless,
        };
        let trains = self.row[..core.trains()].iter().map(of);
        trains.chain([endless]).collect()
    }
}

/// Makes the shifts if the plan stays feasible and becomes cheaper.
fn take(core: &Core, state: &mut State, shifts: &[(u32, u32)]) {
    let before = state.value;
    let mut undo = Vec::with_capacity(shifts.len());
    for &(item, option) in shifts {
        undo.push((item, state.shift(core, item, option)));
    }
    let touched = || shifts.iter().chain(&undo);
    let fits = touched().all(|&(_, option)| state.overfull(core, option).is_none());
    if fits && state.value < before {
        return;
    }
    for &(item, option) in undo.iter().rev() {
        state.shift(core, item, option);
    }
}

/// The row at that place among the rows of its train where prices of all trains add up to most.
fn leading_rows(core: &Core, row_prices: &[f64]) -> Vec<u32> {
    let mut rows = vec![Vec::new(); core.trains()];
    for (row, &train) in core.train_of_rows().iter().enumerate() {
        rows[train as usize].push(row as u32);
    }
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    let price = |place: usize| -> f64 {
        let at = rows.iter().filter_map(|rows| rows.get(place));
        at.map(|&row| row_prices[row as usize]).sum()
    };
    let mut lead = 0;
    for place in 1..most {
        if price(place) > price(lead) {
            lead = place;
        }
    }
    rows.iter()
        .map(|rows| rows.get(lead).copied().unwrap_or(u32::MAX))
        .collect()
}

/// What an item takes of the leading row of every train that it could take alone; 0 if that differs.
fn size_of(core: &Core, row: &[u32], item: usize) -> i64 {
    let mut size = 0;
    for option in core.options_of(item) {
        let &[train] = core.legs(option) else {
            continue;
        };
        let mut uses = core.uses(option).iter();
        let used = uses.find(|used| used.row == row[train as usize]);
        let amount = used.map_or(0, |used| used.amount);
        if size != 0 && amount != size {
            return 0;
        }
        size = amount;
    }
    size
}

fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::Gather;
    use crate::rail::active::Active;
    use crate::rail::core::{Core, Use};
    use crate::rail::prices::Prices;
    use crate::rail::state::State;
    use crate::random::Random;

    /// Items of these sizes, each with the same price on every train; staying costs ten a unit of room.
    fn core_of(capacity: &[i64], sizes: &[i64]) -> Core {
        let trains = capacity.len() as u32;
        let mut core = Core::new(capacity.len(), capacity.to_vec(), (0..trains).collect());
        for &size in sizes {
            core.push_item();
            for row in 0..trains {
                core.push_option(1, &[row], [Use { row, amount: size }]);
            }
            core.push_option(10 * size, &[], []);
        }
        core
    }

    fn gathered(core: &Core, choice: &[u32]) -> State {
        let mut active = Active::new(core);
        let row_prices: Vec<f64> = core
            .capacity()
            .iter()
            .map(|&room| 10.0 * room as f64)
            .collect();
        let prices = Prices::new(core, &active, &row_prices);
        active.sort_by_key(&prices.reduced);
        let mut state = State::new(core, choice);
        let gather = Gather::new(core, &row_prices).expect("few sizes");
        gather.run(core, &active, &prices, &mut state, &|| false);
        state
    }

    /// Two nines and two eights on each of three trains, which leaves a unit of room, one and two; and a four that stays.
    /// Only if the first train takes a nine for an eight, and the second after it two nines for two eights, the third has
    /// room for it. None of that pays by itself.
    #[test]
    fn a_path_gathers_room_for_who_stays() {
        let core = core_of(&[35, 35, 36], &[9, 9, 8, 8, 9, 9, 8, 8, 9, 9, 8, 8, 4]);
        let mut choice: Vec<u32> = (0..12).map(|item| 4 * item + item / 4).collect();
        choice.push(4 * 12 + 3);
        let state = gathered(&core, &choice);
        assert_eq!(state.value, 13);
        assert_eq!(state.room, [0, 0, 0]);
        assert!(state.staying().is_empty());
    }

    /// The second row of every train has no price, so paths do not see it; what would overfill it is not taken all the same.
    #[test]
    fn rows_beside_the_leading_one_are_kept() {
        let mut random = Random::new(7);
        let mut cheaper = 0;
        for _ in 0..200 {
            let mut core = Core::new(3, vec![17, 40, 17, 40, 17, 40], vec![0, 0, 1, 1, 2, 2]);
            for _ in 0..8 {
                let size = [4, 8, 9][random.below(3)];
                let mass = 10 + random.below(20) as i64;
                core.push_item();
                for train in 0..3 {
                    let uses = [(2 * train, size), (2 * train + 1, mass)];
                    let uses = uses.map(|(row, amount)| Use { row, amount });
                    core.push_option(random.below(9) as i64, &[train], uses);
                }
                core.push_option(10 * size, &[], []);
            }
            let stay: Vec<u32> = (0..8).map(|item| 4 * item + 3).collect();
            let active = Active::new(&core);
            let row_prices = [80.0, 0.0, 80.0, 0.0, 80.0, 0.0];
            let prices = Prices::new(&core, &active, &row_prices);
            let gather = Gather::new(&core, &row_prices).expect("few sizes");
            let mut state = State::new(&core, &stay);
            let before = state.value;
            gather.run(&core, &active, &prices, &mut state, &|| false);
            assert!(state.room.iter().all(|&room| room >= 0));
            assert_eq!(core.total(&state.choice), state.value);
            cheaper += usize::from(state.value < before);
        }
        assert_eq!(cheaper, 200);
    }

    #[test]
    fn too_many_sizes_are_left_to_other_moves() {
        let core = core_of(&[50, 50], &[3, 4, 5, 6, 7, 8, 9]);
        assert!(Gather::new(&core, &[1.0, 1.0]).is_none());
    }
}
