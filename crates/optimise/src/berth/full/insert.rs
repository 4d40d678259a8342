//! The cheapest stay of one call among the stays of the others, which do not move.

use super::model::{Mode, Model, Relation, Spot};
use super::starts::{Limits, Starts};
use super::state::{Placement, State};
use crate::random::Random;
use domain::berth::Interval;

/// What one randomised insertion overlooks (after Christiaens and Vanden Berghe 2020): one mode in so many, and modes with
/// more cranes than this. Thrift in cranes leaves some for the neighbours, which the cheapest mode would not.
struct Whim {
    blink_one_in: usize,
    cranes_max: u32,
}

impl Whim {
    fn draw(random: &mut Random) -> Self {
        Whim {
            blink_one_in: if random.below(8) == 0 { 3 } else { 64 },
            cranes_max: if random.below(4) == 0 {
                1 + random.below(3) as u32
            } else {
                u32::MAX
            },
        }
    }
}

/// Lists that one insertion needs, kept to save allocations.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    apart: Vec<Interval>,
}

/// The cheapest placement of `call`, if one is cheaper than leaving it out. With a source of randomness, some are missed.
pub(super) fn best(
    model: &Model<'_>,
    state: &State,
    call: usize,
    scratch: &mut Scratch,
    random: Option<&mut Random>,
) -> Option<Placement> {
    let price = model.problem.calls[call].unassigned_price;
    best_where(model, state, call, scratch, random, (price, |_| true))
}

/// As [`best`], cheaper than a given cost and in the modes that a condition allows.
pub(super) fn best_where(
    model: &Model<'_>,
    state: &State,
    call: usize,
    scratch: &mut Scratch,
    mut random: Option<&mut Random>,
    (cost_below, allows): (i64, impl Fn(&Mode) -> bool),
) -> Option<Placement> {
    let compiled = &model.calls[call];
    let whim = random.as_deref_mut().map(Whim::draw);
    let mut best: Option<Placement> = None;
    let mut best_cost = cost_below;
    for (number, mode) in compiled.modes.iter().enumerate() {
        if mode.floor >= best_cost {
            break;
        }
        if let (Some(random), Some(whim)) = (random.as_deref_mut(), &whim)
            && (random.below(whim.blink_one_in) == 0 || mode.cranes.count_ones() > whim.cranes_max)
        {
            continue;
        }
        if !allows(mode) {
            continue;
        }
        let Some(starts) = starts(model, state, call, mode, scratch, best_cost) else {
            continue;
        };
        for candidate in starts.candidates().into_iter().flatten() {
            starts.around(candidate, |(start_min, end_min)| {
                let cost = model.cost(call, mode, start_min, end_min);
                if cost < best_cost {
                    best_cost = cost;
                    best = Some(Placement {
                        mode: number as u32,
                        start_min,
                        end_min,
                        cost,
                    });
                }
                model.cost(call, mode, start_min, start_min + mode.duration_min) < best_cost
            });
        }
    }
    best
}

/// The placement with its end and cost as they are now, if `call` may still start there among the others.
pub(super) fn exactly(
    model: &Model<'_>,
    state: &State,
    call: usize,
    placement: &Placement,
    scratch: &mut Scratch,
) -> Option<Placement> {
    let compiled = &model.calls[call];
    let fixed_elsewhere = compiled
        .fixed_start_min
        .is_some_and(|start_min| start_min != placement.start_min);
    let off_grid =
        !compiled.is_alongside && model.round_down_min(placement.start_min) != placement.start_min;
    if fixed_elsewhere || off_grid {
        return None;
    }
    let start_min = placement.start_min;
    in_same_mode(model, state, call, placement, scratch, |starts| {
        starts.exactly(start_min)
    })
}

/// The placement at its own start, or at the first later one at which `call` may start there among the others.
pub(super) fn not_before(
    model: &Model<'_>,
    state: &State,
    call: usize,
    placement: &Placement,
    scratch: &mut Scratch,
) -> Option<Placement> {
    in_same_mode(model, state, call, placement, scratch, |starts| {
        let from_min = placement.start_min.max(starts.limits.start_from_min);
        starts.earliest(model.problem.round_up_min(from_min))
    })
}

/// The placement with the start and end that `choose` picks in its mode among the others.
fn in_same_mode(
    model: &Model<'_>,
    state: &State,
    call: usize,
    placement: &Placement,
    scratch: &mut Scratch,
    choose: impl Fn(&Starts<'_>) -> Option<(i64, i64)>,
) -> Option<Placement> {
    let mode = &model.calls[call].modes[placement.mode as usize];
    let (start_min, end_min) = choose(&starts(model, state, call, mode, scratch, i64::MAX)?)?;
    Some(Placement {
        start_min,
        end_min,
        cost: model.cost(call, mode, start_min, end_min),
        ..*placement
    })
}

/// The search for a start of `call` in `mode` among the others, at less than a given cost; none if its mates leave it no time.
fn starts<'a>(
    model: &'a Model<'a>,
    state: &'a State,
    call: usize,
    mode: &'a Mode,
    scratch: &'a mut Scratch,
    cost_below: i64,
) -> Option<Starts<'a>> {
    let compiled = &model.calls[call];
    let spot = &compiled.spots[mode.spot as usize];
    let limits = collect(model, state, call, mode, spot, &mut scratch.apart)?;
    Some(Starts {
        model,
        compiled,
        call,
        mode,
        spot,
        limits,
        apart: &scratch.apart,
        neighbours: &state.quays[spot.quay as usize],
        cost_below,
    })
}

/// Gathers the times at which mates of the same barge keep the call away, and the limits of the couplings.
fn collect(
    model: &Model<'_>,
    state: &State,
    call: usize,
    mode: &Mode,
    spot: &Spot,
    apart: &mut Vec<Interval>,
) -> Option<Limits> {
    let compiled = &model.calls[call];
    let mut limits = Limits {
        start_from_min: compiled.fixed_start_min.unwrap_or(compiled.release_min),
        start_to_min: i64::MAX,
        end_to_min: compiled.end_max_min,
    };
    apart.clear();
    for (other, relation) in &compiled.couplings {
        let Some(placed) = state.at[*other as usize] else {
            continue;
        };
        let theirs = &model.calls[*other as usize];
        let their_spot = &theirs.spots[theirs.modes[placed.mode as usize].spot as usize];
        let terminal = |spot: &Spot| model.problem.berths[spot.berth as usize].terminal;
        let there_min = model
            .problem
            .travel_between_min(terminal(spot), terminal(their_spot));
        let back_min = model
            .problem
            .travel_between_min(terminal(their_spot), terminal(spot));
        let (leave_min, come_min) = (placed.start_min - there_min, placed.end_min + back_min);
        match relation {
            Relation::Apart => apart.push(Interval::new(leave_min, come_min)),
            Relation::Before => limits.end_to_min = limits.end_to_min.min(leave_min),
            Relation::After => limits.start_from_min = limits.start_from_min.max(come_min),
            Relation::StartsBefore => {
                limits.start_to_min = limits.start_to_min.min(placed.start_min)
            }
            Relation::StartsAfter => {
                limits.start_from_min = limits.start_from_min.max(placed.start_min)
            }
        }
    }
    if compiled.fixed_start_min.is_none() {
        limits.start_from_min = model.problem.round_up_min(limits.start_from_min);
    }
    if limits.start_from_min + mode.duration_min > limits.end_to_min
        || limits.start_from_min > limits.start_to_min
    {
        return None;
    }
    Some(limits)
}
