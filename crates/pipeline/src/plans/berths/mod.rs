//! Berth plans: rows to a problem ([`inputs`], [`harbour`], [`visits`], [`translate()`]), the solver, the checker, and what
//! changed as records ([`records`]).

mod harbour;
mod inputs;
mod records;
mod rules;
mod translate;
mod visits;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::berth::horizon::hold_of;
use domain::berth::{self, BerthPlan, BerthProblem, Hold, validate};
use events::v1;
use optimise::berth::{Duals, Solved, Warm, solve_warm};
use optimise::budget::Budget;

use self::inputs::Inputs;
pub use self::rules::BerthRules;
use self::translate::{LastStay, Loose, Memory, Translated, translate};
use super::published::Published;
use super::times::{MINUTE_US, instant_us};
use super::{Planned, PlannerRun, ReadInput};
use crate::error::EngineError;
use crate::outcome::PlanReport;
use crate::settings::Topics;

/// Name of the planner in its records.
pub const PLANNER: &str = "berths";

/// Solves of one run at most: one, and one each time that holds are loosened.
const ATTEMPTS: usize = 4;

/// Iterations of the solves that find out which holds can be kept.
const SCOUT_ITERATIONS: u64 = 300;

/// Makes berth plans.
#[derive(Debug)]
pub struct BerthPlanner {
    run: PlannerRun,
    rules: BerthRules,
    plan_seq: u64,
    stays: BTreeMap<String, LastStay>,
    duals: Duals,
    published: Published<v1::BerthPlan>,
    /// Object and reason of every row left out so far that still is, so that it is told once.
    told: BTreeSet<(String, String)>,
}

/// A plan that has passed the checker.
struct Checked {
    translated: Translated,
    solved: Solved,
    cost: berth::PlanCost,
}

impl BerthPlanner {
    /// No plan yet.
    pub fn new(run: PlannerRun, rules: BerthRules) -> Self {
        BerthPlanner {
            run,
            rules,
            plan_seq: 0,
            stays: BTreeMap::new(),
            duals: Duals::default(),
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
        if inputs.berths.is_empty() || (inputs.visits.is_empty() && self.published.is_empty()) {
            return Ok(None);
        }
        let step_us = self.rules.time_step_min.max(1) * MINUTE_US;
        let epoch_us = planned_at_us - planned_at_us.rem_euclid(step_us);
        let checked = self.solve(&inputs, epoch_us)?;
        self.tell(&inputs, &checked.translated);
        self.plan_seq += 1;
        let frame = records::Frame {
            plan_seq: self.plan_seq,
            planned_at_us,
            epoch_us,
            inputs: &inputs,
            problem: &checked.translated.problem,
        };
        let rows = frame.rows(
            &checked.translated,
            &checked.solved.answer.plan,
            &checked.cost,
        );
        let records = self.write(rows, &checked, planned_at_us, topics);
        self.stays = frame_stays(&checked, epoch_us);
        self.duals = checked.solved.duals;
        let answer = &checked.solved.answer;
        Ok(Some(Planned {
            report: PlanReport {
                plan_seq: self.plan_seq,
                planned_at_us,
                assigned: answer.plan.stays.len(),
                unassigned: answer.plan.unassigned.len() + checked.translated.left_out.len(),
                value: answer.value,
                bound: answer.bound,
                changes: records.len().saturating_sub(1),
            },
            records,
        }))
    }

    /// Solves, and again with looser holds where a stay of the last plan cannot be kept.
    fn solve(&mut self, inputs: &Inputs, epoch_us: i64) -> Result<Checked, EngineError> {
        let mut memory = Memory {
            stays: std::mem::take(&mut self.stays),
            ..Memory::default()
        };
        let mut attempt = 0;
        let mut is_last = false;
        let mut last: Option<BerthPlan> = None;
        loop {
            attempt += 1;
            let translated = valid(inputs, &mut memory, epoch_us, &self.rules)?;
            // The calls are the same in every attempt.
            let start = last.take().unwrap_or_else(|| {
                without_torn_rotations(&translated.problem, translated.last_plan.clone())
            });
            let warm = Warm {
                plan: Some(&start),
                duals: Some(&self.duals),
            };
            let iterations = if is_last {
                self.run.iterations
            } else {
                self.run.iterations.min(SCOUT_ITERATIONS)
            };
            let budget = Budget::iterations(iterations);
            let solved = solve_warm(&translated.problem, warm, self.run.seed, &budget);
            if !is_last {
                is_last = !loosen(&translated, &solved, &mut memory) || attempt + 1 >= ATTEMPTS;
                last = Some(without_torn_rotations(
                    &translated.problem,
                    solved.answer.plan,
                ));
                continue;
            }
            let cost = checked(&translated, &solved)?;
            return Ok(Checked {
                translated,
                solved,
                cost,
            });
        }
    }

    fn write(
        &mut self,
        rows: BTreeMap<String, v1::BerthPlan>,
        checked: &Checked,
        planned_at_us: i64,
        topics: &Topics,
    ) -> Vec<crate::log::Outgoing> {
        let changes = self.published.changes(&rows, records::is_same);
        let mut written: Vec<crate::log::Outgoing> = changes
            .iter()
            .map(|change| super::published::record(&topics.berth_plan, change.key, change.after))
            .collect();
        let answer = &checked.solved.answer;
        let delta = v1::PlanDelta {
            planner: PLANNER.to_owned(),
            plan_seq: self.plan_seq,
            planned_at_us,
            value: answer.value,
            bound: answer.bound,
            iterations: answer.statistics.iterations,
            assigned: count(answer.plan.stays.len()),
            unassigned: count(answer.plan.unassigned.len() + checked.translated.left_out.len()),
            changes: changes.iter().map(records::change).collect(),
        };
        let changed = changes
            .iter()
            .map(|change| (change.key.to_owned(), change.after.cloned()))
            .collect();
        self.published.replace(changed);
        written.push(super::published::record(
            &topics.plan_deltas,
            PLANNER,
            Some(&delta),
        ));
        written
    }

    /// Warns once of each row that cannot be planned.
    fn tell(&mut self, inputs: &Inputs, translated: &Translated) {
        let visits = translated
            .left_out
            .iter()
            .map(|(row, reason)| (inputs.visits[*row].berth_visit_id.clone(), reason.clone()));
        let berths = translated.berths_left_out.iter().cloned();
        let told: BTreeSet<(String, String)> = visits.chain(berths).collect();
        for (object, reason) in told.difference(&self.told) {
            tracing::warn!(object, reason, "left out of the berth plan");
        }
        self.told = told;
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
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

/// Lets calls that found no berth off the last plan, and the other calls of their barges with them. False if there is
/// nothing to let off.
fn loosen(translated: &Translated, solved: &Solved, memory: &mut Memory) -> bool {
    let problem = &translated.problem;
    let mut is_loosened = false;
    for left in &solved.answer.plan.unassigned {
        let rotation = problem
            .rotations
            .iter()
            .find(|rotation| rotation.calls.contains(&left.call));
        let fellows = rotation.map_or(&[][..], |rotation| &rotation.calls);
        for call in fellows.iter().chain([&left.call]) {
            let call = &problem.calls[*call];
            let further = match hold_of(problem, call) {
                Hold::Alongside => continue,
                _ if call.previous.is_none() => continue,
                Hold::Frozen => Loose::Time,
                Hold::Slushy | Hold::Free => Loose::All,
            };
            let known = memory.loose.insert(call.id.clone(), further);
            is_loosened |= known != Some(further);
        }
    }
    is_loosened
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
fn frame_stays(checked: &Checked, epoch_us: i64) -> BTreeMap<String, LastStay> {
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
