//! Small berth problems against brute force that shares nothing with the solver but the checker.
//! `QUAYSTREAM_TESTS=full` runs more cases.
#![allow(clippy::expect_used)]

use domain::berth::{
    BerthPlan, BerthProblem, Crane, Handling, Layout, Stay, Unassigned, check, validate,
};
use optimise::berth::generate::{Size, port};
use optimise::berth::{solve, text};
use optimise::budget::Budget;
use optimise::random::Random;

fn cases(quick: u64, full: u64) -> u64 {
    match std::env::var("QUAYSTREAM_TESTS").as_deref() {
        Ok("full") => full,
        _ => quick,
    }
}

/// A discrete instance in the text format.
fn kernel_problem(seed: u64) -> BerthProblem {
    let mut random = Random::new(seed);
    let ships = 1 + random.below(6);
    let berths = 1 + random.below(3);
    let row =
        |numbers: Vec<usize>| numbers.iter().map(|n| format!("{n} ")).collect::<String>() + "\n";
    let mut file = format!("{ships} {berths}\n");
    file += &row((0..ships).map(|_| random.below(20)).collect());
    file += &row((0..berths).map(|_| random.below(6)).collect());
    for _ in 0..ships {
        let time = |random: &mut Random| {
            if random.below(6) == 0 {
                99_999
            } else {
                1 + random.below(12)
            }
        };
        file += &row((0..berths).map(|_| time(&mut random)).collect());
    }
    let tight = random.below(3) == 0;
    file += &row((0..berths)
        .map(|_| if tight { 20 + random.below(30) } else { 200 })
        .collect());
    file += &row((0..ships)
        .map(|_| if tight { 15 + random.below(40) } else { 200 })
        .collect());
    text::read(&file).expect("a good file")
}

/// The least cost over all orders in which ships are put at the ends of berths, or left out.
fn kernel_optimum(problem: &BerthProblem) -> i64 {
    fn go(problem: &BerthProblem, done: &mut [bool], ready: &mut [i64], cost: i64, best: &mut i64) {
        let left = (0..done.len()).filter(|ship| !done[*ship]);
        let out: i64 = left.map(|ship| problem.calls[ship].unassigned_price).sum();
        *best = (*best).min(cost + out);
        for ship in 0..done.len() {
            if done[ship] {
                continue;
            }
            let call = &problem.calls[ship];
            for berth in 0..ready.len() {
                let Handling::Minutes(minutes) = call.handling[berth] else {
                    continue;
                };
                let open = problem.berths[berth].open[0];
                let end = ready[berth].max(call.arrival_min).max(open.start_min) + minutes;
                if end > open.end_min || Some(end) > call.latest_departure_min {
                    continue;
                }
                let before = std::mem::replace(&mut ready[berth], end);
                done[ship] = true;
                go(problem, done, ready, cost + end - call.arrival_min, best);
                done[ship] = false;
                ready[berth] = before;
            }
        }
    }
    let mut best = i64::MAX;
    let berths = problem.berths.len();
    go(
        problem,
        &mut vec![false; problem.calls.len()],
        &mut vec![i64::MIN / 4; berths],
        0,
        &mut best,
    );
    best
}

#[test]
fn kernel_agrees_with_brute_force() {
    let mut proved = 0;
    let count = cases(1500, 6000);
    for seed in 0..count {
        let problem = kernel_problem(seed);
        let answer = solve(&problem, None, seed, &Budget::iterations(6000));
        let cost = check(&problem, &answer.plan).expect("a feasible plan");
        assert_eq!(cost.total(), answer.value, "seed {seed}");
        let optimum = kernel_optimum(&problem);
        assert_eq!(answer.value, optimum, "seed {seed}");
        assert!(
            answer.bound <= optimum,
            "seed {seed}: bound {} above {optimum}",
            answer.bound
        );
        proved += u64::from(answer.is_proved());
        let first_come = solve(&problem, None, seed, &Budget::iterations(0));
        assert!(first_come.value >= optimum);
    }
    assert!(proved * 100 >= count * 97, "{proved} of {count} proved");
}

/// All stays of one call that break no rule when it is alone, with their costs, cheapest first.
fn options(problem: &BerthProblem, call: usize) -> Vec<(i64, Stay)> {
    let others = |out: usize| {
        let unassigned = |call| Unassigned {
            call,
            reason: String::new(),
        };
        (0..problem.calls.len())
            .filter(move |other| *other != out)
            .map(unassigned)
            .collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    let length_m = problem.calls[call].length_m;
    let previous = problem.calls[call].previous;
    for (berth, place) in problem.berths.iter().enumerate() {
        let step_m = match place.layout {
            Layout::Discrete => place.to_m - place.from_m,
            Layout::ByMetre { step_m, .. } => step_m,
        };
        let mut places: Vec<i64> = (place.from_m..=place.to_m - length_m)
            .step_by(step_m as usize)
            .collect();
        places.extend(
            previous
                .filter(|previous| previous.place.berth == berth)
                .map(|previous| previous.place.from_m),
        );
        places.sort_unstable();
        places.dedup();
        for from_m in places {
            for set in 0_usize..1 << problem.cranes.len() {
                let cranes: Vec<usize> = (0..problem.cranes.len())
                    .filter(|crane| set & (1 << crane) != 0)
                    .collect();
                for start_min in
                    (0..problem.horizon_end_min).step_by(problem.time_step_min as usize)
                {
                    let ends = (start_min + problem.time_step_min..=problem.horizon_end_min)
                        .step_by(problem.time_step_min as usize);
                    for end_min in ends {
                        let stay = Stay {
                            call,
                            berth,
                            from_m,
                            start_min,
                            end_min,
                            cranes: cranes.clone(),
                        };
                        let plan = BerthPlan {
                            stays: vec![stay.clone()],
                            unassigned: others(call),
                        };
                        if let Ok(cost) = check(problem, &plan) {
                            found.push((cost.calls[call].total(), stay));
                            break;
                        }
                    }
                }
            }
        }
    }
    found.sort_by_key(|(cost, _)| *cost);
    found
}

/// True if two stays break no rule together.
fn agree(problem: &BerthProblem, a: &Stay, b: &Stay) -> bool {
    let unassigned = |call| Unassigned {
        call,
        reason: String::new(),
    };
    let others = (0..problem.calls.len()).filter(|call| *call != a.call && *call != b.call);
    let plan = BerthPlan {
        stays: vec![a.clone(), b.clone()],
        unassigned: others.map(unassigned).collect(),
    };
    check(problem, &plan).is_ok()
}

/// The least cost below `limit`, or `limit` if there is none. Every rule concerns one stay or two.
fn optimum_below(problem: &BerthProblem, limit: i64) -> (i64, Vec<Stay>) {
    let options: Vec<Vec<(i64, Stay)>> = (0..problem.calls.len())
        .map(|call| options(problem, call))
        .collect();
    let price = |call: usize| problem.calls[call].unassigned_price;
    let floor = |call: usize| {
        options[call]
            .first()
            .map_or(price(call), |option| option.0.min(price(call)))
    };
    let mut rest = vec![0; options.len() + 1];
    for call in (0..options.len()).rev() {
        rest[call] = rest[call + 1] + floor(call);
    }
    fn go<'a>(
        problem: &BerthProblem,
        options: &'a [Vec<(i64, Stay)>],
        rest: &[i64],
        chosen: &mut Vec<&'a Stay>,
        call: usize,
        cost: i64,
        best: &mut (i64, Vec<Stay>),
    ) {
        if cost + rest[call] >= best.0 {
            return;
        }
        if call == options.len() {
            *best = (cost, chosen.iter().map(|stay| (*stay).clone()).collect());
            return;
        }
        for (price, stay) in &options[call] {
            if cost + price + rest[call + 1] >= best.0 {
                break;
            }
            if chosen.iter().all(|other| agree(problem, other, stay)) {
                chosen.push(stay);
                go(problem, options, rest, chosen, call + 1, cost + price, best);
                chosen.pop();
            }
        }
        let price = problem.calls[call].unassigned_price;
        go(problem, options, rest, chosen, call + 1, cost + price, best);
    }
    let mut best = (limit, Vec::new());
    go(problem, &options, &rest, &mut Vec::new(), 0, 0, &mut best);
    best
}

#[test]
fn full_rules_agree_with_brute_force() {
    let from: u64 = std::env::var("SEED_FROM")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0);
    let (mut proved, count) = (0, cases(40, 500));
    for seed in from..from + count {
        let mut problem = port(seed, Size::tiny(seed));
        problem.weights.change_stay_soon = [200, 20, 0][seed as usize % 3];
        if seed % 5 == 4 {
            let pass = |crane: &mut Crane| crane.rail_order = 0;
            problem.cranes.iter_mut().for_each(pass);
        }
        assert_eq!(validate::validate(&problem), vec![], "seed {seed}");
        let answer = solve(&problem, None, seed, &Budget::iterations(30_000));
        let cost = check(&problem, &answer.plan)
            .unwrap_or_else(|violations| panic!("seed {seed}: {violations:?}"));
        assert_eq!(cost.total(), answer.value, "seed {seed}");
        let (optimum, stays) = optimum_below(&problem, answer.value);
        assert_eq!(
            answer.value, optimum,
            "seed {seed}: {stays:#?} beats {:#?}",
            answer.plan
        );
        assert!(
            answer.bound <= optimum,
            "seed {seed}: bound {} above {optimum}",
            answer.bound
        );
        proved += u64::from(answer.is_proved());
    }
    assert!(proved * 100 >= count * 97, "{proved} of {count} proved");
}

#[test]
fn full_rules_bounds_hold_and_first_come_is_never_better() {
    for seed in 0..cases(30, 300) {
        let problem = port(
            seed,
            Size {
                calls: 10,
                hours: 24,
                step_min: 30,
                is_tiny: seed % 2 == 0,
            },
        );
        let first_come = solve(&problem, None, seed, &Budget::iterations(0));
        let short = solve(&problem, None, seed, &Budget::iterations(200));
        let long = solve(&problem, None, seed + 1, &Budget::iterations(4000));
        for answer in [&first_come, &short, &long] {
            let cost = check(&problem, &answer.plan)
                .unwrap_or_else(|violations| panic!("seed {seed}: {violations:?}"));
            assert_eq!(cost.total(), answer.value, "seed {seed}");
            assert!(answer.value <= first_come.value, "seed {seed}");
            let least = short.value.min(long.value);
            assert!(
                answer.bound <= least,
                "seed {seed}: bound {} above {least}",
                answer.bound
            );
        }
        let again = solve(&problem, None, seed, &Budget::iterations(200));
        assert_eq!(
            short, again,
            "seed {seed}: the same seed and iterations give the same answer"
        );
        let warm = solve(&problem, Some(&long.plan), seed, &Budget::iterations(50));
        assert!(
            warm.value <= long.value,
            "seed {seed}: {} after {}",
            warm.value,
            long.value
        );
    }
}
