//! `--week SEEDS`: a simulated week, planned every four hours from what is known by then, executed as it really comes
//! (late units, units that never come), against first come first served on the same week.

use std::collections::BTreeMap;

use domain::rail::{Assigned, RailPlan, RailProblem, Unit};
use optimise::budget::Budget;
use optimise::rail::full::build::{Built, build};
use optimise::rail::generate::{Shape, problem};
use optimise::rail::{Warm, re_plan};
use optimise::random::Random;

use super::error::RailError;
use crate::plan::limit::LimitArgs;
use crate::plan::table::Table;

const UNITS: usize = 700;
const TRAINS: usize = 36;
const FILL_PERCENT: i64 = 95;
const HOUR: i64 = 60;
const TICK_H: i64 = 4;
const WEEK_H: i64 = 168;
/// Moves of each re-plan, unless the command line says otherwise.
const MOVES: u64 = 40_000;
const LATENESS_PER_HOUR: i64 = 4;
const DWELL_PER_TEU_HOUR: i64 = 4;
const ROLL_OVER_FACTOR: i64 = 3;
const NO_SHOW_PERCENT: usize = 6;
const LATE_PERCENT: usize = 12;

/// What will happen to a unit, unknown to the planner until it shows.
#[derive(Debug, Clone, Copy)]
struct Fate {
    announced_at_min: i64,
    ready_at_min: i64,
    is_no_show: bool,
}

/// How a week went.
#[derive(Debug, Default)]
struct Outcome {
    teu_quarters: i64,
    room_teu_quarters: i64,
    due: u64,
    on_time: u64,
    cost: i64,
    free: u64,
    changed: u64,
    missed: u64,
    rolled_over: u64,
}

/// A unit's progress.
#[derive(Debug, Clone, Default)]
struct Progress {
    plan: Vec<String>,
    /// Legs that have left with it.
    gone: usize,
    is_lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Planner,
    FirstCome,
}

struct Week {
    world: RailProblem,
    fates: Vec<Fate>,
    progress: Vec<Progress>,
    executed: Vec<bool>,
    now_min: i64,
    result: Outcome,
}

/// Runs `seeds` weeks under both policies.
pub fn run(seeds: u64, limit: &LimitArgs) -> Result<String, RailError> {
    let mut table = Table::new(&[
        "seed",
        "policy",
        "slot fill %",
        "on time %",
        "cost",
        "changed a re-plan %",
        "missed",
        "stay",
    ]);
    let (mut costs, mut times) = ([0_i64; 2], [[0_u64; 2]; 2]);
    for seed in 0..seeds {
        for (nth, policy) in [Policy::Planner, Policy::FirstCome].into_iter().enumerate() {
            let result = Week::new(seed).simulate(policy, limit);
            costs[nth] += result.cost;
            times[nth][0] += result.on_time;
            times[nth][1] += result.due;
            table.row([
                seed.to_string(),
                if policy == Policy::Planner {
                    "planner"
                } else {
                    "first come"
                }
                .to_owned(),
                share(result.teu_quarters as u64, result.room_teu_quarters as u64),
                share(result.on_time, result.due),
                result.cost.to_string(),
                share(result.changed, result.free),
                result.missed.to_string(),
                result.rolled_over.to_string(),
            ]);
        }
    }
    let less = 100.0 * (costs[1] - costs[0]) as f64 / costs[1].max(1) as f64;
    Ok(format!(
        "{UNITS} units, {TRAINS} trains, a re-plan every {TICK_H} h; {LATE_PERCENT} % late, {NO_SHOW_PERCENT} % never come\n{}\
         on time: planner {} %, first come first served {} %; the planner's week costs {less:.1} % less\n",
        table.render(),
        share(times[0][0], times[0][1]),
        share(times[1][0], times[1][1]),
    ))
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.1}", 100.0 * part as f64 / whole.max(1) as f64)
}

impl Week {
    fn new(seed: u64) -> Self {
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
            let delay = if is_late {
                (12 + random.below(24) as i64) * HOUR
            } else {
                0
            };
            fates.push(Fate {
                announced_at_min,
                ready_at_min: unit.ready_at_min + delay,
                is_no_show: random.below(100) < NO_SHOW_PERCENT,
            });
        }
        Week {
            progress: vec![Progress::default(); world.units.len()],
            executed: vec![false; world.trains.len()],
            now_min: start,
            world,
            fates,
            result: Outcome::default(),
        }
    }

    fn simulate(mut self, policy: Policy, limit: &LimitArgs) -> Outcome {
        let start = self.now_min;
        let mut warm: Option<Warm> = None;
        for tick in 0..=WEEK_H * 2 / TICK_H {
            self.now_min = start + tick * TICK_H * HOUR;
            self.execute();
            let (view, known) = self.view();
            if view.units.is_empty() {
                continue;
            }
            let plan = match policy {
                Policy::FirstCome => first_come(&view, &build(&view)),
                Policy::Planner => {
                    let budget = Budget::iterations(limit.iterations.unwrap_or(MOVES));
                    let (answer, next) = re_plan(&view, warm.as_ref(), limit.seed, &budget);
                    warm = Some(next);
                    answer.plan
                }
            };
            self.take_over(&plan, &known);
        }
        self.finish()
    }

    /// Trains whose lists have closed since the last look leave with who is there.
    fn execute(&mut self) {
        for train in 0..self.world.trains.len() {
            let slot = &self.world.trains[train];
            if self.executed[train] || slot.closing_at_min > self.now_min {
                continue;
            }
            self.executed[train] = true;
            let home = self
                .world
                .units
                .first()
                .is_some_and(|unit| unit.origin == slot.origin);
            let mut aboard = 0;
            for (unit, progress) in self.progress.iter_mut().enumerate() {
                if progress.plan.get(progress.gone) != Some(&slot.id) {
                    continue;
                }
                let fate = self.fates[unit];
                if progress.gone == 0
                    && (fate.is_no_show || fate.ready_at_min > slot.closing_at_min)
                {
                    self.result.missed += 1;
                    progress.plan.clear();
                    progress.is_lost = fate.is_no_show;
                    continue;
                }
                progress.gone += 1;
                aboard += self.world.units[unit].teu_quarters;
            }
            if home {
                self.result.teu_quarters += aboard;
                self.result.room_teu_quarters += slot.max_teu_quarters;
            }
        }
    }

    /// What a planner can know now, and which units that are.
    fn view(&self) -> (RailProblem, Vec<usize>) {
        let mut view = RailProblem {
            now_at_min: self.now_min,
            units: Vec::new(),
            ..self.world.clone()
        };
        let mut known = Vec::new();
        for (nth, unit) in self.world.units.iter().enumerate() {
            let (fate, progress) = (self.fates[nth], &self.progress[nth]);
            let is_there = progress.gone > 0
                && progress.gone == progress.plan.len()
                && self.arrives(unit, progress);
            if fate.announced_at_min > self.now_min || progress.is_lost || is_there {
                continue;
            }
            let mut unit = unit.clone();
            // A delay shows six hours before the unit was due.
            if unit.ready_at_min - 6 * HOUR <= self.now_min && !fate.is_no_show {
                let late = fate.ready_at_min - unit.ready_at_min;
                unit.ready_at_min = fate.ready_at_min;
                for milestone in [&mut unit.vgm, &mut unit.documents, &mut unit.declaration] {
                    if let domain::rail::Milestone::At(at) = milestone {
                        *at += late;
                    }
                }
            }
            unit.previous.clone_from(&progress.plan);
            view.units.push(unit);
            known.push(nth);
        }
        (view, known)
    }

    fn arrives(&self, unit: &Unit, progress: &Progress) -> bool {
        let last = progress.plan.last();
        self.world
            .trains
            .iter()
            .any(|slot| Some(&slot.id) == last && slot.serves(&unit.destination))
    }

    fn take_over(&mut self, plan: &RailPlan, known: &[usize]) {
        let goes: BTreeMap<&str, &Assigned> = plan
            .assignments
            .iter()
            .map(|assigned| (assigned.unit.as_str(), assigned))
            .collect();
        for &unit in known {
            let legs = goes
                .get(self.world.units[unit].id.as_str())
                .map_or(&[][..], |assigned| &assigned.legs);
            let progress = &mut self.progress[unit];
            if !progress.plan.is_empty() && progress.gone < progress.plan.len() {
                self.result.free += 1;
                self.result.changed += u64::from(progress.plan != legs);
            }
            progress.plan = legs.to_vec();
        }
    }

    fn finish(mut self) -> Outcome {
        let weights = &self.world.weights;
        for (nth, unit) in self.world.units.iter().enumerate() {
            let progress = &self.progress[nth];
            if self.fates[nth].is_no_show {
                continue;
            }
            self.result.due += u64::from(unit.due_at_min.is_some());
            let gone = progress.gone > 0 && progress.gone == progress.plan.len();
            if !gone || !self.arrives(unit, progress) {
                self.result.rolled_over += 1;
                self.result.cost +=
                    unit.roll_over_price + unit.priority * weights.priority_roll_over;
                continue;
            }
            let legs: Vec<_> = progress
                .plan
                .iter()
                .filter_map(|leg| self.world.trains.iter().find(|slot| slot.id == *leg))
                .collect();
            let path = domain::rail::rules::Path {
                problem: &self.world,
                unit,
                held: &[],
                legs: &legs,
            };
            self.result.cost += domain::rail::cost::of_path(&path).without_change();
            let arrival = legs.last().map_or(i64::MAX, |slot| slot.arrival_at_min);
            self.result.on_time += u64::from(unit.due_at_min.is_some_and(|due| arrival <= due));
        }
        self.result
    }
}

/// Keeps what was planned where it can stay; everyone else takes the path that arrives first and has room, in order of
/// announcement.
fn first_come(view: &RailProblem, built: &Built) -> RailPlan {
    let core = &built.core;
    let mut room = core.capacity().to_vec();
    let mut choice = vec![0; built.items.len()];
    let mut open = Vec::new();
    let take = |option: usize, room: &mut Vec<i64>| {
        core.uses(option)
            .iter()
            .for_each(|used| room[used.row as usize] -= used.amount);
        option as u32
    };
    for (at, item) in built.items.iter().enumerate() {
        let unit = &view.units[item.units[0]];
        let is_previous = |path: &Vec<u32>| {
            path.len() == unit.previous.len()
                && path
                    .iter()
                    .zip(&unit.previous)
                    .all(|(&slot, id)| view.trains[slot as usize].id == *id)
        };
        let first = core.options_of(at).start;
        choice[at] = first as u32;
        match item.options.iter().position(is_previous) {
            Some(option) if option > 0 && core.fits(&room, first + option) => {
                choice[at] = take(first + option, &mut room);
            }
            _ => open.push(at),
        }
    }
    for at in open {
        let first = core.options_of(at).start;
        let mut paths: Vec<usize> = (1..built.items[at].options.len()).collect();
        let arrival = |&option: &usize| {
            let last = built.items[at].options[option].last();
            last.map_or(i64::MAX, |&slot| view.trains[slot as usize].arrival_at_min)
        };
        paths.sort_by_key(arrival);
        if let Some(option) = paths
            .into_iter()
            .find(|&option| core.fits(&room, first + option))
        {
            choice[at] = take(first + option, &mut room);
        }
    }
    optimise::rail::full::read_back::plan(view, built, &choice)
}
