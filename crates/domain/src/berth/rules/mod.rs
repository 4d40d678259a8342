//! The hard rules, one a file. Each appends to a list of violations and knows nothing of the others.

pub mod air_draught;
pub mod arrival;
pub mod closures;
pub mod complete;
pub mod cones;
pub mod contract;
pub mod crane_crossing;
pub mod crane_work;
pub mod departure;
pub mod draught;
pub mod frozen;
pub mod grid;
pub mod handling;
pub mod length;
pub mod locks;
pub mod order;
pub mod overlap;
pub mod rotation;
pub mod rule;
pub mod traffic_stop;

use super::plan::BerthPlan;
use super::problem::BerthProblem;

pub use rule::Rule;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// The calls concerned, by index.
    pub calls: Vec<usize>,
    /// What is wrong and by how much.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rule, self.message)
    }
}

/// A rule's check.
pub type Check = fn(&BerthProblem, &BerthPlan, &mut Vec<Violation>);

/// Every rule but [`complete`], which comes first.
pub const ALL: [Check; 18] = [
    grid::check,
    length::check,
    overlap::check,
    arrival::check,
    departure::check,
    handling::check,
    draught::check,
    air_draught::check,
    traffic_stop::check,
    cones::check,
    closures::check,
    contract::check,
    crane_work::check,
    crane_crossing::check,
    rotation::check,
    locks::check,
    order::check,
    frozen::check,
];

/// True if the stay is a fact: the vessel lies there already.
fn is_alongside(problem: &BerthProblem, call: usize) -> bool {
    let call = &problem.calls[call];
    call.alongside && call.previous.is_some()
}

#[cfg(test)]
mod tests;
