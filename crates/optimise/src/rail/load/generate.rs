//! Seeded trains with loads, some of which cannot stand.

use domain::rail::wagons::catalogue::{self, FORTY_DM, FORTY_FIVE_DM, TWENTY_DM};
use domain::rail::wagons::{Consist, LoadUnit, Segregation, Wagon};

use crate::random::Random;

/// A train of `wagons` wagons and a load of `fill_percent` of its length in units.
pub fn train(wagons: usize, fill_percent: i64, seed: u64) -> (Consist, Vec<LoadUnit>) {
    let mut random = Random::new(seed);
    let types = vec![
        catalogue::sgns(),
        catalogue::sggrss(),
        catalogue::sggmrss(),
        catalogue::t3000e(),
    ];
    let mix = random.below(3);
    let mut consist = Consist {
        max_axle_kg: 22_500,
        max_train_kg: wagons as i64 * (68_000 + random.below(16_000) as i64),
        max_length_dm: wagons as i64 * 400,
        max_bogie_ratio: 3,
        segregations: segregations(),
        types,
        wagons: Vec::new(),
    };
    for nth in 0..wagons {
        let wagon_type = match mix {
            0 => 0,
            1 => random.below(3),
            _ => [0, 0, 1, 2, 3][random.below(5)],
        };
        let lost = (random.below(15) == 0).then_some((0, random.below(3)));
        consist.wagons.push(Wagon {
            number: format!("{nth:02}"),
            wagon_type,
            is_defective: random.below(30) == 0,
            lost_patterns: lost.into_iter().collect(),
        });
    }
    let units = units(&mut random, &consist, fill_percent);
    (consist, units)
}

fn segregations() -> Vec<Segregation> {
    let rule = |class: &str, other: &str, wagons_between| Segregation {
        class: class.to_owned(),
        other: other.to_owned(),
        wagons_between,
    };
    // Explosives stand a wagon away from flammables and oxidisers; others only not on one wagon.
    vec![
        rule("1", "3", 1),
        rule("1", "2", 1),
        rule("1", "5", 1),
        rule("3", "5", 0),
    ]
}

/// Units until their length reaches `fill_percent` of the usable loading length.
fn units(random: &mut Random, consist: &Consist, fill_percent: i64) -> Vec<LoadUnit> {
    let usable = |wagon: &usize| !consist.wagons[*wagon].is_defective;
    let surface = |wagon: usize| {
        let platforms = consist.type_of(wagon).platforms.iter();
        platforms
            .map(|platform| longest(&platform.patterns))
            .sum::<i64>()
    };
    let room_dm: i64 = (0..consist.wagons.len()).filter(usable).map(surface).sum();
    let heavy = random.below(4) as i64;
    let short = 3 + random.below(4);
    let mut units: Vec<LoadUnit> = Vec::new();
    let mut used_dm = 0;
    let length_dm = consist.length_dm();
    while used_dm * 100 < room_dm * fill_percent {
        let unit_dm = match random.below(10) {
            kind if kind < short => TWENTY_DM,
            9 => FORTY_FIVE_DM,
            _ => FORTY_DM,
        };
        let span = if unit_dm == TWENTY_DM { 20_000 } else { 24_000 };
        let gross_kg = 4_500 + heavy * 2_500 + random.below(span) as i64;
        units.push(LoadUnit {
            id: format!("U{:03}", units.len()),
            length_dm: unit_dm,
            gross_kg,
            profile_code: random.below(62) as i64,
            dangerous_class: (random.below(15) == 0)
                .then(|| ["1", "2", "3", "5"][random.below(4)].to_owned()),
            yard_at_dm: random.below(length_dm.max(1) as usize) as i64,
        });
        used_dm += unit_dm;
    }
    units
}

fn longest(patterns: &[domain::rail::wagons::Pattern]) -> i64 {
    let length = |pattern: &domain::rail::wagons::Pattern| {
        pattern
            .positions
            .iter()
            .map(|place| place.length_dm)
            .sum::<i64>()
    };
    patterns.iter().map(length).max().unwrap_or(0)
}
