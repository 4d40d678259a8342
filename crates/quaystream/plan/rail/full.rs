//! Full-rule instances.

use std::path::Path;

use domain::rail::{Assigned, RailPlan, RailProblem, RolledOver, RolledOverReason, check};
use optimise::rail::explain::{self, Alternative, Obstacle};

use super::error::{self, RailError};
use super::output::{self, Given, Going, Output, Plan, Staying};
use super::{Args, Out, draw, json};
use crate::plan::clock::thread_cpu_s;

/// At most so many alternatives are printed.
const ALTERNATIVES: usize = 8;

/// Solves, checks or explains the instance of a file.
pub fn run(args: &Args, file: &Path, text: &str) -> Result<String, RailError> {
    let problem = json::read(text, file)?;
    let deadline = args.limit.deadline();
    if let Some(plan) = &args.check {
        let plan = read_plan(plan)?;
        let cost = refuse(&problem, &plan, file)?;
        return Ok(format!(
            "the plan keeps every rule and costs {}\n{}",
            cost.total(),
            draw::terms(&cost)
        ));
    }
    let start_s = thread_cpu_s();
    let budget = args.limit.budget(&deadline);
    let answer = optimise::rail::solve(&problem, None, args.limit.seed, &budget);
    let seconds = thread_cpu_s() - start_s;
    let cost = refuse(&problem, &answer.plan, file)?;
    if let Some(unit) = &args.explain {
        return explain(&problem, &answer.plan, unit, file);
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
            plan: written(&answer.plan),
        });
    }
    let drawn = draw::full(&problem, &answer.plan);
    Ok(drawn + &draw::terms(&cost) + &draw::summary(&answer, seconds))
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
    problem: &RailProblem,
    plan: &RailPlan,
    unit: &str,
    file: &Path,
) -> Result<String, RailError> {
    let explained = explain::explain(problem, plan, unit, ALTERNATIVES);
    let explained = explained.ok_or_else(|| RailError::Meaning {
        file: file.to_owned(),
        field: format!("unit {unit}"),
        reason: "no such unit".to_owned(),
    })?;
    let stays = plan.rolled_over.iter().find(|stays| stays.unit == unit);
    let reason = stays.map_or(String::new(), |stays| format!(" ({})", stays.reason.code()));
    let mut text = format!(
        "unit {unit}\n  taken{reason}: {}\n",
        alternative(&explained.taken)
    );
    for other in &explained.others {
        text += &format!("  instead: {}\n", alternative(other));
    }
    Ok(text)
}

fn alternative(alternative: &Alternative) -> String {
    let legs = match alternative.legs.as_slice() {
        [] => "stays".to_owned(),
        legs => legs.join(" > "),
    };
    let obstacles: Vec<String> = alternative.obstacles.iter().map(obstacle).collect();
    match obstacles.as_slice() {
        [] => format!("{legs} at {}", alternative.price),
        obstacles => format!(
            "{legs} at {}, but {}",
            alternative.price,
            obstacles.join("; ")
        ),
    }
}

fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Breach { train, breach } => format!(
            "{} on {train} (needs {}, allowed {})",
            breach.rule.code(),
            breach.needed,
            breach.allowed
        ),
        Obstacle::Room { train, rule, lack } => format!("{train} lacks {lack} of {}", rule.code()),
    }
}
