//! Statics of a platform on two bogies.

use super::consist::{Consist, Platform, WagonType};

/// What a load of `mass_kg` at `offset_dm` puts on the bogies at the two ends of a platform, kilograms. The two add up to
/// the mass.
pub fn shares(platform: &Platform, mass_kg: i64, offset_dm: i64) -> [i64; 2] {
    let rear = mass_kg * (platform.pivot_dm + 2 * offset_dm) / (2 * platform.pivot_dm);
    [mass_kg - rear, rear]
}

/// Loads at the two ends of a platform with `units` of (mass, offset), its own mass included.
pub fn ends(platform: &Platform, units: impl IntoIterator<Item = (i64, i64)>) -> [i64; 2] {
    let half = platform.tare_kg / 2;
    let mut ends = [platform.tare_kg - half, half];
    for (mass_kg, offset_dm) in units {
        let shares = shares(platform, mass_kg, offset_dm);
        ends[0] += shares[0];
        ends[1] += shares[1];
    }
    ends
}

/// Is one end too light for the other?
pub fn is_unbalanced(consist: &Consist, ends: [i64; 2]) -> bool {
    let (light, heavy) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    heavy > light * consist.max_bogie_ratio
}

/// The most that a bogie may carry, kilograms.
pub fn limit_kg(consist: &Consist, wagon_type: &WagonType, bogie: usize) -> i64 {
    wagon_type.bogie_axles[bogie] * consist.max_axle_kg
}

/// The most that a whole wagon may be loaded with, kilograms.
pub fn payload_kg(consist: &Consist, wagon_type: &WagonType) -> i64 {
    let axles: i64 = wagon_type.bogie_axles.iter().sum();
    let tare: i64 = wagon_type
        .platforms
        .iter()
        .map(|platform| platform.tare_kg)
        .sum();
    axles * consist.max_axle_kg - tare
}

#[cfg(test)]
mod tests {
    use super::{ends, shares};
    use crate::rail::wagons::catalogue;

    #[test]
    fn a_load_in_the_middle_rests_on_both_bogies_alike() {
        let platform = &catalogue::sgns().platforms[0];
        assert_eq!(shares(platform, 30_000, 0), [15_000, 15_000]);
        let [front, rear] = shares(platform, 30_000, 61);
        assert_eq!(front + rear, 30_000);
        assert!(rear > 27_000 && rear < 29_000, "{rear}");
        // Each share is a whole kilogram, so that mirrored loads may differ by one.
        let [front, rear] = ends(platform, [(30_000, 61), (30_000, -61)]);
        assert_eq!(front + rear, 60_000 + platform.tare_kg);
        assert!((front - rear).abs() <= 2, "{front} and {rear}");
    }
}
