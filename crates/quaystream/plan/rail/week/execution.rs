//! Trains leave with who is there; who was promised a place and is not there has missed it.

use domain::rail::TrainSlot;
use domain::rail::cost;
use domain::rail::rules::Path;

use super::{TICK_H, Week};

/// A place is promised by what was published so long before the train closes. Later re-plans may mend what they can, but
/// the promise is broken.
pub(super) const PROMISE_H: i64 = 12;

impl Week {
    /// Trains whose lists have closed since the last look leave with who is there.
    pub(super) fn execute(&mut self) {
        for train in 0..self.world.trains.len() {
            if self.executed[train] || self.world.trains[train].closing_at_min > self.now_min {
                continue;
            }
            self.executed[train] = true;
            let mut aboard = 0;
            for unit in 0..self.progress.len() {
                let goes = self.goes(unit, train);
                if goes {
                    self.progress[unit].gone += 1;
                    aboard += self.world.units[unit].teu_quarters;
                } else {
                    self.note_promise(unit, train);
                }
            }
            let slot = &self.world.trains[train];
            let first = self.world.units.first();
            if first.is_some_and(|unit| unit.origin == slot.origin) {
                self.result.teu_quarters += aboard;
                self.result.room_teu_quarters += slot.max_teu_quarters;
            }
        }
    }

    /// True if a unit is planned on the train and is there in time; who is planned and is not loses the rest of its plan.
    fn goes(&mut self, unit: usize, train: usize) -> bool {
        let progress = &self.progress[unit];
        let leg = progress.gone;
        if progress.plan.get(leg) != Some(&self.world.trains[train].id) {
            return false;
        }
        let is_there = self.is_there(unit, &progress.plan, leg);
        let is_no_show = self.fates[unit].is_no_show;
        let progress = &mut self.progress[unit];
        if leg == 0 && is_no_show {
            progress.is_lost = true;
        }
        if !is_there {
            progress.plan.truncate(leg);
        }
        is_there
    }

    /// True if a unit that has gone so far really stands ready for the leg of a path.
    fn is_there(&self, unit: usize, path: &[String], leg: usize) -> bool {
        let fate = &self.fates[unit];
        let legs: Vec<usize> = path
            .iter()
            .filter_map(|leg| self.place.get(leg).copied())
            .collect();
        let slots: Vec<&TrainSlot> = legs.iter().map(|&leg| &self.world.trains[leg]).collect();
        let path = Path {
            problem: &self.world,
            unit: &self.world.units[unit],
            held: &[],
            legs: &slots,
        };
        let there_at_min = match leg.checked_sub(1) {
            None if fate.is_no_show => return false,
            None => fate.ready_at_min,
            Some(before) => self.arrivals[legs[before]],
        };
        there_at_min <= cost::latest_at_min(&path, leg)
    }

    /// Counts a promise that the unit, or the train before, has broken; one that the planner itself took back is none.
    fn note_promise(&mut self, unit: usize, train: usize) {
        let Some(promised) = self
            .published
            .front()
            .and_then(|published| published.get(unit))
        else {
            return;
        };
        let id = &self.world.trains[train].id;
        let gone = &self.progress[unit];
        let Some(leg) = promised.iter().position(|leg| leg == id) else {
            return;
        };
        let has_come_so_far = gone.gone == leg && gone.plan.get(..leg) == promised.get(..leg);
        if !has_come_so_far || self.is_there(unit, promised, leg) {
            return;
        }
        let who = match (leg, self.fates[unit].is_no_show) {
            (0, true) => 2,
            (0, false) => 0,
            _ => 1,
        };
        self.result.missed[who] += 1;
    }

    /// Keeps what is published now.
    pub(super) fn publish(&mut self) {
        let plans = self.progress.iter().map(|progress| progress.plan.clone());
        self.published.push_back(plans.collect());
        while self.published.len() > (PROMISE_H / TICK_H) as usize {
            self.published.pop_front();
        }
    }
}
