//! Raises the bound: subgradient with momentum on the prices of cells, cranes and barges.

use super::super::model::Model;
use super::options::{self, Group, Options};
use super::prices::{Layout, Precedence, Prefix};

/// Prices are counted in 1/1024 of a cost unit.
pub(in super::super) const SCALE_BITS: u32 = 10;
const PATIENCE: u32 = 25;
const SHRINK: f64 = 0.7;
const MOMENTUM: f32 = 0.8;
/// Cells, slots and rows that cost as much time as one iteration of the search.
const EFFORT_WORK: usize = 20_000;
/// Beyond so many prices the bound stays at the sum of the floors.
const PRICES_MAX: usize = 20_000_000;
/// First step, as a share of the one that would close the gap if all prices pulled together. The value overstates the gap, the
/// more so while the plan is young: whole steps overshoot for dozens of iterations.
const STEP_FIRST: f64 = 0.1;
/// The ascent ends when the step is so small.
const STEP_END: f64 = 0.004;

/// What a call chose.
#[derive(Debug, Clone, Copy)]
struct Choice {
    group: u32,
    start: u32,
    /// Scaled cost with prices.
    cost: i64,
}

/// An option of a call for the exact listing.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Candidate {
    /// Scaled cost with prices above the call's cheapest.
    pub surplus: i64,
    /// Spot, number of cranes, start, and the cost that the bound counts; none leaves the call out.
    pub stay: Option<(u32, u32, i64, i64)>,
}

const LEFT_OUT: u32 = u32::MAX;

/// The bound and its prices.
#[derive(Debug)]
pub(in super::super) struct Bound {
    layout: Layout,
    options: Vec<Options>,
    lambda: Vec<i64>,
    best_lambda: Vec<i64>,
    velocity: Vec<f32>,
    usage: Vec<i32>,
    prefix: Prefix,
    choices: Vec<Choice>,
    /// Best bound so far, scaled.
    best: i64,
    step: f64,
    stalled: u32,
    pub iterations: u64,
    is_too_large: bool,
    /// No price goes higher: sums over all prices must fit 64 bits.
    price_max: i64,
}

impl Bound {
    /// A bound for plans cheaper than `value`.
    pub fn new(model: &Model<'_>, value: i64) -> Self {
        let layout = Layout::new(model);
        let prices = layout.rows * layout.slots;
        let is_too_large = prices > PRICES_MAX;
        let prices = if is_too_large { 0 } else { prices };
        let floors: i64 = model.calls.iter().map(|call| call.floor).sum();
        let earliest = options::earliest_starts(model, value);
        let enumerate = |call: usize| {
            let limit = model.calls[call].floor + (value - floors);
            options::enumerate(model, &layout, call, earliest[call], limit)
        };
        let options: Vec<Options> = match is_too_large {
            true => Vec::new(),
            false => (0..model.calls.len()).map(enumerate).collect(),
        };
        let floor: i64 = options.iter().map(|options| options.floor).sum();
        let choice = Choice {
            group: LEFT_OUT,
            start: 0,
            cost: 0,
        };
        Bound {
            best: floors.max(floor) << SCALE_BITS,
            choices: vec![choice; options.len()],
            prefix: Prefix::new(&layout),
            lambda: vec![0; prices],
            best_lambda: vec![0; prices],
            velocity: vec![0.0; prices],
            usage: vec![0; prices],
            layout,
            options,
            step: STEP_FIRST,
            stalled: 0,
            iterations: 0,
            is_too_large,
            price_max: (1_i64 << 61) / prices.max(1) as i64,
        }
    }

    /// The best bound in cost units.
    pub fn value(&self) -> i64 {
        -((-self.best) >> SCALE_BITS)
    }

    /// True if more iterations would hardly help.
    pub fn is_done(&self) -> bool {
        self.is_too_large || self.step < STEP_END
    }

    /// True if there are too many prices for a bound beyond the floors.
    pub fn is_too_large(&self) -> bool {
        self.is_too_large
    }

    /// Starts left.
    pub fn starts(&self) -> usize {
        self.options
            .iter()
            .flat_map(|options| &options.groups)
            .map(|group| group.starts.len())
            .sum()
    }

    /// The work of one iteration, in search iterations.
    pub fn effort(&self) -> u64 {
        ((self.starts() / 4 + 3 * self.lambda.len()) / EFFORT_WORK) as u64 + 1
    }

    /// One iteration towards `target`, the best known value.
    pub fn iterate(&mut self, target: i64) {
        self.iterations += 1;
        self.prefix.renew(&self.layout, &self.lambda);
        let mut value = -self.price_of_all();
        for call in 0..self.options.len() {
            let choice = cheapest(&self.options[call], &self.prefix, &self.layout);
            value += choice.cost;
            self.choices[call] = choice;
        }
        if value > self.best {
            self.best = value;
            self.best_lambda.copy_from_slice(&self.lambda);
            self.stalled = 0;
        } else {
            self.stalled += 1;
            if self.stalled > PATIENCE {
                self.stalled = 0;
                self.step *= SHRINK;
                self.lambda.copy_from_slice(&self.best_lambda);
                self.velocity.fill(0.0);
            }
        }
        self.advance(value, target);
    }

    fn price_of_all(&self) -> i64 {
        let slots = self.layout.slots;
        let rows = self.lambda.chunks_exact(slots).zip(&self.layout.capacity);
        rows.map(|(prices, capacity)| capacity * prices.iter().sum::<i64>())
            .sum()
    }

    fn advance(&mut self, value: i64, target: i64) {
        self.count_usage();
        let slots = self.layout.slots;
        let mut square = 0_i64;
        for (row, capacity) in self.layout.capacity.iter().enumerate() {
            for at in row * slots..(row + 1) * slots {
                let over = i64::from(self.usage[at]) - capacity;
                if over > 0 || self.lambda[at] > 0 {
                    square += over * over;
                }
            }
        }
        // a bad value must not make the next step larger still
        let target = target << SCALE_BITS;
        let distance = (target - value).min(2 * (target - self.best)).max(1) as f64;
        let length = (self.step * distance / square.max(1) as f64) as f32;
        for (row, capacity) in self.layout.capacity.iter().enumerate() {
            let capacity = *capacity as i32;
            for at in row * slots..(row + 1) * slots {
                let over = self.usage[at] - capacity;
                if over <= 0 && self.lambda[at] == 0 {
                    self.velocity[at] = 0.0;
                    continue;
                }
                let velocity = MOMENTUM * self.velocity[at] + over as f32;
                self.velocity[at] = velocity;
                self.lambda[at] =
                    (self.lambda[at] + (length * velocity) as i64).clamp(0, self.price_max);
            }
        }
    }

    fn count_usage(&mut self) {
        self.usage.fill(0);
        let slots = self.layout.slots;
        for (options, choice) in self.options.iter().zip(&self.choices) {
            if choice.group == LEFT_OUT {
                continue;
            }
            let group = &options.groups[choice.group as usize];
            let profile = &options.profiles[group.profile as usize];
            let start = &profile.starts[choice.start as usize];
            let berth = berth_of_row(&self.layout, group.row_from);
            let mut add = |row: usize, from: u32, to: u32, amount: i32| {
                for used in &mut self.usage
                    [row * slots + from as usize..row * slots + (to as usize).min(slots)]
                {
                    *used += amount;
                }
            };
            for row in group.row_from..group.row_to {
                add(row as usize - berth, start.from, start.to, 1);
            }
            if profile.cranes > 0 {
                add(
                    (self.layout.crane_row + profile.quay) as usize,
                    start.from,
                    start.to,
                    profile.cranes as i32,
                );
            }
            if let Some(barge) = options.barge {
                add(barge as usize, start.from, start.to + group.travel_slots, 1);
            }
            for precedence in &options.precedences {
                let (first, last) = self
                    .layout
                    .precedence_slots(precedence, start.from, start.to);
                add(precedence.row as usize, first as u32, last as u32, 1);
            }
        }
    }

    /// The cheapest choices at the best prices, and the bound that they make, scaled. Renews the prefix sums.
    fn best_choices(&mut self) -> (Vec<Choice>, i64) {
        self.prefix.renew(&self.layout, &self.best_lambda);
        let slots = self.layout.slots;
        let rows = self
            .best_lambda
            .chunks_exact(slots)
            .zip(&self.layout.capacity);
        let price: i64 = rows
            .map(|(prices, capacity)| capacity * prices.iter().sum::<i64>())
            .sum();
        let one = |options: &Options| cheapest(options, &self.prefix, &self.layout);
        let choices: Vec<Choice> = self.options.iter().map(one).collect();
        let sum = choices.iter().map(|choice| choice.cost).sum::<i64>() - price;
        self.best = self.best.max(sum);
        (choices, sum)
    }

    /// Every option that a plan cheaper than `target` may take, by call, and the reduced cost that such a plan may have;
    /// none if they are more than `most`.
    pub fn candidates(
        &mut self,
        model: &Model<'_>,
        target: i64,
        most: usize,
    ) -> Option<(i64, Vec<Vec<Candidate>>)> {
        if self.is_too_large {
            return None;
        }
        let (choices, sum) = self.best_choices();
        let spare = ((target - 1) << SCALE_BITS) - sum;
        let mut count = 0;
        let mut all = Vec::with_capacity(model.calls.len());
        for (options, choice) in self.options.iter().zip(&choices) {
            let mut found = Vec::new();
            let out = (options.price << SCALE_BITS) - choice.cost;
            if out <= spare {
                found.push(Candidate {
                    surplus: out,
                    stay: None,
                });
            }
            let rows = (options.barge, &options.precedences[..]);
            for group in &options.groups {
                let view = View::new(group, &options.profiles, rows, &self.prefix, &self.layout);
                for number in &group.starts {
                    let surplus = view.cost(*number) - choice.cost;
                    if surplus <= spare {
                        let start = &view.profile.starts[*number as usize];
                        let stay = (
                            group.spot,
                            view.profile.cranes,
                            start.start_min,
                            start.cost + group.place_cost,
                        );
                        found.push(Candidate {
                            surplus,
                            stay: Some(stay),
                        });
                    }
                }
            }
            count += found.len();
            if count > most {
                return None;
            }
            all.push(found);
        }
        Some((spare, all))
    }

    /// Drops the options that no plan cheaper than `value` takes.
    pub fn fix(&mut self, value: i64) {
        let (choices, sum) = self.best_choices();
        let spare = ((value - 1) << SCALE_BITS) - sum;
        for (options, choice) in self.options.iter_mut().zip(&choices) {
            let limit = choice.cost + spare;
            let (prefix, layout, profiles) = (&self.prefix, &self.layout, &options.profiles);
            let rows = (options.barge, &options.precedences[..]);
            for group in &mut options.groups {
                let view = View::new(group, profiles, rows, prefix, layout);
                let mut floor = i64::MAX;
                let mut starts = std::mem::take(&mut group.starts);
                starts.retain(|start| {
                    let keep = view.cost(*start) <= limit;
                    if keep {
                        floor =
                            floor.min(view.profile.starts[*start as usize].cost + view.place_cost);
                    }
                    keep
                });
                group.starts = starts;
                group.floor = floor;
            }
            options.groups.retain(|group| !group.starts.is_empty());
            options
                .groups
                .sort_by_key(|group| (group.floor, group.row_from, group.profile));
        }
    }
}

/// The number of the berth that a row of the prefix sums belongs to: so many more rows have the sums than the prices.
fn berth_of_row(layout: &Layout, row: u32) -> usize {
    let first_of = |number: usize| layout.berths[number].0 + number as u32;
    (0..layout.berths.len())
        .rev()
        .find(|number| first_of(*number) <= row)
        .unwrap_or(0)
}

/// One group with the prices that it meets.
struct View<'a> {
    profile: &'a super::options::Profile,
    place_cost: i64,
    below: &'a [i64],
    above: &'a [i64],
    cranes: Option<&'a [i64]>,
    barge: Option<&'a [i64]>,
    travel_slots: usize,
    precedences: &'a [Precedence],
    prefix: &'a Prefix,
    layout: &'a Layout,
}

impl<'a> View<'a> {
    fn new(
        group: &Group,
        profiles: &'a [super::options::Profile],
        (barge, precedences): (Option<u32>, &'a [Precedence]),
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
            precedences,
            prefix,
            layout,
        }
    }

    /// Scaled cost of a start with prices.
    #[inline]
    fn cost(&self, number: u32) -> i64 {
        let start = &self.profile.starts[number as usize];
        let (from, to) = (start.from as usize, start.to as usize);
        let mut cost = (start.cost + self.place_cost) << SCALE_BITS;
        cost += (self.above[to] - self.below[to]) - (self.above[from] - self.below[from]);
        if let Some(cranes) = self.cranes {
            cost += i64::from(self.profile.cranes) * (cranes[to] - cranes[from]);
        }
        if let Some(barge) = self.barge {
            cost += barge[(to + self.travel_slots).min(barge.len() - 1)] - barge[from];
        }
        for precedence in self.precedences {
            let sums = self.prefix.other(precedence.row);
            let (first, last) = self
                .layout
                .precedence_slots(precedence, start.from, start.to);
            cost += sums[last] - sums[first];
        }
        cost
    }
}

/// The cheapest option at the current prices. Groups come ascending by floor, and prices only add.
fn cheapest(options: &Options, prefix: &Prefix, layout: &Layout) -> Choice {
    let mut best = Choice {
        group: LEFT_OUT,
        start: 0,
        cost: options.price << SCALE_BITS,
    };
    let rows = (options.barge, &options.precedences[..]);
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
