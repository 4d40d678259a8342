//! One cycle of annealing: its kind, the options it looks at, where it starts.

use super::Kernel;
use crate::rail::active::Active;
use crate::rail::anneal::{self, Anneal};
use crate::rail::greedy;
use crate::rail::soft::{self, Soft};
use crate::rail::state::State;

/// One kind of annealing cycle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cycle {
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
pub(super) const CYCLES: [Cycle; 10] = [
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
/// A row price below this part of the mean does not count as full.
const SCALE_FLOOR: f64 = 1.0;

impl Kernel<'_> {
    /// Runs `cycle`; the best plan takes every better one.
    pub(super) fn cycle(&mut self, cycle: Cycle, moves: u64) {
        let money = (1_u64 << self.prices.shift) as f64;
        let items = self.core.items().max(1) as f64;
        let mean = (self.relaxation.prices.iter().sum::<f64>() / items).max(SCALE_FLOOR);
        let active = self.within((cycle.reach * mean * money) as i64);
        let items = 0..self.core.items();
        let loose: Vec<u32> = items
            .filter(|&item| active.of(item).len() > 1)
            .map(|item| item as u32)
            .collect();
        if loose.is_empty() {
            self.statistics.iterations += moves;
            return;
        }
        let tried = if cycle.is_soft {
            let from = cycle.heat * mean;
            self.soft(&active, &loose, soft::Cooling { from, moves })
        } else {
            let reduced = &self.prices.reduced;
            let second = |&item: &u32| reduced[active.of(item as usize)[1] as usize] as f64 / money;
            let spread = loose.iter().map(second).sum::<f64>() / loose.len() as f64;
            let from = (cycle.heat * spread).max(0.1);
            let stop = || self.budget.stop.stop();
            Anneal::new(self.core).run(
                &active,
                &loose,
                anneal::Cooling { from, moves },
                &mut self.random,
                &mut self.best,
                &stop,
            )
        };
        self.statistics.iterations += tried.max(1);
        self.best = State::new(self.core, &self.best.choice);
    }

    /// The options in play up to a reduced cost.
    fn within(&self, reach: i64) -> Active {
        let mut active = self.active.clone();
        let (reduced, chosen) = (&self.prices.reduced, &self.best.choice);
        // Without a plan yet, what finds no room must have where to go.
        let is_refuge = |item: usize, option| {
            self.is_cold && self.refuge.get(item).is_some_and(|&way| way == option)
        };
        active.retain(|item, option| {
            reduced[option as usize] <= reach || option == chosen[item] || is_refuge(item, option)
        });
        active
    }

    /// A cycle with priced overloads.
    fn soft(&mut self, active: &Active, loose: &[u32], cooling: soft::Cooling) -> u64 {
        let stop = || self.budget.stop.stop();
        let mut from = self.departure(active);
        let before = self.best.value;
        // The cycle's own best is kept too: it may be another plan altogether, and one day overtake.
        let mut found = self.best.clone();
        found.value = i64::MAX;
        let tried = Soft::new(self.core, &self.prices).run(
            active,
            loose,
            cooling,
            &mut self.random,
            &mut from,
            &mut found,
            &stop,
        );
        if found.value < before {
            self.best.clone_from(&found);
        }
        self.found = (found.value < i64::MAX).then(|| State::new(self.core, &found.choice));
        if self.is_cold && self.best.value == before {
            let mended = self.mended(&from);
            if mended.value < before {
                self.best = mended;
            }
        }
        self.last = Some(from);
        self.is_cold &= self.best.value == before;
        tried
    }

    /// A plan as near as possible to a choice that may overfill trains.
    pub(super) fn mended(&self, state: &State) -> State {
        let known: Vec<Option<u32>> = state.choice.iter().map(|&way| Some(way)).collect();
        let choice = greedy::repair(self.core, &known, &self.prices.reduced);
        State::new(self.core, &choice)
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
}
