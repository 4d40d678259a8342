//! Chains of trains between two places.
//!
//! The rules of `domain` judge every path again, with the unit that goes by it. What is left out here already breaks one of
//! them for every unit (frozen, chain, legs, and ready: no train has left), so that it need not be listed for each: of
//! 24 trains in two legs that would be hundreds of paths a relation instead of tens, and a chain of three could not be
//! listed at all. A test holds the two against each other. One thing is a choice of this search alone: a path ends at the first
//! train that serves its destination.

use domain::rail::problem::SlotStatus;
use domain::rail::rules::chain::connects;
use domain::rail::{RailProblem, TrainSlot};

/// At most so many paths between two places; beyond it the search is cut off and says so.
pub const MAX_PATHS: usize = 4_096;

/// Open paths of one relation.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// Positions of the slots of each path, in order of search.
    pub paths: Vec<Vec<u32>>,
    /// False if [`MAX_PATHS`] cut the search off.
    pub is_complete: bool,
}

/// Every chain of open trains that continues `held` (positions of slots that are facts) from `origin` to `destination`.
pub fn between(
    problem: &RailProblem,
    departures: &Departures,
    held: &[u32],
    origin: &str,
    destination: &str,
) -> Paths {
    let mut found = Paths {
        paths: Vec::new(),
        is_complete: true,
    };
    let mut path = held.to_vec();
    extend(
        problem,
        departures,
        &mut path,
        origin,
        destination,
        &mut found,
    );
    found
}

/// Open slots by departure, for the search.
#[derive(Debug)]
pub struct Departures {
    /// (origin, departure, position), ascending.
    open: Vec<(String, i64, u32)>,
}

impl Departures {
    /// The open slots of a problem.
    pub fn new(problem: &RailProblem) -> Self {
        let now = problem.now_at_min;
        let is_open =
            |slot: &TrainSlot| slot.status != SlotStatus::Cancelled && !slot.is_frozen(now);
        let slots = problem.trains.iter().enumerate();
        let mut open: Vec<(String, i64, u32)> = slots
            .filter(|(_, slot)| is_open(slot))
            .map(|(at, slot)| (slot.origin.clone(), slot.departure_at_min, at as u32))
            .collect();
        open.sort();
        Departures { open }
    }

    fn from<'a>(&'a self, origin: &'a str, not_before_min: i64) -> impl Iterator<Item = u32> + 'a {
        let start = self
            .open
            .partition_point(|(place, at, _)| (place.as_str(), *at) < (origin, not_before_min));
        self.open[start..]
            .iter()
            .take_while(move |(place, _, _)| place == origin)
            .map(|(_, _, slot)| *slot)
    }
}

fn extend(
    problem: &RailProblem,
    departures: &Departures,
    path: &mut Vec<u32>,
    origin: &str,
    destination: &str,
    found: &mut Paths,
) {
    if path.len() >= problem.weights.max_legs {
        return;
    }
    let trains = &problem.trains;
    let last = path.last().map(|&slot| &trains[slot as usize]);
    if last.is_some_and(|slot| slot.serves(destination)) {
        return;
    }
    let places: Vec<&str> = match last {
        None => vec![origin],
        Some(slot) => std::iter::once(&slot.destination)
            .chain(&slot.also_serves)
            .map(String::as_str)
            .collect(),
    };
    let not_before = last.map_or(problem.now_at_min, |slot| slot.arrival_at_min);
    for place in places {
        for next in departures.from(place, not_before) {
            let slot = &trains[next as usize];
            if last.is_some_and(|last| !connects(&problem.weights, last, slot)) {
                continue;
            }
            path.push(next);
            if slot.serves(destination) {
                if found.paths.len() == MAX_PATHS {
                    found.is_complete = false;
                    path.pop();
                    return;
                }
                found.paths.push(path.clone());
            } else {
                extend(problem, departures, path, origin, destination, found);
            }
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests;
