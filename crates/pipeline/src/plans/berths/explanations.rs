//! Why a berth plan is as it is, as records: what binds each stay, its price term by term, the runner-up; for a visit without
//! a berth what stands in its way; for a change what made it.

use std::collections::BTreeMap;

use domain::berth::{BerthPlan, Cost};
use events::v1;
use optimise::berth::explain::{Conflict, Explanation, StayExplanation, explain};

use super::holds::LetOff;
use super::records::Frame;
use super::translate::Translated;
use super::words;
use crate::plans::terms;

/// A plan explained.
pub struct Explained {
    /// By visit.
    pub explanations: BTreeMap<String, v1::PlanExplanation>,
    /// Why the stay of a visit is not that of the last plan, by visit.
    pub whys: BTreeMap<String, String>,
}

/// Explains a plan that has passed the checker.
pub fn explained(
    frame: &Frame<'_>,
    translated: &Translated,
    plan: &BerthPlan,
    let_off: &LetOff,
) -> Explained {
    let problem = frame.problem;
    let found: Explanation = explain(problem, plan);
    let mut explained = Explained {
        explanations: BTreeMap::new(),
        whys: BTreeMap::new(),
    };
    let mut add = |explanation: v1::PlanExplanation| {
        let object = explanation.object_id.clone();
        if !object.is_empty() {
            explained.explanations.entry(object).or_insert(explanation);
        }
    };
    for stay in &found.stays {
        add(of_stay(frame, stay));
    }
    for conflict in &found.conflicts {
        add(of_conflict(frame, conflict));
    }
    for (row, reason) in &translated.left_out {
        let visit_id = &frame.inputs.visits[*row].berth_visit_id;
        add(v1::PlanExplanation {
            binding_constraint: "it cannot be planned".to_owned(),
            conflicting: vec![reason.clone()],
            is_smallest: true,
            ..blank(frame, visit_id)
        });
    }
    for change in &found.changes {
        let id = problem.calls[change.call].id.clone();
        explained.whys.insert(id, change.reason.describe(problem));
    }
    for call in 0..problem.calls.len() {
        if let Some(why) = let_off.why(problem, plan, call) {
            let id = problem.calls[call].id.clone();
            explained.whys.insert(id, why);
        }
    }
    explained
}

fn blank(frame: &Frame<'_>, visit_id: &str) -> v1::PlanExplanation {
    v1::PlanExplanation {
        planner: super::PLANNER.to_owned(),
        plan_seq: frame.plan_seq,
        object_id: visit_id.to_owned(),
        ..v1::PlanExplanation::default()
    }
}

fn of_stay(frame: &Frame<'_>, stay: &StayExplanation) -> v1::PlanExplanation {
    let problem = frame.problem;
    let call = &problem.calls[stay.call];
    let runner_up = stay.runner_up.as_ref();
    v1::PlanExplanation {
        binding_constraint: stay.binding.describe(problem, stay.call),
        cost_terms: cost_terms(&stay.cost),
        runner_up: runner_up
            .map(|other| words::stay(problem, &other.stay, frame.epoch_us))
            .unwrap_or_default(),
        runner_up_price: runner_up.map_or(0, |other| other.extra_cost),
        ..blank(frame, &call.id)
    }
}

fn cost_terms(cost: &Cost) -> Vec<v1::Cell> {
    terms(&[
        ("in_port", cost.in_port),
        ("late", cost.late),
        ("place", cost.place),
        ("cranes", cost.cranes),
        ("window", cost.window),
        ("change", cost.change),
        ("unassigned", cost.unassigned),
    ])
}

fn of_conflict(frame: &Frame<'_>, conflict: &Conflict) -> v1::PlanExplanation {
    let problem = frame.problem;
    let call = &problem.calls[conflict.call];
    let rules = conflict.rules.iter();
    let rules: Vec<String> = rules.map(|rule| rule.name().to_owned()).collect();
    let calls = conflict.calls.iter();
    let calls: Vec<String> = calls
        .map(|call| format!("the stay of {}", problem.calls[*call].id))
        .collect();
    let (binding, remedies) = if conflict.is_price {
        let price = call.unassigned_price;
        (
            "every free place costs more than leaving it out",
            vec![format!("a price above {price} for leaving it out")],
        )
    } else if rules.is_empty() {
        ("kept out by other stays", without(&calls))
    } else {
        ("forbidden everywhere", without(&rules))
    };
    v1::PlanExplanation {
        binding_constraint: binding.to_owned(),
        cost_terms: terms(&[("unassigned", call.unassigned_price)]),
        conflicting: rules.into_iter().chain(calls).collect(),
        is_smallest: conflict.is_smallest,
        remedies,
        ..blank(frame, &call.id)
    }
}

fn without(parts: &[String]) -> Vec<String> {
    parts
        .iter()
        .map(|part| format!("without: {part}"))
        .collect()
}
