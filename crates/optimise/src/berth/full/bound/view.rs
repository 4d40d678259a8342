//! What an option costs at given prices, and the cheapest one of a call.

use super::ascent::SCALE_BITS;
use super::options::{Group, Options, Profile};
use super::prices::{Layout, Pair, Prefix};

/// What a call chose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub group: u32,
    pub start: u32,
    /// Scaled cost with prices.
    pub cost: i64,
}

pub(super) const LEFT_OUT: u32 = u32::MAX;
/// Scaled price of leaving a call out where that is excluded.
const NEVER: i64 = 1 << 60;

/// The number of the berth that a row of the prefix sums belongs to: so many more rows have the sums than the prices.
pub(super) fn berth_of_row(layout: &Layout, row: u32) -> usize {
    let first_of = |number: usize| layout.berths[number].0 + number as u32;
    (0..layout.berths.len())
        .rev()
        .find(|number| first_of(*number) <= row)
        .unwrap_or(0)
}

/// One group with the prices that it meets.
pub(super) struct View<'a> {
    pub profile: &'a Profile,
    pub place_cost: i64,
    below: &'a [i64],
    above: &'a [i64],
    cranes: Option<&'a [i64]>,
    barge: Option<&'a [i64]>,
    travel_slots: usize,
    pairs: &'a [Pair],
    pair_slots: &'a [u32],
    prefix: &'a Prefix,
    layout: &'a Layout,
}

impl<'a> View<'a> {
    pub fn new(
        group: &'a Group,
        profiles: &'a [Profile],
        (barge, pairs): (Option<u32>, &'a [Pair]),
        prefix: &'a Prefix,
        layout: &'a Layout,
    ) -> Self {
        let profile = &profiles[group.profile as usize];
        let (below, above) = prefix.pair(group.row_from, group.row_to);
        View {
            profile,
            place_cost: group.place_cost,
            below,
            above,
            cranes: (profile.cranes > 0).then(|| prefix.other(layout.crane_row + profile.quay)),
            barge: barge.map(|row| prefix.other(row)),
            travel_slots: group.travel_slots as usize,
            pairs,
            pair_slots: &group.pair_slots,
            prefix,
            layout,
        }
    }

    /// Scaled cost of a start with prices.
    #[inline]
    pub fn cost(&self, number: u32) -> i64 {
        let start = &self.profile.starts[number as usize];
        let (from, to) = (start.from as usize, start.to as usize);
        let mut cost = (start.cost + self.place_cost) << SCALE_BITS;
        cost += (self.above[to] - self.below[to]) - (self.above[from] - self.below[from]);
        if let Some(cranes) = self.cranes {
            cost += i64::from(self.profile.cranes) * (cranes[to] - cranes[from]);
        }
        if let Some(barge) = self.barge {
            cost += barge[(to + self.travel_slots).min(self.layout.active)] - barge[from];
        }
        for (pair, travel_slots) in self.pairs.iter().zip(self.pair_slots) {
            let sums = self.prefix.other(pair.row);
            let (first, last) =
                self.layout
                    .pair_slots(pair.side, start.from, start.to, *travel_slots);
            cost += sums[last] - sums[first];
        }
        cost
    }
}

/// The cheapest option at the current prices. Groups come ascending by floor, and prices only add.
pub(super) fn cheapest(options: &Options, prefix: &Prefix, layout: &Layout) -> Choice {
    let mut best = Choice {
        group: LEFT_OUT,
        start: 0,
        cost: options.price.map_or(NEVER, |price| price << SCALE_BITS),
    };
    let rows = (options.barge, &options.pairs[..]);
    for (number, group) in options.groups.iter().enumerate() {
        if group.floor << SCALE_BITS >= best.cost {
            break;
        }
        let view = View::new(group, &options.profiles, rows, prefix, layout);
        for start in &group.starts {
            let cost = view.cost(*start);
            if cost < best.cost {
                best = Choice {
                    group: number as u32,
                    start: *start,
                    cost,
                };
            }
        }
    }
    best
}
