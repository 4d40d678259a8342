//! Who would have to give way: what is said is a plan that the checker accepts, and none is cheaper than the optimum.

use optimise::budget::Budget;
use optimise::rail::explain::{Explainer, Obstacle};
use optimise::rail::generate::{Shape, problem};
use optimise::rail::solve;

#[test]
fn units_left_behind_for_room_learn_who_would_have_to_give_way() {
    let (mut found, mut cheapest_stays) = (0, 0);
    for seed in 0..6 {
        let shape = Shape {
            units: 120,
            trains: 12,
            fill_percent: 140,
        };
        let problem = problem(shape, seed);
        let answer = solve(&problem, None, seed, &Budget::iterations(200_000));
        let explainer = Explainer::new(&problem, &answer.plan);
        for stays in &answer.plan.rolled_over {
            let Some(explained) = explainer.explain(&stays.unit, 12) else {
                panic!("{} is not known", stays.unit);
            };
            for other in &explained.others {
                let is_room = |one: &Obstacle| matches!(one, Obstacle::Room { .. });
                let Some(gives) = explainer.give_way(&stays.unit, &other.legs) else {
                    continue;
                };
                assert!(!other.obstacles.is_empty() && other.obstacles.iter().all(is_room));
                let dearer: i64 = gives.displaced.iter().map(|one| one.dearer).sum();
                assert_eq!(gives.price, dearer + other.price - explained.taken.price);
                if answer.is_proved() {
                    assert!(gives.price >= 0, "seed {seed}: better than the optimum");
                }
                found += 1;
                cheapest_stays += u32::from(gives.displaced.iter().any(|one| one.to.is_empty()));
            }
        }
    }
    eprintln!("{found} ways to make room, in {cheapest_stays} somebody else stays");
    assert!(found >= 20, "{found}");
}
