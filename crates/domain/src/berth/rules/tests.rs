//! Each rule with a plan that breaks it alone, and its mended twin.

mod commitments;
mod cost;
mod edges;

use super::Rule;
use crate::berth::*;

/// One quay by the metre (0-300 m), one discrete berth on another quay, two cranes, two calls.
fn problem() -> BerthProblem {
    let quay = Berth {
        id: "Q".into(),
        to_m: 300,
        layout: Layout::ByMetre {
            step_m: 10,
            gap_m: 10,
        },
        depth_cm: 400,
        air_clearance_cm: Some(900),
        cones_max: 2,
        ..Berth::default()
    };
    let pier = Berth {
        id: "P".into(),
        terminal: 1,
        quay: 1,
        to_m: 120,
        depth_cm: 300,
        ..Berth::default()
    };
    let crane = |id: &str, rail_order| Crane {
        id: id.into(),
        rail_order,
        reach_to_m: 400,
        rate_centimoves_h: 3000,
        ..Crane::default()
    };
    let call = |id: &str| Call {
        id: id.into(),
        length_m: 100,
        draught_cm: 250,
        air_draught_cm: 700,
        handling: vec![Handling::Cranes, Handling::Minutes(120)],
        work: Work {
            moves: 30,
            setup_min: 0,
            cranes_min: 1,
            cranes_max: 2,
        },
        cost_per_min: 2,
        unassigned_price: 10_000,
        ..Call::default()
    };
    BerthProblem {
        time_step_min: 15,
        horizon_end_min: 10_000,
        berths: vec![quay, pier],
        cranes: vec![crane("1", 1), crane("2", 2)],
        calls: vec![call("A"), call("B")],
        travel_min: vec![vec![0, 60], vec![60, 0]],
        cone_distance_m: [0, 10, 50, 100],
        ..BerthProblem::default()
    }
}

fn plan() -> BerthPlan {
    let stay = |call, from_m, crane| Stay {
        call,
        berth: 0,
        from_m,
        start_min: 0,
        end_min: 60,
        cranes: vec![crane],
    };
    BerthPlan {
        stays: vec![stay(0, 0, 0), stay(1, 110, 1)],
        unassigned: vec![],
    }
}

/// The plan as changed breaks `rule` and no other; unchanged it is fine.
fn breaks(rule: Rule, alter: impl Fn(&mut BerthProblem, &mut BerthPlan)) {
    let (mut problem, mut plan) = (problem(), plan());
    check(&problem, &plan).expect("the unchanged plan is feasible");
    alter(&mut problem, &mut plan);
    assert_eq!(validate::validate(&problem), vec![]);
    let violations = check(&problem, &plan).expect_err("the changed plan is not");
    assert!(
        violations.iter().all(|violation| violation.rule == rule),
        "{violations:?}"
    );
}

/// The plan as changed is still fine.
fn keeps(alter: impl Fn(&mut BerthProblem, &mut BerthPlan)) {
    let (mut problem, mut plan) = (problem(), plan());
    alter(&mut problem, &mut plan);
    check(&problem, &plan).expect("feasible");
}

fn previous(berth: usize, from_m: i64, start_min: i64) -> Option<Previous> {
    Some(Previous {
        place: Place { berth, from_m },
        start_min,
    })
}

#[test]
fn complete() {
    breaks(Rule::Complete, |_, plan| plan.stays.truncate(1));
    breaks(Rule::Complete, |_, plan| {
        plan.unassigned.push(Unassigned {
            call: 0,
            reason: String::new(),
        })
    });
    breaks(Rule::Complete, |_, plan| plan.stays[0].berth = 9);
    breaks(Rule::Complete, |_, plan| plan.stays[0].cranes = vec![7]);
    breaks(Rule::Complete, |_, plan| plan.stays[0].cranes = vec![0, 0]);
    breaks(Rule::Complete, |_, plan| plan.stays[0].call = 5);
}

#[test]
fn grid() {
    breaks(Rule::Grid, |_, plan| plan.stays[1].from_m = 113);
    breaks(Rule::Grid, |_, plan| plan.stays[1].end_min = 61);
    breaks(Rule::Grid, |_, plan| {
        plan.stays[1].start_min = 5;
        plan.stays[1].end_min = 75;
    });
}

#[test]
fn length() {
    breaks(Rule::Length, |problem, _| problem.calls[1].length_m = 191);
    keeps(|problem, _| problem.calls[1].length_m = 190);
}

#[test]
fn overlap() {
    breaks(Rule::Overlap, |_, plan| plan.stays[1].from_m = 100);
    keeps(|_, plan| {
        plan.stays[1] = Stay {
            call: 1,
            berth: 0,
            from_m: 0,
            start_min: 60,
            end_min: 120,
            cranes: vec![1],
        }
    });
    breaks(Rule::Overlap, |_, plan| {
        for stay in &mut plan.stays {
            *stay = Stay {
                berth: 1,
                from_m: 0,
                end_min: 120,
                cranes: vec![],
                ..stay.clone()
            };
        }
    });
}

#[test]
fn arrival_and_departure() {
    breaks(Rule::Arrival, |problem, _| problem.calls[0].release_min = 1);
    breaks(Rule::Departure, |problem, _| {
        problem.calls[0].latest_departure_min = Some(59)
    });
    breaks(Rule::Departure, |problem, _| problem.horizon_end_min = 59);
}

#[test]
fn handling() {
    breaks(Rule::Handling, |_, plan| plan.stays[0].end_min = 45);
    breaks(Rule::Handling, |problem, plan| {
        problem.calls[0].handling[1] = Handling::Forbidden;
        plan.stays[0] = Stay {
            berth: 1,
            end_min: 120,
            cranes: vec![],
            ..plan.stays[0].clone()
        };
    });
    keeps(|_, plan| {
        plan.stays[0].cranes = vec![0, 1]; // 60 moves an hour
        plan.stays[0].end_min = 30;
        plan.stays[1].start_min = 30;
        plan.stays[1].end_min = 90;
    });
}

#[test]
fn a_crane_outage_lengthens_the_stay() {
    let outage = |problem: &mut BerthProblem| {
        problem.cranes[0].outages = vec![Interval::new(50, 60), Interval::new(70, 80)]
    };
    breaks(Rule::Handling, |problem, _| outage(problem));
    keeps(|problem, plan| {
        outage(problem);
        problem.calls[0].work.moves = 35; // 70 min of work from 0 to 90 but for two times 10 min
        plan.stays[0].end_min = 90;
    });
}

#[test]
fn draught() {
    let ebb = |deviation_cm| Water {
        levels: vec![Level {
            from_min: 59,
            deviation_cm,
        }],
        stop_cm: None,
    };
    breaks(Rule::Draught, |problem, _| {
        problem.water = ebb(-151);
        problem.water.levels.insert(
            0,
            Level {
                from_min: 0,
                deviation_cm: 0,
            },
        );
    });
    keeps(|problem, _| problem.water = ebb(-150));
    breaks(Rule::Draught, |problem, _| problem.under_keel_cm = 151);
    breaks(Rule::Draught, |problem, _| {
        problem.berths[0].sections = vec![DepthSection {
            from_m: 205,
            to_m: 300,
            depth_cm: 249,
        }];
    });
}

#[test]
fn air_draught() {
    breaks(Rule::AirDraught, |problem, _| {
        problem.water.levels = vec![
            Level {
                from_min: 0,
                deviation_cm: 0,
            },
            Level {
                from_min: 30,
                deviation_cm: 201,
            },
        ];
    });
}

#[test]
fn traffic_stop() {
    let flood = |from_min, to_min| Water {
        levels: vec![
            Level {
                from_min: -9,
                deviation_cm: 0,
            },
            Level {
                from_min,
                deviation_cm: 150,
            },
            Level {
                from_min: to_min,
                deviation_cm: 0,
            },
        ],
        stop_cm: Some(150),
    };
    breaks(Rule::TrafficStop, |problem, _| problem.water = flood(0, 15));
    breaks(Rule::TrafficStop, |problem, _| {
        problem.water = flood(45, 75)
    });
    keeps(|problem, _| problem.water = flood(15, 45));
}

#[test]
fn cones() {
    breaks(Rule::Cones, |problem, _| problem.calls[0].cones = 3);
    breaks(Rule::Cones, |problem, _| problem.calls[0].cones = 2);
    keeps(|problem, _| problem.calls[0].cones = 1);
    keeps(|problem, plan| {
        problem.calls[0].cones = 2;
        plan.stays[1].from_m = 150;
    });
}

#[test]
fn closures() {
    let closure = |from_m, to_m| Closure {
        from_m,
        to_m,
        interval: Interval::new(50, 70),
    };
    breaks(Rule::Closures, |problem, _| {
        problem.berths[0].closures = vec![closure(205, 300)]
    });
    keeps(|problem, _| problem.berths[0].closures = vec![closure(210, 300)]);
    breaks(Rule::Closures, |problem, _| {
        problem.berths[0].open = vec![Interval::new(0, 59)]
    });
}

#[test]
fn contract() {
    let reserve = |problem: &mut BerthProblem| {
        problem.reservations = vec![Reservation {
            berth: 0,
            contract: 4,
            interval: Interval::new(0, 15),
        }];
        problem.calls[0].contract = Some(4);
    };
    breaks(Rule::Contract, |problem, _| reserve(problem));
    keeps(|problem, _| {
        reserve(problem);
        problem.calls[1].contract = Some(4);
    });
}

#[test]
fn crane_work() {
    breaks(Rule::CraneWork, |problem, _| {
        problem.cranes[1].reach_to_m = 209
    });
    breaks(Rule::CraneWork, |problem, _| problem.cranes[1].quay = 1);
    breaks(Rule::CraneWork, |problem, _| {
        problem.calls[0].work.cranes_min = 2
    });
    breaks(Rule::CraneWork, |_, plan| plan.stays[1].cranes = vec![0]);
    breaks(Rule::CraneWork, |_, plan| {
        plan.stays[0] = Stay {
            berth: 1,
            end_min: 120,
            ..plan.stays[0].clone()
        };
        plan.stays[1].end_min = 60;
    });
}

#[test]
fn crane_crossing() {
    breaks(Rule::CraneCrossing, |_, plan| {
        plan.stays[0].cranes = vec![1];
        plan.stays[1].cranes = vec![0];
    });
}

#[test]
fn rotation() {
    let couple = |problem: &mut BerthProblem, order_fixed| {
        problem.rotations = vec![Rotation {
            barge: "V".into(),
            calls: vec![0, 1],
            order_fixed,
        }];
    };
    breaks(Rule::Rotation, |problem, _| couple(problem, false));
    let second_at_pier = |plan: &mut BerthPlan, start_min| {
        plan.stays[1] = Stay {
            call: 1,
            berth: 1,
            from_m: 0,
            start_min,
            end_min: start_min + 120,
            cranes: vec![],
        };
    };
    breaks(Rule::Rotation, |problem, plan| {
        couple(problem, false);
        second_at_pier(plan, 105);
    });
    keeps(|problem, plan| {
        couple(problem, true);
        second_at_pier(plan, 120);
    });
    let pier_first = |plan: &mut BerthPlan| {
        second_at_pier(plan, 0);
        plan.stays[0].start_min = 180;
        plan.stays[0].end_min = 240;
    };
    breaks(Rule::Rotation, |problem, plan| {
        couple(problem, true);
        pier_first(plan);
    });
    keeps(|problem, plan| {
        couple(problem, false);
        pier_first(plan);
    });
}
