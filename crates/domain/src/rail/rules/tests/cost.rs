//! Every term of the objective, alone.

use super::{plan, problem};
use crate::rail::{Cost, CutOff, CutOffKind, Lock, Milestone, RailProblem, Weights, check};

/// What U costs on a path where nothing has a price but what the test gives one.
fn cost(legs: &[&str], change: impl FnOnce(&mut RailProblem)) -> Cost {
    let mut problem = problem();
    problem.weights = Weights {
        priority_roll_over: 0,
        dwell_per_teu_hour: 0,
        transit_per_teu_hour: 0,
        lateness_per_hour: 0,
        lateness_priority_per_hour: 0,
        transfer: 0,
        change: 0,
        broken_pin: 0,
        missed_connection: 0,
        unknown_milestone: 0,
        ..Weights::default()
    };
    problem.units[0].roll_over_price = 0;
    for slot in &mut problem.trains {
        slot.price_per_teu = 0;
    }
    change(&mut problem);
    check(&problem, &plan(&[("U", legs)])).expect("a plan in order")
}

const BOTH: &[&str] = &["A", "B"];

#[test]
fn without_prices_nothing_costs() {
    assert_eq!(cost(BOTH, |_| {}), Cost::default());
    assert_eq!(cost(&[], |_| {}), Cost::default());
}

#[test]
fn carriage_dwell_and_transit_count_teu() {
    let carriage = |problem: &mut RailProblem| {
        problem.trains[0].price_per_teu = 30;
        problem.trains[1].price_per_teu = 70;
    };
    assert_eq!(cost(BOTH, carriage).carriage, 200);
    // Ready at 10,500, away at 11,000: two TEU wait for 500 minutes.
    let dwell = cost(BOTH, |problem| problem.weights.dwell_per_teu_hour = 6);
    assert_eq!((dwell.dwell, dwell.total()), (100, 100));
    // Under way from 11,000 to 20,000.
    let transit = cost(BOTH, |problem| problem.weights.transit_per_teu_hour = 1);
    assert_eq!((transit.transit, transit.total()), (300, 300));
}

#[test]
fn lateness_and_transfers_count_units() {
    let late = |due: i64, priority: i64| {
        cost(BOTH, |problem| {
            problem.weights.lateness_per_hour = 10;
            problem.weights.lateness_priority_per_hour = 5;
            problem.units[0].due_at_min = Some(due);
            problem.units[0].priority = priority;
        })
    };
    assert_eq!(late(20_000, 0).total(), 0);
    assert_eq!(late(19_400, 0).lateness, 100);
    assert_eq!(late(19_400, 2).total(), 200);
    let transfer = cost(BOTH, |problem| problem.weights.transfer = 50);
    assert_eq!((transfer.transfer, transfer.total()), (50, 50));
}

#[test]
fn going_otherwise_than_published_has_a_price() {
    let before = |legs: &[&str], previous: &[&str]| {
        cost(legs, |problem| {
            problem.weights.change = 25;
            let ids = previous.iter().map(|leg| (*leg).to_owned());
            problem.units[0].previous = ids.collect();
        })
    };
    assert_eq!(before(BOTH, BOTH).change, 0);
    assert_eq!(before(BOTH, &[]).change, 0);
    assert_eq!(before(BOTH, &["C"]).change, 25);
    let staying = before(&[], BOTH);
    assert_eq!((staying.change, staying.without_change()), (25, 0));
    assert_eq!(staying.total(), 25);
}

#[test]
fn staying_costs_the_units_price_and_its_priority() {
    let stays = |legs: &[&str]| {
        cost(legs, |problem| {
            problem.units[0].roll_over_price = 900;
            problem.units[0].priority = 2;
            problem.weights.priority_roll_over = 50;
        })
    };
    assert_eq!(stays(&[]).roll_over, 1_000);
    assert_eq!(stays(BOTH).total(), 0);
}

#[test]
fn a_pin_that_is_not_followed_has_a_price() {
    let pinned = |legs: &[&str]| {
        cost(legs, |problem| {
            problem.units[0].lock = Lock::Pinned(vec!["A".into(), "B".into()]);
            problem.weights.broken_pin = 777;
        })
    };
    assert_eq!(pinned(BOTH).total(), 0);
    assert_eq!(pinned(&[]).broken_pin, 777);
}

#[test]
fn a_milestone_that_is_not_known_has_a_price_for_each_cut_off() {
    let unknown = |vgm: Milestone| {
        cost(BOTH, |problem| {
            problem.weights.unknown_milestone = 40;
            problem.units[0].vgm = vgm;
            for slot in &mut problem.trains {
                slot.cut_offs = vec![CutOff {
                    kind: CutOffKind::VerifiedGrossMass,
                    at_min: 10_900,
                }];
            }
        })
    };
    assert_eq!(unknown(Milestone::At(10_900)).total(), 0);
    assert_eq!(unknown(Milestone::Unknown).unknown_milestone, 80);
}

/// Ready at 10,500 for 11,000 with a spread of 500 minutes, and at 12,000 for 12,480 less eight hours with a spread of 60:
/// one standard deviation ahead (159 of 1,000), and none (500 of 1,000).
#[test]
fn a_connection_costs_its_price_times_the_probability_of_a_miss() {
    let missed = |unit: i64, train: i64| {
        cost(BOTH, |problem| {
            problem.weights.missed_connection = 1_000;
            problem.units[0].ready_spread_min = unit;
            problem.trains[0].arrival_spread_min = train;
        })
    };
    assert_eq!(missed(0, 0).total(), 0);
    assert_eq!(missed(500, 0).missed_connection, 159);
    assert_eq!(missed(0, 60).missed_connection, 500);
    assert_eq!(missed(500, 60).total(), 659);
    // A cut-off for standing in the terminal comes before the departure.
    let earlier = cost(BOTH, |problem| {
        problem.weights.missed_connection = 1_000;
        problem.units[0].ready_spread_min = 500;
        problem.trains[0].cut_offs = vec![CutOff {
            kind: CutOffKind::Terminal,
            at_min: 10_500,
        }];
    });
    assert_eq!(earlier.missed_connection, 500);
}
