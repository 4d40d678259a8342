//! What one planning run leaves for the next.

use std::collections::BTreeMap;

use domain::rail::{RailPlan, RailProblem};

use super::build::Built;
use super::network::{Network, Party};
use super::rows::Row;

/// The duals and the plan of the last run, by reference, so that they survive a changed problem.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Warm {
    /// The price of a whole capacity row: (slot, kind of row) to money.
    pub prices: BTreeMap<(String, Row), f64>,
    /// The plan, to start from; stability is priced by each unit's `previous`, not by this.
    pub plan: RailPlan,
}

impl Warm {
    /// The price of each row of a new problem, 0 where nothing is known.
    pub fn row_prices(&self, problem: &RailProblem, rows: &[(u32, Row)]) -> Vec<f64> {
        let price = |(slot, row): &(u32, Row)| {
            let id = problem.trains[*slot as usize].id.clone();
            self.prices.get(&(id, *row)).copied().unwrap_or(0.0)
        };
        rows.iter().map(price).collect()
    }

    /// Keeps the prices of a solved problem.
    pub fn keep(problem: &RailProblem, built: &Built, prices: &[f64], plan: &RailPlan) -> Self {
        let rows = built.rows.iter().zip(prices);
        let keyed = rows
            .filter(|(_, price)| **price > 0.0)
            .map(|((slot, row), price)| {
                ((problem.trains[*slot as usize].id.clone(), *row), *price)
            });
        Warm {
            prices: keyed.collect(),
            plan: plan.clone(),
        }
    }

    /// The option of each item that the last plan took, where it is still one.
    pub fn choice(&self, problem: &RailProblem, built: &Built) -> Vec<Option<u32>> {
        let last = self.last();
        let of_item = |(at, item): (usize, &super::build::Item)| {
            let unit = &problem.units[item.units[0]];
            let legs = last.get(unit.id.as_str()).copied().unwrap_or_default();
            let mut paths = item.options.iter();
            let option = paths.position(|path| is_same(problem, path, legs))?;
            Some((built.core.options_of(at).start + option) as u32)
        };
        built.items.iter().enumerate().map(of_item).collect()
    }

    /// The path of each party that the last plan took, where the network still has it.
    pub fn paths(&self, problem: &RailProblem, network: &Network) -> Vec<Option<u32>> {
        let last = self.last();
        let of_party = |party: &Party| {
            let unit = &problem.units[party.units[0]];
            let legs = last.get(unit.id.as_str())?;
            let relation = network.profiles[party.profile].relation;
            let mut paths = network.relations[relation].paths.iter();
            let path = paths.position(|path| is_same(problem, path, legs))?;
            Some(path as u32)
        };
        network.parties.iter().map(of_party).collect()
    }

    fn last(&self) -> BTreeMap<&str, &[String]> {
        let assignments = self.plan.assignments.iter();
        assignments
            .map(|assigned| (assigned.unit.as_str(), assigned.legs.as_slice()))
            .collect()
    }
}

fn is_same(problem: &RailProblem, path: &[u32], legs: &[String]) -> bool {
    path.len() == legs.len()
        && path
            .iter()
            .zip(legs)
            .all(|(&slot, id)| problem.trains[slot as usize].id == *id)
}
