//! The wagons of a train: as its composition says, else as many of the port's usual wagon as its loading length asks for.

use domain::rail::wagons::{Consist, Segregation, Wagon, WagonType, catalogue};

use std::collections::BTreeSet;

use super::inputs::{CompositionRow, SlotRow};
use super::rules::RailRules;

/// No train has more wagons.
const WAGONS_MAX: usize = 60;

/// Dangerous goods that do not stand on one wagon: explosives beside anything else that is dangerous (RID 7.5.2).
const APART: [(&str, &str); 6] = [
    ("1", "2"),
    ("1", "3"),
    ("1", "4.1"),
    ("1", "5.1"),
    ("1", "6.1"),
    ("1", "8"),
];

/// The type that a name in a composition stands for: its letters, whatever length follows them.
fn type_of(name: &str) -> Option<WagonType> {
    let letters: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
    match letters.as_str() {
        "Sgns" | "Sgnss" => Some(catalogue::sgns()),
        "Sggrs" | "Sggrss" => Some(catalogue::sggrss()),
        "Sggmrs" | "Sggmrss" => Some(catalogue::sggmrss()),
        "T" => Some(catalogue::t3000e()),
        _ => None,
    }
}

/// True if the planner knows a wagon of this name.
pub fn is_known(name: &str) -> bool {
    type_of(name).is_some()
}

/// The wagons of a slot; nothing if none of them is of a known type.
pub fn consist(
    slot: &SlotRow,
    composition: Option<&CompositionRow>,
    defective: &BTreeSet<String>,
    rules: &RailRules,
) -> Option<Consist> {
    let mut consist = Consist {
        max_axle_kg: rules.axle_max_kg,
        max_length_dm: rules.train_length_max_dm,
        max_bogie_ratio: rules.bogie_ratio_max,
        segregations: APART
            .iter()
            .map(|(class, other)| Segregation {
                class: (*class).to_owned(),
                other: (*other).to_owned(),
                wagons_between: 0,
            })
            .collect(),
        ..Consist::default()
    };
    match composition {
        Some(composition) => add_known(&mut consist, composition, defective),
        None => add_usual(&mut consist, slot, rules),
    }
    if consist.wagons.is_empty() {
        return None;
    }
    // The slot's limit is on the units alone.
    let units_kg = match slot.gross_max_kg {
        0 => rules.train_gross_max_kg,
        units_kg => units_kg,
    };
    consist.max_train_kg = consist.tare_kg().saturating_add(units_kg);
    consist.max_length_dm = consist.max_length_dm.max(consist.length_dm());
    Some(consist)
}

fn add_known(consist: &mut Consist, composition: &CompositionRow, defective: &BTreeSet<String>) {
    let numbers = composition.wagon_numbers.iter();
    for (number, name) in numbers.zip(&composition.wagon_types).take(WAGONS_MAX) {
        let is_defective = defective.contains(number);
        if let Some(wagon_type) = type_of(name) {
            add(consist, number, wagon_type, is_defective);
        }
    }
}

fn add_usual(consist: &mut Consist, slot: &SlotRow, rules: &RailRules) {
    let Some(wagon_type) = type_of(&rules.wagon_type) else {
        return;
    };
    let loading_dm: i64 = wagon_type
        .platforms
        .iter()
        .filter_map(|platform| {
            let patterns = platform.patterns.iter();
            let lengths =
                patterns.map(|one| one.positions.iter().map(|at| at.length_dm).sum::<i64>());
            lengths.max()
        })
        .sum();
    let fits = (rules.train_length_max_dm / wagon_type.length_dm.max(1)).max(0) as usize;
    let asked = match slot.length_max_dm {
        0 => fits,
        length_dm => ((length_dm + loading_dm - 1) / loading_dm.max(1)).max(0) as usize,
    };
    for _ in 0..asked.min(fits).min(WAGONS_MAX) {
        add(consist, "", wagon_type.clone(), false);
    }
}

fn add(consist: &mut Consist, number: &str, wagon_type: WagonType, is_defective: bool) {
    let known = consist.types.iter().position(|known| *known == wagon_type);
    let index = known.unwrap_or_else(|| {
        consist.types.push(wagon_type);
        consist.types.len() - 1
    });
    consist.wagons.push(Wagon {
        number: number.to_owned(),
        wagon_type: index,
        is_defective,
        lost_patterns: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_train_has_the_wagons_of_its_composition_or_the_usual_ones() {
        let rules = RailRules::default();
        let slot = SlotRow {
            length_max_dm: 1_200,
            gross_max_kg: 500_000,
            ..SlotRow::default()
        };
        let defective = BTreeSet::from(["3".to_owned()]);
        let usual = consist(&slot, None, &defective, &rules).expect("usual wagons");
        assert_eq!(usual.wagons.len(), 5, "274 dm of loading length each");
        assert_eq!(usual.max_train_kg, 500_000 + 5 * 29_000);
        let composition = CompositionRow {
            wagon_numbers: vec!["1".to_owned(), "2".to_owned(), "3".to_owned()],
            wagon_types: vec!["Sgns60".to_owned(), "Xy".to_owned(), "T3000e".to_owned()],
            ..CompositionRow::default()
        };
        let known = consist(&slot, Some(&composition), &defective, &rules).expect("two wagons");
        let wagons: Vec<(&str, &str, bool)> = (0..known.wagons.len())
            .map(|wagon| {
                let of = &known.wagons[wagon];
                (
                    of.number.as_str(),
                    known.type_of(wagon).name.as_str(),
                    of.is_defective,
                )
            })
            .collect();
        assert_eq!(wagons, [("1", "Sgns", false), ("3", "T3000e", true)]);
        let rules = RailRules {
            wagon_type: "Xy".to_owned(),
            ..rules
        };
        assert_eq!(consist(&slot, None, &defective, &rules), None);
    }
}
