//! What all units of a train, or of a booking, keep together.

use super::{broken, problem, unit};
use crate::rail::{DangerousLimit, LoadCut, RailProblem, Rule, TrainSlot, UNLIMITED, Unit};

/// Two units to Milan by one train, after a change of the train and the units.
fn two(change: impl FnOnce(&mut TrainSlot, &mut [Unit])) -> RailProblem {
    let mut problem = problem();
    problem.units = vec![unit("U", "ITMIL"), unit("V", "ITMIL")];
    change(&mut problem.trains[2], &mut problem.units);
    problem
}

fn both(change: impl FnOnce(&mut TrainSlot, &mut [Unit])) -> Vec<Rule> {
    broken(&two(change), &[("U", &["C"]), ("V", &["C"])])
}

#[test]
fn a_train_holds_so_many_teu_metres_and_tonnes() {
    assert_eq!(both(|slot, _| slot.max_teu_quarters = 16), []);
    assert_eq!(both(|slot, _| slot.max_teu_quarters = 15), [Rule::Teu]);
    assert_eq!(both(|slot, _| slot.max_length_dm = 244), []);
    assert_eq!(both(|slot, _| slot.max_length_dm = 243), [Rule::Length]);
    assert_eq!(both(|slot, _| slot.max_gross_kg = 40_000), []);
    assert_eq!(both(|slot, _| slot.max_gross_kg = 39_999), [Rule::Gross]);
}

#[test]
fn a_train_holds_so_much_of_dangerous_goods() {
    let limited = |classes: &[&str], max_units: i64, max_gross_kg: i64| {
        both(|slot, units| {
            units[0].cargo.dangerous_class = Some("3".into());
            units[1].cargo.dangerous_class = Some("1.4".into());
            slot.dangerous_limits = vec![DangerousLimit {
                classes: classes.iter().map(|class| (*class).to_owned()).collect(),
                max_units,
                max_gross_kg,
            }];
        })
    };
    assert_eq!(limited(&[], 2, UNLIMITED), []);
    assert_eq!(limited(&[], 1, UNLIMITED), [Rule::Dangerous]);
    assert_eq!(limited(&[], 2, 40_000), []);
    assert_eq!(limited(&[], 2, 39_999), [Rule::DangerousGross]);
    assert_eq!(limited(&["1.4"], 1, 20_000), []);
    assert_eq!(limited(&["1.4"], 0, UNLIMITED), [Rule::Dangerous]);
    assert_eq!(limited(&["8"], 0, 0), []);
    let harmless = both(|slot, _| {
        slot.dangerous_limits = vec![DangerousLimit {
            classes: Vec::new(),
            max_units: 0,
            max_gross_kg: 0,
        }];
    });
    assert_eq!(harmless, []);
}

#[test]
fn a_cut_counts_its_units_on_its_train() {
    let cut = |train: &str, max_units: i64| {
        let mut problem = two(|_, _| {});
        problem.load_cuts.push(LoadCut {
            train: train.into(),
            units: vec!["U".into(), "V".into()],
            max_units,
        });
        broken(&problem, &[("U", &["C"]), ("V", &["C"])])
    };
    assert_eq!(cut("C", 2), []);
    assert_eq!(cut("C", 1), [Rule::LoadCut]);
    assert_eq!(cut("A", 1), []);
}

#[test]
fn a_booking_that_is_kept_together_goes_alike() {
    let problem = two(|_, units| {
        for unit in units {
            unit.keep_together = Some("B1".into());
        }
    });
    assert_eq!(broken(&problem, &[("U", &["C"]), ("V", &["C"])]), []);
    assert_eq!(broken(&problem, &[("U", &[]), ("V", &[])]), []);
    let apart = broken(&problem, &[("U", &["C"]), ("V", &[])]);
    assert_eq!(apart, [Rule::KeepTogether]);
    // Another booking, or another place, is another matter.
    let mut other = problem.clone();
    other.units[1].keep_together = Some("B2".into());
    assert_eq!(broken(&other, &[("U", &["C"]), ("V", &[])]), []);
    let mut other = problem.clone();
    other.units[1].destination = "CNXIY".into();
    assert_eq!(broken(&other, &[("U", &["C"]), ("V", &["A", "B"])]), []);
}
