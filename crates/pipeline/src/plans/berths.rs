//! Berth plans.

use std::sync::Arc;

use super::{Planned, PlannerRun, ReadInput};
use crate::error::EngineError;
use crate::settings::Topics;

/// Prices and horizons of berth plans.
#[derive(Debug, Clone, Default)]
pub struct BerthRules {}

/// Makes berth plans.
pub struct BerthPlanner {}

impl BerthPlanner {
    /// No plan yet.
    pub fn new(_run: PlannerRun, _rules: BerthRules) -> Self {
        BerthPlanner {}
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
