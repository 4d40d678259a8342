//! The kernel: a choice of one option an item within the capacities, and a bound.
//!
//! Order of work: prices of capacity and a bound ([`relaxation`]); first plans by regret greedy under
//! those prices; options that no better plan can use leave play; then cycles of annealing ([`soft`] with
//! priced overloads, [`anneal`] with ejection chains), which widen and narrow the options they look at,
//! while the bound of the [`knapsack`](super::knapsack) relaxation rises beside them; an exact search
//! ([`exact`]) once little is left in play.

use super::active::Active;
use super::anneal::{self, Anneal};
use super::core::Core;
use super::exact::{self, Outcome};
use super::greedy;
use super::knapsack::Knapsacks;
use super::prices::Prices;
use super::relaxation::{self, Relaxation};
use super::resplit::Resplit;
use super::soft::{self, Soft};
use super::state::State;
use crate::answer::{Answer, Statistics};
use crate::budget::Budget;
use crate::random::Random;

/// What an earlier run left.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The option of each item, where it is still known.
    pub choice: Vec<Option<u32>>,
    /// The price of each whole row.
    pub prices: Vec<f64>,
    /// What the relaxation takes of each option at these prices. Where this is known, the kernel solves none at its start.
    pub share: Vec<f64>,
}

/// An answer with the prices behind its bound.
#[derive(Debug, Clone)]
pub struct Solved {
    /// The chosen option of each item (counted over all options), value and bound.
    pub answer: Answer<Vec<u32>>,
    /// The price of each whole row.
    pub prices: Vec<f64>,
}

/// One kind of annealing cycle.
#[derive(Debug, Clone, Copy)]
struct Cycle {
    /// Priced overloads, or ejection chains.
    is_soft: bool,
    /// Temperature at the start: in mean row prices an item if soft, else in mean second-best reduced costs.
    heat: f64,
    /// Options are looked at up to this reduced cost, in mean row prices an item.
    reach: f64,
}

impl Cycle {
    const fn soft(heat: f64, reach: f64) -> Self {
        Cycle {
            is_soft: true,
            heat,
            reach,
        }
    }

    const fn hard(heat: f64, reach: f64) -> Self {
        Cycle {
            is_soft: false,
            heat,
            reach,
        }
    }
}

/// Wide and narrow, hot and cold: which pays depends on how many options tie.
const CYCLES: [Cycle; 10] = [
    Cycle::soft(0.01, 0.5),
    Cycle::soft(0.1, 0.1),
    Cycle::hard(1.0, 1.0),
    Cycle::soft(0.01, 0.05),
    Cycle::soft(0.03, 0.5),
    Cycle::soft(0.03, 0.1),
    Cycle::soft(0.01, 0.02),
    Cycle::hard(0.3, 0.15),
    Cycle::soft(0.004, 0.05),
    Cycle::soft(0.1, 0.05),
];
/// Moves of the first cycle, for each item.
const MOVES_AN_ITEM: u64 = 100;
/// The same after a warm start, which needs less.
const WARM_MOVES_AN_ITEM: u64 = 20;
/// The first cycle from the relaxation's choice is shorter by this factor.
const FIRST_PART: u64 = 3;
/// Cycles without success after which a warm start has given what it can, and the full relaxation follows.
const WARM_CYCLES: usize = 4;
/// Moves of the first cycle at least.
const MOVES_AT_LEAST: u64 = 30_000;
/// After each cycle one exact re-split of trains for so many moves, up to [`MAX_RESPLITS`].
const MOVES_A_RESPLIT: u64 = 1_000;
const MAX_RESPLITS: u64 = 300;
/// Rounds of the knapsack bound between two cycles.
const KNAPSACK_ROUNDS: u64 = 100;
/// A row price below this part of the mean does not count as full.
const SCALE_FLOOR: f64 = 1.0;

/// Solves `core`. Every item must have an option that always fits.
pub fn solve(core: &Core, start: Option<&Start>, seed: u64, budget: &Budget) -> Solved {
    let mut kernel = Kernel::new(core, start, seed, budget);
    kernel.search();
    let bound = kernel.bound();
    Solved {
        answer: Answer {
            value: kernel.best.value,
            plan: kernel.best.choice,
            bound,
            statistics: kernel.statistics,
        },
        prices: kernel.relaxation.prices,
    }
}

struct Kernel<'a> {
    core: &'a Core,
    budget: &'a Budget<'a>,
    random: Random,
    active: Active,
    relaxation: Relaxation,
    prices: Prices,
    knapsacks: Option<Knapsacks>,
    best: State,
    is_proved: bool,
    is_warm: bool,
    /// Where the last soft cycle ended.
    last: Option<State>,
    /// The option of each item that takes least of any row.
    refuge: Vec<u32>,
    /// True until a soft cycle has found a plan.
    is_cold: bool,
    /// Whole rounds of the cycles without success.
    passes: u64,
    statistics: Statistics,
}

impl<'a> Kernel<'a> {
    fn new(core: &'a Core, start: Option<&Start>, seed: u64, budget: &'a Budget<'a>) -> Self {
        let active = Active::new(core);
        let stop = || budget.stop.stop();
        let relaxation = match start {
            Some(start) if !start.share.is_empty() => Relaxation {
                prices: start.prices.clone(),
                share: start.share.clone(),
                iterations: 0,
            },
            _ => {
                let known = start.map(|start| start.prices.as_slice());
                relaxation::first(core, &active, known, &stop)
            }
        };
        let prices = Prices::new(core, &active, &relaxation.prices);
        let known: &[Option<u32>] = start.map_or(&[], |start| &start.choice);
        let first = greedy::repair(core, known, &prices.reduced);
        let mut kernel = Kernel {
            core,
            budget,
            random: Random::new(seed),
            best: State::new(core, &first),
            knapsacks: Knapsacks::new(core, &active, &prices),
            active,
            is_warm: start.is_some_and(|start| start.choice.iter().any(Option::is_some)),
            last: None,
            refuge: greedy::refuges(core),
            is_cold: start.is_none_or(|start| start.choice.iter().all(Option::is_none)),
            passes: 0,
            relaxation,
            prices,
            is_proved: false,
            statistics: Statistics::default(),
        };
        let costs: Vec<i64> = (0..core.options())
            .map(|option| core.cost(option))
            .collect();
        kernel.consider(&greedy::regret(core, &costs));
        if let Some(start) = start {
            let repaired = greedy::repair(core, &start.choice, &kernel.prices.reduced);
            kernel.consider(&repaired);
        }
        kernel.round();
        kernel.statistics.bound_iterations = kernel.relaxation.iterations;
        kernel.fix();
        kernel
    }

    fn consider(&mut self, choice: &[u32]) {
        if self.core.total(choice) < self.best.value {
            self.best = State::new(self.core, choice);
            self.statistics.improvements += 1;
        }
    }

    /// What the relaxation takes, made whole: most of it fits, and the first soft cycle mends the rest.
    fn round(&mut self) {
        if self.relaxation.share.is_empty() {
            return;
        }
        let (core, share) = (self.core, &self.relaxation.share);
        let rounded = greedy::round(core, &self.active, share, &self.prices.reduced);
        let known: Vec<Option<u32>> = rounded.iter().map(|&option| Some(option)).collect();
        self.consider(&greedy::repair(core, &known, &self.prices.reduced));
        self.last = Some(State::new(core, &rounded));
    }

    fn bound(&self) -> i64 {
        if self.is_proved {
            return self.best.value;
        }
        let knapsacks = self
            .knapsacks
            .as_ref()
            .map_or(i64::MIN, |knapsacks| knapsacks.bound);
        self.prices
            .bound_in_money()
            .max(knapsacks)
            .min(self.best.value)
    }

    /// Takes options out of play through which no plan beats the best one.
    fn fix(&mut self) {
        self.prices.fix(&mut self.active, self.best.value);
        self.active.sort_by_key(&self.prices.reduced);
        let items = 0..self.core.items();
        self.is_proved |= self.bound() >= self.best.value
            || items.clone().any(|item| self.active.of(item).is_empty());
    }

    /// The full relaxation, over what is still in play.
    fn refine(&mut self) {
        let stop = || self.budget.stop.stop();
        let relaxation = relaxation::refined(self.core, &self.active, &self.relaxation, &stop);
        let prices = Prices::new(self.core, &self.active, &relaxation.prices);
        self.statistics.bound_iterations += relaxation.iterations;
        if prices.bound > self.prices.bound {
            (self.relaxation, self.prices) = (relaxation, prices);
        }
    }

    fn search(&mut self) {
        let budget = self.budget;
        let each = if self.is_warm {
            WARM_MOVES_AN_ITEM
        } else {
            MOVES_AN_ITEM
        };
        let mut moves = (each * self.core.items() as u64).max(MOVES_AT_LEAST);
        let mut nth = 0;
        if self.last.is_some() && !self.is_proved {
            // From the relaxation's choice little is left to do: a short cycle finds the first good plan.
            let first = moves / FIRST_PART;
            self.cycle(CYCLES[0], first.min(budget.iterations));
            self.fix();
        }
        let mut tried = u64::MAX;
        while !self.is_proved
            && self.statistics.iterations < budget.iterations
            && !budget.stop.stop()
        {
            let before = self.best.value;
            let left = budget.iterations - self.statistics.iterations;
            self.cycle(CYCLES[nth % CYCLES.len()], moves.min(left));
            if self.best.value < before {
                self.statistics.improvements += 1;
                self.fix();
            } else {
                nth += 1;
                if nth % CYCLES.len() == 0 {
                    moves = moves.saturating_mul(3) / 2;
                    self.passes += 1;
                }
            }
            if self.is_warm && nth >= WARM_CYCLES {
                self.is_warm = false;
                moves *= MOVES_AN_ITEM / WARM_MOVES_AN_ITEM;
                self.refine();
                self.fix();
            }
            self.raise();
            if (self.active.len() as u64) < tried {
                tried = self.active.len() as u64;
                self.finish();
            }
        }
    }

    /// Some rounds of the knapsack bound.
    fn raise(&mut self) {
        if let Some(knapsacks) = &mut self.knapsacks {
            let before = knapsacks.rounds;
            knapsacks.ascend(self.best.value, KNAPSACK_ROUNDS, &|| {
                self.budget.stop.stop()
            });
            self.statistics.bound_iterations += knapsacks.rounds - before;
            self.is_proved |= knapsacks.bound >= self.best.value;
        }
    }

    /// Exact search over what is in play, if that is little.
    fn finish(&mut self) {
        if self.is_proved {
            return;
        }
        let stop = || self.budget.stop.stop();
        let (outcome, nodes) =
            exact::finish(self.core, &self.active, &self.prices, &self.best, &stop);
        self.statistics.nodes += nodes;
        match outcome {
            Outcome::Better(choice) => {
                self.consider(&choice);
                self.is_proved = true;
            }
            Outcome::NoneBetter => self.is_proved = true,
            Outcome::Unknown => {}
        }
    }

    /// Where a soft cycle starts: at the best plan, or, once that has long been the same, every other time where the last
    /// one ended (with options in play alone).
    fn departure(&mut self, active: &Active) -> State {
        // A soft choice that costs less than the best plan has more to give than that.
        let leads = (self.last.as_ref()).is_some_and(|last| last.value < self.best.value);
        let is_first = self.statistics.iterations == 0 || (self.is_cold && leads);
        let wanders = is_first || (self.passes > 0 && self.random.below(2) == 0);
        let Some(last) = self.last.take().filter(|_| wanders) else {
            return self.best.clone();
        };
        let mut choice = last.choice;
        for (item, option) in choice.iter_mut().enumerate() {
            if !active.of(item).contains(option) {
                *option = self.best.choice[item];
            }
        }
        State::new(self.core, &choice)
    }

    fn cycle(&mut self, cycle: Cycle, moves: u64) {
        let money = (1_u64 << self.prices.shift) as f64;
        let items = self.core.items().max(1) as f64;
        let mean = (self.relaxation.prices.iter().sum::<f64>() / items).max(SCALE_FLOOR);
        let reach = (cycle.reach * mean * money) as i64;
        let mut active = self.active.clone();
        let (reduced, chosen) = (&self.prices.reduced, &self.best.choice);
        // Without a plan yet, what finds no room must have where to go.
        let is_refuge = |item: usize, option| {
            self.is_cold && self.refuge.get(item).is_some_and(|&way| way == option)
        };
        active.retain(|item, option| {
            reduced[option as usize] <= reach || option == chosen[item] || is_refuge(item, option)
        });
        let items = 0..self.core.items();
        let loose: Vec<u32> = items
            .filter(|&item| active.of(item).len() > 1)
            .map(|item| item as u32)
            .collect();
        if loose.is_empty() {
            self.statistics.iterations += moves;
            return;
        }
        let stop = || self.budget.stop.stop();
        let tried = if cycle.is_soft {
            let cooling = soft::Cooling {
                from: cycle.heat * mean,
                moves,
            };
            let mut from = self.departure(&active);
            let before = self.best.value;
            let tried = Soft::new(self.core, &self.prices).run(
                &active,
                &loose,
                cooling,
                &mut self.random,
                &mut from,
                &mut self.best,
                &stop,
            );
            if self.is_cold && self.best.value == before {
                let known: Vec<Option<u32>> = from.choice.iter().map(|&way| Some(way)).collect();
                let mended = greedy::repair(self.core, &known, &self.prices.reduced);
                if self.core.total(&mended) < before {
                    self.best = State::new(self.core, &mended);
                }
            }
            self.last = Some(from);
            self.is_cold &= self.best.value == before;
            tried
        } else {
            let second = |&item: &u32| reduced[active.of(item as usize)[1] as usize] as f64 / money;
            let spread = loose.iter().map(second).sum::<f64>() / loose.len() as f64;
            let from = (cycle.heat * spread).max(0.1);
            let cooling = anneal::Cooling { from, moves };
            Anneal::new(self.core).run(
                &active,
                &loose,
                cooling,
                &mut self.random,
                &mut self.best,
                &stop,
            )
        };
        self.statistics.iterations += tried.max(1);
        self.best = State::new(self.core, &self.best.choice);
        if self.is_warm {
            return;
        }
        let mut resplit = Resplit::new(self.core, &self.active, &self.prices);
        let steps = resplit.run(
            &mut self.best,
            (moves / MOVES_A_RESPLIT).clamp(1, MAX_RESPLITS),
            &mut self.random,
            &stop,
        );
        self.statistics.nodes += steps;
    }
}
