//! What one call may choose from: places, numbers of cranes, starts.

use super::super::model::{CallModel, Mode, Model, Relation, Spot, cost_of};
use super::super::modes::is_home;
use super::prices::{Layout, Pair, Side};
use std::rc::Rc;

/// Starts of a call with so many of certain cranes: when each ends and what it costs but for the place.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub quay: u32,
    pub reach: u64,
    pub minutes: Option<i64>,
    pub cranes: u32,
    /// At the place of the last plan, where a start within the tolerance is no move.
    pub is_home: bool,
    pub starts: Vec<Start>,
}

/// One start in slots of the layout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// First and last + 1 slot that the stay fills.
    pub from: u32,
    pub to: u32,
    pub start_min: i64,
    pub end_min: i64,
    pub cost: i64,
}

/// One place with one profile, and the starts that are left.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Number of the call's spot.
    pub spot: u32,
    pub profile: u32,
    /// Rows of the layout's prefix sums that bound the cells.
    pub row_from: u32,
    pub row_to: u32,
    /// Slots after the end during which the barge still travels.
    pub travel_slots: u32,
    /// The same towards the other call of each pair.
    pub pair_slots: Rc<[u32]>,
    pub place_cost: i64,
    /// No start costs less, prices apart.
    pub floor: i64,
    pub starts: Vec<u32>,
}

/// All options of one call.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub profiles: Vec<Profile>,
    /// Ascending by floor; shared by the parts of a tree that leave them as they are.
    pub groups: Rc<Vec<Group>>,
    /// Of leaving the call out; none where that is excluded.
    pub price: Option<i64>,
    /// The barge's row, if the call is in a rotation.
    pub barge: Option<u32>,
    /// Rows shared with one other call.
    pub pairs: Vec<Pair>,
    /// The least cost of an option or of none.
    pub floor: i64,
}

/// The earliest start of each call, given that in any plan cheaper than `value` certain earlier calls of its barge happen.
pub(super) fn earliest_starts(model: &Model<'_>, value: i64) -> Vec<i64> {
    let slack = value - model.calls.iter().map(|call| call.floor).sum::<i64>();
    let surely_made = |call: usize| {
        let compiled = &model.calls[call];
        model.problem.calls[call].unassigned_price - compiled.floor >= slack
    };
    let start_of = |compiled: &CallModel| compiled.fixed_start_min.unwrap_or(compiled.release_min);
    let mut earliest: Vec<i64> = model.calls.iter().map(start_of).collect();
    for _ in 0..ROUNDS {
        for (call, compiled) in model.calls.iter().enumerate() {
            for (other, relation) in &compiled.couplings {
                let other = *other as usize;
                let after_min = match relation {
                    Relation::After => {
                        earliest[other]
                            + least_duration_min(&model.calls[other])
                            + least_travel_min(model, other, call)
                    }
                    Relation::StartsAfter => earliest[other],
                    _ => continue,
                };
                if surely_made(other) && surely_made(call) {
                    earliest[call] = earliest[call].max(after_min);
                }
            }
        }
    }
    earliest
}

/// Rounds of propagation along chains of calls.
const ROUNDS: usize = 4;

fn least_duration_min(compiled: &CallModel) -> i64 {
    compiled
        .modes
        .iter()
        .map(|mode| mode.duration_min)
        .min()
        .unwrap_or(0)
}

/// The least travel from any place of one call to any place of another.
pub(super) fn least_travel_min(model: &Model<'_>, from: usize, to: usize) -> i64 {
    let pairs = terminals(model, from)
        .into_iter()
        .flat_map(|a| terminals(model, to).into_iter().map(move |b| (a, b)));
    pairs
        .map(|(a, b)| model.problem.travel_between_min(a, b))
        .min()
        .unwrap_or(0)
}

fn terminals(model: &Model<'_>, call: usize) -> Vec<usize> {
    let spots = model.calls[call].spots.iter();
    let mut terminals: Vec<usize> = spots
        .map(|spot| model.problem.berths[spot.berth as usize].terminal)
        .collect();
    terminals.sort_unstable();
    terminals.dedup();
    terminals
}

/// Enumerates the options of `call` that cost at most `limit`.
pub(super) fn enumerate(
    model: &Model<'_>,
    layout: &Layout,
    call: usize,
    earliest_min: i64,
    limit: i64,
) -> Options {
    let compiled = &model.calls[call];
    let mut options = Options {
        profiles: Vec::new(),
        groups: Rc::default(),
        price: Some(model.problem.calls[call].unassigned_price),
        barge: layout.barge_of[call],
        pairs: layout.pairs[call].clone(),
        floor: model.problem.calls[call].unassigned_price,
    };
    let mut groups: Vec<Group> = Vec::new();
    for (number, spot) in compiled.spots.iter().enumerate() {
        let Some(place_cost) = compiled
            .modes
            .iter()
            .find(|mode| mode.spot as usize == number)
            .map(|mode| mode.place_cost)
        else {
            continue;
        };
        for cranes in crane_counts(model, call, spot) {
            let profile = profile(
                model,
                layout,
                call,
                spot,
                cranes,
                (earliest_min, limit),
                &mut options,
            );
            let group = group(
                layout,
                model,
                (call, number),
                (profile, place_cost),
                limit,
                &options,
            );
            if !group.starts.is_empty() {
                options.floor = options.floor.min(group.floor);
                groups.push(group);
            }
        }
    }
    groups.sort_by_key(|group| (group.floor, group.row_from, group.profile));
    options.groups = Rc::new(groups);
    options
}

fn crane_counts(model: &Model<'_>, call: usize, spot: &Spot) -> std::ops::RangeInclusive<u32> {
    if spot.minutes.is_some() {
        return 0..=0;
    }
    let work = &model.problem.calls[call].work;
    work.cranes_min.max(1) as u32..=(work.cranes_max as u32).min(spot.reach.count_ones())
}

/// The number of the profile, made if it is new.
fn profile(
    model: &Model<'_>,
    layout: &Layout,
    call: usize,
    spot: &Spot,
    cranes: u32,
    (earliest_min, limit): (i64, i64),
    options: &mut Options,
) -> u32 {
    let is_home = is_home(&model.problem.calls[call], spot);
    let is_same = |profile: &Profile| {
        profile.quay == spot.quay
            && profile.minutes == spot.minutes
            && profile.cranes == cranes
            && profile.is_home == is_home
            && (profile.reach == spot.reach || spot.minutes.is_some())
    };
    if let Some(found) = options.profiles.iter().position(is_same) {
        return found as u32;
    }
    let mut profile = Profile {
        quay: spot.quay,
        reach: spot.reach,
        minutes: spot.minutes,
        cranes,
        is_home,
        starts: Vec::new(),
    };
    let compiled = &model.calls[call];
    let priced = Mode {
        spot: 0,
        cranes: (1_u64 << cranes) - 1, // only their number is used, for the price of gangs
        barred_beyond: 0,
        barred_before: 0,
        duration_min: 0,
        steps_min: 0,
        has_outage: false,
        place_cost: 0,
        is_home,
        floor: 0,
        target_min: 0,
    };
    let step = model.problem.time_step_min;
    let (first_min, last_min) = match compiled.fixed_start_min {
        Some(start_min) => (start_min, start_min),
        None => (
            model.problem.round_up_min(earliest_min),
            compiled.end_max_min,
        ),
    };
    let mut start_min = first_min;
    while start_min <= last_min {
        let end_min = finish_min(model, call, &profile, start_min);
        if end_min > compiled.end_max_min {
            break;
        }
        let flows = compiled.is_alongside || model.next_flow_min(start_min) == start_min;
        let cost = cost_of(
            model.problem,
            &model.problem.calls[call],
            &priced,
            start_min,
            end_min,
        );
        if flows && cost <= limit {
            profile.starts.push(Start {
                from: layout.slot_up(start_min),
                to: layout.slot_down(end_min),
                start_min,
                end_min,
                cost,
            });
        }
        start_min += step;
    }
    options.profiles.push(profile);
    options.profiles.len() as u32 - 1
}

/// The earliest end with the fastest `cranes` cranes in reach at every minute.
fn finish_min(model: &Model<'_>, call: usize, profile: &Profile, start_min: i64) -> i64 {
    let done_min = match profile.minutes {
        Some(minutes) => start_min + minutes,
        None => {
            let work = &model.problem.calls[call].work;
            fastest_done_min(
                model,
                profile,
                start_min + work.setup_min,
                work.moves * 6000,
            )
        }
    };
    model.next_flow_min(model.problem.round_up_min(done_min))
}

fn fastest_done_min(model: &Model<'_>, profile: &Profile, minute: i64, left: i64) -> i64 {
    let cranes = &model.quay_cranes[profile.quay as usize];
    let in_reach = (0..cranes.len()).filter(|bit| profile.reach & (1 << bit) != 0);
    let in_reach: Vec<_> = in_reach
        .map(|bit| &model.problem.cranes[cranes[bit] as usize])
        .collect();
    let (mut minute, mut left) = (minute, left);
    let mut rates = Vec::with_capacity(in_reach.len());
    while left > 0 {
        let mut change_min = i64::MAX;
        rates.clear();
        for crane in &in_reach {
            let is_out = |outage: &domain::berth::Interval| {
                outage.start_min <= minute && minute < outage.end_min
            };
            if !crane.outages.iter().any(is_out) {
                rates.push(crane.rate_centimoves_h);
            }
            let edges = crane
                .outages
                .iter()
                .flat_map(|outage| [outage.start_min, outage.end_min]);
            change_min = edges
                .filter(|edge| *edge > minute)
                .fold(change_min, i64::min);
        }
        rates.sort_unstable_by_key(|rate| std::cmp::Reverse(*rate));
        let rate: i64 = rates.iter().take(profile.cranes as usize).sum();
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

fn group(
    layout: &Layout,
    model: &Model<'_>,
    (call, number): (usize, usize),
    (profile, place_cost): (u32, i64),
    limit: i64,
    options: &Options,
) -> Group {
    let spot = &model.calls[call].spots[number];
    let (row_from, row_to) = layout.rows(model, call, spot);
    let mut group = Group {
        spot: number as u32,
        profile,
        row_from,
        row_to,
        travel_slots: layout.travel_slots(model, call, spot),
        pair_slots: pair_slots(layout, model, spot, &options.pairs),
        place_cost,
        floor: i64::MAX,
        starts: Vec::new(),
    };
    for (number, start) in options.profiles[profile as usize].starts.iter().enumerate() {
        let is_free = |time: &domain::berth::Interval| {
            start.end_min <= time.start_min || time.end_min <= start.start_min
        };
        if start.cost + place_cost <= limit && spot.forbidden.iter().all(is_free) {
            group.floor = group.floor.min(start.cost + place_cost);
            group.starts.push(number as u32);
        }
    }
    group
}

/// Slots of travel that count after the end, by pair.
fn pair_slots(layout: &Layout, model: &Model<'_>, spot: &Spot, pairs: &[Pair]) -> Rc<[u32]> {
    let travel = pairs.iter().map(|pair| match pair.side {
        Side::End | Side::Apart => layout.travel_to_slots(model, pair.mate, spot),
        Side::Start | Side::Second => 0,
    });
    travel.collect()
}
