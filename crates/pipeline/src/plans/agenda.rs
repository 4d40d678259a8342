//! When the planners plan: at their ticks, and before that when something that they watch has changed by more than is
//! tolerated.
//!
//! At ticks of the watermark everything here hangs on event time and on the tables as of an instant, so that plans stay a
//! function of the event log: the watch looks at instants of a grid, not at records as they come in. At ticks of the clock
//! (`crate::ticks`) the instants are those of the ticks, and the tables are read as far as they are known.

mod saved;

use std::collections::BTreeMap;
use std::time::Duration;

use super::berths::BerthPlanner;
use super::columns::Columns;
use super::rail::RailPlanner;
use super::{Planned, Planner, PlannerRun, PlannerSettings, ReadInput};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::settings::{Topics, micros};

/// Causes told of one plan; more are counted.
const CAUSES_MAX: usize = 20;

/// When a planner plans before its next tick.
#[derive(Debug, Clone, Default)]
pub struct Triggers {
    /// How often its watches are looked at, in event time; zero: never.
    pub every: Duration,
    /// From one plan to the next at least.
    pub interval_min: Duration,
    /// By watch: how far a value may move from what it was at the last plan. Watches that are not named tolerate nothing.
    pub tolerances: BTreeMap<String, i64>,
}

/// What a watch saw: by object, its value, or nothing where its being there is all there is to see.
type Sight = BTreeMap<String, Option<i64>>;

/// One planner with its instants.
struct Scheduled<P> {
    planner: P,
    every_us: i64,
    /// From one look at the watches to the next; `every_us` where there are none.
    step_us: i64,
    interval_us: i64,
    /// Inputs that are watches, with what they tolerate.
    watches: Vec<(String, i64)>,
    /// The last instant looked at.
    seen_us: Option<i64>,
    /// The last plan.
    planned_us: Option<i64>,
    /// What the watches saw at the last plan.
    sights: BTreeMap<String, Sight>,
}

/// The first tick after an instant, a multiple of so many microseconds, at which the port does not rest.
pub type NextTick<'a> = dyn Fn(i64, i64) -> Option<i64> + 'a;

/// The planners that look at an instant.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    berths: bool,
    rail: bool,
}

/// What a planner made, with its name and the seconds that it took.
pub type Made = (&'static str, Planned, f64);

/// Both planners with their instants.
pub struct Planners {
    berths: Option<Scheduled<BerthPlanner>>,
    rail: Option<Scheduled<RailPlanner>>,
}

impl Planners {
    /// No plan yet.
    pub fn new(settings: &PlannerSettings) -> Self {
        let berths = settings.berths.is_on.then(|| {
            let run = settings.berths.clone();
            let planner = BerthPlanner::new(run.clone(), settings.berth_rules.clone());
            Scheduled::new(planner, &run)
        });
        let rail = settings.rail.is_on.then(|| {
            let run = settings.rail.clone();
            let planner = RailPlanner::new(run.clone(), settings.rail_rules.clone());
            Scheduled::new(planner, &run)
        });
        Planners { berths, rail }
    }

    /// [`crate::planted::Bug::TickAppliedTwice`].
    pub fn forget_tick(&mut self) {
        fn forget<P>(one: &mut Scheduled<P>) {
            one.seen_us = one.seen_us.map(|seen_us| seen_us - 1);
            one.planned_us = one.planned_us.map(|planned_us| planned_us - one.every_us);
        }
        self.berths.iter_mut().for_each(forget);
        self.rail.iter_mut().for_each(forget);
    }

    /// The next instant of the agenda that is not after `frontier_us`. Ticks begin at `begin_us`; if the input has ended,
    /// `horizon_us` is its largest row time, and they end with it.
    pub fn next_at(
        &self,
        next_tick: &NextTick<'_>,
        frontier_us: i64,
        begin_us: i64,
        horizon_us: Option<i64>,
    ) -> Option<i64> {
        let berths = self.berths.as_ref();
        let rail = self.rail.as_ref();
        let next = [
            berths.and_then(|one| one.next_at(next_tick, begin_us, horizon_us)),
            rail.and_then(|one| one.next_at(next_tick, begin_us, horizon_us)),
        ];
        let next = next.into_iter().flatten().min();
        next.filter(|&at| at <= frontier_us)
    }

    /// Which of them look at `at_us`.
    pub fn due(&self, next_tick: &NextTick<'_>, at_us: i64, begin_us: i64) -> Due {
        let is_due = |next_us: Option<i64>| next_us == Some(at_us - 1);
        let (berths, rail) = (self.berths.as_ref(), self.rail.as_ref());
        Due {
            berths: is_due(berths.and_then(|one| one.next_us(next_tick, begin_us))),
            rail: is_due(rail.and_then(|one| one.next_us(next_tick, begin_us))),
        }
    }

    /// From one tick of the clock to the next, so that each of those that are on finds its instants; none if none is on.
    pub fn tick_us(&self) -> Option<i64> {
        let berths = self.berths.as_ref().map(|one| one.step_us);
        let rail = self.rail.as_ref().map(|one| one.step_us);
        berths.into_iter().chain(rail).reduce(greatest_divisor)
    }

    /// Which of them look at a tick of the clock: those of which an instant lies between the last one and this.
    pub fn due_by_clock(&self, tick_us: i64) -> Due {
        Due {
            berths: self.berths.as_ref().is_some_and(|one| one.is_due(tick_us)),
            rail: self.rail.as_ref().is_some_and(|one| one.is_due(tick_us)),
        }
    }

    /// Makes the plans that are due at `now_us`. `read` reads the inputs as of then.
    pub fn plan(
        &mut self,
        now_us: i64,
        due: Due,
        read: &mut ReadInput<'_>,
        topics: &Topics,
        clock: &dyn Clock,
    ) -> Result<Vec<Made>, EngineError> {
        let mut made = Vec::new();
        if let Some(berths) = self.berths.as_mut().filter(|_| due.berths) {
            made.extend(berths.look(now_us, read, topics, clock)?);
        }
        if let Some(rail) = self.rail.as_mut().filter(|_| due.rail) {
            made.extend(rail.look(now_us, read, topics, clock)?);
        }
        Ok(made)
    }
}

impl<P: Planner> Scheduled<P> {
    fn new(planner: P, run: &PlannerRun) -> Self {
        let every_us = micros(run.every).max(1);
        let prefix = format!("{}/watch_", P::NAME);
        let names = run.inputs.iter().map(|file| file.name.as_str());
        let watched = names.filter_map(|name| Some((name, name.strip_prefix(&prefix)?)));
        let watch_us = micros(run.triggers.every);
        let watches: Vec<(String, i64)> = watched
            .filter(|_| watch_us > 0)
            .map(|(name, kind)| {
                let tolerance = run.triggers.tolerances.get(kind);
                (name.to_owned(), tolerance.copied().unwrap_or(0))
            })
            .collect();
        Scheduled {
            planner,
            every_us,
            step_us: if watches.is_empty() {
                every_us
            } else {
                watch_us
            },
            interval_us: micros(run.triggers.interval_min),
            watches,
            seen_us: None,
            planned_us: None,
            sights: BTreeMap::new(),
        }
    }

    /// Has an instant of its grid come since it last looked?
    fn is_due(&self, now_us: i64) -> bool {
        let last_us = now_us - now_us.rem_euclid(self.step_us);
        self.seen_us.is_none_or(|seen_us| last_us > seen_us)
    }

    /// The next instant: a tick of the planner, or a look at its watches between two ticks; none while nothing moves.
    fn next_us(&self, next_tick: &NextTick<'_>, begin_us: i64) -> Option<i64> {
        let tick_us = next_tick(self.seen_us.unwrap_or(begin_us), self.every_us);
        let look_us = match (self.planned_us, self.seen_us) {
            (Some(_), Some(seen_us)) => next_tick(seen_us, self.step_us),
            _ => None,
        };
        look_us.into_iter().chain(tick_us).min()
    }

    /// An instant T reads all rows up to and including T, so that it comes one microsecond later on the agenda.
    fn next_at(
        &self,
        next_tick: &NextTick<'_>,
        begin_us: i64,
        horizon_us: Option<i64>,
    ) -> Option<i64> {
        let next_us = self.next_us(next_tick, begin_us)?;
        let is_over =
            horizon_us.is_some_and(|horizon| next_us.saturating_sub(self.every_us) > horizon);
        (!is_over).then_some(next_us + 1)
    }

    /// Plans if the time has come for it, or if a watch has seen something that cannot wait.
    fn look(
        &mut self,
        now_us: i64,
        read: &mut ReadInput<'_>,
        topics: &Topics,
        clock: &dyn Clock,
    ) -> Result<Option<Made>, EngineError> {
        self.seen_us = Some(now_us);
        let rested_us = self.planned_us.map(|planned_us| now_us - planned_us);
        if rested_us.is_some_and(|rested_us| rested_us < self.interval_us) {
            return Ok(None);
        }
        let last_tick_us = now_us - now_us.rem_euclid(self.every_us);
        // A tick that came too soon after a plan is made up for.
        let is_tick = self
            .planned_us
            .is_none_or(|planned_us| planned_us < last_tick_us);
        let sights = self.sights(read)?;
        let causes = match is_tick {
            true => Vec::new(),
            false => self.causes(&sights),
        };
        if !is_tick && causes.is_empty() {
            return Ok(None);
        }
        let started = clock.elapsed();
        let Some(planned) = self.planner.plan(now_us, causes, read, topics)? else {
            return Ok(None);
        };
        let seconds = clock.elapsed().saturating_sub(started).as_secs_f64();
        self.planned_us = Some(now_us);
        self.sights = sights;
        Ok(Some((P::NAME, planned, seconds)))
    }

    fn sights(&self, read: &mut ReadInput<'_>) -> Result<BTreeMap<String, Sight>, EngineError> {
        let mut sights = BTreeMap::new();
        for (input, _) in &self.watches {
            let batch = read(input)?;
            let columns = Columns::new(input, &batch);
            let (objects, values) = (columns.text("object_id")?, columns.integer("value")?);
            sights.insert(input.clone(), objects.into_iter().zip(values).collect());
        }
        Ok(sights)
    }

    /// What has changed since the last plan by more than is tolerated.
    fn causes(&self, sights: &BTreeMap<String, Sight>) -> Vec<String> {
        let mut causes = Vec::new();
        for (input, tolerance) in &self.watches {
            let (Some(before), Some(now)) = (self.sights.get(input), sights.get(input)) else {
                continue;
            };
            let kind = input.rsplit("watch_").next().unwrap_or(input);
            let seen = now.iter().filter_map(|(object, value)| {
                let what = match (before.get(object), value) {
                    (None, None) => "now".to_owned(),
                    (Some(Some(old)), Some(new))
                        if old.abs_diff(*new) > tolerance.unsigned_abs() =>
                    {
                        format!("{:+}", new.saturating_sub(*old))
                    }
                    _ => return None,
                };
                Some(format!("{kind} {object}: {what}"))
            });
            causes.extend(seen);
            let gone = before
                .iter()
                .filter(|(object, value)| value.is_none() && !now.contains_key(*object));
            causes.extend(gone.map(|(object, _)| format!("{kind} {object}: no more")));
        }
        let more = causes.len().saturating_sub(CAUSES_MAX);
        causes.truncate(CAUSES_MAX);
        if more > 0 {
            causes.push(format!("and {more} more"));
        }
        causes
    }
}

fn greatest_divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a
    } else {
        greatest_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests;
