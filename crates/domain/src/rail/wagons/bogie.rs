//! Statics of a platform on two bogies.

use super::consist::{Consist, Platform, WagonType};

/// Loads at the two ends of a platform with `units` of (mass in kilograms, offset in decimetres), its own mass included,
/// in half-kilograms: mirrored loads give mirrored ends exactly. The two add up to twice the mass.
pub fn ends_half_kg(platform: &Platform, units: impl IntoIterator<Item = (i64, i64)>) -> [i64; 2] {
    let (mut mass_kg, mut moment) = (platform.tare_kg, 0);
    for (unit_kg, offset_dm) in units {
        mass_kg += unit_kg;
        moment += 2 * unit_kg * offset_dm;
    }
    // What the rear end bears more than the front one; rounded once, towards the middle.
    let tilt = moment / platform.pivot_dm;
    [mass_kg - tilt, mass_kg + tilt]
}

/// Is one end too light for the other?
pub fn is_unbalanced(consist: &Consist, ends: [i64; 2]) -> bool {
    let (light, heavy) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    heavy > light * consist.max_bogie_ratio
}

/// The most that a bogie may carry, half-kilograms.
pub fn limit_half_kg(consist: &Consist, wagon_type: &WagonType, bogie: usize) -> i64 {
    2 * wagon_type.bogie_axles[bogie] * consist.max_axle_kg
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
    use super::ends_half_kg;
    use crate::rail::wagons::catalogue;

    #[test]
    fn a_load_in_the_middle_rests_on_both_bogies_alike() {
        let platform = &catalogue::sgns().platforms[0];
        assert_eq!(ends_half_kg(platform, [(30_001, 0)]), [50_001, 50_001]);
        let [front, rear] = ends_half_kg(platform, [(30_000, 61)]);
        assert_eq!(front + rear, 100_000);
        assert!(rear > 74_000 && rear < 78_000, "{rear}");
        assert_eq!(
            ends_half_kg(platform, [(30_000, 61), (30_000, -61)]),
            [80_000, 80_000]
        );
    }

    #[test]
    fn mirrored_loads_give_mirrored_ends() {
        for wagon in [catalogue::sgns(), catalogue::sggrss(), catalogue::t3000e()] {
            let platform = &wagon.platforms[0];
            for mass_kg in (2_300..30_000).step_by(777) {
                let loads = [(mass_kg, 61), (17_431, -31), (mass_kg / 3, 0)];
                let mirrored = loads.map(|(kg, offset_dm)| (kg, -offset_dm));
                let [front, rear] = ends_half_kg(platform, loads);
                assert_eq!(ends_half_kg(platform, mirrored), [rear, front]);
            }
        }
    }
}
