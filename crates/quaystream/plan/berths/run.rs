//! Solves one file and prints what came out.

use super::super::clock::{CpuDeadline, thread_cpu_s};
use super::super::table::Table;
use super::error::PlanError;
use super::{Args, Format, Output, bench, convert, gantt, generate, json, scale, warm, week};
use domain::berth::{BerthPlan, BerthProblem, PlanCost, Stay, check, hours, validate::validate};
use optimise::answer::Answer;
use optimise::berth::explain::{StayExplanation, explain};
use optimise::berth::{Warm, solve_warm, text};
use std::fmt::Write;
use std::path::Path;

/// Runs the command; the text is what it prints.
pub fn run(args: &Args) -> Result<String, PlanError> {
    if let Some(dir) = &args.bench {
        return match args.warm {
            true => warm::warm(dir, args.limit.seed),
            false => bench::bench(dir, &args.limit, args.runs),
        };
    }
    if let Some(count) = args.generate {
        return generate::generate(count, &args.limit, args.explain);
    }
    if args.scale {
        return scale::scale(&args.limit);
    }
    if let Some(seeds) = args.week {
        return week::week(seeds, &args.limit, args.runs);
    }
    let Some(path) = &args.file else {
        return Err(PlanError::NoFile);
    };
    let problem = read(path, args.format)?;
    let start_s = thread_cpu_s();
    let deadline: CpuDeadline = args.limit.deadline();
    let solved = solve_warm(
        &problem,
        Warm::default(),
        args.limit.seed,
        &args.limit.budget(&deadline),
    );
    let seconds = thread_cpu_s() - start_s;
    let answer = solved.answer;
    let cost = generate::verify(&problem, &answer)?;
    match args.out {
        Output::Text => Ok(as_text(&problem, &answer, &cost, seconds, args.explain)),
        Output::Json => as_json(&problem, &answer, &cost, seconds),
    }
}

/// Checks a plan file (the object of `--out json`, or its `plan` alone) against a problem file.
pub fn check_files(
    problem: &Path,
    format: Option<Format>,
    plan: &Path,
) -> Result<String, PlanError> {
    let problem = read(problem, format)?;
    let content = std::fs::read_to_string(plan).map_err(|source| PlanError::read(plan, source))?;
    let mut value: serde_json::Value = serde_json::from_str(&content)
        .map_err(|error| PlanError::bad_json(plan, &content, &error))?;
    if let Some(inner) = value.get_mut("plan") {
        value = inner.take();
    }
    let file: json::Plan =
        serde_json::from_value(value).map_err(|error| PlanError::bad(plan, error))?;
    let plan = convert::plan_in(&problem, &file).map_err(|error| PlanError::bad(plan, error))?;
    let cost = check(&problem, &plan).map_err(PlanError::Violations)?;
    Ok(format!(
        "the plan keeps every rule and costs {}\n{}",
        cost.total(),
        terms(&cost)
    ))
}

/// Reads a problem and checks that it makes sense.
pub fn read(path: &Path, format: Option<Format>) -> Result<BerthProblem, PlanError> {
    let content = std::fs::read_to_string(path).map_err(|source| PlanError::read(path, source))?;
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    let format = format.unwrap_or(if is_json { Format::Json } else { Format::Dbap });
    let problem = match format {
        Format::Dbap => text::read(&content).map_err(|error| PlanError::bad(path, error))?,
        Format::Json => {
            let file: json::Problem = serde_json::from_str(&content)
                .map_err(|error| PlanError::bad_json(path, &content, &error))?;
            convert::problem(&file).map_err(|error| PlanError::bad(path, error))?
        }
    };
    let faults = validate(&problem);
    if faults.is_empty() {
        Ok(problem)
    } else {
        Err(PlanError::faults(path, &content, &faults))
    }
}

/// The plan as a chart, its figures, and if asked why it is as it is.
pub fn as_text(
    problem: &BerthProblem,
    answer: &Answer<BerthPlan>,
    cost: &PlanCost,
    seconds: f64,
    is_explained: bool,
) -> String {
    let mut text = gantt::render(problem, &answer.plan);
    let _ = writeln!(
        text,
        "\nvalue {}  bound {}  gap {:.3} %  {}  {seconds:.3} cpu s  {} iterations",
        answer.value,
        answer.bound,
        100.0 * answer.gap(),
        if answer.is_proved() {
            "proved optimal"
        } else {
            "not proved"
        },
        answer.statistics.iterations,
    );
    text.push_str(&terms(cost));
    if is_explained {
        text.push('\n');
        text.push_str(&explanations(problem, &answer.plan));
    }
    text
}

fn terms(cost: &PlanCost) -> String {
    let used = cost
        .sum
        .terms()
        .into_iter()
        .filter(|(_, value)| *value != 0);
    let used: Vec<String> = used
        .map(|(name, value)| format!("{} {value}", name.replace('_', " ")))
        .collect();
    format!("of which {}\n", used.join(", "))
}

fn explanations(problem: &BerthProblem, plan: &BerthPlan) -> String {
    let mut table = Table::new(&[
        "call",
        "berth",
        "metres",
        "cranes",
        "start h",
        "end h",
        "cost",
        "why not earlier",
        "best elsewhere",
        "costs more",
    ]);
    let explained = explain(problem, plan);
    let berth = |stay: &Stay| problem.berths[stay.berth].id.clone();
    let with_stay = explained.stays.iter().zip(&plan.stays);
    let mut rows: Vec<(&StayExplanation, &Stay)> = with_stay.collect();
    rows.sort_by_key(|(_, stay)| (stay.berth, stay.start_min, stay.from_m));
    for (explanation, stay) in rows {
        let call = &problem.calls[stay.call];
        let cranes = stay.cranes.iter().map(|crane| &*problem.cranes[*crane].id);
        let cranes: Vec<&str> = cranes.collect();
        let (elsewhere, extra) = match &explanation.runner_up {
            Some(other) => (
                format!(
                    "{} at {} h",
                    berth(&other.stay),
                    hours(other.stay.start_min)
                ),
                format!("{:+}", other.extra_cost),
            ),
            None => ("nowhere".to_owned(), String::new()),
        };
        table.row([
            call.id.clone(),
            berth(stay),
            format!("{}-{}", stay.from_m, stay.from_m + call.length_m),
            cranes.join(" "),
            hours(stay.start_min),
            hours(stay.end_min),
            explanation.cost.total().to_string(),
            explanation.binding.describe(problem, stay.call),
            elsewhere,
            extra,
        ]);
    }
    let mut text = table.render();
    for change in &explained.changes {
        let _ = writeln!(text, "changed: {}", change.describe(problem));
    }
    for conflict in &explained.conflicts {
        let _ = writeln!(text, "without a stay: {}", conflict.describe(problem));
    }
    text
}

#[derive(serde::Serialize)]
struct Report {
    version: u32,
    value: i64,
    bound: i64,
    gap: f64,
    proved: bool,
    seconds: f64,
    iterations: u64,
    value_without_change: i64,
    terms: std::collections::BTreeMap<&'static str, i64>,
    bound_iterations: u64,
    nodes: u64,
    plan: json::Plan,
}

fn as_json(
    problem: &BerthProblem,
    answer: &Answer<BerthPlan>,
    cost: &PlanCost,
    seconds: f64,
) -> Result<String, PlanError> {
    let report = Report {
        version: json::VERSION,
        value: answer.value,
        bound: answer.bound,
        gap: answer.gap(),
        proved: answer.is_proved(),
        seconds,
        iterations: answer.statistics.iterations,
        value_without_change: cost.sum.without_change(),
        terms: cost.sum.terms().into_iter().collect(),
        bound_iterations: answer.statistics.bound_iterations,
        nodes: answer.statistics.nodes,
        plan: convert::plan_out(problem, &answer.plan),
    };
    let mut text = serde_json::to_string_pretty(&report).map_err(PlanError::Json)?;
    text.push('\n');
    Ok(text)
}
