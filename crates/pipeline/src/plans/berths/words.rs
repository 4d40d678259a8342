//! Stays as planners read them.

use domain::berth::{BerthProblem, Stay};

use crate::plans::times::{instant_us, text};

/// A place and a time.
pub fn stay(problem: &BerthProblem, stay: &Stay, epoch_us: i64) -> String {
    let length_m = problem.calls[stay.call].length_m;
    format!(
        "{} {}-{} m, {} to {}",
        problem.berths[stay.berth].id,
        stay.from_m,
        stay.from_m + length_m,
        text(instant_us(epoch_us, stay.start_min)),
        text(instant_us(epoch_us, stay.end_min))
    )
}
