//! The planner took the unit off certain trains.

use super::{Breach, Path, Rule};
use crate::rail::unit::Lock;

/// No further leg is one of them.
pub fn breach(path: &Path) -> Option<Breach> {
    let Lock::Bumped(from) = &path.unit.lock else {
        return None;
    };
    let mut further = path.legs.iter().enumerate().skip(path.held.len());
    further
        .find(|(_, slot)| from.contains(&slot.id))
        .map(|(leg, _)| Breach::new(Rule::Bump, leg, 0, 0))
}
