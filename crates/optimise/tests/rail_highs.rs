//! Values and bounds of rail problems too large for brute force, against HiGHS: containers and slots with two capacities,
//! generalised assignment, and full rules. Needs the feature `highs`.
#![cfg(feature = "highs")]
#![allow(clippy::expect_used)]

use domain::rail::check;
use optimise::budget::Budget;
use optimise::highs::{End, Limits, Programme, Variable};
use optimise::rail::core::Core;
use optimise::rail::full::build::build;
use optimise::rail::generate::{Shape, problem};
use optimise::rail::{kernel, read, solve};
use optimise::random::Random;

/// The least cost of a choice of one option an item within the capacities.
fn optimum(core: &Core) -> i64 {
    let mut programme = Programme::new();
    let mut rows: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); core.capacity().len()];
    for item in 0..core.items() {
        let mut one = Vec::new();
        for option in core.options_of(item) {
            let taken = programme.binary(core.cost(option) as f64);
            one.push((taken, 1.0));
            for used in core.uses(option) {
                rows[used.row as usize].push((taken, used.amount as f64));
            }
        }
        programme.row(1.0, &one, 1.0);
    }
    for (row, &capacity) in rows.iter().zip(core.capacity()) {
        if !row.is_empty() {
            programme.row(0.0, row, capacity as f64);
        }
    }
    let outcome = programme.minimise(Limits::seconds(300.0));
    assert_eq!(outcome.end, End::Optimal);
    outcome.whole_bound()
}

/// HiGHS stops at a gap of 1e-4 of its own: what it calls optimal may be that much above.
fn agree(name: &str, value: i64, bound: i64, optimum: i64) {
    let slack = 1 + optimum.abs() / 10_000;
    assert!(
        bound <= optimum + slack,
        "{name}: bound {bound} above {optimum}"
    );
    assert!(
        value >= optimum - slack,
        "{name}: value {value} below {optimum}"
    );
    let above = (value - optimum) as f64 / optimum.abs().max(1) as f64;
    assert!(above <= 0.002, "{name}: value {value}, optimum {optimum}");
}

#[test]
fn containers_and_slots_agree_with_highs() {
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let (items, trains) = (40, 5);
        let mut text = format!("{items} {trains} 2\n");
        for _ in 0..trains {
            text += &format!("{} {}\n", 10 + random.below(4), 150 + random.below(60));
        }
        for _ in 0..items {
            text += &format!("{trains}\n");
            let (teu, tonnes) = (1 + random.below(2), 5 + random.below(25));
            for train in 0..trains - 1 {
                text += &format!("{train} {} {teu} {tonnes}\n", 50 + random.below(100));
            }
            text += &format!("{} {} 0 0\n", trains - 1, 800 + random.below(100));
        }
        let core = Core::of_assignment(&read::slots::read(&text).expect("a good file"));
        let answer = kernel::solve(&core, None, seed, &Budget::iterations(400_000)).answer;
        let name = format!("slots {seed}");
        agree(&name, answer.value, answer.bound, optimum(&core));
    }
}

#[test]
fn generalised_assignments_agree_with_highs() {
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let (agents, jobs) = (4, 24);
        let mut row = |count: usize, from: usize, spread: usize| -> String {
            let numbers = (0..count).map(|_| format!("{} ", from + random.below(spread)));
            numbers.collect::<String>() + "\n"
        };
        let mut text = format!("{agents} {jobs}\n");
        for (from, spread) in [(10, 41), (5, 21)] {
            (0..agents).for_each(|_| text += &row(jobs, from, spread));
        }
        text += &row(agents, 75, 10);
        let core = Core::of_assignment(&read::gap::read(&text).expect("a good file"));
        let answer = kernel::solve(&core, None, seed, &Budget::iterations(400_000)).answer;
        let optimum = optimum(&core);
        assert_eq!(answer.value, optimum, "seed {seed}");
        assert!(answer.bound <= optimum, "seed {seed}: {}", answer.bound);
    }
}

#[test]
fn full_rules_agree_with_highs() {
    for seed in 0..4 {
        let shape = Shape {
            units: 80,
            trains: 12,
            fill_percent: 110,
        };
        let problem = problem(shape, seed);
        let answer = solve(&problem, None, seed, &Budget::iterations(400_000));
        let cost = check(&problem, &answer.plan).expect("feasible");
        assert_eq!(cost.total(), answer.value);
        let name = format!("full rules {seed}");
        agree(
            &name,
            answer.value,
            answer.bound,
            optimum(&build(&problem).core),
        );
    }
}
