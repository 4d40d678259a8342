//! Rules and instants of berth plans as planners say them.

use domain::berth::{BerthProblem, Rule, Stay};

use crate::plans::times::{instant_us, text};

/// What a rule is about.
pub fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Complete => "every call once",
        Rule::Grid => "time step and mooring places",
        Rule::Length => "length of the berth",
        Rule::Overlap => "the quay is taken",
        Rule::Arrival => "the vessel is not there",
        Rule::Departure => "latest departure or end of the horizon",
        Rule::Handling => "the berth does not handle it, or not in that time",
        Rule::Draught => "draught against the forecast water level",
        Rule::AirDraught => "clearance under the bridge or crane",
        Rule::TrafficStop => "high water stops traffic",
        Rule::Cones => "distance or limit of dangerous-goods cones",
        Rule::Closures => "the berth is closed",
        Rule::Contract => "reserved by contract",
        Rule::CraneWork => "cranes",
        Rule::CraneCrossing => "cranes cannot pass one another",
        Rule::Rotation => "the barge's other calls",
        Rule::Lock => "a planner's lock",
        Rule::Order => "a planner's locked order",
        Rule::Frozen => "held to the last plan",
    }
}

/// A rule with the visits that it concerns.
pub fn rule_with(problem: &BerthProblem, about: Rule, calls: &[usize]) -> String {
    match calls.is_empty() {
        true => rule(about).to_owned(),
        false => format!("{} ({})", rule(about), names(problem, calls)),
    }
}

/// Visits by their ids.
pub fn names(problem: &BerthProblem, calls: &[usize]) -> String {
    let ids: Vec<&str> = calls
        .iter()
        .map(|call| problem.calls[*call].id.as_str())
        .collect();
    ids.join(", ")
}

/// A place and a time.
pub fn stay(problem: &BerthProblem, stay: &Stay, epoch_us: i64) -> String {
    let length_m = problem.calls[stay.call].length_m;
    format!(
        "{} {}-{} m, {} to {}",
        problem.berths[stay.berth].id,
        stay.from_m,
        stay.from_m + length_m,
        text(instant_us(epoch_us, stay.start_min)),
        text(instant_us(epoch_us, stay.end_min))
    )
}
