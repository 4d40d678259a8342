//! What stands in the way of a call: other stays or its own rules, thinned until each part is needed.

use super::insert::{self, Scratch};
use super::model::Model;
use super::state::State;
use crate::berth::explain::Conflict;
use domain::berth::{BerthProblem, Lock, Rule};

/// Sets tried to show that none is smaller.
const SETS_MAX: usize = 3_000;

/// The rules of one call that can be lifted to see whether they are what forbids it.
const LIFTED: [Rule; 9] = [
    Rule::Frozen,
    Rule::Lock,
    Rule::Contract,
    Rule::TrafficStop,
    Rule::Cones,
    Rule::AirDraught,
    Rule::Draught,
    Rule::Closures,
    Rule::Departure,
];

/// Why a call has no stay, the others where they are.
pub(super) fn conflict(
    model: &Model<'_>,
    state: &State,
    call: usize,
    scratch: &mut Scratch,
) -> Conflict {
    let mut conflict = Conflict {
        call,
        rules: Vec::new(),
        calls: Vec::new(),
        is_price: false,
        is_smallest: true,
    };
    let placed: Vec<usize> = (0..state.at.len())
        .filter(|other| state.at[*other].is_some())
        .collect();
    if can_lie(model, state, call, &placed, scratch) {
        conflict.is_price = true;
    } else if !can_lie(model, state, call, &[], scratch) {
        (conflict.rules, conflict.is_smallest) = forbidding_rules(model.problem, call);
    } else {
        let mut needed = placed;
        let mut n = 0;
        while n < needed.len() {
            let mut fewer = needed.clone();
            fewer.remove(n);
            if can_lie(model, state, call, &fewer, scratch) {
                n += 1;
            } else {
                needed = fewer;
            }
        }
        conflict.is_smallest = is_smallest(model, state, call, needed.len(), scratch);
        conflict.calls = needed;
    }
    conflict
}

/// True if the call has a place beside the stays of `others` alone, at any cost.
fn can_lie(
    model: &Model<'_>,
    state: &State,
    call: usize,
    others: &[usize],
    scratch: &mut Scratch,
) -> bool {
    let mut fewer = State::empty(model);
    for other in others {
        if let Some(placement) = state.at[*other] {
            fewer.place(model, *other, placement);
        }
    }
    insert::best_where(model, &fewer, call, scratch, None, (i64::MAX, |_| true)).is_some()
}

/// True if no set of fewer stays keeps the call out; not known, so false, if there are too many sets.
fn is_smallest(
    model: &Model<'_>,
    state: &State,
    call: usize,
    size: usize,
    scratch: &mut Scratch,
) -> bool {
    let placed: Vec<usize> = (0..state.at.len())
        .filter(|other| state.at[*other].is_some())
        .collect();
    let singles = placed.len();
    let pairs = singles * singles.saturating_sub(1) / 2;
    match size {
        0 | 1 => true,
        2 => placed
            .iter()
            .all(|other| can_lie(model, state, call, &[*other], scratch)),
        3 if singles + pairs <= SETS_MAX => {
            let pair_blocks = |a: usize, b: usize, scratch: &mut Scratch| {
                !can_lie(model, state, call, &[placed[a], placed[b]], scratch)
            };
            let mut free = true;
            for a in 0..singles {
                for b in a + 1..singles {
                    free &= !pair_blocks(a, b, scratch);
                }
            }
            free
        }
        _ => false,
    }
}

/// Rules that forbid the call even alone: one after the other is lifted, and stays lifted if the call is still forbidden.
fn forbidding_rules(problem: &BerthProblem, call: usize) -> (Vec<Rule>, bool) {
    let is_forbidden = |lifted: &[Rule]| {
        let mut problem = problem.clone();
        for rule in lifted {
            lift(&mut problem, call, *rule);
        }
        Model::new(&problem).calls[call].modes.is_empty()
    };
    let mut lifted: Vec<Rule> = Vec::new();
    let mut needed: Vec<Rule> = Vec::new();
    for rule in LIFTED {
        lifted.push(rule);
        if !is_forbidden(&lifted) {
            lifted.pop();
            needed.push(rule);
        }
    }
    if needed.is_empty() {
        return (vec![Rule::Handling, Rule::Length], false); // forbidden by what the vessel and the berths are
    }
    let alone = |one: &Rule| {
        let others: Vec<Rule> = LIFTED.into_iter().filter(|rule| rule != one).collect();
        is_forbidden(&others)
    };
    let is_smallest = match needed.len() {
        1 => true,
        2 => !LIFTED.iter().any(alone),
        _ => false,
    };
    (needed, is_smallest)
}

fn lift(problem: &mut BerthProblem, call: usize, rule: Rule) {
    match rule {
        Rule::Frozen => problem.calls[call].previous = None,
        Rule::Lock => problem.calls[call].lock = Lock::default(),
        Rule::Contract => problem.reservations.clear(),
        Rule::TrafficStop => problem.water.stop_cm = None,
        Rule::Cones => problem.calls[call].cones = 0,
        Rule::AirDraught => {
            problem.calls[call].air_draught_cm = -domain::berth::validate::MAGNITUDE_MAX
        }
        Rule::Draught => problem.calls[call].draught_cm = -domain::berth::validate::MAGNITUDE_MAX,
        Rule::Closures => {
            for berth in &mut problem.berths {
                berth.open.clear();
                berth.closures.clear();
            }
        }
        Rule::Departure => problem.calls[call].latest_departure_min = None,
        _ => {}
    }
}
