//! One simulated week under one way to plan: what is known at each tick, the plan made of it, and what becomes of it.

use super::error::PlanError;
use super::week_port::{MOVED_MIN, RUN_IN_MIN, STEP_MIN, Truth, WEEK_MIN, Week, taken_m};
use domain::berth::{
    BerthPlan, BerthProblem, Handling, Place, Previous, Rotation, Stay, check, cost::stay_cost,
};
use optimise::berth::{Warm, search_only, thaw};
use optimise::budget::Budget;

/// Minutes between plans.
const TICK_MIN: i64 = 30;
/// How far ahead calls are planned.
const AHEAD_MIN: i64 = 48 * 60;

/// A way to plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// From the last plan, with the prices of change.
    Stable,
    /// Anew at every tick, but for what is held, without them.
    FromScratch,
    /// First come first served, but for what is held.
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

/// What a week came to.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Cost of the executed stays, without changes.
    pub cost: i64,
    /// Unfrozen stays that re-plans found, and how many of them they moved.
    pub unfrozen: u64,
    /// Those that were moved.
    pub moved: u64,
    /// Those that were moved though their own vessel could have kept the start.
    pub moved_by_choice: u64,
    /// Frozen stays that were moved though they could stand.
    pub frozen_moved: u64,
    /// Frozen stays that facts had overtaken.
    pub thawed: u64,
    /// Metre-minutes used in the week.
    pub occupied_m_min: i64,
    /// From arrival to start, all calls together.
    pub waited_min: i64,
}

impl Figures {
    /// Adds another run of the same week.
    pub fn add(&mut self, other: &Figures) {
        self.cost += other.cost;
        self.unfrozen += other.unfrozen;
        self.moved += other.moved;
        self.moved_by_choice += other.moved_by_choice;
        self.frozen_moved += other.frozen_moved;
        self.thawed += other.thawed;
        self.occupied_m_min += other.occupied_m_min;
        self.waited_min += other.waited_min;
    }

    /// Share of the unfrozen stays, per cent.
    pub fn percent(&self, count: u64) -> f64 {
        100.0 * count as f64 / self.unfrozen.max(1) as f64
    }
}

/// One week under one policy.
pub struct Run<'a> {
    week: &'a Week,
    policy: Policy,
    iterations: u64,
    /// Seed of the searches.
    search: u64,
    progress: Vec<Progress>,
    figures: Figures,
}

impl<'a> Run<'a> {
    /// Before the run-in.
    pub fn new(week: &'a Week, policy: Policy, iterations: u64, search: u64) -> Self {
        let progress = |truth: &Truth| Progress {
            work_left: truth.call.work.moves * 6000,
            ..Progress::default()
        };
        Run {
            week,
            policy,
            iterations,
            search,
            progress: week.truths.iter().map(progress).collect(),
            figures: Figures::default(),
        }
    }

    /// Lives through the week.
    pub fn go(mut self) -> Result<Figures, PlanError> {
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
            (self.search << 32).wrapping_add(now_min as u64),
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
