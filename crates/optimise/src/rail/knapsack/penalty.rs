//! What the bound gains if an item must go by an option, and which options no better plan can use for it.

use super::look::Look;
use super::rows::Rows;
use super::threshold;
use crate::rail::active::Active;

/// Takes out of play the options through which no plan costs less than `value`. The bound at these prices, with what the
/// item that is hardest to place adds to it; `None` if there is no better plan.
pub(super) fn eliminate(
    look: &mut Look,
    rows: &Rows,
    price: &[f64],
    active: &mut Active,
    value: i64,
) -> Option<i64> {
    let known = look.penalise(rows, price).unwrap_or(i64::MIN / 2);
    let mut raised = known;
    for &item in &rows.loose {
        let options = active.of(item as usize).iter();
        let least = options
            .map(|&option| look.gained(item as usize, option))
            .min();
        raised = raised.max(known + least.unwrap_or(0));
    }
    if raised > threshold(value) {
        return None;
    }
    let allowed = threshold(value) - known;
    active.retain(|item, option| look.gained(item, option) <= allowed);
    Some(raised)
}

impl Look {
    /// What the bound gains at least if `item` goes by `option`.
    pub(super) fn gained(&self, item: usize, option: u32) -> i64 {
        self.penalty[option as usize] + self.given_up[item]
    }

    /// The bound at these prices, with `penalty` and `given_up`; those of seated items are 0.
    fn penalise(&mut self, rows: &Rows, price: &[f64]) -> Option<i64> {
        let mut bound = self.begin(rows, price);
        self.penalty.fill(0);
        self.given_up.clear();
        self.given_up.resize(price.len(), 0);
        for object in &rows.free {
            let (item, option) = (object.item as usize, object.option as usize);
            let dearer = object.cost - self.whole[item];
            self.penalty[option] = dearer;
            if dearer < 0 {
                bound += dearer;
                self.given_up[item] -= dearer;
            }
        }
        for (row, objects) in rows.objects.iter().enumerate() {
            if objects.is_empty() {
                continue;
            }
            let room = self.fill(rows, row)?;
            let best = i64::from(self.programme.best(room));
            bound -= best;
            self.weigh(rows, row, room, best);
        }
        Some(bound)
    }

    /// The penalties of one row, whose programme has just been filled.
    fn weigh(&mut self, rows: &Rows, row: usize, room: usize, best: i64) {
        let objects = &rows.objects[row];
        for object in objects {
            // What is not worth taking takes room from the rest.
            let profit = self.whole[object.item as usize] - object.cost;
            self.penalty[object.option as usize] = match room.checked_sub(object.weight) {
                Some(left) => best - i64::from(self.programme.best(left)) - profit,
                None => i64::MAX / 4,
            };
        }
        let is_taken = &mut self.is_taken;
        is_taken.clear();
        is_taken.resize(self.gains.len(), false);
        self.programme
            .trace(&self.gains, |nth| is_taken[nth] = true);
        self.programme
            .otherwise(&self.gains, &self.is_taken, &mut self.otherwise);
        self.cells += 2 * (self.gains.len() * (room + 1)) as u64;
        for (nth, &at) in self.at.iter().enumerate() {
            let object = &objects[at];
            let loss = best - i64::from(self.otherwise[nth]);
            if self.is_taken[nth] {
                self.given_up[object.item as usize] += loss;
                self.penalty[object.option as usize] = -loss;
            } else {
                self.penalty[object.option as usize] = loss;
            }
        }
    }
}
