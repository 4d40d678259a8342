//! Legs lead from origin to destination, and leave time to change trains.

use super::{Breach, Path, Rule};
use crate::rail::problem::{TrainSlot, Weights};

/// Least minutes between two trains.
pub fn change_min(weights: &Weights, from: &TrainSlot, to: &TrainSlot) -> i64 {
    if from.gauge_mm == to.gauge_mm {
        weights.transfer_min
    } else {
        weights.break_of_gauge_min
    }
}

/// Places fit, changes have time, and there are not too many legs. Staying is always in order.
pub fn breach(path: &Path) -> Option<Breach> {
    if path.is_stay() {
        return None;
    }
    let weights = &path.problem.weights;
    let legs = path.legs;
    if legs.len() > weights.max_legs {
        return Some(Breach::new(
            Rule::Legs,
            weights.max_legs,
            legs.len() as i64,
            weights.max_legs as i64,
        ));
    }
    if legs
        .first()
        .is_some_and(|leg| leg.origin != path.unit.origin)
    {
        return Some(Breach::new(Rule::Chain, 0, 0, 0));
    }
    let last = legs.len() - 1;
    if !legs[last].serves(&path.unit.destination) {
        return Some(Breach::new(Rule::Chain, last, 0, 0));
    }
    for leg in path.held.len().max(1)..legs.len() {
        let (from, to) = (legs[leg - 1], legs[leg]);
        if !connects(weights, from, to) {
            let earliest = from.arrival_at_min + change_min(weights, from, to);
            return Some(Breach::new(Rule::Chain, leg, earliest, to.departure_at_min));
        }
    }
    None
}

/// Can a unit change from one train to the other: place, least and greatest time?
pub fn connects(weights: &Weights, from: &TrainSlot, to: &TrainSlot) -> bool {
    let wait_min = to.departure_at_min.saturating_sub(from.arrival_at_min);
    from.serves(&to.origin)
        && wait_min >= change_min(weights, from, to)
        && wait_min <= weights.max_change_min
}
