//! Construction, search and bound put together.

use super::insert::{self, Scratch};
use super::model::Model;
use super::state::State;
use crate::answer::{Answer, Statistics};
use crate::berth::solve::{Duals, Solved, Warm};
use crate::budget::Budget;
use domain::berth::BerthProblem;

/// Plans with all rules.
pub(crate) fn solve(
    problem: &BerthProblem,
    _warm: Warm<'_>,
    _seed: u64,
    _budget: &Budget<'_>,
) -> Solved {
    let model = Model::new(problem);
    let state = construct(&model);
    let bound: i64 = model.calls.iter().map(|call| call.floor).sum();
    Solved {
        answer: Answer {
            value: state.value,
            bound,
            plan: state.to_plan(&model),
            statistics: Statistics::default(),
        },
        duals: Duals::default(),
    }
}

/// First come first served: held stays first, then by release, each where it is cheapest.
fn construct(model: &Model<'_>) -> State {
    let mut order: Vec<usize> = (0..model.calls.len()).collect();
    order.sort_by_key(|call| {
        let compiled = &model.calls[*call];
        let rank = match (
            compiled.is_alongside,
            compiled.hold.is_fixed(),
            compiled.fixed_start_min,
        ) {
            (true, ..) => 0,
            (_, true, _) => 1,
            (_, _, Some(_)) => 2,
            _ => 3,
        };
        (rank, compiled.release_min, *call)
    });
    let mut state = State::empty(model);
    let mut scratch = Scratch::default();
    for call in order {
        if let Some(placement) = insert::best(model, &state, call, &mut scratch, None) {
            state.place(model, call, placement);
        }
    }
    state
}
