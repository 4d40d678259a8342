//! Rail-slot plans: rows to a problem ([`inputs`], [`translate()`]), the solver, the checker, the plan as records
//! ([`records`]), and why it is so ([`explanations`]).

mod explanations;
mod inputs;
mod records;
mod rules;
mod translate;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::rail::{self, RailPlan};
use events::v1;
use optimise::answer::Answer;
use optimise::budget::Budget;
use optimise::rail::{Warm, re_plan};

use self::inputs::Inputs;
pub use self::rules::RailRules;
use self::translate::{Translated, translate};
use super::published::{Publisher, Run};
use super::{Planned, Planner, PlannerRun, ReadInput};
use crate::error::EngineError;
use crate::settings::Topics;

/// Name of the planner in its records.
pub const PLANNER: &str = "rail";

/// Makes rail-slot plans.
#[derive(Debug)]
pub struct RailPlanner {
    run: PlannerRun,
    rules: RailRules,
    warm: Option<Warm>,
    /// The path of each unit in the last plan.
    paths: BTreeMap<String, Vec<String>>,
    publisher: Publisher<v1::RailSlotPlan>,
}

impl Planner for RailPlanner {
    const NAME: &'static str = PLANNER;

    fn plan(
        &mut self,
        planned_at_us: i64,
        causes: Vec<String>,
        read: &mut ReadInput<'_>,
        topics: &Topics,
    ) -> Result<Option<Planned>, EngineError> {
        let inputs = Inputs::read(read)?;
        if inputs.units.is_empty() && self.publisher.is_empty() {
            return Ok(None);
        }
        let translated = translate(&inputs, &self.paths, planned_at_us, &self.rules);
        self.publisher.tell(left_out(&inputs, &translated));
        let budget = Budget::iterations(self.run.iterations);
        let (answer, warm) = re_plan(
            &translated.problem,
            self.warm.as_ref(),
            self.run.seed,
            &budget,
        );
        check(&translated, &answer)?;
        let plan_seq = self.publisher.next_seq();
        let frame = records::Frame {
            plan_seq,
            planned_at_us,
            inputs: &inputs,
            translated: &translated,
        };
        let run = Run {
            planned_at_us,
            causes,
            value: answer.value,
            bound: answer.bound,
            iterations: answer.statistics.iterations,
            assigned: answer.plan.assignments.len(),
            unassigned: answer.plan.rolled_over.len() + translated.left_out.len(),
            rows: frame.rows(&answer.plan),
            whys: BTreeMap::new(),
            explanations: explanations::explained(&frame, &answer.plan),
        };
        let planned = self.publisher.publish(run, topics);
        let paths = answer.plan.assignments.iter();
        self.paths = paths
            .map(|unit| (unit.unit.clone(), unit.legs.clone()))
            .collect();
        self.warm = Some(warm);
        Ok(Some(planned))
    }
}

impl RailPlanner {
    /// No plan yet.
    pub fn new(run: PlannerRun, rules: RailRules) -> Self {
        RailPlanner {
            run,
            rules,
            warm: None,
            paths: BTreeMap::new(),
            publisher: Publisher::new(PLANNER, |topics| &topics.rail_plan),
        }
    }
}

fn left_out<'a>(
    inputs: &'a Inputs,
    translated: &'a Translated,
) -> impl Iterator<Item = (String, String)> + 'a {
    let units = translated
        .left_out
        .iter()
        .map(|(row, reason)| (inputs.units[*row].unit_id.clone(), reason.clone()));
    units.chain(translated.slots_left_out.iter().cloned())
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
