//! One test a rule of the translation.

use domain::berth::{Call, Handling, Layout, check};
use optimise::berth::{Warm, solve_warm};
use optimise::budget::Budget;

use super::holds::LetOff;
use super::inputs::{
    BerthRow, ClosureRow, CraneRow, Inputs, LevelRow, LockRow, OutageRow, RateRow, VisitRow,
};
use super::rules::BerthRules;
use super::translate::{LastStay, Memory, Translated, translate};
use crate::plans::times::MINUTE_US;

fn berth(id: &str, from_dm: i64) -> BerthRow {
    BerthRow {
        berth_id: id.to_owned(),
        terminal_id: "T".to_owned(),
        quay: "Q".to_owned(),
        from_dm,
        to_dm: from_dm + 1_350,
        is_single: true,
        depth_cm: 350,
        gauge_station: "R".to_owned(),
        gauge_reference_cm: 233,
        cones_max: 1,
        ..BerthRow::default()
    }
}

fn visit(id: &str, arrival_min: i64) -> VisitRow {
    VisitRow {
        berth_visit_id: id.to_owned(),
        terminal_id: "T".to_owned(),
        length_cm: Some(11_000),
        draught_cm: Some(250),
        arrival_us: arrival_min * MINUTE_US,
        handling_planned_min: Some(100),
        priority: 1,
        ..VisitRow::default()
    }
}

fn inputs() -> Inputs {
    Inputs {
        berths: vec![berth("B1", 0), berth("B2", 1_400)],
        visits: vec![visit("V1", 60), visit("V2", 65)],
        ..Inputs::default()
    }
}

fn of(inputs: &Inputs, memory: &Memory) -> Translated {
    translate(inputs, memory, 0, &BerthRules::default())
}

fn call(inputs: &Inputs) -> Call {
    of(inputs, &Memory::default()).problem.calls[0].clone()
}

/// (berth, start) of each call once solved; none without a stay.
fn solved(translated: &Translated) -> Vec<Option<(usize, i64)>> {
    let problem = &translated.problem;
    assert_eq!(domain::berth::validate::validate(problem), []);
    let answer = solve_warm(problem, Warm::default(), 1, &Budget::iterations(200)).answer;
    check(problem, &answer.plan).expect("a feasible plan");
    (0..problem.calls.len())
        .map(|call| {
            answer
                .plan
                .stay_of(call)
                .map(|stay| (stay.berth, stay.start_min))
        })
        .collect()
}

fn remembered(visit: &str, berth: &str, from_m: i64, start_min: i64) -> Memory {
    let last = LastStay {
        berth_id: berth.to_owned(),
        from_m,
        start_us: start_min * MINUTE_US,
        end_us: (start_min + 105) * MINUTE_US,
    };
    Memory {
        stays: [(visit.to_owned(), last)].into(),
        ..Memory::default()
    }
}

#[test]
fn metres_are_rounded_inwards_for_berths_and_up_for_vessels() {
    let mut inputs = inputs();
    (inputs.berths[0].from_dm, inputs.berths[0].to_dm) = (5, 1_359);
    inputs.visits[0].length_cm = Some(10_901);
    let problem = of(&inputs, &Memory::default()).problem;
    assert_eq!((problem.berths[0].from_m, problem.berths[0].to_m), (1, 135));
    assert_eq!(problem.calls[0].length_m, 110);
    assert_eq!(problem.berths[0].layout, Layout::Discrete);
    assert_eq!(problem.berths[0].quay, problem.berths[1].quay);
}

#[test]
fn depths_are_restated_at_one_reference_level_of_the_gauge() {
    let mut inputs = inputs();
    inputs.berths[1].gauge_reference_cm = 283;
    inputs.berths[1].air_clearance_cm = Some(900);
    let level = |from_min: i64, level_cm| LevelRow {
        station: "R".to_owned(),
        from_us: from_min * MINUTE_US,
        level_cm,
    };
    inputs.levels = vec![level(-30, 133), level(300, 233)];
    let translated = of(&inputs, &Memory::default());
    let problem = &translated.problem;
    // At 283 cm both have what they say: 350 + 50 and 350.
    assert_eq!(
        (problem.berths[0].depth_cm, problem.berths[1].depth_cm),
        (350, 300)
    );
    assert_eq!(problem.berths[1].air_clearance_cm, Some(950));
    assert_eq!(problem.water.at_cm(0), -100);
    assert_eq!(problem.water.stop_cm, Some(1130 - 233));
    // 350 - 100 - 20 cm do not carry 250 cm; 350 - 20 do.
    let starts: Vec<i64> = solved(&translated)
        .iter()
        .map(|stay| stay.expect("a stay").1)
        .collect();
    assert!(
        starts.iter().all(|start_min| *start_min >= 300),
        "{starts:?}"
    );
}

#[test]
fn traffic_stops_at_high_water_and_flows_again_at_the_horizon() {
    let mut inputs = inputs();
    inputs.levels = vec![LevelRow {
        station: "R".to_owned(),
        from_us: 0,
        level_cm: 1_200,
    }];
    let problem = of(&inputs, &Memory::default()).problem;
    assert!(!problem.water.traffic_flows(0));
    assert!(problem.water.traffic_flows(problem.horizon_end_min));
}

#[test]
fn nobody_berths_where_it_is_closed() {
    let mut inputs = inputs();
    inputs.closures = vec![ClosureRow {
        berth_id: "B1".to_owned(),
        from_us: 0,
        to_us: 900 * MINUTE_US,
    }];
    let stays = solved(&of(&inputs, &Memory::default()));
    assert_eq!(stays[0], Some((1, 60)));
    assert_eq!(stays[1].map(|(berth, _)| berth), Some(1));
}

#[test]
fn locks_hold_and_a_start_that_has_passed_does_not() {
    let mut inputs = inputs();
    let lock = |start_min: i64| LockRow {
        berth_visit_id: "V1".to_owned(),
        berth_id: "B2".to_owned(),
        start_us: Some(start_min * MINUTE_US),
    };
    inputs.locks = vec![lock(307)];
    assert_eq!(solved(&of(&inputs, &Memory::default()))[0], Some((1, 300)));
    inputs.locks = vec![lock(-60)];
    assert_eq!(call(&inputs).lock.start_min, None);
    // A lock overrules the last plan.
    let translated = of(&inputs, &remembered("V1", "B1", 0, 90));
    assert_eq!(translated.problem.calls[0].previous, None);
}

#[test]
fn later_calls_of_a_barge_wait_for_the_earlier_ones() {
    let mut inputs = inputs();
    inputs.berths[1].terminal_id = "U".to_owned();
    inputs.visits[1].terminal_id = "U".to_owned();
    for (seq, visit) in inputs.visits.iter_mut().enumerate() {
        visit.rotation_id = "barge".to_owned();
        visit.rotation_seq = 2 - seq as i64;
    }
    let translated = of(&inputs, &Memory::default());
    assert_eq!(translated.problem.rotations[0].calls, [1, 0]);
    // V2 from 75 to 180, then 45 minutes under way.
    assert_eq!(translated.problem.calls[0].release_min, 225);
    assert_eq!(solved(&translated), [Some((0, 225)), Some((1, 75))]);
}

#[test]
fn what_lies_alongside_is_a_fact() {
    let mut inputs = inputs();
    let visit = &mut inputs.visits[0];
    visit.is_alongside = true;
    visit.arrival_us = -50 * MINUTE_US;
    visit.berth_actual = "B2".to_owned();
    visit.draught_cm = Some(900);
    let translated = of(&inputs, &Memory::default());
    let call = &translated.problem.calls[0];
    assert!(call.alongside);
    assert_eq!(call.handling, [Handling::Forbidden, Handling::Minutes(100)]);
    assert_eq!(solved(&translated)[0], Some((1, -50)));
    inputs.visits[0].departure_estimated_us = Some(-10 * MINUTE_US);
    assert_eq!(
        self::call(&inputs).handling[1],
        Handling::Minutes(51),
        "nobody has left yet"
    );
    inputs.visits[0].berth_actual = "B9".to_owned();
    let (row, reason) = of(&inputs, &Memory::default()).left_out.remove(0);
    assert!(row == 0 && reason.contains("B9"), "{reason}");
}

#[test]
fn the_last_plan_is_held_until_the_vessel_comes_too_late_for_it() {
    let inputs = inputs();
    let frozen = of(&inputs, &remembered("V1", "B2", 140, 120)).problem;
    assert_eq!(
        frozen.calls[0].previous.map(|previous| previous.start_min),
        Some(120)
    );
    let mut late = of(&inputs, &remembered("V1", "B2", 140, 45));
    let last = late.last_plan.clone();
    let let_off = LetOff::thaw(&mut late.problem, &last);
    assert_eq!(
        late.problem.calls[0]
            .previous
            .map(|previous| previous.start_min),
        Some(180),
        "planned anew from the end of the frozen horizon on"
    );
    assert_eq!(solved(&late)[0], Some((1, 60)), "at its berth");
    let plan = solve_warm(&late.problem, Warm::default(), 1, &Budget::iterations(200))
        .answer
        .plan;
    let why = let_off.why(&late.problem, &plan, 0).expect("let off");
    assert!(why.ends_with("the vessel is not there"), "{why}");
    let gone = of(&inputs, &remembered("V1", "B9", 0, 120)).problem;
    assert_eq!(gone.calls[0].previous, None);
}

#[test]
fn a_held_stay_at_a_closed_berth_is_let_go_with_the_other_calls_of_its_barge() {
    let mut inputs = inputs();
    inputs.closures = vec![ClosureRow {
        berth_id: "B2".to_owned(),
        from_us: 0,
        to_us: 8_000 * MINUTE_US,
    }];
    let mut translated = of(&inputs, &remembered("V1", "B2", 140, 120));
    let last = translated.last_plan.clone();
    let mut let_off = LetOff::thaw(&mut translated.problem, &last);
    assert_eq!(solved(&translated)[0], None, "its berth is closed");
    let without = solve_warm(
        &translated.problem,
        Warm::default(),
        1,
        &Budget::iterations(200),
    );
    let plan = without.answer.plan;
    assert!(let_off.let_go(&mut translated.problem, &plan));
    assert!(!let_off.let_go(&mut translated.problem, &plan), "once");
    let found = solved(&translated)[0].expect("a berth");
    assert_eq!(found.0, 0, "the other berth");
}

#[test]
fn time_alongside_is_agreed_or_follows_from_moves_and_cranes() {
    let mut inputs = inputs();
    inputs.berths.truncate(1);
    let handling = |inputs: &Inputs| call(inputs).handling[0];
    inputs.visits[0].moves = Some(100);
    assert_eq!(handling(&inputs), Handling::Minutes(100));
    inputs.visits[0].handling_planned_min = None;
    assert_eq!(
        handling(&inputs),
        Handling::Minutes(30 + 240),
        "25 moves an hour"
    );
    let crane = |id: &str| CraneRow {
        crane_id: id.to_owned(),
        terminal_id: "T".to_owned(),
        quay: "Q".to_owned(),
        from_dm: 0,
        to_dm: 3_000,
        moves_per_h: 30,
    };
    inputs.cranes = vec![crane("C1"), crane("C2"), crane("C3")];
    assert_eq!(
        handling(&inputs),
        Handling::Minutes(30 + 100),
        "two cranes of three"
    );
    let rate = |id: &str, moves, centimoves_h| RateRow {
        crane_id: id.to_owned(),
        moves,
        centimoves_h,
    };
    inputs.rates = vec![rate("C1", 30, 1_850), rate("C2", 29, 100)];
    assert_eq!(handling(&inputs), Handling::Minutes(30 + 100), "the others");
    inputs.rates = ["C1", "C2", "C3"].map(|id| rate(id, 30, 2_400)).to_vec();
    assert_eq!(
        handling(&inputs),
        Handling::Minutes(30 + 125),
        "as measured, 24 moves an hour each"
    );
    inputs.rates = vec![rate("C3", 30, 4_500)];
    assert_eq!(
        handling(&inputs),
        Handling::Minutes(30 + 80),
        "one is measured, the other as the master data has it"
    );
    inputs.rates.clear();
    let out = |id: &str| OutageRow {
        crane_id: id.to_owned(),
        to_us: Some(600 * MINUTE_US),
    };
    inputs.outages = vec![out("C1"), out("C2")];
    assert_eq!(
        handling(&inputs),
        Handling::Minutes(30 + 200),
        "one crane works"
    );
    inputs.visits[0].handling_planned_min = Some(100);
    assert_eq!(
        handling(&inputs),
        Handling::Minutes(230),
        "agreed with all cranes"
    );
    inputs.visits[0].moves = None;
    inputs.visits[0].handling_planned_min = None;
    assert_eq!(
        handling(&inputs),
        Handling::Minutes(240),
        "nothing is known"
    );
}

#[test]
fn the_latest_departure_is_a_price_or_a_limit() {
    let mut inputs = inputs();
    inputs.visits[0].departure_planned_us = Some(400 * MINUTE_US);
    inputs.visits[0].departure_latest_us = Some(300 * MINUTE_US);
    let soft = call(&inputs);
    assert_eq!((soft.due_min, soft.latest_departure_min), (Some(300), None));
    let rules = BerthRules {
        is_latest_departure_hard: true,
        ..BerthRules::default()
    };
    let hard = &translate(&inputs, &Memory::default(), 0, &rules)
        .problem
        .calls[0];
    assert_eq!(
        (hard.due_min, hard.latest_departure_min),
        (Some(400), Some(300))
    );
}

#[test]
fn rows_that_make_no_sense_are_left_out_and_the_rest_is_planned() {
    let mut inputs = inputs();
    inputs.visits[0].length_cm = Some(-5);
    inputs.visits.push(visit("V2", 80));
    inputs.visits.push(visit("V4", -3_000));
    inputs.visits.push(visit("V5", 20_000));
    inputs.visits.push(VisitRow {
        terminal_id: "nowhere".to_owned(),
        ..visit("V6", 60)
    });
    inputs.berths[1].depth_cm = -1;
    let translated = of(&inputs, &Memory::default());
    let rows: Vec<usize> = translated.left_out.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [0, 2, 3, 5], "V5 only comes after the horizon");
    assert_eq!(translated.berths_left_out[0].0, "B2");
    assert_eq!(solved(&translated), [Some((0, 75))]);
}
