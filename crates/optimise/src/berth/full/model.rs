//! The problem compiled for the search: modes, couplings, traffic stops and prices.

use super::modes;
use domain::berth::cost::move_price;
use domain::berth::horizon::{Hold, hold_of};
use domain::berth::{BerthProblem, Call, Interval};

/// A place on the grid where a call may lie.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub berth: u32,
    pub quay: u32,
    pub from_m: i64,
    pub to_m: i64,
    /// Free metres to the neighbours; none at a discrete berth, where no neighbour is allowed.
    pub gap_m: Option<i64>,
    /// Minutes of handling where no cranes are used.
    pub minutes: Option<i64>,
    /// The cranes that reach the whole vessel here, as bits in rail order.
    pub reach: u64,
    /// Times that a stay here may not touch, whatever the others do, ascending by start.
    pub forbidden: Vec<Interval>,
}

/// A place with a set of cranes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    pub spot: u32,
    /// Bit n is the n-th crane of the quay in rail order.
    pub cranes: u64,
    /// Those that a stay further along cannot have meanwhile: they are in use here or would have to pass one in use.
    pub barred_beyond: u64,
    /// The same for a stay less far along.
    pub barred_before: u64,
    /// Minutes of a stay while no crane is out of order.
    pub duration_min: i64,
    /// The same in whole time steps.
    pub steps_min: i64,
    /// True if one of its cranes has an outage.
    pub has_outage: bool,
    /// Terms of the cost that hang on the place alone.
    pub place_cost: i64,
    /// True at the place of the last plan, where a start within the tolerance is no move.
    pub is_home: bool,
    /// No stay in this mode costs less.
    pub floor: i64,
    /// The start that would be cheapest if the call were alone and moving a stay cost nothing.
    pub target_min: i64,
}

/// How another call limits this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// Same barge, any order.
    Apart,
    /// Same barge, this call first.
    Before,
    /// Same barge, this call second.
    After,
    /// Order lock, this call first.
    StartsBefore,
    /// Order lock, this call second.
    StartsAfter,
}

/// One call, compiled.
#[derive(Debug, Clone)]
pub(super) struct CallModel {
    pub spots: Vec<Spot>,
    /// Ascending by floor.
    pub modes: Vec<Mode>,
    /// The only start allowed, if given.
    pub fixed_start_min: Option<i64>,
    /// Earliest start, on the grid.
    pub release_min: i64,
    /// Latest end.
    pub end_max_min: i64,
    pub is_alongside: bool,
    pub hold: Hold,
    pub couplings: Vec<(u32, Relation)>,
    /// No answer for this call costs less, unassigned included.
    pub floor: i64,
}

/// The whole problem, compiled.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub problem: &'a BerthProblem,
    pub calls: Vec<CallModel>,
    /// Times without traffic, ascending, disjoint.
    pub stops: Vec<Interval>,
    /// By dense quay number: its cranes in rail order.
    pub quay_cranes: Vec<Vec<u32>>,
    /// Dense quay number by berth.
    pub berth_quay: Vec<u32>,
    /// True if every set of cranes that the rules allow is a mode.
    pub has_all_crane_sets: bool,
}

impl<'a> Model<'a> {
    pub fn new(problem: &'a BerthProblem) -> Self {
        let (berth_quay, quay_cranes) = quays(problem);
        let mut model = Model {
            problem,
            calls: Vec::with_capacity(problem.calls.len()),
            stops: stops(problem),
            quay_cranes,
            berth_quay,
            has_all_crane_sets: true,
        };
        let mut couplings = couplings(problem);
        for (index, call) in problem.calls.iter().enumerate() {
            let mut compiled = frame(problem, call);
            compiled.couplings = std::mem::take(&mut couplings[index]);
            modes::enumerate(&model, call, &mut compiled);
            let all = compiled
                .spots
                .iter()
                .all(|spot| spot.reach.count_ones() as usize <= modes::CRANES_COMBINED_MAX);
            model.has_all_crane_sets &= all;
            model.calls.push(compiled);
        }
        model
    }

    /// The minute itself if traffic flows then, else the first grid minute at which it does again.
    pub fn next_flow_min(&self, minute: i64) -> i64 {
        let mut minute = minute;
        for stop in &self.stops {
            if stop.start_min <= minute && minute < stop.end_min {
                minute = self.problem.round_up_min(stop.end_min);
            }
        }
        minute
    }

    /// The last grid minute not after `minute` at which traffic flows.
    pub fn last_flow_min(&self, minute: i64) -> i64 {
        let mut minute = minute;
        for stop in self.stops.iter().rev() {
            if stop.start_min <= minute && minute < stop.end_min {
                minute = self.round_down_min(stop.start_min - 1);
            }
        }
        minute
    }

    pub fn round_down_min(&self, minute: i64) -> i64 {
        minute - minute.rem_euclid(self.problem.time_step_min.max(1))
    }

    /// The end of a stay that starts at `start_min`: handling done, on the grid, traffic flowing.
    pub fn end_min(&self, call: usize, mode: &Mode, start_min: i64) -> i64 {
        let end_min = if mode.has_outage {
            self.problem
                .round_up_min(self.moves_done_min(call, mode, start_min))
        } else if self.calls[call].is_alongside {
            self.problem.round_up_min(start_min + mode.duration_min)
        } else {
            // it starts on the grid
            start_min + mode.steps_min
        };
        self.next_flow_min(end_min)
    }

    fn moves_done_min(&self, call: usize, mode: &Mode, start_min: i64) -> i64 {
        let work = &self.problem.calls[call].work;
        let quay = self.calls[call].spots[mode.spot as usize].quay;
        self.work_done_min(
            quay,
            mode.cranes,
            start_min + work.setup_min,
            work.moves * 6000,
        )
    }

    /// When a set of cranes that begins at `minute` has done `left` units of 1/6000 move, their outages counted.
    pub fn work_done_min(&self, quay: u32, cranes: u64, minute: i64, left: i64) -> i64 {
        let (mut minute, mut left) = (minute, left);
        while left > 0 {
            let mut rate = 0;
            let mut change_min = i64::MAX;
            let mut rest = cranes;
            while rest != 0 {
                let crane = self.quay_cranes[quay as usize][rest.trailing_zeros() as usize];
                rest &= rest - 1;
                let crane = &self.problem.cranes[crane as usize];
                let mut is_out = false;
                for outage in &crane.outages {
                    is_out |= outage.start_min <= minute && minute < outage.end_min;
                    for edge in [outage.start_min, outage.end_min] {
                        if edge > minute {
                            change_min = change_min.min(edge);
                        }
                    }
                }
                rate += if is_out { 0 } else { crane.rate_centimoves_h };
            }
            if rate > 0 && (left + rate - 1) / rate <= change_min.saturating_sub(minute) {
                return minute + (left + rate - 1) / rate;
            }
            if change_min == i64::MAX {
                return i64::MAX / 4;
            }
            left -= rate * (change_min - minute);
            minute = change_min;
        }
        minute
    }

    /// The cost of a stay, in agreement with `domain::berth::cost::stay_cost`.
    pub fn cost(&self, call: usize, mode: &Mode, start_min: i64, end_min: i64) -> i64 {
        cost_of(
            self.problem,
            &self.problem.calls[call],
            mode,
            start_min,
            end_min,
        )
    }
}

/// The cost of a stay of `call` in `mode`.
pub(super) fn cost_of(
    problem: &BerthProblem,
    call: &Call,
    mode: &Mode,
    start_min: i64,
    end_min: i64,
) -> i64 {
    let weights = &problem.weights;
    let mut cost = mode.place_cost + call.cost_per_min * (end_min - call.arrival_min);
    cost += weights.crane_per_min * i64::from(mode.cranes.count_ones()) * (end_min - start_min);
    if let Some(due_min) = call.due_min {
        cost += weights.late_per_min * (end_min - due_min).max(0);
    }
    if let Some(promised) = call.promised {
        let outside_min = (promised.start_min - start_min)
            .max(start_min - promised.end_min)
            .max(0);
        cost += weights.outside_window_per_min * outside_min;
    }
    if let Some(previous) = call.previous {
        let off_min = (start_min - previous.start_min).abs();
        cost += weights.change_per_min * off_min;
        if !mode.is_home || off_min > weights.change_tolerance_min {
            cost += move_price(problem, previous);
        }
    }
    cost
}

fn quays(problem: &BerthProblem) -> (Vec<u32>, Vec<Vec<u32>>) {
    let mut numbers: Vec<usize> = problem.berths.iter().map(|berth| berth.quay).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let dense = |quay: usize| numbers.partition_point(|number| *number < quay) as u32;
    let berth_quay = problem
        .berths
        .iter()
        .map(|berth| dense(berth.quay))
        .collect();
    let cranes_of = |quay: &usize| {
        let on_quay = |crane: &u32| problem.cranes[*crane as usize].quay == *quay;
        let mut cranes: Vec<u32> = (0..problem.cranes.len() as u32).filter(on_quay).collect();
        cranes.sort_by_key(|crane| problem.cranes[*crane as usize].rail_order);
        cranes
    };
    (berth_quay, numbers.iter().map(cranes_of).collect())
}

fn stops(problem: &BerthProblem) -> Vec<Interval> {
    let Some(stop_cm) = problem.water.stop_cm else {
        return Vec::new();
    };
    super::modes::level_times(problem, |level_cm| level_cm >= stop_cm)
}

fn couplings(problem: &BerthProblem) -> Vec<Vec<(u32, Relation)>> {
    let mut couplings = vec![Vec::new(); problem.calls.len()];
    for rotation in &problem.rotations {
        for (n, first) in rotation.calls.iter().enumerate() {
            for second in &rotation.calls[n + 1..] {
                let (forth, back) = match rotation.order_fixed {
                    true => (Relation::Before, Relation::After),
                    false => (Relation::Apart, Relation::Apart),
                };
                couplings[*first].push((*second as u32, forth));
                couplings[*second].push((*first as u32, back));
            }
        }
    }
    for order in &problem.orders {
        couplings[order.first].push((order.second as u32, Relation::StartsBefore));
        couplings[order.second].push((order.first as u32, Relation::StartsAfter));
    }
    couplings
}

fn frame(problem: &BerthProblem, call: &Call) -> CallModel {
    let hold = hold_of(problem, call);
    let is_alongside = hold == Hold::Alongside;
    let held_start_min = call
        .previous
        .filter(|_| hold.is_fixed())
        .map(|previous| previous.start_min);
    let latest_min = call
        .latest_departure_min
        .filter(|_| !is_alongside)
        .unwrap_or(i64::MAX);
    CallModel {
        spots: Vec::new(),
        modes: Vec::new(),
        fixed_start_min: held_start_min.or(call.lock.start_min),
        release_min: problem.round_up_min(call.release_min),
        end_max_min: latest_min.min(problem.horizon_end_min),
        is_alongside,
        hold,
        couplings: Vec::new(),
        floor: call.unassigned_price,
    }
}
