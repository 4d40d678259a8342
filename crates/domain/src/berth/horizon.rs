//! What may still move: frozen, slushy and free stays.

use super::call::Call;
use super::problem::BerthProblem;

/// How firmly a call is held to its last planned stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Anything may change.
    Free,
    /// The time may move, the berth may not.
    Slushy,
    /// Place and start stay as they are.
    Frozen,
    /// The vessel lies there already: as frozen, and no rule of access applies.
    Alongside,
}

impl Hold {
    /// True if place and start are given.
    pub fn is_fixed(self) -> bool {
        matches!(self, Hold::Frozen | Hold::Alongside)
    }
}

/// How firmly a call is held.
pub fn hold_of(problem: &BerthProblem, call: &Call) -> Hold {
    match call.previous {
        None => Hold::Free,
        Some(_) if call.alongside => Hold::Alongside,
        Some(previous) if previous.start_min < problem.frozen_until_min => Hold::Frozen,
        Some(previous) if previous.start_min < problem.slushy_until_min => Hold::Slushy,
        Some(_) => Hold::Free,
    }
}
