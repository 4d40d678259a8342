//! The unit can be lifted before its first train leaves.

use super::{Breach, Path, Rule};

/// Readiness against departure; cut-offs have their own rule.
pub fn breach(path: &Path) -> Option<Breach> {
    let first = path.legs.first().filter(|_| path.held.is_empty())?;
    let ready = path.unit.ready_at_min.max(path.problem.now_at_min);
    (ready > first.departure_at_min)
        .then(|| Breach::new(Rule::Ready, 0, ready, first.departure_at_min))
}
