//! The resources by slot, their prices, and sums of prices over rectangles of cells and slots.

use super::super::model::{Model, Relation, Spot};
use domain::berth::Layout as BerthLayout;

/// One side of what two calls demand of one another, a row with room for one.
///
/// "First before second": the first call uses every slot before it is done, the second every slot from its start on; they fit
/// if the first is done by then. Two calls of a barge in any order: each uses its slots and those of its travel to the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub row: u32,
    pub side: Side,
    /// The other call.
    pub mate: u32,
}

/// Which side of a pair, and what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Before the end and the travel.
    End,
    /// Before the start.
    Start,
    /// From the start on.
    Second,
    /// From the start to the end and the travel.
    Apart,
}

/// Which row of prices belongs to what. Rows are `slots` long; the prefix sums have one more row a berth and one more
/// column.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub first_min: i64,
    pub step_min: i64,
    pub slots: usize,
    /// Slots that an option left still touches; prices beyond are zero.
    pub active: usize,
    /// By berth: first row, and number of cells.
    pub berths: Vec<(u32, u32)>,
    /// By berth: first row of the prefix sums.
    prefix_rows: Vec<u32>,
    /// First row of the quays' cranes, then of the barges.
    pub crane_row: u32,
    pub barge_row: u32,
    pub rows: usize,
    /// How much of each row's resource there is.
    pub capacity: Vec<i64>,
    /// By call: the barge's row.
    pub barge_of: Vec<Option<u32>>,
    /// By call: the rows that it shares with one other call.
    pub pairs: Vec<Vec<Pair>>,
    /// Calls that claim no cells: both lie alongside and overlap, which is a fact.
    is_fact: Vec<bool>,
}

impl Layout {
    pub fn new(model: &Model<'_>) -> Self {
        let step_min = model.problem.time_step_min;
        let start_of = |call: &super::super::model::CallModel| {
            call.fixed_start_min.unwrap_or(call.release_min)
        };
        let first_min = model.calls.iter().map(start_of).min().unwrap_or(0);
        let first_min = first_min.div_euclid(step_min) * step_min;
        let slots = ((model.problem.horizon_end_min - first_min).max(0) / step_min) as usize + 1;
        let mut layout = Layout {
            first_min,
            step_min,
            slots,
            active: slots,
            berths: Vec::new(),
            prefix_rows: Vec::new(),
            crane_row: 0,
            barge_row: 0,
            rows: 0,
            capacity: Vec::new(),
            barge_of: vec![None; model.calls.len()],
            pairs: vec![Vec::new(); model.calls.len()],
            is_fact: facts(model),
        };
        let mut row = 0;
        for (number, berth) in model.problem.berths.iter().enumerate() {
            let cells = match berth.layout {
                BerthLayout::Discrete => 1,
                BerthLayout::ByMetre { step_m, .. } => {
                    ((berth.to_m - berth.from_m) / step_m.max(1)) as u32 + 1
                }
            };
            layout.berths.push((row, cells));
            layout.prefix_rows.push(row + number as u32);
            row += cells;
        }
        layout.capacity.resize(row as usize, 1);
        layout.crane_row = row;
        layout
            .capacity
            .extend(model.quay_cranes.iter().map(|cranes| cranes.len() as i64));
        layout.barge_row = layout.capacity.len() as u32;
        for rotation in model
            .problem
            .rotations
            .iter()
            .filter(|rotation| rotation.calls.len() > 1)
        {
            for call in &rotation.calls {
                layout.barge_of[*call] = Some(layout.capacity.len() as u32);
            }
            layout.capacity.push(1);
        }
        layout.add_pairs(model);
        layout.rows = layout.capacity.len();
        layout
    }

    fn add_pairs(&mut self, model: &Model<'_>) {
        for (first, compiled) in model.calls.iter().enumerate() {
            for (second, relation) in &compiled.couplings {
                let (mate, second) = (*second, *second as usize);
                let sides = match relation {
                    Relation::Before => (Side::End, Side::Second),
                    Relation::StartsBefore => (Side::Start, Side::Second),
                    // the row of the barge says as much where it has two calls
                    Relation::Apart if first < second && compiled.couplings.len() > 1 => {
                        (Side::Apart, Side::Apart)
                    }
                    _ => continue,
                };
                let row = self.capacity.len() as u32;
                self.capacity.push(1);
                for (call, side, mate) in [(first, sides.0, mate), (second, sides.1, first as u32)]
                {
                    self.pairs[call].push(Pair { row, side, mate });
                }
            }
        }
    }

    /// The slots that a stay uses in the row of a pair.
    pub fn pair_slots(&self, side: Side, from: u32, to: u32, travel_slots: u32) -> (usize, usize) {
        let clip = |slot: u32| (slot as usize).min(self.active);
        match side {
            Side::End => (0, clip(to + travel_slots)),
            Side::Start => (0, clip(from)),
            Side::Second => (clip(from), self.active),
            Side::Apart => (clip(from), clip(to + travel_slots)),
        }
    }

    /// What all there is costs at these prices, scaled.
    pub fn price_of_all(&self, lambda: &[i64]) -> i64 {
        let rows = lambda.chunks_exact(self.slots).zip(&self.capacity);
        rows.map(|(prices, capacity)| capacity * prices[..self.active].iter().sum::<i64>())
            .sum()
    }

    /// When a slot begins.
    pub fn minute(&self, slot: usize) -> i64 {
        self.first_min + slot as i64 * self.step_min
    }

    pub fn slot_up(&self, minute: i64) -> u32 {
        (minute - self.first_min + self.step_min - 1).div_euclid(self.step_min) as u32
    }

    pub fn slot_down(&self, minute: i64) -> u32 {
        (minute - self.first_min).div_euclid(self.step_min) as u32
    }

    /// Rows of the prefix sums between which a stay's cells lie.
    pub fn rows(&self, model: &Model<'_>, call: usize, spot: &Spot) -> (u32, u32) {
        let berth = &model.problem.berths[spot.berth as usize];
        let row = self.prefix_rows[spot.berth as usize];
        if self.is_fact[call] {
            return (row, row);
        }
        match berth.layout {
            BerthLayout::Discrete => (row, row + 1),
            BerthLayout::ByMetre { step_m, .. } => {
                let gap_m = clear_m(model, call, spot);
                let cells = i64::from(self.berths[spot.berth as usize].1);
                let (from_m, to_m) = (spot.from_m - berth.from_m, spot.to_m + gap_m - berth.from_m);
                let (from, to) = if from_m % step_m == 0 {
                    (from_m / step_m, (to_m + step_m - 1) / step_m)
                } else {
                    // off the grid: only the cells that lie wholly within
                    ((from_m + step_m - 1) / step_m, to_m / step_m)
                };
                let (from, to) = (from.clamp(0, cells), to.clamp(0, cells));
                (row + from as u32, row + to.max(from) as u32)
            }
        }
    }

    /// Slots that a barge cannot use after a stay, whatever it does next.
    pub fn travel_slots(&self, model: &Model<'_>, call: usize, spot: &Spot) -> u32 {
        let mates = model.calls[call].couplings.iter().filter(|(_, relation)| {
            matches!(
                relation,
                Relation::Apart | Relation::Before | Relation::After
            )
        });
        let travel = mates.map(|(mate, _)| self.travel_to_slots(model, *mate, spot));
        travel.min().unwrap_or(0)
    }

    /// Slots of the least travel from a spot to where another call may lie.
    pub fn travel_to_slots(&self, model: &Model<'_>, mate: u32, spot: &Spot) -> u32 {
        let from = model.problem.berths[spot.berth as usize].terminal;
        let travel = model.calls[mate as usize].spots.iter().map(|spot| {
            let to = model.problem.berths[spot.berth as usize].terminal;
            model.problem.travel_between_min(from, to)
        });
        (travel.min().unwrap_or(0) / self.step_min) as u32
    }
}

/// Metres above a stay that nobody else on its berth can use: the gap, or the distance that its cones demand of every
/// neighbour. The distance below it is the neighbour's to keep, if that has cones too, or is not in the bound.
fn clear_m(model: &Model<'_>, call: usize, spot: &Spot) -> i64 {
    let gap_m = spot.gap_m.unwrap_or(i64::MAX / 4);
    let cones = usize::from(model.problem.calls[call].cones).min(3);
    let distances_m = &model.problem.cone_distance_m[cones..];
    // the neighbour may have more cones, and the table need not ascend
    let least_m = distances_m.iter().min().copied().unwrap_or(0);
    match cones {
        0 => gap_m,
        _ => gap_m.max(least_m),
    }
}

/// Calls alongside that overlap another call alongside.
fn facts(model: &Model<'_>) -> Vec<bool> {
    let place = |call: usize| {
        let compiled = &model.calls[call];
        compiled
            .spots
            .first()
            .filter(|_| compiled.is_alongside)
            .cloned()
    };
    let mut is_fact = vec![false; model.calls.len()];
    for a in 0..model.calls.len() {
        let Some(spot_a) = place(a) else { continue };
        for b in a + 1..model.calls.len() {
            let Some(spot_b) = place(b) else { continue };
            let overlap = spot_a.from_m < spot_b.to_m + clear_m(model, b, &spot_b)
                && spot_b.from_m < spot_a.to_m + clear_m(model, a, &spot_a);
            if spot_a.berth == spot_b.berth && overlap {
                (is_fact[a], is_fact[b]) = (true, true);
            }
        }
    }
    is_fact
}

/// Sums of prices from the first cell and slot.
#[derive(Debug, Clone)]
pub(super) struct Prefix {
    columns: usize,
    /// Berth rows: cells below, slots before.
    berths: Vec<i64>,
    /// Crane and barge rows: slots before.
    others: Vec<i64>,
    first_other: u32,
}

impl Prefix {
    pub fn new(layout: &Layout) -> Self {
        let columns = layout.slots + 1;
        let berth_rows = layout.crane_row as usize + layout.berths.len();
        Prefix {
            columns,
            berths: vec![0; berth_rows * columns],
            others: vec![0; (layout.rows - layout.crane_row as usize) * columns],
            first_other: layout.crane_row,
        }
    }

    /// Renews the sums.
    pub fn renew(&mut self, layout: &Layout, lambda: &[i64]) {
        for (number, (row, cells)) in layout.berths.iter().enumerate() {
            let first = *row as usize + number;
            for cell in 0..*cells as usize {
                let prices = &lambda[(*row as usize + cell) * layout.slots..][..layout.active];
                let (below, above) = self.berths[(first + cell) * self.columns..]
                    [..2 * self.columns]
                    .split_at_mut(self.columns);
                let mut sum = 0;
                for slot in 0..layout.active {
                    sum += prices[slot];
                    above[slot + 1] = below[slot + 1] + sum;
                }
            }
        }
        for row in layout.crane_row as usize..layout.rows {
            let prices = &lambda[row * layout.slots..][..layout.active];
            let sums = &mut self.others[(row - layout.crane_row as usize) * self.columns..]
                [..self.columns];
            let mut sum = 0;
            for slot in 0..layout.active {
                sum += prices[slot];
                sums[slot + 1] = sum;
            }
        }
    }

    /// Two rows of a berth: the price of the cells between, over the slots between `from` and `to`, is
    /// `(b[to] - a[to]) - (b[from] - a[from])`.
    pub fn pair(&self, row_from: u32, row_to: u32) -> (&[i64], &[i64]) {
        let row = |number: u32| &self.berths[number as usize * self.columns..][..self.columns];
        (row(row_from), row(row_to))
    }

    /// The sums of a crane or barge row.
    pub fn other(&self, row: u32) -> &[i64] {
        &self.others[(row - self.first_other) as usize * self.columns..][..self.columns]
    }
}
