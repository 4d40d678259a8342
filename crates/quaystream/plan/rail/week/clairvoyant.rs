//! What nobody can beat: the most units on time if all that comes were known beforehand.

use optimise::budget::Budget;
use optimise::rail::core::Core;
use optimise::rail::full::build::build;
use optimise::rail::kernel;

use super::Week;

/// What a unit that is not on time costs here: the bound is then exact to a thousandth of a unit.
const LATE: i64 = 1_000;
/// Moves of the search; the bound hangs on them but little.
const MOVES: u64 = 40_000;
/// Who changes trains may have been planned by a timetable that was later than the truth.
const LONGER_CHANGE_MIN: i64 = 24 * 60;

/// A proven upper bound on the units that can arrive on time, and how many have a due time and come at all. Bookings may
/// part, prices do not matter: every week that can be run is one of these.
pub(super) fn most_on_time(week: &Week, seed: u64) -> (u64, u64) {
    let mut world = week.truth();
    world.weights.max_change_min += LONGER_CHANGE_MIN;
    let mut fates = week.fates.iter();
    world.units.retain(|unit| {
        fates.next().is_some_and(|fate| !fate.is_no_show) && unit.due_at_min.is_some()
    });
    for unit in &mut world.units {
        unit.keep_together = None;
    }
    let built = build(&world);
    let mut core = Core::new(
        world.trains.len(),
        built.core.capacity().to_vec(),
        built.core.train_of_rows().to_vec(),
    );
    for (at, item) in built.items.iter().enumerate() {
        core.push_item();
        for (path, option) in item.options.iter().zip(built.core.options_of(at)) {
            let arrival = path
                .last()
                .map(|&slot| world.trains[slot as usize].arrival_at_min);
            let is_on_time = |unit: &usize| {
                let due = world.units[*unit].due_at_min;
                arrival
                    .zip(due)
                    .is_some_and(|(arrival, due)| arrival <= due)
            };
            let late = item.units.iter().filter(|unit| !is_on_time(unit)).count() as i64;
            core.push_option(
                LATE * late,
                built.core.legs(option),
                built.core.uses(option).iter().copied(),
            );
        }
    }
    let due = world.units.len() as u64;
    let bound = kernel::solve(&core, None, seed, &Budget::iterations(MOVES))
        .answer
        .bound;
    let late = bound.div_euclid(LATE) + i64::from(bound.rem_euclid(LATE) > 0);
    (due.saturating_sub(late.max(0) as u64), due)
}
