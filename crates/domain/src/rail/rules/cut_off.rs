//! Cut-offs by kind. On later legs "stands in the terminal" means that the train before has arrived.

use super::{Breach, Path, Rule};
use crate::rail::cut_off::{CutOff, CutOffKind};
use crate::rail::unit::{Milestone, Unit};

/// Does this kind ask where the unit stands (rather than for papers)?
pub fn is_physical(kind: CutOffKind) -> bool {
    matches!(
        kind,
        CutOffKind::FullDelivery
            | CutOffKind::Terminal
            | CutOffKind::Reefer
            | CutOffKind::OutOfGauge
    )
}

/// When what a cut-off of leg `leg` asks for happens; none if it does not concern the unit.
fn met_at(unit: &Unit, kind: CutOffKind, before_arrives: Option<i64>) -> Option<Milestone> {
    let milestone = unit.milestone(kind)?;
    match before_arrives {
        Some(arrival) if is_physical(kind) => Some(Milestone::At(arrival)),
        _ => Some(milestone),
    }
}

/// Every cut-off of every further leg: met in time, or unknown and still ahead.
pub fn breach(path: &Path) -> Option<Breach> {
    for (leg, slot) in path.legs.iter().enumerate().skip(path.held.len()) {
        let before_arrives = leg.checked_sub(1).map(|l| path.legs[l].arrival_at_min);
        for CutOff { kind, at_min } in &slot.cut_offs {
            let needed = match met_at(path.unit, *kind, before_arrives) {
                Some(Milestone::At(at)) => at,
                Some(Milestone::Unknown) => path.problem.now_at_min,
                None => continue,
            };
            if needed > *at_min {
                return Some(Breach::new(Rule::CutOff(*kind), leg, needed, *at_min));
            }
        }
    }
    None
}

/// How many cut-offs of the further legs hang on a milestone that is unknown.
pub fn unknown(path: &Path) -> i64 {
    let further = path.legs.iter().skip(path.held.len());
    further
        .flat_map(|slot| &slot.cut_offs)
        .filter(|cut_off| path.unit.milestone(cut_off.kind) == Some(Milestone::Unknown))
        .count() as i64
}
