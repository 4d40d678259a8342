//! References to positions, for those who must look slots and units up.

use std::collections::BTreeMap;

use super::problem::{RailProblem, TrainSlot};

/// Positions of slots and units by reference.
#[derive(Debug)]
pub struct Index<'p> {
    trains: BTreeMap<&'p str, usize>,
    units: BTreeMap<&'p str, usize>,
}

impl<'p> Index<'p> {
    /// Looks once at every slot and unit.
    pub fn new(problem: &'p RailProblem) -> Self {
        Index {
            trains: by_id(problem.trains.iter().map(|train| train.id.as_str())),
            units: by_id(problem.units.iter().map(|unit| unit.id.as_str())),
        }
    }

    /// The position of a slot.
    pub fn train(&self, id: &str) -> Option<usize> {
        self.trains.get(id).copied()
    }

    /// The position of a unit.
    pub fn unit(&self, id: &str) -> Option<usize> {
        self.units.get(id).copied()
    }

    /// The slots of a path, or `None` if one of them is not in the problem.
    pub fn path(&self, problem: &'p RailProblem, legs: &[String]) -> Option<Vec<&'p TrainSlot>> {
        legs.iter()
            .map(|leg| self.train(leg).map(|train| &problem.trains[train]))
            .collect()
    }
}

fn by_id<'p>(ids: impl Iterator<Item = &'p str>) -> BTreeMap<&'p str, usize> {
    ids.enumerate().map(|(at, id)| (id, at)).collect()
}
