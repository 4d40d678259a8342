//! Explanations and thawing on a port small enough to see why.
#![allow(clippy::expect_used)]

use domain::berth::{
    Berth, BerthPlan, BerthProblem, Call, Handling, Place, Previous, Rule, Stay, Weights, check,
    horizon::Hold, horizon::hold_of,
};
use optimise::berth::explain::{Binding, Change, ChangeReason, Conflict, explain};
use optimise::berth::{solve, thaw};
use optimise::budget::Budget;

fn call(id: &str, arrival_min: i64, minutes: i64) -> Call {
    Call {
        id: id.into(),
        length_m: 80,
        draught_cm: 250,
        arrival_min,
        release_min: arrival_min,
        handling: vec![Handling::Minutes(minutes), Handling::Minutes(2 * minutes)],
        cost_per_min: 2,
        unassigned_price: 100_000,
        ..Call::default()
    }
}

/// Two piers, the second half as fast; A, B and C want the first.
fn port() -> BerthProblem {
    let pier = |id: &str, quay| Berth {
        id: id.into(),
        quay,
        to_m: 100,
        depth_cm: 300,
        ..Berth::default()
    };
    BerthProblem {
        time_step_min: 10,
        horizon_end_min: 2000,
        berths: vec![pier("P1", 0), pier("P2", 1)],
        calls: vec![call("A", 0, 100), call("B", 10, 200), call("C", 20, 60)],
        frozen_until_min: -1000,
        slushy_until_min: -1000,
        weights: Weights {
            change_berth: 50,
            change_per_min: 1,
            ..Weights::default()
        },
        ..BerthProblem::default()
    }
}

#[test]
fn each_stay_has_its_binding_constraint_and_a_runner_up() {
    let problem = port();
    let answer = solve(&problem, None, 1, &Budget::iterations(5_000));
    assert!(answer.is_proved());
    let explained = explain(&problem, &answer.plan);
    assert_eq!(explained.stays.len(), 3);
    for stay in &explained.stays {
        let planned = answer.plan.stay_of(stay.call).expect("a stay");
        match &stay.binding {
            Binding::Released => {
                assert_eq!(planned.start_min, problem.calls[stay.call].release_min)
            }
            Binding::Rule(rule, calls) => {
                assert_eq!(*rule, Rule::Overlap);
                assert!(!calls.is_empty() && !calls.contains(&stay.call));
            }
            other => panic!("{other:?}"),
        }
        let other = stay.runner_up.as_ref().expect("two berths");
        assert_ne!(other.stay.berth, planned.berth);
        assert!(other.extra_cost >= 0, "the plan is optimal");
    }
    assert!(explained.changes.is_empty() && explained.conflicts.is_empty());
}

#[test]
fn a_change_says_whether_the_old_stay_is_impossible_or_dearer() {
    let mut problem = port();
    let previous = |berth, start_min| {
        Some(Previous {
            place: Place { berth, from_m: 0 },
            start_min,
        })
    };
    problem.calls[0].previous = previous(0, 0);
    problem.calls[0].release_min = 60; // late
    problem.calls[2].previous = previous(0, 900); // now free much earlier
    let answer = solve(&problem, None, 1, &Budget::iterations(5_000));
    let explained = explain(&problem, &answer.plan);
    let reason = |call| {
        explained
            .changes
            .iter()
            .find(|change| change.call == call)
            .map(|change| &change.reason)
    };
    assert!(
        matches!(
            reason(0),
            Some(ChangeReason::Impossible(Rule::Arrival | Rule::Overlap, _))
        ),
        "{explained:?}"
    );
    assert!(
        matches!(reason(2), Some(ChangeReason::Dearer(cost)) if *cost > 0),
        "{explained:?}"
    );
}

#[test]
fn changes_and_conflicts_are_said_in_words() {
    let problem = port();
    let at = |berth, from_m, start_min| Previous {
        place: Place { berth, from_m },
        start_min,
    };
    let change = |now, reason| {
        let before = at(0, 20, 100);
        let change = Change {
            call: 1,
            before,
            now,
            reason,
        };
        change.describe(&problem)
    };
    let taken = ChangeReason::Impossible(Rule::Overlap, vec![0, 2]);
    assert_eq!(
        change(Some(at(1, 0, 220)), taken),
        "B goes from P1 to P2 and starts 2:00 h later: its last stay cannot stand any more: the quay is taken (A, C)"
    );
    assert_eq!(
        change(Some(at(0, 0, 55)), ChangeReason::Dearer(0)),
        "B shifts 20 m down the quay and starts 0:45 h earlier: its last stay would cost as much"
    );
    assert_eq!(
        change(None, ChangeReason::Dropped),
        "B has no stay any more: leaving it out costs less"
    );
    let conflict = |rules: &[Rule], calls: &[usize]| {
        let conflict = Conflict {
            call: 1,
            rules: rules.to_vec(),
            calls: calls.to_vec(),
            is_price: false,
            is_smallest: true,
        };
        conflict.describe(&problem)
    };
    assert_eq!(
        conflict(&[Rule::Closures], &[]),
        "B is kept out everywhere: the berth is closed"
    );
    assert_eq!(
        conflict(&[], &[0, 2]),
        "B is kept out by the stays of A, C (by all of these together, and by no fewer)"
    );
}

#[test]
fn a_call_without_a_stay_has_an_irreducible_conflict() {
    let mut problem = port();
    problem.calls[1].draught_cm = 301;
    let plan = solve(&problem, None, 1, &Budget::iterations(2_000)).plan;
    let conflict = &explain(&problem, &plan).conflicts[0];
    assert_eq!(
        (conflict.call, &conflict.rules[..], conflict.is_smallest),
        (1, &[Rule::Draught][..], true)
    );

    let mut problem = port();
    problem.calls[1].handling[1] = Handling::Forbidden;
    problem.calls[1].latest_departure_min = Some(250);
    problem.calls[1].unassigned_price = 1; // cheapest to leave out: A at P1 is in its way
    let plan = solve(&problem, None, 1, &Budget::iterations(2_000)).plan;
    let conflicts = explain(&problem, &plan).conflicts;
    assert_eq!(conflicts[0].call, 1);
    assert!(
        conflicts[0].is_price || !conflicts[0].calls.is_empty(),
        "{conflicts:?}"
    );
}

#[test]
fn a_frozen_stay_that_cannot_stand_is_thawed_and_the_others_hold() {
    let mut problem = port();
    let previous = |berth, start_min| {
        Some(Previous {
            place: Place { berth, from_m: 0 },
            start_min,
        })
    };
    problem.frozen_until_min = 120;
    problem.slushy_until_min = 600;
    problem.calls[0].previous = previous(0, 0);
    problem.calls[0].release_min = 60; // overtaken by its late arrival
    problem.calls[1].previous = previous(1, 10);
    problem.calls[2].previous = previous(0, 110);
    assert_eq!(thaw(&mut problem, None), vec![0]);
    assert_eq!(hold_of(&problem, &problem.calls[0]), Hold::Slushy);
    let answer = solve(&problem, None, 1, &Budget::iterations(5_000));
    check(&problem, &answer.plan).expect("feasible");
    let start = |call| {
        answer
            .plan
            .stay_of(call)
            .map(|stay| (stay.berth, stay.start_min))
    };
    assert_eq!(start(1), Some((1, 10)));
    assert_eq!(start(2), Some((0, 110)));
    assert_eq!(start(0).map(|(berth, _)| berth), Some(0));
}

#[test]
fn a_vessel_alongside_that_the_last_plan_did_not_have_there_thaws_the_frozen_stay_behind_it() {
    let mut problem = port();
    problem.frozen_until_min = 120;
    problem.slushy_until_min = 600;
    let previous = |start_min| {
        Some(Previous {
            place: Place {
                berth: 0,
                from_m: 0,
            },
            start_min,
        })
    };
    problem.calls[0].previous = previous(0);
    problem.calls[0].alongside = true;
    problem.calls[2].previous = previous(30);
    // the last plan knows the frozen stay alone
    let last = BerthPlan {
        stays: vec![Stay {
            call: 2,
            berth: 0,
            from_m: 0,
            start_min: 30,
            end_min: 130,
            cranes: Vec::new(),
        }],
        unassigned: Vec::new(),
    };
    assert_eq!(thaw(&mut problem, Some(&last)), vec![2]);
    let answer = solve(&problem, Some(&last), 1, &Budget::iterations(0));
    check(&problem, &answer.plan).expect("feasible");
    assert_eq!(answer.plan.unassigned, vec![]);
}

fn stay(call: usize, berth: usize, (start_min, end_min): (i64, i64)) -> Stay {
    Stay {
        call,
        berth,
        from_m: 200 * berth as i64,
        start_min,
        end_min,
        cranes: Vec::new(),
    }
}

/// Three piers of one quay; X may use the first two and is late for all but a start within 40 min.
fn crowded() -> BerthProblem {
    let pier = |n: i64| Berth {
        id: format!("P{n}"),
        from_m: 200 * n,
        to_m: 200 * n + 100,
        depth_cm: 300,
        cones_max: 3,
        ..Berth::default()
    };
    let call = |id: &str, minutes| Call {
        handling: vec![Handling::Minutes(minutes); 3],
        ..call(id, 0, minutes)
    };
    let mut x = call("X", 60);
    x.handling[2] = Handling::Forbidden;
    x.latest_departure_min = Some(100);
    BerthProblem {
        berths: (0..3).map(pier).collect(),
        calls: vec![call("Z", 10), call("B", 10), call("C", 10), x],
        cone_distance_m: [0, 1000, 1000, 1000],
        ..port()
    }
}

#[test]
fn the_smallest_set_of_stays_is_found_where_thinning_ends_in_a_larger_one() {
    let mut problem = crowded();
    problem.calls[0].cones = 1; // alone keeps X from both piers; so do B and C together
    let left = domain::berth::Unassigned {
        call: 3,
        reason: String::new(),
    };
    let plan = BerthPlan {
        stays: vec![
            stay(0, 2, (50, 60)),
            stay(1, 0, (40, 50)),
            stay(2, 1, (40, 50)),
        ],
        unassigned: vec![left],
    };
    check(&problem, &plan).expect("feasible");
    let conflict = &explain(&problem, &plan).conflicts[0];
    assert_eq!(
        (&conflict.calls[..], conflict.is_smallest),
        (&[0][..], true)
    );

    problem.calls[0].cones = 0;
    let conflict = &explain(&problem, &plan).conflicts[0];
    assert_eq!(
        (&conflict.calls[..], conflict.is_smallest),
        (&[1, 2][..], true)
    );
}

#[test]
fn a_smallest_set_of_four_stays_is_proved() {
    let mut problem = crowded();
    problem.calls[3].latest_departure_min = Some(150);
    problem.calls.insert(0, problem.calls[0].clone());
    problem.calls[0].id = "Y".into();
    problem.calls.insert(4, problem.calls[0].clone());
    problem.calls[4].id = "W".into();
    let left = domain::berth::Unassigned {
        call: 5,
        reason: String::new(),
    };
    // the first stay at each pier leaves X the time after it, the second the time before it
    let plan = BerthPlan {
        stays: vec![
            stay(0, 0, (30, 40)),
            stay(1, 2, (0, 10)),
            stay(2, 0, (90, 100)),
            stay(3, 1, (40, 50)),
            stay(4, 1, (100, 110)),
        ],
        unassigned: vec![left],
    };
    check(&problem, &plan).expect("feasible");
    let conflict = &explain(&problem, &plan).conflicts[0];
    assert_eq!(
        (&conflict.calls[..], conflict.is_smallest),
        (&[0, 2, 3, 4][..], true)
    );
}

#[test]
fn the_smallest_set_of_rules_is_found_where_lifting_ends_in_a_larger_one() {
    let mut problem = port();
    problem.calls[1].draught_cm = 301; // alone forbids B; so do opening hours and departure together
    problem.calls[1].latest_departure_min = Some(400);
    for berth in &mut problem.berths {
        berth.open = vec![domain::berth::Interval::new(500, 2000)];
    }
    let plan = solve(&problem, None, 1, &Budget::iterations(500)).plan;
    let conflict = &explain(&problem, &plan).conflicts[0];
    assert_eq!(
        (conflict.call, &conflict.rules[..], conflict.is_smallest),
        (1, &[Rule::Draught][..], true)
    );

    problem.calls[1].draught_cm = 250;
    let plan = solve(&problem, None, 1, &Budget::iterations(500)).plan;
    let conflict = &explain(&problem, &plan).conflicts[0];
    assert_eq!(
        (conflict.call, &conflict.rules[..], conflict.is_smallest),
        (1, &[Rule::Closures, Rule::Departure][..], true)
    );
    problem.calls[1].length_m = 101;
    let plan = solve(&problem, None, 1, &Budget::iterations(500)).plan;
    let conflict = &explain(&problem, &plan).conflicts[0];
    assert_eq!(
        (&conflict.rules[..], conflict.is_smallest),
        (&[Rule::Length][..], true)
    );
}
