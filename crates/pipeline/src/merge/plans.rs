//! Plans of the port's partition, at ticks of the watermark and of the clock.

use events::internal::Tick;

use super::{Merge, Step};
use crate::error::EngineError;
use crate::log::Outgoing;
use crate::plans::agenda::Made;
use crate::planted::{Bug, has};
use crate::settings::Bounded;
use crate::ticks::{self, TickBy};

impl Merge {
    /// The tick of the clock that is to be written into this partition, if one is due at `now_us`.
    pub fn due_tick(&mut self, now_us: i64) -> Option<Outgoing> {
        let is_clocked = self.settings.planners.tick_by == TickBy::Clock
            && self.settings.bounded == Bounded::Never
            && self.planners.as_ref()?.tick_us().is_some();
        let tick = is_clocked.then(|| self.ticks.due(now_us)).flatten()?;
        Some(ticks::record(&self.partition, tick, self.timestamp_ms))
    }

    /// Plans at a tick of the clock, unless it was applied before.
    pub(super) fn apply(
        &mut self,
        step: &Step,
        tick: Tick,
        records: &mut Vec<Outgoing>,
    ) -> Result<(), EngineError> {
        let is_new = self.ticks.apply(tick);
        self.tally_of(step).tick(tick.at_us, is_new);
        if !is_new || self.settings.planners.tick_by != TickBy::Clock {
            return Ok(());
        }
        self.plan_by_clock(step, tick.at_us, records)?;
        if has(Bug::TickAppliedTwice) {
            self.forget_tick();
            self.plan_by_clock(step, tick.at_us, records)?;
        }
        Ok(())
    }

    pub(super) fn forget_tick(&mut self) {
        if let Some(planners) = &mut self.planners {
            planners.forget_tick();
        }
    }

    pub(super) fn plan(
        &mut self,
        step: &Step,
        at_us: i64,
        begin_us: i64,
        records: &mut Vec<Outgoing>,
    ) -> Result<(), EngineError> {
        let Some(planners) = &mut self.planners else {
            return Ok(());
        };
        let next_tick = |after_us, every_us| self.state.next_tick(after_us, every_us);
        let due = planners.due(&next_tick, at_us, begin_us);
        let state = &mut self.state;
        let mut read = |name: &str| state.snapshot(name, at_us);
        let (topics, clock) = (&self.settings.topics, self.clock.as_ref());
        let made = planners.plan(at_us - 1, due, &mut read, topics, clock)?;
        self.write_plans(step, made, records);
        Ok(())
    }

    fn plan_by_clock(
        &mut self,
        step: &Step,
        tick_us: i64,
        records: &mut Vec<Outgoing>,
    ) -> Result<(), EngineError> {
        let Some(planners) = &mut self.planners else {
            return Ok(());
        };
        let due = planners.due_by_clock(tick_us);
        let state = &mut self.state;
        let mut read = |name: &str| state.snapshot_known(name, tick_us);
        let (topics, clock) = (&self.settings.topics, self.clock.as_ref());
        let made = planners.plan(tick_us, due, &mut read, topics, clock)?;
        self.write_plans(step, made, records);
        Ok(())
    }

    fn write_plans(&self, step: &Step, made: Vec<Made>, records: &mut Vec<Outgoing>) {
        for (planner, planned, seconds) in made {
            self.tally_of(step)
                .planned(planner, planned.report, seconds);
            records.extend(planned.records.into_iter().map(|record| Outgoing {
                timestamp_ms: self.timestamp_ms,
                ..record
            }));
        }
    }
}
