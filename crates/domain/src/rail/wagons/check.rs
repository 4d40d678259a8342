//! The independent checker of a loading.

use std::collections::BTreeMap;

use super::bogie;
use super::consist::{Consist, LoadUnit, Position};
use super::loading::{Loading, Placed};

/// A rule of loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadRule {
    /// Every unit stands once, in a place that exists.
    Coverage,
    /// One unit a place, one pattern a platform.
    OnePlace,
    /// The wagon, or the spigots of the pattern, can be used.
    Defect,
    /// The place has the unit's length.
    Length,
    /// The place bears the unit.
    PlaceMass,
    /// The loading gauge of the wagon.
    Profile,
    /// The axles.
    Axle,
    /// The two ends of a platform.
    Balance,
    /// Mass of the train.
    TrainMass,
    /// Length of the train.
    TrainLength,
    /// Dangerous goods that must stay apart.
    Segregation,
}

/// A rule that a loading breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadViolation {
    /// The rule.
    pub rule: LoadRule,
    /// The unit, where one is to blame.
    pub unit: Option<String>,
    /// The wagon, where one is concerned.
    pub wagon: Option<usize>,
}

impl std::fmt::Display for LoadViolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = self.unit.as_ref().map(|unit| format!("unit {unit}"));
        // People count wagons from 1.
        let wagon = self.wagon.map(|wagon| format!("wagon {}", wagon + 1));
        let of: Vec<String> = unit.into_iter().chain(wagon).collect();
        let of = of.join(", ");
        let colon = if of.is_empty() { "" } else { ": " };
        write!(f, "{of}{colon}{}", self.rule.words())
    }
}

impl LoadViolation {
    fn new(rule: LoadRule, unit: Option<&str>, wagon: Option<usize>) -> Self {
        LoadViolation {
            rule,
            unit: unit.map(str::to_owned),
            wagon,
        }
    }
}

/// The crane's travel (decimetres between where a unit stands and its wagon, summed), or every rule that is broken.
pub fn check(
    consist: &Consist,
    units: &[LoadUnit],
    loading: &Loading,
) -> Result<i64, Vec<LoadViolation>> {
    let mut violations = Vec::new();
    let by_id: BTreeMap<&str, &LoadUnit> =
        units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
    let mut placed: Vec<(&Placed, &LoadUnit, &Position)> = Vec::new();
    for place in &loading.placed {
        match (by_id.get(place.unit.as_str()), position(consist, place)) {
            (Some(unit), Some(position)) => placed.push((place, unit, position)),
            _ => violations.push(LoadViolation::new(
                LoadRule::Coverage,
                Some(&place.unit),
                None,
            )),
        }
    }
    for unit in units {
        if placed
            .iter()
            .filter(|(place, _, _)| place.unit == unit.id)
            .count()
            != 1
        {
            violations.push(LoadViolation::new(LoadRule::Coverage, Some(&unit.id), None));
        }
    }
    check_places(consist, &placed, &mut violations);
    check_wagons(consist, &placed, &mut violations);
    check_apart(consist, &placed, &mut violations);
    let load_kg: i64 = placed.iter().map(|(_, unit, _)| unit.gross_kg).sum();
    if consist.tare_kg() + load_kg > consist.max_train_kg {
        violations.push(LoadViolation::new(LoadRule::TrainMass, None, None));
    }
    if consist.length_dm() > consist.max_length_dm {
        violations.push(LoadViolation::new(LoadRule::TrainLength, None, None));
    }
    if !violations.is_empty() {
        return Err(violations);
    }
    let middles = consist.middles_dm();
    Ok(placed
        .iter()
        .map(|(place, unit, _)| (middles[place.wagon] - unit.yard_at_dm).abs())
        .sum())
}

fn position<'c>(consist: &'c Consist, place: &Placed) -> Option<&'c Position> {
    consist.wagons.get(place.wagon)?;
    let platform = consist.type_of(place.wagon).platforms.get(place.platform)?;
    platform
        .patterns
        .get(place.pattern)?
        .positions
        .get(place.position)
}

fn check_places(
    consist: &Consist,
    placed: &[(&Placed, &LoadUnit, &Position)],
    violations: &mut Vec<LoadViolation>,
) {
    let mut patterns: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut taken: BTreeMap<(usize, usize, usize), ()> = BTreeMap::new();
    for (place, unit, position) in placed {
        let mut breaks = |rule, is_broken: bool| {
            if is_broken {
                violations.push(LoadViolation::new(rule, Some(&unit.id), Some(place.wagon)));
            }
        };
        let pattern = *patterns
            .entry((place.wagon, place.platform))
            .or_insert(place.pattern);
        let is_taken = taken
            .insert((place.wagon, place.platform, place.position), ())
            .is_some();
        let wagon_type = consist.type_of(place.wagon);
        breaks(LoadRule::OnePlace, pattern != place.pattern || is_taken);
        breaks(
            LoadRule::Defect,
            !consist.allows(place.wagon, place.platform, place.pattern),
        );
        breaks(LoadRule::Length, unit.length_dm != position.length_dm);
        breaks(LoadRule::PlaceMass, unit.gross_kg > position.max_kg);
        breaks(
            LoadRule::Profile,
            unit.profile_code > wagon_type.max_profile_code,
        );
    }
}

fn check_wagons(
    consist: &Consist,
    placed: &[(&Placed, &LoadUnit, &Position)],
    violations: &mut Vec<LoadViolation>,
) {
    for wagon in 0..consist.wagons.len() {
        let wagon_type = consist.type_of(wagon);
        let mut bogies = vec![0_i64; wagon_type.bogie_axles.len()];
        for (nth, platform) in wagon_type.platforms.iter().enumerate() {
            let aboard = placed
                .iter()
                .filter(|(place, _, _)| place.wagon == wagon && place.platform == nth);
            let ends = bogie::ends_half_kg(
                platform,
                aboard.map(|(_, unit, at)| (unit.gross_kg, at.offset_dm)),
            );
            if bogie::is_unbalanced(consist, ends) {
                violations.push(LoadViolation::new(LoadRule::Balance, None, Some(wagon)));
            }
            bogies[platform.bogies[0]] += ends[0];
            bogies[platform.bogies[1]] += ends[1];
        }
        for (bogie, &load) in bogies.iter().enumerate() {
            if load > bogie::limit_half_kg(consist, wagon_type, bogie) {
                violations.push(LoadViolation::new(LoadRule::Axle, None, Some(wagon)));
            }
        }
    }
}

fn check_apart(
    consist: &Consist,
    placed: &[(&Placed, &LoadUnit, &Position)],
    violations: &mut Vec<LoadViolation>,
) {
    for (nth, (place, unit, _)) in placed.iter().enumerate() {
        let Some(class) = &unit.dangerous_class else {
            continue;
        };
        for (other_place, other, _) in &placed[nth + 1..] {
            let Some(other_class) = &other.dangerous_class else {
                continue;
            };
            let distance = place.wagon.abs_diff(other_place.wagon);
            if consist
                .apart(class, other_class)
                .is_some_and(|between| distance <= between)
            {
                violations.push(LoadViolation::new(
                    LoadRule::Segregation,
                    Some(&unit.id),
                    Some(place.wagon),
                ));
            }
        }
    }
}
