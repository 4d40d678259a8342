//! The planner pinned the unit to a path.

use super::{Breach, Path, Rule};
use crate::rail::unit::Lock;

/// The unit goes by its pin or stays (at the price of a broken pin).
pub fn breach(path: &Path) -> Option<Breach> {
    let Lock::Pinned(pin) = &path.unit.lock else {
        return None;
    };
    let follows =
        path.legs.len() == pin.len() && path.legs.iter().zip(pin).all(|(slot, id)| slot.id == *id);
    (!follows && !path.is_stay()).then(|| Breach::new(Rule::Pin, 0, 0, 0))
}
