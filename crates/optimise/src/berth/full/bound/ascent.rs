//! Raises the bound: subgradient with momentum on the prices of cells, cranes and barges.

use super::super::model::Model;
use super::node::Spread;
use super::options::{self, Options};
use super::prices::{Layout, Prefix};
use super::view::{Choice, LEFT_OUT, berth_of_row, cheapest};

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

/// The bound and its prices.
#[derive(Debug)]
pub(in super::super) struct Bound {
    pub(super) layout: Layout,
    pub(super) options: Vec<Options>,
    pub(super) lambda: Vec<i64>,
    pub(super) best_lambda: Vec<i64>,
    pub(super) velocity: Vec<f32>,
    usage: Vec<i32>,
    pub(super) prefix: Prefix,
    pub(super) choices: Vec<Choice>,
    /// What recent choices cost, by call.
    pub(super) spread: Vec<Spread>,
    /// Best bound so far, scaled.
    pub(super) best: i64,
    pub(super) step: f64,
    pub(super) stalled: u32,
    pub iterations: u64,
    is_too_large: bool,
    /// No price goes higher: sums over all prices must fit 64 bits.
    pub(super) price_max: i64,
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
        let mut bound = Bound {
            best: floors.max(floor) << SCALE_BITS,
            choices: vec![choice; options.len()],
            spread: vec![Spread::default(); options.len()],
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
        };
        bound.shorten();
        bound
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
            .flat_map(|options| options.groups.iter())
            .map(|group| group.starts.len())
            .sum()
    }

    /// The work of one iteration, in search iterations.
    pub fn effort(&self) -> u64 {
        ((self.starts() / 4 + 3 * self.layout.rows * self.layout.active) / EFFORT_WORK) as u64 + 1
    }

    /// One iteration towards `target`, the best known value.
    pub fn iterate(&mut self, target: i64) {
        self.iterations += 1;
        self.prefix.renew(&self.layout, &self.lambda);
        let mut value = -self.layout.price_of_all(&self.lambda);
        for call in 0..self.options.len() {
            let choice = cheapest(&self.options[call], &self.prefix, &self.layout);
            value += choice.cost;
            self.choices[call] = choice;
            self.spread[call].add(self.options[call].cost_of(&choice));
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

    fn advance(&mut self, value: i64, target: i64) {
        self.count_usage();
        let (slots, active) = (self.layout.slots, self.layout.active);
        let mut square = 0_i64;
        for (row, capacity) in self.layout.capacity.iter().enumerate() {
            for at in row * slots..row * slots + active {
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
            for at in row * slots..row * slots + active {
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
        let (slots, active) = (self.layout.slots, self.layout.active);
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
                    [row * slots + from as usize..row * slots + (to as usize).min(active)]
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
            for (pair, travel_slots) in options.pairs.iter().zip(group.pair_slots.iter()) {
                let (first, last) =
                    self.layout
                        .pair_slots(pair.side, start.from, start.to, *travel_slots);
                add(pair.row as usize, first as u32, last as u32, 1);
            }
        }
    }
}
