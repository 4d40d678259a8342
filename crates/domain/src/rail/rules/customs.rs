//! Customs releases the unit before it leaves the first terminal.

use super::{Breach, Path, Rule};
use crate::rail::cut_off::CutOffKind;
use crate::rail::unit::Customs;

/// Held units cannot be planned; an expected release must come before the CUA cut-off, or the departure.
pub fn breach(path: &Path) -> Option<Breach> {
    let first = path.legs.first().filter(|_| path.held.is_empty())?;
    let limit = first
        .cut_offs
        .iter()
        .filter(|cut_off| cut_off.kind == CutOffKind::Customs)
        .map(|cut_off| cut_off.at_min)
        .fold(first.departure_at_min, i64::min);
    match path.unit.customs {
        Customs::Released => None,
        Customs::Expected(at) if at <= limit => None,
        Customs::Expected(at) => Some(Breach::new(Rule::Customs, 0, at, limit)),
        Customs::Held => Some(Breach::new(Rule::Customs, 0, i64::MAX, limit)),
    }
}
