//! The simulated week: its port, its calls with what is known of them when, its outages and water. All from the seed.

use domain::berth::{
    Berth, BerthProblem, Call, Handling, Interval, Layout, Level, Water, Weights, Work,
};
use optimise::berth::generate::crane;
use optimise::random::Random;

/// Share of the port's metre-minutes that the calls would take at the pace of [`taken_m_min`], per cent: calls are drawn
/// until the week is so full.
const FILL_PERCENT: i64 = 86;
/// Most steps by which a call comes off its share of the time, earlier or later.
const JITTER_STEPS: i64 = 24;
/// Minutes of the week that is measured.
pub const WEEK_MIN: i64 = 7 * 1440;
/// Minutes before it in which the port fills.
pub const RUN_IN_MIN: i64 = 1440;
/// A start may shift by so much before the stay counts as moved: the 30 min by which planners judge adherence.
pub const MOVED_MIN: i64 = 30;
/// Quantum of time.
pub const STEP_MIN: i64 = 15;

/// One call with its truth.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The call as the planner sees it, but for its times.
    pub call: Call,
    /// When it really arrives.
    pub arrival_min: i64,
    /// The other call of the barge's rotation.
    pub mate: Option<usize>,
    /// Error of the ETA in standard deviations: a lasting part, and one for each six hours before arrival.
    errors: [f64; 9],
}

impl Truth {
    /// The ETA as known at `now_min`: off by 6 h (one standard deviation) two days before, by 30 min two hours before.
    pub fn eta_min(&self, now_min: i64) -> i64 {
        if self.arrival_min <= now_min {
            return self.arrival_min;
        }
        let lead_h = (self.arrival_min - now_min) as f64 / 60.0;
        let deviation_h = if lead_h < 2.0 {
            0.25 * lead_h
        } else {
            0.5 + 5.5 * ((lead_h - 2.0) / 46.0).min(1.0)
        };
        let recent = self.errors[1 + ((lead_h / 6.0) as usize).min(7)];
        let error_min = 60.0 * deviation_h * (0.8 * self.errors[0] + 0.6 * recent);
        let eta_min = self.arrival_min + error_min as i64;
        let eta_min = eta_min.max(now_min + STEP_MIN);
        (eta_min + STEP_MIN - 1) / STEP_MIN * STEP_MIN
    }
}

/// The whole week.
#[derive(Debug, Clone)]
pub struct Week {
    /// Berths, cranes, water and prices; no calls.
    pub port: BerthProblem,
    /// Calls.
    pub truths: Vec<Truth>,
    /// Crane outages, known from their start on.
    pub outages: Vec<(usize, Interval)>,
}

/// A standard normal draw: twelve uniform ones less six.
fn normal(random: &mut Random) -> f64 {
    (0..12).map(|_| random.unit()).sum::<f64>() - 6.0
}

fn between(random: &mut Random, from: i64, to: i64) -> i64 {
    from + random.below((to - from + 1) as usize) as i64
}

/// The time at which the port has been filled by the calls so far, each up to six hours earlier or later; none once the week
/// is full.
fn arrival_min(random: &mut Random, port: &BerthProblem, taken_m_min: i64) -> Option<i64> {
    let even_min = taken_m_min * 100 / (metres(port) * FILL_PERCENT);
    let steps = (WEEK_MIN + RUN_IN_MIN) / STEP_MIN;
    let step = even_min / STEP_MIN + between(random, -JITTER_STEPS, JITTER_STEPS);
    let arrival_min = step.clamp(0, steps) * STEP_MIN - RUN_IN_MIN;
    (even_min < WEEK_MIN + RUN_IN_MIN).then_some(arrival_min)
}

/// Metres of quay and pier.
pub fn metres(port: &BerthProblem) -> i64 {
    port.berths
        .iter()
        .map(|berth| berth.to_m - berth.from_m)
        .sum()
}

/// Metres that a stay takes from others: the vessel and its gap, or the whole berth.
pub fn taken_m(berth: &Berth, call: &Call) -> i64 {
    match berth.layout {
        Layout::Discrete => berth.to_m - berth.from_m,
        Layout::ByMetre { gap_m, .. } => call.length_m + gap_m,
    }
}

/// Metre-minutes that a call takes with two cranes or at the pier, on the mean of the berths that it may use.
fn taken_m_min(port: &BerthProblem, call: &Call) -> i64 {
    let pace = port
        .cranes
        .iter()
        .map(|crane| crane.rate_centimoves_h)
        .sum::<i64>()
        * 2
        / port.cranes.len() as i64;
    let berths = port.berths.iter().zip(&call.handling);
    let taken = berths.filter_map(|(berth, handling)| match handling {
        Handling::Forbidden => None,
        Handling::Minutes(minutes) => Some(taken_m(berth, call) * minutes),
        Handling::Cranes => Some(taken_m(berth, call) * call.work.duration_min(pace)),
    });
    let taken: Vec<i64> = taken.collect();
    taken.iter().sum::<i64>() / taken.len().max(1) as i64
}

/// The week of a seed.
pub fn week(seed: u64) -> Week {
    let mut random = Random::new(seed);
    let mut week = Week {
        port: port(),
        truths: Vec::new(),
        outages: Vec::new(),
    };
    for number in 0..6 {
        let start_min = (1 + number) * 1440 + between(&mut random, 0, 20) * 60 - 1080;
        let outage = Interval::new(start_min, start_min + between(&mut random, 2, 6) * 60);
        week.outages
            .push((random.below(week.port.cranes.len()), outage));
    }
    let mut taken = 0;
    let mut in_rotations = 0;
    while let Some(arrival_min) = arrival_min(&mut random, &week.port, taken) {
        let first = week.truths.len();
        // two calls in five belong to a barge that works the quay and the pier
        let in_rotation = in_rotations * 5 < 2 * (first + 1);
        let is_barge = random.below(10) < 6;
        let mut truth = truth(
            &mut random,
            &week.port,
            first,
            arrival_min,
            is_barge || in_rotation,
            in_rotation,
        );
        if in_rotation {
            in_rotations += 2;
            truth.mate = Some(first + 1);
            truth.call.handling[1..].fill(Handling::Forbidden);
            let mut other = truth.clone();
            other.call.id = format!("V{:03}", first + 1);
            other.mate = Some(first);
            other.call.handling[0] = Handling::Forbidden;
            for handling in &mut other.call.handling[1..] {
                *handling = Handling::Minutes(15 + other.call.work.moves * 4);
            }
            taken += taken_m_min(&week.port, &other.call);
            week.truths.push(other);
        }
        taken += taken_m_min(&week.port, &truth.call);
        week.truths.insert(first, truth);
    }
    week
}

fn truth(
    random: &mut Random,
    port: &BerthProblem,
    number: usize,
    arrival_min: i64,
    is_barge: bool,
    in_rotation: bool,
) -> Truth {
    let moves = match (in_rotation, is_barge) {
        (true, _) => between(random, 30, 50),
        (_, true) => between(random, 60, 110),
        _ => between(random, 120, 240),
    } * 3
        / 2;
    let cost_per_min = if is_barge {
        between(random, 1, 3)
    } else {
        between(random, 3, 6)
    };
    let call = Call {
        id: format!("V{number:03}"),
        length_m: match is_barge {
            true => [80, 90, 110][random.below(3)],
            false => [90, 110, 130][random.below(3)],
        },
        draught_cm: between(random, 220, 310),
        air_draught_cm: 700,
        cones: u8::from(random.below(8) == 0),
        handling: port
            .berths
            .iter()
            .map(|berth| match berth.layout {
                Layout::ByMetre { .. } => Handling::Cranes,
                Layout::Discrete if is_barge => Handling::Minutes(15 + moves * 4),
                Layout::Discrete => Handling::Forbidden,
            })
            .collect(),
        work: Work {
            moves,
            setup_min: if is_barge { 45 } else { 90 },
            cranes_min: 1,
            cranes_max: 2,
        },
        cost_per_min,
        unassigned_price: cost_per_min * 20_000,
        ..Call::default()
    };
    Truth {
        call,
        arrival_min,
        mate: None,
        errors: std::array::from_fn(|_| normal(random)),
    }
}

fn port() -> BerthProblem {
    let quay = Berth {
        id: "Q".into(),
        to_m: 360,
        layout: Layout::ByMetre {
            step_m: 20,
            gap_m: 10,
        },
        depth_cm: 400,
        cones_max: 1,
        ..Berth::default()
    };
    let pier = |n: i64| Berth {
        id: format!("P{n}"),
        terminal: 1,
        quay: 1,
        from_m: 130 * n,
        to_m: 130 * n + 115,
        depth_cm: 390,
        cones_max: 1,
        ..Berth::default()
    };
    let levels = [
        (-1440, 20),
        (2 * 1440, -75),
        (3 * 1440, 10),
        (5 * 1440, 160),
        (5 * 1440 + 360, 30),
    ];
    BerthProblem {
        time_step_min: STEP_MIN,
        berths: std::iter::once(quay).chain((0..2).map(pier)).collect(),
        cranes: (1..=6)
            .map(|n| {
                crane(
                    0,
                    n,
                    (if n > 3 { 60 } else { 0 }, if n < 4 { 420 } else { 480 }),
                    2820 - n * 60,
                )
            })
            .collect(),
        travel_min: vec![vec![0, 45], vec![45, 0]],
        water: Water {
            levels: levels
                .iter()
                .map(|(from_min, deviation_cm)| Level {
                    from_min: *from_min,
                    deviation_cm: *deviation_cm,
                })
                .collect(),
            stop_cm: Some(150),
        },
        under_keel_cm: 20,
        cone_distance_m: [0, 10, 50, 100],
        slushy_shift_m: 60,
        weights: Weights {
            crane_per_min: 1,
            change_stay: 200,
            change_stay_soon: 15,
            change_tolerance_min: MOVED_MIN,
            ..Weights::default()
        },
        ..BerthProblem::default()
    }
}
