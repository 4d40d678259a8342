//! Common container wagons. Lengths and masses are typical values, to be replaced by those of the wagons at hand.

use super::consist::{Pattern, Platform, Position, WagonType};

/// Length of a 20 ft unit, decimetres.
pub const TWENTY_DM: i64 = 61;
/// Length of a 40 ft unit, decimetres.
pub const FORTY_DM: i64 = 122;
/// Length of a 45 ft unit, decimetres.
pub const FORTY_FIVE_DM: i64 = 137;

/// A pattern of places (length, offset).
fn pattern(places: &[(i64, i64)]) -> Pattern {
    let position = |&(length_dm, offset_dm): &(i64, i64)| Position {
        length_dm,
        offset_dm,
        max_kg: if length_dm == TWENTY_DM {
            32_500
        } else {
            36_000
        },
    };
    Pattern {
        positions: places.iter().map(position).collect(),
    }
}

/// Sgns: 60 ft on four axles.
pub fn sgns() -> WagonType {
    WagonType {
        name: "Sgns".to_owned(),
        length_dm: 197,
        platforms: vec![Platform {
            pivot_dm: 142,
            tare_kg: 20_000,
            bogies: [0, 1],
            patterns: vec![
                pattern(&[(TWENTY_DM, -61), (TWENTY_DM, 0), (TWENTY_DM, 61)]),
                pattern(&[(FORTY_DM, -31), (TWENTY_DM, 61)]),
                pattern(&[(TWENTY_DM, -61), (FORTY_DM, 31)]),
                pattern(&[(FORTY_DM, 0)]),
                pattern(&[(FORTY_FIVE_DM, 0)]),
            ],
        }],
        bogie_axles: vec![2, 2],
        max_profile_code: 70,
    }
}

fn articulated(
    name: &str,
    length_dm: i64,
    pivot_dm: i64,
    tare_kg: i64,
    patterns: Vec<Pattern>,
    profile: i64,
) -> WagonType {
    let platform = |bogies| Platform {
        pivot_dm,
        tare_kg: tare_kg / 2,
        bogies,
        patterns: patterns.clone(),
    };
    WagonType {
        name: name.to_owned(),
        length_dm,
        platforms: vec![platform([0, 1]), platform([1, 2])],
        bogie_axles: vec![2, 2, 2],
        max_profile_code: profile,
    }
}

/// Sggrss: twice 40 ft on six axles.
pub fn sggrss() -> WagonType {
    let patterns = vec![
        pattern(&[(TWENTY_DM, -31), (TWENTY_DM, 31)]),
        pattern(&[(FORTY_DM, 0)]),
        pattern(&[(TWENTY_DM, 0)]),
    ];
    articulated("Sggrss", 266, 107, 27_000, patterns, 70)
}

/// Sggmrss: twice 45 ft on six axles.
pub fn sggmrss() -> WagonType {
    let patterns = vec![
        pattern(&[(TWENTY_DM, -35), (TWENTY_DM, 35)]),
        pattern(&[(FORTY_DM, 0)]),
        pattern(&[(FORTY_FIVE_DM, 0)]),
        pattern(&[(TWENTY_DM, 0)]),
    ];
    articulated("Sggmrss", 295, 117, 29_000, patterns, 60)
}

/// T3000e: a double pocket wagon, low enough for the largest profiles.
pub fn t3000e() -> WagonType {
    let patterns = vec![
        pattern(&[(TWENTY_DM, -31), (TWENTY_DM, 31)]),
        pattern(&[(FORTY_DM, 0)]),
        pattern(&[(FORTY_FIVE_DM, 0)]),
    ];
    articulated("T3000e", 342, 142, 35_000, patterns, 90)
}
