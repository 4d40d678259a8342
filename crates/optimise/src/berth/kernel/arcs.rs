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
    /// The stays that a plan cheaper than `value` may have: those on a path that costs at most that much at the ships' prices
    /// `lambda`. With it the bound at these prices, scaled. No graph if the stays are too many.
    pub fn new(
        instance: &Instance,
        value: i64,
        floors: i64,
        lambda: &[i64],
    ) -> (Option<Self>, i64) {
        let spans = spans(instance, value - floors, lambda);
        let slots = spans
            .iter()
            .flatten()
            .map(|span| span.last + span.handling)
            .max()
            .unwrap_or(0)
            + 1;
        let to_end: Vec<Vec<i64>> = spans.iter().map(|spans| to_end(spans, slots)).collect();
        let mut bound = lambda.iter().sum::<i64>();
        bound += instance.price.iter().sum::<i64>() << SCALE_BITS;
        bound += to_end.iter().map(|to_end| to_end[0]).sum::<i64>();
        let spare = ((value - 1) << SCALE_BITS) - bound;
        let mut room = ARCS_MAX;
        let mut berths = Vec::with_capacity(instance.berths);
        for (spans, to_end) in spans.iter().zip(&to_end) {
            let Some(mut arcs) = on_cheap_paths(spans, to_end, spare, room) else {
                return (None, bound);
            };
            room -= arcs.len();
            link(&mut arcs);
            berths.push(arcs);
        }
        (Some(Graph { berths }), bound)
    }

    pub fn arcs(&self) -> usize {
        self.berths.iter().map(Vec::len).sum()
    }

    /// The work of one bound iteration, in search iterations.
    pub fn effort(&self) -> u64 {
        self.arcs() as u64 / EFFORT_ARCS + 1
    }
}

/// The stays of one ship at one berth, one for each slot from `first` to `last`.
#[derive(Debug, Clone, Copy)]
struct Span {
    ship: u16,
    first: usize,
    last: usize,
    handling: usize,
    /// Cost of the first less the price of no stay, scaled; each later slot adds `weight`.
    cost: i64,
    weight: i64,
    /// The ship's price, scaled.
    lambda: i64,
}

impl Span {
    fn cost(&self, slot: usize) -> i64 {
        self.cost + self.weight * (slot - self.first) as i64
    }
}

/// By berth: every stay that ends by the option's limit and costs no more than its floor plus `slack`.
fn spans(instance: &Instance, slack: i64, lambda: &[i64]) -> Vec<Vec<Span>> {
    let mut spans = vec![Vec::new(); instance.berths];
    for (ship, options) in instance.options.iter().enumerate() {
        let weight = instance.weight[ship].max(1);
        let best = options.first().map_or(0, |best| best.floor);
        for option in options {
            let spare = slack.saturating_sub(option.floor - best).max(-1);
            let from = i64::from(option.start_from);
            let last =
                i64::from(option.end_to - option.handling).min(from + spare.div_euclid(weight));
            if last < from {
                continue;
            }
            let slot = |start: i64| (start - i64::from(instance.first_slot)) as usize;
            spans[usize::from(option.berth)].push(Span {
                ship: ship as u16,
                first: slot(from),
                last: slot(last),
                handling: option.handling as usize,
                cost: (option.floor - instance.price[ship]) << SCALE_BITS,
                weight: weight << SCALE_BITS,
                lambda: lambda[ship],
            });
        }
    }
    spans
}

/// By slot, the cost of the cheapest path from there on.
fn to_end(spans: &[Span], slots: usize) -> Vec<i64> {
    let mut to_end = vec![0; slots + 1];
    for slot in (0..slots).rev() {
        let mut best = to_end[slot + 1];
        for span in spans {
            if span.first <= slot && slot <= span.last {
                let cost = span.cost(slot) - span.lambda + to_end[slot + span.handling];
                best = best.min(cost);
            }
        }
        to_end[slot] = best;
    }
    to_end
}

/// The stays through which a path costs at most `spare` more than the cheapest, ascending by start; none if they are more
/// than `room`.
fn on_cheap_paths(spans: &[Span], to_end: &[i64], spare: i64, room: usize) -> Option<Vec<Arc>> {
    let mut arcs = Vec::new();
    let mut from_start = vec![0; to_end.len()];
    for slot in 0..to_end.len() - 1 {
        for span in spans {
            if slot < span.first || span.last < slot {
                continue;
            }
            let end = slot + span.handling;
            let cost = from_start[slot] + span.cost(slot) - span.lambda;
            from_start[end] = from_start[end].min(cost);
            if cost + to_end[end] - to_end[0] <= spare {
                arcs.push(Arc {
                    cost: span.cost(slot),
                    next: 0,
                    ship: span.ship,
                    start: slot as u16,
                    end: end as u16,
                });
            }
        }
        if arcs.len() > room {
            return None;
        }
        from_start[slot + 1] = from_start[slot + 1].min(from_start[slot]);
    }
    Some(arcs)
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
