//! Units of one keep-together booking from one origin to one destination go alike, or not at all. Units that already
//! stand on a frozen train are facts and not asked.

use crate::rail::unit::Unit;

/// What ties units together: booking, origin, destination.
pub type Key<'p> = (&'p str, &'p str, &'p str);

/// The key of a unit, if its booking is to be kept together.
pub fn key(unit: &Unit) -> Option<Key<'_>> {
    let booking = unit.keep_together.as_deref()?;
    Some((booking, &unit.origin, &unit.destination))
}
