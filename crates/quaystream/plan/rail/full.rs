//! Full-rule instances.

use std::collections::BTreeMap;
use std::path::Path;

use domain::rail::wagons::{self, Loading, Placed};
use domain::rail::{
    Assigned, Cost, RailPlan, RailProblem, RolledOver, RolledOverReason, Unit, check,
};
use optimise::answer::Answer;
use optimise::budget::Budget;
use optimise::rail::explain::{Alternative, Explainer};
use optimise::rail::load::teach::{Loaded, aboard, plan_and_load};
use optimise::rail::overbook::{Shows, admit};

use super::error::RailError;
use super::given::{self, Given};
use super::json::Instance;
use super::output::{self, Going, OnWagon, Output, Overbooked, Plan, Staying};
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
    let (answer, loads) = if instance.consists.is_empty() && instance.overbooking.is_none() {
        let deadline = args.limit.deadline();
        (
            optimise::rail::solve(problem, None, seed, &args.limit.budget(&deadline)),
            None,
        )
    } else {
        // Half of the time for the first plan, the rest for what loading teaches, or trains booked too boldly.
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
        let loaded = with_shows(instance, |shows| {
            plan_and_load(
                problem,
                &instance.consists,
                shows,
                seed,
                &rounds,
                &Budget::iterations(u64::MAX),
            )
        });
        (loaded.answer.clone(), Some(loaded))
    };
    Planned {
        answer,
        loads,
        seconds: thread_cpu_s() - start_s,
    }
}

/// Does something with what the instance tells of who shows up.
fn with_shows<T>(instance: &Instance, with: impl FnOnce(Option<Shows>) -> T) -> T {
    let Some(rates) = &instance.overbooking else {
        return with(None);
    };
    let permille = |unit: &Unit| rates.of(&unit.id);
    with(Some(Shows {
        permille: &permille,
        confidence_permille: rates.confidence_permille,
    }))
}

/// A plan that keeps every rule, and every risk.
struct Accepted {
    cost: Cost,
    /// Trains booked beyond their room, if the instance asks for that.
    overbooking: Option<Overbooked>,
}

/// Judges a plan by the instance alone: its rules, and the risk of trains that it books beyond their room.
fn judge(instance: &Instance, plan: &RailPlan, file: &Path) -> Result<Accepted, RailError> {
    let problem = &instance.problem;
    let Some(rates) = &instance.overbooking else {
        return Ok(Accepted {
            cost: refuse(problem, plan, file)?,
            overbooking: None,
        });
    };
    let admitted = with_shows(instance, |shows| {
        shows.map(|shows| admit(problem, plan, shows))
    });
    let (room, trains) = admitted.unwrap_or_else(|| (problem.clone(), BTreeMap::new()));
    let written = Overbooked::new(problem, rates, &trains);
    match refuse(&room, plan, file) {
        Ok(cost) => Ok(Accepted {
            cost,
            overbooking: Some(written),
        }),
        Err(RailError::Refused {
            file,
            mut violations,
        }) => {
            violations.extend(draw::risks(&written));
            Err(RailError::Refused { file, violations })
        }
        Err(fault) => Err(fault),
    }
}

/// Checks a plan, and the loadings that come with it, for the instance of a file.
pub fn check_plan(
    file: &Path,
    text: &str,
    (plan_file, plan_text): (&Path, &str),
) -> Result<String, RailError> {
    let instance = json::read(text, file)?;
    let given: Given<Plan> = given::read(plan_file, plan_text)?;
    let plan = read_plan(given.plan);
    let accepted = judge(&instance, &plan, plan_file)?;
    let placed = |places: Vec<OnWagon>| Loading {
        placed: places.into_iter().map(Placed::from).collect(),
    };
    let loadings = given.loads.loadings.into_iter();
    let loadings = loadings
        .map(|(slot, places)| (slot, placed(places)))
        .collect();
    let loaded = refuse_loads(&instance, &plan, &loadings, plan_file)?;
    let overbooked = (accepted.overbooking.as_ref()).map_or(String::new(), |one| {
        draw::overbooking(one, &instance.problem)
    });
    Ok(format!(
        "the plan keeps every rule and costs {}\n{}{overbooked}{loaded}",
        accepted.cost.total(),
        draw::terms(&accepted.cost)
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
    let Accepted { cost, overbooking } = judge(&instance, &answer.plan, file)?;
    if args.explain.is_some() {
        // By what the plan was made for: wagons hold less than slots allow.
        let problem = loads.as_ref().map_or(problem, |loads| &loads.problem);
        return explain(args, problem, &answer.plan, file);
    }
    if let Some(loads) = &loads {
        refuse_loads(&instance, &answer.plan, &loads.loadings, file)?;
    }
    // Without wagons nothing is loaded.
    let loads = loads.filter(|_| !instance.consists.is_empty());
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
            overbooking,
            plan: written(&answer.plan),
        });
    }
    let drawn = draw::full(problem, &answer.plan);
    let loaded = loads.as_ref().map_or(String::new(), draw::loads);
    let overbooked =
        overbooking.map_or(String::new(), |booked| draw::overbooking(&booked, problem));
    Ok(drawn + &loaded + &overbooked + &draw::terms(&cost) + &draw::summary(&answer, seconds))
}

/// Every loading must pass its own checker. Says what was checked.
fn refuse_loads(
    instance: &Instance,
    plan: &RailPlan,
    loadings: &BTreeMap<String, Loading>,
    file: &Path,
) -> Result<String, RailError> {
    let mut violations = Vec::new();
    for (slot, loading) in loadings {
        let Some(consist) = instance.consists.get(slot) else {
            return Err(RailError::Meaning {
                file: file.to_owned(),
                field: format!("loads, train {slot}"),
                reason: "the problem knows no wagons of it; give it a \"consist\" there, or leave the loading out"
                    .to_owned(),
            });
        };
        let aboard = aboard(&instance.problem, plan, slot);
        if let Err(found) = wagons::check(consist, &aboard, loading) {
            violations.extend(found.iter().map(|one| format!("train {slot}, {one}")));
        }
    }
    if !violations.is_empty() {
        return Err(RailError::refused(file, violations));
    }
    let consists = instance.consists.keys();
    let without: Vec<&str> = consists
        .filter(|slot| !loadings.contains_key(*slot))
        .map(String::as_str)
        .collect();
    let mut said = match loadings.len() {
        0 => String::new(),
        1 => "the loading of 1 train keeps every rule\n".to_owned(),
        count => format!("the loadings of {count} trains keep every rule\n"),
    };
    if !without.is_empty() {
        said += &format!("without a loading: {}\n", without.join(", "));
    }
    Ok(said)
}

fn refuse(problem: &RailProblem, plan: &RailPlan, file: &Path) -> Result<Cost, RailError> {
    check(problem, plan).map_err(|violations| {
        let violations = violations.iter().map(ToString::to_string);
        RailError::refused(file, violations.collect())
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
fn read_plan(plan: Plan) -> RailPlan {
    let going = plan.assignments.into_iter().map(|going| Assigned {
        unit: going.unit,
        legs: going.legs,
    });
    let staying = plan.rolled_over.into_iter().map(|staying| RolledOver {
        unit: staying.unit,
        reason: RolledOverReason::Dearer,
    });
    RailPlan {
        assignments: going.collect(),
        rolled_over: staying.collect(),
    }
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
            reason: stays.map_or("", |stays| stays.reason.code()).to_owned(),
            taken: output::Way::new(&explained.taken, None),
            others: others.collect(),
        });
    }
    let reason = stays.map_or(String::new(), |stays| {
        format!(" ({})", stays.reason.words())
    });
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
