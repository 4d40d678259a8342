//! What level 1 knows of a train's wagons before anything is loaded.
//!
//! Metres say little: where an 80 ft wagon has room for 2.2 forties, two stand. So for every train whose wagons are known,
//! each wagon's patterns are counted out with the lightest units that could come, and what all wagons hold together becomes
//! a limit of the train: its TEU, its metres, its load in kilograms, and cuts "of the units of these lengths, and of at
//! least this mass, at most so many". What these leave undecided (mixtures, single bogies, neighbours) loading teaches later.

use std::collections::BTreeMap;

use domain::rail::wagons::Consist;
use domain::rail::{LoadCut, RailProblem, TrainSlot, Unit};

use super::proof::{MAX_LENGTHS, Way, wagon_ways};

/// Steps of mass at which units of one length are counted.
const LEVELS: usize = 4;

/// Units of one length.
struct Kind {
    length_dm: i64,
    /// The most that one of them takes, quarters of a TEU.
    teu_quarters: i64,
    /// The least, quarters of a TEU.
    least_teu_quarters: i64,
    /// Heaviest first, kilograms.
    masses: Vec<i64>,
}

/// What the wagons of a train hold, where that is less than the train may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Quarters of a TEU.
    pub teu_quarters: i64,
    /// Units end to end, decimetres.
    pub length_dm: i64,
    /// Load beside the wagons' own mass, kilograms.
    pub gross_kg: i64,
}

/// What is known before anything is loaded.
#[derive(Debug, Clone, Default)]
pub struct Foresight {
    /// Limits by slot, where they are lower than the train's own.
    pub held: BTreeMap<String, Held>,
    /// Cuts that go with them.
    pub cuts: Vec<LoadCut>,
}

/// Lowers the limits of every open train of `consists` to what its wagons hold, and adds the cuts that go with them.
pub fn foresee(problem: &mut RailProblem, consists: &BTreeMap<String, Consist>) -> Foresight {
    let kinds = kinds(&problem.units);
    let is_all = kinds.len() <= MAX_LENGTHS;
    let kinds = &kinds[..kinds.len().min(MAX_LENGTHS)];
    let mut found = Foresight::default();
    let now = problem.now_at_min;
    for slot in problem
        .trains
        .iter_mut()
        .filter(|slot| !slot.is_frozen(now))
    {
        let Some(consist) = consists.get(&slot.id) else {
            continue;
        };
        let own = held(slot);
        let load_kg = (consist.max_train_kg - consist.tare_kg()).max(0);
        slot.max_gross_kg = slot.max_gross_kg.min(load_kg);
        let ways = ways(consist, kinds, &at_level(kinds, LEVELS));
        if is_all {
            let teu = most(&ways, |kind| kinds[kind].teu_quarters);
            let dm = most(&ways, |kind| kinds[kind].length_dm);
            slot.max_teu_quarters = slot.max_teu_quarters.min(teu);
            slot.max_length_dm = slot.max_length_dm.min(dm);
        }
        if held(slot) != own {
            found.held.insert(slot.id.clone(), held(slot));
        }
        let cuts = &mut found.cuts;
        for chosen in 1_usize..1 << kinds.len() {
            let chosen: Vec<usize> = (0..kinds.len())
                .filter(|kind| chosen >> kind & 1 == 1)
                .collect();
            crowds(cuts, &problem.units, slot, consist, kinds, &chosen);
        }
    }
    problem.load_cuts.extend(found.cuts.iter().cloned());
    found
}

fn held(slot: &TrainSlot) -> Held {
    Held {
        teu_quarters: slot.max_teu_quarters,
        length_dm: slot.max_length_dm,
        gross_kg: slot.max_gross_kg,
    }
}

/// Cuts of the units of some lengths: all of them, and those that are heavy, of which fewer stand.
fn crowds(
    cuts: &mut Vec<LoadCut>,
    units: &[Unit],
    slot: &TrainSlot,
    consist: &Consist,
    kinds: &[Kind],
    chosen: &[usize],
) {
    let mut fewest = i64::MAX;
    for level in (1..=LEVELS).rev() {
        let least = at_level(kinds, level);
        let is_chosen = |kind: usize| i64::from(chosen.contains(&kind));
        let max_units = most(&ways(consist, kinds, &least), is_chosen);
        if max_units < fewest {
            fewest = max_units;
            push(cuts, units, slot, kinds, (chosen, &least), max_units);
        }
    }
}

/// The least mass of the heaviest `level` of [`LEVELS`] parts of each kind.
fn at_level(kinds: &[Kind], level: usize) -> Vec<i64> {
    let least = |kind: &Kind| kind.masses[(kind.masses.len() * level).div_ceil(LEVELS) - 1];
    kinds.iter().map(least).collect()
}

/// The commonest lengths first.
fn kinds(units: &[Unit]) -> Vec<Kind> {
    let mut kinds: BTreeMap<i64, Kind> = BTreeMap::new();
    for unit in units {
        let kind = kinds.entry(unit.length_dm).or_insert_with(|| Kind {
            length_dm: unit.length_dm,
            teu_quarters: 0,
            least_teu_quarters: i64::MAX,
            masses: Vec::new(),
        });
        kind.teu_quarters = kind.teu_quarters.max(unit.teu_quarters);
        kind.least_teu_quarters = kind.least_teu_quarters.min(unit.teu_quarters);
        kind.masses.push(unit.gross_kg);
    }
    let mut kinds: Vec<Kind> = kinds.into_values().collect();
    kinds
        .iter_mut()
        .for_each(|kind| kind.masses.sort_unstable_by(|a, b| b.cmp(a)));
    kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.masses.len()), kind.length_dm));
    kinds
}

/// What each wagon can hold of each kind, if those weigh `least` (kilograms).
fn ways(consist: &Consist, kinds: &[Kind], least: &[i64]) -> Vec<Vec<Way>> {
    let mut asked = [(0, 0, 0); MAX_LENGTHS];
    for (asked, (kind, &least)) in asked.iter_mut().zip(kinds.iter().zip(least)) {
        *asked = (kind.length_dm, least, i64::MAX);
    }
    let wagons = (0..consist.wagons.len()).filter(|&wagon| !consist.wagons[wagon].is_defective);
    wagons
        .map(|wagon| wagon_ways(consist, wagon, &asked))
        .collect()
}

/// The most of something that all wagons hold.
fn most(ways: &[Vec<Way>], worth: impl Fn(usize) -> i64) -> i64 {
    let of_way = |way: &Way| -> i64 {
        let counts = way.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(kind, count)| count * worth(kind)).sum()
    };
    ways.iter()
        .map(|ways| ways.iter().map(of_way).max().unwrap_or(0))
        .sum()
}

/// Adds a cut if more units than it allows are there, and would be within the other limits of the train.
fn push(
    cuts: &mut Vec<LoadCut>,
    units: &[Unit],
    slot: &TrainSlot,
    kinds: &[Kind],
    (chosen, least): (&[usize], &[i64]),
    max_units: i64,
) {
    let chosen = || chosen.iter().copied();
    let shortest_dm = chosen()
        .map(|kind| kinds[kind].length_dm)
        .min()
        .unwrap_or(0);
    let smallest = chosen()
        .map(|kind| kinds[kind].least_teu_quarters)
        .min()
        .unwrap_or(0);
    let too_many = max_units + 1;
    let concerns = |unit: &&Unit| {
        chosen().any(|kind| unit.length_dm == kinds[kind].length_dm && unit.gross_kg >= least[kind])
    };
    let can_bind = too_many * shortest_dm <= slot.max_length_dm
        && too_many * smallest <= slot.max_teu_quarters;
    if !can_bind || (units.iter().filter(concerns).count() as i64) < too_many {
        return;
    }
    cuts.push(LoadCut {
        train: slot.id.clone(),
        units: units
            .iter()
            .filter(concerns)
            .map(|unit| unit.id.clone())
            .collect(),
        max_units,
    });
}
