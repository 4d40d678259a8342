//! Capacity rows: every limit of every train that is not frozen.

use std::collections::BTreeSet;

use domain::rail::rules::capacity;
use domain::rail::{LoadCut, RailProblem, UNLIMITED};

use crate::rail::core::Use;

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

/// The rows of a problem, by slot and kind.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The meaning of each row: (slot position, kind).
    pub meaning: Vec<(u32, Row)>,
    /// The capacity of each row.
    pub capacity: Vec<i64>,
    /// Where the rows of each slot start; one more at the end.
    first: Vec<u32>,
    /// Of each load cut, whether it counts a unit.
    members: Vec<Vec<bool>>,
}

impl Rows {
    /// Every limit of every train that is not frozen.
    pub fn new(problem: &RailProblem) -> Self {
        let mut rows = Rows {
            meaning: Vec::new(),
            capacity: Vec::new(),
            first: vec![0],
            members: members(problem),
        };
        for (at, slot) in problem.trains.iter().enumerate() {
            if !slot.is_frozen(problem.now_at_min) {
                rows.push_slot(problem, at);
            }
            rows.first.push(rows.meaning.len() as u32);
        }
        rows
    }

    fn push_slot(&mut self, problem: &RailProblem, at: usize) {
        let slot = &problem.trains[at];
        let mut push = |row, limit: i64| {
            if limit != UNLIMITED {
                self.meaning.push((at as u32, row));
                // A limit below 0 admits nothing, as 0 does.
                self.capacity.push(limit.max(0));
            }
        };
        for (kind, (_, limit)) in capacity::limits(slot).into_iter().enumerate() {
            push(Row::Room(kind as u8), limit);
        }
        for (nth, limit) in slot.dangerous_limits.iter().enumerate() {
            push(Row::DangerousUnits(nth as u32), limit.max_units);
            push(Row::DangerousGross(nth as u32), limit.max_gross_kg);
        }
        for (nth, cut) in problem.load_cuts.iter().enumerate() {
            if cut.train == slot.id {
                push(Row::Cut(nth as u32), cut.max_units);
            }
        }
    }

    /// The rows of a slot.
    pub fn of_slot(&self, slot: u32) -> std::ops::Range<usize> {
        self.first[slot as usize] as usize..self.first[slot as usize + 1] as usize
    }

    /// The rows of a slot's room, each with its kind: 0 TEU, 1 length, 2 tonnes.
    pub fn rooms(&self, slot: u32) -> impl Iterator<Item = (usize, u8)> + '_ {
        self.of_slot(slot)
            .filter_map(|row| match self.meaning[row].1 {
                Row::Room(kind) => Some((row, kind)),
                _ => None,
            })
    }

    /// What units use of a slot's rows, 0 included.
    pub fn uses<'a>(
        &'a self,
        problem: &'a RailProblem,
        units: &'a [usize],
        slot: u32,
    ) -> impl Iterator<Item = Use> + 'a {
        self.of_slot(slot).map(move |row| Use {
            row: row as u32,
            amount: units
                .iter()
                .map(|&unit| self.use_of(problem, unit, slot, self.meaning[row].1))
                .sum(),
        })
    }

    /// The load cuts that count a unit, by position.
    pub fn cuts_of(&self, unit: usize) -> Vec<u32> {
        let cuts = self.members.iter().enumerate();
        let counts = cuts.filter(|(_, members)| members[unit]);
        counts.map(|(cut, _)| cut as u32).collect()
    }

    /// What the unit at this position uses of a row.
    fn use_of(&self, problem: &RailProblem, at: usize, slot: u32, row: Row) -> i64 {
        let train = &problem.trains[slot as usize];
        let unit = &problem.units[at];
        match row {
            Row::Room(kind) => capacity::uses(unit)[kind as usize],
            Row::DangerousUnits(nth) => {
                i64::from(train.dangerous_limits[nth as usize].counts(unit))
            }
            Row::DangerousGross(nth) if train.dangerous_limits[nth as usize].counts(unit) => {
                unit.gross_kg
            }
            Row::DangerousGross(_) => 0,
            Row::Cut(nth) => i64::from(self.members[nth as usize][at]),
        }
    }
}

fn members(problem: &RailProblem) -> Vec<Vec<bool>> {
    let of_cut = |cut: &LoadCut| {
        let counted: BTreeSet<&str> = cut.units.iter().map(String::as_str).collect();
        let units = problem.units.iter();
        units
            .map(|unit| counted.contains(unit.id.as_str()))
            .collect()
    };
    problem.load_cuts.iter().map(of_cut).collect()
}
