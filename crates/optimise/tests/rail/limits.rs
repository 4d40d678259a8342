//! Limits that generated problems leave loose, made tight: a plan that ignores one of them breaks it.

use domain::rail::{CutOff, CutOffKind, RailProblem, Rule, UNLIMITED, check};
use optimise::budget::Budget;
use optimise::rail::generate::{Shape, problem};
use optimise::rail::solve;

/// A rule, and how a problem becomes one where it does not bind.
type Loosened = (Rule, fn(&mut RailProblem));

fn tightened(seed: u64) -> RailProblem {
    let shape = Shape {
        units: 250,
        trains: 18,
        fill_percent: 100,
    };
    let mut problem = problem(shape, seed);
    for slot in &mut problem.trains {
        slot.max_length_dm = slot.max_teu_quarters * 61 / 4 * 3 / 5;
        slot.dangerous_limits[0].max_units = UNLIMITED;
        slot.dangerous_limits[0].max_gross_kg = 30_000;
        slot.cut_offs.push(CutOff {
            kind: CutOffKind::OutOfGauge,
            at_min: slot.departure_at_min - 600,
        });
    }
    for unit in problem.units.iter_mut().step_by(4) {
        unit.cargo.is_out_of_gauge = true;
    }
    problem
}

#[test]
fn limits_that_generated_problems_leave_loose_are_kept_too() {
    let loosened: [Loosened; 3] = [
        (Rule::Length, |problem| {
            let trains = problem.trains.iter_mut();
            trains.for_each(|slot| slot.max_length_dm = UNLIMITED);
        }),
        (Rule::DangerousGross, |problem| {
            let trains = problem.trains.iter_mut();
            trains.for_each(|slot| slot.dangerous_limits[0].max_gross_kg = UNLIMITED);
        }),
        (Rule::CutOff(CutOffKind::OutOfGauge), |problem| {
            let units = problem.units.iter_mut();
            units.for_each(|unit| unit.cargo.is_out_of_gauge = false);
        }),
    ];
    for seed in 0..4 {
        let problem = tightened(seed);
        let plan =
            |problem: &RailProblem| solve(problem, None, seed, &Budget::iterations(5_000)).plan;
        assert!(check(&problem, &plan(&problem)).is_ok(), "seed {seed}");
        for (rule, loosen) in loosened {
            let mut without = problem.clone();
            loosen(&mut without);
            let refused = check(&problem, &plan(&without)).expect_err("the limit binds");
            let rules = refused.iter().map(|violation| violation.rule);
            assert!(
                rules.eq(std::iter::repeat_n(rule, refused.len())),
                "{rule:?}"
            );
        }
    }
}
