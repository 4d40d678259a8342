//! The corridor that the booking prescribes.

use super::{Breach, Path, Rule};

/// Every further leg runs on it.
pub fn breach(path: &Path) -> Option<Breach> {
    let corridor = path.unit.corridor.as_ref()?;
    let mut further = path.legs.iter().enumerate().skip(path.held.len());
    further
        .find(|(_, slot)| slot.corridor != *corridor)
        .map(|(leg, _)| Breach::new(Rule::Corridor, leg, 0, 0))
}
