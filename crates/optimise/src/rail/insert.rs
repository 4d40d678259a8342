//! Chains that bring an item onto a train: it takes the place of another, which takes the place of a third.
//!
//! After a change a plan is mostly right, and a few items have lost their place. For each of them the cheapest chain is
//! looked for, over the options that prices bring near; only then does the search begin.

use super::active::Active;
use super::core::Core;
use super::state::State;

/// Options of an item that are looked at.
const NEAR: usize = 6;
/// Chains of one link that are followed to a second.
const FOLLOWED: usize = 12;

/// Shifts that together cost less: (item, option).
#[derive(Debug, Clone, Default)]
struct Chain {
    dearer: i64,
    links: Vec<(u32, u32)>,
}

/// Gives each of `items` (options in play by reduced cost) the cheapest chain that makes the plan cheaper.
pub fn insert(
    core: &Core,
    active: &Active,
    state: &mut State,
    items: &[u32],
    stop: &dyn Fn() -> bool,
) {
    for &item in items {
        if stop() {
            break;
        }
        let mut best = Chain::default();
        follow(core, active, state, &mut vec![], item, 0, &mut best);
        for (item, option) in best.links {
            state.shift(core, item, option);
        }
    }
}

/// Tries the near options of `item`, which must leave its place; `links` are made already, at `dearer` in all.
fn follow(
    core: &Core,
    active: &Active,
    state: &mut State,
    links: &mut Vec<(u32, u32)>,
    item: u32,
    dearer: i64,
    best: &mut Chain,
) {
    let now = state.choice[item as usize];
    for &option in active.of(item as usize).iter().take(NEAR) {
        if option == now {
            continue;
        }
        let dearer = dearer + core.cost(option as usize) - core.cost(now as usize);
        links.push((item, option));
        if state.fits_instead(core, now, option) {
            keep(links, dearer, best);
        } else {
            state.shift(core, item, option);
            eject(core, active, state, links, dearer, best);
            state.shift(core, item, now);
        }
        links.pop();
    }
}

/// The last link has overfilled a train: who aboard could make room, and go where?
fn eject(
    core: &Core,
    active: &Active,
    state: &mut State,
    links: &mut Vec<(u32, u32)>,
    dearer: i64,
    best: &mut Chain,
) {
    let Some(&(_, option)) = links.last() else {
        return;
    };
    let Some(row) = state.overfull(core, option) else {
        return;
    };
    let train = core.train_of_rows()[row as usize];
    let mut ways: Vec<(i64, u32, u32)> = Vec::new();
    for &victim in state.aboard(train as usize) {
        let old = state.choice[victim as usize];
        if links.iter().any(|link| link.0 == victim) || !relieves(core, state, option, old) {
            continue;
        }
        for &way in active.of(victim as usize).iter().take(NEAR) {
            let dearer = dearer + core.cost(way as usize) - core.cost(old as usize);
            if way == old || dearer >= best.dearer || core.legs(way as usize).contains(&train) {
                continue;
            }
            if state.fits_instead(core, old, way) {
                links.push((victim, way));
                keep(links, dearer, best);
                links.pop();
            } else {
                ways.push((dearer, victim, way));
            }
        }
    }
    if links.len() > 1 {
        return;
    }
    ways.sort_unstable();
    for &(dearer, victim, way) in ways.iter().take(FOLLOWED) {
        let old = state.shift(core, victim, way);
        links.push((victim, way));
        eject(core, active, state, links, dearer, best);
        links.pop();
        state.shift(core, victim, old);
    }
}

/// True if `option`, which overfills its trains, would not once nobody goes by `other`.
fn relieves(core: &Core, state: &State, option: u32, other: u32) -> bool {
    let freed = core.uses(other as usize);
    core.uses(option as usize).iter().all(|used| {
        let freed = freed.iter().find(|freed| freed.row == used.row);
        state.room[used.row as usize] + freed.map_or(0, |freed| freed.amount) >= 0
    })
}

fn keep(links: &[(u32, u32)], dearer: i64, best: &mut Chain) {
    if dearer < best.dearer {
        best.dearer = dearer;
        best.links.clear();
        best.links.extend_from_slice(links);
    }
}

#[cfg(test)]
mod tests {
    use super::insert;
    use crate::rail::active::Active;
    use crate::rail::core::{Core, Use};
    use crate::rail::state::State;

    /// Three trains for one item each: the newcomer fits only if two others move up.
    #[test]
    fn a_chain_of_three_makes_room() {
        let mut core = Core::new(3, vec![1, 1, 1], vec![0, 1, 2]);
        for (train, cost, next) in [(0, 10, 100), (0, 10, 12), (1, 10, 12)] {
            core.push_item();
            let uses = |row| [Use { row, amount: 1 }];
            core.push_option(cost, &[train], uses(train));
            core.push_option(next, &[(train + 1) % 3], uses((train + 1) % 3));
            core.push_option(1_000, &[], []);
        }
        let mut state = State::new(&core, &[2, 3, 6]);
        insert(&core, &Active::new(&core), &mut state, &[0], &|| false);
        assert_eq!(state.choice, [0, 4, 7]);
        assert!(state.room.iter().all(|&room| room >= 0));
        assert_eq!(state.value, 34);
    }
}
