//! Enumerates where and with which cranes a call may be handled, and when that is forbidden whatever the others do.

use super::model::{CallModel, Mode, Model, Spot, cost_of};
use domain::berth::cost::move_price;
use domain::berth::horizon::Hold;
use domain::berth::{Berth, BerthProblem, Call, Handling, Interval, Layout};

/// Beyond so many cranes in reach only neighbouring cranes and the fastest are combined.
pub(super) const CRANES_COMBINED_MAX: usize = 5;

/// Fills in the call's spots, modes and floor.
pub(super) fn enumerate(model: &Model<'_>, call: &Call, compiled: &mut CallModel) {
    for (index, berth) in model.problem.berths.iter().enumerate() {
        let Some(handling) = call.handling.get(index).copied() else {
            continue;
        };
        if handling == Handling::Forbidden || !compiled.is_alongside && call.cones > berth.cones_max
        {
            continue;
        }
        for from_m in places(model.problem, call, compiled, index, berth) {
            let spot = spot(model, call, compiled, (index, handling), from_m);
            compiled.spots.push(spot);
            let number = compiled.spots.len() - 1;
            crane_modes(model, call, handling, number, compiled);
        }
    }
    compiled
        .modes
        .sort_by_key(|mode| (mode.floor, mode.spot, mode.cranes));
    let best = compiled.modes.first().map_or(i64::MAX, |mode| mode.floor);
    compiled.floor = compiled.floor.min(best);
}

/// First metres on the berth's grid that length, holds and locks allow.
fn places(
    problem: &BerthProblem,
    call: &Call,
    compiled: &CallModel,
    index: usize,
    berth: &Berth,
) -> Vec<i64> {
    let held = call.previous.filter(|_| compiled.hold != Hold::Free);
    let shift_m = if compiled.hold == Hold::Slushy {
        problem.slushy_shift_m
    } else {
        0
    };
    let fits = |from_m: &i64| {
        let inside = *from_m >= berth.from_m && from_m + call.length_m <= berth.to_m;
        let as_held = held.is_none_or(|held| {
            held.place.berth == index && (held.place.from_m - from_m).abs() <= shift_m
        });
        let as_locked = call.lock.berth.is_none_or(|berth| berth == index)
            && call.lock.from_m.is_none_or(|locked_m| locked_m == *from_m);
        inside && as_held && as_locked
    };
    if compiled.is_alongside {
        return held
            .map(|held| held.place.from_m)
            .filter(fits)
            .into_iter()
            .collect();
    }
    match berth.layout {
        Layout::Discrete => Some(berth.from_m).filter(fits).into_iter().collect(),
        Layout::ByMetre { step_m, .. } => {
            let last_m = berth.to_m - call.length_m;
            let all = (0..).map(|n| berth.from_m + n * step_m.max(1));
            all.take_while(|from_m| *from_m <= last_m)
                .filter(fits)
                .collect()
        }
    }
}

fn spot(
    model: &Model<'_>,
    call: &Call,
    compiled: &CallModel,
    (index, handling): (usize, Handling),
    from_m: i64,
) -> Spot {
    let berth = &model.problem.berths[index];
    let to_m = from_m + call.length_m;
    let forbidden = match compiled.is_alongside {
        true => Vec::new(),
        false => forbidden(model.problem, call, index, from_m, to_m),
    };
    Spot {
        berth: index as u32,
        quay: model.berth_quay[index],
        from_m,
        to_m,
        gap_m: match berth.layout {
            Layout::Discrete => None,
            Layout::ByMetre { gap_m, .. } => Some(gap_m),
        },
        minutes: match handling {
            Handling::Minutes(minutes) => Some(minutes),
            _ => None,
        },
        reach: reach(model, model.berth_quay[index], from_m, to_m),
        forbidden,
    }
}

/// The cranes of a quay that reach all metres from `from_m` to `to_m`.
fn reach(model: &Model<'_>, quay: u32, from_m: i64, to_m: i64) -> u64 {
    let mut reach = 0;
    for (bit, crane) in model.quay_cranes[quay as usize].iter().enumerate() {
        let crane = &model.problem.cranes[*crane as usize];
        if crane.reach_from_m <= from_m && to_m <= crane.reach_to_m {
            reach |= 1 << bit;
        }
    }
    reach
}

/// Times at which a stay of the call cannot touch the place: closed, reserved, too shallow, too low.
fn forbidden(
    problem: &BerthProblem,
    call: &Call,
    index: usize,
    from_m: i64,
    to_m: i64,
) -> Vec<Interval> {
    let berth = &problem.berths[index];
    let mut times = Vec::new();
    if let (Some(first), Some(last)) = (berth.open.first(), berth.open.last()) {
        times.push(Interval::new(i64::MIN / 4, first.start_min));
        times.push(Interval::new(last.end_min, i64::MAX / 4));
        let between = berth.open.windows(2);
        times.extend(between.map(|pair| Interval::new(pair[0].end_min, pair[1].start_min)));
    }
    let closures = berth
        .closures
        .iter()
        .filter(|closure| closure.from_m < to_m && from_m < closure.to_m);
    times.extend(closures.map(|closure| closure.interval));
    let reserved = problem.reservations.iter();
    let reserved = reserved
        .filter(|reserved| reserved.berth == index && call.contract != Some(reserved.contract));
    times.extend(reserved.map(|reserved| reserved.interval));
    let lowest_cm = call.draught_cm + problem.under_keel_cm - berth.depth_between_cm(from_m, to_m);
    times.extend(level_times(problem, |level_cm| level_cm < lowest_cm));
    if let Some(clearance_cm) = berth.air_clearance_cm {
        let highest_cm = clearance_cm - call.air_draught_cm;
        times.extend(level_times(problem, |level_cm| level_cm > highest_cm));
    }
    times.sort_unstable();
    times
}

/// The times at which the forecast level is as `is_bad` says, ascending, each as one interval.
pub(super) fn level_times(problem: &BerthProblem, is_bad: impl Fn(i64) -> bool) -> Vec<Interval> {
    let levels = &problem.water.levels;
    let mut times: Vec<Interval> = Vec::new();
    if levels.is_empty() {
        if is_bad(0) {
            times.push(Interval::new(i64::MIN / 4, i64::MAX / 4));
        }
        return times;
    }
    for (n, level) in levels.iter().enumerate() {
        if !is_bad(level.deviation_cm) {
            continue;
        }
        let start_min = if n == 0 { i64::MIN / 4 } else { level.from_min };
        let end_min = levels.get(n + 1).map_or(i64::MAX / 4, |next| next.from_min);
        match times.last_mut() {
            Some(last) if last.end_min == start_min => last.end_min = end_min,
            _ => times.push(Interval::new(start_min, end_min)),
        }
    }
    times
}

fn crane_modes(
    model: &Model<'_>,
    call: &Call,
    handling: Handling,
    number: usize,
    compiled: &mut CallModel,
) {
    match handling {
        Handling::Forbidden => {}
        Handling::Minutes(minutes) => add(model, call, number, 0, minutes, compiled),
        Handling::Cranes => {
            let spot = &compiled.spots[number];
            let cranes = &model.quay_cranes[spot.quay as usize];
            let bits: Vec<usize> = (0..cranes.len())
                .filter(|bit| spot.reach & (1 << bit) != 0)
                .collect();
            let rate_of = |set: u64| -> i64 {
                let chosen = bits.iter().filter(|bit| set & (1 << **bit) != 0);
                chosen
                    .map(|bit| model.problem.cranes[cranes[*bit] as usize].rate_centimoves_h)
                    .sum()
            };
            let rate = |bit: usize| model.problem.cranes[cranes[bit] as usize].rate_centimoves_h;
            let (fewest, most) = (call.work.cranes_min.max(1), call.work.cranes_max);
            let sets = crane_sets(&bits, fewest, most, rate);
            for (set, rate) in sets.into_iter().map(|set| (set, rate_of(set))) {
                add(
                    model,
                    call,
                    number,
                    set,
                    call.work.duration_min(rate),
                    compiled,
                );
            }
        }
    }
}

/// All sets of `fewest` to `most` of the cranes. If the cranes are many, all rows of neighbours, and of each size the fastest:
/// floors are those of modes, and no set of the size may be below.
fn crane_sets(bits: &[usize], fewest: usize, most: usize, rate: impl Fn(usize) -> i64) -> Vec<u64> {
    if bits.len() <= CRANES_COMBINED_MAX {
        let spread = |choice: u64| {
            let chosen = bits
                .iter()
                .enumerate()
                .filter(|(n, _)| choice & (1 << n) != 0);
            chosen.fold(0_u64, |set, (_, bit)| set | 1 << bit)
        };
        let all = (1_u64..1 << bits.len()).map(spread);
        return all
            .filter(|set| (fewest..=most).contains(&(set.count_ones() as usize)))
            .collect();
    }
    let sizes = fewest..=most.min(bits.len());
    let mut by_rate = bits.to_vec();
    by_rate.sort_by_key(|bit| (std::cmp::Reverse(rate(*bit)), *bit));
    let rows = sizes.clone().flat_map(|size| bits.windows(size));
    let fastest = sizes.map(|size| &by_rate[..size]);
    let mut sets: Vec<u64> = rows
        .chain(fastest)
        .map(|row| row.iter().fold(0_u64, |set, bit| set | 1 << bit))
        .collect();
    sets.sort_unstable();
    sets.dedup();
    sets
}

fn add(
    model: &Model<'_>,
    call: &Call,
    number: usize,
    cranes: u64,
    duration_min: i64,
    compiled: &mut CallModel,
) {
    let spot = &compiled.spots[number];
    let quay = &model.quay_cranes[spot.quay as usize];
    let (barred_beyond, barred_before) = barred(model.problem, quay, cranes);
    let mut mode = Mode {
        spot: number as u32,
        cranes,
        barred_beyond,
        barred_before,
        duration_min,
        steps_min: model.problem.round_up_min(duration_min),
        has_outage: false,
        place_cost: place_cost(model.problem, call, spot),
        is_home: is_home(call, spot),
        floor: 0,
        target_min: 0,
    };
    let Some(earliest_min) = earliest_alone_min(model, compiled, spot, duration_min) else {
        return;
    };
    let out = |bit: usize| {
        let outages = &model.problem.cranes[quay[bit] as usize].outages;
        outages.iter().any(|outage| outage.end_min > earliest_min)
    };
    mode.has_outage = (0..quay.len()).any(|bit| cranes & (1 << bit) != 0 && out(bit));
    let price = |start_min: i64| {
        cost_of(
            model.problem,
            call,
            &mode,
            start_min,
            start_min + duration_min,
        )
    };
    // piecewise linear in the start: the least is at a break, or at an end of the window in which the stay has not moved
    let unmoved = mode.is_home.then(|| unmoved(model.problem, call)).flatten();
    let mut floor = price(earliest_min);
    let is_moved = |start_min: i64| {
        unmoved.is_some_and(|unmoved| !(unmoved.start_min..=unmoved.end_min).contains(&start_min))
    };
    let moved = call
        .previous
        .map_or(0, |previous| move_price(model.problem, previous));
    let convex = |start_min: i64| price(start_min) - i64::from(is_moved(start_min)) * moved;
    let mut best = (convex(earliest_min), earliest_min);
    if compiled.fixed_start_min.is_none() {
        let promised = call
            .promised
            .map(|promised| [promised.start_min, promised.end_min]);
        let breaks = promised
            .into_iter()
            .flatten()
            .chain(call.previous.map(|previous| previous.start_min))
            .chain(call.due_min.map(|due_min| due_min - duration_min));
        let ends = unmoved.map(|unmoved| [unmoved.start_min, unmoved.end_min]);
        for start_min in breaks.chain(ends.into_iter().flatten()) {
            let start_min = start_min.max(earliest_min);
            floor = floor.min(price(start_min));
            best = best.min((convex(start_min), start_min));
        }
    }
    (mode.floor, mode.target_min) = (floor, best.1);
    compiled.modes.push(mode);
}

/// What a stay with these cranes of a quay bars to one further along, and to one less far. Cranes of the same order pass one
/// another.
fn barred(problem: &BerthProblem, quay: &[u32], cranes: u64) -> (u64, u64) {
    let order = |bit: usize| problem.cranes[quay[bit] as usize].rail_order;
    let used = || (0..quay.len()).filter(|bit| cranes & (1 << bit) != 0);
    let (Some(lowest), Some(highest)) = (used().map(order).min(), used().map(order).max()) else {
        return (0, 0);
    };
    let (mut beyond, mut before) = (cranes, cranes);
    for bit in 0..quay.len() {
        beyond |= u64::from(order(bit) < highest) << bit;
        before |= u64::from(order(bit) > lowest) << bit;
    }
    (beyond, before)
}

/// True at the place of the last plan.
pub(super) fn is_home(call: &Call, spot: &Spot) -> bool {
    call.previous.is_some_and(|previous| {
        (previous.place.berth, previous.place.from_m) == (spot.berth as usize, spot.from_m)
    })
}

/// The starts, first and last, with which a stay at its last place has not moved; none if moving costs nothing.
pub(super) fn unmoved(problem: &BerthProblem, call: &Call) -> Option<Interval> {
    let weights = &problem.weights;
    let previous = call.previous?;
    if move_price(problem, previous) == 0 {
        return None;
    }
    let from_min = problem.round_up_min(previous.start_min - weights.change_tolerance_min);
    Some(Interval::new(
        from_min,
        previous.start_min + weights.change_tolerance_min,
    ))
}

/// The earliest start if the call were alone, by a stay of `duration_min` at least.
fn earliest_alone_min(
    model: &Model<'_>,
    compiled: &CallModel,
    spot: &Spot,
    duration_min: i64,
) -> Option<i64> {
    let fits = |start_min: i64, end_min: i64| {
        let clash = |time: &&Interval| time.start_min < end_min && start_min < time.end_min;
        spot.forbidden.iter().find(clash).copied()
    };
    if let Some(start_min) = compiled.fixed_start_min {
        let end_min = start_min + duration_min;
        let allowed = compiled.is_alongside
            || start_min >= compiled.release_min
                && fits(start_min, end_min).is_none()
                && model.next_flow_min(start_min) == start_min
                && model.round_down_min(start_min) == start_min;
        return (allowed && end_min <= compiled.end_max_min).then_some(start_min);
    }
    let mut start_min = compiled.release_min;
    loop {
        start_min = model.next_flow_min(start_min);
        if start_min + duration_min > compiled.end_max_min {
            return None;
        }
        match fits(start_min, start_min + duration_min) {
            None => return Some(start_min),
            Some(time) => start_min = model.problem.round_up_min(time.end_min.max(start_min + 1)),
        }
    }
}

fn place_cost(problem: &BerthProblem, call: &Call, spot: &Spot) -> i64 {
    let weights = &problem.weights;
    let berth = spot.berth as usize;
    let mut cost = 0;
    if let Some(preferred) = call.preferred {
        cost += if problem.berths[preferred.berth].quay == problem.berths[berth].quay {
            weights.place_per_m * (spot.from_m - preferred.from_m).abs()
        } else {
            weights.other_quay
        };
    }
    if let Some(previous) = call.previous {
        cost += if previous.place.berth == berth {
            weights.change_per_m * (spot.from_m - previous.place.from_m).abs()
        } else {
            weights.change_berth
        };
    }
    cost
}
