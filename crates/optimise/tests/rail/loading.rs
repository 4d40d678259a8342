//! Loading against trying everything through the checker.

use domain::rail::wagons::{Consist, LoadUnit, Loading, Placed, check};
use optimise::budget::Budget;
use optimise::rail::load::generate::train;
use optimise::rail::load::{Answer, first_fit, solve};

/// A train of one to three wagons with a handful of units.
fn tiny(seed: u64) -> (Consist, Vec<LoadUnit>) {
    let (consist, mut units) = train(1 + (seed % 3) as usize, 60 + (seed % 7) as i64 * 9, seed);
    units.truncate(6);
    (consist, units)
}

/// Is there any loading? Every unit in every place, judged by the checker alone.
fn exists(consist: &Consist, units: &[LoadUnit], nth: usize, so_far: &mut Loading) -> bool {
    // Adding units never mends these, so a branch may end here.
    let hopeless = [
        domain::rail::wagons::LoadRule::OnePlace,
        domain::rail::wagons::LoadRule::Defect,
        domain::rail::wagons::LoadRule::Length,
        domain::rail::wagons::LoadRule::Segregation,
    ];
    match check(consist, &units[..nth], so_far) {
        Ok(_) if nth == units.len() => return true,
        Err(violations) if violations.iter().any(|v| hopeless.contains(&v.rule)) => return false,
        Err(_) if nth == units.len() => return false,
        _ => {}
    }
    for wagon in 0..consist.wagons.len() {
        for (platform, surface) in consist.type_of(wagon).platforms.iter().enumerate() {
            for (pattern, places) in surface.patterns.iter().enumerate() {
                for position in 0..places.positions.len() {
                    so_far.placed.push(Placed {
                        unit: units[nth].id.clone(),
                        wagon,
                        platform,
                        pattern,
                        position,
                    });
                    if exists(consist, units, nth + 1, so_far) {
                        return true;
                    }
                    so_far.placed.pop();
                }
            }
        }
    }
    false
}

#[test]
fn tiny_loads_agree_with_trying_everything() {
    let (mut stand, mut fall) = (0, 0);
    for seed in 0..400 {
        let (consist, units) = tiny(seed);
        let truth = exists(&consist, &units, 0, &mut Loading::default());
        match solve(&consist, &units, seed, &Budget::iterations(u64::MAX)) {
            Answer::Loaded(loading) => {
                assert!(check(&consist, &units, &loading).is_ok(), "seed {seed}");
                assert!(truth, "seed {seed}");
                stand += 1;
            }
            Answer::Impossible(proof) => {
                assert!(!truth, "seed {seed}: {proof:?}");
                fall += 1;
            }
            Answer::Unknown => {}
        }
    }
    eprintln!(
        "{stand} stand, {fall} cannot, {} unknown",
        400 - stand - fall
    );
    assert!(
        stand >= 100 && fall >= 100 && stand + fall >= 392,
        "{stand} {fall}"
    );
}

#[test]
fn generated_trains_are_loaded_or_refuted() {
    let (mut unknown, mut impossible, mut first_fit_fails) = (0, 0, 0);
    let count = 150;
    for seed in 0..count {
        let (consist, units) = train(20 + seed as usize % 21, 60 + (seed % 9) as i64 * 5, seed);
        match solve(&consist, &units, seed, &Budget::iterations(u64::MAX)) {
            Answer::Loaded(loading) => {
                let checked = check(&consist, &units, &loading);
                assert!(checked.is_ok(), "seed {seed}: {checked:?}");
            }
            Answer::Impossible(_) => impossible += 1,
            Answer::Unknown => unknown += 1,
        }
        let stands =
            first_fit(&consist, &units).is_some_and(|l| check(&consist, &units, &l).is_ok());
        first_fit_fails += u64::from(!stands);
    }
    eprintln!(
        "{impossible} impossible, {unknown} unknown, first fit fails on {first_fit_fails} of {count}"
    );
    assert!(unknown * 50 <= count && impossible * 100 >= count * 15);
    assert!(first_fit_fails * 100 >= count * 30, "{first_fit_fails}");
}

/// Trains too short-handed for what level 1 would put on them: cuts must make every loaded train stand, and level 1 pays.
#[test]
fn level_one_learns_from_loads_that_cannot_stand() {
    use optimise::rail::generate::{Shape, problem};
    use optimise::rail::load::teach::plan_and_load;
    use std::collections::BTreeMap;

    let shape = Shape {
        units: 120,
        trains: 9,
        fill_percent: 100,
    };
    let mut problem = problem(shape, 4);
    for unit in &mut problem.units {
        unit.profile_code = 0;
        unit.cargo.dangerous_class = None;
    }
    let consists: BTreeMap<String, Consist> = problem
        .trains
        .iter()
        .map(|slot| {
            (
                slot.id.clone(),
                train(
                    slot.max_teu_quarters as usize / 18,
                    100,
                    slot.max_teu_quarters as u64,
                )
                .0,
            )
        })
        .collect();
    let rounds: Vec<Budget> = (0..40).map(|_| Budget::iterations(60_000)).collect();
    let loaded = plan_and_load(
        &problem,
        &consists,
        1,
        &rounds,
        &Budget::iterations(u64::MAX),
    );
    assert!(!loaded.cuts.is_empty(), "the trains are too easy to load");
    assert!(
        loaded.unknown.is_empty(),
        "not settled: {:?}",
        loaded.unknown
    );
    let with_cuts = domain::rail::RailProblem {
        load_cuts: loaded.cuts.clone(),
        ..problem.clone()
    };
    let cost =
        domain::rail::check(&with_cuts, &loaded.answer.plan).expect("a plan within the cuts");
    assert_eq!(cost.total(), loaded.answer.value);
    for (slot, loading) in &loaded.loadings {
        let aboard = optimise::rail::load::teach::aboard(&problem, &loaded.answer.plan, slot);
        assert!(check(&consists[slot], &aboard, loading).is_ok(), "{slot}");
    }
    eprintln!(
        "{} cuts, {} trains loaded",
        loaded.cuts.len(),
        loaded.loadings.len()
    );
}
