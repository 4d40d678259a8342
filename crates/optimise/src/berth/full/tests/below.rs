//! Nothing that prices, couplings, tree and listing drop is part of a plan below their target: looking for one cheaper than a
//! known plan plus one must find a plan as good. The solver itself could not show this, for it never reports a bound above
//! its own value.

use crate::berth::full::bound::Bound;
use crate::berth::full::exact;
use crate::berth::full::model::Model;
use crate::berth::full::state::State;
use crate::berth::full::tree::Tree;
use crate::berth::generate::{Size, port};
use crate::berth::solve;
use crate::budget::{Budget, Never};
use domain::berth::*;

/// The same ports with what they seldom feel: unequal cranes, vessels alongside on one another, rotations of all calls.
fn harder(seed: u64) -> BerthProblem {
    let mut problem = port(seed, Size::tiny(seed));
    if seed.is_multiple_of(2) {
        problem.cranes[1].rate_centimoves_h *= 2;
    }
    if seed.is_multiple_of(3) && problem.rotations.is_empty() {
        let free = |call: &usize| problem.calls[*call].previous.is_none();
        problem.rotations = vec![Rotation {
            barge: "all".into(),
            calls: (0..problem.calls.len()).filter(free).collect(),
            order_fixed: seed.is_multiple_of(6),
        }];
    }
    if seed.is_multiple_of(5) && problem.calls.len() > 2 {
        for (call, from_m) in [(0, 0), (1, 10)] {
            let call = &mut problem.calls[call];
            call.alongside = true;
            call.cones = 0;
            let place = Place { berth: 0, from_m };
            call.previous = Some(Previous {
                place,
                start_min: 0,
            });
            (call.arrival_min, call.release_min) = (0, 0);
            call.handling[0] = Handling::Minutes(120);
            call.lock = Lock::default();
        }
        let first = |order: &OrderLock| order.first > 1 && order.second > 1;
        problem.orders.retain(first);
        problem.rotations.clear();
    }
    problem
}

fn cases() -> u64 {
    match std::env::var("QUAYSTREAM_TESTS").as_deref() {
        Ok("full") => 600,
        _ => 120,
    }
}

#[test]
fn a_plan_as_good_as_a_known_one_is_found_again() {
    for seed in 0..cases() {
        let problem = harder(seed);
        let value = solve(&problem, None, 1, &Budget::iterations(1_500)).value;
        let model = Model::new(&problem);
        let nobody = State::empty(&model);
        if nobody.value <= value {
            continue;
        }
        let target = value + 1;
        let mut bound = Bound::new(&model, target);
        for n in 1..=60 {
            bound.iterate(target);
            if n % 20 == 0 {
                bound.fix(target);
                bound.agree(&model);
            }
            assert!(!bound.is_empty(), "seed {seed}: a call has no option left");
            assert!(bound.value() <= value, "seed {seed}: {}", bound.value());
        }
        // nothing counts as considered that was cut off
        let cut = exact::below(&model, &mut bound, target, (1, &Never));
        assert!(!cut.is_complete || cut.plan.is_some(), "seed {seed}");
        let mut tree = Tree::new(&mut bound, value, target);
        let mut found = i64::MAX;
        for _ in 0..500 {
            let (_, plan) = tree.step(&model, &mut bound, &nobody, &Never);
            if let Some(plan) = plan {
                let cost = check(&problem, &plan.to_plan(&model)).expect("feasible");
                assert_eq!(cost.total(), plan.value, "seed {seed}");
                found = found.min(plan.value);
            }
            if tree.is_closed() {
                break;
            }
        }
        assert!(tree.is_closed(), "seed {seed}");
        assert!(found <= value, "seed {seed}: {value} was not found");
    }
}

#[test]
fn a_tree_with_a_part_that_it_gave_up_proves_nothing() {
    // of six cranes not every set is tried, so that no listing is complete
    let problem = super::rules::six_cranes([6000, 1000, 5000, 5000, 1000, 6000], 2);
    let value = solve(&problem, None, 1, &Budget::iterations(3_000)).value;
    let model = Model::new(&problem);
    let nobody = State::empty(&model);
    let mut bound = Bound::new(&model, value);
    (0..60).for_each(|_| bound.iterate(value));
    assert!(!bound.is_empty() && bound.value() < value);
    let mut tree = Tree::new(&mut bound, value - 1, value);
    for _ in 0..5_000 {
        tree.step(&model, &mut bound, &nobody, &Never);
        assert!(!tree.is_closed() && tree.bound() < value);
        if tree.is_full() {
            return;
        }
    }
    panic!("parts of one option each are given up");
}
