//! Why a plan is as it is: for each stay what holds it, what it costs and the runner-up; what changed against the last plan;
//! for a call without a stay, what stands in its way.

use super::full;
use domain::berth::{BerthPlan, BerthProblem, Cost, Previous, Rule, Stay, hours};

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
    /// Where and when the last plan had it.
    pub before: Previous,
    /// Where and when it is now; none if it has no stay.
    pub now: Option<Previous>,
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

impl Binding {
    /// In words, for the stay of a call.
    pub fn describe(&self, problem: &BerthProblem, call: usize) -> String {
        let call = &problem.calls[call];
        match self {
            Binding::Released => "starts on arrival".to_owned(),
            Binding::Held if call.alongside => "lies there".to_owned(),
            Binding::Held if call.lock.start_min.is_some() => "locked by a planner".to_owned(),
            Binding::Held => "frozen".to_owned(),
            Binding::Rule(rule, calls) => rule.with(problem, calls),
            Binding::Cheapest => "an earlier start costs more".to_owned(),
        }
    }
}

impl ChangeReason {
    /// In words.
    pub fn describe(&self, problem: &BerthProblem) -> String {
        match self {
            ChangeReason::Impossible(rule, calls) => {
                let rule = rule.with(problem, calls);
                format!("its last stay cannot stand any more: {rule}")
            }
            ChangeReason::Dearer(cost) if *cost < 0 => {
                format!("it makes room for others and pays {} for it", -cost)
            }
            ChangeReason::Dearer(0) => "its last stay would cost as much".to_owned(),
            ChangeReason::Dearer(cost) => format!("its last stay would cost {cost} more"),
            ChangeReason::Dropped => "leaving it out costs less".to_owned(),
        }
    }
}

impl Change {
    /// In words.
    pub fn describe(&self, problem: &BerthProblem) -> String {
        let id = &problem.calls[self.call].id;
        let why = self.reason.describe(problem);
        let Some(now) = self.now else {
            return format!("{id} has no stay any more: {why}");
        };
        let berth = |stay: Previous| &problem.berths[stay.place.berth].id;
        let shift_m = now.place.from_m - self.before.place.from_m;
        let mut parts = Vec::new();
        if now.place.berth != self.before.place.berth {
            parts.push(format!(
                "goes from {} to {}",
                berth(self.before),
                berth(now)
            ));
        } else if shift_m != 0 {
            let end = if shift_m > 0 { "up" } else { "down" };
            parts.push(format!("shifts {} m {end} the quay", shift_m.abs()));
        }
        let later_min = now.start_min - self.before.start_min;
        if later_min != 0 {
            let when = if later_min > 0 { "later" } else { "earlier" };
            parts.push(format!("starts {} h {when}", hours(later_min.abs())));
        }
        format!("{id} {}: {why}", parts.join(" and "))
    }
}

impl Conflict {
    /// In words.
    pub fn describe(&self, problem: &BerthProblem) -> String {
        let id = &problem.calls[self.call].id;
        if self.is_price {
            return format!("{id} could lie somewhere, at more than its price of absence");
        }
        let together = match self.is_smallest {
            _ if self.rules.len() + self.calls.len() == 1 => "",
            true => " (by all of these together, and by no fewer)",
            false => " (by all of these together; there may be fewer that do)",
        };
        if self.rules.is_empty() {
            let stays = if self.calls.len() == 1 {
                "stay"
            } else {
                "stays"
            };
            let calls = problem.call_ids(&self.calls);
            return format!("{id} is kept out by the {stays} of {calls}{together}");
        }
        let rules: Vec<&str> = self.rules.iter().map(|rule| rule.name()).collect();
        let rules = rules.join("; ");
        format!("{id} is kept out everywhere: {rules}{together}")
    }
}
