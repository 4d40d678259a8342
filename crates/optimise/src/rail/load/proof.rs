//! Proofs that a load cannot stand, by counting.
//!
//! Replace every unit of a subset by the lightest of its length in that subset. If even these cannot stand (places by
//! pattern, and bogies with what these lighter units put on them) no loading of the subset exists. The subsets are "all
//! units of a length that weigh at least so much", for each length and all together.

use std::collections::BTreeMap;

use domain::rail::wagons::{Consist, LoadUnit, bogie};

/// Why a load cannot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// No place of the train takes this unit, were it alone.
    NoPlace {
        /// The unit.
        unit: String,
    },
    /// The wagons are longer than the train may be, by so many decimetres.
    TrainLength {
        /// Above the limit, decimetres.
        over_dm: i64,
    },
    /// The train would be too heavy, by so many kilograms.
    TrainMass {
        /// Above the limit, kilograms.
        over_kg: i64,
    },
    /// Of units of one length that weigh at least so much, too many.
    Crowd {
        /// Their length, decimetres.
        length_dm: i64,
        /// Their least mass, kilograms.
        at_least_kg: i64,
        /// How many can stand at the most.
        max_units: i64,
    },
    /// Units of several lengths, each of at least so much, cannot all stand: (length, least mass, how many).
    Mixed {
        /// What is asked of each length.
        asked: Vec<(i64, i64, i64)>,
    },
    /// Every way was tried.
    Exhausted,
}

/// At most so many lengths are told apart.
pub const MAX_LENGTHS: usize = 3;
/// Steps of mass that are tried.
const LEVELS: usize = 12;

/// Units by length, heaviest first.
struct Sorted {
    lengths: Vec<i64>,
    masses: Vec<Vec<i64>>,
}

impl Sorted {
    fn new(units: &[LoadUnit]) -> Self {
        let mut by_length: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for unit in units {
            by_length
                .entry(unit.length_dm)
                .or_default()
                .push(unit.gross_kg);
        }
        for masses in by_length.values_mut() {
            masses.sort_unstable_by(|a, b| b.cmp(a));
        }
        Sorted {
            lengths: by_length.keys().copied().collect(),
            masses: by_length.into_values().collect(),
        }
    }
}

/// Proofs that cost next to nothing.
pub fn quick(consist: &Consist, units: &[LoadUnit]) -> Option<Proof> {
    let over_dm = consist.length_dm() - consist.max_length_dm;
    if over_dm > 0 {
        return Some(Proof::TrainLength { over_dm });
    }
    for unit in units {
        if !has_place(consist, unit) {
            return Some(Proof::NoPlace {
                unit: unit.id.clone(),
            });
        }
    }
    let load_kg: i64 = units.iter().map(|unit| unit.gross_kg).sum();
    let over_kg = consist.tare_kg() + load_kg - consist.max_train_kg;
    if over_kg > 0 {
        return Some(Proof::TrainMass { over_kg });
    }
    let sorted = Sorted::new(units);
    (sorted.lengths.len() <= MAX_LENGTHS)
        .then(|| at_level(consist, &sorted, LEVELS, LEVELS))
        .flatten()
}

/// Proofs by counting, at every level of mass.
pub fn deep(consist: &Consist, units: &[LoadUnit]) -> Option<Proof> {
    let sorted = Sorted::new(units);
    if sorted.lengths.len() > MAX_LENGTHS {
        return None;
    }
    (1..LEVELS)
        .rev()
        .find_map(|level| at_level(consist, &sorted, level, LEVELS))
        .or_else(|| alone(consist, &sorted))
}

fn has_place(consist: &Consist, unit: &LoadUnit) -> bool {
    (0..consist.wagons.len()).any(|wagon| {
        let wagon_type = consist.type_of(wagon);
        unit.profile_code <= wagon_type.max_profile_code
            && wagon_type
                .platforms
                .iter()
                .enumerate()
                .any(|(platform, surface)| {
                    surface
                        .patterns
                        .iter()
                        .enumerate()
                        .any(|(pattern, places)| {
                            let fits = |place: &domain::rail::wagons::Position| {
                                place.length_dm == unit.length_dm && unit.gross_kg <= place.max_kg
                            };
                            consist.allows(wagon, platform, pattern)
                                && places.positions.iter().any(fits)
                        })
                })
    })
}

/// The heaviest `level / levels` of every length together.
fn at_level(consist: &Consist, sorted: &Sorted, level: usize, levels: usize) -> Option<Proof> {
    let mut asked = [(0, 0, 0); MAX_LENGTHS];
    for (nth, masses) in sorted.masses.iter().enumerate() {
        let count = (masses.len() * level).div_ceil(levels);
        asked[nth] = (sorted.lengths[nth], masses[count - 1], count as i64);
    }
    let most = most_of_first(consist, &asked);
    let asked_lengths = &asked[..sorted.lengths.len()];
    match most {
        Some(most) if most >= asked[0].2 => None,
        Some(most) if asked_lengths.len() == 1 => Some(Proof::Crowd {
            length_dm: asked[0].0,
            at_least_kg: asked[0].1,
            max_units: most,
        }),
        _ => Some(Proof::Mixed {
            asked: asked_lengths.to_vec(),
        }),
    }
}

/// The heaviest of each length alone, at every distinct mass.
fn alone(consist: &Consist, sorted: &Sorted) -> Option<Proof> {
    for (length, masses) in sorted.lengths.iter().zip(&sorted.masses) {
        for count in 1..=masses.len() {
            let is_last = masses
                .get(count)
                .is_none_or(|&next| next < masses[count - 1]);
            if !is_last {
                continue;
            }
            let mut asked = [(0, 0, 0); MAX_LENGTHS];
            asked[0] = (*length, masses[count - 1], count as i64);
            if let Some(most) = most_of_first(consist, &asked).filter(|&most| most < count as i64) {
                return Some(Proof::Crowd {
                    length_dm: *length,
                    at_least_kg: masses[count - 1],
                    max_units: most,
                });
            }
        }
    }
    None
}

/// Units of each length.
pub(super) type Way = [i64; MAX_LENGTHS];

/// What tells wagons apart: type and lost patterns.
type WagonKey<'c> = (usize, &'c [(usize, usize)]);

/// (length, least mass, how many) of each length that is asked for.
pub(super) type Asked = [(i64, i64, i64); MAX_LENGTHS];

/// With everything asked of the other lengths aboard, how many of the first can stand at the most; `None` if the others
/// cannot all stand.
fn most_of_first(consist: &Consist, asked: &Asked) -> Option<i64> {
    let (second, third) = (asked[1].2 as usize, asked[2].2 as usize);
    let width = third + 1;
    let mut before = vec![i64::MIN; (second + 1) * width];
    let mut after = before.clone();
    before[0] = 0;
    let mut known: BTreeMap<WagonKey, Vec<Way>> = BTreeMap::new();
    for (nth, wagon) in consist
        .wagons
        .iter()
        .enumerate()
        .filter(|(_, wagon)| !wagon.is_defective)
    {
        let ways = known
            .entry((wagon.wagon_type, wagon.lost_patterns.as_slice()))
            .or_insert_with(|| wagon_ways(consist, nth, asked));
        after.fill(i64::MIN);
        for (state, &first) in before
            .iter()
            .enumerate()
            .filter(|(_, first)| **first != i64::MIN)
        {
            let (b, c) = (state / width, state % width);
            for way in ways.iter() {
                let to_b = (b + way[1] as usize).min(second);
                let to_c = (c + way[2] as usize).min(third);
                let to = &mut after[to_b * width + to_c];
                *to = (*to).max(first + way[0]);
            }
        }
        std::mem::swap(&mut before, &mut after);
    }
    before.last().copied().filter(|&most| most != i64::MIN)
}

/// Of `asked`, a set of lengths that are too many even by themselves, mixed as one likes: positions in `asked` and how many
/// of them can stand at the most. Stronger than the whole, since it holds for any units of these lengths and masses.
pub fn crowded(consist: &Consist, asked: &[(i64, i64, i64)]) -> Option<(Vec<usize>, i64)> {
    let mut padded = [(0, 0, 0); MAX_LENGTHS];
    for (to, from) in padded.iter_mut().zip(asked) {
        *to = *from;
    }
    let wagons = (0..consist.wagons.len()).filter(|&wagon| !consist.wagons[wagon].is_defective);
    let ways: Vec<Vec<Way>> = wagons
        .map(|wagon| wagon_ways(consist, wagon, &padded))
        .collect();
    for subset in 1_u32..1 << asked.len().min(MAX_LENGTHS) {
        let kinds: Vec<usize> = (0..asked.len())
            .filter(|kind| subset >> kind & 1 == 1)
            .collect();
        let count = |way: &[i64; MAX_LENGTHS]| kinds.iter().map(|&kind| way[kind]).sum::<i64>();
        let most = ways
            .iter()
            .map(|ways| ways.iter().map(count).max().unwrap_or(0))
            .sum::<i64>();
        if kinds.iter().map(|&kind| asked[kind].2).sum::<i64>() > most {
            return Some((kinds, most));
        }
    }
    None
}

/// How many of each length one wagon can carry, when each weighs what is asked at least; only ways that no other beats.
pub(super) fn wagon_ways(consist: &Consist, wagon: usize, asked: &Asked) -> Vec<Way> {
    let wagon_type = consist.type_of(wagon);
    let mut ways: Vec<([i64; MAX_LENGTHS], Vec<i64>)> =
        vec![([0; MAX_LENGTHS], vec![0; wagon_type.bogie_axles.len()])];
    for (nth, platform) in wagon_type.platforms.iter().enumerate() {
        let mut surface_ways = vec![([0; MAX_LENGTHS], bogie::ends_half_kg(platform, []))];
        for (pattern, places) in platform.patterns.iter().enumerate() {
            if !consist.allows(wagon, nth, pattern) {
                continue;
            }
            // Every subset of the places, each with the least mass of its length.
            for subset in 1_u32..1 << places.positions.len().min(8) {
                let mut count = [0; MAX_LENGTHS];
                let mut loads = Vec::new();
                let mut is_asked = true;
                let chosen = places.positions.iter().enumerate();
                for (_, place) in chosen.filter(|(at, _)| subset >> at & 1 == 1) {
                    match asked
                        .iter()
                        .position(|(length, _, n)| *length == place.length_dm && *n > 0)
                    {
                        Some(kind) if asked[kind].1 <= place.max_kg => {
                            count[kind] += 1;
                            loads.push((asked[kind].1, place.offset_dm));
                        }
                        _ => is_asked = false,
                    }
                }
                if is_asked {
                    surface_ways.push((count, bogie::ends_half_kg(platform, loads)));
                }
            }
        }
        let mut joined = Vec::new();
        for (count, bogies) in &ways {
            for (more, ends) in &surface_ways {
                let mut bogies = bogies.clone();
                bogies[platform.bogies[0]] += ends[0];
                bogies[platform.bogies[1]] += ends[1];
                joined.push((std::array::from_fn(|kind| count[kind] + more[kind]), bogies));
            }
        }
        ways = joined;
    }
    let stands = |bogies: &[i64]| {
        bogies
            .iter()
            .enumerate()
            .all(|(number, &load)| load <= bogie::limit_half_kg(consist, wagon_type, number))
    };
    let mut counts: Vec<Way> = ways
        .into_iter()
        .filter(|(_, bogies)| stands(bogies))
        .map(|(count, _)| count)
        .collect();
    counts.sort_unstable();
    counts.dedup();
    let beats = |a: &[i64; MAX_LENGTHS], b: &[i64; MAX_LENGTHS]| {
        a != b && a.iter().zip(b).all(|(a, b)| a >= b)
    };
    let all = counts.clone();
    counts.retain(|count| !all.iter().any(|other| beats(other, count)));
    counts
}
