//! One test a rule of the translation.

use std::collections::BTreeMap;

use domain::rail::{RolledOverReason, Rule, check};
use optimise::budget::Budget;
use optimise::rail::re_plan;

use super::inputs::{Inputs, LockRow, SlotRow, UnitRow};
use super::rules::RailRules;
use super::translate::{Translated, translate};
use crate::plans::times::MINUTE_US;

const NOW_US: i64 = 1_000_000 * MINUTE_US;

fn at(minutes: i64) -> i64 {
    NOW_US + minutes * MINUTE_US
}

fn slot(id: &str, departure_min: i64) -> SlotRow {
    SlotRow {
        train_slot_id: id.to_owned(),
        terminal_id: "T".to_owned(),
        origin: "DEDUI".to_owned(),
        destination: "ITMIL".to_owned(),
        departure_us: at(departure_min),
        arrival_us: at(departure_min + 900),
        status: "OPEN".to_owned(),
        teu_max_quarters: 16,
        cut_off_fco_us: Some(at(departure_min - 180)),
        closing_us: Some(at(departure_min - 180)),
        dangerous_goods_max: Some(6),
        ..SlotRow::default()
    }
}

fn unit(id: &str) -> UnitRow {
    UnitRow {
        unit_id: id.to_owned(),
        booking_id: format!("booking-{id}"),
        terminal_id: "T".to_owned(),
        origin: "DEDUI".to_owned(),
        destination: "ITMIL".to_owned(),
        teu_quarters: 8,
        length_dm: 122,
        gross_kg: 20_000,
        ready_us: Some(at(-60)),
        is_present: true,
        customs_state: "RELEASE".to_owned(),
        vgm_us: Some(at(-60)),
        priority: 1,
        ..UnitRow::default()
    }
}

fn inputs() -> Inputs {
    Inputs {
        slots: vec![slot("S1", 600), slot("S2", 1_200)],
        units: vec![unit("U1")],
        locks: Vec::new(),
    }
}

fn of(inputs: &Inputs) -> Translated {
    translate(inputs, &BTreeMap::new(), NOW_US, &RailRules::default())
}

/// The train of each unit, or why it stays.
fn planned(translated: &Translated) -> Vec<Result<String, RolledOverReason>> {
    let problem = &translated.problem;
    let (answer, _) = re_plan(problem, None, 1, &Budget::iterations(2_000));
    check(problem, &answer.plan).expect("a feasible plan");
    let train = |id: &str| answer.plan.assignments.iter().find(|one| one.unit == id);
    let reason = |id: &str| answer.plan.rolled_over.iter().find(|one| one.unit == id);
    problem
        .units
        .iter()
        .map(|unit| match train(&unit.id) {
            Some(assigned) => Ok(assigned.legs.join("+")),
            None => Err(reason(&unit.id).expect("planned once").reason),
        })
        .collect()
}

fn first(inputs: &Inputs) -> Result<String, RolledOverReason> {
    planned(&of(inputs)).remove(0)
}

fn on(slot: &str) -> Result<String, RolledOverReason> {
    Ok(slot.to_owned())
}

#[test]
fn a_unit_goes_by_the_first_train_or_the_one_it_is_booked_on() {
    let mut inputs = inputs();
    assert_eq!(first(&inputs), on("S1"));
    inputs.units[0].train_slot_id = "S2".to_owned();
    assert_eq!(first(&inputs), on("S2"));
    inputs.slots[1].status = "CANCELLED".to_owned();
    assert_eq!(first(&inputs), on("S1"));
}

#[test]
fn cut_offs_bind_each_for_what_it_asks() {
    let mut inputs = inputs();
    inputs.units[0].ready_us = Some(at(430));
    inputs.units[0].is_present = false;
    assert_eq!(first(&inputs), on("S2"), "delivery closes at 420");
    inputs.units[0] = unit("U1");
    inputs.slots[0].cut_off_vco_us = Some(at(-90));
    assert_eq!(first(&inputs), on("S2"), "weighed at -60");
    inputs.units[0].is_empty = true;
    assert_eq!(first(&inputs), on("S1"), "empty units are not weighed");
}

#[test]
fn customs_must_release_before_departure() {
    let mut inputs = inputs();
    inputs.units[0].customs_state = "HOLD".to_owned();
    assert_eq!(
        first(&inputs),
        Err(RolledOverReason::NoFeasibleTrain(Rule::Customs))
    );
    inputs.units[0].customs_release_estimated_us = Some(at(700));
    assert_eq!(first(&inputs), on("S2"));
}

#[test]
fn what_is_loaded_takes_its_room() {
    let mut inputs = inputs();
    inputs.slots[0].teu_loaded_quarters = 9;
    assert_eq!(first(&inputs), on("S2"));
    inputs.slots.truncate(1);
    assert!(first(&inputs).is_err());
    inputs.slots[0].teu_max_quarters = 0;
    assert_eq!(first(&inputs), on("S1"), "0 is no limit");
}

#[test]
fn dangerous_goods_are_counted() {
    let mut inputs = inputs();
    inputs.slots[0].dangerous_goods_max = Some(1);
    inputs.slots[0].dangerous_goods_loaded = 1;
    inputs.units[0].dangerous_goods_class = "3".to_owned();
    assert_eq!(first(&inputs), on("S2"));
}

#[test]
fn units_stay_at_their_terminal() {
    let mut inputs = inputs();
    inputs.slots[0].terminal_id = "U".to_owned();
    assert_eq!(first(&inputs), on("S2"));
}

#[test]
fn planners_pin_and_bump() {
    let mut inputs = inputs();
    let word = |train_slot_id: Option<&str>| LockRow {
        unit_id: "U1".to_owned(),
        train_slot_id: train_slot_id.map(str::to_owned),
    };
    inputs.locks = vec![word(Some("S2"))];
    assert_eq!(first(&inputs), on("S2"));
    inputs.locks = vec![word(None)];
    assert!(first(&inputs).is_err());
}

#[test]
fn a_closed_train_keeps_what_it_has() {
    let mut inputs = inputs();
    inputs.slots[0].status = "CLOSED".to_owned();
    assert_eq!(first(&inputs), on("S2"));
    let last = BTreeMap::from([("U1".to_owned(), vec!["S1".to_owned()])]);
    let translated = translate(&inputs, &last, NOW_US, &RailRules::default());
    assert_eq!(planned(&translated), [on("S1")]);
}

#[test]
fn a_binding_booking_is_a_pin() {
    let mut inputs = inputs();
    inputs.units[0].train_slot_id = "S1".to_owned();
    inputs.units[0].ready_us = Some(at(430));
    let rules = RailRules {
        is_booked_slot_binding: true,
        ..RailRules::default()
    };
    let translated = translate(&inputs, &BTreeMap::new(), NOW_US, &rules);
    assert_eq!(planned(&translated), [Err(RolledOverReason::PinImpossible)]);
    assert_eq!(first(&inputs), on("S2"));
}

#[test]
fn rows_that_make_no_sense_are_left_out_and_the_rest_is_planned() {
    let mut inputs = inputs();
    inputs.slots[0].gross_max_kg = -1;
    inputs.units.push(unit("U1"));
    inputs.units.push(UnitRow {
        teu_quarters: 0,
        ..unit("U3")
    });
    inputs.units.push(UnitRow {
        due_us: Some(i64::MAX),
        ..unit("U4")
    });
    let translated = of(&inputs);
    let rows: Vec<usize> = translated.left_out.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [1, 2, 3]);
    assert_eq!(translated.slots_left_out[0].0, "S1");
    assert_eq!(planned(&translated), [on("S2")]);
}
