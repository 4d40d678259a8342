//! Units to items, limits to rows.

use std::collections::BTreeMap;

use domain::rail::index::Index;
use domain::rail::rules::{self, Path, Rule, capacity, keep_together};
use domain::rail::{RailProblem, TrainSlot, UNLIMITED, Unit, cost};

use super::paths::{self, Departures, Paths};
use crate::rail::core::{Core, Use};

/// A capacity row's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// Room of the train: 0 TEU, 1 length, 2 tonnes.
    Room(u8),
    /// Units of the train's dangerous limit of this position.
    DangerousUnits(u32),
    /// Kilograms of the train's dangerous limit of this position.
    DangerousGross(u32),
    /// The problem's load cut of this position.
    Cut(u32),
}

/// One item of the kernel: the units that go alike.
#[derive(Debug, Clone)]
pub struct Item {
    /// Positions of the units in the problem.
    pub units: Vec<usize>,
    /// The path of each option, as positions of slots.
    pub options: Vec<Vec<u32>>,
    /// Rules that paths break, with the number of paths; counted for the unit that breaks first.
    pub breaches: BTreeMap<Rule, usize>,
    /// Paths that the network offers.
    pub offered: usize,
}

/// The kernel's problem with what is needed to read its answer back.
#[derive(Debug)]
pub struct Built {
    /// The kernel's problem.
    pub core: Core,
    /// Its items, in order.
    pub items: Vec<Item>,
    /// The meaning of each row: (slot position, kind).
    pub rows: Vec<(u32, Row)>,
    /// False if some relation has more paths than were searched: then no bound holds.
    pub is_complete: bool,
}

/// Builds the kernel's problem.
pub fn build(problem: &RailProblem) -> Built {
    let index = Index::new(problem);
    let departures = Departures::new(problem);
    let mut relations: BTreeMap<(&str, &str), Paths> = BTreeMap::new();
    let mut items = Vec::new();
    let mut is_complete = true;
    for (units, held) in group(problem, &index) {
        let unit = &problem.units[units[0]];
        let search = |held: &[u32]| {
            paths::between(problem, &departures, held, &unit.origin, &unit.destination)
        };
        let with_facts;
        let offered = if held.is_empty() {
            relations
                .entry((&unit.origin, &unit.destination))
                .or_insert_with(|| search(&[]))
        } else {
            with_facts = search(&held);
            &with_facts
        };
        is_complete &= offered.is_complete;
        items.push(item(problem, units, &held, offered));
    }
    let (rows, capacity) = rows(problem);
    let core = fill(problem, &items, &rows, capacity);
    Built {
        core,
        items,
        rows,
        is_complete,
    }
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

/// Staying first, then every offered path that breaks no rule for any of the units.
fn item(problem: &RailProblem, units: Vec<usize>, held: &[u32], offered: &Paths) -> Item {
    let slot = |&at: &u32| &problem.trains[at as usize];
    let facts: Vec<&TrainSlot> = held.iter().map(slot).collect();
    let mut options = vec![held.to_vec()];
    let mut breaches = BTreeMap::new();
    let mut legs: Vec<&TrainSlot> = Vec::new();
    for offered in &offered.paths {
        legs.clear();
        legs.extend(offered.iter().map(slot));
        let breach = units.iter().find_map(|&unit| {
            rules::first_breach(&Path {
                problem,
                unit: &problem.units[unit],
                held: &facts,
                legs: &legs,
            })
        });
        match breach {
            None => options.push(offered.clone()),
            Some(breach) => *breaches.entry(breach.rule).or_insert(0) += 1,
        }
    }
    Item {
        units,
        options,
        breaches,
        offered: offered.paths.len(),
    }
}

/// Every limit of every train that is not frozen, by slot and kind.
fn rows(problem: &RailProblem) -> (Vec<(u32, Row)>, Vec<i64>) {
    let mut rows = Vec::new();
    for (at, slot) in problem.trains.iter().enumerate() {
        if slot.is_frozen(problem.now_at_min) {
            continue;
        }
        for (kind, (_, limit)) in capacity::limits(slot).into_iter().enumerate() {
            rows.push((at as u32, Row::Room(kind as u8), limit));
        }
        for (nth, limit) in slot.dangerous_limits.iter().enumerate() {
            rows.push((at as u32, Row::DangerousUnits(nth as u32), limit.max_units));
            rows.push((
                at as u32,
                Row::DangerousGross(nth as u32),
                limit.max_gross_kg,
            ));
        }
        for (nth, cut) in problem.load_cuts.iter().enumerate() {
            if cut.train == slot.id {
                rows.push((at as u32, Row::Cut(nth as u32), cut.max_units));
            }
        }
    }
    rows.retain(|(_, _, limit)| *limit != UNLIMITED);
    // A limit below 0 admits nothing, as 0 does.
    let capacity = rows.iter().map(|(_, _, limit)| (*limit).max(0)).collect();
    (
        rows.into_iter().map(|(slot, row, _)| (slot, row)).collect(),
        capacity,
    )
}

/// What `unit` uses of a row.
fn use_of(problem: &RailProblem, unit: &Unit, slot: u32, row: Row) -> i64 {
    let train = &problem.trains[slot as usize];
    match row {
        Row::Room(kind) => capacity::uses(unit)[kind as usize],
        Row::DangerousUnits(nth) => i64::from(train.dangerous_limits[nth as usize].counts(unit)),
        Row::DangerousGross(nth) if train.dangerous_limits[nth as usize].counts(unit) => {
            unit.gross_kg
        }
        Row::DangerousGross(_) => 0,
        Row::Cut(nth) => i64::from(problem.load_cuts[nth as usize].units.contains(&unit.id)),
    }
}

fn fill(problem: &RailProblem, items: &[Item], rows: &[(u32, Row)], capacity: Vec<i64>) -> Core {
    let mut core = Core::new(problem.trains.len(), capacity);
    let mut uses: Vec<Use> = Vec::new();
    for item in items {
        core.push_item();
        let held = &item.options[0];
        for option in &item.options {
            uses.clear();
            for &slot in &option[held.len()..] {
                let start = rows.partition_point(|(train, _)| *train < slot);
                for (nth, &(_, row)) in rows[start..]
                    .iter()
                    .enumerate()
                    .take_while(|(_, r)| r.0 == slot)
                {
                    let units = item.units.iter().map(|&unit| &problem.units[unit]);
                    let amount = units.map(|unit| use_of(problem, unit, slot, row)).sum();
                    uses.push(Use {
                        row: (start + nth) as u32,
                        amount,
                    });
                }
            }
            let cost = price(problem, item, option);
            core.push_option(cost, &option[held.len()..], uses.iter().copied());
        }
    }
    core
}

fn price(problem: &RailProblem, item: &Item, option: &[u32]) -> i64 {
    let slot = |&at: &u32| &problem.trains[at as usize];
    let held: Vec<&TrainSlot> = item.options[0].iter().map(slot).collect();
    let legs: Vec<&TrainSlot> = option.iter().map(slot).collect();
    let of_unit = |&unit: &usize| {
        cost::of_path(&Path {
            problem,
            unit: &problem.units[unit],
            held: &held,
            legs: &legs,
        })
        .total()
    };
    item.units.iter().map(of_unit).sum()
}
