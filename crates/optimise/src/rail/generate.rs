//! Seeded full-rule problems for tests, benchmarks and scale curves: an inland terminal with trains to Italy, to Poland
//! and, over the break of gauge at Malaszewicze, to China.

use domain::rail::problem::Weights;
use domain::rail::{
    Customs, CutOff, CutOffKind, DangerousLimit, Lock, Milestone, RailProblem, SlotStatus,
    TrainSlot, UNLIMITED, Unit,
};

use crate::random::Random;

const HOME: &str = "DEDUI";
const BORDER: &str = "PLMAA";
const FAR: [&str; 2] = ["CNXIY", "CNCKG"];
const SOUTH: [&str; 2] = ["ITMIL", "ITVRN"];
const HOUR: i64 = 60;

/// How large and how tight a generated problem is.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Units.
    pub units: usize,
    /// Train slots, at least 3.
    pub trains: usize,
    /// What the units need in percent of the room of the first trains; above 100 some must stay.
    pub fill_percent: i64,
}

/// A problem of `shape`: every rule of `domain::rail` occurs in it.
pub fn problem(shape: Shape, seed: u64) -> RailProblem {
    let mut random = Random::new(seed);
    let now_at_min = 1_000_000;
    let mut problem = RailProblem {
        now_at_min,
        weights: Weights {
            transit_per_teu_hour: 1,
            ..Weights::default()
        },
        ..RailProblem::default()
    };
    for nth in 0..shape.trains.max(3) {
        problem
            .trains
            .push(train(&mut random, now_at_min, nth, shape));
    }
    for nth in 0..shape.units {
        let unit = unit(&mut random, &problem, nth);
        problem.units.push(unit);
    }
    previous(&mut random, &mut problem);
    problem
}

fn between(random: &mut Random, low: i64, high: i64) -> i64 {
    low + random.below((high - low + 1).max(1) as usize) as i64
}

fn one_in(random: &mut Random, n: usize) -> bool {
    random.below(n) == 0
}

fn train(random: &mut Random, now: i64, nth: usize, shape: Shape) -> TrainSlot {
    let (origin, destination, corridor, hours, price) = match nth % 6 {
        0 | 3 => (HOME, BORDER, "NORTH", 22, 160),
        1 | 4 => (BORDER, FAR[nth / 6 % 2], "NORTH", 200, 900),
        2 => (HOME, SOUTH[nth / 6 % 2], "SOUTH", 20, 150),
        _ => (HOME, SOUTH[(nth / 6 + 1) % 2], "SOUTH", 21, 145),
    };
    let departure_at_min = if nth == 0 {
        now - HOUR
    } else if origin == BORDER {
        now + between(random, 30, 110) * HOUR
    } else {
        now + between(random, 3, 72) * HOUR
    };
    // About a unit in two goes far and needs two trains.
    let per_train =
        (shape.units * 8 * 3 / 2) as i64 * 100 / (shape.trains as i64 * shape.fill_percent).max(1);
    let max_teu_quarters = (per_train * between(random, 80, 120) / 100).max(8);
    let before = |hours: i64| departure_at_min - hours * HOUR;
    let cut_offs = [
        (CutOffKind::FullDelivery, before(2)),
        (CutOffKind::Terminal, before(2)),
        (CutOffKind::VerifiedGrossMass, before(6)),
        (CutOffKind::Documentation, before(8)),
        (CutOffKind::DangerousGoods, before(12)),
        (CutOffKind::Customs, before(3)),
        (CutOffKind::Reefer, before(3)),
    ];
    TrainSlot {
        id: format!("T{nth:03}"),
        origin: origin.to_owned(),
        destination: destination.to_owned(),
        also_serves: if nth % 6 == 5 {
            vec![SOUTH[nth / 6 % 2].to_owned()]
        } else {
            vec![]
        },
        corridor: corridor.to_owned(),
        track: format!("{}", 1 + nth % 8),
        gauge_mm: if origin == BORDER { 1520 } else { 1435 },
        departure_at_min,
        arrival_at_min: departure_at_min + hours * HOUR,
        arrival_spread_min: 180,
        status: match nth {
            0 => SlotStatus::Departed,
            _ if one_in(random, 40) => SlotStatus::Cancelled,
            _ => SlotStatus::Open,
        },
        closing_at_min: before(1),
        max_length_dm: max_teu_quarters * 61 / 4 + 20,
        max_teu_quarters,
        max_gross_kg: max_teu_quarters * between(random, 2_300, 3_400),
        max_unit_gross_kg: between(random, 30_000, 36_000),
        max_unit_length_dm: if one_in(random, 4) { 122 } else { UNLIMITED },
        max_profile_code: between(random, 45, 80),
        dangerous_limits: vec![
            DangerousLimit {
                classes: vec![],
                max_units: between(random, 1, 1 + max_teu_quarters / 100),
                max_gross_kg: 200_000,
            },
            DangerousLimit {
                classes: vec!["1.4".to_owned()],
                max_units: i64::from(!one_in(random, 3)),
                max_gross_kg: UNLIMITED,
            },
        ],
        cut_offs: cut_offs
            .map(|(kind, at_min)| CutOff { kind, at_min })
            .to_vec(),
        price_per_teu: price + between(random, -30, 30),
    }
}

fn unit(random: &mut Random, problem: &RailProblem, nth: usize) -> Unit {
    let now = problem.now_at_min;
    let destination = match random.below(10) {
        0..=2 => FAR[0],
        3..=4 => FAR[1],
        5 => BORDER,
        6..=7 => SOUTH[0],
        _ => SOUTH[1],
    };
    let (teu_quarters, length_dm) = match random.below(10) {
        0..=3 => (4, 61),
        4..=8 => (8, 122),
        _ => (9, 137),
    };
    let mut unit = Unit {
        id: format!("U{nth:05}"),
        origin: HOME.to_owned(),
        destination: destination.to_owned(),
        teu_quarters,
        length_dm,
        gross_kg: between(
            random,
            4_000,
            if teu_quarters == 4 { 29_000 } else { 33_000 },
        ),
        profile_code: between(random, 0, 55),
        ready_at_min: now + between(random, -24, 30) * HOUR,
        ready_spread_min: if one_in(random, 3) {
            between(random, 30, 240)
        } else {
            0
        },
        customs: match random.below(20) {
            0 => Customs::Held,
            1..=4 => Customs::Expected(now + between(random, 1, 30) * HOUR),
            _ => Customs::Released,
        },
        priority: if one_in(random, 6) {
            between(random, 1, 3)
        } else {
            0
        },
        due_at_min: (!one_in(random, 3)).then(|| now + between(random, 48, 360) * HOUR),
        roll_over_price: between(random, 1_200, 3_000) * teu_quarters / 4,
        ..Unit::default()
    };
    unit.cargo.is_empty = one_in(random, 8);
    unit.cargo.is_reefer = one_in(random, 15);
    unit.cargo.dangerous_class =
        one_in(random, 10).then(|| ["3", "8", "1.4", "9"][random.below(4)].to_owned());
    let milestone = |random: &mut Random| match random.below(12) {
        0 => Milestone::Unknown,
        _ => Milestone::At(now + between(random, -20, 24) * HOUR),
    };
    unit.vgm = milestone(random);
    unit.documents = milestone(random);
    unit.declaration = milestone(random);
    if one_in(random, 8) {
        unit.keep_together = Some(format!("B{:05}", nth / 12));
    }
    if one_in(random, 12) {
        unit.corridor = Some(if one_in(random, 4) { "SOUTH" } else { "NORTH" }.to_owned());
    }
    let slot = |random: &mut Random| {
        problem.trains[random.below(problem.trains.len())]
            .id
            .clone()
    };
    unit.lock = match random.below(40) {
        0 => direct(random, problem, &unit.destination)
            .map_or(Lock::Free, |slot| Lock::Pinned(vec![slot])),
        1..=2 => Lock::Bumped(vec![slot(random), slot(random)]),
        _ => Lock::Free,
    };
    unit
}

/// A slot that leads from home to `destination` in one leg.
fn direct(random: &mut Random, problem: &RailProblem, destination: &str) -> Option<String> {
    let slots: Vec<&TrainSlot> = problem
        .trains
        .iter()
        .filter(|slot| slot.origin == HOME && slot.serves(destination))
        .collect();
    slots
        .get(random.below(slots.len()))
        .map(|slot| slot.id.clone())
}

/// Half of the units had a train before, some of them one that has departed.
fn previous(random: &mut Random, problem: &mut RailProblem) {
    let RailProblem { units, trains, .. } = problem;
    for unit in units.iter_mut() {
        if !one_in(random, 2) {
            continue;
        }
        let slot = &trains[random.below(trains.len())];
        if slot.origin == HOME {
            unit.previous = vec![slot.id.clone()];
        }
    }
}
