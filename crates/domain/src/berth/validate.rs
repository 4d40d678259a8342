//! Whether a problem makes sense at all. All faults are collected, each with the object and the mend.

use super::call::{Call, Handling};
use super::problem::BerthProblem;
use super::quay::Layout;

/// Largest time, place, level and count that a problem may contain; keeps every cost far within 64 bits.
pub const MAGNITUDE_MAX: i64 = 10_000_000;

/// Largest price of one minute, metre or change.
pub const PRICE_MAX: i64 = 1_000_000;

/// Largest price of leaving a call without a stay.
pub const UNASSIGNED_PRICE_MAX: i64 = 100_000_000_000;

/// Most cranes on one quay.
pub const CRANES_MAX: usize = 64;

/// One thing that is wrong with a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The object, such as "call MSC-12" or "berth 3".
    pub object: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.object, self.message)
    }
}

/// Every fault of the problem; an empty list means that solvers and checker may run.
pub fn validate(problem: &BerthProblem) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    scalars(problem, &mut faults);
    berths(problem, &mut faults);
    cranes(problem, &mut faults);
    for call in &problem.calls {
        one_call(problem, call, &mut faults);
    }
    couplings(problem, &mut faults);
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn check(&mut self, fine: bool, object: &str, message: &str) {
        if !fine {
            self.0.push(Fault {
                object: object.to_owned(),
                message: message.to_owned(),
            });
        }
    }

    fn within(&mut self, value: i64, from: i64, to: i64, object: &str, field: &str) {
        if value < from || value > to {
            self.0.push(Fault {
                object: object.to_owned(),
                message: format!("{field} is {value}, give {from} to {to}"),
            });
        }
    }
}

fn scalars(problem: &BerthProblem, faults: &mut Faults) {
    let object = "problem";
    faults.within(problem.time_step_min, 1, 1440, object, "time_step_min");
    faults.within(
        problem.horizon_end_min,
        -MAGNITUDE_MAX,
        MAGNITUDE_MAX,
        object,
        "horizon_end_min",
    );
    faults.within(
        problem.under_keel_cm,
        0,
        MAGNITUDE_MAX,
        object,
        "under_keel_cm",
    );
    faults.within(
        problem.slushy_shift_m,
        0,
        MAGNITUDE_MAX,
        object,
        "slushy_shift_m",
    );
    for distance_m in problem.cone_distance_m {
        faults.within(distance_m, 0, MAGNITUDE_MAX, object, "cone_distance_m");
    }
    for minutes in problem.travel_min.iter().flatten() {
        faults.within(*minutes, 0, MAGNITUDE_MAX, object, "travel_min");
    }
    let ascending = problem
        .water
        .levels
        .windows(2)
        .all(|pair| pair[0].from_min < pair[1].from_min);
    faults.check(
        ascending,
        "water",
        "levels are not ascending by from_min, sort them",
    );
    for level in &problem.water.levels {
        faults.within(
            level.deviation_cm,
            -MAGNITUDE_MAX,
            MAGNITUDE_MAX,
            "water",
            "deviation_cm",
        );
    }
    let weights = &problem.weights;
    for (field, price) in [
        ("late_per_min", weights.late_per_min),
        ("place_per_m", weights.place_per_m),
        ("other_quay", weights.other_quay),
        ("crane_per_min", weights.crane_per_min),
        ("outside_window_per_min", weights.outside_window_per_min),
        ("change_berth", weights.change_berth),
        ("change_per_m", weights.change_per_m),
        ("change_per_min", weights.change_per_min),
        ("change_stay", weights.change_stay),
        ("change_stay_soon", weights.change_stay_soon),
    ] {
        faults.within(price, 0, PRICE_MAX * 1000, "weights", field);
    }
    let tolerance_min = weights.change_tolerance_min;
    faults.within(
        tolerance_min,
        0,
        MAGNITUDE_MAX,
        "weights",
        "change_tolerance_min",
    );
}

fn berths(problem: &BerthProblem, faults: &mut Faults) {
    for (n, berth) in problem.berths.iter().enumerate() {
        let object = format!("berth {}", berth.id);
        let unique = problem.berths[..n].iter().all(|other| other.id != berth.id);
        faults.check(unique, &object, "the id is used twice, rename one");
        faults.within(
            berth.from_m,
            -MAGNITUDE_MAX,
            MAGNITUDE_MAX,
            &object,
            "from_m",
        );
        faults.within(berth.to_m, berth.from_m + 1, MAGNITUDE_MAX, &object, "to_m");
        faults.within(i64::from(berth.cones_max), 0, 3, &object, "cones_max");
        if let Layout::ByMetre { step_m, gap_m } = berth.layout {
            faults.within(step_m, 1, MAGNITUDE_MAX, &object, "step_m");
            faults.within(gap_m, 0, MAGNITUDE_MAX, &object, "gap_m");
        }
        let intervals = berth
            .open
            .iter()
            .chain(berth.closures.iter().map(|closure| &closure.interval));
        for interval in intervals {
            let fine = interval.start_min < interval.end_min;
            faults.check(
                fine,
                &object,
                "an opening or closure ends before it starts, swap its times",
            );
        }
    }
}

fn cranes(problem: &BerthProblem, faults: &mut Faults) {
    for crane in &problem.cranes {
        let object = format!("crane {}", crane.id);
        faults.within(
            crane.rate_centimoves_h,
            1,
            MAGNITUDE_MAX,
            &object,
            "rate_centimoves_h",
        );
        let fellows = problem
            .cranes
            .iter()
            .filter(|other| other.quay == crane.quay)
            .count();
        faults.check(
            fellows <= CRANES_MAX,
            &object,
            "its quay has more than 64 cranes, split the quay",
        );
        let fine = crane.reach_from_m < crane.reach_to_m;
        faults.check(
            fine,
            &object,
            "its reach ends before it starts, swap the metres",
        );
    }
}

fn one_call(problem: &BerthProblem, call: &Call, faults: &mut Faults) {
    let object = format!("call {}", call.id);
    faults.check(
        call.handling.len() == problem.berths.len(),
        &object,
        "handling does not list every berth, give one entry a berth",
    );
    for handling in &call.handling {
        if let Handling::Minutes(minutes) = handling {
            faults.within(*minutes, 1, MAGNITUDE_MAX, &object, "handling minutes");
        }
        if *handling == Handling::Cranes {
            faults.within(call.work.moves, 0, MAGNITUDE_MAX, &object, "moves");
            faults.within(call.work.setup_min, 0, MAGNITUDE_MAX, &object, "setup_min");
            faults.check(
                call.work.moves + call.work.setup_min > 0,
                &object,
                "work takes no time, give moves or setup_min",
            );
            faults.check(
                call.work.cranes_min >= 1 && call.work.cranes_max >= call.work.cranes_min,
                &object,
                "cranes_min must be at least 1 and at most cranes_max",
            );
        }
    }
    faults.within(call.length_m, 1, MAGNITUDE_MAX, &object, "length_m");
    faults.within(i64::from(call.cones), 0, 3, &object, "cones");
    faults.within(
        call.arrival_min,
        -MAGNITUDE_MAX,
        MAGNITUDE_MAX,
        &object,
        "arrival_min",
    );
    faults.within(
        call.release_min,
        -MAGNITUDE_MAX,
        MAGNITUDE_MAX,
        &object,
        "release_min",
    );
    faults.within(call.cost_per_min, 0, PRICE_MAX, &object, "cost_per_min");
    faults.within(
        call.unassigned_price,
        0,
        UNASSIGNED_PRICE_MAX,
        &object,
        "unassigned_price",
    );
    for minute in [call.due_min, call.latest_departure_min]
        .into_iter()
        .flatten()
    {
        faults.within(
            minute,
            -MAGNITUDE_MAX,
            MAGNITUDE_MAX,
            &object,
            "due_min or latest_departure_min",
        );
    }
    let places = [call.preferred, call.previous.map(|previous| previous.place)];
    for place in places.into_iter().flatten() {
        faults.check(
            place.berth < problem.berths.len(),
            &object,
            "refers to a berth that does not exist",
        );
    }
    let locked = call
        .lock
        .berth
        .is_none_or(|berth| berth < problem.berths.len());
    faults.check(locked, &object, "is locked to a berth that does not exist");
}

fn couplings(problem: &BerthProblem, faults: &mut Faults) {
    let count = problem.calls.len();
    let mut member = vec![false; count];
    for rotation in &problem.rotations {
        let object = format!("rotation of {}", rotation.barge);
        for call in &rotation.calls {
            let free = member.get(*call) == Some(&false);
            faults.check(
                free,
                &object,
                "lists a call that does not exist or is in a rotation already",
            );
            if let Some(taken) = member.get_mut(*call) {
                *taken = true;
            }
        }
    }
    for order in &problem.orders {
        let fine = order.first < count && order.second < count && order.first != order.second;
        faults.check(fine, "order lock", "needs two different calls that exist");
    }
    for reservation in &problem.reservations {
        let fine = reservation.berth < problem.berths.len()
            && reservation.interval.start_min < reservation.interval.end_min;
        faults.check(
            fine,
            "reservation",
            "needs a berth that exists and an end after its start",
        );
    }
}
