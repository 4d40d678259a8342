//! Cuts that loading has taught: of certain units at most so many fit on a train together.

use crate::rail::problem::LoadCut;
use crate::rail::unit::Unit;

/// How many of `units` (all on the train of the cut) the cut counts.
pub fn counted(cut: &LoadCut, units: &[&Unit]) -> i64 {
    let counted = units.iter().filter(|unit| cut.units.contains(&unit.id));
    counted.count() as i64
}
