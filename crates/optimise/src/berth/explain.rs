//! Why a plan is as it is: for each stay what holds it, what it costs and the runner-up; what changed against the last plan;
//! for a call without a stay, what stands in its way.

use super::full;
use domain::berth::{BerthPlan, BerthProblem, Cost, Rule, Stay};

/// What keeps a stay from starting earlier at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// The vessel is not there earlier.
    Released,
    /// A hold or a lock fixes the start.
    Held,
    /// A rule, and the other calls that it concerns.
    Rule(Rule, Vec<usize>),
    /// Nothing: an earlier start would cost more (promised window, last plan).
    Cheapest,
}

/// The cheapest stay at another berth, everyone else where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerUp {
    /// The stay.
    pub stay: Stay,
    /// What it costs above the planned one, cost units.
    pub extra_cost: i64,
}

/// One stay explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StayExplanation {
    /// Index of the call.
    pub call: usize,
    /// The terms of its cost.
    pub cost: Cost,
    /// What keeps it from starting earlier.
    pub binding: Binding,
    /// The next best at another berth, if there is one.
    pub runner_up: Option<RunnerUp>,
}

/// Why a stay is not where the last plan had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeReason {
    /// The old stay breaks a rule now, with these other calls.
    Impossible(Rule, Vec<usize>),
    /// The old stay would cost so much more, everyone else where they are; negative if it made room for others.
    Dearer(i64),
    /// The call has no stay any more.
    Dropped,
}

/// One stay that moved against the last plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Index of the call.
    pub call: usize,
    /// Minutes later (negative: earlier); none if it has no stay.
    pub later_min: Option<i64>,
    /// True if it lies at another berth.
    pub other_berth: bool,
    /// Why.
    pub reason: ChangeReason,
}

/// What stands in the way of a call without a stay: if any one part were gone, it could lie somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Index of the call.
    pub call: usize,
    /// Rules that forbid it even alone; empty if others are in the way.
    pub rules: Vec<Rule>,
    /// Other calls whose stays are in the way together.
    pub calls: Vec<usize>,
    /// True if it could lie somewhere, but only at a higher cost than its price of absence.
    pub is_price: bool,
    /// True if no smaller set is a conflict; else it is only irreducible.
    pub is_smallest: bool,
}

/// A plan explained.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// By stay, ascending by call.
    pub stays: Vec<StayExplanation>,
    /// Against the last plan, ascending by call.
    pub changes: Vec<Change>,
    /// For each call without a stay.
    pub conflicts: Vec<Conflict>,
}

/// Explains a feasible plan.
pub fn explain(problem: &BerthProblem, plan: &BerthPlan) -> Explanation {
    full::explain(problem, plan)
}

fn names(problem: &BerthProblem, calls: &[usize]) -> String {
    let ids: Vec<&str> = calls
        .iter()
        .map(|call| problem.calls[*call].id.as_str())
        .collect();
    ids.join(", ")
}

fn rule_with(problem: &BerthProblem, rule: Rule, calls: &[usize]) -> String {
    match calls.is_empty() {
        true => format!("{rule:?}"),
        false => format!("{rule:?} with {}", names(problem, calls)),
    }
}

impl Binding {
    /// In words.
    pub fn describe(&self, problem: &BerthProblem) -> String {
        match self {
            Binding::Released => "starts on arrival".to_owned(),
            Binding::Held => "held or locked".to_owned(),
            Binding::Rule(rule, calls) => rule_with(problem, *rule, calls),
            Binding::Cheapest => "earlier costs more".to_owned(),
        }
    }
}

impl Change {
    /// In words.
    pub fn describe(&self, problem: &BerthProblem) -> String {
        let id = &problem.calls[self.call].id;
        let what = match (self.later_min, self.other_berth) {
            (None, _) => "has no stay any more".to_owned(),
            (Some(minutes), true) => format!("goes to another berth, {minutes:+} min"),
            (Some(minutes), false) => format!("shifts {minutes:+} min"),
        };
        let why = match &self.reason {
            ChangeReason::Impossible(rule, calls) => {
                format!("its last stay breaks {}", rule_with(problem, *rule, calls))
            }
            ChangeReason::Dearer(cost) if *cost < 0 => {
                format!("it makes room for others and pays {} for it", -cost)
            }
            ChangeReason::Dearer(cost) => format!("its last stay would cost {cost} more"),
            ChangeReason::Dropped => "leaving it out costs less".to_owned(),
        };
        format!("{id} {what}: {why}")
    }
}

impl Conflict {
    /// In words.
    pub fn describe(&self, problem: &BerthProblem) -> String {
        let id = &problem.calls[self.call].id;
        let size = if self.is_smallest {
            "the smallest such set"
        } else {
            "irreducible"
        };
        if self.is_price {
            return format!("{id} could lie somewhere, at more than its price of absence");
        }
        if !self.rules.is_empty() {
            let rules: Vec<String> = self.rules.iter().map(|rule| format!("{rule:?}")).collect();
            return format!(
                "{id} is forbidden everywhere by {} ({size})",
                rules.join(" and ")
            );
        }
        format!(
            "{id} is kept out by the stays of {} ({size})",
            names(problem, &self.calls)
        )
    }
}
