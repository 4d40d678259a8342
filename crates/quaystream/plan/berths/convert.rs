//! JSON to the domain's problem and back: ids become indices, unknown ids become errors that name them.

use super::json;
use domain::berth as d;

/// An id that refers to nothing, or a version that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// Unknown version.
    #[error("version is {0}, this build reads version 1")]
    Version(u32),
    /// Unknown id.
    #[error("{field} names {kind} '{id}', which the file does not define")]
    Unknown {
        /// Where.
        field: String,
        /// What.
        kind: &'static str,
        /// Which.
        id: String,
    },
}

fn find<'a>(
    ids: impl Iterator<Item = &'a String>,
    id: &str,
    kind: &'static str,
    field: impl FnOnce() -> String,
) -> Result<usize, ConvertError> {
    let mut ids = ids;
    ids.position(|known| known == id)
        .ok_or_else(|| ConvertError::Unknown {
            field: field(),
            kind,
            id: id.to_owned(),
        })
}

/// The problem of a file.
pub fn problem(file: &json::Problem) -> Result<d::BerthProblem, ConvertError> {
    if file.version != json::VERSION {
        return Err(ConvertError::Version(file.version));
    }
    let berth_of = |id: &str, field: &str| {
        find(file.berths.iter().map(|b| &b.id), id, "berth", || {
            field.to_owned()
        })
    };
    let call_of = |id: &str, field: &str| {
        find(file.calls.iter().map(|c| &c.id), id, "call", || {
            field.to_owned()
        })
    };
    let mut problem = d::BerthProblem {
        time_step_min: file.time_step_min,
        horizon_end_min: file.horizon_end_min,
        berths: file.berths.iter().map(berth).collect(),
        cranes: file.cranes.iter().map(crane).collect(),
        travel_min: file.travel_min.clone(),
        water: water(file),
        under_keel_cm: file.under_keel_cm,
        cone_distance_m: file.cone_distance_m,
        frozen_until_min: file.frozen_until_min,
        slushy_until_min: file.slushy_until_min,
        slushy_shift_m: file.slushy_shift_m,
        weights: weights(&file.weights),
        ..d::BerthProblem::default()
    };
    for one in &file.calls {
        problem.calls.push(call(file, one)?);
    }
    for rotation in &file.rotations {
        let field = format!("rotation of {}", rotation.barge);
        let calls: Result<Vec<usize>, _> = rotation
            .calls
            .iter()
            .map(|id| call_of(id, &field))
            .collect();
        problem.rotations.push(d::Rotation {
            barge: rotation.barge.clone(),
            calls: calls?,
            order_fixed: rotation.order_fixed,
        });
    }
    for (first, second) in &file.orders {
        problem.orders.push(d::OrderLock {
            first: call_of(first, "orders")?,
            second: call_of(second, "orders")?,
        });
    }
    for reservation in &file.reservations {
        problem.reservations.push(d::Reservation {
            berth: berth_of(&reservation.berth, "reservations")?,
            contract: reservation.contract,
            interval: d::Interval::new(reservation.start_min, reservation.end_min),
        });
    }
    Ok(problem)
}

fn water(file: &json::Problem) -> d::Water {
    let level = |(from_min, deviation_cm): &(i64, i64)| d::Level {
        from_min: *from_min,
        deviation_cm: *deviation_cm,
    };
    d::Water {
        levels: file.water.iter().map(level).collect(),
        stop_cm: file.water_stop_cm,
    }
}

fn weights(file: &json::Weights) -> d::Weights {
    d::Weights {
        late_per_min: file.late_per_min,
        place_per_m: file.place_per_m,
        other_quay: file.other_quay,
        crane_per_min: file.crane_per_min,
        outside_window_per_min: file.outside_window_per_min,
        change_berth: file.change_berth,
        change_per_m: file.change_per_m,
        change_per_min: file.change_per_min,
        change_stay: file.change_stay,
        change_stay_soon: file.change_stay_soon.unwrap_or(file.change_stay),
        change_tolerance_min: file.change_tolerance_min,
    }
}

fn interval((start_min, end_min): &(i64, i64)) -> d::Interval {
    d::Interval::new(*start_min, *end_min)
}

fn berth(file: &json::Berth) -> d::Berth {
    let section = |(from_m, to_m, depth_cm): &(i64, i64, i64)| d::DepthSection {
        from_m: *from_m,
        to_m: *to_m,
        depth_cm: *depth_cm,
    };
    let closure = |(from_m, to_m, start_min, end_min): &(i64, i64, i64, i64)| d::Closure {
        from_m: *from_m,
        to_m: *to_m,
        interval: d::Interval::new(*start_min, *end_min),
    };
    d::Berth {
        id: file.id.clone(),
        terminal: file.terminal,
        quay: file.quay,
        from_m: file.from_m,
        to_m: file.to_m,
        layout: match file.step_m {
            Some(step_m) => d::Layout::ByMetre {
                step_m,
                gap_m: file.gap_m,
            },
            None => d::Layout::Discrete,
        },
        depth_cm: file.depth_cm,
        sections: file.sections.iter().map(section).collect(),
        air_clearance_cm: file.air_clearance_cm,
        cones_max: file.cones_max,
        open: file.open.iter().map(interval).collect(),
        closures: file.closures.iter().map(closure).collect(),
    }
}

fn crane(file: &json::Crane) -> d::Crane {
    d::Crane {
        id: file.id.clone(),
        quay: file.quay,
        rail_order: file.rail_order,
        reach_from_m: file.reach_from_m,
        reach_to_m: file.reach_to_m,
        rate_centimoves_h: file.rate_centimoves_h,
        outages: file.outages.iter().map(interval).collect(),
    }
}

fn call(file: &json::Problem, one: &json::Call) -> Result<d::Call, ConvertError> {
    let berth_of = |id: &str, field: &str| {
        let field = || format!("call {}, {field}", one.id);
        find(
            file.berths.iter().map(|berth| &berth.id),
            id,
            "berth",
            field,
        )
    };
    let mut handling = vec![d::Handling::Forbidden; file.berths.len()];
    for (id, how) in &one.handling {
        handling[berth_of(id, "handling")?] = match how {
            json::Handling::Minutes(minutes) => d::Handling::Minutes(*minutes),
            json::Handling::Cranes(_) => d::Handling::Cranes,
        };
    }
    let place = |id: &str, from_m: i64, field: &str| {
        berth_of(id, field).map(|berth| d::Place { berth, from_m })
    };
    let preferred = one
        .preferred
        .as_ref()
        .map(|(id, from_m)| place(id, *from_m, "preferred"));
    let previous = one.previous.as_ref().map(|previous| {
        place(&previous.berth, previous.from_m, "previous").map(|place| d::Previous {
            place,
            start_min: previous.start_min,
        })
    });
    let locked = one.lock.berth.as_ref().map(|id| berth_of(id, "lock"));
    Ok(d::Call {
        id: one.id.clone(),
        length_m: one.length_m,
        draught_cm: one.draught_cm,
        air_draught_cm: one.air_draught_cm,
        cones: one.cones,
        arrival_min: one.arrival_min,
        release_min: one.release_min.unwrap_or(one.arrival_min),
        handling,
        work: one
            .work
            .as_ref()
            .map_or(d::Work::default(), |work| d::Work {
                moves: work.moves,
                setup_min: work.setup_min,
                cranes_min: work.cranes_min,
                cranes_max: work.cranes_max,
            }),
        latest_departure_min: one.latest_departure_min,
        due_min: one.due_min,
        cost_per_min: one.cost_per_min,
        unassigned_price: one.unassigned_price,
        preferred: preferred.transpose()?,
        contract: one.contract,
        promised: one.promised.as_ref().map(interval),
        lock: d::Lock {
            berth: locked.transpose()?,
            from_m: one.lock.from_m,
            start_min: one.lock.start_min,
        },
        previous: previous.transpose()?,
        alongside: one.alongside,
    })
}

/// A plan with ids.
pub fn plan_out(problem: &d::BerthProblem, plan: &d::BerthPlan) -> json::Plan {
    let stay = |stay: &d::Stay| json::Stay {
        call: problem.calls[stay.call].id.clone(),
        berth: problem.berths[stay.berth].id.clone(),
        from_m: stay.from_m,
        start_min: stay.start_min,
        end_min: stay.end_min,
        cranes: stay
            .cranes
            .iter()
            .map(|crane| problem.cranes[*crane].id.clone())
            .collect(),
    };
    let unassigned = |left: &d::Unassigned| json::Unassigned {
        call: problem.calls[left.call].id.clone(),
        reason: left.reason.clone(),
    };
    json::Plan {
        stays: plan.stays.iter().map(stay).collect(),
        unassigned: plan.unassigned.iter().map(unassigned).collect(),
    }
}

/// A plan with indices.
pub fn plan_in(problem: &d::BerthProblem, file: &json::Plan) -> Result<d::BerthPlan, ConvertError> {
    let call_of = |id: &str| {
        find(problem.calls.iter().map(|c| &c.id), id, "call", || {
            "plan".to_owned()
        })
    };
    let mut plan = d::BerthPlan::default();
    for stay in &file.stays {
        let field = || format!("stay of {}", stay.call);
        let crane_of = |id: &String| find(problem.cranes.iter().map(|c| &c.id), id, "crane", field);
        let cranes: Result<Vec<usize>, _> = stay.cranes.iter().map(crane_of).collect();
        let mut cranes = cranes?;
        cranes.sort_unstable();
        plan.stays.push(d::Stay {
            call: call_of(&stay.call)?,
            berth: find(
                problem.berths.iter().map(|b| &b.id),
                &stay.berth,
                "berth",
                field,
            )?,
            from_m: stay.from_m,
            start_min: stay.start_min,
            end_min: stay.end_min,
            cranes,
        });
    }
    for left in &file.unassigned {
        plan.unassigned.push(d::Unassigned {
            call: call_of(&left.call)?,
            reason: left.reason.clone(),
        });
    }
    plan.stays.sort_by_key(|stay| stay.call);
    plan.unassigned.sort_by_key(|left| left.call);
    Ok(plan)
}
