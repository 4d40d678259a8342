//! `--week SEEDS`: a simulated week, planned every four hours from what is known by then, executed as it really comes
//! (late units, units that never come), against first come first served on the same week.

mod clairvoyant;
mod execution;
mod first_come;
mod world;

use std::collections::{BTreeMap, VecDeque};

use domain::rail::rules::Path;
use domain::rail::{Assigned, RailPlan, RailProblem, Unit, cost};
use optimise::budget::Budget;
use optimise::rail::full::build::build;
use optimise::rail::{Warm, re_plan};

use super::error::RailError;
use crate::plan::limit::LimitArgs;
use crate::plan::table::Table;
use execution::PROMISE_H;
use first_come::first_come;
use world::{Fate, HOUR, LATE_PERCENT, NO_SHOW_PERCENT, TRAINS, UNITS};

const TICK_H: i64 = 4;
const WEEK_H: i64 = 168;
/// Moves of each re-plan, unless the command line says otherwise.
const MOVES: u64 = 40_000;

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
    /// Promises broken by units that came too late, by trains that did, and by units that never came.
    missed: [u64; 3],
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
    /// The planner without a price for a miss.
    Unprotected,
    FirstCome,
}

impl Policy {
    const ALL: [(Policy, &str); 3] = [
        (Policy::Planner, "planner"),
        (Policy::Unprotected, "misses free"),
        (Policy::FirstCome, "first come"),
    ];
}

struct Week {
    world: RailProblem,
    fates: Vec<Fate>,
    /// When each train really arrives.
    arrivals: Vec<i64>,
    /// What was published, by unit, at the last looks, the oldest first.
    published: VecDeque<Vec<Vec<String>>>,
    /// The position of each train.
    place: BTreeMap<String, usize>,
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
        "came late",
        "train late",
        "never came",
        "stay",
    ]);
    let mut costs = [0_i64; 3];
    let (mut on_time, mut missed) = ([0_u64; 3], [0_u64; 3]);
    let (mut due, mut at_best) = (0, 0);
    for seed in 0..seeds {
        for (nth, (policy, name)) in Policy::ALL.into_iter().enumerate() {
            let result = Week::new(seed).simulate(policy, limit);
            costs[nth] += result.cost;
            on_time[nth] += result.on_time;
            missed[nth] += result.missed[..2].iter().sum::<u64>();
            due += if nth == 0 { result.due } else { 0 };
            table.row([
                seed.to_string(),
                name.to_owned(),
                share(result.teu_quarters as u64, result.room_teu_quarters as u64),
                share(result.on_time, result.due),
                result.cost.to_string(),
                share(result.changed, result.free),
                result.missed[0].to_string(),
                result.missed[1].to_string(),
                result.missed[2].to_string(),
                result.rolled_over.to_string(),
            ]);
        }
        let week = Week::new(seed);
        let (most, of) = clairvoyant::most_on_time(&week, limit.seed);
        at_best += most;
        let mut row = vec![seed.to_string(), "nobody beats".to_owned(), String::new()];
        row.push(share(most, of));
        table.row(row);
    }
    let less = 100.0 * (costs[2] - costs[0]) as f64 / costs[2].max(1) as f64;
    Ok(format!(
        "{UNITS} units, {TRAINS} trains, a re-plan every {TICK_H} h; {LATE_PERCENT} % late, {NO_SHOW_PERCENT} % never come\n{}\
         on time: planner {} %, misses free {} %, first come first served {} %; knowing all beforehand at most {} %\n\
         promises of {PROMISE_H} h before that a late unit or train broke: planner {}, misses free {}, first come first served {}\n\
         the planner's week costs {less:.1} % less than first come first served\n",
        table.render(),
        share(on_time[0], due),
        share(on_time[1], due),
        share(on_time[2], due),
        share(at_best, due),
        missed[0],
        missed[1],
        missed[2],
    ))
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.1}", 100.0 * part as f64 / whole.max(1) as f64)
}

impl Week {
    fn simulate(mut self, policy: Policy, limit: &LimitArgs) -> Outcome {
        let start = self.now_min;
        let mut warm: Option<Warm> = None;
        for tick in 0..=WEEK_H * 2 / TICK_H {
            self.now_min = start + tick * TICK_H * HOUR;
            self.execute();
            let (mut view, known) = self.view();
            if policy == Policy::Unprotected {
                view.weights.missed_connection = 0;
            }
            if view.units.is_empty() {
                continue;
            }
            let plan = match policy {
                Policy::FirstCome => first_come(&view, &build(&view)),
                Policy::Planner | Policy::Unprotected => {
                    let budget = Budget::iterations(limit.iterations.unwrap_or(MOVES));
                    let (answer, next) = re_plan(&view, warm.as_ref(), limit.seed, &budget);
                    warm = Some(next);
                    answer.plan
                }
            };
            self.take_over(&plan, &known);
            self.publish();
        }
        self.finish()
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
        let world = self.truth();
        let weights = &world.weights;
        for (nth, unit) in world.units.iter().enumerate() {
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
                .filter_map(|leg| self.place.get(leg).map(|&train| &world.trains[train]))
                .collect();
            let path = Path {
                problem: &world,
                unit,
                held: &[],
                legs: &legs,
            };
            self.result.cost += cost::of_path(&path).without_change();
            let arrival = legs.last().map_or(i64::MAX, |slot| slot.arrival_at_min);
            self.result.on_time += u64::from(unit.due_at_min.is_some_and(|due| arrival <= due));
        }
        self.result
    }
}
