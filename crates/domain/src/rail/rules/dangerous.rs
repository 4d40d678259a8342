//! Dangerous goods on one train: units and kilograms by class.

use crate::rail::problem::{DangerousLimit, TrainSlot};
use crate::rail::unit::Unit;

/// Limits of `train` that `units` exceed together: the limit, units, kilograms.
pub fn overloads<'a>(
    train: &'a TrainSlot,
    units: &'a [&Unit],
) -> impl Iterator<Item = (&'a DangerousLimit, i64, i64)> + 'a {
    train.dangerous_limits.iter().filter_map(|limit| {
        let counted = units.iter().filter(|unit| limit.counts(unit));
        let (count, gross_kg) = counted.fold((0, 0), |(n, kg), unit| (n + 1, kg + unit.gross_kg));
        (count > limit.max_units || gross_kg > limit.max_gross_kg)
            .then_some((limit, count, gross_kg))
    })
}
