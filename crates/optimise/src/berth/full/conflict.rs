//! What stands in the way of a call: the fewest stays of others that keep it out, or the fewest of its own rules.
//!
//! A set of stays keeps a call out if each of its placements clashes with one of them. So the search takes a placement that is
//! still free, and one of the stays that clash with it must be in the set: sets of one stay first, then of two, until one
//! is found, which is then the smallest. Where that takes too long the stays are thinned until each is needed.

use super::insert::{self, Scratch};
use super::model::Model;
use super::state::{Placement, State};
use crate::berth::explain::Conflict;
use domain::berth::{BerthProblem, Handling, Lock, Rule};

/// Sets tried before the smallest is given up.
const SETS_MAX: usize = 3_000;

/// The rules of one call that can be lifted to see whether they are what forbids it.
const LIFTED: [Rule; 11] = [
    Rule::Frozen,
    Rule::Lock,
    Rule::Contract,
    Rule::TrafficStop,
    Rule::Cones,
    Rule::AirDraught,
    Rule::Draught,
    Rule::Closures,
    Rule::Departure,
    Rule::Length,
    Rule::Handling,
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
    let mut cover = Cover {
        model,
        state,
        call,
        placed: &placed,
        scratch,
        sets: 0,
    };
    if cover.free(&placed).is_some() {
        conflict.is_price = true;
    } else if cover.free(&[]).is_none() {
        (conflict.rules, conflict.is_smallest) = forbidding_rules(model.problem, call);
    } else {
        (conflict.calls, conflict.is_smallest) = cover.smallest();
    }
    conflict
}

/// The search for the fewest stays that keep a call out.
struct Cover<'a> {
    model: &'a Model<'a>,
    state: &'a State,
    call: usize,
    placed: &'a [usize],
    scratch: &'a mut Scratch,
    sets: usize,
}

impl Cover<'_> {
    /// The fewest stays, and true; or stays of which each is needed.
    fn smallest(&mut self) -> (Vec<usize>, bool) {
        for size in 1..=self.placed.len() {
            let mut chosen = Vec::with_capacity(size);
            if self.keeps_out(size, &mut chosen) {
                chosen.sort_unstable();
                return (chosen, true);
            }
            if self.sets >= SETS_MAX {
                break;
            }
        }
        (self.thinned(), false)
    }

    /// True if `left` more stays beside those chosen can keep the call out; they are added.
    fn keeps_out(&mut self, left: usize, chosen: &mut Vec<usize>) -> bool {
        self.sets += 1;
        let Some(placement) = self.free(chosen) else {
            return true;
        };
        if left == 0 || self.sets >= SETS_MAX {
            return false;
        }
        let placed = self.placed;
        for other in placed.iter().copied() {
            if self.clashes(other, &placement) {
                chosen.push(other);
                if self.keeps_out(left - 1, chosen) {
                    return true;
                }
                chosen.pop();
            }
        }
        false
    }

    /// All stays, thinned until each is needed.
    fn thinned(&mut self) -> Vec<usize> {
        let mut needed = self.placed.to_vec();
        let mut n = 0;
        while n < needed.len() {
            let mut fewer = needed.clone();
            fewer.remove(n);
            if self.free(&fewer).is_some() {
                n += 1;
            } else {
                needed = fewer;
            }
        }
        needed
    }

    /// A place for the call beside the stays of `others` alone, at any cost.
    fn free(&mut self, others: &[usize]) -> Option<Placement> {
        let fewer = self.only(others);
        anywhere(self.model, &fewer, self.call, self.scratch)
    }

    /// True if the call cannot lie so beside the stay of `other`.
    fn clashes(&mut self, other: usize, placement: &Placement) -> bool {
        let alone = self.only(&[other]);
        insert::exactly(self.model, &alone, self.call, placement, self.scratch).is_none()
    }

    fn only(&self, others: &[usize]) -> State {
        let mut fewer = State::empty(self.model);
        for other in others {
            if let Some(placement) = self.state.at[*other] {
                fewer.place(self.model, *other, placement);
            }
        }
        fewer
    }
}

fn anywhere(
    model: &Model<'_>,
    state: &State,
    call: usize,
    scratch: &mut Scratch,
) -> Option<Placement> {
    insert::best_where(model, state, call, scratch, None, (i64::MAX, |_| true))
}

/// The fewest rules that forbid the call even alone, and true; or rules that do, and false.
fn forbidding_rules(problem: &BerthProblem, call: usize) -> (Vec<Rule>, bool) {
    let mut alone = problem.clone();
    alone.calls = vec![problem.calls[call].clone()];
    alone.rotations.clear();
    alone.orders.clear();
    let forbid = |rules: u32| {
        let mut problem = alone.clone();
        for (n, rule) in LIFTED.into_iter().enumerate() {
            if rules & (1 << n) == 0 {
                lift(&mut problem, rule);
            }
        }
        let model = Model::new(&problem);
        let state = State::empty(&model);
        anywhere(&model, &state, 0, &mut Scratch::default()).is_none()
    };
    let mut sets: Vec<u32> = (1..1 << LIFTED.len()).collect();
    sets.sort_by_key(|rules| (rules.count_ones(), *rules));
    let smallest = match forbid(0) {
        true => None, // by what cannot be lifted
        false => sets.into_iter().find(|rules| forbid(*rules)),
    };
    let Some(smallest) = smallest else {
        return (vec![Rule::Arrival], false);
    };
    let rules = LIFTED.into_iter().enumerate();
    let rules = rules.filter(|(n, _)| smallest & (1 << n) != 0);
    (rules.map(|(_, rule)| rule).collect(), true)
}

/// Lifts a rule for the only call.
fn lift(problem: &mut BerthProblem, rule: Rule) {
    let never = domain::berth::validate::MAGNITUDE_MAX;
    let step_min = problem.time_step_min;
    match rule {
        Rule::Contract => problem.reservations.clear(),
        Rule::TrafficStop => problem.water.stop_cm = None,
        Rule::Closures => {
            for berth in &mut problem.berths {
                berth.open.clear();
                berth.closures.clear();
            }
        }
        Rule::Departure => problem.horizon_end_min = never,
        _ => {}
    }
    for call in &mut problem.calls {
        match rule {
            Rule::Frozen => call.previous = None,
            Rule::Lock => call.lock = Lock::default(),
            Rule::Cones => call.cones = 0,
            Rule::AirDraught => call.air_draught_cm = -never,
            Rule::Draught => call.draught_cm = -never,
            Rule::Departure => call.latest_departure_min = None,
            Rule::Length => call.length_m = 1,
            Rule::Handling => call.handling.fill(Handling::Minutes(step_min)),
            _ => {}
        }
    }
}
