//! Each berth as a graph over time: an arc is a stay of one ship from one slot to another, waiting is free. A path is a
//! sequence of stays; without the rule that each ship comes once, the cheapest path is a dynamic programme.

use super::instance::Instance;

/// Costs and prices in fixed point: 1/1024 of a cost unit.
pub(super) const SCALE_BITS: u32 = 10;

/// One possible stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc {
    /// Cost less the price of no stay, unscaled.
    pub cost: i64,
    pub ship: u16,
    /// Slots, counted from the instance's first.
    pub start: u16,
    pub end: u16,
}

/// All arcs that may still be in an improving plan, by berth, ascending by start.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    pub berths: Vec<Vec<Arc>>,
    pub slots: usize,
}

impl Graph {
    /// Every stay that ends by the option's limit and costs no more than its floor plus `slack`.
    pub fn new(instance: &Instance, slack: i64) -> Self {
        let slots = (instance.last_slot - instance.first_slot) as usize + 1;
        let mut berths = vec![Vec::new(); instance.berths];
        for (ship, options) in instance.options.iter().enumerate() {
            for option in options {
                let weight = instance.weight[ship].max(1);
                let own = option.floor - instance.price[ship];
                let spare =
                    slack.saturating_sub(instance_floor_gap(instance, ship, option.floor)) / weight;
                let last = i64::from(option.end_to - option.handling)
                    .min(i64::from(option.start_from) + spare);
                for start in i64::from(option.start_from)..=last {
                    let start_slot = (start - i64::from(instance.first_slot)) as u16;
                    berths[usize::from(option.berth)].push(Arc {
                        cost: own + weight * (start - i64::from(option.start_from)),
                        ship: ship as u16,
                        start: start_slot,
                        end: start_slot + option.handling as u16,
                    });
                }
            }
        }
        for arcs in &mut berths {
            arcs.sort_unstable_by_key(|arc| (arc.start, arc.ship, arc.end));
        }
        Graph { berths, slots }
    }

    pub fn arcs(&self) -> usize {
        self.berths.iter().map(Vec::len).sum()
    }

    /// The work of one bound iteration, in search iterations.
    pub fn effort(&self) -> u64 {
        (self.arcs() + self.berths.len() * self.slots) as u64 / 2500 + 1
    }
}

/// How much a place costs above the ship's cheapest.
fn instance_floor_gap(instance: &Instance, ship: usize, floor: i64) -> i64 {
    instance.options[ship]
        .first()
        .map_or(0, |best| floor - best.floor)
}

/// No arc: wait one slot.
const WAIT: u32 = u32::MAX;

/// Labels of one berth's cheapest paths.
#[derive(Debug, Default, Clone)]
pub(super) struct Labels {
    /// Cost from a slot to the end.
    pub to_end: Vec<i64>,
    /// Cost from the beginning to a slot.
    from_start: Vec<i64>,
    choice: Vec<u32>,
}

impl Labels {
    /// The cheapest path's cost, scaled, under the ships' prices `lambda`.
    pub fn solve(&mut self, arcs: &[Arc], slots: usize, lambda: &[i64]) -> i64 {
        self.to_end.clear();
        self.to_end.resize(slots + 1, 0);
        self.choice.clear();
        self.choice.resize(slots + 1, WAIT);
        let (to_end, choice) = (&mut self.to_end[..=slots], &mut self.choice[..=slots]);
        let mut filled = slots;
        let mut best = 0;
        let mut chosen = WAIT;
        for (number, arc) in arcs.iter().enumerate().rev() {
            let start = usize::from(arc.start);
            if start < filled {
                to_end[filled] = best;
                choice[filled] = chosen;
                filled -= 1;
                while filled > start {
                    to_end[filled] = best;
                    filled -= 1;
                }
                chosen = WAIT;
            }
            let cost = (arc.cost << SCALE_BITS) - lambda[usize::from(arc.ship)]
                + to_end[usize::from(arc.end)];
            if cost < best {
                best = cost;
                chosen = number as u32;
            }
        }
        to_end[filled] = best;
        choice[filled] = chosen;
        for label in &mut to_end[..filled] {
            *label = best;
        }
        best
    }

    /// Calls `visit` with each arc of the path that the last `solve` found.
    pub fn path(&self, arcs: &[Arc], mut visit: impl FnMut(&Arc)) {
        let mut slot = 0;
        while slot < self.choice.len() {
            match self.choice[slot] {
                WAIT => slot += 1,
                number => {
                    let arc = &arcs[number as usize];
                    visit(arc);
                    slot = usize::from(arc.end);
                }
            }
        }
    }

    /// After `solve`: keeps the arcs through which a path costs at most `spare` more than the cheapest.
    pub fn fix(&mut self, arcs: &mut Vec<Arc>, slots: usize, lambda: &[i64], spare: i64) {
        self.from_start.clear();
        self.from_start.resize(slots + 1, i64::MAX);
        self.from_start[0] = 0;
        let best = self.to_end[0];
        let (from_start, to_end) = (&mut self.from_start[..=slots], &self.to_end[..=slots]);
        let mut filled = 0;
        arcs.retain(|arc| {
            let start = usize::from(arc.start);
            while filled < start {
                filled += 1;
                from_start[filled] = from_start[filled].min(from_start[filled - 1]);
            }
            let cost = from_start[start] + (arc.cost << SCALE_BITS) - lambda[usize::from(arc.ship)];
            let end = usize::from(arc.end);
            from_start[end] = from_start[end].min(cost);
            cost + to_end[end] - best <= spare
        });
    }
}
