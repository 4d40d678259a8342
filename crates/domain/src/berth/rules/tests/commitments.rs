//! What was promised or decided before: locks, orders, the horizons, vessels alongside.

use super::{breaks, keeps, previous};
use crate::berth::rules::Rule;
use crate::berth::*;

#[test]
fn locks() {
    breaks(Rule::Lock, |problem, _| {
        problem.calls[0].lock.berth = Some(1)
    });
    breaks(Rule::Lock, |problem, _| {
        problem.calls[0].lock.from_m = Some(10)
    });
    breaks(Rule::Lock, |problem, _| {
        problem.calls[0].lock.start_min = Some(15)
    });
}

#[test]
fn order() {
    breaks(Rule::Order, |problem, plan| {
        problem.orders = vec![OrderLock {
            first: 1,
            second: 0,
        }];
        plan.stays[1].start_min = 15;
        plan.stays[1].end_min = 75;
    });
    keeps(|problem, _| {
        problem.orders = vec![OrderLock {
            first: 1,
            second: 0,
        }]
    });
}

#[test]
fn frozen_and_slushy() {
    let hold = |problem: &mut BerthProblem, until_min| {
        problem.frozen_until_min = until_min;
        problem.slushy_until_min = 1000;
        problem.slushy_shift_m = 20;
    };
    breaks(Rule::Frozen, |problem, _| {
        hold(problem, 20);
        problem.calls[0].previous = previous(0, 0, 15);
    });
    keeps(|problem, _| {
        hold(problem, 15);
        problem.calls[0].previous = previous(0, 0, 15);
    });
    breaks(Rule::Frozen, |problem, _| {
        hold(problem, 15);
        problem.calls[0].previous = previous(1, 0, 15);
    });
    breaks(Rule::Frozen, |problem, _| {
        hold(problem, 15);
        problem.calls[0].previous = previous(0, 30, 15);
    });
    keeps(|problem, _| {
        hold(problem, 15);
        problem.calls[0].previous = previous(0, 20, 15);
    });
}

#[test]
fn a_vessel_alongside_is_a_fact() {
    keeps(|problem, plan| {
        problem.calls[0].alongside = true;
        problem.calls[0].previous = previous(0, 3, -7);
        problem.calls[0].draught_cm = 900;
        problem.calls[0].cones = 0;
        problem.berths[0].open = vec![Interval::new(0, 600)];
        plan.stays[0].from_m = 3;
        plan.stays[0].start_min = -7;
        plan.stays[1].from_m = 120;
    });
    breaks(Rule::Frozen, |problem, _| {
        problem.calls[0].alongside = true;
        problem.calls[0].previous = previous(0, 10, 0);
    });
}
