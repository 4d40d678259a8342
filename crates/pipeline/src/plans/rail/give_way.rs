//! Who would have to give way for the units that found no room. To look for that costs up to some milliseconds a unit, so
//! a run looks for a bounded number of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use domain::rail::RolledOver;
use optimise::rail::explain::give_way::GiveWay;
use optimise::rail::explain::{Alternative, Explainer, Explanation, Obstacle};

/// By unit, the cheapest of its ways that is barred by nothing but the room that others have, and who would have to give it
/// up. `units_max` units are looked at: those whose staying is dearest.
pub fn ways<'a>(
    explainer: &Explainer<'_>,
    rolled_over: &'a [(&RolledOver, Explanation)],
    units_max: usize,
) -> BTreeMap<&'a str, (Vec<String>, GiveWay)> {
    let barred = rolled_over.iter().filter_map(|(rolled, found)| {
        let ways = found.others.iter().filter(|way| is_for_room(way));
        let way = ways.min_by_key(|way| way.price)?;
        Some((found.taken.price, rolled.unit.as_str(), way))
    });
    let mut barred: Vec<(i64, &str, &Alternative)> = barred.collect();
    barred.sort_by_key(|(price, unit, _)| (Reverse(*price), *unit));
    barred.truncate(units_max);
    let found = |(_, unit, way): (i64, &'a str, &Alternative)| {
        let gives = explainer.give_way(unit, &way.legs)?;
        Some((unit, (way.legs.clone(), gives)))
    };
    barred.into_iter().filter_map(found).collect()
}

/// True if others have the room, and nothing else stands in the way.
fn is_for_room(way: &Alternative) -> bool {
    let is_room = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Room { .. });
    !way.obstacles.is_empty() && way.obstacles.iter().all(is_room)
}
