//! `quaystream plan berths --week SEEDS`: a simulated week, planned anew every half hour. What moves, and what the executed
//! week costs, against first come first served and against planning without a change penalty.

use super::super::limit::LimitArgs;
use super::super::table::Table;
use super::error::PlanError;
use super::week_port::{
    MOVED_MIN, RUN_IN_MIN, STEP_MIN, Truth, WEEK_MIN, Week, metres, taken_m, week as week_of,
};
use domain::berth::{
    BerthPlan, BerthProblem, Handling, Place, Previous, Rotation, Stay, check, cost::stay_cost,
};
use optimise::berth::{Warm, search_only, thaw};
use optimise::budget::Budget;
use std::fmt::Write;

/// Minutes between plans.
const TICK_MIN: i64 = 30;
/// How far ahead calls are planned.
const AHEAD_MIN: i64 = 48 * 60;
/// Iterations of one plan unless --iterations says otherwise.
const ITERATIONS: u64 = 2_000;

/// A way to plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Stable,
    FromScratch,
    FirstCome,
}

/// What happened to one call so far.
#[derive(Debug, Clone, Default)]
struct Progress {
    stay: Option<Stay>,
    is_alongside: bool,
    is_done: bool,
    /// Work left, in 1/6000 move: a crane's rate in hundredths of a move an hour times minutes.
    work_left: i64,
}

#[derive(Debug, Clone, Default)]
struct Figures {
    cost: i64,
    plans: u64,
    unfrozen: u64,
    moved: u64,
    moved_by_choice: u64,
    frozen_moved: u64,
    thawed: u64,
    occupied_m_min: i64,
    waited_min: i64,
}

/// Simulates the weeks and renders the table.
pub fn week(seeds: u64, limit: &LimitArgs) -> Result<String, PlanError> {
    let iterations = limit.iterations.unwrap_or(ITERATIONS);
    let mut table = Table::new(&[
        "seed",
        "plan",
        "executed cost",
        "moved%",
        "moved but for own ETA%",
        "frozen moved",
        "thawed",
        "occupancy%",
        "wait h/call",
    ]);
    let mut sums = Sums::default();
    let mut text = String::new();
    for seed in limit.seed..limit.seed + seeds {
        let week = week_of(seed);
        let mut run = |policy| {
            let figures = Run::new(&week, policy, iterations).go()?;
            table.row(cells(seed, policy, &week, &figures));
            Ok::<_, PlanError>(figures)
        };
        let stable = run(Policy::Stable)?;
        let scratch = run(Policy::FromScratch)?;
        let first_come = run(Policy::FirstCome)?;
        sums.add(&week, &stable, &scratch, &first_come);
        let _ = writeln!(text, "seed {seed}: {}", workload(&week));
    }
    Ok(format!("{}{}{text}", table.render(), sums.render()))
}

fn cells(seed: u64, policy: Policy, week: &Week, figures: &Figures) -> [String; 9] {
    let calls = week.truths.len() as f64;
    [
        seed.to_string(),
        format!("{policy:?}"),
        figures.cost.to_string(),
        format!("{:.2}", figures.moved_percent()),
        format!("{:.2}", figures.percent(figures.moved_by_choice)),
        figures.frozen_moved.to_string(),
        figures.thawed.to_string(),
        format!("{:.1}", occupancy(week, figures)),
        format!("{:.2}", figures.waited_min as f64 / 60.0 / calls),
    ]
}

/// What a week consists of, in words.
fn workload(week: &Week) -> String {
    let in_week = week
        .truths
        .iter()
        .filter(|truth| truth.arrival_min >= 0)
        .count();
    let in_rotation = week.truths.iter().filter(|truth| truth.mate.is_some());
    format!(
        "{in_week} calls in the week, {} with the run-in, {} of them of barges with two terminals, {} crane outages",
        week.truths.len(),
        in_rotation.count(),
        week.outages.len()
    )
}

impl Figures {
    fn percent(&self, count: u64) -> f64 {
        100.0 * count as f64 / self.unfrozen.max(1) as f64
    }

    /// Unfrozen stays that a re-plan moves, on the mean.
    fn moved_percent(&self) -> f64 {
        self.percent(self.moved)
    }
}

/// The stable plan's figures over the seeds, per cent.
#[derive(Default)]
struct Sums {
    moved: Vec<f64>,
    over_scratch: Vec<f64>,
    under_first_come: Vec<f64>,
    occupancy: Vec<f64>,
}

impl Sums {
    fn add(&mut self, week: &Week, stable: &Figures, scratch: &Figures, first_come: &Figures) {
        let (cost, scratch) = (stable.cost as f64, scratch.cost as f64);
        let first_come = first_come.cost as f64;
        self.moved.push(stable.moved_percent());
        self.over_scratch.push(100.0 * (cost - scratch) / scratch);
        self.under_first_come
            .push(100.0 * (first_come - cost) / first_come);
        self.occupancy.push(occupancy(week, stable));
    }

    fn render(&self) -> String {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let most = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
        let least = |values: &[f64]| values.iter().copied().fold(f64::MAX, f64::min);
        format!(
            "the stable plan:\n\
             moved: mean {:.2} %, worst {:.2} %\n\
             against planning from scratch: mean {:+.2} %, worst {:+.2} %\n\
             below first come first served: mean {:.2} %, worst {:.2} %\n\
             occupancy: mean {:.1} %, from {:.1} to {:.1} %\n",
            mean(&self.moved),
            most(&self.moved),
            mean(&self.over_scratch),
            most(&self.over_scratch),
            mean(&self.under_first_come),
            least(&self.under_first_come),
            mean(&self.occupancy),
            least(&self.occupancy),
            most(&self.occupancy)
        )
    }
}

/// Metre-minutes used of those there are while the week's calls arrive, per cent.
fn occupancy(week: &Week, figures: &Figures) -> f64 {
    100.0 * figures.occupied_m_min as f64 / (metres(&week.port) * WEEK_MIN) as f64
}

struct Run<'a> {
    week: &'a Week,
    policy: Policy,
    iterations: u64,
    progress: Vec<Progress>,
    figures: Figures,
}

impl<'a> Run<'a> {
    fn new(week: &'a Week, policy: Policy, iterations: u64) -> Self {
        let progress = |truth: &Truth| Progress {
            work_left: truth.call.work.moves * 6000,
            ..Progress::default()
        };
        Run {
            week,
            policy,
            iterations,
            progress: week.truths.iter().map(progress).collect(),
            figures: Figures::default(),
        }
    }

    fn go(mut self) -> Result<Figures, PlanError> {
        let mut now_min = -RUN_IN_MIN;
        while self.progress.iter().any(|progress| !progress.is_done) && now_min < 2 * WEEK_MIN {
            self.advance(now_min);
            self.plan(now_min)?;
            now_min += TICK_MIN;
        }
        // whoever was never served costs what leaving the call out does
        let truths = self.week.truths.iter().zip(&self.progress);
        let left = truths.filter(|(_, progress)| !progress.is_done);
        self.figures.cost += left
            .map(|(truth, _)| truth.call.unassigned_price)
            .sum::<i64>();
        Ok(self.figures)
    }

    /// Stays begin and end as planned at the last tick; a stay whose vessel is not there does not begin.
    fn advance(&mut self, now_min: i64) {
        for (number, truth) in self.week.truths.iter().enumerate() {
            let progress = &mut self.progress[number];
            let Some(stay) = progress.stay.clone().filter(|_| !progress.is_done) else {
                continue;
            };
            if !progress.is_alongside
                && stay.start_min < now_min
                && truth.arrival_min <= stay.start_min
            {
                progress.is_alongside = true;
            }
            if !progress.is_alongside {
                continue;
            }
            if stay.end_min <= now_min {
                progress.is_done = true;
                self.figures.cost += self.executed(truth, &stay);
                self.figures.waited_min += stay.start_min - truth.arrival_min;
                let minutes = stay.end_min.min(WEEK_MIN) - stay.start_min.max(0);
                self.figures.occupied_m_min +=
                    taken_m(&self.week.port.berths[stay.berth], &truth.call) * minutes.max(0);
            } else {
                let from_min = (now_min - TICK_MIN).max(stay.start_min + truth.call.work.setup_min);
                let done = self.work_done(&stay, from_min, now_min);
                self.progress[number].work_left = (self.progress[number].work_left - done).max(1);
            }
        }
    }

    /// Work that the stay's cranes do between two minutes, in 1/6000 move.
    fn work_done(&self, stay: &Stay, from_min: i64, to_min: i64) -> i64 {
        let work = |crane: &usize| {
            let out: i64 = self
                .week
                .outages
                .iter()
                .filter(|(out, _)| out == crane)
                .map(|(_, time)| (time.end_min.min(to_min) - time.start_min.max(from_min)).max(0))
                .sum();
            ((to_min - from_min).max(0) - out).max(0)
                * self.week.port.cranes[*crane].rate_centimoves_h
        };
        stay.cranes.iter().map(work).sum::<i64>()
    }

    /// Cost of a stay with the true arrival, without changes.
    fn executed(&self, truth: &Truth, stay: &Stay) -> i64 {
        let mut port = self.week.port.clone();
        let mut call = truth.call.clone();
        call.arrival_min = truth.arrival_min;
        port.calls.push(call);
        let stay = Stay {
            call: 0,
            ..stay.clone()
        };
        stay_cost(&port, &stay).without_change()
    }

    fn plan(&mut self, now_min: i64) -> Result<(), PlanError> {
        let known: Vec<usize> = (0..self.week.truths.len())
            .filter(|n| {
                !self.progress[*n].is_done
                    && self.week.truths[*n].eta_min(now_min) <= now_min + AHEAD_MIN
            })
            .collect();
        let mut problem = self.problem(now_min, &known);
        let mut last = BerthPlan::default();
        for (index, number) in known.iter().enumerate() {
            let stay = self.progress[*number].stay.as_ref();
            last.stays.extend(stay.map(|stay| Stay {
                call: index,
                ..stay.clone()
            }));
        }
        let thawed = thaw(&mut problem, Some(&last));
        self.figures.thawed += thawed.len() as u64;
        let held = only_held(&problem, &last);
        let (from, iterations) = match self.policy {
            Policy::Stable => (&last, self.iterations),
            Policy::FromScratch => (&held, self.iterations),
            Policy::FirstCome => (&held, 0),
        };
        let warm = Warm {
            plan: Some(from),
            duals: None,
        };
        let plan = search_only(
            &problem,
            warm,
            now_min as u64,
            &Budget::iterations(iterations),
        )
        .answer
        .plan;
        check(&problem, &plan).map_err(PlanError::Violations)?;
        self.count_moves(&problem, &last, &plan, &thawed);
        for (index, number) in known.iter().enumerate() {
            let stay = plan.stay_of(index).map(|stay| Stay {
                call: *number,
                ..stay.clone()
            });
            if stay.is_some() || !self.progress[*number].is_alongside {
                self.progress[*number].stay = stay;
            }
        }
        Ok(())
    }

    fn problem(&self, now_min: i64, known: &[usize]) -> BerthProblem {
        let mut problem = self.week.port.clone();
        problem.horizon_end_min = now_min + AHEAD_MIN + 7 * 1440;
        problem.frozen_until_min = now_min + 3 * 60;
        problem.slushy_until_min = now_min + 24 * 60;
        if self.policy != Policy::Stable {
            problem.weights.change_berth = 0;
            problem.weights.change_per_m = 0;
            problem.weights.change_per_min = 0;
            problem.weights.change_stay = 0;
            problem.weights.change_stay_soon = 0;
        }
        for (crane, outage) in self
            .week
            .outages
            .iter()
            .filter(|(_, outage)| outage.start_min <= now_min)
        {
            problem.cranes[*crane].outages.push(*outage);
        }
        for number in known {
            problem.calls.push(self.call(now_min, *number));
        }
        for (index, number) in known.iter().enumerate() {
            let mate = self.week.truths[*number].mate.filter(|mate| mate > number);
            let mate = mate.and_then(|mate| known.iter().position(|known| *known == mate));
            problem.rotations.extend(mate.map(|mate| Rotation {
                barge: self.week.truths[*number].call.id.clone(),
                calls: vec![index, mate],
                order_fixed: false,
            }));
        }
        problem
    }

    fn call(&self, now_min: i64, number: usize) -> domain::berth::Call {
        let (truth, progress) = (&self.week.truths[number], &self.progress[number]);
        let mut call = truth.call.clone();
        call.arrival_min = truth.eta_min(now_min);
        call.release_min = call.arrival_min.max(now_min);
        if let Some(mate) = truth.mate {
            let there = self.progress[mate]
                .stay
                .as_ref()
                .filter(|_| self.progress[mate].is_done);
            let free_min = there.map_or(i64::MIN, |stay| stay.end_min + 45);
            call.release_min = call.release_min.max(free_min);
        }
        if let Some(stay) = &progress.stay {
            let place = Place {
                berth: stay.berth,
                from_m: stay.from_m,
            };
            call.previous = Some(Previous {
                place,
                start_min: stay.start_min,
            });
            call.alongside = progress.is_alongside;
            if progress.is_alongside && call.handling[stay.berth] == Handling::Cranes {
                call.work.setup_min = (now_min - stay.start_min).max(call.work.setup_min);
                call.work.moves = (progress.work_left + 5999) / 6000;
            }
        }
        call
    }

    fn count_moves(
        &mut self,
        problem: &BerthProblem,
        last: &BerthPlan,
        plan: &BerthPlan,
        thawed: &[usize],
    ) {
        self.figures.plans += 1;
        for old in &last.stays {
            let call = &problem.calls[old.call];
            let new = plan.stay_of(old.call);
            let elsewhere =
                new.is_none_or(|new| (new.berth, new.from_m) != (old.berth, old.from_m));
            let off_min = new.map_or(i64::MAX, |new| (new.start_min - old.start_min).abs());
            let is_frozen = call.alongside || old.start_min < problem.frozen_until_min;
            let is_thawed = thawed.contains(&old.call);
            if is_frozen {
                let is_moved = elsewhere || off_min > 0;
                self.figures.frozen_moved += u64::from(is_moved && !is_thawed);
                continue;
            }
            self.figures.unfrozen += 1;
            let has_moved = elsewhere || off_min > MOVED_MIN;
            let by_own_eta = !elsewhere && old.start_min < call.release_min;
            self.figures.moved += u64::from(has_moved);
            self.figures.moved_by_choice += u64::from(has_moved && !by_own_eta);
        }
    }
}

/// The last plan's stays that are held.
fn only_held(problem: &BerthProblem, last: &BerthPlan) -> BerthPlan {
    let mut plan = last.clone();
    plan.stays.retain(|stay| {
        domain::berth::horizon::hold_of(problem, &problem.calls[stay.call]).is_fixed()
    });
    plan
}

/// The week's time step divides its tick.
const _: () = assert!(TICK_MIN % STEP_MIN == 0);
