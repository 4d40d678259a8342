//! One test a rule of the translation.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::rail::{RolledOverReason, Rule, check};
use events::v1;
use optimise::budget::Budget;
use optimise::rail::re_plan;

use super::explanations::explained;
use super::inputs::{Inputs, LockRow, RateRow, SlotRow, UnitRow};
use super::records::Frame;
use super::rules::RailRules;
use super::translate::{Translated, translate};
use super::{RailPlanner, loads};
use crate::plans::PlannerRun;
use crate::plans::agenda::Triggers;
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
        ..Inputs::default()
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

/// The rows of the trains in the first plan of these inputs, and how many units go.
fn loads_of(inputs: &Inputs, rules: &RailRules) -> (BTreeMap<String, v1::TrainLoad>, usize) {
    let (rows, assigned, _) = loads_and_learned(inputs, rules);
    (rows, assigned)
}

/// The same, and how many cuts loading has taught.
fn loads_and_learned(
    inputs: &Inputs,
    rules: &RailRules,
) -> (BTreeMap<String, v1::TrainLoad>, usize, usize) {
    let run = PlannerRun {
        is_on: true,
        inputs: Vec::new(),
        every: Duration::from_secs(3_600),
        triggers: Triggers::default(),
        iterations: 2_000,
        seed: 1,
    };
    let mut planner = RailPlanner::new(run, rules.clone());
    let mut translated = translate(inputs, &BTreeMap::new(), NOW_US, rules);
    let plain = translated.problem.clone();
    let solved = planner.solve(inputs, &mut translated).expect("loads pass");
    let plan = &solved.booked.answer.plan;
    check(&solved.booked.problem, plan).expect("a feasible plan");
    let frame = loads::Frame {
        plan_seq: 1,
        planned_at_us: NOW_US,
        inputs,
        problem: &solved.booked.problem,
        plain: &plain,
        plan,
        overbooked: &solved.booked.trains,
    };
    let permille = |unit: &str| solved.permille[unit];
    let rows = planner.loads.rows(&frame, &permille);
    (rows, plan.assignments.len(), planner.loads.save().1.len())
}

/// Two wagons of two platforms, and each platform bears one of 40 ft.
fn four_platforms(units: usize) -> (Inputs, RailRules) {
    let mut inputs = inputs();
    inputs.slots = vec![SlotRow {
        teu_max_quarters: 0,
        length_max_dm: 1_000,
        ..slot("S1", 600)
    }];
    inputs.units = (0..units).map(|nth| unit(&format!("U{nth}"))).collect();
    let rules = RailRules {
        train_length_max_dm: 600,
        ..RailRules::default()
    };
    (inputs, rules)
}

#[test]
fn what_wagons_hold_is_known_before_anything_is_loaded() {
    let (inputs, rules) = four_platforms(8);
    let (rows, assigned, learned) = loads_and_learned(&inputs, &rules);
    assert_eq!(assigned, 4, "four platforms");
    assert_eq!(learned, 0, "nothing is left to learn");
    let row = &rows["S1"];
    assert_eq!(row.state(), v1::LoadState::Loaded, "{row:?}");
    assert_eq!((row.units, row.places.len()), (4, 4));
    assert!(
        row.cuts[0].starts_with("its wagons hold 32 quarters of a TEU"),
        "{row:?}"
    );
    let far = RailRules {
        load_within_min: 60,
        ..rules
    };
    let (rows, assigned) = loads_of(&inputs, &far);
    assert!(rows.is_empty(), "it closes in seven hours");
    assert_eq!(assigned, 8);
}

/// Explosives do not share a wagon with flammable liquids, which counting platforms does not see.
#[test]
fn what_cannot_stand_is_a_cut() {
    let (mut inputs, rules) = four_platforms(4);
    for (nth, unit) in inputs.units.iter_mut().enumerate() {
        unit.dangerous_goods_class = if nth < 3 { "1" } else { "3" }.to_owned();
    }
    let (rows, assigned, learned) = loads_and_learned(&inputs, &rules);
    assert_eq!(assigned, 3);
    assert_eq!(learned, 1);
    let row = &rows["S1"];
    assert_eq!(row.state(), v1::LoadState::Loaded, "{row:?}");
    let told = "of 4 units at most 3 can stand on its wagons together";
    assert!(row.cuts.iter().any(|cut| cut == told), "{row:?}");
}

#[test]
fn trains_are_booked_beyond_their_room_as_far_as_measured_no_shows_allow() {
    let mut inputs = inputs();
    inputs.slots = vec![slot("S1", 600)];
    inputs.slots[0].teu_max_quarters = 160;
    inputs.slots[0].service_id = "S".to_owned();
    inputs.units = (0..40).map(|nth| unit(&format!("U{nth:02}"))).collect();
    for unit in &mut inputs.units {
        unit.is_present = false;
        unit.ready_us = Some(at(60));
        (unit.customer, unit.train_slot_id) = ("C".to_owned(), "S1".to_owned());
    }
    let rules = RailRules::default();
    let (rows, assigned) = loads_of(&inputs, &rules);
    assert_eq!((rows.len(), assigned), (1, 20), "nothing was measured");
    inputs.rates = vec![RateRow {
        customer: "C".to_owned(),
        service_id: "S".to_owned(),
        shows: 700,
        no_shows: 300,
    }];
    let (rows, assigned) = loads_of(&inputs, &rules);
    let row = &rows["S1"];
    assert!((22..=27).contains(&assigned), "{assigned}");
    assert_eq!(row.state(), v1::LoadState::Overbooked);
    assert!((1..=50_000).contains(&row.teu_risk_ppm), "{row:?}");
    assert_eq!(row.bump_order.len(), assigned);
    assert!(row.bump_order.iter().all(|bump| bump.show_permille == 728));
    let sure = RailRules {
        overbooking_confidence_permille: 1_000,
        ..rules
    };
    assert_eq!(loads_of(&inputs, &sure).1, 20);
}

#[test]
fn a_tight_connection_is_given_up_for_a_later_train_when_the_risk_costs_more_than_waiting() {
    let mut inputs = inputs();
    inputs.units[0].is_present = false;
    // S1 closes at 420: 20 min of slack.
    inputs.units[0].ready_us = Some(at(400));
    let train = |rules: &RailRules| {
        let translated = translate(&inputs, &BTreeMap::new(), NOW_US, rules);
        planned(&translated).remove(0).expect("a train")
    };
    assert_eq!(train(&RailRules::default()), "S2");
    let mut careless = RailRules::default();
    careless.weights.missed_connection = 0;
    assert_eq!(train(&careless), "S1");
}

#[test]
fn a_unit_that_stays_is_told_what_would_have_to_change() {
    let mut inputs = inputs();
    inputs.slots[0].teu_max_quarters = 8;
    inputs.slots.truncate(1);
    inputs.units.push(UnitRow {
        priority: 3,
        ..unit("U2")
    });
    inputs.units.push(UnitRow {
        customs_state: "HOLD".to_owned(),
        ..unit("U3")
    });
    let translated = of(&inputs);
    let (answer, _) = re_plan(&translated.problem, None, 1, &Budget::iterations(2_000));
    let frame = Frame {
        plan_seq: 1,
        planned_at_us: NOW_US,
        inputs: &inputs,
        translated: &translated,
    };
    let untold = explained(&frame, &answer.plan, 0);
    let explained = explained(&frame, &answer.plan, 1);
    assert_eq!(explained["U2"].binding_constraint, "");
    let full = &explained["U1"];
    assert_eq!(full.binding_constraint, "NO_ROOM");
    assert_eq!(full.conflicting, ["S1: lacks 2 TEU"]);
    assert!(full.remedies[0].ends_with("needs 2 TEU of room"));
    assert_eq!(full.alternatives.len(), 1);
    let way = &full.alternatives[0];
    assert_eq!(way.give_way.len(), 1, "{way:?}");
    let gives = &way.give_way[0];
    assert_eq!(
        (gives.object_id.as_str(), gives.place.as_str()),
        ("U2", "rolled over")
    );
    // They differ by two steps of priority alone, and go by the same train at the same price.
    let step = RailRules::default().weights.priority_roll_over;
    assert_eq!(way.give_way_price, 2 * step, "{way:?}");
    assert!(gives.dearer > way.give_way_price, "{way:?}");
    let way = &untold["U1"].alternatives[0];
    assert!(way.give_way.is_empty() && way.give_way_price == 0);
    let held = &explained["U3"];
    assert_eq!(held.binding_constraint, "CUSTOMS");
    assert!(held.remedies[0].contains("a customs release"), "{held:?}");
}
