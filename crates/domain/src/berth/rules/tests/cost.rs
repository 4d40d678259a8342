//! What the checker says that a plan costs.

use super::{plan, previous, problem};
use crate::berth::*;

#[test]
fn cost_terms() {
    let (mut problem, mut plan) = (problem(), plan());
    problem.weights = Weights {
        late_per_min: 3,
        place_per_m: 5,
        other_quay: 1000,
        crane_per_min: 7,
        outside_window_per_min: 11,
        change_berth: 13,
        change_per_m: 17,
        change_per_min: 19,
        change_stay: 1000,
        change_stay_soon: 400,
        change_tolerance_min: 15,
    };
    let call = &mut problem.calls[0];
    call.arrival_min = -10;
    call.due_min = Some(50);
    call.preferred = Some(Place {
        berth: 0,
        from_m: 20,
    });
    call.promised = Some(Interval::new(5, 40));
    call.previous = previous(0, 10, 15);
    plan.stays.truncate(1);
    plan.unassigned = vec![Unassigned {
        call: 1,
        reason: "test".into(),
    }];
    let cost = check(&problem, &plan).expect("feasible");
    let first = cost.calls[0];
    assert_eq!(first.in_port, 2 * 70);
    assert_eq!(first.late, 3 * 10);
    assert_eq!(first.place, 5 * 20);
    assert_eq!(first.cranes, 7 * 60);
    assert_eq!(first.window, 11 * 5);
    assert_eq!(first.change, 17 * 10 + 19 * 15 + 1000);
    assert_eq!(cost.calls[1].unassigned, 10_000);
    assert_eq!(cost.total(), first.total() + 10_000);
    problem.calls[0].previous = previous(0, 0, 15);
    let cost = check(&problem, &plan).expect("feasible");
    assert_eq!(
        cost.calls[0].change,
        19 * 15,
        "within the tolerance it has not moved"
    );
    problem.weights.change_tolerance_min = 14;
    let cost = check(&problem, &plan).expect("feasible");
    assert_eq!(cost.calls[0].change, 19 * 15 + 1000);
    problem.frozen_until_min = 10;
    problem.slushy_until_min = 20;
    let cost = check(&problem, &plan).expect("feasible");
    assert_eq!(
        cost.calls[0].change,
        19 * 15 + 700,
        "half way between the horizons"
    );
}
