//! What will happen in a week, and what of it can be known when.

use std::collections::VecDeque;

use domain::rail::{Milestone, RailProblem, TrainSlot, Unit};
use optimise::rail::generate::{Shape, problem};
use optimise::random::Random;

use super::{Outcome, Progress, Week};

pub(super) const HOUR: i64 = 60;
pub(super) const UNITS: usize = 700;
pub(super) const TRAINS: usize = 36;
pub(super) const NO_SHOW_PERCENT: usize = 6;
pub(super) const LATE_PERCENT: usize = 12;
const FILL_PERCENT: i64 = 95;
const LATENESS_PER_HOUR: i64 = 4;
const DWELL_PER_TEU_HOUR: i64 = 4;
const ROLL_OVER_FACTOR: i64 = 3;
/// A long delay shows so long before the unit was due.
const DELAY_SHOWS_H: i64 = 6;
/// What should be there and is not is expected so much later.
const OVERDUE_H: i64 = 2;

/// What will happen to a unit, unknown to the planner until it shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    pub(super) announced_at_min: i64,
    /// A long delay; it shows some hours before.
    pub(super) delay_min: i64,
    /// When it really stands ready.
    pub(super) ready_at_min: i64,
    pub(super) is_no_show: bool,
}

/// A normal variate around 0: twelve uniform ones.
fn normal(random: &mut Random, spread_min: i64) -> i64 {
    let sum: f64 = (0..12).map(|_| random.unit()).sum();
    ((sum - 6.0) * spread_min as f64) as i64
}

impl Week {
    /// A week by its seed.
    pub(super) fn new(seed: u64) -> Self {
        let shape = Shape {
            units: UNITS,
            trains: TRAINS,
            fill_percent: FILL_PERCENT,
        };
        let mut world = problem(shape, seed);
        let mut random = Random::new(seed ^ 0x5eed);
        let start = world.now_at_min;
        // Left behind for good is dearer than late.
        world.weights.lateness_per_hour = LATENESS_PER_HOUR;
        // An early train left half empty is lost to those who come later.
        world.weights.dwell_per_teu_hour = DWELL_PER_TEU_HOUR;
        for slot in &mut world.trains {
            // The generator's three days become a week.
            let later = slot.departure_at_min - start;
            slot.departure_at_min += later;
            slot.arrival_at_min += later;
            slot.closing_at_min += later;
            slot.status = Default::default();
            slot.cut_offs
                .iter_mut()
                .for_each(|cut_off| cut_off.at_min += later);
        }
        let mut fates = Vec::new();
        for unit in &mut world.units {
            unit.previous.clear();
            unit.roll_over_price *= ROLL_OVER_FACTOR;
            unit.lock = Default::default();
            let announced_at_min = start + random.below(100) as i64 * HOUR;
            let late = announced_at_min - start;
            unit.ready_at_min = announced_at_min + (6 + random.below(36) as i64) * HOUR;
            unit.due_at_min = unit.due_at_min.map(|due| due + late);
            unit.customs = Default::default();
            for milestone in [&mut unit.vgm, &mut unit.documents, &mut unit.declaration] {
                *milestone = domain::rail::Milestone::At(unit.ready_at_min - 4 * HOUR);
            }
            let is_late = random.below(100) < LATE_PERCENT;
            let delay_min = if is_late {
                (12 + random.below(24) as i64) * HOUR
            } else {
                0
            };
            let error_min = normal(&mut random, unit.ready_spread_min);
            fates.push(Fate {
                announced_at_min,
                delay_min,
                ready_at_min: unit.ready_at_min + delay_min + error_min,
                is_no_show: random.below(100) < NO_SHOW_PERCENT,
            });
        }
        let arrive =
            |slot: &TrainSlot| slot.arrival_at_min + normal(&mut random, slot.arrival_spread_min);
        Week {
            arrivals: world.trains.iter().map(arrive).collect(),
            place: (world.trains.iter().enumerate())
                .map(|(at, slot)| (slot.id.clone(), at))
                .collect(),
            published: VecDeque::new(),
            progress: vec![Progress::default(); world.units.len()],
            executed: vec![false; world.trains.len()],
            now_min: start,
            world,
            fates,
            result: Outcome::default(),
        }
    }

    /// What a planner can know now, and which units that are.
    pub(super) fn view(&self) -> (RailProblem, Vec<usize>) {
        let now = self.now_min;
        let mut view = RailProblem {
            now_at_min: now,
            units: Vec::new(),
            ..self.world.clone()
        };
        for (slot, &arrival) in view.trains.iter_mut().zip(&self.arrivals) {
            if arrival <= now {
                (slot.arrival_at_min, slot.arrival_spread_min) = (arrival, 0);
            } else if slot.arrival_at_min <= now {
                slot.arrival_at_min = now + OVERDUE_H * HOUR;
            }
        }
        let mut known = Vec::new();
        for (nth, unit) in self.world.units.iter().enumerate() {
            let (fate, progress) = (self.fates[nth], &self.progress[nth]);
            let is_there = progress.gone > 0
                && progress.gone == progress.plan.len()
                && self.arrives(unit, progress);
            if fate.announced_at_min > now || progress.is_lost || is_there {
                continue;
            }
            let mut unit = unit.clone();
            let forecast = unit.ready_at_min;
            if forecast - DELAY_SHOWS_H * HOUR <= now && !fate.is_no_show {
                unit.ready_at_min += fate.delay_min;
            }
            if fate.ready_at_min <= now && !fate.is_no_show {
                (unit.ready_at_min, unit.ready_spread_min) = (fate.ready_at_min, 0);
            } else if unit.ready_at_min <= now {
                unit.ready_at_min = now + OVERDUE_H * HOUR;
            }
            let later = unit.ready_at_min - forecast;
            shift_milestones(&mut unit, later);
            unit.previous.clone_from(&progress.plan);
            view.units.push(unit);
            known.push(nth);
        }
        (view, known)
    }

    /// The week as it really comes, for who could know it: when units stand ready, when trains arrive.
    pub(super) fn truth(&self) -> RailProblem {
        let mut world = self.world.clone();
        for (slot, &arrival) in world.trains.iter_mut().zip(&self.arrivals) {
            (slot.arrival_at_min, slot.arrival_spread_min) = (arrival, 0);
        }
        for (unit, fate) in world.units.iter_mut().zip(&self.fates) {
            // Papers go by the forecast where that was earlier: nobody who went by it can have broken a cut-off here.
            shift_milestones(unit, (fate.ready_at_min - unit.ready_at_min).min(0));
            (unit.ready_at_min, unit.ready_spread_min) = (fate.ready_at_min, 0);
        }
        world
    }
}

fn shift_milestones(unit: &mut Unit, later_min: i64) {
    for milestone in [&mut unit.vgm, &mut unit.documents, &mut unit.declaration] {
        if let Milestone::At(at) = milestone {
            *at += later_min;
        }
    }
}
