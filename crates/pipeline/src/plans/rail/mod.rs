//! Rail-slot plans: rows to a problem ([`inputs`], [`translate()`]), the solver, the checker, and what changed as records
//! ([`records`]).

mod inputs;
mod records;
mod rules;
mod translate;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::rail::{self, RailPlan};
use events::v1;
use optimise::answer::Answer;
use optimise::budget::Budget;
use optimise::rail::{Warm, re_plan};

use self::inputs::Inputs;
pub use self::rules::RailRules;
use self::translate::{Translated, translate};
use super::published::{Published, record};
use super::{Planned, PlannerRun, ReadInput};
use crate::error::EngineError;
use crate::log::Outgoing;
use crate::outcome::PlanReport;
use crate::settings::Topics;

/// Name of the planner in its records.
pub const PLANNER: &str = "rail";

/// Makes rail-slot plans.
#[derive(Debug)]
pub struct RailPlanner {
    run: PlannerRun,
    rules: RailRules,
    plan_seq: u64,
    warm: Option<Warm>,
    /// The path of each unit in the last plan.
    paths: BTreeMap<String, Vec<String>>,
    published: Published<v1::RailSlotPlan>,
    /// Object and reason of every row left out so far that still is, so that it is told once.
    told: BTreeSet<(String, String)>,
}

impl RailPlanner {
    /// No plan yet.
    pub fn new(run: PlannerRun, rules: RailRules) -> Self {
        RailPlanner {
            run,
            rules,
            plan_seq: 0,
            warm: None,
            paths: BTreeMap::new(),
            published: Published::default(),
            told: BTreeSet::new(),
        }
    }

    /// Plans as of `planned_at_us`; none if there is nothing to plan yet.
    pub fn plan(
        &mut self,
        planned_at_us: i64,
        read: &mut ReadInput<'_>,
        topics: &Topics,
    ) -> Result<Option<Planned>, EngineError> {
        let inputs = Inputs::read(read)?;
        if inputs.units.is_empty() && self.published.is_empty() {
            return Ok(None);
        }
        let translated = translate(&inputs, &self.paths, planned_at_us, &self.rules);
        self.tell(&inputs, &translated);
        let budget = Budget::iterations(self.run.iterations);
        let (answer, warm) = re_plan(
            &translated.problem,
            self.warm.as_ref(),
            self.run.seed,
            &budget,
        );
        check(&translated, &answer)?;
        self.plan_seq += 1;
        let rows = records::rows(
            self.plan_seq,
            planned_at_us,
            &inputs,
            &translated,
            &answer.plan,
        );
        let records = self.write(rows, &answer, &translated, planned_at_us, topics);
        let paths = answer.plan.assignments.iter();
        self.paths = paths
            .map(|unit| (unit.unit.clone(), unit.legs.clone()))
            .collect();
        self.warm = Some(warm);
        Ok(Some(Planned {
            report: PlanReport {
                plan_seq: self.plan_seq,
                planned_at_us,
                assigned: answer.plan.assignments.len(),
                unassigned: answer.plan.rolled_over.len() + translated.left_out.len(),
                value: answer.value,
                bound: answer.bound,
                changes: records.len().saturating_sub(1),
            },
            records,
        }))
    }

    fn write(
        &mut self,
        rows: BTreeMap<String, v1::RailSlotPlan>,
        answer: &Answer<RailPlan>,
        translated: &Translated,
        planned_at_us: i64,
        topics: &Topics,
    ) -> Vec<Outgoing> {
        let changes = self.published.changes(&rows, records::is_same);
        let mut written: Vec<Outgoing> = changes
            .iter()
            .map(|change| record(&topics.rail_plan, change.key, change.after))
            .collect();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let delta = v1::PlanDelta {
            planner: PLANNER.to_owned(),
            plan_seq: self.plan_seq,
            planned_at_us,
            value: answer.value,
            bound: answer.bound,
            iterations: answer.statistics.iterations,
            assigned: count(answer.plan.assignments.len()),
            unassigned: count(answer.plan.rolled_over.len() + translated.left_out.len()),
            changes: changes.iter().map(records::change).collect(),
        };
        let changed = changes
            .iter()
            .map(|change| (change.key.to_owned(), change.after.cloned()))
            .collect();
        self.published.replace(changed);
        written.push(record(&topics.plan_deltas, PLANNER, Some(&delta)));
        written
    }

    /// Warns once of each row that cannot be planned.
    fn tell(&mut self, inputs: &Inputs, translated: &Translated) {
        let units = translated
            .left_out
            .iter()
            .map(|(row, reason)| (inputs.units[*row].unit_id.clone(), reason.clone()));
        let slots = translated.slots_left_out.iter().cloned();
        let told: BTreeSet<(String, String)> = units.chain(slots).collect();
        for (object, reason) in told.difference(&self.told) {
            tracing::warn!(object, reason, "left out of the rail plan");
        }
        self.told = told;
    }
}

/// A plan that breaks a rule, or whose value is another than the checker's, is not published.
fn check(translated: &Translated, answer: &Answer<RailPlan>) -> Result<(), EngineError> {
    let infeasible = |violations: String| EngineError::Infeasible {
        planner: PLANNER,
        violations,
    };
    let cost = rail::check(&translated.problem, &answer.plan).map_err(|violations| {
        let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
        infeasible(texts.join("; "))
    })?;
    if cost.total() != answer.value || answer.bound > answer.value {
        return Err(infeasible(format!(
            "the checker's value is {}, the solver's is {} with bound {}",
            cost.total(),
            answer.value,
            answer.bound
        )));
    }
    Ok(())
}
