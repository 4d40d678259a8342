//! A train whose loading list is closed keeps its units and takes no other; a cancelled train takes none.

use super::{Breach, Path, Rule};
use crate::rail::problem::SlotStatus;

/// Facts come first and unchanged; every further leg runs and is open.
pub fn breach(path: &Path) -> Option<Breach> {
    for (leg, fact) in path.held.iter().enumerate() {
        if path.legs.get(leg).is_none_or(|given| given.id != fact.id) {
            return Some(Breach::new(Rule::Frozen, leg, 0, 0));
        }
    }
    let now = path.problem.now_at_min;
    let further = path.legs.iter().enumerate().skip(path.held.len());
    for (leg, slot) in further {
        if slot.is_frozen(now) || slot.status == SlotStatus::Cancelled {
            return Some(Breach::new(Rule::Frozen, leg, now, slot.closing_at_min));
        }
    }
    None
}
