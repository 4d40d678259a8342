//! Loading against trying everything through the checker.

use std::collections::BTreeMap;

use domain::rail::wagons::{Consist, LoadUnit, Loading, Placed, check};
use domain::rail::{RailProblem, TrainSlot, UNLIMITED, Unit};
use optimise::budget::Budget;
use optimise::rail::generate::{Shape, problem};
use optimise::rail::load::foresight::{Foresight, foresee};
use optimise::rail::load::generate::train;
use optimise::rail::load::proof::Proof;
use optimise::rail::load::teach::plan_and_load;
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

/// A problem whose trains have fewer wagons than their slots allow.
fn short_handed() -> (RailProblem, BTreeMap<String, Consist>) {
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
    let consist = |slot: &TrainSlot| {
        let quarters = slot.max_teu_quarters;
        train(quarters as usize / 18, 100, quarters as u64).0
    };
    let slots = problem.trains.iter();
    let consists = slots.map(|slot| (slot.id.clone(), consist(slot))).collect();
    (problem, consists)
}

/// What is foreseen of tiny trains must hold for every load that stands: no cut, no limit may forbid one.
#[test]
fn what_is_foreseen_forbids_no_load_that_stands() {
    let (mut stand, mut known, mut forbids) = (0, 0, 0);
    for seed in 0..200 {
        let (consist, units) = tiny(seed);
        let (problem, foresight) = foreseen(&consist, &units);
        known += foresight.cuts.len();
        let slot = &problem.trains[0];
        for chosen in 1_usize..1 << units.len() {
            let is_in = |at: &usize| chosen >> at & 1 == 1;
            let some: Vec<LoadUnit> = (0..units.len())
                .filter(is_in)
                .map(|at| units[at].clone())
                .collect();
            let breaks_cut = problem.load_cuts.iter().any(|cut| {
                some.iter()
                    .filter(|unit| cut.units.contains(&unit.id))
                    .count() as i64
                    > cut.max_units
            });
            let sum = |of: &dyn Fn(&LoadUnit) -> i64| some.iter().map(of).sum::<i64>();
            let breaks_limit = sum(&|unit| unit.length_dm) > slot.max_length_dm
                || sum(&|unit| unit.gross_kg) > slot.max_gross_kg
                || sum(&teu_quarters) > slot.max_teu_quarters;
            let is_forbidden = breaks_cut || breaks_limit;
            forbids += usize::from(is_forbidden);
            if is_forbidden {
                assert!(
                    !exists(&consist, &some, 0, &mut Loading::default()),
                    "seed {seed}: {some:?}"
                );
            } else {
                stand += 1;
            }
        }
    }
    assert!(
        known > 20 && forbids > 200 && stand > 1_000,
        "{known} {forbids} {stand}"
    );
}

fn teu_quarters(unit: &LoadUnit) -> i64 {
    match unit.length_dm {
        ..=61 => 4,
        62..=122 => 8,
        _ => 9,
    }
}

/// One train without limits of its own, and what is foreseen of it.
fn foreseen(consist: &Consist, units: &[LoadUnit]) -> (RailProblem, Foresight) {
    let (mut problem, _) = short_handed();
    let now = problem.now_at_min;
    problem.trains.retain(|slot| !slot.is_frozen(now));
    problem.trains.truncate(1);
    let slot = &mut problem.trains[0];
    slot.max_teu_quarters = UNLIMITED;
    slot.max_length_dm = UNLIMITED;
    slot.max_gross_kg = UNLIMITED;
    let first = problem.units[0].clone();
    let unit = |unit: &LoadUnit| Unit {
        id: unit.id.clone(),
        length_dm: unit.length_dm,
        gross_kg: unit.gross_kg,
        teu_quarters: teu_quarters(unit),
        ..first.clone()
    };
    problem.units = units.iter().map(unit).collect();
    let consists = BTreeMap::from([(problem.trains[0].id.clone(), consist.clone())]);
    let foresight = foresee(&mut problem, &consists);
    (problem, foresight)
}

/// Without foresight these trains took 6 cuts, and a second failed at first.
#[test]
fn what_is_foreseen_need_not_be_learned() {
    let (problem, consists) = short_handed();
    let rounds = [Budget::iterations(60_000)];
    let loading = Budget::iterations(u64::MAX);
    let loaded = plan_and_load(&problem, &consists, None, 1, &rounds, &loading);
    assert!(loaded.unknown.len() <= 1, "{:?}", loaded.unknown);
    assert!(!loaded.foresight.held.is_empty() && !loaded.foresight.cuts.is_empty());
}

/// Trains too short-handed for what level 1 would put on them: cuts must make every loaded train stand, and level 1 pays.
#[test]
fn level_one_learns_from_loads_that_cannot_stand() {
    let (problem, consists) = short_handed();
    let rounds: Vec<Budget> = (0..40).map(|_| Budget::iterations(60_000)).collect();
    let loaded = plan_and_load(
        &problem,
        &consists,
        None,
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
        load_cuts: [loaded.foresight.cuts.clone(), loaded.cuts.clone()].concat(),
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

/// Generated places bear all that comes, and generated trains are never too long.
#[test]
fn weak_places_and_long_trains_are_respected() {
    let mut stand = 0;
    for seed in 0..30 {
        let (mut consist, units) = train(20, 60, seed);
        for wagon_type in consist.types.iter_mut().step_by(2) {
            let platforms = wagon_type.platforms.iter_mut();
            let patterns = platforms.flat_map(|platform| &mut platform.patterns);
            let places = patterns.flat_map(|pattern| &mut pattern.positions);
            places.for_each(|place| place.max_kg = 15_000);
        }
        let budget = Budget::iterations(u64::MAX);
        if let Answer::Loaded(loading) = solve(&consist, &units, seed, &budget) {
            let checked = check(&consist, &units, &loading);
            assert!(checked.is_ok(), "seed {seed}: {checked:?}");
            stand += 1;
        }
        consist.max_length_dm = consist.length_dm() - 1;
        let long = solve(&consist, &units, seed, &budget);
        assert_eq!(long, Answer::Impossible(Proof::TrainLength { over_dm: 1 }));
    }
    assert!(stand >= 3, "{stand}");
}
