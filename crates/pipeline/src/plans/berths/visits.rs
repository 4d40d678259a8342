//! One berth visit to one call of the problem.

use std::collections::BTreeMap;

use domain::berth::{Call, Handling, Lock, Place, Previous};

use super::harbour::Harbour;
use super::inputs::{Inputs, LockRow, VisitRow};
use super::rules::BerthRules;
use super::translate::Memory;
use crate::plans::times::{ceil_min, floor_min};

/// No horizon is longer, minutes.
const HORIZON_MAX_MIN: i64 = 1_000_000;

/// Largest measure of a vessel that is believed, cm.
const MEASURE_MAX_CM: i64 = 100_000;

/// What becomes of a row.
pub enum Fit {
    /// A call.
    Call(Box<Call>),
    /// It cannot be planned; why.
    LeftOut(String),
    /// It comes after the horizon.
    Later,
}

/// What visits are translated with.
#[derive(Clone, Copy)]
pub struct Port<'a> {
    pub inputs: &'a Inputs,
    pub harbour: &'a Harbour,
    pub memory: &'a Memory,
    pub epoch_us: i64,
    pub rules: &'a BerthRules,
}

/// One visit in it.
struct Scene<'a> {
    port: &'a Port<'a>,
    visit: &'a VisitRow,
    harbour: &'a Harbour,
    rules: &'a BerthRules,
    arrival_min: i64,
    release_min: i64,
    length_m: i64,
}

/// The first minute at which each visit may start. What is not alongside cannot berth before now, and the later calls of a
/// barge not before the earlier ones can be over.
pub fn releases(visits: &[VisitRow], epoch_us: i64, rules: &BerthRules) -> Vec<i64> {
    let mut releases: Vec<i64> = visits
        .iter()
        .map(|visit| ceil_min(visit.arrival_us, epoch_us).max(0))
        .collect();
    if !rules.is_rotation_order_fixed {
        return releases;
    }
    let mut barges: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, visit) in visits.iter().enumerate() {
        if !visit.rotation_id.is_empty() {
            barges.entry(&visit.rotation_id).or_default().push(row);
        }
    }
    let step_min = rules.time_step_min.max(1);
    let on_grid = |minutes: i64| (minutes + step_min - 1).div_euclid(step_min) * step_min;
    for mut rows in barges.into_values() {
        rows.sort_by_key(|row| {
            let visit = &visits[*row];
            (!visit.is_alongside, visit.rotation_seq, *row)
        });
        let mut free_min = 0;
        for row in rows {
            let visit = &visits[row];
            if visit.is_alongside {
                continue; // when it leaves is for the plan to say
            }
            releases[row] = releases[row].max(free_min).min(HORIZON_MAX_MIN);
            let agreed_min = visit.handling_planned_min.unwrap_or(0);
            let end_min = on_grid(releases[row]) + agreed_min.clamp(0, HORIZON_MAX_MIN);
            free_min = on_grid(end_min) + rules.travel_min.max(0);
        }
    }
    releases
}

/// Translates a row that may start from `release_min` on.
pub fn fit(visit: &VisitRow, release_min: i64, port: &Port<'_>) -> Fit {
    let rules = port.rules;
    let arrival_min = floor_min(visit.arrival_us, port.epoch_us);
    if let Some(reason) = fault(visit, arrival_min, rules) {
        return Fit::LeftOut(reason);
    }
    if !visit.is_alongside && arrival_min >= rules.horizon_min {
        return Fit::Later;
    }
    let length_cm = visit.length_cm.filter(|cm| *cm > 0);
    let scene = Scene {
        port,
        visit,
        harbour: port.harbour,
        rules,
        arrival_min,
        release_min,
        length_m: (length_cm.unwrap_or(rules.length_unknown_cm).max(1) + 99) / 100,
    };
    if visit.is_alongside {
        return alongside(&scene);
    }
    let mut locks = port.inputs.locks.iter();
    let lock = locks.find(|lock| lock.berth_visit_id == visit.berth_visit_id);
    coming(&scene, lock)
}

fn fault(visit: &VisitRow, arrival_min: i64, rules: &BerthRules) -> Option<String> {
    if visit.berth_visit_id.is_empty() {
        return Some("it has no berth_visit_id, send one".to_owned());
    }
    let measures = [
        ("vessel_length_cm", visit.length_cm),
        ("vessel_draught_cm", visit.draught_cm),
        ("vessel_air_draught_cm", visit.air_draught_cm),
    ];
    for (name, value) in measures {
        if let Some(cm) = value.filter(|cm| !(0..=MEASURE_MAX_CM).contains(cm)) {
            return Some(format!("{name} is {cm}, send the vessel's measures again"));
        }
    }
    if !(0..=3).contains(&visit.cones) {
        return Some(format!("it shows {} blue cones, 0 to 3 exist", visit.cones));
    }
    let is_overdue = !visit.is_alongside && arrival_min < -rules.overdue_max_min;
    is_overdue.then(|| {
        "it was expected long ago and nobody has said more: revise the estimate, or cancel the call"
            .to_owned()
    })
}

/// The end of the horizon, on the grid.
pub fn horizon_end_min(rules: &BerthRules) -> i64 {
    let step_min = rules.time_step_min.max(1);
    rules.horizon_min.clamp(step_min, HORIZON_MAX_MIN) / step_min * step_min
}

impl Scene<'_> {
    fn minute(&self, at_us: i64) -> i64 {
        ceil_min(at_us, self.port.epoch_us).clamp(-HORIZON_MAX_MIN, HORIZON_MAX_MIN)
    }

    fn call(&self) -> Call {
        let visit = self.visit;
        let priority = visit.priority.clamp(1, 9);
        Call {
            id: visit.berth_visit_id.clone(),
            length_m: self.length_m,
            draught_cm: visit.draught_cm.unwrap_or(self.rules.draught_unknown_cm),
            air_draught_cm: visit.air_draught_cm.unwrap_or(0),
            cones: visit.cones.clamp(0, 3) as u8,
            arrival_min: self.arrival_min.max(-HORIZON_MAX_MIN),
            release_min: self.release_min,
            due_min: visit.departure_planned_us.map(|at_us| self.minute(at_us)),
            cost_per_min: priority.saturating_mul(self.rules.in_port_per_min.max(0)),
            unassigned_price: priority.saturating_mul(self.rules.unassigned.max(0)),
            ..Call::default()
        }
    }

    /// Minutes alongside at a berth: as agreed; from the moves if nothing is agreed, or if cranes stand still.
    fn handling_min(&self, berth: usize) -> i64 {
        let start_min = self.release_min;
        let agreed_min = self
            .visit
            .handling_planned_min
            .filter(|minutes| *minutes > 0);
        let moves = self.visit.moves.filter(|moves| *moves > 0);
        let by_moves = |moves| {
            self.harbour
                .moves_min(berth, moves, start_min, self.rules)
                .max(1)
        };
        let minutes = match (agreed_min, moves) {
            (Some(agreed_min), Some(moves)) if self.harbour.has_outage(berth, start_min) => {
                agreed_min.max(by_moves(moves))
            }
            (Some(agreed_min), _) => agreed_min,
            (None, Some(moves)) => by_moves(moves),
            (None, None) => self.rules.handling_unknown_min.max(1),
        };
        minutes.min(HORIZON_MAX_MIN)
    }
}

/// A vessel that lies there: a fact that no rule can refuse, as long as it fits between the berth's ends.
fn alongside(scene: &Scene<'_>) -> Fit {
    let visit = scene.visit;
    let Some(index) = scene.harbour.berth(&visit.berth_actual) else {
        return Fit::LeftOut(format!(
            "it lies at berth {:?}, which the master data does not know",
            visit.berth_actual
        ));
    };
    let berth = &scene.harbour.berths[index];
    let length_m = scene.length_m.min(berth.to_m - berth.from_m);
    let last_m = berth.to_m - length_m;
    let is_single = berth.layout == domain::berth::Layout::Discrete;
    let from_m = match visit.from_dm_actual {
        Some(from_dm) if !is_single => (from_dm / 10).clamp(berth.from_m, last_m),
        _ => berth.from_m,
    };
    let start_min = scene.arrival_min.clamp(-HORIZON_MAX_MIN, 0);
    // Nobody has left while nobody says so.
    let estimated_min = visit
        .departure_estimated_us
        .map(|at_us| scene.minute(at_us));
    let end_min = estimated_min.unwrap_or(start_min + scene.handling_min(index));
    let mut handling = vec![Handling::Forbidden; scene.harbour.berths.len()];
    let end_min = end_min.clamp(1, horizon_end_min(scene.rules).max(1));
    handling[index] = Handling::Minutes(end_min - start_min);
    Fit::Call(Box::new(Call {
        length_m,
        handling,
        release_min: start_min,
        previous: Some(Previous {
            place: Place {
                berth: index,
                from_m,
            },
            start_min,
        }),
        alongside: true,
        ..scene.call()
    }))
}

fn coming(scene: &Scene<'_>, lock: Option<&LockRow>) -> Fit {
    let (visit, harbour) = (scene.visit, scene.harbour);
    let lock = lock.map_or(Lock::default(), |lock| Lock {
        berth: harbour.berth(&lock.berth_id),
        from_m: None,
        // A locked start that has passed cannot be met by anybody.
        start_min: lock
            .start_us
            .map(|at_us| at_us - at_us.rem_euclid(scene.rules.time_step_min.max(1) * 60_000_000))
            .map(|at_us| scene.minute(at_us))
            .filter(|start_min| *start_min >= 0),
    });
    let terminal = harbour
        .terminals
        .iter()
        .position(|known| *known == visit.terminal_id);
    let serves = |berth: usize| {
        lock.berth == Some(berth)
            || visit.terminal_id.is_empty()
            || terminal == Some(harbour.berths[berth].terminal)
    };
    let berths = 0..harbour.berths.len();
    if !berths.clone().any(serves) {
        return Fit::LeftOut(format!("terminal {:?} has no berth", visit.terminal_id));
    }
    let handling: Vec<Handling> = berths
        .map(|berth| match serves(berth) {
            true => Handling::Minutes(scene.handling_min(berth)),
            false => Handling::Forbidden,
        })
        .collect();
    let shortest_min = handling.iter().filter_map(|handling| match handling {
        Handling::Minutes(minutes) => Some(*minutes),
        _ => None,
    });
    let soonest_min =
        scene.release_min + shortest_min.min().unwrap_or(0) + scene.rules.time_step_min;
    if soonest_min > horizon_end_min(scene.rules) {
        return Fit::Later;
    }
    let latest_min = visit.departure_latest_us.map(|at_us| scene.minute(at_us));
    let is_hard = scene.rules.is_latest_departure_hard;
    let wished_min = latest_min.filter(|_| !is_hard);
    let call = scene.call();
    let due_min = call.due_min.into_iter().chain(wished_min).min();
    let preferred = harbour.berth(&visit.berth_preferred).map(|berth| Place {
        berth,
        from_m: harbour.berths[berth].from_m,
    });
    Fit::Call(Box::new(Call {
        handling,
        due_min,
        latest_departure_min: latest_min.filter(|_| is_hard),
        preferred,
        lock,
        previous: previous(scene, &lock),
        ..call
    }))
}

/// The stay of the last plan, where the berth is still as it was and no planner's lock says otherwise. Whether it can stand
/// is not judged here: `holds` lets off what reality has overtaken.
fn previous(scene: &Scene<'_>, lock: &Lock) -> Option<Previous> {
    let memory = scene.port.memory;
    let last = memory.stays.get(&scene.visit.berth_visit_id)?;
    let berth = scene.harbour.berth(&last.berth_id)?;
    let ends = &scene.harbour.berths[berth];
    let start_min = floor_min(last.start_us, scene.port.epoch_us);
    let fits = ends.from_m <= last.from_m && last.from_m + scene.length_m <= ends.to_m;
    let is_overruled = lock.berth.is_some_and(|locked| locked != berth)
        || lock
            .start_min
            .is_some_and(|locked_min| locked_min != start_min);
    (fits && !is_overruled).then_some(Previous {
        place: Place {
            berth,
            from_m: last.from_m,
        },
        start_min,
    })
}
