//! One look at every knapsack: the bound at given prices of items.

use super::SHIFT;
use super::programme::{Gain, Programme};
use super::rows::Rows;

/// What looks at knapsacks, with its buffers.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Cells of the programme so far.
    pub(super) cells: u64,
    /// Rounds so far.
    pub(super) rounds: u64,
    pub(super) programme: Programme,
    pub(super) gains: Vec<Gain>,
    /// Which object of its row each gain is.
    pub(super) at: Vec<usize>,
    pub(super) is_taken: Vec<bool>,
    pub(super) whole: Vec<i64>,
    pub(super) lack: Vec<f64>,
    pub(super) otherwise: Vec<i32>,
    /// For each option: what the bound gains if its item goes by it, but for `given_up`.
    pub(super) penalty: Vec<i64>,
    /// For each item: what the bound gains if none of its objects is taken.
    pub(super) given_up: Vec<i64>,
}

impl Look {
    /// For a core of so many options.
    pub(super) fn new(options: usize) -> Self {
        Look {
            penalty: vec![0; options],
            ..Look::default()
        }
    }

    /// The bound at these prices, fixed point; `lack` becomes 1 less the times that each loose item is taken. `None` if
    /// the prices are too high to count with.
    pub(super) fn bound(&mut self, rows: &Rows, price: &[f64]) -> Option<i64> {
        let mut bound = self.begin(rows, price);
        for object in &rows.free {
            let dearer = object.cost - self.whole[object.item as usize];
            if dearer < 0 {
                bound += dearer;
                self.lack[object.item as usize] -= 1.0;
            }
        }
        for (row, objects) in rows.objects.iter().enumerate() {
            if objects.is_empty() {
                continue;
            }
            let room = self.fill(rows, row)?;
            bound -= i64::from(self.programme.best(room));
            let (at, lack) = (&self.at, &mut self.lack);
            self.programme.trace(&self.gains, |nth| {
                lack[objects[at[nth]].item as usize] -= 1.0;
            });
        }
        Some(bound)
    }

    /// Whole prices, nothing taken yet; the bound of that.
    pub(super) fn begin(&mut self, rows: &Rows, price: &[f64]) -> i64 {
        let scale = f64::from(1_u32 << SHIFT);
        self.whole.resize(price.len(), 0);
        self.lack.resize(price.len(), 0.0);
        let mut bound = rows.base;
        for &item in &rows.loose {
            let whole = (price[item as usize] * scale) as i64;
            self.whole[item as usize] = whole;
            self.lack[item as usize] = 1.0;
            bound += whole;
        }
        bound
    }

    /// The programme of one row; its capacity, or `None` if a sum of its profits might overflow.
    pub(super) fn fill(&mut self, rows: &Rows, row: usize) -> Option<usize> {
        let room = rows.room[row] as usize;
        self.gains.clear();
        self.at.clear();
        let mut sum = 0_i64;
        for (at, object) in rows.objects[row].iter().enumerate() {
            let profit = self.whole[object.item as usize] - object.cost;
            if profit > 0 && object.weight <= room {
                sum = sum.saturating_add(profit);
                self.at.push(at);
                self.gains.push(Gain {
                    weight: object.weight,
                    profit: i32::try_from(profit).ok()?,
                });
            }
        }
        i32::try_from(sum).ok()?;
        self.cells += self.programme.fill(room, &self.gains);
        Some(room)
    }
}
