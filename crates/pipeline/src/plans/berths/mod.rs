//! Berth plans: rows to a problem ([`inputs`], [`harbour`], [`visits`], [`translate()`]), what may be held of the last plan
//! ([`holds`]), the solver, the checker, the plan as records ([`records`]), and why it is so ([`explanations`]).

mod explanations;
mod harbour;
mod holds;
mod inputs;
mod records;
mod rules;
mod saved;
mod translate;
mod visits;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::berth::horizon::hold_of;
use domain::berth::{self, BerthPlan, BerthProblem, validate};
use events::internal::PlannerState;
use events::{DecodeError, v1};
use optimise::berth::{Duals, Solved, Warm, solve_warm};
use optimise::budget::Budget;

use self::holds::LetOff;
use self::inputs::Inputs;
pub use self::rules::BerthRules;
use self::translate::{LastStay, Memory, Translated, translate};
use super::published::{Publisher, Run};
use super::times::{MINUTE_US, instant_us};
use super::{Planned, Planner, PlannerRun, ReadInput};
use crate::error::EngineError;
use crate::settings::Topics;

/// Name of the planner in its records.
pub const PLANNER: &str = "berths";

/// Solves of one run at most: one, and one each time that calls without a berth are let go from the last plan.
const ATTEMPTS: usize = 3;

/// Makes berth plans.
#[derive(Debug)]
pub struct BerthPlanner {
    run: PlannerRun,
    rules: BerthRules,
    stays: BTreeMap<String, LastStay>,
    duals: Duals,
    publisher: Publisher<v1::BerthPlan>,
}

/// A plan that has passed the checker.
struct Checked {
    translated: Translated,
    solved: Solved,
    cost: berth::PlanCost,
    let_off: LetOff,
    iterations: u64,
}

impl Planner for BerthPlanner {
    const NAME: &'static str = PLANNER;

    fn plan(
        &mut self,
        planned_at_us: i64,
        causes: Vec<String>,
        read: &mut ReadInput<'_>,
        topics: &Topics,
    ) -> Result<Option<Planned>, EngineError> {
        let inputs = Inputs::read(read)?;
        if inputs.berths.is_empty() || (inputs.visits.is_empty() && self.publisher.is_empty()) {
            return Ok(None);
        }
        let step_us = self.rules.time_step_min.max(1) * MINUTE_US;
        let epoch_us = planned_at_us - planned_at_us.rem_euclid(step_us);
        let checked = self.solve(&inputs, epoch_us)?;
        let (translated, answer) = (&checked.translated, &checked.solved.answer);
        self.publisher.tell(left_out(&inputs, translated));
        let frame = records::Frame {
            plan_seq: self.publisher.next_seq(),
            planned_at_us,
            epoch_us,
            inputs: &inputs,
            problem: &translated.problem,
        };
        let explained = explanations::explained(&frame, translated, &answer.plan, &checked.let_off);
        let run = Run {
            planned_at_us,
            causes,
            value: answer.value,
            bound: answer.bound,
            iterations: checked.iterations,
            assigned: answer.plan.stays.len(),
            unassigned: answer.plan.unassigned.len() + translated.left_out.len(),
            rows: frame.rows(translated, &answer.plan, &checked.cost),
            whys: explained.whys,
            explanations: explained.explanations,
        };
        let planned = self.publisher.publish(run, topics);
        self.stays = stays(&checked, epoch_us);
        self.duals = checked.solved.duals;
        Ok(Some(planned))
    }

    fn save(&self, state: &mut PlannerState) {
        self.save_memory(state);
    }

    fn restore(&mut self, state: PlannerState) -> Result<(), DecodeError> {
        self.restore_memory(state)
    }
}

impl BerthPlanner {
    /// No plan yet.
    pub fn new(run: PlannerRun, rules: BerthRules) -> Self {
        BerthPlanner {
            run,
            publisher: Publisher::new(PLANNER, |topics| &topics.berth_plan)
                .tolerating(rules.weights.change_tolerance_min * MINUTE_US),
            rules,
            stays: BTreeMap::new(),
            duals: Duals::default(),
        }
    }

    /// Solves, and again where calls without a berth were held to the last plan.
    fn solve(&mut self, inputs: &Inputs, epoch_us: i64) -> Result<Checked, EngineError> {
        let mut memory = Memory {
            stays: std::mem::take(&mut self.stays),
            ..Memory::default()
        };
        let mut translated = valid(inputs, &mut memory, epoch_us, &self.rules)?;
        let last = translated.last_plan.clone();
        let mut let_off = LetOff::thaw(&mut translated.problem, &last);
        let mut start = without_torn_rotations(&translated.problem, last);
        let budget = Budget::iterations(self.run.iterations);
        let mut iterations = 0;
        for attempt in 1.. {
            let warm = Warm {
                plan: Some(&start),
                duals: Some(&self.duals),
            };
            let solved = solve_warm(&translated.problem, warm, self.run.seed, &budget);
            iterations += solved.answer.statistics.iterations;
            let plan = &solved.answer.plan;
            if attempt == ATTEMPTS || !let_off.let_go(&mut translated.problem, plan) {
                let cost = checked(&translated, &solved)?;
                return Ok(Checked {
                    translated,
                    solved,
                    cost,
                    let_off,
                    iterations,
                });
            }
            start = without_torn_rotations(&translated.problem, solved.answer.plan);
        }
        Err(EngineError::Bug(
            "the attempts to solve have no end".to_owned(),
        ))
    }
}

fn left_out<'a>(
    inputs: &'a Inputs,
    translated: &'a Translated,
) -> impl Iterator<Item = (String, String)> + 'a {
    let visits = translated
        .left_out
        .iter()
        .map(|(row, reason)| (inputs.visits[*row].berth_visit_id.clone(), reason.clone()));
    visits.chain(translated.berths_left_out.iter().cloned())
}

/// A problem without faults: what is at fault is left out.
fn valid(
    inputs: &Inputs,
    memory: &mut Memory,
    epoch_us: i64,
    rules: &BerthRules,
) -> Result<Translated, EngineError> {
    loop {
        let translated = translate(inputs, memory, epoch_us, rules);
        let faults = validate::validate(&translated.problem);
        let before = memory.refused.len();
        for fault in &faults {
            if let Some(visit_id) = fault.object.strip_prefix("call ") {
                let message = fault.message.clone();
                memory.refused.insert(visit_id.to_owned(), message);
            }
        }
        match faults.first() {
            None => return Ok(translated),
            Some(_) if memory.refused.len() > before => {}
            Some(fault) => {
                return Err(EngineError::Bug(format!(
                    "the berth problem made of its inputs and settings has a fault: {fault}"
                )));
            }
        }
    }
}

/// A plan without the stays of barges that have a call without a stay, so that all their calls are placed anew in their
/// order. What is held stays.
fn without_torn_rotations(problem: &BerthProblem, mut plan: BerthPlan) -> BerthPlan {
    let mut is_kept = vec![true; problem.calls.len()];
    for rotation in &problem.rotations {
        let calls = &rotation.calls;
        let has_stay = |call: &usize| plan.stay_of(*call).is_some();
        if !calls.iter().all(has_stay) {
            for call in calls {
                is_kept[*call] = hold_of(problem, &problem.calls[*call]).is_fixed();
            }
        }
    }
    plan.stays.retain(|stay| is_kept[stay.call]);
    plan.unassigned.clear();
    plan
}

/// The independent checker's price of the plan; a plan that breaks a rule, or whose value is another, is not published.
fn checked(translated: &Translated, solved: &Solved) -> Result<berth::PlanCost, EngineError> {
    let infeasible = |violations: String| EngineError::Infeasible {
        planner: PLANNER,
        violations,
    };
    let answer = &solved.answer;
    let cost = berth::check(&translated.problem, &answer.plan).map_err(|violations| {
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
    Ok(cost)
}

/// The stays of this plan, for the next.
fn stays(checked: &Checked, epoch_us: i64) -> BTreeMap<String, LastStay> {
    let problem = &checked.translated.problem;
    let stays = checked.solved.answer.plan.stays.iter();
    stays
        .map(|stay| {
            let last = LastStay {
                berth_id: problem.berths[stay.berth].id.clone(),
                from_m: stay.from_m,
                start_us: instant_us(epoch_us, stay.start_min),
                end_us: instant_us(epoch_us, stay.end_min),
            };
            (problem.calls[stay.call].id.clone(), last)
        })
        .collect()
}
