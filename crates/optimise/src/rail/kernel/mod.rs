//! The kernel: a choice of one option an item within the capacities, and a bound.
//!
//! Order of work: prices of capacity and a bound ([`relaxation`]); first plans by regret greedy under
//! those prices; options that no better plan can use leave play; then cycles of annealing ([`soft`](super::soft) with
//! priced overloads, [`anneal`](super::anneal) with ejection chains; after each, [`gather`](super::gather) brings scattered
//! room together), which widen and narrow the options they look at,
//! while the bound of the [`knapsack`](super::knapsack) relaxation rises beside them; an exact search
//! ([`exact`]) once little is left in play.

mod cycles;
mod search;

use super::active::Active;
use super::core::Core;
use super::exact::{self, Outcome};
use super::gather::Gather;
use super::greedy;
use super::insert::insert;
use super::knapsack::Knapsacks;
use super::prices::Prices;
use super::relaxation::{self, Relaxation};
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

/// After a change, one in so many items is looked at for a cheaper place even if it has kept its own.
const CHAINED_PART: usize = 30;
const CHAIN_PASSES: usize = 6;
/// Cells of the knapsack bound's programme for one move, and for one step of a re-split.
const CELLS_A_MOVE: u64 = 8;
const CELLS_A_STEP: u64 = 16;

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

/// Cells of the knapsack bound's programme that the search has earned it. The `nodes` of its own tree earn nothing: it would
/// feed itself.
fn earned(done: &Statistics, nodes: u64) -> u64 {
    let steps = done.nodes.saturating_sub(nodes);
    CELLS_A_MOVE * done.iterations + CELLS_A_STEP * steps
}

struct Kernel<'a> {
    core: &'a Core,
    budget: &'a Budget<'a>,
    random: Random,
    active: Active,
    relaxation: Relaxation,
    prices: Prices,
    knapsacks: Option<Knapsacks>,
    gather: Option<Gather>,
    best: State,
    is_proved: bool,
    is_warm: bool,
    /// Where the last soft cycle ended.
    last: Option<State>,
    /// The best plan of that cycle alone.
    found: Option<State>,
    /// The option of each item that takes least of any row.
    refuge: Vec<u32>,
    /// True until a soft cycle has found a plan.
    is_cold: bool,
    /// Whole rounds of the cycles without success.
    passes: u64,
    turns: search::Turns,
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
            gather: Gather::new(core, &relaxation.prices),
            active,
            is_warm: start.is_some_and(|start| start.choice.iter().any(Option::is_some)),
            last: None,
            found: None,
            refuge: greedy::refuges(core),
            is_cold: start.is_none_or(|start| start.choice.iter().all(Option::is_none)),
            passes: 0,
            relaxation,
            prices,
            is_proved: false,
            turns: search::Turns::default(),
            statistics: Statistics::default(),
        };
        if kernel.relaxation.share.is_empty() && !kernel.is_warm {
            let cost = |option| core.cost(option);
            let costs: Vec<i64> = (0..core.options()).map(cost).collect();
            kernel.consider(&greedy::regret(core, &costs));
        }
        kernel.round();
        kernel.statistics.bound_iterations = kernel.relaxation.iterations;
        kernel.fix();
        if let Some(start) = start.filter(|_| kernel.is_warm) {
            kernel.resume(&start.choice);
            kernel.gather();
        }
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
        let (core, share) = (self.core, &self.relaxation.share);
        if share.is_empty() {
            return;
        }
        let rounded = greedy::round(core, &self.active, share, &self.prices.reduced);
        let known: Vec<Option<u32>> = rounded.iter().map(|&option| Some(option)).collect();
        self.consider(&greedy::repair(core, &known, &self.prices.reduced));
        self.last = Some(State::new(core, &rounded));
    }

    /// Places for whoever the last plan leaves without one, by chains; then for those who pay most, while that helps.
    fn resume(&mut self, known: &[Option<u32>]) {
        for pass in 0..CHAIN_PASSES {
            let before = self.best.value;
            let (choice, reduced) = (&self.best.choice, &self.prices.reduced);
            let pays = |&item: &u32| reduced[choice[item as usize] as usize];
            let lost = |item: &u32| {
                let known = known.get(*item as usize).copied().flatten();
                pass == 0 && known != Some(choice[*item as usize])
            };
            let items = 0..self.core.items() as u32;
            let (mut first, mut rest): (Vec<u32>, Vec<u32>) = items.partition(lost);
            let by_price = |item: &u32| (std::cmp::Reverse(pays(item)), *item);
            first.sort_unstable_by_key(by_price);
            rest.sort_unstable_by_key(by_price);
            rest.truncate(self.core.items() / CHAINED_PART);
            first.append(&mut rest);
            let stop = || self.budget.stop.stop();
            insert(self.core, &self.active, &mut self.best, &first, &stop);
            self.fix();
            if self.best.value == before || stop() {
                break;
            }
        }
    }

    /// Gathers room for the best plan, and for the best of the last soft cycle.
    fn gather(&mut self) {
        let Some(gather) = &self.gather else {
            return;
        };
        let before = self.best.value;
        let stop = || self.budget.stop.stop();
        let (core, active, prices) = (self.core, &self.active, &self.prices);
        gather.run(core, active, prices, &mut self.best, &stop);
        if let Some(found) = &mut self.found {
            gather.run(core, active, prices, found, &stop);
            if found.value < self.best.value {
                self.best.clone_from(found);
            }
        }
        if self.best.value < before {
            self.statistics.improvements += 1;
            self.fix();
        }
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

    /// Rounds of the knapsack bound, in proportion to the search.
    fn raise(&mut self) {
        if let Some(knapsacks) = &mut self.knapsacks {
            let (rounds, nodes) = knapsacks.work();
            let cells = knapsacks.pace() * earned(&self.statistics, nodes);
            let stop = || self.budget.stop.stop();
            knapsacks.raise(self.core, &mut self.active, self.best.value, cells, &stop);
            let now = knapsacks.work();
            self.statistics.bound_iterations += now.0 - rounds;
            self.statistics.nodes += now.1 - nodes;
            if let Some(choice) = knapsacks.take_found() {
                self.consider(&choice);
            }
            self.fix();
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
}

#[cfg(test)]
mod tests {
    use super::{Kernel, Knapsacks, earned};
    use crate::budget::Budget;
    use crate::rail::core::{Core, Use};
    use crate::random::Random;

    /// Generalised assignment in the manner of type D: dear where light, so that the tree has much to do.
    fn type_d(agents: u32, jobs: usize, seed: u64) -> Core {
        let mut random = Random::new(seed);
        let options: Vec<(i64, i64)> = (0..agents as usize * jobs)
            .map(|_| {
                let amount = 1 + random.below(100) as i64;
                (amount, 111 - amount + random.below(21) as i64 - 10)
            })
            .collect();
        let used: i64 = options.iter().map(|option| option.0).sum();
        let room = used * 8 / (10 * i64::from(agents * agents));
        let mut core = Core::new(
            agents as usize,
            vec![room; agents as usize],
            (0..agents).collect(),
        );
        for job in options.chunks(agents as usize) {
            core.push_item();
            for (row, &(amount, cost)) in (0..agents).zip(job) {
                core.push_option(cost, &[row], [Use { row, amount }]);
            }
            core.push_option(100_000, &[], []);
        }
        core
    }

    /// The tree is paid by the search beside it. Paid for its own nodes as well it fed itself: a plan of a few thousand moves
    /// took minutes.
    #[test]
    fn the_tree_does_not_feed_itself() {
        let core = type_d(10, 60, 1);
        let budget = Budget::iterations(u64::MAX);
        let mut kernel = Kernel::new(&core, None, 1, &budget);
        let work = |kernel: &Kernel| kernel.knapsacks.as_ref().map_or((0, 0), Knapsacks::work);
        while work(&kernel).1 == 0 && !kernel.is_proved {
            kernel.statistics.iterations += 100_000;
            kernel.raise();
        }
        let nodes = work(&kernel).1;
        let before = earned(&kernel.statistics, nodes);
        kernel.raise();
        let now = work(&kernel).1;
        assert!(now > nodes + 10, "{now}");
        assert_eq!(earned(&kernel.statistics, now), before);
    }
}
