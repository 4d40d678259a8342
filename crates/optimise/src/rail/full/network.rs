//! Every path of every unit with its price, compact: units that go alike are a party, parties that are alike but for their
//! references share a profile, relations share their paths.

use std::collections::{BTreeMap, HashMap};

use domain::rail::index::Index;
use domain::rail::rules::{self, Breach, Path, Rule, capacity, keep_together};
use domain::rail::{RailProblem, TrainSlot, Unit, cost};

use super::paths::{self, Departures, Paths};
use super::rows::Rows;

/// The price of a path that breaks a rule.
pub const BROKEN: i64 = i64::MAX;

/// Units that go alike.
#[derive(Debug, Clone)]
pub struct Party {
    /// Positions of the units in the problem.
    pub units: Vec<usize>,
    /// Positions of the slots that are facts for it.
    pub held: Vec<u32>,
    /// Its profile.
    pub profile: usize,
}

/// What a party's paths cost; the same for all parties that differ by reference alone.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The relation whose paths these are.
    pub relation: usize,
    /// The price of staying.
    pub stay: i64,
    /// The price of each path of the relation, or [`BROKEN`].
    pub costs: Vec<i64>,
    /// Rules that paths break, with the number of paths; counted for the unit that breaks first.
    pub breaches: BTreeMap<Rule, usize>,
    /// What the party uses of TEU, length and tonnes of any train.
    pub room: [i64; 3],
    /// True if it uses other rows too (dangerous goods, load cuts).
    pub is_special: bool,
    /// A party of this profile.
    pub example: usize,
}

/// The problem as parties, profiles and paths.
#[derive(Debug)]
pub struct Network {
    /// Parties, by first unit.
    pub parties: Vec<Party>,
    /// Their profiles.
    pub profiles: Vec<Profile>,
    /// Paths by relation.
    pub relations: Vec<Paths>,
    /// Capacity rows.
    pub rows: Rows,
    /// False if some relation has more paths than were searched: then no bound holds.
    pub is_complete: bool,
}

/// Lists and prices every path.
pub fn network(problem: &RailProblem) -> Network {
    let index = Index::new(problem);
    let departures = Departures::new(problem);
    let mut found = Network {
        parties: Vec::new(),
        profiles: Vec::new(),
        relations: Vec::new(),
        rows: Rows::new(problem),
        is_complete: true,
    };
    let mut relations: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut alike: HashMap<(Unit, Vec<u32>), usize> = HashMap::new();
    for (units, held) in group(problem, &index) {
        let unit = &problem.units[units[0]];
        let between = |held: &[u32]| {
            paths::between(problem, &departures, held, &unit.origin, &unit.destination)
        };
        let known = relations.get(&(unit.origin.as_str(), unit.destination.as_str()));
        let relation = match known {
            Some(&relation) if held.is_empty() => relation,
            _ => {
                let paths = between(&held);
                found.is_complete &= paths.is_complete;
                found.relations.push(paths);
                found.relations.len() - 1
            }
        };
        if held.is_empty() {
            relations.insert((&unit.origin, &unit.destination), relation);
        }
        // Cuts name units: those are alike that the same cuts count.
        let is_plain = held.is_empty() && units.len() == 1;
        let kind = is_plain.then(|| {
            let nameless = Unit {
                id: String::new(),
                ..unit.clone()
            };
            (nameless, found.rows.cuts_of(units[0]))
        });
        let profile = kind.as_ref().and_then(|kind| alike.get(kind)).copied();
        let profile = profile.unwrap_or_else(|| {
            let example = found.parties.len();
            let profile = Profile {
                relation,
                example,
                ..price(problem, &units, &held, &found.relations[relation].paths)
            };
            found.profiles.push(profile);
            if let Some(kind) = kind {
                alike.insert(kind, found.profiles.len() - 1);
            }
            found.profiles.len() - 1
        });
        found.parties.push(Party {
            units,
            held,
            profile,
        });
    }
    found
}

/// Units that go alike, each group with the facts of its unit (groups of several have none), by first unit.
fn group(problem: &RailProblem, index: &Index) -> Vec<(Vec<usize>, Vec<u32>)> {
    let mut groups: Vec<(Vec<usize>, Vec<u32>)> = Vec::new();
    let mut together: BTreeMap<keep_together::Key, usize> = BTreeMap::new();
    for (at, unit) in problem.units.iter().enumerate() {
        let held = facts(problem, index, unit);
        if held.is_empty()
            && let Some(key) = keep_together::key(unit)
        {
            let group = *together.entry(key).or_insert(groups.len());
            if group < groups.len() {
                groups[group].0.push(at);
                continue;
            }
        }
        groups.push((vec![at], held));
    }
    groups
}

/// The legs of a unit's previous path that are facts.
fn facts(problem: &RailProblem, index: &Index, unit: &Unit) -> Vec<u32> {
    let previous = index.path(problem, &unit.previous).unwrap_or_default();
    let held = rules::held(problem, &previous);
    unit.previous[..held]
        .iter()
        .filter_map(|leg| index.train(leg).map(|slot| slot as u32))
        .collect()
}

/// Prices staying and every path that breaks no rule for any of the units.
fn price(problem: &RailProblem, units: &[usize], held: &[u32], offered: &[Vec<u32>]) -> Profile {
    let slot = |&at: &u32| &problem.trains[at as usize];
    let facts: Vec<&TrainSlot> = held.iter().map(slot).collect();
    let mut profile = Profile {
        relation: 0,
        stay: 0,
        costs: Vec::with_capacity(offered.len()),
        breaches: BTreeMap::new(),
        room: [0; 3],
        is_special: !problem.load_cuts.is_empty(),
        example: 0,
    };
    for &unit in units {
        let unit = &problem.units[unit];
        let uses = capacity::uses(unit);
        profile.room = std::array::from_fn(|kind| profile.room[kind] + uses[kind]);
        profile.is_special |= unit.cargo.dangerous_class.is_some();
    }
    let on = |unit: usize, legs: &[&TrainSlot]| {
        let path = Path {
            problem,
            unit: &problem.units[unit],
            held: &facts,
            legs,
        };
        match rules::first_breach(&path) {
            Some(breach) => Err(breach),
            None => Ok(cost::of_path(&path).total()),
        }
    };
    let of_all = |legs: &[&TrainSlot]| -> Result<i64, Breach> {
        units
            .iter()
            .try_fold(0, |sum, &unit| Ok(sum + on(unit, legs)?))
    };
    let stay = |&unit: &usize| {
        cost::of_path(&Path {
            problem,
            unit: &problem.units[unit],
            held: &facts,
            legs: &facts,
        })
        .total()
    };
    profile.stay = units.iter().map(stay).sum();
    let mut legs: Vec<&TrainSlot> = Vec::new();
    // Paths come in the order of a search: those that begin alike lie side by side, and fall with their first leg.
    let mut fallen: Option<(u32, Rule)> = None;
    for path in offered {
        let first = path.get(held.len()).copied();
        if let Some((_, rule)) = fallen.filter(|(leg, _)| Some(*leg) == first) {
            *profile.breaches.entry(rule).or_insert(0) += 1;
            profile.costs.push(BROKEN);
            continue;
        }
        legs.clear();
        legs.extend(path.iter().map(slot));
        match of_all(&legs) {
            Ok(cost) => profile.costs.push(cost),
            Err(breach) => {
                *profile.breaches.entry(breach.rule).or_insert(0) += 1;
                profile.costs.push(BROKEN);
                let is_of_leg = breach.leg == held.len()
                    && !matches!(
                        breach.rule,
                        Rule::Chain | Rule::Legs | Rule::Pin | Rule::Frozen
                    );
                fallen = first.filter(|_| is_of_leg).map(|leg| (leg, breach.rule));
            }
        }
    }
    profile
}
