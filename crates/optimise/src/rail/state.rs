//! A complete choice with what the search must know at every move: room left, and who is on which train.

use super::core::Core;

/// A choice under change. Between moves it is feasible; within a move a train may be overfull.
#[derive(Debug, Clone)]
pub struct State {
    /// The option of each item, counted over all options.
    pub choice: Vec<u32>,
    /// What is left of each row.
    pub room: Vec<i64>,
    /// The price of the choice.
    pub value: i64,
    /// By train; last, who goes by none.
    aboard: Vec<Vec<u32>>,
    /// Where an item stands in `aboard`, by leg of its option.
    place: Vec<[u32; MAX_LEGS]>,
}

/// Items of options with more legs than this are not known as aboard beyond it.
const MAX_LEGS: usize = 4;

impl State {
    /// The state of a choice.
    pub fn new(core: &Core, choice: &[u32]) -> Self {
        let mut state = State {
            choice: choice.to_vec(),
            room: core.room(choice),
            value: core.total(choice),
            aboard: vec![Vec::new(); core.trains() + 1],
            place: vec![[0; MAX_LEGS]; choice.len()],
        };
        for (item, &option) in choice.iter().enumerate() {
            state.board(core, item as u32, option);
        }
        state
    }

    /// The items on a train.
    pub fn aboard(&self, train: usize) -> &[u32] {
        &self.aboard[train]
    }

    /// The items whose options use no train.
    pub fn staying(&self) -> &[u32] {
        self.aboard.last().map_or(&[], Vec::as_slice)
    }

    /// Moves an item to another option, whether it fits or not; returns the option that it leaves.
    pub fn shift(&mut self, core: &Core, item: u32, option: u32) -> u32 {
        let old = self.choice[item as usize];
        for used in core.uses(old as usize) {
            self.room[used.row as usize] += used.amount;
        }
        for used in core.uses(option as usize) {
            self.room[used.row as usize] -= used.amount;
        }
        self.reseat(core, item, option);
        old
    }

    /// As [`State::shift`], for a caller that has already changed the rooms.
    pub fn reseat(&mut self, core: &Core, item: u32, option: u32) {
        let old = std::mem::replace(&mut self.choice[item as usize], option);
        self.value += core.cost(option as usize) - core.cost(old as usize);
        self.leave(core, item, old);
        self.board(core, item, option);
    }

    /// True if `option` fits once its item has left `old`.
    pub fn fits_instead(&self, core: &Core, old: u32, option: u32) -> bool {
        core.uses(option as usize).iter().all(|used| {
            let freed = core
                .uses(old as usize)
                .iter()
                .find(|freed| freed.row == used.row);
            used.amount <= self.room[used.row as usize] + freed.map_or(0, |freed| freed.amount)
        })
    }

    /// A row of `option` that is overfull.
    pub fn overfull(&self, core: &Core, option: u32) -> Option<u32> {
        let mut uses = core.uses(option as usize).iter();
        uses.find(|used| self.room[used.row as usize] < 0)
            .map(|used| used.row)
    }

    fn board(&mut self, core: &Core, item: u32, option: u32) {
        for (leg, train) in seats(core, option) {
            let aboard = &mut self.aboard[train];
            self.place[item as usize][leg] = aboard.len() as u32;
            aboard.push(item);
        }
    }

    fn leave(&mut self, core: &Core, item: u32, option: u32) {
        for (leg, train) in seats(core, option) {
            let at = self.place[item as usize][leg] as usize;
            let aboard = &mut self.aboard[train];
            aboard.swap_remove(at);
            if let Some(&moved) = aboard.get(at) {
                // While `item` moves it is still aboard by the option that it leaves.
                let by = if moved == item {
                    option
                } else {
                    self.choice[moved as usize]
                };
                if let Some((leg, _)) = seats(core, by).find(|seat| seat.1 == train) {
                    self.place[moved as usize][leg] = at as u32;
                }
            }
        }
    }
}

/// Where an option has its items in `aboard`: (leg, train).
fn seats(core: &Core, option: u32) -> impl Iterator<Item = (usize, usize)> {
    let legs = core.legs(option as usize);
    let stays = legs.is_empty().then_some((0, core.trains()));
    let rides = legs.iter().take(MAX_LEGS).enumerate();
    rides
        .map(|(leg, &train)| (leg, train as usize))
        .chain(stays)
}
