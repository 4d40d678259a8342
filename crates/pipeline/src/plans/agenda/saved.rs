//! Planners in snapshots: where their agenda stands, what their watches saw, and what they remember themselves.

use std::collections::BTreeMap;

use events::internal::{PlannerSight, PlannerState, PlannerWatch};

use super::{Planners, Scheduled};
use crate::error::EngineError;
use crate::plans::berths::BerthPlanner;
use crate::plans::rail::RailPlanner;
use crate::plans::{Planner, saved_fault};

impl Planners {
    /// What the planners that are on remember, by name.
    pub fn save(&self) -> Vec<(&'static str, PlannerState)> {
        let berths = self.berths.as_ref();
        let rail = self.rail.as_ref();
        let states = [
            berths.map(|one| (BerthPlanner::NAME, one.save())),
            rail.map(|one| (RailPlanner::NAME, one.save())),
        ];
        states.into_iter().flatten().collect()
    }

    /// Takes back what they remembered. A planner of which nothing is known begins at `frontier_us`; what is known of one
    /// that is off is passed over.
    pub fn restore(
        &mut self,
        mut states: BTreeMap<String, PlannerState>,
        frontier_us: Option<i64>,
    ) -> Result<(), EngineError> {
        if let Some(berths) = &mut self.berths {
            berths.restore(states.remove(BerthPlanner::NAME), frontier_us)?;
        }
        if let Some(rail) = &mut self.rail {
            rail.restore(states.remove(RailPlanner::NAME), frontier_us)?;
        }
        Ok(())
    }
}

impl<P: Planner> Scheduled<P> {
    fn save(&self) -> PlannerState {
        let watches = self.sights.iter().map(|(input, sight)| PlannerWatch {
            input: input.clone(),
            sights: sight
                .iter()
                .map(|(object, value)| PlannerSight {
                    object: object.clone(),
                    value: *value,
                })
                .collect(),
        });
        let mut state = PlannerState {
            seen_us: self.seen_us,
            planned_us: self.planned_us,
            watches: watches.collect(),
            ..PlannerState::default()
        };
        self.planner.save(&mut state);
        state
    }

    fn restore(
        &mut self,
        state: Option<PlannerState>,
        frontier_us: Option<i64>,
    ) -> Result<(), EngineError> {
        let Some(state) = state else {
            self.seen_us = frontier_us;
            return Ok(());
        };
        self.seen_us = state.seen_us;
        self.planned_us = state.planned_us;
        self.sights = state
            .watches
            .iter()
            .map(|watch| {
                let seen = watch.sights.iter();
                let seen = seen.map(|sight| (sight.object.clone(), sight.value));
                (watch.input.clone(), seen.collect())
            })
            .collect();
        let restored = self.planner.restore(state);
        restored.map_err(|error| saved_fault(P::NAME, &error))
    }
}
