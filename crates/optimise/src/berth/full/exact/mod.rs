//! Lists all plans below a target among the options that the bound has left, and settles what is not priced: which crane it
//! is, crossing, the distances of cones. Every rule concerns one stay or two, so which stays agree is looked up once for each
//! two; then depth first.
//!
//! At each node every call left takes the stay cheapest at the prices that agrees with those chosen. Two that clash cost at
//! least as much as the cheapest two that do not, clashes of different calls add up, and of the calls that clash the one with
//! the fewest stays left comes next. If none clash, they are a plan; the node is done if no call could have a stay that is
//! cheaper without prices.

mod agreement;
mod listing;

use super::bound::{Bound, Candidate, SCALE_BITS};
use super::insert::{self, Scratch};
use super::model::Model;
use super::state::{Placement, State};
use crate::budget::Stop;
use agreement::Agreement;
use listing::Listing;

/// Options that may be listed, over all calls.
const OPTIONS_MAX: usize = 50_000;
/// The same with each set of cranes, which are compared two by two.
const CHOICES_MAX: usize = 2_000;
/// Comparisons, and words of options struck out, that cost as much time as one iteration of the search.
const WORK_AN_ITERATION: u64 = 1_500;

/// One way to serve a call.
#[derive(Debug, Clone, Copy)]
struct Choice {
    /// Reduced cost above the call's cheapest, scaled.
    surplus: i64,
    /// Without prices.
    cost: i64,
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
    /// The work, in search iterations.
    pub effort: u64,
}

/// Looks for plans cheaper than `target`, in at most `nodes_max` nodes.
pub(super) fn below(
    model: &Model<'_>,
    bound: &mut Bound,
    target: i64,
    (nodes_max, stop): (u64, &dyn Stop),
) -> Outcome {
    let mut outcome = Outcome {
        plan: None,
        is_complete: false,
        effort: 0,
    };
    let Some((spare, candidates)) = bound.candidates(model, target, OPTIONS_MAX) else {
        return outcome;
    };
    let choices: Vec<Vec<Choice>> = candidates
        .iter()
        .enumerate()
        .map(|(call, candidates)| choices(model, call, candidates, spare))
        .collect();
    let count: usize = choices.iter().map(Vec::len).sum();
    outcome.effort = count as u64 / WORK_AN_ITERATION;
    if count > CHOICES_MAX {
        return outcome;
    }
    let agreement = Agreement::new(model, &choices);
    let mut listing = Listing::new(
        model,
        choices,
        agreement,
        (spare, target),
        (nodes_max, stop),
    );
    listing.descend(0, 0);
    outcome.is_complete = listing.nodes < listing.nodes_max && model.has_all_crane_sets;
    outcome.effort += listing.work / WORK_AN_ITERATION;
    outcome.plan = listing.best;
    outcome
}

/// The real modes behind the candidates of the bound, with what their true end costs more, cheapest first.
fn choices(model: &Model<'_>, call: usize, candidates: &[Candidate], spare: i64) -> Vec<Choice> {
    let compiled = &model.calls[call];
    let alone = State::empty(model);
    let mut scratch = Scratch::default();
    let mut choices = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some((spot, cranes, start_min, optimistic)) = candidate.stay else {
            choices.push(Choice {
                surplus: candidate.surplus,
                cost: model.problem.calls[call].unassigned_price,
                placement: None,
            });
            continue;
        };
        for (number, mode) in compiled.modes.iter().enumerate() {
            if mode.spot != spot || mode.cranes.count_ones() != cranes {
                continue;
            }
            let wanted = Placement {
                mode: number as u32,
                start_min,
                end_min: start_min,
                cost: 0,
            };
            let Some(placement) = insert::exactly(model, &alone, call, &wanted, &mut scratch)
            else {
                continue;
            };
            let surplus = candidate.surplus + ((placement.cost - optimistic) << SCALE_BITS);
            if surplus <= spare {
                choices.push(Choice {
                    surplus,
                    cost: placement.cost,
                    placement: Some(placement),
                });
            }
        }
    }
    choices.sort_by_key(|choice| choice.surplus);
    choices
}
