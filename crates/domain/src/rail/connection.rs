//! The connections of a plan: what each unit has to catch, how much time is left, what a miss is expected to cost.

use super::cost::{latest_at_min, miss_permille};
use super::index::Index;
use super::plan::RailPlan;
use super::problem::RailProblem;
use super::rules::{self, Path};

/// One unit that has to catch one train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The unit.
    pub unit: String,
    /// The slot.
    pub train: String,
    /// The leg of its path.
    pub leg: usize,
    /// When it stands ready for it, expected: itself, or by the train before; minutes since the epoch.
    pub ready_at_min: i64,
    /// One standard deviation of that, minutes.
    pub ready_spread_min: i64,
    /// The latest minute at which it may.
    pub latest_at_min: i64,
    /// The probability of a miss, thousandths.
    pub miss_permille: i64,
    /// What the objective charges for that: the probability times the price of a miss.
    pub price: i64,
}

impl Connection {
    /// Minutes between the two; negative if only luck can help.
    pub fn slack_min(&self) -> i64 {
        self.latest_at_min - self.ready_at_min
    }
}

/// Every connection of a plan that may be missed, likeliest misses first.
pub fn at_risk(problem: &RailProblem, plan: &RailPlan) -> Vec<Connection> {
    let index = Index::new(problem);
    let mut found = Vec::new();
    for assigned in &plan.assignments {
        let (Some(unit), Some(legs)) = (
            index.unit(&assigned.unit).map(|at| &problem.units[at]),
            index.path(problem, &assigned.legs),
        ) else {
            continue;
        };
        let previous = index.path(problem, &unit.previous).unwrap_or_default();
        let held = &previous[..rules::held(problem, &previous)];
        let path = Path {
            problem,
            unit,
            held,
            legs: &legs,
        };
        for leg in held.len()..legs.len() {
            let miss_permille = miss_permille(&path, leg);
            if miss_permille == 0 {
                continue;
            }
            let (ready_at_min, ready_spread_min) = match leg.checked_sub(1) {
                Some(before) => (legs[before].arrival_at_min, legs[before].arrival_spread_min),
                None => (unit.ready_at_min, unit.ready_spread_min),
            };
            found.push(Connection {
                unit: unit.id.clone(),
                train: legs[leg].id.clone(),
                leg,
                ready_at_min,
                ready_spread_min,
                latest_at_min: latest_at_min(&path, leg),
                miss_permille,
                price: problem.weights.missed_connection * miss_permille / 1000,
            });
        }
    }
    found.sort_by(|a, b| (b.miss_permille, &a.unit, a.leg).cmp(&(a.miss_permille, &b.unit, b.leg)));
    found
}
