//! The planners as the engine runs them: at each of their ticks they read their inputs from the tables, hand a problem to
//! the solver, have the plan checked by `domain`, and write what changed. The solvers know nothing of tables, the tables
//! nothing of solvers.

pub mod agenda;
pub mod berths;
mod columns;
mod published;
pub mod rail;
mod times;

use std::time::Duration;

use arrow::array::RecordBatch;
use events::DecodeError;
use events::internal::PlannerState;
use windows::error::QueryError;
use windows::sql::parse::SqlFile;

use crate::error::EngineError;
use crate::log::Outgoing;
use crate::outcome::PlanReport;
use crate::settings::Topics;
use crate::ticks::TickBy;

/// What both planners have in common.
#[derive(Debug, Clone)]
pub struct PlannerRun {
    /// Off: no plans of this kind.
    pub is_on: bool,
    /// The SQL files that it reads its problem from, by name.
    pub inputs: Vec<SqlFile>,
    /// From one plan to the next, in event time.
    pub every: Duration,
    /// When to plan before that.
    pub triggers: agenda::Triggers,
    /// Budget of one solve.
    pub iterations: u64,
    /// Seed of the solver.
    pub seed: u64,
}

/// Both planners.
#[derive(Debug, Clone)]
pub struct PlannerSettings {
    /// What their ticks follow.
    pub tick_by: TickBy,
    /// Berth plans.
    pub berths: PlannerRun,
    /// Prices and horizons of berth plans.
    pub berth_rules: berths::BerthRules,
    /// Rail-slot plans.
    pub rail: PlannerRun,
    /// Prices of rail-slot plans.
    pub rail_rules: rail::RailRules,
}

/// The terms of a price that are not 0.
fn terms(terms: &[(&str, i64)]) -> Vec<events::v1::Cell> {
    let there = terms.iter().filter(|(_, price)| *price != 0);
    there
        .map(|(name, price)| events::v1::Cell {
            name: (*name).to_owned(),
            value: Some(events::v1::cell::Value::Integer(*price)),
        })
        .collect()
}

/// Reads a planner's input by name, as of the instant of planning.
pub type ReadInput<'a> = dyn FnMut(&str) -> Result<RecordBatch, QueryError> + 'a;

/// A planner, as the agenda runs it.
pub trait Planner {
    /// Its name in records and metrics.
    const NAME: &'static str;

    /// Plans as of `planned_at_us`, for these causes (none at a regular tick); nothing if there is nothing to plan yet.
    fn plan(
        &mut self,
        planned_at_us: i64,
        causes: Vec<String>,
        read: &mut ReadInput<'_>,
        topics: &Topics,
    ) -> Result<Option<Planned>, EngineError>;

    /// Adds what it remembers from plan to plan: all that a later plan hangs on, and all that was published.
    fn save(&self, state: &mut PlannerState);

    /// Takes back what [`Self::save`] added.
    fn restore(&mut self, state: PlannerState) -> Result<(), DecodeError>;
}

/// Why a planner's memory cannot be used.
fn saved_fault(planner: &str, error: &DecodeError) -> EngineError {
    EngineError::State(format!(
        "the snapshot of the {planner} planner cannot be read: {error}; run the version that wrote it"
    ))
}

/// One planning run.
#[derive(Debug)]
pub struct Planned {
    /// What changed, for the output topics.
    pub records: Vec<Outgoing>,
    /// In sum.
    pub report: PlanReport,
}
