//! The objective: money-like terms, each from the weights of the problem.

use super::problem::TrainSlot;
use super::rules::Path;
use super::rules::chain::change_min;
use super::rules::cut_off::{is_physical, unknown};
use super::unit::Lock;

/// The terms of the objective, for one unit or summed over a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Carriage by train.
    pub carriage: i64,
    /// Waiting before the first departure.
    pub dwell: i64,
    /// Time under way.
    pub transit: i64,
    /// Arrival after the due time.
    pub lateness: i64,
    /// Changes of trains.
    pub transfer: i64,
    /// Going otherwise than the last published plan said.
    pub change: i64,
    /// Probability of a missed train or connection, times its price.
    pub missed_connection: i64,
    /// Planning on milestones that are not known.
    pub unknown_milestone: i64,
    /// Staying.
    pub roll_over: i64,
    /// Not following a pin.
    pub broken_pin: i64,
}

impl Cost {
    /// The objective.
    pub fn total(&self) -> i64 {
        self.without_change() + self.change
    }

    /// The objective without the stability term.
    pub fn without_change(&self) -> i64 {
        self.carriage
            + self.dwell
            + self.transit
            + self.lateness
            + self.transfer
            + self.missed_connection
            + self.unknown_milestone
            + self.roll_over
            + self.broken_pin
    }

    /// Adds the terms of `other`.
    pub fn add(&mut self, other: &Cost) {
        self.carriage += other.carriage;
        self.dwell += other.dwell;
        self.transit += other.transit;
        self.lateness += other.lateness;
        self.transfer += other.transfer;
        self.change += other.change;
        self.missed_connection += other.missed_connection;
        self.unknown_milestone += other.unknown_milestone;
        self.roll_over += other.roll_over;
        self.broken_pin += other.broken_pin;
    }
}

/// The price of a unit's path. An empty path, or one that ends with the facts short of the destination, is a roll-over.
pub fn of_path(path: &Path) -> Cost {
    let (problem, unit, legs) = (path.problem, path.unit, path.legs);
    let weights = &problem.weights;
    let mut cost = Cost::default();
    let previous = &unit.previous;
    let as_before =
        previous.len() == legs.len() && previous.iter().zip(legs).all(|(id, leg)| *id == leg.id);
    if !previous.is_empty() && !as_before {
        cost.change = weights.change;
    }
    if let Lock::Pinned(pin) = &unit.lock {
        let follows =
            pin.len() == legs.len() && pin.iter().zip(legs).all(|(id, leg)| *id == leg.id);
        cost.broken_pin = if follows { 0 } else { weights.broken_pin };
    }
    let arrives = legs.last().filter(|last| last.serves(&unit.destination));
    if arrives.is_none() {
        cost.roll_over = unit.roll_over_price + unit.priority * weights.priority_roll_over;
    }
    let (Some(first), Some(last)) = (legs.first(), legs.last()) else {
        return cost;
    };
    let per_teu_hour = |price: i64, minutes: i64| {
        price
            .saturating_mul(unit.teu_quarters)
            .saturating_mul(minutes.max(0))
            / 240
    };
    cost.dwell = per_teu_hour(
        weights.dwell_per_teu_hour,
        first.departure_at_min - unit.ready_at_min,
    );
    cost.transit = per_teu_hour(
        weights.transit_per_teu_hour,
        last.arrival_at_min - first.departure_at_min,
    );
    cost.carriage = legs
        .iter()
        .map(|leg| leg.price_per_teu * unit.teu_quarters / 4)
        .sum();
    cost.transfer = weights.transfer * (legs.len() as i64 - 1);
    if let (Some(arrives), Some(due)) = (arrives, unit.due_at_min) {
        let per_hour =
            weights.lateness_per_hour + unit.priority * weights.lateness_priority_per_hour;
        cost.lateness = per_hour * (arrives.arrival_at_min - due).max(0) / 60;
    }
    cost.unknown_milestone = weights.unknown_milestone * unknown(path);
    let miss: i64 = (path.held.len()..legs.len())
        .map(|leg| miss_permille(path, leg))
        .sum();
    cost.missed_connection = weights.missed_connection * miss / 1000;
    cost
}

/// The latest minute at which the unit may stand ready for `leg`.
pub fn latest_at_min(path: &Path, leg: usize) -> i64 {
    let slot: &TrainSlot = path.legs[leg];
    let change = match leg.checked_sub(1) {
        Some(before) => change_min(&path.problem.weights, path.legs[before], slot),
        None => 0,
    };
    let concerns = |kind| is_physical(kind) && path.unit.milestone(kind).is_some();
    slot.cut_offs
        .iter()
        .filter(|cut_off| concerns(cut_off.kind))
        .map(|cut_off| cut_off.at_min)
        .fold(slot.departure_at_min - change, i64::min)
}

/// The probability, in thousandths, that the unit comes too late for leg `leg` of its path: the forecast of readiness
/// (or of the train before) taken as a normal distribution around its expectation.
pub fn miss_permille(path: &Path, leg: usize) -> i64 {
    let (expected, spread) = match leg.checked_sub(1) {
        Some(before) => {
            let slot: &TrainSlot = path.legs[before];
            (slot.arrival_at_min, slot.arrival_spread_min)
        }
        None => (path.unit.ready_at_min, path.unit.ready_spread_min),
    };
    if spread <= 0 {
        return 0;
    }
    tail_permille(latest_at_min(path, leg) - expected, spread)
}

/// P(X > margin) in thousandths for a normal X around 0, by quarters of `spread` with straight lines between.
fn tail_permille(margin_min: i64, spread_min: i64) -> i64 {
    const TAIL: [i64; 15] = [500, 401, 309, 227, 159, 106, 67, 40, 23, 12, 6, 3, 1, 1, 0];
    let scaled = margin_min.max(0).saturating_mul(4);
    let at = scaled / spread_min;
    if at >= 14 {
        return 0;
    }
    let rest = scaled % spread_min;
    let (here, next) = (TAIL[at as usize], TAIL[at as usize + 1]);
    here - (here - next) * rest / spread_min
}

#[cfg(test)]
mod tests {
    use super::tail_permille;

    #[test]
    fn tail_falls_from_a_half_to_nothing() {
        assert_eq!(tail_permille(0, 60), 500);
        assert_eq!(tail_permille(-30, 60), 500);
        assert_eq!(tail_permille(60, 60), 159);
        assert_eq!(tail_permille(120, 60), 23);
        assert_eq!(tail_permille(100_000, 60), 0);
        assert!((0..300).all(|m| tail_permille(m, 60) >= tail_permille(m + 1, 60)));
    }
}
