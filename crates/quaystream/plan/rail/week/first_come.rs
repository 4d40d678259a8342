//! First come, first served.

use domain::rail::{RailPlan, RailProblem};
use optimise::rail::full::build::Built;

/// Keeps what was planned where it can stay; everyone else takes the path that arrives first and has room, in order of
/// announcement.
pub(super) fn first_come(view: &RailProblem, built: &Built) -> RailPlan {
    let core = &built.core;
    let mut room = core.capacity().to_vec();
    let mut choice = vec![0; built.items.len()];
    let mut open = Vec::new();
    let take = |option: usize, room: &mut Vec<i64>| {
        core.uses(option)
            .iter()
            .for_each(|used| room[used.row as usize] -= used.amount);
        option as u32
    };
    for (at, item) in built.items.iter().enumerate() {
        let unit = &view.units[item.units[0]];
        let is_previous = |path: &Vec<u32>| {
            path.len() == unit.previous.len()
                && path
                    .iter()
                    .zip(&unit.previous)
                    .all(|(&slot, id)| view.trains[slot as usize].id == *id)
        };
        let first = core.options_of(at).start;
        choice[at] = first as u32;
        match item.options.iter().position(is_previous) {
            Some(option) if option > 0 && core.fits(&room, first + option) => {
                choice[at] = take(first + option, &mut room);
            }
            _ => open.push(at),
        }
    }
    for at in open {
        let first = core.options_of(at).start;
        let mut paths: Vec<usize> = (1..built.items[at].options.len()).collect();
        let arrival = |&option: &usize| {
            let last = built.items[at].options[option].last();
            last.map_or(i64::MAX, |&slot| view.trains[slot as usize].arrival_at_min)
        };
        paths.sort_by_key(arrival);
        if let Some(option) = paths
            .into_iter()
            .find(|&option| core.fits(&room, first + option))
        {
            choice[at] = take(first + option, &mut room);
        }
    }
    optimise::rail::full::read_back::plan(view, built, &choice)
}
