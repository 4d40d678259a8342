//! Ruin and recreate with annealing over stays with fixed times.

use super::insert::{self, Scratch};
use super::model::Model;
use super::state::State;
use crate::budget::Stop;
use crate::random::Random;

/// Iterations of the first annealing cycle; later ones are longer.
const FIRST_CYCLE: u64 = 600;
/// Starting temperature as a share of the mean cost of a call.
const HOT: f64 = 0.08;
/// Final temperature as a share of the mean cost of a call.
const COLD: f64 = 0.002;
/// One ruin in so many is large, of so many calls at most.
const LARGE_ONE_IN: usize = 16;
const LARGE_MAX: usize = 24;
/// Most calls taken out at once otherwise.
const REMOVED_MAX: usize = 9;

/// The search with all its memory.
pub(super) struct Search<'a> {
    model: &'a Model<'a>,
    random: Random,
    pub best: State,
    current: State,
    trial: State,
    scratch: Scratch,
    removed: Vec<u32>,
    near: Vec<(i64, u32)>,
    exponential: Vec<f64>,
    cycle_length: u64,
    cycle_done: u64,
    pub iterations: u64,
    pub improvements: u64,
}

impl<'a> Search<'a> {
    /// A search from `start` that may expect so many iterations: its first cycle cools down within them.
    pub fn new(model: &'a Model<'a>, seed: u64, start: State, expected: u64) -> Self {
        Search {
            model,
            random: Random::new(seed),
            current: start.clone(),
            trial: start.clone(),
            best: start,
            scratch: Scratch::default(),
            removed: Vec::with_capacity(model.calls.len()),
            near: Vec::with_capacity(model.calls.len()),
            exponential: crate::berth::exponential::quantiles(),
            cycle_length: FIRST_CYCLE
                .max(20 * model.calls.len() as u64)
                .min(expected.max(1)),
            cycle_done: 0,
            iterations: 0,
            improvements: 0,
        }
    }

    /// Runs so many iterations; true if the outside asks to stop.
    pub fn run(&mut self, iterations: u64, stop: &dyn Stop) -> bool {
        for _ in 0..iterations {
            if stop.stop() {
                return true;
            }
            if !self.model.calls.is_empty() {
                self.iterate();
            }
            self.iterations += 1;
        }
        false
    }

    /// Begins a short cool cycle from another plan.
    pub fn restart_from(&mut self, state: &State) {
        if state.value < self.best.value {
            self.best.copy_from(state);
            self.improvements += 1;
        }
        self.current.copy_from(state);
        self.cycle_length = FIRST_CYCLE.max(20 * self.model.calls.len() as u64);
        self.cycle_done = self.cycle_length / 2;
    }

    fn iterate(&mut self) {
        self.trial.copy_from(&self.current);
        self.ruin();
        self.recreate();
        let draw = self.exponential[self.random.below(self.exponential.len())];
        let limit = self.current.value as f64 + self.temperature() * draw;
        if self.trial.value <= self.current.value || (self.trial.value as f64) < limit {
            std::mem::swap(&mut self.current, &mut self.trial);
            if self.current.value < self.best.value {
                self.best.copy_from(&self.current);
                self.improvements += 1;
            }
        }
        self.cycle_done += 1;
        if self.cycle_done >= self.cycle_length {
            self.cycle_done = 0;
            self.cycle_length += self.cycle_length / 2;
            self.current.copy_from(&self.best);
        }
    }

    fn temperature(&self) -> f64 {
        let mean = self.best.cost_of_stays(self.model) as f64 / self.model.calls.len() as f64;
        let left = 1.0 - self.cycle_done as f64 / self.cycle_length as f64;
        mean * (COLD + (HOT - COLD) * left * left * left)
    }

    fn ruin(&mut self) {
        let calls = self.model.calls.len();
        let most = (calls / 3).max(5).min(calls).min(REMOVED_MAX);
        // now and then half the port is planned anew: small steps cannot move a whole chain of held stays
        let count = match self.random.below(LARGE_ONE_IN) {
            0 => (calls / 2).clamp(1, LARGE_MAX),
            _ => (1 + self.random.below(most)).min(calls),
        };
        let seed = self.seed();
        self.removed.clear();
        match self.random.below(8) {
            0 => {
                for _ in 0..count {
                    let call = self.random.below(calls) as u32;
                    self.mark(call);
                }
            }
            1 => {
                self.mark(seed as u32);
                for (mate, _) in &self.model.calls[seed].couplings {
                    self.removed.push(*mate);
                }
                // room is needed where the mates are, too
                let mates = &self.model.calls[seed].couplings;
                let centre = match mates.is_empty() {
                    true => seed,
                    false => mates[self.random.below(mates.len())].0 as usize,
                };
                self.mark_near(centre, count, true);
            }
            2..=4 => self.mark_near(seed, count, true),
            _ => self.mark_near(seed, count, false),
        }
        self.removed.sort_unstable();
        self.removed.dedup();
        for n in 0..self.removed.len() {
            self.trial.remove(self.model, self.removed[n] as usize);
        }
        // whoever has no stay tries again
        for call in 0..calls {
            if self.trial.at[call].is_none() && !self.removed.contains(&(call as u32)) {
                self.removed.push(call as u32);
            }
        }
    }

    /// A call at random; often one without a stay, so that room is made for it.
    fn seed(&mut self) -> usize {
        let calls = self.model.calls.len();
        let first = self.random.below(calls);
        if self.random.below(3) == 0 {
            let could_lie = |call: &usize| {
                self.trial.at[*call].is_none() && !self.model.calls[*call].modes.is_empty()
            };
            let left = (first..calls).chain(0..first).find(could_lie);
            return left.unwrap_or(first);
        }
        first
    }

    fn mark(&mut self, call: u32) {
        self.removed.push(call);
    }

    /// Calls whose stays begin closest to the seed's; on its quay alone if asked, where distance along the quay counts too.
    fn mark_near(&mut self, seed: usize, count: usize, same_quay: bool) {
        let place = |call: usize, state: &State| {
            let compiled = &self.model.calls[call];
            state.at[call].map(|placement| {
                let spot = &compiled.spots[compiled.modes[placement.mode as usize].spot as usize];
                (placement.start_min, spot.quay, spot.from_m)
            })
        };
        let release_min = self.model.calls[seed].release_min;
        let centre = place(seed, &self.trial).unwrap_or((release_min, u32::MAX, 0));
        self.near.clear();
        for call in 0..self.model.calls.len() {
            let Some((start_min, quay, from_m)) = place(call, &self.trial) else {
                continue;
            };
            let mut distance = (start_min - centre.0).abs();
            if same_quay && centre.1 != u32::MAX {
                if quay != centre.1 {
                    continue;
                }
                distance += (from_m - centre.2).abs() / 2;
            }
            let noise = self.random.below(1 + distance as usize / 2 + 30) as i64;
            self.near.push((distance + noise, call as u32));
        }
        self.near.sort_unstable();
        self.removed.push(seed as u32);
        self.removed
            .extend(self.near.iter().take(count).map(|(_, call)| *call));
    }

    fn recreate(&mut self) {
        let model = self.model;
        let release = |call: &u32| model.calls[*call as usize].release_min;
        let size = |call: &u32| {
            let compiled = &model.calls[*call as usize];
            let length_m = model.problem.calls[*call as usize].length_m;
            compiled
                .modes
                .first()
                .map_or(0, |mode| mode.duration_min * length_m)
        };
        let rank = |call: &u32| u8::from(!model.calls[*call as usize].hold.is_fixed());
        for n in (1..self.removed.len()).rev() {
            let other = self.random.below(n + 1);
            self.removed.swap(n, other);
        }
        match self.random.below(6) {
            0 | 1 => self.removed.sort_by_key(|call| (rank(call), release(call))),
            2 => self.removed.sort_by_key(|call| (rank(call), -size(call))),
            3 => self.removed.sort_by_key(|call| {
                (
                    rank(call),
                    -model.problem.calls[*call as usize].cost_per_min,
                )
            }),
            _ => {}
        }
        for n in 0..self.removed.len() {
            let call = self.removed[n] as usize;
            let random = Some(&mut self.random);
            if let Some(placement) =
                insert::best(model, &self.trial, call, &mut self.scratch, random)
            {
                self.trial.place(model, call, placement);
            }
        }
    }
}
