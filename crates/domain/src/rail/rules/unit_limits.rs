//! What one unit may weigh and measure on a train: axles, wagon length, loading gauge.

use super::{Breach, Path, Rule};

/// Every further leg bears the unit.
pub fn breach(path: &Path) -> Option<Breach> {
    let unit = path.unit;
    for (leg, slot) in path.legs.iter().enumerate().skip(path.held.len()) {
        let limits = [
            (Rule::UnitGross, unit.gross_kg, slot.max_unit_gross_kg),
            (Rule::UnitLength, unit.length_dm, slot.max_unit_length_dm),
            (Rule::Profile, unit.profile_code, slot.max_profile_code),
        ];
        for (rule, needed, allowed) in limits {
            if needed > allowed {
                return Some(Breach::new(rule, leg, needed, allowed));
            }
        }
    }
    None
}
