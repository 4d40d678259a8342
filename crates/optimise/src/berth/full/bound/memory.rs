//! The prices of one solve by name, and how the next one finds them again: rows by what they belong to, time by the hour, and
//! the hours shifted as the starts of the last plan have been since.

use super::super::model::Model;
use super::ascent::{Bound, SCALE_BITS};
use super::prices::{Layout, Side};
use domain::berth::{BerthPlan, BerthProblem};

/// Prices are kept as means over so many minutes.
const BLOCK_MIN: i64 = 60;

impl Bound {
    /// The best prices, and the starts of the plan that tell the next solve by how much its clock is shifted.
    pub fn remember(&self, model: &Model<'_>, plan: &BerthPlan) -> Vec<(String, i64)> {
        let calls = &model.problem.calls;
        let stays = plan.stays.iter();
        let mut prices: Vec<(String, i64)> = stays
            .map(|stay| (start_name(&calls[stay.call].id), stay.start_min))
            .collect();
        if prices.is_empty() || self.is_too_large() {
            return Vec::new();
        }
        for (row, name) in row_names(model, &self.layout).iter().enumerate() {
            let lambda = &self.best_lambda[row * self.layout.slots..][..self.layout.active];
            let mut slot = 0;
            while slot < lambda.len() {
                let block = block(self.layout.minute(slot));
                let slots = lambda[slot..].iter().enumerate();
                let until = slots
                    .take_while(|(n, _)| self::block(self.layout.minute(slot + n)) == block)
                    .count();
                let sum: i64 = lambda[slot..slot + until].iter().sum();
                // less than a cost unit is not worth the room
                if sum >> SCALE_BITS > 0 {
                    prices.push((price_name(name, block), sum / until as i64));
                }
                slot += until;
            }
        }
        prices.sort_unstable();
        prices
    }

    /// Begins at remembered prices, ascending by name, if `plan` shows when they were. False if it does not.
    pub fn recall(
        &mut self,
        model: &Model<'_>,
        prices: &[(String, i64)],
        plan: &BerthPlan,
    ) -> bool {
        let Some(shift_min) = shift_min(model.problem, prices, plan) else {
            return false;
        };
        if self.is_too_large() {
            return false;
        }
        for (row, name) in row_names(model, &self.layout).iter().enumerate() {
            let mut found: Option<(i64, i64)> = None;
            for slot in 0..self.layout.active {
                let block = block(self.layout.minute(slot) - shift_min);
                let price = match found {
                    Some((of, price)) if of == block => price,
                    _ => of_name(prices, &price_name(name, block)).unwrap_or(0),
                };
                found = Some((block, price));
                self.lambda[row * self.layout.slots + slot] = price.clamp(0, self.price_max);
            }
        }
        true
    }
}

fn block(minute: i64) -> i64 {
    minute.div_euclid(BLOCK_MIN)
}

fn start_name(call: &str) -> String {
    format!("start {call}")
}

fn price_name(row: &str, block: i64) -> String {
    format!("{row} @{block}")
}

fn of_name(prices: &[(String, i64)], name: &str) -> Option<i64> {
    let found = prices.binary_search_by(|(other, _)| other.as_str().cmp(name));
    found.ok().map(|at| prices[at].1)
}

/// By how much most stays begin later on the new clock than on the old one: they were not planned anew in between.
fn shift_min(problem: &BerthProblem, prices: &[(String, i64)], plan: &BerthPlan) -> Option<i64> {
    let stays = plan
        .stays
        .iter()
        .filter(|stay| stay.call < problem.calls.len());
    let shifts = stays.filter_map(|stay| {
        let old_min = of_name(prices, &start_name(&problem.calls[stay.call].id))?;
        Some(stay.start_min - old_min)
    });
    let mut shifts: Vec<i64> = shifts.collect();
    shifts.sort_unstable();
    let runs = shifts.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| run.len()).map(|run| run[0])
}

/// What each row of prices belongs to.
fn row_names(model: &Model<'_>, layout: &Layout) -> Vec<String> {
    let problem = model.problem;
    let mut names = Vec::with_capacity(layout.rows);
    for (berth, (_, cells)) in problem.berths.iter().zip(&layout.berths) {
        names.extend((0..*cells).map(|cell| format!("cell {} {cell}", berth.id)));
    }
    let quays = 0..model.quay_cranes.len();
    names.extend(quays.map(|quay| {
        let mut berths = problem.berths.iter().zip(&model.berth_quay);
        let first = berths.find(|(_, of)| **of as usize == quay);
        format!("cranes {}", first.map_or("", |(berth, _)| &berth.id))
    }));
    let barges = problem.rotations.iter();
    let barges = barges.filter(|rotation| rotation.calls.len() > 1);
    names.extend(barges.map(|rotation| format!("barge {}", rotation.barge)));
    names.resize(layout.rows, String::new());
    for (call, pairs) in layout.pairs.iter().enumerate() {
        for pair in pairs {
            let (id, mate) = (
                &problem.calls[call].id,
                &problem.calls[pair.mate as usize].id,
            );
            match pair.side {
                Side::Second => {}
                Side::Apart if pair.mate < call as u32 => {}
                Side::Apart => names[pair.row as usize] = format!("apart {id} {mate}"),
                Side::End => names[pair.row as usize] = format!("before {id} {mate}"),
                Side::Start => names[pair.row as usize] = format!("order {id} {mate}"),
            }
        }
    }
    names
}
