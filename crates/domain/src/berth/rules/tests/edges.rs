//! What a rule exempts, and each of its limits by itself.

use super::{breaks, keeps, previous};
use crate::berth::rules::Rule;
use crate::berth::*;

/// B at the pier, without cranes.
fn at_pier(from_m: i64, end_min: i64) -> Stay {
    Stay {
        call: 1,
        berth: 1,
        from_m,
        start_min: 0,
        end_min,
        cranes: vec![],
    }
}

fn alongside(problem: &mut BerthProblem, call: usize, from_m: i64) {
    problem.calls[call].alongside = true;
    problem.calls[call].previous = previous(0, from_m, 0);
}

#[test]
fn no_rule_of_access_refuses_a_vessel_alongside() {
    keeps(|problem, _| {
        alongside(problem, 0, 0);
        problem.calls[0].air_draught_cm = 901;
    });
    keeps(|problem, _| {
        alongside(problem, 0, 0);
        problem.berths[0].cones_max = 0;
        problem.calls[0].cones = 1;
    });
    keeps(|problem, _| {
        alongside(problem, 0, 0);
        problem.calls[1].contract = Some(4);
        problem.reservations = vec![Reservation {
            berth: 0,
            contract: 4,
            interval: Interval::new(0, 15),
        }];
    });
    keeps(|problem, _| {
        alongside(problem, 0, 0);
        problem.calls[0].latest_departure_min = Some(30);
    });
    keeps(|problem, plan| {
        alongside(problem, 0, 0);
        let level = |from_min, deviation_cm| Level {
            from_min,
            deviation_cm,
        };
        problem.water.levels = vec![level(-9, 150), level(15, 0)];
        problem.water.stop_cm = Some(150);
        (plan.stays[1].start_min, plan.stays[1].end_min) = (15, 75);
    });
}

#[test]
fn two_vessels_alongside_are_facts_whatever_their_distance() {
    keeps(|problem, plan| {
        alongside(problem, 0, 0);
        alongside(problem, 1, 50);
        plan.stays[1].from_m = 50;
    });
    keeps(|problem, _| {
        alongside(problem, 0, 0);
        alongside(problem, 1, 110);
        problem.calls[0].cones = 2;
    });
}

#[test]
fn a_closure_reaches_to_its_last_metre() {
    keeps(|problem, _| {
        problem.berths[0].closures = vec![Closure {
            from_m: 100,
            to_m: 110,
            interval: Interval::new(0, 60),
        }]
    });
}

#[test]
fn cones_by_berth_by_either_vessel_by_quay_and_by_time() {
    breaks(Rule::Cones, |problem, _| {
        problem.berths[0].cones_max = 0;
        problem.calls[0].cones = 1;
    });
    breaks(Rule::Cones, |problem, _| problem.calls[1].cones = 2);
    keeps(|problem, plan| {
        problem.calls[0].cones = 2;
        plan.stays[1] = at_pier(0, 120);
    });
    keeps(|problem, plan| {
        problem.calls[0].cones = 2;
        (plan.stays[1].start_min, plan.stays[1].end_min) = (60, 120);
    });
}

#[test]
fn a_reservation_concerns_its_berth() {
    keeps(|problem, _| {
        problem.reservations = vec![Reservation {
            berth: 1,
            contract: 4,
            interval: Interval::new(0, 60),
        }];
    });
}

#[test]
fn cranes_cross_on_one_quay_at_one_time() {
    keeps(|problem, plan| {
        let crane = Crane {
            id: "5".into(),
            quay: 1,
            rail_order: 5,
            ..problem.cranes[0].clone()
        };
        problem.cranes.push(crane);
        problem.calls[1].handling[1] = Handling::Cranes;
        plan.stays[0].from_m = 10;
        plan.stays[1] = Stay {
            cranes: vec![2],
            ..at_pier(0, 60)
        };
    });
    keeps(|_, plan| {
        plan.stays[0].cranes = vec![1];
        plan.stays[1].cranes = vec![0];
        (plan.stays[1].start_min, plan.stays[1].end_min) = (60, 120);
    });
    keeps(|problem, plan| {
        problem.cranes[1].rail_order = problem.cranes[0].rail_order;
        plan.stays[0].cranes = vec![1];
        plan.stays[1].cranes = vec![0];
    });
}

#[test]
fn no_more_cranes_than_the_work_takes_and_each_from_where_it_reaches() {
    breaks(Rule::CraneWork, |problem, plan| {
        problem.calls[0].work.cranes_max = 1;
        plan.stays[0].cranes = vec![0, 1];
        (plan.stays[1].start_min, plan.stays[1].end_min) = (60, 120);
    });
    breaks(Rule::CraneWork, |problem, _| {
        problem.cranes[0].reach_from_m = 10
    });
}

#[test]
fn the_horizon_ends_stays_that_may_depart_later() {
    breaks(Rule::Departure, |problem, plan| {
        problem.calls[0].latest_departure_min = Some(1000);
        problem.horizon_end_min = 60;
        plan.stays[0].end_min = 75;
    });
}

#[test]
fn a_frozen_stay_keeps_its_berth() {
    breaks(Rule::Frozen, |problem, _| {
        problem.frozen_until_min = 20;
        problem.slushy_until_min = 20;
        problem.calls[0].previous = previous(1, 0, 0);
    });
}

#[test]
fn a_discrete_berth_has_one_place() {
    breaks(Rule::Grid, |_, plan| plan.stays[1] = at_pier(10, 120));
}

#[test]
fn handling_takes_the_minutes_of_the_berth_and_setting_up() {
    breaks(Rule::Handling, |_, plan| plan.stays[1] = at_pier(0, 105));
    keeps(|_, plan| plan.stays[1] = at_pier(0, 120));
    breaks(Rule::Handling, |problem, _| {
        problem.calls[0].work.setup_min = 15
    });
}

#[test]
fn a_berth_has_a_first_metre() {
    breaks(Rule::Length, |problem, _| problem.berths[0].from_m = 10);
}

#[test]
fn the_gap_counts_on_either_side() {
    breaks(Rule::Overlap, |_, plan| {
        (plan.stays[0].from_m, plan.stays[0].cranes) = (100, vec![1]);
        (plan.stays[1].from_m, plan.stays[1].cranes) = (0, vec![0]);
    });
}
