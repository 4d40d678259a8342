//! The search: cycles of annealing and exact re-splits by turns, in the proportion that pays.

use super::Kernel;
use super::cycles::CYCLES;
use crate::rail::resplit::Resplit;
use crate::rail::resplit::depth::Depth;
use crate::rail::state::State;

/// Moves of the first cycle, for each item.
const MOVES_AN_ITEM: u64 = 100;
/// The first cycle from the relaxation's choice is shorter by this factor.
const FIRST_PART: u64 = 3;
/// Cycles without success after which a warm start has given what it can, and the full relaxation follows.
const WARM_CYCLES: usize = 4;
/// Cycles of a warm start are shorter by this factor: there is time for several, and each leaves room elsewhere to be gathered.
const WARM_PART: u64 = 3;
/// Moves of the first cycle at least.
const MOVES_AT_LEAST: u64 = 30_000;
/// Steps of re-splits for a move of annealing, in eighths: at first, at least, at most.
const EIGHTHS: [u64; 3] = [4, 1, 128];
/// A step of a re-split takes as long as so many moves.
const STEP_COST: u64 = 2;
/// What is left of the memory of gains after a cycle.
const MEMORY: f64 = 0.7;
/// A plan that has come to this level of re-splits shares them with a rival.
const SHARED_LEVEL: usize = 2;

/// A second plan that re-splits make better, in the hope that it overtakes the best one.
pub(super) struct Rival {
    state: State,
    depth: Depth,
}

/// What re-splits have to do, and with what.
pub(super) struct Turns {
    eighths: u64,
    annealing: Gains,
    resplits: Gains,
    depth: Depth,
    rival: Option<Rival>,
}

/// What a way of searching has gained lately, for how much work.
#[derive(Debug, Clone, Copy, Default)]
struct Gains {
    money: f64,
    work: f64,
}

impl Gains {
    fn note(&mut self, money: i64, work: u64) {
        self.money = MEMORY * self.money + money as f64;
        self.work = MEMORY * self.work + work as f64;
    }

    fn rate(&self) -> f64 {
        self.money / self.work.max(1.0)
    }
}

impl Turns {
    /// Gives more of the work to what gains more by it.
    fn weigh(&mut self) {
        let (annealing, resplits) = (self.annealing.rate(), self.resplits.rate());
        let [_, least, most] = EIGHTHS;
        if resplits >= annealing {
            self.eighths = (2 * self.eighths).min(most);
        } else {
            self.eighths = (self.eighths / 2).max(least);
        }
    }
}

impl Default for Turns {
    fn default() -> Self {
        Turns {
            eighths: EIGHTHS[0],
            annealing: Gains::default(),
            resplits: Gains::default(),
            depth: Depth::default(),
            rival: None,
        }
    }
}

impl Kernel<'_> {
    pub(super) fn search(&mut self) {
        let budget = self.budget;
        let mut moves = (MOVES_AN_ITEM * self.core.items() as u64).max(MOVES_AT_LEAST);
        let mut nth = 0;
        if self.last.is_some() && !self.is_proved {
            // From the relaxation's choice little is left to do: a short cycle finds the first good plan.
            let part = if self.is_warm { WARM_PART } else { 1 };
            let first = moves / (FIRST_PART * part);
            self.cycle(CYCLES[0], first.min(budget.iterations));
            self.gather();
            self.fix();
        }
        let mut tried = u64::MAX;
        while !self.is_proved
            && self.statistics.iterations < budget.iterations
            && !budget.stop.stop()
        {
            let before = self.best.value;
            let left = budget.iterations - self.statistics.iterations;
            let part = if self.is_warm { WARM_PART } else { 1 };
            let moves_now = (moves / part).min(left);
            self.cycle(CYCLES[nth % CYCLES.len()], moves_now);
            self.gather();
            let annealed = self.best.value;
            self.resplit(moves_now, before);
            if self.best.value < before {
                self.statistics.improvements += 1;
                self.fix();
            }
            if annealed == before {
                nth += 1;
                if nth % CYCLES.len() == 0 {
                    moves = moves.saturating_mul(3) / 2;
                    self.passes += 1;
                }
            }
            if self.is_warm && nth >= WARM_CYCLES {
                self.is_warm = false;
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

    /// Re-splits after a cycle of `moves` that began at value `before`; who of the two succeeds gets more to do.
    fn resplit(&mut self, moves: u64, before: i64) {
        let between = self.best.value;
        let steps = (moves * self.turns.eighths / 8).max(1);
        let mut rival = self.turns.rival.take();
        if rival.is_none() && self.turns.depth.is_past(SHARED_LEVEL) {
            rival = self.found.take().map(|found| Rival {
                state: State::new(self.core, &found.choice),
                depth: Depth::default(),
            });
        }
        let stop = || self.budget.stop.stop();
        let mut resplit = Resplit::new(self.core, &self.active, &self.prices);
        let share = if rival.is_some() { steps / 2 } else { steps };
        let mut made = resplit.run(
            &mut self.best,
            &mut self.turns.depth,
            share,
            &mut self.random,
            &stop,
        );
        if let Some(mut rival) = rival {
            let Rival { state, depth } = &mut rival;
            made += resplit.run(state, depth, share, &mut self.random, &stop);
            if rival.state.value < self.best.value {
                self.best = rival.state;
                self.turns.depth = rival.depth;
            } else if !rival.depth.is_past(SHARED_LEVEL) {
                self.turns.rival = Some(rival);
            }
        }
        self.statistics.nodes += made;
        self.turns.annealing.note(before - between, moves);
        self.turns
            .resplits
            .note(between - self.best.value, made * STEP_COST);
        self.turns.weigh();
    }
}
