//! Rail-slot plans.

use std::sync::Arc;

use super::{Planned, PlannerRun, ReadInput};
use crate::error::EngineError;
use crate::settings::Topics;

/// Prices and horizons of rail-slot plans.
#[derive(Debug, Clone, Default)]
pub struct RailRules {}

/// Makes rail-slot plans.
pub struct RailPlanner {}

impl RailPlanner {
    /// No plan yet.
    pub fn new(_run: PlannerRun, _rules: RailRules) -> Self {
        RailPlanner {}
    }

    /// Plans as of `planned_at_us`; none if there is nothing to plan yet.
    pub fn plan(
        &mut self,
        _planned_at_us: i64,
        _read: &mut ReadInput<'_>,
        _topics: &Topics,
    ) -> Result<Option<Planned>, EngineError> {
        let _ = Arc::new(());
        Ok(None)
    }
}
