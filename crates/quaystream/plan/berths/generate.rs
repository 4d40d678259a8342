//! `quaystream plan berths --generate COUNT --seed FIRST`: generated ports with all rules, and how often each rule binds.

use super::super::clock::{calibration_s, thread_cpu_s};
use super::super::limit::LimitArgs;
use super::super::table::Table;
use super::crossing::must_cross;
use super::error::PlanError;
use super::run::as_text;
use domain::berth::{BerthPlan, BerthProblem, Layout, Lock, PlanCost, Rule, check};
use optimise::answer::Answer;
use optimise::berth::generate::{Size, port};
use optimise::berth::{Warm, solve, solve_warm};
use optimise::budget::Budget;
use std::fmt::Write;

/// Iterations for a plan without one of the rules.
const RELAXED_ITERATIONS: u64 = 2_000;

/// Seed of the searches, the same for every port.
const SEARCH: u64 = 1;

/// Takes a rule out of a problem.
type Relax = fn(&mut BerthProblem);

/// Rules that can be left out of a problem, to see whether its plan then breaks them.
const RULES: [(Rule, Relax); 15] = [
    (Rule::Overlap, no_gap),
    (Rule::Departure, |problem| {
        problem
            .calls
            .iter_mut()
            .for_each(|call| call.latest_departure_min = None)
    }),
    (Rule::Handling, |problem| {
        problem
            .cranes
            .iter_mut()
            .for_each(|crane| crane.outages.clear())
    }),
    (Rule::Draught, |problem| {
        problem
            .calls
            .iter_mut()
            .for_each(|call| call.draught_cm = -10_000)
    }),
    (Rule::AirDraught, |problem| {
        problem
            .berths
            .iter_mut()
            .for_each(|berth| berth.air_clearance_cm = None)
    }),
    (Rule::TrafficStop, |problem| problem.water.stop_cm = None),
    (Rule::Cones, |problem| {
        problem.calls.iter_mut().for_each(|call| call.cones = 0)
    }),
    (Rule::Closures, no_closures),
    (Rule::Contract, |problem| problem.reservations.clear()),
    (Rule::Rotation, |problem| problem.rotations.clear()),
    (Rule::Lock, |problem| {
        problem
            .calls
            .iter_mut()
            .for_each(|call| call.lock = Lock::default())
    }),
    (Rule::Order, |problem| problem.orders.clear()),
    (Rule::CraneWork, |problem| {
        for crane in &mut problem.cranes {
            (crane.reach_from_m, crane.reach_to_m) = (0, FAR_M);
        }
    }),
    (Rule::CraneCrossing, |problem| {
        problem
            .cranes
            .iter_mut()
            .for_each(|crane| crane.rail_order = 0)
    }),
    (Rule::Frozen, |problem| {
        (problem.frozen_until_min, problem.slushy_until_min) = (LONG_AGO_MIN, LONG_AGO_MIN);
    }),
];

/// Beyond every quay.
const FAR_M: i64 = 10_000;
/// Before every stay.
const LONG_AGO_MIN: i64 = -10_000;

fn no_gap(problem: &mut BerthProblem) {
    for berth in &mut problem.berths {
        if let Layout::ByMetre { gap_m, .. } = &mut berth.layout {
            *gap_m = 0;
        }
    }
}

fn no_closures(problem: &mut BerthProblem) {
    for berth in &mut problem.berths {
        berth.closures.clear();
        berth.open.clear();
    }
}

/// Solves so many ports from the one that the seed names and renders the tables.
pub fn generate(count: u64, limit: &LimitArgs, explain: bool) -> Result<String, PlanError> {
    let mut table = Table::new(&[
        "port",
        "calls",
        "fcfs",
        "value",
        "bound",
        "certified%",
        "unassigned",
        "proved",
        "cpu s",
    ]);
    let (mut gaps, mut plans) = (Vec::new(), String::new());
    let mut binding = [0_u64; RULES.len()];
    let mut fcfs_percent = Vec::new();
    for seed in limit.seed..limit.seed.saturating_add(count) {
        let problem = port(seed, Size::port(seed));
        let first_come = solve(&problem, None, SEARCH, &Budget::iterations(0));
        let start_s = thread_cpu_s();
        let deadline = limit.deadline();
        let answer = solve_warm(&problem, Warm::default(), SEARCH, &limit.budget(&deadline)).answer;
        let seconds = thread_cpu_s() - start_s;
        let cost = verify(&problem, &answer)?;
        if explain {
            let _ = writeln!(plans, "port {seed}");
            plans.push_str(&as_text(&problem, &answer, &cost, seconds, explain));
            plans.push('\n');
        }
        table.row([
            seed.to_string(),
            problem.calls.len().to_string(),
            first_come.value.to_string(),
            answer.value.to_string(),
            answer.bound.to_string(),
            format!("{:.2}", 100.0 * answer.gap()),
            answer.plan.unassigned.len().to_string(),
            if answer.is_proved() { "yes" } else { "no" }.to_owned(),
            format!("{seconds:.2}"),
        ]);
        gaps.push(100.0 * answer.gap());
        fcfs_percent.push(100.0 * (first_come.value - answer.value) as f64 / answer.value as f64);
        for ((rule, relax), count) in RULES.iter().zip(&mut binding) {
            *count += u64::from(binds(&problem, *rule, *relax));
        }
    }
    gaps.sort_by(f64::total_cmp);
    fcfs_percent.sort_by(f64::total_cmp);
    let mut text = format!(
        "{plans}calibration kernel: {:.3} cpu s\n{}",
        calibration_s(),
        table.render()
    );
    let middle = gaps.len() / 2;
    let last = gaps.len().saturating_sub(1);
    let _ = writeln!(
        text,
        "certified gap: median {:.2} %, max {:.2} %; first come first served costs {:.1} % more (median)",
        gaps.get(middle).unwrap_or(&0.0),
        gaps.get(last).unwrap_or(&0.0),
        fcfs_percent.get(middle).unwrap_or(&0.0),
    );
    let counts = RULES
        .iter()
        .zip(&binding)
        .map(|((rule, _), count)| format!("\n  {count:>3} {rule}"));
    let counts: Vec<String> = counts.collect();
    let _ = writeln!(
        text,
        "ports whose plan breaks a rule that is left out:{}",
        counts.concat()
    );
    Ok(text)
}

/// True if the plan made without a rule breaks it. Without the rule of crossing nobody cares which crane works where, so then
/// every other choice of cranes must break it too.
fn binds(problem: &BerthProblem, rule: Rule, relax: Relax) -> bool {
    let mut relaxed = problem.clone();
    relax(&mut relaxed);
    let budget = Budget::iterations(RELAXED_ITERATIONS);
    let plan = solve(&relaxed, None, SEARCH, &budget).plan;
    let broken = check(problem, &plan).err().unwrap_or_default();
    broken.iter().any(|violation| violation.rule == rule)
        && (rule != Rule::CraneCrossing || must_cross(problem, &plan))
}

/// The checker accepts the plan and counts what the solver says.
pub fn verify(problem: &BerthProblem, answer: &Answer<BerthPlan>) -> Result<PlanCost, PlanError> {
    let cost = check(problem, &answer.plan).map_err(PlanError::Violations)?;
    if cost.total() == answer.value && answer.bound <= answer.value {
        return Ok(cost);
    }
    Err(PlanError::Inconsistent {
        value: answer.value,
        bound: answer.bound,
        checked: cost.total(),
    })
}
