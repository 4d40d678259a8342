//! Full-rule instances.

use std::path::Path;

use domain::rail::{Assigned, RailPlan, RailProblem, RolledOver, RolledOverReason, check, wagons};
use optimise::answer::Answer;
use optimise::budget::Budget;
use optimise::rail::explain::{Alternative, Explainer};
use optimise::rail::load::teach::{Loaded, aboard, plan_and_load};

use super::error::{self, RailError};
use super::json::Instance;
use super::output::{self, Given, Going, Output, Plan, Staying};
use super::{Args, Out, draw, json};
use crate::plan::clock::{CpuDeadline, thread_cpu_s};
use crate::plan::limit::SECONDS_DEFAULT;

/// At most so many alternatives are printed.
const ALTERNATIVES: usize = 8;

/// At most so many times level 1 plans again for what loading teaches it.
const LOAD_ROUNDS: u32 = 40;

/// A plan with the loadings of the trains whose wagons are known.
struct Planned {
    answer: Answer<RailPlan>,
    loads: Option<Loaded>,
    seconds: f64,
}

fn solve(args: &Args, instance: &Instance) -> Planned {
    let start_s = thread_cpu_s();
    let (problem, seed) = (&instance.problem, args.limit.seed);
    let (answer, loads) = if instance.consists.is_empty() {
        let deadline = args.limit.deadline();
        (
            optimise::rail::solve(problem, None, seed, &args.limit.budget(&deadline)),
            None,
        )
    } else {
        // Half of the time for the first plan, the rest for what loading teaches.
        let seconds =
            args.limit
                .seconds
                .or(args.limit.iterations.is_none().then_some(SECONDS_DEFAULT));
        let ends =
            (0..LOAD_ROUNDS).map(|round| 0.5 + 0.5 * f64::from(round) / f64::from(LOAD_ROUNDS));
        let deadlines: Vec<CpuDeadline> = ends
            .map(|part| CpuDeadline::after(seconds.map(|seconds| seconds * part)))
            .collect();
        let rounds: Vec<Budget> = deadlines
            .iter()
            .map(|deadline| args.limit.budget(deadline))
            .collect();
        let loaded = plan_and_load(
            problem,
            &instance.consists,
            seed,
            &rounds,
            &Budget::iterations(u64::MAX),
        );
        (loaded.answer.clone(), Some(loaded))
    };
    Planned {
        answer,
        loads,
        seconds: thread_cpu_s() - start_s,
    }
}

/// Checks a plan for the instance of a file.
pub fn check_plan(file: &Path, text: &str, plan: &Path) -> Result<String, RailError> {
    let instance = json::read(text, file)?;
    let cost = refuse(&instance.problem, &read_plan(plan)?, plan)?;
    Ok(format!(
        "the plan keeps every rule and costs {}\n{}",
        cost.total(),
        draw::terms(&cost)
    ))
}

/// Solves or explains the instance of a file.
pub fn run(args: &Args, file: &Path, text: &str) -> Result<String, RailError> {
    let instance = json::read(text, file)?;
    let problem = &instance.problem;
    let Planned {
        answer,
        loads,
        seconds,
    } = solve(args, &instance);
    let cost = refuse(problem, &answer.plan, file)?;
    if args.explain.is_some() {
        // By what the plan was made for: wagons hold less than slots allow.
        let problem = loads.as_ref().map_or(problem, |loads| &loads.problem);
        return explain(args, problem, &answer.plan, file);
    }
    if let Some(loads) = &loads {
        refuse_loads(&instance, &answer.plan, loads, file)?;
    }
    if args.out == Some(Out::Json) {
        return output::text(&Output {
            version: 1,
            value: answer.value,
            bound: answer.bound,
            gap: answer.gap(),
            proved: answer.is_proved(),
            seconds,
            iterations: answer.statistics.iterations,
            cost: Some(cost.into()),
            loads: loads.as_ref().map(output::Loads::from),
            plan: written(&answer.plan),
        });
    }
    let drawn = draw::full(problem, &answer.plan);
    let loaded = loads.as_ref().map_or(String::new(), draw::loads);
    Ok(drawn + &loaded + &draw::terms(&cost) + &draw::summary(&answer, seconds))
}

/// Every loading must pass its own checker.
fn refuse_loads(
    instance: &Instance,
    plan: &RailPlan,
    loads: &Loaded,
    file: &Path,
) -> Result<(), RailError> {
    for (slot, loading) in &loads.loadings {
        let Some(consist) = instance.consists.get(slot) else {
            continue;
        };
        let aboard = aboard(&instance.problem, plan, slot);
        wagons::check(consist, &aboard, loading).map_err(|violations| RailError::Refused {
            file: file.to_owned(),
            violations: violations
                .iter()
                .map(|violation| format!("train {slot}: {violation:?}"))
                .collect(),
        })?;
    }
    Ok(())
}

fn refuse(
    problem: &RailProblem,
    plan: &RailPlan,
    file: &Path,
) -> Result<domain::rail::Cost, RailError> {
    check(problem, plan).map_err(|violations| RailError::Refused {
        file: file.to_owned(),
        violations: violations.iter().map(ToString::to_string).collect(),
    })
}

fn written(plan: &RailPlan) -> Plan {
    let going = plan.assignments.iter().map(|assigned| Going {
        unit: assigned.unit.clone(),
        legs: assigned.legs.clone(),
    });
    let staying = plan.rolled_over.iter().map(|stays| Staying {
        unit: stays.unit.clone(),
        reason: stays.reason.code().to_owned(),
    });
    Plan {
        assignments: going.collect(),
        rolled_over: staying.collect(),
    }
}

/// A plan to check. Reasons are not checked.
fn read_plan(file: &Path) -> Result<RailPlan, RailError> {
    let text = error::read(file)?;
    let given: Given<Plan> = serde_json::from_str(&text).map_err(|source| RailError::Json {
        file: file.to_owned(),
        source,
    })?;
    let plan = given.plan();
    let going = plan.assignments.into_iter().map(|going| Assigned {
        unit: going.unit,
        legs: going.legs,
    });
    let staying = plan.rolled_over.into_iter().map(|staying| RolledOver {
        unit: staying.unit,
        reason: RolledOverReason::Dearer,
    });
    Ok(RailPlan {
        assignments: going.collect(),
        rolled_over: staying.collect(),
    })
}

fn explain(
    args: &Args,
    problem: &RailProblem,
    plan: &RailPlan,
    file: &Path,
) -> Result<String, RailError> {
    let unit = args.explain.as_deref().unwrap_or_default();
    let explainer = Explainer::new(problem, plan);
    let explained = explainer.explain(unit, ALTERNATIVES);
    let explained = explained.ok_or_else(|| RailError::Meaning {
        file: file.to_owned(),
        field: format!("unit {unit}"),
        reason: "no such unit".to_owned(),
    })?;
    let stays = plan.rolled_over.iter().find(|stays| stays.unit == unit);
    let reason = stays.map_or("", |stays| stays.reason.code());
    let give_way = |other: &Alternative| explainer.give_way(unit, &other.legs);
    let others: Vec<_> = explained
        .others
        .iter()
        .map(|other| (other, give_way(other)))
        .collect();
    if args.out == Some(Out::Json) {
        let others = others
            .iter()
            .map(|(other, gives)| output::Way::new(other, gives.as_ref()));
        return output::text(&output::Explained {
            version: 1,
            unit: unit.to_owned(),
            reason: reason.to_owned(),
            taken: output::Way::new(&explained.taken, None),
            others: others.collect(),
        });
    }
    let reason = stays.map_or(String::new(), |_| format!(" ({reason})"));
    let mut text = format!(
        "unit {unit}\n  taken{reason}: {}\n",
        draw::alternative(&explained.taken)
    );
    for (other, gives) in others {
        text += &format!("  instead: {}\n", draw::alternative(other));
        if let Some(gives) = gives {
            text += &format!("    if {}\n", draw::give_way(&gives));
        }
    }
    Ok(text)
}
