//! The same problem, seed and iterations give the same plan, bound, statistics and prices, on however many threads at once.
#![allow(clippy::expect_used)]

use domain::berth::BerthProblem;
use optimise::berth::generate::{Size, port};
use optimise::berth::{Solved, Warm, solve_warm, text};
use optimise::budget::Budget;
use optimise::random::Random;
use std::thread;

/// A discrete problem for the kernel.
fn discrete(seed: u64) -> BerthProblem {
    let mut random = Random::new(seed);
    let (ships, berths) = (30, 4);
    let mut rows = vec![format!("{ships} {berths}")];
    let mut row = |count: usize, least: usize, spread: usize| {
        let numbers = (0..count).map(|_| (least + random.below(spread)).to_string());
        rows.push(numbers.collect::<Vec<_>>().join(" "));
    };
    row(ships, 0, 150);
    row(berths, 0, 10);
    (0..ships).for_each(|_| row(berths, 5, 30));
    row(berths, 1_000, 1);
    row(ships, 1_000, 1);
    text::read(&rows.join("\n")).expect("a good file")
}

fn answers(problems: &[BerthProblem]) -> Vec<Solved> {
    let solve = |problem: &BerthProblem| {
        let budget = Budget::iterations(2_000);
        let first = solve_warm(problem, Warm::default(), 7, &budget);
        let warm = Warm {
            plan: Some(&first.answer.plan),
            duals: Some(&first.duals),
        };
        [solve_warm(problem, warm, 8, &budget), first]
    };
    problems.iter().flat_map(solve).collect()
}

#[test]
fn threads_change_nothing() {
    let mut problems: Vec<BerthProblem> = (0..3).map(discrete).collect();
    problems.extend((0..3).map(|seed| port(seed, Size::port(seed))));
    let alone = answers(&problems);
    assert!(alone.iter().any(|solved| !solved.duals.prices.is_empty()));
    assert!(
        alone
            .iter()
            .all(|solved| solved.answer.statistics.bound_iterations > 0)
    );
    for count in [2, 5] {
        let together: Vec<Vec<Solved>> = thread::scope(|scope| {
            let run = |_| scope.spawn(|| answers(&problems));
            let running: Vec<_> = (0..count).map(run).collect();
            let ended = running.into_iter().map(|thread| thread.join());
            ended.map(|answers| answers.expect("no panic")).collect()
        });
        for answers in together {
            assert_eq!(answers, alone, "{count} threads");
        }
    }
}
