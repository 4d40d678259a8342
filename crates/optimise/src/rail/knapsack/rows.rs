//! The relaxation over some options in play: one knapsack a train.

use super::SHIFT;
use crate::rail::active::Active;
use crate::rail::core::Core;
use crate::rail::prices::Prices;

/// What holds for any options in play: which row of each train is its knapsack, and what options cost once their uses of
/// all other rows are priced.
#[derive(Debug)]
pub(super) struct Form {
    /// Row and weight of each option in its knapsack; `FREE` for options without.
    place: Vec<(u32, u32)>,
    /// Price of each option, fixed point.
    cost: Vec<i64>,
    /// What the priced rows give back, fixed point; at most 0.
    priced_room: i64,
    /// True if every row is a knapsack: then the relaxation knows the whole problem, and what the tree finds are plans.
    pub(super) is_whole: bool,
}

/// No row.
const FREE: u32 = u32::MAX;

/// An option as an object of a knapsack, or without one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object {
    pub(super) item: u32,
    pub(super) option: u32,
    pub(super) weight: usize,
    /// Fixed point.
    pub(super) cost: i64,
}

/// The knapsacks of some options in play. Items with one option are seated.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Costs of the seated, less what priced rows give back.
    pub(super) base: i64,
    /// Room that the seated leave, by row.
    pub(super) room: Vec<i64>,
    pub(super) objects: Vec<Vec<Object>>,
    /// Objects without a knapsack.
    pub(super) free: Vec<Object>,
    /// Items with more than one option.
    pub(super) loose: Vec<u32>,
}

impl Form {
    /// `None` if an option uses rows of two knapsacks.
    pub(super) fn new(core: &Core, prices: &Prices) -> Option<Self> {
        let is_kept = kept(core);
        let mut form = Form {
            place: Vec::with_capacity(core.options()),
            cost: Vec::with_capacity(core.options()),
            priced_room: 0,
            is_whole: is_kept.iter().all(|is_kept| *is_kept),
        };
        // Rounded so that the bound can only lose.
        let down = |price: i64| match prices.shift.checked_sub(SHIFT) {
            Some(places) => price >> places,
            None => price << (SHIFT - prices.shift),
        };
        for option in 0..core.options() {
            let (mut place, mut priced) = ((FREE, 0), 0);
            for used in core.uses(option) {
                if !is_kept[used.row as usize] {
                    priced += prices.per_unit[used.row as usize] * used.amount;
                } else if place.0 == FREE {
                    place = (used.row, u32::try_from(used.amount).ok()?);
                } else {
                    return None;
                }
            }
            form.place.push(place);
            form.cost.push((core.cost(option) << SHIFT) + down(priced));
        }
        let rows = core.capacity().iter().zip(&prices.per_unit).zip(&is_kept);
        let given = rows.filter(|(_, is_kept)| !**is_kept);
        let given: i64 = given.map(|((&room, &price), _)| room * price).sum();
        form.priced_room = down(-given);
        Some(form)
    }

    /// The knapsacks of the options in play; `None` if there is no plan among them.
    pub(super) fn rows(&self, core: &Core, active: &Active) -> Option<Rows> {
        let mut rows = Rows {
            base: self.priced_room,
            room: core.capacity().to_vec(),
            objects: vec![Vec::new(); core.capacity().len()],
            ..Rows::default()
        };
        for item in 0..core.items() {
            match *active.of(item) {
                [] => return None,
                [option] => {
                    rows.base += self.cost[option as usize];
                    let (row, weight) = self.place[option as usize];
                    if row != FREE {
                        rows.room[row as usize] -= i64::from(weight);
                    }
                }
                ref options => {
                    rows.loose.push(item as u32);
                    for &option in options {
                        let (row, weight) = self.place[option as usize];
                        let object = Object {
                            item: item as u32,
                            option,
                            weight: weight as usize,
                            cost: self.cost[option as usize],
                        };
                        match rows.objects.get_mut(row as usize) {
                            Some(objects) => objects.push(object),
                            None => rows.free.push(object),
                        }
                    }
                }
            }
        }
        // Of the others nothing is taken off.
        rows.room.iter().all(|&room| room >= 0).then_some(rows)
    }
}

impl Rows {
    /// Cells of the programme for one look at every knapsack, at most.
    pub(super) fn cells(&self) -> i64 {
        let rows = self.room.iter().zip(&self.objects);
        let cells = rows.map(|(&room, row)| room.max(0).saturating_mul(row.len() as i64));
        cells.fold(0, i64::saturating_add)
    }
}

/// The rows that become knapsacks: of each train the one of the least capacity, whose programme is the shortest.
fn kept(core: &Core) -> Vec<bool> {
    let mut least: Vec<Option<usize>> = vec![None; core.trains()];
    for (row, &train) in core.train_of_rows().iter().enumerate() {
        let least = &mut least[train as usize];
        if least.is_none_or(|least| core.capacity()[row] < core.capacity()[least]) {
            *least = Some(row);
        }
    }
    let mut kept = vec![false; core.capacity().len()];
    least.iter().flatten().for_each(|&row| kept[row] = true);
    kept
}
