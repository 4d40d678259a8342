//! Each rule of loading with a loading that just keeps it, and its twin that breaks it alone.

use super::catalogue::{FORTY_DM, TWENTY_DM, sgns};
use super::{Consist, LoadRule, LoadUnit, Loading, Placed, Segregation, Wagon, check};

/// Three wagons of one platform; the first pattern takes three 20 ft units, the second a 40 ft and a 20 ft one.
fn consist() -> Consist {
    let wagon = |nth: usize| Wagon {
        number: format!("W{nth}"),
        wagon_type: 0,
        is_defective: false,
        lost_patterns: Vec::new(),
    };
    Consist {
        types: vec![sgns()],
        wagons: (0..3).map(wagon).collect(),
        max_axle_kg: 22_500,
        max_train_kg: 1_000_000,
        max_length_dm: 10_000,
        max_bogie_ratio: 3,
        segregations: Vec::new(),
    }
}

fn unit(id: &str, length_dm: i64, gross_kg: i64) -> LoadUnit {
    LoadUnit {
        id: id.into(),
        length_dm,
        gross_kg,
        profile_code: 45,
        ..LoadUnit::default()
    }
}

/// A unit at (wagon, pattern, position).
fn at(unit: &str, [wagon, pattern, position]: [usize; 3]) -> Placed {
    Placed {
        unit: unit.into(),
        wagon,
        platform: 0,
        pattern,
        position,
    }
}

fn broken(consist: &Consist, units: &[LoadUnit], placed: Vec<Placed>) -> Vec<LoadRule> {
    match check(consist, units, &Loading { placed }) {
        Ok(_) => Vec::new(),
        Err(violations) => violations.iter().map(|violation| violation.rule).collect(),
    }
}

/// One 20 ft unit in the middle of the first wagon, after a change.
fn one(change: impl FnOnce(&mut Consist, &mut LoadUnit)) -> Vec<LoadRule> {
    let (mut consist, mut load) = (consist(), unit("U", TWENTY_DM, 20_000));
    change(&mut consist, &mut load);
    broken(&consist, &[load], vec![at("U", [0, 0, 1])])
}

/// 20 ft units of these masses in the three places of the first wagon (0 for none).
fn three(masses_kg: [i64; 3], change: impl FnOnce(&mut Consist)) -> Vec<LoadRule> {
    let mut consist = consist();
    change(&mut consist);
    let (mut units, mut placed) = (Vec::new(), Vec::new());
    for (place, &kg) in masses_kg.iter().enumerate().filter(|(_, kg)| **kg > 0) {
        let id = format!("U{place}");
        placed.push(at(&id, [0, 0, place]));
        units.push(unit(&id, TWENTY_DM, kg));
    }
    broken(&consist, &units, placed)
}

#[test]
fn every_unit_stands_once_in_a_place_that_exists() {
    let units = [unit("U", TWENTY_DM, 20_000)];
    let with = |placed| broken(&consist(), &units, placed);
    assert_eq!(with(vec![at("U", [0, 0, 1])]), []);
    assert_eq!(with(vec![]), [LoadRule::Coverage]);
    assert_eq!(with(vec![at("U", [3, 0, 1])]), [LoadRule::Coverage; 2]);
    assert_eq!(with(vec![at("U", [0, 9, 1])]), [LoadRule::Coverage; 2]);
    assert_eq!(with(vec![at("U", [0, 0, 3])]), [LoadRule::Coverage; 2]);
    let stranger = vec![at("U", [0, 0, 1]), at("V", [1, 0, 1])];
    assert_eq!(with(stranger), [LoadRule::Coverage]);
    let twice = vec![at("U", [0, 0, 1]), at("U", [1, 0, 1])];
    assert_eq!(with(twice), [LoadRule::Coverage]);
}

#[test]
fn a_platform_has_one_pattern_and_a_place_one_unit() {
    let units = [unit("U", TWENTY_DM, 15_000), unit("V", TWENTY_DM, 15_000)];
    let second = |place| broken(&consist(), &units, vec![at("U", [0, 0, 0]), place]);
    assert_eq!(second(at("V", [0, 0, 2])), []);
    assert_eq!(second(at("V", [0, 1, 1])), [LoadRule::OnePlace]);
    let middle = vec![at("U", [0, 0, 1]), at("V", [0, 0, 1])];
    assert_eq!(broken(&consist(), &units, middle), [LoadRule::OnePlace]);
}

#[test]
fn defective_wagons_and_lost_patterns_take_nothing() {
    assert_eq!(one(|c, _| c.wagons[1].is_defective = true), []);
    let defective = one(|c, _| c.wagons[0].is_defective = true);
    assert_eq!(defective, [LoadRule::Defect]);
    let lost = |pattern| one(|c, _| c.wagons[0].lost_patterns = vec![(0, pattern)]);
    assert_eq!(lost(1), []);
    assert_eq!(lost(0), [LoadRule::Defect]);
}

#[test]
fn a_place_takes_its_length_and_bears_its_mass() {
    assert_eq!(one(|_, u| u.length_dm = FORTY_DM), [LoadRule::Length]);
    assert_eq!(one(|_, u| u.gross_kg = 32_500), []);
    assert_eq!(one(|_, u| u.gross_kg = 32_501), [LoadRule::PlaceMass]);
}

#[test]
fn a_wagon_has_a_loading_gauge() {
    assert_eq!(one(|_, u| u.profile_code = 70), []);
    assert_eq!(one(|_, u| u.profile_code = 71), [LoadRule::Profile]);
}

#[test]
fn axles_bear_so_much() {
    // 30 t and 60 t of load on four axles.
    assert_eq!(
        one(|c, u| (c.max_axle_kg, u.gross_kg) = (12_500, 30_000)),
        []
    );
    let over = one(|c, u| (c.max_axle_kg, u.gross_kg) = (12_499, 30_000));
    assert_eq!(over, [LoadRule::Axle; 2]);
    // The wagon as a whole would bear it; the rear bogie does not.
    assert_eq!(three([22_000, 22_000, 22_000], |_| {}), []);
    let rear = three([10_000, 20_000, 32_500], |_| {});
    assert_eq!(rear, [LoadRule::Axle]);
}

#[test]
fn one_end_is_not_too_light_for_the_other() {
    // At the rear place alone: the rear bogie carries 2.997 and 3.003 times the front one.
    assert_eq!(three([0, 0, 27_800], |_| {}), []);
    assert_eq!(three([0, 0, 27_900], |_| {}), [LoadRule::Balance]);
    assert_eq!(three([27_900, 0, 0], |_| {}), [LoadRule::Balance]);
    assert_eq!(three([0, 0, 27_900], |c| c.max_bogie_ratio = 4), []);
}

#[test]
fn a_train_has_a_mass_and_a_length() {
    // Three wagons of 20 t and 20 t of load; three times 19.7 m.
    assert_eq!(one(|c, _| c.max_train_kg = 80_000), []);
    assert_eq!(one(|c, _| c.max_train_kg = 79_999), [LoadRule::TrainMass]);
    assert_eq!(one(|c, _| c.max_length_dm = 591), []);
    assert_eq!(one(|c, _| c.max_length_dm = 590), [LoadRule::TrainLength]);
}

#[test]
fn dangerous_goods_keep_their_distance() {
    let apart = |wagons_between: usize, classes: [&str; 2], other_wagon: usize| {
        let mut consist = consist();
        consist.segregations = vec![Segregation {
            class: "1.4".into(),
            other: "3".into(),
            wagons_between,
        }];
        let mut units = [unit("U", TWENTY_DM, 10_000), unit("V", TWENTY_DM, 10_000)];
        for (unit, class) in units.iter_mut().zip(classes) {
            unit.dangerous_class = Some(class.into());
        }
        let placed = vec![at("U", [0, 0, 0]), at("V", [other_wagon, 0, 2])];
        broken(&consist, &units, placed)
    };
    assert_eq!(apart(0, ["3", "1.4"], 0), [LoadRule::Segregation]);
    assert_eq!(apart(0, ["1.4", "3"], 0), [LoadRule::Segregation]);
    assert_eq!(apart(0, ["3", "1.4"], 1), []);
    assert_eq!(apart(1, ["3", "1.4"], 1), [LoadRule::Segregation]);
    assert_eq!(apart(1, ["3", "1.4"], 2), []);
    assert_eq!(apart(2, ["3", "1.4"], 2), [LoadRule::Segregation]);
    assert_eq!(apart(2, ["3", "8"], 0), []);
}

#[test]
fn the_cranes_travel_is_the_price() {
    let consist = consist();
    let mut load = unit("U", TWENTY_DM, 20_000);
    load.yard_at_dm = 100;
    let cost = |wagon| {
        let placed = vec![at("U", [wagon, 0, 1])];
        check(&consist, std::slice::from_ref(&load), &Loading { placed })
    };
    // Wagons of 19.7 m: their middles are at 9.9, 29.6 and 49.3 m.
    assert_eq!((cost(0), cost(2)), (Ok(1), Ok(393)));
}
