//! The cheapest stay of one call among the stays of the others, which do not move.

use super::model::{CallModel, Mode, Model, Relation, Spot};
use super::modes::unmoved;
use super::state::{Neighbour, Placement, State};
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
    blockers: Vec<Interval>,
}

/// Limits that the couplings set on start and end.
struct Limits {
    start_from_min: i64,
    start_to_min: i64,
    end_to_min: i64,
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
        let spot = &compiled.spots[mode.spot as usize];
        let Some(limits) = collect(model, state, call, mode, spot, &mut scratch.blockers) else {
            continue;
        };
        let search = Search {
            model,
            compiled,
            call,
            mode,
            spot,
            limits,
            blockers: &scratch.blockers,
        };
        for candidate in search.candidates().into_iter().flatten() {
            search.around(candidate, |(start_min, end_min)| {
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
    let mode = &compiled.modes[placement.mode as usize];
    let spot = &compiled.spots[mode.spot as usize];
    let limits = collect(model, state, call, mode, spot, &mut scratch.blockers)?;
    let search = Search {
        model,
        compiled,
        call,
        mode,
        spot,
        limits,
        blockers: &scratch.blockers,
    };
    let fixed_elsewhere = compiled
        .fixed_start_min
        .is_some_and(|start_min| start_min != placement.start_min);
    let off_grid =
        !compiled.is_alongside && model.round_down_min(placement.start_min) != placement.start_min;
    let (start_min, end_min) = search
        .exactly(placement.start_min)
        .filter(|_| !fixed_elsewhere && !off_grid)?;
    Some(Placement {
        start_min,
        end_min,
        cost: model.cost(call, mode, start_min, end_min),
        ..*placement
    })
}

/// Gathers the times at which others stand in the way of the mode, and the limits of the couplings.
fn collect(
    model: &Model<'_>,
    state: &State,
    call: usize,
    mode: &Mode,
    spot: &Spot,
    blockers: &mut Vec<Interval>,
) -> Option<Limits> {
    let compiled = &model.calls[call];
    let mut limits = Limits {
        start_from_min: compiled.fixed_start_min.unwrap_or(compiled.release_min),
        start_to_min: i64::MAX,
        end_to_min: compiled.end_max_min,
    };
    blockers.clear();
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
            Relation::Apart => blockers.push(Interval::new(leave_min, come_min)),
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
    let cones = model.problem.calls[call].cones;
    for other in &state.quays[spot.quay as usize] {
        if is_in_the_way(model, compiled, cones, mode, spot, other) {
            blockers.push(Interval::new(other.start_min, other.end_min));
        }
    }
    Some(limits)
}

fn is_in_the_way(
    model: &Model<'_>,
    compiled: &CallModel,
    cones: u8,
    mode: &Mode,
    spot: &Spot,
    other: &Neighbour,
) -> bool {
    let both_facts = compiled.is_alongside && other.is_alongside;
    if other.berth == spot.berth && !both_facts {
        let overlaps = match spot.gap_m {
            None => true,
            Some(gap_m) => spot.from_m < other.to_m + gap_m && other.from_m < spot.to_m + gap_m,
        };
        if overlaps {
            return true;
        }
    }
    let cones = usize::from(cones.max(other.cones)).min(3);
    if cones > 0 && !both_facts {
        let between_m = (other.from_m - spot.to_m).max(spot.from_m - other.to_m);
        let needed_m = model.problem.cone_distance_m[cones];
        if needed_m > 0 && between_m < needed_m {
            return true;
        }
    }
    if mode.cranes == 0 || other.cranes == 0 {
        return false;
    }
    let below = |near: u64, far: u64| 63 - near.leading_zeros() < far.trailing_zeros();
    match spot.from_m.cmp(&other.from_m) {
        std::cmp::Ordering::Less => !below(mode.cranes, other.cranes),
        std::cmp::Ordering::Greater => !below(other.cranes, mode.cranes),
        std::cmp::Ordering::Equal => mode.cranes & other.cranes != 0,
    }
}

/// The search for a start in one mode.
struct Search<'a> {
    model: &'a Model<'a>,
    compiled: &'a CallModel,
    call: usize,
    mode: &'a Mode,
    spot: &'a Spot,
    limits: Limits,
    blockers: &'a [Interval],
}

impl Search<'_> {
    /// The first feasible start from the cheapest on and the last before it. Cost is convex in the start but for outages,
    /// stops and the price of moving, so the best is one of the two or the nearest in the window in which a stay has not
    /// moved.
    fn candidates(&self) -> [Option<(i64, i64)>; 3] {
        if let Some(start_min) = self.compiled.fixed_start_min {
            return [self.exactly(start_min), None, None];
        }
        let [later, earlier] = self.around_target();
        [later, earlier, self.unmoved()]
    }

    /// The start in the window of unmoved starts that is nearest to the cheapest.
    fn unmoved(&self) -> Option<(i64, i64)> {
        if !self.mode.is_home {
            return None;
        }
        let unmoved = unmoved(self.model.problem, &self.model.problem.calls[self.call])?;
        let target_min = self.mode.target_min;
        let is_inside = |at: &(i64, i64)| (unmoved.start_min..=unmoved.end_min).contains(&at.0);
        if target_min < unmoved.start_min {
            let from_min = unmoved.start_min.max(self.limits.start_from_min);
            self.earliest(self.model.problem.round_up_min(from_min))
                .filter(is_inside)
        } else if target_min > unmoved.end_min {
            self.latest(self.model.round_down_min(unmoved.end_min))
                .filter(is_inside)
        } else {
            None
        }
    }

    fn around_target(&self) -> [Option<(i64, i64)>; 2] {
        let target_min = self.mode.target_min.max(self.limits.start_from_min);
        let later = self.earliest(self.model.problem.round_up_min(target_min));
        let is_ideal = later.is_some_and(|(start_min, _)| start_min == target_min);
        if is_ideal || target_min <= self.limits.start_from_min {
            return [later, None];
        }
        [later, self.latest(self.model.round_down_min(target_min))]
    }

    /// True if an outage or high water makes the stay longer than its work.
    fn is_stretched(&self, (start_min, end_min): (i64, i64)) -> bool {
        end_min - start_min >= self.mode.duration_min + self.model.problem.time_step_min
    }

    /// Calls `visit` with a candidate and, while outages or high water stretch the stay, with the ones after and before it:
    /// there the cost is not convex in the start. `visit` says whether to go on.
    fn around(&self, candidate: (i64, i64), mut visit: impl FnMut((i64, i64)) -> bool) {
        visit(candidate);
        if self.compiled.fixed_start_min.is_some() {
            return;
        }
        let step_min = self.model.problem.time_step_min;
        let mut at = candidate;
        while self.is_stretched(at) {
            match self.earliest(at.0 + step_min) {
                Some(later) if visit(later) => at = later,
                _ => break,
            }
        }
        let mut at = candidate;
        while self.is_stretched(at) {
            match self.latest(at.0 - step_min) {
                Some(earlier) if visit(earlier) => at = earlier,
                _ => break,
            }
        }
    }

    fn exactly(&self, start_min: i64) -> Option<(i64, i64)> {
        let flows = self.compiled.is_alongside || self.model.next_flow_min(start_min) == start_min;
        let released = self.compiled.is_alongside || start_min >= self.compiled.release_min;
        let end_min = self.model.end_min(self.call, self.mode, start_min);
        let in_time = (self.limits.start_from_min..=self.limits.start_to_min).contains(&start_min)
            && end_min <= self.limits.end_to_min;
        (flows && released && in_time && self.clash(start_min, end_min).is_none())
            .then_some((start_min, end_min))
    }

    fn earliest(&self, from_min: i64) -> Option<(i64, i64)> {
        let mut start_min = from_min;
        loop {
            start_min = self.model.next_flow_min(start_min);
            let end_min = self.model.end_min(self.call, self.mode, start_min);
            if end_min > self.limits.end_to_min || start_min > self.limits.start_to_min {
                return None;
            }
            match self.clash(start_min, end_min) {
                None => return Some((start_min, end_min)),
                Some(time) => {
                    start_min = self
                        .model
                        .problem
                        .round_up_min(time.end_min.max(start_min + 1))
                }
            }
        }
    }

    fn latest(&self, from_min: i64) -> Option<(i64, i64)> {
        let mut start_min = from_min.min(self.model.round_down_min(self.limits.start_to_min));
        loop {
            start_min = self.model.last_flow_min(start_min);
            if start_min < self.limits.start_from_min {
                return None;
            }
            let end_min = self.model.end_min(self.call, self.mode, start_min);
            let back_min = if end_min > self.limits.end_to_min {
                end_min - self.limits.end_to_min
            } else {
                match self.clash(start_min, end_min) {
                    None => return Some((start_min, end_min)),
                    Some(time) => end_min - time.start_min,
                }
            };
            let earlier_min = self.model.round_down_min(start_min - back_min.max(1));
            // an outage or a stop may swallow the whole shift: then go step by step
            let slack_min = end_min - start_min - self.mode.duration_min;
            start_min = if slack_min > self.model.problem.time_step_min {
                self.model.round_down_min(start_min - 1)
            } else {
                earlier_min
            };
        }
    }

    /// Something that forbids a stay from `start_min` to `end_min`.
    fn clash(&self, start_min: i64, end_min: i64) -> Option<Interval> {
        for time in self.blockers.iter().chain(&self.spot.forbidden) {
            if time.start_min < end_min && start_min < time.end_min {
                return Some(*time);
            }
        }
        None
    }
}
