//! Rules that the generated ports do not have, or seldom feel, each on a port small enough to know the answer.

use super::problem;
use crate::berth::solve;
use crate::budget::Budget;
use domain::berth::*;

/// The port of the tests with its first calls only, there at once and served by the berth in two hours.
fn port(calls: usize) -> BerthProblem {
    let mut problem = problem();
    problem.calls.truncate(calls);
    for call in &mut problem.calls {
        call.handling = vec![Handling::Minutes(120)];
        (call.arrival_min, call.release_min) = (0, 0);
    }
    problem
}

/// A proved plan that the checker accepts and in which everyone has a stay; what it costs.
fn solved(problem: &BerthProblem) -> (i64, BerthPlan) {
    assert_eq!(validate::validate(problem), vec![]);
    let answer = solve(problem, None, 1, &Budget::iterations(3_000));
    let cost = check(problem, &answer.plan).expect("feasible");
    assert_eq!(answer.plan.unassigned, vec![]);
    assert_eq!((answer.value, answer.bound), (cost.total(), cost.total()));
    (answer.value, answer.plan)
}

fn previous(from_m: i64, start_min: i64) -> Option<Previous> {
    let place = Place { berth: 0, from_m };
    Some(Previous { place, start_min })
}

#[test]
fn locks_on_place_and_start() {
    let mut problem = port(1);
    problem.calls[0].lock.from_m = Some(170);
    problem.calls[0].lock.start_min = Some(45);
    let (value, plan) = solved(&problem);
    let stay = &plan.stays[0];
    assert_eq!((stay.from_m, stay.start_min, value), (170, 45, 2 * 165));
}

#[test]
fn a_slushy_stay_moves_within_its_shift() {
    let mut problem = port(1);
    problem.frozen_until_min = 0;
    problem.slushy_until_min = 600;
    problem.slushy_shift_m = 40;
    problem.weights.place_per_m = 5;
    problem.calls[0].preferred = Some(Place {
        berth: 0,
        from_m: 0,
    });
    problem.calls[0].previous = previous(100, 0);
    let (_, plan) = solved(&problem);
    assert_eq!(plan.stays[0].from_m, 60);
}

#[test]
fn no_fewer_cranes_than_the_work_asks_for() {
    let mut problem = port(1);
    problem.weights.crane_per_min = 100;
    problem.calls[0].handling = vec![Handling::Cranes];
    problem.calls[0].work.cranes_min = 2;
    let (_, plan) = solved(&problem);
    assert_eq!(plan.stays[0].cranes, [0, 1]);
}

/// A vessel alongside since an hour before.
fn alongside(problem: &mut BerthProblem, call: usize, from_m: i64) {
    problem.calls[call].alongside = true;
    problem.calls[call].previous = previous(from_m, -60);
    problem.calls[call].arrival_min = -60;
    problem.calls[call].release_min = -60;
}

#[test]
fn a_vessel_alongside_stays_though_a_rule_of_access_forbids_it() {
    let ways: [fn(&mut BerthProblem); 6] = [
        |problem| problem.calls[0].draught_cm = 301,
        |problem| problem.calls[0].cones = 3,
        |problem| problem.calls[0].latest_departure_min = Some(0),
        |problem| problem.berths[0].open = vec![Interval::new(0, 3000)],
        |problem| {
            let level = |from_min, deviation_cm| Level {
                from_min,
                deviation_cm,
            };
            problem.water.levels = vec![level(-90, 150), level(0, 0)];
            problem.water.stop_cm = Some(150);
        },
        |problem| problem.calls[0].release_min = 300,
    ];
    for way in ways {
        let mut problem = port(1);
        alongside(&mut problem, 0, 0);
        way(&mut problem);
        assert_eq!(solved(&problem).0, 2 * 120);
    }
}

#[test]
fn two_vessels_alongside_may_lie_on_one_another() {
    let mut problem = port(2);
    alongside(&mut problem, 0, 0);
    alongside(&mut problem, 1, 50);
    assert_eq!(solved(&problem).0, 2 * 2 * 120);
    let mut problem = port(2);
    problem.cone_distance_m = [0, 100, 100, 100];
    alongside(&mut problem, 0, 0);
    alongside(&mut problem, 1, 110);
    problem.calls[0].cones = 1;
    problem.berths[0].cones_max = 1;
    assert_eq!(solved(&problem).0, 2 * 2 * 120);
}

#[test]
fn one_crane_serves_one_of_two_vessels_at_one_place() {
    let mut problem = port(2);
    problem.cranes.truncate(1);
    for call in 0..2 {
        alongside(&mut problem, call, 0);
        problem.calls[call].handling = vec![Handling::Cranes];
    }
    let answer = solve(&problem, None, 1, &Budget::iterations(3_000));
    check(&problem, &answer.plan).expect("feasible");
    assert_eq!(answer.plan.unassigned.len(), 1);
}

/// Six cranes, of which rows of neighbours and the fastest of each number are tried.
pub(super) fn six_cranes(rates: [i64; 6], calls: usize) -> BerthProblem {
    let mut problem = problem();
    problem.calls.truncate(calls);
    for call in &mut problem.calls {
        (call.arrival_min, call.release_min) = (0, 0);
        (call.work.moves, call.work.cranes_min) = (60, 2);
    }
    let crane = problem.cranes[0].clone();
    let cranes = rates.into_iter().zip(0..);
    problem.cranes = cranes
        .map(|(rate_centimoves_h, rail_order)| Crane {
            id: format!("K{rail_order}"),
            rail_order,
            rate_centimoves_h,
            ..crane.clone()
        })
        .collect();
    problem
}

#[test]
fn no_bound_is_above_a_plan_with_cranes_far_apart() {
    let problem = six_cranes([6000, 2000, 2000, 2000, 2000, 6000], 1);
    let answer = solve(&problem, None, 1, &Budget::iterations(3_000));
    assert_eq!(answer.plan.stays[0].cranes, [0, 5]);
    assert_eq!((answer.value, answer.bound), (90, 90));
}

#[test]
fn what_is_not_tried_is_not_called_worse() {
    let problem = six_cranes([6000, 1000, 5000, 5000, 1000, 6000], 2);
    let answer = solve(&problem, None, 1, &Budget::iterations(3_000));
    let stay = |call, from_m, cranes: [usize; 2]| Stay {
        call,
        berth: 0,
        from_m,
        start_min: 0,
        end_min: 60,
        cranes: cranes.to_vec(),
    };
    let better = BerthPlan {
        stays: vec![stay(0, 0, [0, 2]), stay(1, 150, [3, 5])],
        unassigned: vec![],
    };
    let better = check(&problem, &better).expect("feasible").total();
    assert!(answer.bound <= better && better < answer.value);
}
