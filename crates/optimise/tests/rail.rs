//! The rail planner against brute force and against the checker.

#[path = "rail/brute.rs"]
mod brute;
#[path = "rail/give_way.rs"]
mod give_way;
#[path = "rail/limits.rs"]
mod limits;
#[path = "rail/loading.rs"]
mod loading;
#[path = "rail/sets.rs"]
mod sets;

use domain::rail::check;
use optimise::budget::Budget;
use optimise::rail::generate::{Shape, problem};
use optimise::rail::solve;

/// Tiny problems with up to two legs, tight trains and small bookings.
fn tiny(seed: u64) -> domain::rail::RailProblem {
    let shape = Shape {
        units: 2 + (seed % 4) as usize,
        trains: 3 + (seed / 4 % 5) as usize,
        fill_percent: 80 + (seed % 7) as i64 * 25,
    };
    let mut problem = problem(shape, seed);
    problem.weights.max_legs = 2;
    problem
}

#[test]
fn tiny_problems_lie_between_bound_and_value() {
    let mut proved = 0;
    for seed in 0..400 {
        let problem = tiny(seed);
        let answer = solve(&problem, None, seed, &Budget::iterations(2_000));
        let cost = check(&problem, &answer.plan).unwrap_or_else(|v| panic!("seed {seed}: {v:?}"));
        assert_eq!(cost.total(), answer.value, "seed {seed}");
        let optimum = brute::optimum(&problem);
        assert!(
            answer.bound <= optimum,
            "seed {seed}: {} > {optimum}",
            answer.bound
        );
        assert!(
            optimum <= answer.value,
            "seed {seed}: {} < {optimum}",
            answer.value
        );
        proved += u32::from(answer.value == optimum);
    }
    eprintln!("{proved} of 400 at the optimum");
    assert!(proved >= 300, "{proved} of 400 at the optimum");
}

#[test]
fn larger_problems_pass_the_checker() {
    for seed in 0..20 {
        let shape = Shape {
            units: 300,
            trains: 24,
            fill_percent: 95 + seed as i64,
        };
        let problem = problem(shape, seed);
        let answer = solve(&problem, None, seed, &Budget::iterations(2_000));
        let cost = check(&problem, &answer.plan).unwrap_or_else(|v| panic!("seed {seed}: {v:?}"));
        assert_eq!(cost.total(), answer.value, "seed {seed}");
        assert!(answer.bound <= answer.value);
        assert!(
            answer.plan.assignments.len() > 100,
            "seed {seed}: {} go",
            answer.plan.assignments.len()
        );
    }
}

/// Enough paths that they are sifted: the bound must hold for all of them, and the plan must pass the checker.
#[test]
fn sifted_problems_pass_the_checker_and_repeat() {
    let shape = Shape {
        units: 2_500,
        trains: 72,
        fill_percent: 100,
    };
    let problem = problem(shape, 3);
    let network = optimise::rail::full::network::network(&problem);
    assert!(
        optimise::rail::full::sift::options(&network) > optimise::rail::full::sift::MAX_OPTIONS
    );
    let budget = Budget::iterations(400_000);
    let (answer, warm) = optimise::rail::re_plan(&problem, None, 1, &budget);
    let cost = check(&problem, &answer.plan).expect("a plan within the rules");
    assert_eq!(cost.total(), answer.value);
    assert!(
        answer.bound <= answer.value && answer.gap() < 0.03,
        "{}",
        answer.gap()
    );
    let again = optimise::rail::re_plan(&problem, None, 1, &budget);
    assert_eq!((&answer, &warm), (&again.0, &again.1));
    let (warmer, _) = optimise::rail::re_plan(&problem, Some(&warm), 1, &budget);
    assert!(check(&problem, &warmer.plan).is_ok());
    assert!(warmer.gap() < 0.03, "{}", warmer.gap());
}

#[test]
fn same_seed_same_plan() {
    let problem = problem(
        Shape {
            units: 200,
            trains: 18,
            fill_percent: 110,
        },
        5,
    );
    let run = || solve(&problem, None, 11, &Budget::iterations(3_000));
    assert_eq!(run(), run());
}
