//! Explanations from the compiled model: one stay moves at a time, everyone else stays where they are.

use super::conflict;
use super::construct::{kept, mode_of};
use super::insert::{self, Scratch};
use super::model::Model;
use super::state::{Placement, State};
use crate::berth::explain::{
    Binding, Change, ChangeReason, Explanation, RunnerUp, StayExplanation,
};
use domain::berth::{BerthPlan, BerthProblem, Place, Previous, Rule, Stay, check, cost::stay_cost};

/// Explains a plan.
pub(crate) fn explain(problem: &BerthProblem, plan: &BerthPlan) -> Explanation {
    let model = Model::new(problem);
    let mut state = State::empty(&model);
    let mut scratch = Scratch::default();
    for (call, placement) in kept(&model, plan) {
        if let Some(placement) = insert::exactly(&model, &state, call, &placement, &mut scratch) {
            state.place(&model, call, placement);
        }
    }
    let mut explanation = Explanation::default();
    for stay in &plan.stays {
        explanation
            .stays
            .push(one_stay(&model, &mut state, plan, stay, &mut scratch));
    }
    for (call, compiled) in problem.calls.iter().enumerate() {
        let previous = compiled.previous;
        explanation
            .changes
            .extend(previous.and_then(|previous| change(&model, plan, call, previous)));
    }
    for left in &plan.unassigned {
        explanation
            .conflicts
            .push(conflict::conflict(&model, &state, left.call, &mut scratch));
    }
    explanation
}

fn one_stay(
    model: &Model<'_>,
    state: &mut State,
    plan: &BerthPlan,
    stay: &Stay,
    scratch: &mut Scratch,
) -> StayExplanation {
    let cost = stay_cost(model.problem, stay);
    let binding = binding(model, plan, stay);
    let mut runner_up = None;
    if let Some(placement) = state.at[stay.call] {
        state.remove(model, stay.call);
        let spots = &model.calls[stay.call].spots;
        let elsewhere =
            |mode: &super::model::Mode| spots[mode.spot as usize].berth as usize != stay.berth;
        let other = insert::best_where(
            model,
            state,
            stay.call,
            scratch,
            None,
            (i64::MAX, elsewhere),
        );
        runner_up = other.map(|other| RunnerUp {
            extra_cost: other.cost - cost.total(),
            stay: stay_of(model, stay.call, &other),
        });
        state.place(model, stay.call, placement);
    }
    StayExplanation {
        call: stay.call,
        cost,
        binding,
        runner_up,
    }
}

fn stay_of(model: &Model<'_>, call: usize, placement: &Placement) -> Stay {
    let mut alone = State::empty(model);
    alone.place(model, call, *placement);
    alone.to_plan(model).stays.swap_remove(0)
}

fn binding(model: &Model<'_>, plan: &BerthPlan, stay: &Stay) -> Binding {
    let compiled = &model.calls[stay.call];
    if compiled.fixed_start_min.is_some() {
        return Binding::Held;
    }
    let earlier_min = stay.start_min - model.problem.time_step_min;
    if earlier_min < compiled.release_min {
        return Binding::Released;
    }
    match broken_if_moved(model, plan, stay, earlier_min) {
        Some((rule, calls)) => Binding::Rule(rule, calls),
        None => Binding::Cheapest,
    }
}

/// The rule that the plan breaks if a stay starts at another minute; rules that concern others come first.
fn broken_if_moved(
    model: &Model<'_>,
    plan: &BerthPlan,
    stay: &Stay,
    start_min: i64,
) -> Option<(Rule, Vec<usize>)> {
    let mode = mode_of(model, stay).map(|mode| model.calls[stay.call].modes[mode as usize]);
    let end_min = mode.map_or(stay.end_min + start_min - stay.start_min, |mode| {
        model.end_min(stay.call, &mode, start_min)
    });
    let moved = Stay {
        start_min,
        end_min,
        ..stay.clone()
    };
    broken_with(model.problem, plan, moved)
}

fn broken_with(
    problem: &BerthProblem,
    plan: &BerthPlan,
    moved: Stay,
) -> Option<(Rule, Vec<usize>)> {
    let call = moved.call;
    let mut changed = plan.clone();
    changed.stays.retain(|stay| stay.call != call);
    changed.unassigned.retain(|left| left.call != call);
    changed.stays.push(moved);
    let violations = check(problem, &changed).err()?;
    // the checker's order is from the plain to the special: of as many calls the first
    let worst = violations
        .iter()
        .rev()
        .max_by_key(|violation| violation.calls.len())?;
    let others = worst.calls.iter().copied().filter(|other| *other != call);
    Some((worst.rule, others.collect()))
}

fn change(model: &Model<'_>, plan: &BerthPlan, call: usize, previous: Previous) -> Option<Change> {
    let Some(stay) = plan.stay_of(call) else {
        return Some(Change {
            call,
            before: previous,
            now: None,
            reason: ChangeReason::Dropped,
        });
    };
    let place = Place {
        berth: stay.berth,
        from_m: stay.from_m,
    };
    let now = Previous {
        place,
        start_min: stay.start_min,
    };
    if now == previous {
        return None;
    }
    Some(Change {
        call,
        before: previous,
        now: Some(now),
        reason: why_changed(model, plan, stay, previous),
    })
}

/// Tries the last place and start with each set of cranes that may work there.
fn why_changed(
    model: &Model<'_>,
    plan: &BerthPlan,
    stay: &Stay,
    previous: Previous,
) -> ChangeReason {
    let compiled = &model.calls[stay.call];
    let new_cost = stay_cost(model.problem, stay).total();
    let mut least: Option<i64> = None;
    let mut broken: Option<(Rule, Vec<usize>)> = None;
    for (number, mode) in compiled.modes.iter().enumerate() {
        let spot = &compiled.spots[mode.spot as usize];
        if (spot.berth as usize, spot.from_m) != (previous.place.berth, previous.place.from_m) {
            continue;
        }
        let placement = Placement {
            mode: number as u32,
            start_min: previous.start_min,
            end_min: model.end_min(stay.call, mode, previous.start_min),
            cost: 0,
        };
        let old = stay_of(model, stay.call, &placement);
        let old_cost = stay_cost(model.problem, &old).total();
        match broken_with(model.problem, plan, old) {
            None => least = Some(least.map_or(old_cost, |least| least.min(old_cost))),
            Some(found) => broken = broken.or(Some(found)),
        }
    }
    match (least, broken) {
        (Some(old_cost), _) => ChangeReason::Dearer(old_cost - new_cost),
        (None, Some((rule, calls))) => ChangeReason::Impossible(rule, calls),
        (None, None) => {
            let old = Stay {
                berth: previous.place.berth,
                from_m: previous.place.from_m,
                start_min: previous.start_min,
                end_min: previous.start_min + stay.end_min - stay.start_min,
                ..stay.clone()
            };
            let found = broken_with(model.problem, plan, old);
            found.map_or(ChangeReason::Dearer(0), |(rule, calls)| {
                ChangeReason::Impossible(rule, calls)
            })
        }
    }
}
