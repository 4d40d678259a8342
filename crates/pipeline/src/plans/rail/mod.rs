//! Rail-slot plans: rows to a problem ([`inputs`], [`translate()`]), how far trains may be booked beyond their room
//! ([`shows`]), the solver, the checker, the loads of trains that close soon ([`wagons`], [`loads`]), the plan as records
//! ([`records`]), and why it is so ([`explanations`]).

mod explanations;
mod give_way;
mod inputs;
mod loads;
mod records;
mod rules;
mod saved;
mod shows;
mod translate;
mod wagons;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::rail::{self, RailPlan};
use events::internal::PlannerState;
use events::{DecodeError, v1};
use optimise::answer::Answer;
use optimise::budget::Budget;
use optimise::rail::Warm;
use optimise::rail::overbook::{Overbooked, plan_overbooked};

use self::inputs::Inputs;
use self::loads::Loads;
pub use self::rules::RailRules;
use self::shows::Shows;
use self::translate::{Translated, translate};
pub use self::wagons::is_known as is_known_wagon;
use super::published::{Published, Publisher, Run};
use super::{Planned, Planner, PlannerRun, ReadInput};
use crate::error::EngineError;
use crate::settings::Topics;

/// Name of the planner in its records.
pub const PLANNER: &str = "rail";

/// Plans of one run at most: one, and one each time that a load has taught something.
const ROUNDS: usize = 3;

/// Repeats of a plan whose trains are booked too boldly, each with a part of the budget.
const REPEATS: u64 = 4;

/// Makes rail-slot plans.
#[derive(Debug)]
pub struct RailPlanner {
    run: PlannerRun,
    rules: RailRules,
    warm: Option<Warm>,
    /// The path of each unit in the last plan.
    paths: BTreeMap<String, Vec<String>>,
    publisher: Publisher<v1::RailSlotPlan>,
    loads: Loads,
    published_loads: Published<v1::TrainLoad>,
}

/// A plan that has passed the checker, and what it was made with.
struct Solved {
    booked: Overbooked,
    /// How often each unit shows up, thousandths.
    permille: BTreeMap<String, i64>,
    iterations: u64,
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
        let inputs = Inputs::read(read, &self.run.inputs)?;
        if inputs.units.is_empty() && self.publisher.is_empty() {
            return Ok(None);
        }
        let mut translated = translate(&inputs, &self.paths, planned_at_us, &self.rules);
        self.publisher.tell(left_out(&inputs, &translated));
        let solved = self.solve(&inputs, &mut translated)?;
        let plain = std::mem::replace(&mut translated.problem, solved.booked.problem);
        let answer = solved.booked.answer;
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
            iterations: solved.iterations,
            assigned: answer.plan.assignments.len(),
            unassigned: answer.plan.rolled_over.len() + translated.left_out.len(),
            rows: frame.rows(&answer.plan),
            whys: BTreeMap::new(),
            explanations: explanations::explained(
                &frame,
                &answer.plan,
                self.rules.give_way_units_max,
            ),
        };
        let mut planned = self.publisher.publish(run, topics);
        let load_frame = loads::Frame {
            plan_seq,
            planned_at_us,
            inputs: &inputs,
            problem: &translated.problem,
            plain: &plain,
            plan: &answer.plan,
            overbooked: &solved.booked.trains,
        };
        let shows = |unit: &str| solved.permille.get(unit).copied().unwrap_or(1000);
        let rows = self.loads.rows(&load_frame, &shows);
        let loads = &mut self.published_loads;
        planned
            .records
            .extend(loads.write(&topics.train_loads, "", &rows, loads::is_same));
        let paths = answer.plan.assignments.iter();
        self.paths = paths
            .map(|unit| (unit.unit.clone(), unit.legs.clone()))
            .collect();
        self.warm = Some(solved.booked.warm);
        Ok(Some(planned))
    }

    fn save(&self, state: &mut PlannerState) {
        self.save_memory(state);
    }

    fn restore(&mut self, state: PlannerState) -> Result<(), DecodeError> {
        self.restore_memory(state)
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
            loads: Loads::default(),
            published_loads: Published::default(),
        }
    }

    /// Plans, loads what closes soon, and plans again where a load cannot stand.
    fn solve(
        &mut self,
        inputs: &Inputs,
        translated: &mut Translated,
    ) -> Result<Solved, EngineError> {
        let shows = Shows::new(inputs);
        let rows = translated.rows.iter().map(|row| &inputs.units[*row]);
        let units = translated.problem.units.iter().zip(rows);
        let permille: BTreeMap<String, i64> = units
            .map(|(unit, row)| (unit.id.clone(), shows.permille(row, &self.rules)))
            .collect();
        let of_unit = |unit: &rail::Unit| permille.get(&unit.id).copied().unwrap_or(1000);
        let confidence_permille = self.rules.overbooking_confidence_permille;
        let is_sure = confidence_permille >= 1000 || permille.values().all(|&shows| shows >= 1000);
        let problem = &mut translated.problem;
        self.loads.foresee(inputs, problem, &self.rules, is_sure);
        let mut budgets = vec![Budget::iterations(self.run.iterations)];
        let repeat = || Budget::iterations(self.run.iterations / REPEATS);
        budgets.extend((0..REPEATS).map(|_| repeat()));
        let mut warm = self.warm.take();
        let mut iterations = 0;
        for round in 1.. {
            let booked = plan_overbooked(
                &translated.problem,
                &of_unit,
                confidence_permille,
                warm.as_ref(),
                self.run.seed,
                if round == 1 { &budgets } else { &budgets[1..] },
            );
            iterations += booked.answer.statistics.iterations;
            let has_learned = self.loads.load(
                inputs,
                &booked.problem,
                &booked.answer.plan,
                &booked.trains,
                &self.rules,
                self.run.seed,
            )?;
            if round == ROUNDS || !has_learned {
                return Ok(Solved {
                    booked,
                    permille,
                    iterations,
                });
            }
            translated.problem.load_cuts = self.loads.cuts(&translated.problem);
            warm = Some(booked.warm);
        }
        Err(EngineError::Bug(
            "the rounds of planning have no end".to_owned(),
        ))
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
