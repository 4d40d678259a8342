//! Seeded ports with every rule in them, for tests and benchmarks.

use super::solve::solve;
use crate::budget::Budget;
use crate::random::Random;
use domain::berth::{
    Berth, BerthProblem, Call, Closure, Crane, DepthSection, Handling, Interval, Layout, Level,
    OrderLock, Place, Previous, Reservation, Rotation, Water, Weights, Work,
};

/// How large a port.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Calls.
    pub calls: usize,
    /// Hours over which they arrive.
    pub hours: i64,
    /// Time step, minutes.
    pub step_min: i64,
    /// A few places and starts only, so that all plans can be listed.
    pub is_tiny: bool,
}

impl Size {
    /// A port of 20 to 40 calls, one every two hours.
    pub fn port(seed: u64) -> Self {
        let calls = 20 + (seed % 21 * 7) as usize % 21;
        Size {
            calls,
            hours: calls as i64 * 2,
            step_min: 15,
            is_tiny: false,
        }
    }

    /// One to six calls within a day.
    pub fn tiny(seed: u64) -> Self {
        Size {
            calls: 1 + (seed as usize) % 6,
            hours: 8,
            step_min: 60,
            is_tiny: true,
        }
    }
}

/// A port with all rules. The last plan that it carries is one of first come first served before the ETAs changed.
pub fn port(seed: u64, size: Size) -> BerthProblem {
    let mut random = Random::new(seed);
    let mut problem = if size.is_tiny {
        tiny_quays(&mut random)
    } else {
        quays(&mut random)
    };
    problem.time_step_min = size.step_min;
    problem.horizon_end_min = if size.is_tiny {
        20 * 60
    } else {
        (size.hours + 96) * 60
    };
    problem.cone_distance_m = if size.is_tiny {
        [0, 10, 30, 60]
    } else {
        [0, 10, 50, 100]
    };
    problem.under_keel_cm = 20;
    problem.water = water(&mut random, problem.horizon_end_min);
    for number in 0..size.calls {
        let call = call(&mut random, &problem, size, number);
        problem.calls.push(call);
    }
    couple(&mut random, &mut problem);
    disturb(&mut random, &mut problem, size);
    promise(&mut random, &mut problem, size);
    remember(&mut random, &mut problem, size);
    problem
}

fn between(random: &mut Random, from: i64, to: i64) -> i64 {
    from + random.below((to - from + 1) as usize) as i64
}

fn one_in(random: &mut Random, count: usize) -> bool {
    random.below(count) == 0
}

/// A crane with these figures.
pub fn crane(quay: usize, rail_order: i64, reach: (i64, i64), rate_centimoves_h: i64) -> Crane {
    Crane {
        id: format!("K{quay}{rail_order}"),
        quay,
        rail_order,
        reach_from_m: reach.0,
        reach_to_m: reach.1,
        rate_centimoves_h,
        outages: Vec::new(),
    }
}

fn weights() -> Weights {
    Weights {
        late_per_min: 6,
        place_per_m: 2,
        other_quay: 600,
        crane_per_min: 1,
        outside_window_per_min: 3,
        change_berth: 300,
        change_per_m: 1,
        change_per_min: 1,
        change_stay: 200,
        change_stay_soon: 200,
        change_tolerance_min: 60,
    }
}

/// Two container quays by the metre and a pier with three berths.
fn quays(random: &mut Random) -> BerthProblem {
    let mut problem = BerthProblem {
        weights: weights(),
        travel_min: vec![vec![0, 45, 60], vec![45, 0, 30], vec![60, 30, 0]],
        ..BerthProblem::default()
    };
    for (quay, metres, cranes) in [(0, 440, 4), (1, 280, 2)] {
        let shallow_m = metres - between(random, 2, 5) * 20;
        problem.berths.push(Berth {
            id: format!("Q{quay}"),
            terminal: quay,
            quay,
            to_m: metres,
            layout: Layout::ByMetre {
                step_m: 20,
                gap_m: 20,
            },
            depth_cm: 380,
            sections: vec![DepthSection {
                from_m: shallow_m,
                to_m: metres,
                depth_cm: 320,
            }],
            cones_max: if quay == 0 { 1 } else { 2 },
            ..Berth::default()
        });
        for order in 1..=cranes {
            let reach = match (order, cranes) {
                (1, 4) => (0, 320),
                (4, 4) => (120, metres),
                _ => (0, metres),
            };
            let rate = between(random, 22, 30) * 100;
            problem.cranes.push(crane(quay, order, reach, rate));
        }
    }
    for (n, metres) in [110, 110, 140].into_iter().enumerate() {
        let from_m = [0, 120, 240][n];
        problem.berths.push(Berth {
            id: format!("P{n}"),
            terminal: 2,
            quay: 2,
            from_m,
            to_m: from_m + metres,
            depth_cm: 350,
            air_clearance_cm: [Some(760), Some(820), None][n],
            cones_max: if n == 2 { 3 } else { 1 },
            ..Berth::default()
        });
    }
    problem
}

/// One quay of six places with two cranes, and one berth.
fn tiny_quays(random: &mut Random) -> BerthProblem {
    let mut problem = BerthProblem {
        weights: weights(),
        travel_min: vec![vec![0, 60], vec![60, 0]],
        ..BerthProblem::default()
    };
    problem.berths.push(Berth {
        id: "Q".into(),
        to_m: 200,
        layout: Layout::ByMetre {
            step_m: 40,
            gap_m: 10,
        },
        depth_cm: 380,
        sections: vec![DepthSection {
            from_m: 160,
            to_m: 200,
            depth_cm: 300,
        }],
        cones_max: 2,
        ..Berth::default()
    });
    problem.berths.push(Berth {
        id: "P".into(),
        terminal: 1,
        quay: 1,
        to_m: 110,
        depth_cm: 350,
        air_clearance_cm: Some(910),
        cones_max: 3,
        ..Berth::default()
    });
    for order in 1..=2 {
        let reach = if order == 1 { (0, 160) } else { (0, 200) };
        let rate = between(random, 22, 30) * 100;
        problem.cranes.push(crane(0, order, reach, rate));
    }
    problem
}

/// A slow walk with a low spell, and now and then high water that stops traffic.
fn water(random: &mut Random, horizon_end_min: i64) -> Water {
    let mut water = Water::default();
    let mut deviation_cm = between(random, -30, 40);
    let low_from = random.below(10) as i64;
    let high_from = match one_in(random, 6) {
        true => i64::MAX,
        false => random.below(6) as i64 + 2,
    };
    for n in 0..=horizon_end_min / 360 {
        deviation_cm = (deviation_cm + between(random, -15, 15)).clamp(-60, 60);
        let low_cm = if (low_from..low_from + 3).contains(&n) {
            70
        } else {
            0
        };
        let high_cm = if n == high_from || n == high_from.saturating_add(1) {
            160
        } else {
            0
        };
        let deviation_cm = deviation_cm - low_cm + high_cm;
        water.levels.push(Level {
            from_min: n * 360 - 120,
            deviation_cm,
        });
    }
    water.stop_cm = Some(110);
    water
}

fn call(random: &mut Random, problem: &BerthProblem, size: Size, number: usize) -> Call {
    let is_barge = !one_in(random, 3);
    let arrival_min = between(random, 0, size.hours * 60) / size.step_min * size.step_min;
    let length_m = match (size.is_tiny, is_barge) {
        (true, _) => between(random, 4, 11) * 10,
        // classes of inland and sea-river vessels; whole cells of the mooring grid, so that gaps count
        (_, true) => [80, 86, 100, 110][random.below(4)],
        (_, false) => [110, 120, 135][random.below(3)],
    };
    let moves = match (size.is_tiny, is_barge) {
        (true, _) => between(random, 20, 120),
        (_, true) => between(random, 30, 110),
        (_, false) => between(random, 100, 260),
    };
    let cost_per_min = if is_barge {
        between(random, 1, 3)
    } else {
        between(random, 3, 6)
    };
    let mut call = Call {
        id: format!("V{number:02}"),
        length_m,
        draught_cm: between(random, 200, if is_barge { 300 } else { 340 }),
        air_draught_cm: between(random, 600, 900),
        cones: cones(random, is_barge),
        arrival_min,
        release_min: arrival_min,
        work: Work {
            moves,
            setup_min: 15,
            cranes_min: 1,
            cranes_max: 1 + usize::from(!is_barge) + random.below(2),
        },
        cost_per_min,
        unassigned_price: cost_per_min * 6000,
        ..Call::default()
    };
    for berth in &problem.berths {
        let handling = match berth.layout {
            Layout::ByMetre { .. } => Handling::Cranes,
            Layout::Discrete if is_barge => Handling::Minutes(15 + moves * 60 / 20),
            Layout::Discrete => Handling::Forbidden,
        };
        call.handling.push(handling);
    }
    if one_in(random, 3) {
        let berth = random.below(problem.berths.len().min(2));
        let metres = problem.berths[berth].to_m - problem.berths[berth].from_m;
        let from_m = between(random, 0, metres / 40) * 20;
        call.preferred = Some(Place { berth, from_m });
    }
    if one_in(random, 3) {
        call.due_min = Some(arrival_min + between(random, 4, 12) * 60);
    }
    if one_in(random, 4) {
        let alongside_min = call.work.duration_min(5_000); // two cranes
        let latest_min = arrival_min + alongside_min + between(random, 4, 12) * 60;
        call.latest_departure_min = Some(latest_min);
    }
    call
}

/// One call in five carries dangerous goods; three cones are rare and go to the pier.
fn cones(random: &mut Random, is_barge: bool) -> u8 {
    match random.below(20) {
        0 if is_barge => 3,
        1 | 2 => 2,
        3..=5 => 1,
        _ => 0,
    }
}

/// Two calls in five belong to rotations of two or three.
fn couple(random: &mut Random, problem: &mut BerthProblem) {
    let mut number = 0;
    while number + 1 < problem.calls.len() {
        if !one_in(random, 4) {
            number += 1;
            continue;
        }
        let members = (2 + random.below(2)).min(problem.calls.len() - number);
        let calls: Vec<usize> = (number..number + members).collect();
        let first = problem.calls[number].clone();
        for (n, call) in calls.iter().enumerate() {
            let call = &mut problem.calls[*call];
            (call.arrival_min, call.release_min) = (first.arrival_min, first.arrival_min);
            (call.length_m, call.draught_cm) = (first.length_m, first.draught_cm);
            call.due_min = None;
            call.cones = 0;
            call.length_m = call.length_m.min(110);
            call.latest_departure_min = None;
            call.work.moves = between(random, 10, 50);
            // each call of a barge at its own terminal
            let terminal = (n + number) % 3;
            for (handling, berth) in call.handling.iter_mut().zip(&problem.berths) {
                *handling = match (
                    berth.terminal == terminal % 2 || berth.terminal == terminal,
                    berth.layout,
                ) {
                    (false, _) => Handling::Forbidden,
                    (true, Layout::Discrete) => Handling::Minutes(15 + call.work.moves * 3),
                    (true, Layout::ByMetre { .. }) => Handling::Cranes,
                };
            }
        }
        problem.rotations.push(Rotation {
            barge: format!("B{number}"),
            calls,
            order_fixed: one_in(random, 2),
        });
        number += members;
    }
    lock_order(random, problem);
}

/// Locks the order of two calls of different vessels that arrive within three hours of one another.
fn lock_order(random: &mut Random, problem: &mut BerthProblem) {
    let in_rotation = |call: usize| {
        problem
            .rotations
            .iter()
            .any(|rotation| rotation.calls.contains(&call))
    };
    let first_tried = random.below(problem.calls.len());
    for n in 0..problem.calls.len() {
        let first = (first_tried + n) % problem.calls.len();
        for second in 0..problem.calls.len() {
            let wait_min = problem.calls[first].arrival_min - problem.calls[second].arrival_min;
            let is_bound = in_rotation(first) || in_rotation(second);
            if first != second && !is_bound && (0..=180).contains(&wait_min) {
                problem.orders.push(OrderLock { first, second });
                return;
            }
        }
    }
}

/// Crane outages, a closed stretch of quay, opening hours at one pier berth.
fn disturb(random: &mut Random, problem: &mut BerthProblem, size: Size) {
    let minutes = size.hours * 60;
    for _ in 0..if size.is_tiny { 1 } else { 3 } {
        let crane = random.below(problem.cranes.len());
        let start_min = between(random, 0, minutes);
        let end_min = start_min + between(random, 2, 10) * 60;
        problem.cranes[crane]
            .outages
            .push(Interval::new(start_min, end_min));
    }
    let start_min = between(random, 0, minutes);
    let from_m = between(random, 0, 5) * 20;
    let interval = Interval::new(start_min, start_min + between(random, 3, 16) * 60);
    problem.berths[0].closures.push(Closure {
        from_m,
        to_m: from_m + 100,
        interval,
    });
    if let Some(pier) = problem.berths.last_mut() {
        let days = problem.horizon_end_min / 1440;
        let day = |n: i64| Interval::new(n * 1440 + 300, n * 1440 + 1380);
        pier.open = (0..=days).map(day).collect();
    }
}

/// A contract with its reserved window, promised windows, locks.
fn promise(random: &mut Random, problem: &mut BerthProblem, size: Size) {
    let minutes = size.hours * 60;
    for contract in 0..2 {
        let start_min = between(random, 0, minutes);
        let berth = random.below(problem.berths.len());
        let interval = Interval::new(start_min, start_min + between(random, 3, 8) * 60);
        problem.reservations.push(Reservation {
            berth,
            contract,
            interval,
        });
    }
    for number in 0..problem.calls.len() {
        let arrival_min = problem.calls[number].arrival_min;
        if one_in(random, 5) {
            problem.calls[number].contract = Some(random.below(2));
            let start_min = arrival_min + between(random, 0, 2) * 60;
            problem.calls[number].promised = Some(Interval::new(start_min, start_min + 120));
        }
        if one_in(random, 6) {
            let berth = random.below(problem.berths.len());
            let place = &problem.berths[berth];
            let call = &mut problem.calls[number];
            let fits = call.cones <= place.cones_max && call.length_m <= place.to_m - place.from_m;
            if fits && call.handling[berth] != Handling::Forbidden {
                call.lock.berth = Some(berth);
            }
        }
    }
}

/// Plans once, then shifts ETAs: stays begun are facts, the next hours are frozen, the next day and a half slushy.
fn remember(random: &mut Random, problem: &mut BerthProblem, size: Size) {
    if one_in(random, 3) {
        return;
    }
    let plan = solve(problem, None, 1, &Budget::iterations(0)).plan;
    let (frozen_hours, slushy_hours) = if size.is_tiny { (1, 5) } else { (4, 36) };
    problem.frozen_until_min = frozen_hours * 60;
    problem.slushy_until_min = slushy_hours * 60;
    problem.slushy_shift_m = if size.is_tiny { 40 } else { 60 };
    for stay in &plan.stays {
        let place = Place {
            berth: stay.berth,
            from_m: stay.from_m,
        };
        let call = &mut problem.calls[stay.call];
        call.previous = Some(Previous {
            place,
            start_min: stay.start_min,
        });
        call.alongside = stay.start_min == 0;
    }
    for number in 0..problem.calls.len() {
        let is_late_enough =
            |previous: Previous| previous.start_min >= 2 * problem.frozen_until_min;
        let moves = one_in(random, 3) && problem.calls[number].previous.is_some_and(is_late_enough);
        let in_rotation = problem
            .rotations
            .iter()
            .any(|rotation| rotation.calls.contains(&number));
        if moves && !in_rotation {
            let shift_min = between(random, -2, 4) * 60;
            let call = &mut problem.calls[number];
            call.arrival_min = (call.arrival_min + shift_min).max(0);
            call.release_min = call.arrival_min;
        }
    }
}
