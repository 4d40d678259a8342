//! Plans to start from: first come first served, and the last plan repaired.

use super::insert::{self, Scratch};
use super::model::{CallModel, Model};
use super::state::{Placement, State};
use domain::berth::{BerthPlan, BerthProblem, Stay};

/// The better of first come first served and the repaired last plan. If there is more to do than to start, also the shorter
/// stay first where two come together: without iterations the start is what plans are compared with.
pub(super) fn start(model: &Model<'_>, last: Option<&BerthPlan>, has_budget: bool) -> State {
    let all: Vec<usize> = (0..model.calls.len()).collect();
    let mut start = construct(model, &[]);
    if has_budget {
        let shorter = place_all(model, &[], held_first(model, &all, shortest_min));
        if shorter.value < start.value {
            start = shorter;
        }
    }
    if let Some(plan) = last {
        let kept = kept(model, plan);
        let order = held_first(model, &all, |_| 0);
        let unchanged = place_given(model, &kept, &order);
        let delayed = place_delayed(model, &kept, &order);
        for repaired in [construct(model, &kept), unchanged, delayed] {
            if repaired.value <= start.value {
                start = repaired;
            }
        }
    }
    start
}

/// Held calls that find no place when nobody but held calls is planned.
pub(crate) fn stuck(problem: &BerthProblem, last: Option<&BerthPlan>) -> Vec<usize> {
    let model = Model::new(problem);
    let is_held = |call: &usize| model.calls[*call].hold.is_fixed();
    let mut given = last.map_or(Vec::new(), |last| kept(&model, last));
    given.retain(|(call, _)| is_held(call));
    let held: Vec<usize> = (0..model.calls.len()).filter(is_held).collect();
    let state = place_all(&model, &given, held_first(&model, &held, |_| 0));
    held.into_iter()
        .filter(|call| state.at[*call].is_none())
        .collect()
}

/// The placements of a plan that the problem still knows, by start.
pub(super) fn kept(model: &Model<'_>, plan: &BerthPlan) -> Vec<(usize, Placement)> {
    let mut kept: Vec<(usize, Placement)> = Vec::new();
    for stay in plan
        .stays
        .iter()
        .filter(|stay| stay.call < model.calls.len())
    {
        if let Some(mode) = mode_of(model, stay) {
            let placement = Placement {
                mode,
                start_min: stay.start_min,
                end_min: stay.end_min,
                cost: 0,
            };
            kept.push((stay.call, placement));
        }
    }
    kept.sort_by_key(|(call, placement)| (placement.start_min, *call));
    kept
}

pub(super) fn mode_of(model: &Model<'_>, stay: &Stay) -> Option<u32> {
    let compiled = &model.calls[stay.call];
    let is_it = |mode: &super::model::Mode| {
        let spot = &compiled.spots[mode.spot as usize];
        let on_quay = &model.quay_cranes[spot.quay as usize];
        let bits = stay
            .cranes
            .iter()
            .filter_map(|crane| on_quay.iter().position(|on| *on as usize == *crane));
        let set = bits.fold(0_u64, |set, bit| set | 1 << bit);
        spot.berth as usize == stay.berth && spot.from_m == stay.from_m && mode.cranes == set
    };
    compiled
        .modes
        .iter()
        .position(is_it)
        .map(|mode| mode as u32)
}

/// First the given placements where they still fit, then first come first served: held stays, then by release, each where it
/// is cheapest.
pub(super) fn construct(model: &Model<'_>, given: &[(usize, Placement)]) -> State {
    let all: Vec<usize> = (0..model.calls.len()).collect();
    place_all(model, given, held_first(model, &all, |_| 0))
}

/// Minutes that a call takes in its cheapest mode.
fn shortest_min(compiled: &CallModel) -> i64 {
    compiled.modes.first().map_or(0, |mode| mode.duration_min)
}

/// Alongside, frozen, locked, then by release and so many minutes later.
fn held_first(
    model: &Model<'_>,
    calls: &[usize],
    later_min: impl Fn(&CallModel) -> i64,
) -> Vec<usize> {
    let mut order = calls.to_vec();
    order.sort_by_key(|call| {
        let compiled = &model.calls[*call];
        let rank = match (
            compiled.is_alongside,
            compiled.hold.is_fixed(),
            compiled.fixed_start_min,
        ) {
            (true, ..) => 0,
            (_, true, _) => 1,
            (_, _, Some(_)) => 2,
            _ => 3,
        };
        (rank, compiled.release_min + later_min(compiled), *call)
    });
    order
}

/// Those that lie alongside: whatever else was planned must make room for a fact.
fn facts(model: &Model<'_>, given: &[(usize, Placement)], order: &[usize]) -> State {
    let is_fact = |call: usize| model.calls[call].is_alongside;
    let mut state = State::empty(model);
    let given = given.iter().filter(|(call, _)| is_fact(*call));
    let order = order.iter().copied().filter(|call| is_fact(*call));
    fill(model, &mut state, given, order);
    state
}

/// Held stays with their cranes as given, then the other held ones, then everyone else as given, then the rest.
fn place_all(model: &Model<'_>, given: &[(usize, Placement)], order: Vec<usize>) -> State {
    let mut state = facts(model, given, &order);
    let is_held = |call: usize| model.calls[call].fixed_start_min.is_some();
    for held in [true, false] {
        let given = given.iter().filter(|(call, _)| is_held(*call) == held);
        let order = order.iter().copied().filter(|call| !held || is_held(*call));
        fill(model, &mut state, given, order);
    }
    state
}

/// Everyone as given, then the rest.
fn place_given(model: &Model<'_>, given: &[(usize, Placement)], order: &[usize]) -> State {
    let mut state = facts(model, given, order);
    fill(model, &mut state, given.iter(), order.iter().copied());
    state
}

/// Held stays as given, then everyone else as given in the order of their starts, or later at the same place once it is free,
/// then the rest: where one vessel is late, those that wait behind it keep their turn.
fn place_delayed(model: &Model<'_>, given: &[(usize, Placement)], order: &[usize]) -> State {
    let is_held = |call: usize| model.calls[call].fixed_start_min.is_some();
    let mut state = facts(model, given, order);
    let held = given.iter().filter(|(call, _)| is_held(*call));
    let all_held = order.iter().copied().filter(|call| is_held(*call));
    fill(model, &mut state, held, all_held);
    let mut scratch = Scratch::default();
    for (call, placement) in given.iter().filter(|(call, _)| !is_held(*call)) {
        let placed = insert::not_before(model, &state, *call, placement, &mut scratch);
        let price = model.problem.calls[*call].unassigned_price;
        if let Some(placement) = placed.filter(|placed| placed.cost < price) {
            state.place(model, *call, placement);
        }
    }
    fill(model, &mut state, [].iter(), order.iter().copied());
    state
}

fn fill<'g>(
    model: &Model<'_>,
    state: &mut State,
    given: impl Iterator<Item = &'g (usize, Placement)>,
    order: impl Iterator<Item = usize>,
) {
    let mut scratch = Scratch::default();
    for (call, placement) in given {
        let placed = insert::exactly(model, state, *call, placement, &mut scratch);
        if let Some(placement) = placed.filter(|_| state.at[*call].is_none()) {
            state.place(model, *call, placement);
        }
    }
    for call in order {
        if state.at[call].is_none()
            && let Some(placement) = insert::best(model, state, call, &mut scratch, None)
        {
            state.place(model, call, placement);
        }
    }
}
