//! Level 1 with trains that may be booked beyond their room.

use std::collections::BTreeMap;

use domain::rail::index::Index;
use domain::rail::{RailPlan, RailProblem, TrainSlot, UNLIMITED, Unit};

use super::accept::{Booking, Overbooking, Room, allowed, assess};
use super::shows::{self, MEASURES};
use crate::answer::Answer;
use crate::budget::Budget;
use crate::rail::{Warm, re_plan};

/// No train is booked beyond this part of its room, percent, however seldom bookings show up.
const MOST_PERCENT: i64 = 150;

/// A level-1 plan whose trains may be booked beyond their room.
#[derive(Debug, Clone)]
pub struct Overbooked {
    /// Plan, value and bound, for `problem`.
    pub answer: Answer<RailPlan>,
    /// What the next run may start from.
    pub warm: Warm,
    /// The problem as planned, with stretched rooms: the one to check the plan against.
    pub problem: RailProblem,
    /// Trains booked beyond their room: accepted units, risks, bump order. No risk is above what the confidence leaves.
    pub trains: BTreeMap<String, Overbooking>,
}

/// What is known of who shows up.
#[derive(Clone, Copy)]
pub struct Shows<'a> {
    /// How often a unit like this shows up, thousandths; 1000 for one that stands in the terminal.
    pub permille: &'a dyn Fn(&Unit) -> i64,
    /// How sure it must be that a train is not overfull, thousandths.
    pub confidence_permille: i64,
}

/// The problem with as much room on each train as `plan` books, where the risk of that is within the confidence; and the
/// trains that the plan books beyond their room, whatever their risk. The plan is checked against that problem: a train
/// over the risk keeps its own room, which the plan then breaks.
pub fn admit(
    problem: &RailProblem,
    plan: &RailPlan,
    shows: Shows,
) -> (RailProblem, BTreeMap<String, Overbooking>) {
    let trains = overbooked(problem, plan, shows.permille);
    let mut admitted = problem.clone();
    let allowed = allowed(shows.confidence_permille);
    for slot in &mut admitted.trains {
        if trains
            .get(&slot.id)
            .is_some_and(|train| train.risk() <= allowed)
        {
            for limit in limits(slot) {
                *limit = UNLIMITED;
            }
        }
    }
    (admitted, trains)
}

/// Plans with every open train booked as far as `show_permille` (how often a unit like this shows up, thousandths; 1000 for
/// one that stands in the terminal) and the confidence allow: the chance that more shows up than a train has room for, in
/// TEU, metres and tonnes together, stays at most `1000 - confidence_permille` thousandths. `budgets` are those of the
/// first plan and of the repeats that a train over that risk asks for; if they do not suffice, nothing is overbooked.
pub fn plan_overbooked(
    problem: &RailProblem,
    show_permille: &dyn Fn(&Unit) -> i64,
    confidence_permille: i64,
    warm: Option<&Warm>,
    seed: u64,
    budgets: &[Budget],
) -> Overbooked {
    let allowed = allowed(confidence_permille);
    let mut stretched = stretch(problem, show_permille, allowed);
    let mut last = warm.cloned();
    for budget in budgets {
        let (answer, warm) = re_plan(&stretched, last.as_ref(), seed, budget);
        let trains = overbooked(problem, &answer.plan, show_permille);
        let bold: Vec<&String> = trains
            .iter()
            .filter(|(_, train)| train.risk() > allowed)
            .map(|(id, _)| id)
            .collect();
        if bold.is_empty() {
            return Overbooked {
                answer,
                warm,
                problem: stretched,
                trains,
            };
        }
        shrink(problem, &mut stretched, &bold);
        last = Some(warm);
    }
    let none = Budget::iterations(0);
    let budget = budgets.last().unwrap_or(&none);
    let (answer, warm) = re_plan(problem, last.as_ref(), seed, budget);
    Overbooked {
        trains: overbooked(problem, &answer.plan, show_permille),
        answer,
        warm,
        problem: problem.clone(),
    }
}

/// Open trains with rooms for as many bookings of the usual size and show rate as the risk allows.
fn stretch(
    problem: &RailProblem,
    show_permille: &dyn Fn(&Unit) -> i64,
    allowed: f64,
) -> RailProblem {
    let mut stretched = problem.clone();
    for slot in &mut stretched.trains {
        if slot.is_frozen(problem.now_at_min) {
            continue;
        }
        let from_here = |unit: &&Unit| unit.origin == slot.origin;
        let mut like: Vec<&Unit> = problem.units.iter().filter(from_here).collect();
        if like.is_empty() {
            like = problem.units.iter().collect();
        }
        if let Some((most, room)) = bookings(room(slot), &like, show_permille, allowed) {
            let most = most.min(room * MOST_PERCENT / 100);
            for limit in limits(slot) {
                if *limit != UNLIMITED && room > 0 {
                    *limit = limit.saturating_mul(most) / room;
                }
            }
        }
    }
    stretched
}

/// How many bookings of the mean size and rate of `like` the risk allows, and how many there is room for.
fn bookings(
    room: Room,
    like: &[&Unit],
    show_permille: &dyn Fn(&Unit) -> i64,
    allowed: f64,
) -> Option<(i64, i64)> {
    let count = like.len() as i64;
    if count == 0 {
        return None;
    }
    let mean = |of: &dyn Fn(&Unit) -> i64| like.iter().map(|unit| of(unit)).sum::<i64>() / count;
    let sizes = [
        mean(&|unit| unit.teu_quarters).max(1),
        mean(&|unit| unit.length_dm).max(1),
        mean(&|unit| unit.gross_kg).max(1),
    ];
    let rooms = [room.teu_quarters, room.length_dm, room.gross_kg];
    let fits = (0..MEASURES)
        .filter(|&at| rooms[at] != UNLIMITED)
        .map(|at| rooms[at] / sizes[at])
        .min()?;
    let rate = mean(show_permille);
    let mut shows = room.shows();
    let mut most = 0;
    while most < fits * MOST_PERCENT / 100 {
        let next = shows::with(&shows, shows::steps(sizes), rate);
        if shows::risks(&next).iter().sum::<f64>() > allowed {
            break;
        }
        shows = next;
        most += 1;
    }
    Some((most.max(fits), fits))
}

fn room(slot: &TrainSlot) -> Room {
    Room {
        teu_quarters: slot.max_teu_quarters,
        length_dm: slot.max_length_dm,
        gross_kg: slot.max_gross_kg,
    }
}

fn limits(slot: &mut TrainSlot) -> [&mut i64; MEASURES] {
    [
        &mut slot.max_teu_quarters,
        &mut slot.max_length_dm,
        &mut slot.max_gross_kg,
    ]
}

/// Takes a quarter of what the trains were stretched by.
fn shrink(problem: &RailProblem, stretched: &mut RailProblem, trains: &[&String]) {
    for (slot, plain) in stretched.trains.iter_mut().zip(&problem.trains) {
        if trains.contains(&&slot.id) {
            let plain = [
                plain.max_teu_quarters,
                plain.max_length_dm,
                plain.max_gross_kg,
            ];
            for (limit, plain) in limits(slot).into_iter().zip(plain) {
                if *limit != UNLIMITED {
                    *limit = plain + (*limit - plain) * 3 / 4;
                }
            }
        }
    }
}

/// Trains of a plan with more aboard than there is room for, assessed.
fn overbooked(
    problem: &RailProblem,
    plan: &RailPlan,
    show_permille: &dyn Fn(&Unit) -> i64,
) -> BTreeMap<String, Overbooking> {
    let index = Index::new(problem);
    let mut aboard: Vec<Vec<&Unit>> = vec![Vec::new(); problem.trains.len()];
    for assigned in &plan.assignments {
        let Some(unit) = index.unit(&assigned.unit) else {
            continue;
        };
        for train in assigned.legs.iter().filter_map(|leg| index.train(leg)) {
            aboard[train].push(&problem.units[unit]);
        }
    }
    let mut trains = BTreeMap::new();
    for (slot, units) in problem.trains.iter().zip(&aboard) {
        let is_over = domain::rail::rules::capacity::overloads(slot, units)
            .next()
            .is_some();
        if is_over && !slot.is_frozen(problem.now_at_min) {
            let booking = |unit: &&Unit| booking(problem, slot, unit, show_permille(unit));
            let bookings: Vec<Booking> = units.iter().map(booking).collect();
            trains.insert(slot.id.clone(), assess(room(slot), &bookings));
        }
    }
    trains
}

/// A unit as a booking on one train of its path.
fn booking(problem: &RailProblem, slot: &TrainSlot, unit: &Unit, show_permille: i64) -> Booking {
    let later = problem.trains.iter().filter(|other| {
        other.departure_at_min > slot.departure_at_min
            && !other.is_frozen(problem.now_at_min)
            && other.origin == slot.origin
            && (other.serves(&slot.destination) || other.serves(&unit.destination))
    });
    Booking {
        id: unit.id.clone(),
        teu_quarters: unit.teu_quarters,
        length_dm: unit.length_dm,
        gross_kg: unit.gross_kg,
        show_permille,
        roll_over_price: unit.roll_over_price,
        priority: unit.priority,
        next_train_at_min: later
            .map(|slot| slot.departure_at_min)
            .min()
            .unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::{Shows, admit, plan_overbooked};
    use crate::budget::Budget;
    use crate::rail::generate::{Shape, problem};
    use domain::rail::{RailProblem, Unit, check};

    fn overfull(units: usize, trains: usize, seed: u64) -> RailProblem {
        let shape = Shape {
            units,
            trains,
            fill_percent: 130,
        };
        problem(shape, seed)
    }

    fn budgets(iterations: u64) -> Vec<Budget<'static>> {
        (0..8).map(|_| Budget::iterations(iterations)).collect()
    }

    #[test]
    fn trains_are_booked_beyond_their_room_within_the_risk() {
        let problem = overfull(600, 12, 3);
        let budgets = budgets(100_000);
        let plain = crate::rail::solve(&problem, None, 1, &budgets[0]);
        let booked = plan_overbooked(&problem, &|_| 850, 900, None, 1, &budgets);
        assert!(check(&booked.problem, &booked.answer.plan).is_ok());
        assert!(!booked.trains.is_empty());
        assert!(booked.trains.values().all(|train| train.risk() <= 0.1));
        assert!(
            booked.answer.value < plain.bound,
            "{} against {}",
            booked.answer.value,
            plain.bound
        );
        let certain = plan_overbooked(&problem, &|_| 1000, 950, None, 1, &budgets);
        assert_eq!(certain.problem, problem);
        assert!(certain.trains.is_empty());
    }

    #[test]
    fn a_plan_alone_is_admitted_by_its_risk() {
        let problem = overfull(300, 8, 5);
        let budgets = budgets(50_000);
        let plan = plan_overbooked(&problem, &|_| 850, 900, None, 1, &budgets);
        assert!(!plan.trains.is_empty());
        let admitted = |show_permille: i64, confidence_permille| {
            let permille = |_: &Unit| show_permille;
            let shows = Shows {
                permille: &permille,
                confidence_permille,
            };
            let (room, trains) = admit(&problem, &plan.answer.plan, shows);
            assert_eq!(trains.len(), plan.trains.len());
            check(&room, &plan.answer.plan).is_ok()
        };
        assert!(admitted(850, 900));
        assert!(!admitted(1000, 900), "all come, and some find no room");
        assert!(!admitted(850, 1000));
    }
}
