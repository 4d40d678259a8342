//! Values and bounds of discrete berth problems too large for brute force, against HiGHS on the time-indexed model. Needs
//! the feature `highs`.
#![cfg(feature = "highs")]
#![allow(clippy::expect_used)]

use domain::berth::{BerthProblem, Handling, check};
use optimise::berth::{solve, text};
use optimise::budget::Budget;
use optimise::highs::{End, Limits, Programme, Variable};
use optimise::random::Random;

const SHIPS: usize = 12;
const BERTHS: usize = 3;

fn problem(seed: u64) -> BerthProblem {
    let mut random = Random::new(seed);
    let mut row = |count: usize, from: usize, spread: usize| -> String {
        let numbers = (0..count).map(|_| format!("{} ", from + random.below(spread)));
        numbers.collect::<String>() + "\n"
    };
    let mut file = format!("{SHIPS} {BERTHS}\n");
    file += &row(SHIPS, 0, 25);
    file += &row(BERTHS, 0, 5);
    for _ in 0..SHIPS {
        file += &row(BERTHS, 2, 9);
    }
    file += &row(BERTHS, 70, 10);
    file += &row(SHIPS, 60, 20);
    text::read(&file).expect("a good file")
}

/// The least sum of times in port: one variable for each ship, berth and start; a berth holds one ship at a time.
fn optimum(problem: &BerthProblem) -> i64 {
    let mut programme = Programme::new();
    let horizon = problem.horizon_end_min;
    let mut slots: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); BERTHS * horizon as usize];
    for call in &problem.calls {
        let mut one = vec![(programme.binary(call.unassigned_price as f64), 1.0)];
        for (berth, handling) in call.handling.iter().enumerate() {
            let Handling::Minutes(minutes) = *handling else {
                continue;
            };
            let open = problem.berths[berth].open[0];
            let last = call
                .latest_departure_min
                .unwrap_or(horizon)
                .min(open.end_min);
            for start in call.arrival_min.max(open.start_min)..=last - minutes {
                let stay = programme.binary((start + minutes - call.arrival_min) as f64);
                one.push((stay, 1.0));
                for slot in start..start + minutes {
                    slots[berth * horizon as usize + slot as usize].push((stay, 1.0));
                }
            }
        }
        programme.row(1.0, &one, 1.0);
    }
    for slot in slots.iter().filter(|slot| slot.len() > 1) {
        programme.row(0.0, slot, 1.0);
    }
    let outcome = programme.minimise(Limits::seconds(300.0));
    assert_eq!(outcome.end, End::Optimal);
    outcome.whole_bound()
}

#[test]
fn the_kernel_agrees_with_highs() {
    for seed in 0..6 {
        let problem = problem(seed);
        let answer = solve(&problem, None, seed, &Budget::iterations(60_000));
        let cost = check(&problem, &answer.plan).expect("feasible");
        assert_eq!(cost.total(), answer.value);
        let optimum = optimum(&problem);
        assert_eq!(answer.value, optimum, "seed {seed}");
        assert!(answer.bound <= optimum, "seed {seed}: {}", answer.bound);
    }
}
