//! Each berth as a graph over time: an arc is a stay of one ship from one slot to another, waiting is free. A path is a
//! sequence of stays; without the rule that each ship comes once, the cheapest path is a dynamic programme.

use super::instance::Instance;

/// Costs and prices in fixed point: 1/1024 of a cost unit.
pub(super) const SCALE_BITS: u32 = 10;

/// Most arcs: about 300 MB. Problems with more keep the bound of the floors.
const ARCS_MAX: usize = 12_000_000;

/// Arcs that cost as much time as one iteration of the search.
const EFFORT_ARCS: u64 = 1200;

/// One possible stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc {
    /// Cost less the price of no stay, scaled.
    pub cost: i64,
    /// Position of the first arc of the berth that starts at or after `end`.
    pub next: u32,
    pub ship: u16,
    /// Slots, counted from the instance's first.
    pub start: u16,
    pub end: u16,
}

/// All arcs that may still be in an improving plan, by berth, ascending by start.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    pub berths: Vec<Vec<Arc>>,
}

impl Graph {
    /// Every stay that ends by the option's limit and costs no more than its floor plus `slack`; none if they are too many.
    pub fn new(instance: &Instance, slack: i64) -> Option<Self> {
        let mut berths = vec![Vec::new(); instance.berths];
        let mut count = 0;
        for (ship, options) in instance.options.iter().enumerate() {
            let weight = instance.weight[ship].max(1);
            for option in options {
                let own = option.floor - instance.price[ship];
                let spare =
                    slack.saturating_sub(instance_floor_gap(instance, ship, option.floor)) / weight;
                let last = i64::from(option.end_to - option.handling)
                    .min(i64::from(option.start_from) + spare);
                count += (last - i64::from(option.start_from) + 1).max(0) as usize;
                if count > ARCS_MAX {
                    return None;
                }
                for start in i64::from(option.start_from)..=last {
                    let start_slot = (start - i64::from(instance.first_slot)) as u16;
                    berths[usize::from(option.berth)].push(Arc {
                        cost: (own + weight * (start - i64::from(option.start_from))) << SCALE_BITS,
                        next: 0,
                        ship: ship as u16,
                        start: start_slot,
                        end: start_slot + option.handling as u16,
                    });
                }
            }
        }
        for arcs in &mut berths {
            arcs.sort_unstable_by_key(|arc| (arc.start, arc.ship, arc.end));
            link(arcs);
        }
        Some(Graph { berths })
    }

    pub fn arcs(&self) -> usize {
        self.berths.iter().map(Vec::len).sum()
    }

    /// The work of one bound iteration, in search iterations.
    pub fn effort(&self) -> u64 {
        self.arcs() as u64 / EFFORT_ARCS + 1
    }
}

/// How much a place costs above the ship's cheapest.
fn instance_floor_gap(instance: &Instance, ship: usize, floor: i64) -> i64 {
    instance.options[ship]
        .first()
        .map_or(0, |best| floor - best.floor)
}

/// Sets `next` of the arcs of one berth, which must be ascending by start.
pub(super) fn link(arcs: &mut [Arc]) {
    let slots = arcs
        .iter()
        .map(|arc| usize::from(arc.end))
        .max()
        .unwrap_or(0);
    let mut first_from = vec![arcs.len() as u32; slots + 2];
    for (number, arc) in arcs.iter().enumerate().rev() {
        first_from[usize::from(arc.start)] = number as u32;
    }
    for slot in (0..=slots).rev() {
        first_from[slot] = first_from[slot].min(first_from[slot + 1]);
    }
    for arc in arcs {
        arc.next = first_from[usize::from(arc.end)];
    }
}

/// Labels of one berth's cheapest paths.
#[derive(Debug, Default, Clone)]
pub(super) struct Labels {
    /// Cost of the cheapest path that begins with this arc or a later one.
    to_end: Vec<i64>,
    /// The first arc of that path.
    first: Vec<u32>,
    /// Cost from the beginning to a slot.
    from_start: Vec<i64>,
}

impl Labels {
    /// The cheapest path's cost, scaled, under the ships' prices `lambda`.
    pub fn solve(&mut self, arcs: &[Arc], lambda: &[i64]) -> i64 {
        self.to_end.resize(arcs.len() + 1, 0);
        self.first.resize(arcs.len() + 1, 0);
        let (to_end, first) = (
            &mut self.to_end[..=arcs.len()],
            &mut self.first[..=arcs.len()],
        );
        let (mut best, mut chosen) = (0, arcs.len() as u32);
        to_end[arcs.len()] = best;
        first[arcs.len()] = chosen;
        for (number, arc) in arcs.iter().enumerate().rev() {
            let cost = arc.cost - lambda[usize::from(arc.ship)] + to_end[arc.next as usize];
            if cost < best {
                best = cost;
                chosen = number as u32;
            }
            to_end[number] = best;
            first[number] = chosen;
        }
        best
    }

    /// Calls `visit` with each arc of the path that the last `solve` found.
    pub fn path(&self, arcs: &[Arc], mut visit: impl FnMut(&Arc)) {
        let mut number = 0;
        while let Some(arc) = self
            .first
            .get(number)
            .and_then(|first| arcs.get(*first as usize))
        {
            visit(arc);
            number = arc.next as usize;
        }
    }

    /// After `solve`: keeps the arcs through which a path costs at most `spare` more than the cheapest.
    pub fn fix(&mut self, arcs: &mut Vec<Arc>, lambda: &[i64], spare: i64) {
        let slots = arcs
            .iter()
            .map(|arc| usize::from(arc.end))
            .max()
            .unwrap_or(0);
        self.from_start.clear();
        self.from_start.resize(slots + 1, 0);
        let best = self.to_end[0];
        let (from_start, to_end) = (&mut self.from_start[..=slots], &self.to_end[..]);
        let mut filled = 0;
        arcs.retain(|arc| {
            let start = usize::from(arc.start);
            while filled < start {
                filled += 1;
                from_start[filled] = from_start[filled].min(from_start[filled - 1]);
            }
            let cost = from_start[start] + arc.cost - lambda[usize::from(arc.ship)];
            let end = usize::from(arc.end);
            from_start[end] = from_start[end].min(cost);
            cost + to_end[arc.next as usize] - best <= spare
        });
        link(arcs);
    }
}
