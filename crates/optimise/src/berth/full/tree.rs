//! Branch and bound below a target between bound and value: the part with the lowest bound is taken up, its prices are improved
//! from those of the part that it comes from, its plans are listed where they are few, and otherwise it is halved.
//!
//! Options dearer than the target are fixed away, so a tree is small; once it is empty the bound is the target, and the next
//! tree begins. Until then the bound is the lowest of the parts that are open.

use super::bound::{Bound, Part};
use super::exact;
use super::model::Model;
use super::solve::FIX_EVERY;
use super::state::State;
use crate::budget::Stop;

/// A tree looks for plans in the lowest of so many parts of the gap.
const TARGET_PART: i64 = 4;
/// Iterations of the bound in one part at most.
const ITERATIONS: u64 = 2 * FIX_EVERY;
/// Nodes of the listing of one part.
const LISTED: u64 = 20_000;
/// Nodes of the listing of a part that cannot be halved.
const LISTED_LAST: u64 = 1_000_000;
/// Open parts at most.
const OPEN_MAX: usize = 4_000;

/// The tree below one target.
#[derive(Debug)]
pub(super) struct Tree {
    root: Part,
    open: Vec<Part>,
    target: i64,
    /// Lowest bound of parts that could be neither halved nor listed.
    given_up: i64,
}

impl Tree {
    /// A tree of what `bound` has left, with a target between `known`, the bound so far, and `value`.
    pub fn new(bound: &mut Bound, known: i64, value: i64) -> Self {
        let part = ((value - known) / TARGET_PART).max(1);
        let root = bound.part();
        Tree {
            open: vec![root.clone()],
            root,
            target: (known + part).min(value),
            given_up: i64::MAX,
        }
    }

    /// No plan of the tree's root costs less.
    pub fn bound(&self) -> i64 {
        let open = self.open.iter().map(Part::value).min();
        self.target.min(open.unwrap_or(i64::MAX)).min(self.given_up)
    }

    /// True if no part below the target is left.
    pub fn is_closed(&self) -> bool {
        self.open.is_empty() && self.given_up >= self.target
    }

    /// True if nothing more can be learnt.
    pub fn is_full(&self) -> bool {
        self.open.len() >= OPEN_MAX || self.open.is_empty() && !self.is_closed()
    }

    /// The part that the tree began with.
    pub fn into_root(self) -> Part {
        self.root
    }

    /// Takes up one part. Returns the effort, in search iterations, and a plan below the target if one was found.
    pub fn step(
        &mut self,
        model: &Model<'_>,
        bound: &mut Bound,
        best: &State,
        stop: &dyn Stop,
    ) -> (u64, Option<State>) {
        self.target = self.target.min(best.value);
        let lowest = (0..self.open.len()).min_by_key(|at| (self.open[*at].value(), *at));
        let Some(part) = lowest.map(|at| self.open.swap_remove(at)) else {
            return (1, None);
        };
        bound.enter(&part);
        let mut effort = 1 + ascend(model, bound, self.target, stop);
        if bound.is_empty() || bound.value() >= self.target {
            return (effort, None);
        }
        let halves = bound.halves();
        let nodes_max = if halves.is_some() {
            LISTED
        } else {
            LISTED_LAST
        };
        let listed = exact::below(model, bound, self.target, (nodes_max, stop));
        effort += listed.effort + bound.effort();
        if let Some(plan) = &listed.plan {
            self.target = plan.value;
        }
        match halves {
            _ if listed.is_complete => {}
            Some(halves) => self.open.extend(halves),
            None => self.given_up = self.given_up.min(bound.value()),
        }
        (effort, listed.plan)
    }
}

/// Improves the prices of the part taken up and fixes what no plan below the target takes; the effort in search iterations.
fn ascend(model: &Model<'_>, bound: &mut Bound, target: i64, stop: &dyn Stop) -> u64 {
    let mut effort = 0;
    bound.agree(model);
    for done in 1..=ITERATIONS {
        if bound.is_empty() || bound.value() >= target || stop.stop() {
            break;
        }
        effort += bound.effort();
        bound.iterate(target);
        if done % FIX_EVERY == 0 {
            effort += 2 * bound.effort();
            bound.fix(target);
            bound.agree(model);
        }
    }
    effort
}
