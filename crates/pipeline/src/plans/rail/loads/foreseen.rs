//! What level 1 knows of the wagons before anything is loaded.

use std::collections::BTreeMap;

use domain::rail::wagons::Consist;
use domain::rail::{LoadCut, RailProblem};
use optimise::rail::load::foresight::{Held, foresee};

use super::super::inputs::Inputs;
use super::super::rules::RailRules;
use super::Loads;

/// What was foreseen for the present plan. It follows from the inputs, so it is not saved.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    held: BTreeMap<String, Held>,
    pub(super) cuts: Vec<LoadCut>,
}

impl Foreseen {
    /// What the plan knew of a train.
    pub(super) fn in_words(&self, train: &str) -> impl Iterator<Item = String> {
        let held = self.held.get(train).map(|held| {
            let mut limits = Vec::new();
            let mut limit = |amount: i64, unit: &str| {
                if amount < domain::rail::UNLIMITED {
                    limits.push(format!("{amount} {unit}"));
                }
            };
            limit(held.teu_quarters, "quarters of a TEU");
            limit(held.length_dm, "dm of units");
            limit(held.gross_kg, "kg");
            format!("its wagons hold {} at most", limits.join(", "))
        });
        held.into_iter()
    }
}

impl Loads {
    /// Lowers the limits of trains that close soon to what their wagons hold. Where everybody shows up (`is_sure`), cuts by
    /// length and mass go with that; else more may be booked than can stand, and only what is aboard in the end is loaded.
    pub fn foresee(
        &mut self,
        inputs: &Inputs,
        problem: &mut RailProblem,
        rules: &RailRules,
        is_sure: bool,
    ) {
        let due = Self::due(inputs, problem, rules);
        let consists: BTreeMap<String, Consist> = due
            .map(|(slot, consist)| (slot.id.clone(), consist))
            .collect();
        let found = foresee(problem, &consists);
        self.foreseen = Foreseen {
            held: found.held,
            cuts: if is_sure { found.cuts } else { Vec::new() },
        };
        problem.load_cuts = self.cuts(problem);
    }
}
