//! Lists all plans below a target among the options that the bound has left: depth first over the calls by time, cut off as
//! soon as the reduced costs taken exceed what the target leaves. Proves small ports and small parts of larger ones.

use super::bound::Bound;
use super::insert::{self, Scratch};
use super::model::Model;
use super::state::{Placement, State};
use crate::budget::Stop;

/// Options that may be listed, over all calls.
const OPTIONS_MAX: usize = 50_000;

/// The outside stop is asked once in so many nodes.
const STOP_EVERY: u64 = 512;

/// One way to serve a call.
#[derive(Debug, Clone, Copy)]
struct Choice {
    /// Reduced cost above the call's cheapest, scaled.
    surplus: i64,
    /// None leaves the call out.
    placement: Option<Placement>,
}

/// What the listing found.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The cheapest plan below the target.
    pub plan: Option<State>,
    /// True if every plan below the target was considered.
    pub is_complete: bool,
    /// Nodes visited.
    pub nodes: u64,
}

struct Listing<'a> {
    model: &'a Model<'a>,
    order: Vec<(usize, Vec<Choice>)>,
    state: State,
    scratch: Scratch,
    best: Option<State>,
    /// Scaled reduced cost that a plan below the target may have.
    spare: i64,
    target: i64,
    nodes: u64,
    nodes_max: u64,
    stop: &'a dyn Stop,
}

/// Looks for plans cheaper than `target`, in at most `nodes_max` nodes. `guide` gives the order of the calls.
pub(super) fn below(
    model: &Model<'_>,
    bound: &mut Bound,
    guide: &State,
    target: i64,
    (nodes_max, stop): (u64, &dyn Stop),
) -> Outcome {
    let mut outcome = Outcome {
        plan: None,
        is_complete: false,
        nodes: 0,
    };
    let Some((spare, candidates)) = bound.candidates(model, target, OPTIONS_MAX) else {
        return outcome;
    };
    let mut order: Vec<(usize, Vec<Choice>)> = Vec::with_capacity(candidates.len());
    for (call, candidates) in candidates.into_iter().enumerate() {
        let mut choices = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            expand(model, call, &candidate, spare, &mut choices);
        }
        choices.sort_by_key(|choice| choice.surplus);
        order.push((call, choices));
    }
    let start_of = |call: usize| {
        guide.at[call].map_or(model.calls[call].release_min, |placement| {
            placement.start_min
        })
    };
    order.sort_by_key(|(call, _)| (start_of(*call), *call));
    let mut listing = Listing {
        model,
        order,
        state: State::empty(model),
        scratch: Scratch::default(),
        best: None,
        spare,
        target,
        nodes: 0,
        nodes_max,
        stop,
    };
    listing.descend(0, 0);
    outcome.is_complete = listing.nodes < listing.nodes_max && model.has_all_crane_sets;
    outcome.nodes = listing.nodes;
    outcome.plan = listing.best;
    outcome
}

/// The real modes behind a candidate of the bound, with what their true end costs more.
fn expand(
    model: &Model<'_>,
    call: usize,
    candidate: &super::bound::Candidate,
    spare: i64,
    choices: &mut Vec<Choice>,
) {
    let Some((spot, cranes, start_min, optimistic)) = candidate.stay else {
        choices.push(Choice {
            surplus: candidate.surplus,
            placement: None,
        });
        return;
    };
    let compiled = &model.calls[call];
    for (number, mode) in compiled.modes.iter().enumerate() {
        if mode.spot != spot || mode.cranes.count_ones() != cranes {
            continue;
        }
        let end_min = model.end_min(call, mode, start_min);
        if end_min > compiled.end_max_min {
            continue;
        }
        let cost = model.cost(call, mode, start_min, end_min);
        let surplus = candidate.surplus + ((cost - optimistic) << super::bound::SCALE_BITS);
        if surplus <= spare {
            let placement = Placement {
                mode: number as u32,
                start_min,
                end_min,
                cost,
            };
            choices.push(Choice {
                surplus,
                placement: Some(placement),
            });
        }
    }
}

impl Listing<'_> {
    fn descend(&mut self, depth: usize, surplus: i64) {
        if depth == self.order.len() {
            if self.state.value < self.target {
                self.spare -= (self.target - self.state.value) << super::bound::SCALE_BITS;
                self.target = self.state.value;
                self.best = Some(self.state.clone());
            }
            return;
        }
        let call = self.order[depth].0;
        for number in 0..self.order[depth].1.len() {
            let choice = self.order[depth].1[number];
            if surplus + choice.surplus > self.spare || self.nodes >= self.nodes_max {
                return;
            }
            self.nodes += 1;
            if self.nodes.is_multiple_of(STOP_EVERY) && self.stop.stop() {
                self.nodes_max = self.nodes;
            }
            let Some(placement) = choice.placement else {
                self.descend(depth + 1, surplus + choice.surplus);
                continue;
            };
            let placed =
                insert::exactly(self.model, &self.state, call, &placement, &mut self.scratch);
            if let Some(placement) = placed {
                self.state.place(self.model, call, placement);
                self.descend(depth + 1, surplus + choice.surplus);
                self.state.remove(self.model, call);
            }
        }
    }
}
