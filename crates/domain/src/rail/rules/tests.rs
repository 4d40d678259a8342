//! Each rule with a plan that just keeps it, and its twin that breaks it alone.

mod cost;
mod cut_offs;
mod trains;

use super::Rule;
use crate::rail::{
    Assigned, CutOff, CutOffKind, Lock, RailPlan, RailProblem, RolledOver, RolledOverReason,
    SlotStatus, TrainSlot, UNLIMITED, Unit, check,
};

/// Two trains in a row over the break of gauge, and one to another place.
fn problem() -> RailProblem {
    RailProblem {
        now_at_min: 10_000,
        trains: vec![
            slot("A", ["DEDUI", "PLMAA"], 1435, [11_000, 12_000]),
            slot("B", ["PLMAA", "CNXIY"], 1520, [12_480, 20_000]),
            slot("C", ["DEDUI", "ITMIL"], 1435, [11_500, 13_000]),
        ],
        units: vec![unit("U", "CNXIY")],
        ..RailProblem::default()
    }
}

fn slot(id: &str, [from, to]: [&str; 2], gauge_mm: i64, [leaves, arrives]: [i64; 2]) -> TrainSlot {
    TrainSlot {
        id: id.into(),
        origin: from.into(),
        destination: to.into(),
        corridor: "NORTH".into(),
        gauge_mm,
        departure_at_min: leaves,
        arrival_at_min: arrives,
        closing_at_min: leaves - 60,
        max_length_dm: UNLIMITED,
        max_teu_quarters: UNLIMITED,
        max_gross_kg: UNLIMITED,
        max_unit_gross_kg: UNLIMITED,
        max_unit_length_dm: UNLIMITED,
        max_profile_code: UNLIMITED,
        price_per_teu: 100,
        ..TrainSlot::default()
    }
}

fn unit(id: &str, destination: &str) -> Unit {
    Unit {
        id: id.into(),
        origin: "DEDUI".into(),
        destination: destination.into(),
        teu_quarters: 8,
        length_dm: 122,
        gross_kg: 20_000,
        profile_code: 40,
        ready_at_min: 10_500,
        roll_over_price: 5_000,
        ..Unit::default()
    }
}

/// A plan of (unit, legs); without legs it stays.
fn plan(ways: &[(&str, &[&str])]) -> RailPlan {
    let mut plan = RailPlan::default();
    for (unit, legs) in ways {
        let unit = (*unit).to_owned();
        if legs.is_empty() {
            let reason = RolledOverReason::Dearer;
            plan.rolled_over.push(RolledOver { unit, reason });
        } else {
            let legs = legs.iter().map(|leg| (*leg).to_owned()).collect();
            plan.assignments.push(Assigned { unit, legs });
        }
    }
    plan
}

/// The rules that a plan breaks.
fn broken(problem: &RailProblem, ways: &[(&str, &[&str])]) -> Vec<Rule> {
    match check(problem, &plan(ways)) {
        Ok(_) => Vec::new(),
        Err(violations) => violations.iter().map(|violation| violation.rule).collect(),
    }
}

/// The rules that unit U breaks on a path, after a change of the problem.
fn on(legs: &[&str], change: impl FnOnce(&mut RailProblem)) -> Vec<Rule> {
    let mut problem = problem();
    change(&mut problem);
    broken(&problem, &[("U", legs)])
}

/// To Milan by train C, after a change of the unit and the train.
fn to_milan(change: impl FnOnce(&mut Unit, &mut TrainSlot)) -> Vec<Rule> {
    on(&["C"], |problem| {
        problem.units[0].destination = "ITMIL".into();
        change(&mut problem.units[0], &mut problem.trains[2]);
    })
}

#[test]
fn the_plain_plans_are_in_order() {
    assert_eq!(on(&["A", "B"], |_| {}), []);
    assert_eq!(on(&[], |_| {}), []);
    assert_eq!(to_milan(|_, _| {}), []);
}

#[test]
fn every_unit_is_planned_once_by_slots_that_exist() {
    let one = |ways: &[(&str, &[&str])]| broken(&problem(), ways);
    assert_eq!(one(&[]), [Rule::Coverage]);
    assert_eq!(one(&[("U", &["A", "B"]), ("U", &[])]), [Rule::Coverage]);
    assert_eq!(one(&[("U", &[]), ("V", &["A"])]), [Rule::Coverage]);
    assert_eq!(one(&[("U", &["A", "X"])]), [Rule::Coverage; 2]);
    let mut empty = plan(&[]);
    empty.assignments.push(Assigned {
        unit: "U".into(),
        legs: Vec::new(),
    });
    assert!(check(&problem(), &empty).is_err());
}

#[test]
fn legs_lead_from_origin_to_destination() {
    assert_eq!(on(&["B"], |_| {}), [Rule::Chain]);
    assert_eq!(on(&["A"], |_| {}), [Rule::Chain]);
    assert_eq!(on(&["C", "B"], |_| {}), [Rule::Chain]);
    // The second train starts where the first one does not go.
    let elsewhere = |problem: &mut RailProblem| problem.trains[1].origin = "PLWAW".into();
    assert_eq!(on(&["A", "B"], elsewhere), [Rule::Chain]);
    // A train may end further on and still serve the place.
    let serves = |problem: &mut RailProblem| problem.trains[2].also_serves = vec!["CNXIY".into()];
    assert_eq!(on(&["C"], serves), []);
}

#[test]
fn legs_are_not_too_many() {
    assert_eq!(on(&["A", "B"], |p| p.weights.max_legs = 2), []);
    assert_eq!(on(&["A", "B"], |p| p.weights.max_legs = 1), [Rule::Legs]);
}

#[test]
fn changes_have_time_and_do_not_take_too_long() {
    let leaves = |at: i64, gauge_mm: i64| {
        on(&["A", "B"], |problem| {
            problem.trains[1].departure_at_min = at;
            problem.trains[1].gauge_mm = gauge_mm;
        })
    };
    // Eight hours at a break of gauge, two without one, 48 at most.
    assert_eq!(leaves(12_480, 1520), []);
    assert_eq!(leaves(12_479, 1520), [Rule::Chain]);
    assert_eq!(leaves(12_120, 1435), []);
    assert_eq!(leaves(12_119, 1435), [Rule::Chain]);
    assert_eq!(leaves(14_880, 1520), []);
    assert_eq!(leaves(14_881, 1520), [Rule::Chain]);
}

#[test]
fn every_leg_runs_on_the_corridor_of_the_booking() {
    let booked = |corridor: &str, second: &str| {
        on(&["A", "B"], |problem| {
            problem.units[0].corridor = Some(corridor.into());
            problem.trains[1].corridor = second.into();
        })
    };
    assert_eq!(booked("NORTH", "NORTH"), []);
    assert_eq!(booked("SOUTH", "NORTH"), [Rule::Corridor]);
    assert_eq!(booked("NORTH", "SOUTH"), [Rule::Corridor]);
}

#[test]
fn a_unit_is_ready_before_its_first_train_leaves() {
    assert_eq!(to_milan(|unit, _| unit.ready_at_min = 11_500), []);
    assert_eq!(
        to_milan(|unit, _| unit.ready_at_min = 11_501),
        [Rule::Ready]
    );
}

#[test]
fn what_one_unit_weighs_and_measures_suits_every_leg() {
    let limited = |change: fn(&mut TrainSlot)| {
        let second = on(&["A", "B"], |problem| change(&mut problem.trains[1]));
        let first = to_milan(|_, slot| change(slot));
        assert_eq!(first, second);
        first
    };
    assert_eq!(limited(|slot| slot.max_unit_gross_kg = 20_000), []);
    let over = limited(|slot| slot.max_unit_gross_kg = 19_999);
    assert_eq!(over, [Rule::UnitGross]);
    assert_eq!(limited(|slot| slot.max_unit_length_dm = 122), []);
    let over = limited(|slot| slot.max_unit_length_dm = 121);
    assert_eq!(over, [Rule::UnitLength]);
    assert_eq!(limited(|slot| slot.max_profile_code = 40), []);
    let over = limited(|slot| slot.max_profile_code = 39);
    assert_eq!(over, [Rule::Profile]);
}

#[test]
fn a_pinned_unit_goes_by_its_pin_or_stays() {
    let pinned = |legs: &[&str]| {
        on(legs, |problem| {
            problem.trains.push(TrainSlot {
                id: "A2".into(),
                ..problem.trains[0].clone()
            });
            problem.units[0].lock = Lock::Pinned(vec!["A".into(), "B".into()]);
        })
    };
    assert_eq!(pinned(&["A", "B"]), []);
    assert_eq!(pinned(&[]), []);
    assert_eq!(pinned(&["A2", "B"]), [Rule::Pin]);
}

#[test]
fn a_bumped_unit_goes_by_none_of_the_trains() {
    let bumped = |from: &str| {
        on(&["A", "B"], |problem| {
            problem.units[0].lock = Lock::Bumped(vec![from.into()]);
        })
    };
    assert_eq!(bumped("C"), []);
    assert_eq!(bumped("A"), [Rule::Bump]);
    assert_eq!(bumped("B"), [Rule::Bump]);
}

#[test]
fn a_closed_train_keeps_what_it_has_and_takes_nothing() {
    let closed = |previous: &[&str], legs: &[&str], change: fn(&mut TrainSlot)| {
        on(legs, |problem| {
            let ids = previous.iter().map(|leg| (*leg).to_owned());
            problem.units[0].previous = ids.collect();
            change(&mut problem.trains[0]);
        })
    };
    for change in [
        |slot: &mut TrainSlot| slot.status = SlotStatus::Departed,
        |slot: &mut TrainSlot| slot.status = SlotStatus::Closed,
        |slot: &mut TrainSlot| slot.closing_at_min = 10_000,
    ] {
        assert_eq!(closed(&[], &["A", "B"], change), [Rule::Frozen]);
        assert_eq!(closed(&["A", "B"], &["A", "B"], change), []);
        assert_eq!(closed(&["A"], &["A", "B"], change), []);
        assert_eq!(closed(&["A"], &[], change), [Rule::Frozen]);
    }
    // A minute before it closes all is open.
    let later = |slot: &mut TrainSlot| slot.closing_at_min = 10_001;
    assert_eq!(closed(&[], &["A", "B"], later), []);
    assert_eq!(closed(&["A"], &[], later), []);
    // A cancelled train takes nothing and keeps nothing.
    let cancelled = |slot: &mut TrainSlot| slot.status = SlotStatus::Cancelled;
    assert_eq!(closed(&["A"], &["A", "B"], cancelled), [Rule::Frozen]);
    assert_eq!(closed(&["A"], &[], cancelled), []);
}

#[test]
fn what_stands_on_a_closed_train_is_asked_nothing_more() {
    let mut problem = problem();
    problem.units[0].previous = vec!["A".into(), "B".into()];
    problem.trains[0].status = SlotStatus::Departed;
    problem.trains[0].max_teu_quarters = 0;
    problem.trains[0].max_unit_gross_kg = 0;
    problem.trains[0].cut_offs.push(CutOff {
        kind: CutOffKind::Terminal,
        at_min: 0,
    });
    problem.units[0].ready_at_min = 11_001;
    assert_eq!(broken(&problem, &[("U", &["A", "B"])]), []);
}
