//! What a plan costs, term by term.

use super::call::Previous;
use super::plan::{BerthPlan, Stay};
use super::problem::BerthProblem;

/// Prices that are the same for all calls, in cost units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weights {
    /// A minute that a stay ends after the call is due.
    pub late_per_min: i64,
    /// A metre between the stay and the preferred place on the same quay.
    pub place_per_m: i64,
    /// Lying on another quay than the preferred one.
    pub other_quay: i64,
    /// A minute of one crane and its gang.
    pub crane_per_min: i64,
    /// A minute that a stay starts outside the window promised by contract.
    pub outside_window_per_min: i64,
    /// Lying at another berth than in the last plan.
    pub change_berth: i64,
    /// A metre of shift along the same berth against the last plan.
    pub change_per_m: i64,
    /// A minute of shift, earlier or later, against the last plan.
    pub change_per_min: i64,
    /// Moving a stay at all: to another place, or by more than `change_tolerance_min`.
    pub change_stay: i64,
    /// The same for a stay that is about to be frozen; see [`move_price`].
    pub change_stay_soon: i64,
    /// Minutes that a start may shift before the stay counts as moved.
    pub change_tolerance_min: i64,
}

/// The terms of one stay's cost (or of a whole plan's), cost units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Minutes from arrival to the end of the stay, times the call's price.
    pub in_port: i64,
    /// Lateness against the due time.
    pub late: i64,
    /// Distance from the preferred place.
    pub place: i64,
    /// Cranes and their gangs.
    pub cranes: i64,
    /// Starting outside the promised window.
    pub window: i64,
    /// Changes against the last plan.
    pub change: i64,
    /// Price of having no stay.
    pub unassigned: i64,
}

impl Cost {
    /// The sum of all terms: the objective.
    pub fn total(&self) -> i64 {
        self.without_change() + self.change
    }

    /// The sum without what stability costs.
    pub fn without_change(&self) -> i64 {
        self.in_port + self.late + self.place + self.cranes + self.window + self.unassigned
    }

    /// Adds another cost term by term.
    pub fn add(&mut self, other: &Cost) {
        self.in_port += other.in_port;
        self.late += other.late;
        self.place += other.place;
        self.cranes += other.cranes;
        self.window += other.window;
        self.change += other.change;
        self.unassigned += other.unassigned;
    }

    /// The terms with their names, in a fixed order.
    pub fn terms(&self) -> [(&'static str, i64); 7] {
        [
            ("in_port", self.in_port),
            ("late", self.late),
            ("place", self.place),
            ("cranes", self.cranes),
            ("window", self.window),
            ("change", self.change),
            ("unassigned", self.unassigned),
        ]
    }
}

/// The cost of a plan and of each call in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanCost {
    /// All calls together.
    pub sum: Cost,
    /// By call, in the order of the problem's calls.
    pub calls: Vec<Cost>,
}

impl PlanCost {
    /// The objective, cost units.
    pub fn total(&self) -> i64 {
        self.sum.total()
    }
}

/// The cost of one stay.
pub fn stay_cost(problem: &BerthProblem, stay: &Stay) -> Cost {
    let call = &problem.calls[stay.call];
    let weights = &problem.weights;
    let mut cost = Cost {
        in_port: call.cost_per_min * (stay.end_min - call.arrival_min),
        cranes: weights.crane_per_min * stay.cranes.len() as i64 * (stay.end_min - stay.start_min),
        ..Cost::default()
    };
    if let Some(due_min) = call.due_min {
        cost.late = weights.late_per_min * (stay.end_min - due_min).max(0);
    }
    if let Some(preferred) = call.preferred {
        cost.place = if problem.berths[preferred.berth].quay == problem.berths[stay.berth].quay {
            weights.place_per_m * (stay.from_m - preferred.from_m).abs()
        } else {
            weights.other_quay
        };
    }
    if let Some(promised) = call.promised {
        let early_min = (promised.start_min - stay.start_min).max(0);
        let late_min = (stay.start_min - promised.end_min).max(0);
        cost.window = weights.outside_window_per_min * early_min.max(late_min);
    }
    if let Some(previous) = call.previous {
        cost.change = weights.change_per_min * (stay.start_min - previous.start_min).abs();
        cost.change += if previous.place.berth == stay.berth {
            weights.change_per_m * (stay.from_m - previous.place.from_m).abs()
        } else {
            weights.change_berth
        };
        if is_moved(weights, previous, stay) {
            cost.change += move_price(problem, previous);
        }
    }
    cost
}

/// What moving a stay costs: `change_stay_soon` at the frozen horizon, `change_stay` from the slushy one on, and in between
/// evenly more with the time ahead. The more will yet be learnt about a stay, the less a move of it is worth.
#[inline]
pub fn move_price(problem: &BerthProblem, previous: Previous) -> i64 {
    let weights = &problem.weights;
    let span_min = problem
        .slushy_until_min
        .saturating_sub(problem.frozen_until_min);
    let ahead_min = previous.start_min.saturating_sub(problem.frozen_until_min);
    if ahead_min >= span_min || span_min <= 0 {
        return weights.change_stay;
    }
    let more = weights.change_stay - weights.change_stay_soon;
    weights.change_stay_soon + more.saturating_mul(ahead_min.max(0)) / span_min
}

/// True if a stay lies elsewhere than in the last plan, or starts more than the tolerance off.
pub fn is_moved(weights: &Weights, previous: Previous, stay: &Stay) -> bool {
    let off_min = (stay.start_min - previous.start_min).abs();
    (stay.berth, stay.from_m) != (previous.place.berth, previous.place.from_m)
        || off_min > weights.change_tolerance_min
}

/// The cost of a plan, feasible or not.
pub fn plan_cost(problem: &BerthProblem, plan: &BerthPlan) -> PlanCost {
    let mut cost = PlanCost {
        sum: Cost::default(),
        calls: vec![Cost::default(); problem.calls.len()],
    };
    for stay in &plan.stays {
        cost.calls[stay.call] = stay_cost(problem, stay);
    }
    for left in &plan.unassigned {
        cost.calls[left.call] = Cost {
            unassigned: problem.calls[left.call].unassigned_price,
            ..Cost::default()
        };
    }
    for call in &cost.calls {
        cost.sum.add(call);
    }
    cost
}
