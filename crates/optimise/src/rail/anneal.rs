//! Simulated annealing over shifts and ejection chains.
//!
//! A move shifts an item to another option in play. Where that overfills a train, an item aboard is ejected to the option
//! that costs least among those that fit (which includes the exchange of two items); where none fits, the ejected item
//! overfills the next train and the chain goes on, a few links long.

use super::active::Active;
use super::core::Core;
use super::state::State;
use crate::random::Random;

/// Links of an ejection chain after the first shift.
const MAX_LINKS: usize = 4;
/// Items aboard an overfull train that are looked at, by chance.
const SAMPLE: usize = 8;

/// One run of cooling.
#[derive(Debug, Clone, Copy)]
pub struct Cooling {
    /// Temperature at the start, in money; it falls to a thirtieth.
    pub from: f64,
    /// Moves tried.
    pub moves: u64,
}

/// The search: row owners and the room for one chain.
#[derive(Debug)]
pub struct Anneal<'c> {
    core: &'c Core,
    /// The train of each row.
    train_of: Vec<u32>,
    chain: Vec<(u32, u32)>,
}

impl<'c> Anneal<'c> {
    /// A search on `core`.
    pub fn new(core: &'c Core) -> Self {
        Anneal {
            core,
            train_of: core.train_of_rows().to_vec(),
            chain: Vec::with_capacity(MAX_LINKS + 1),
        }
    }

    /// One cooling over the items with a choice; `best` is replaced by every better state. Returns the moves tried.
    pub fn run(
        &mut self,
        active: &Active,
        loose: &[u32],
        cooling: Cooling,
        random: &mut Random,
        best: &mut State,
        stop: &dyn Fn() -> bool,
    ) -> u64 {
        if loose.is_empty() {
            return 0;
        }
        let mut state = best.clone();
        let steps = (cooling.moves / 256).max(8);
        let shrink = 1.0 - 3.4 / steps as f64;
        let mut temperature = cooling.from;
        for step in 0..steps {
            if stop() {
                return step * 256;
            }
            for _ in 0..256 {
                let item = loose[random.below(loose.len())];
                self.attempt(active, item, temperature, random, &mut state);
                if state.value < best.value {
                    best.clone_from(&state);
                }
            }
            temperature *= shrink;
        }
        steps * 256
    }

    fn attempt(
        &mut self,
        active: &Active,
        item: u32,
        temperature: f64,
        random: &mut Random,
        state: &mut State,
    ) {
        let core = self.core;
        let options = active.of(item as usize);
        // Options stand by reduced cost: the smaller of two draws prefers the promising ones.
        let draw = random.below(options.len()).min(random.below(options.len()));
        let option = options[draw];
        if option == state.choice[item as usize] {
            return;
        }
        let before = state.value;
        let allowed = before + (temperature * random.exponential()) as i64;
        self.chain.clear();
        self.chain.push((item, state.shift(core, item, option)));
        let mut last = option;
        let mut is_done = true;
        while let Some(row) = state.overfull(core, last) {
            is_done = false;
            if self.chain.len() > MAX_LINKS {
                break;
            }
            let Some((victim, to, fits)) = self.eject(active, row, state, random) else {
                break;
            };
            self.chain.push((victim, state.shift(core, victim, to)));
            is_done = fits;
            if fits && state.overfull(core, last).is_none() {
                break;
            }
            if !fits {
                if state.overfull(core, last).is_some() {
                    break;
                }
                last = to;
            }
        }
        if !is_done || state.value > allowed || self.is_overfull(state) {
            while let Some((item, option)) = self.chain.pop() {
                state.shift(core, item, option);
            }
        }
    }

    fn is_overfull(&self, state: &State) -> bool {
        self.chain.iter().any(|&(item, _)| {
            state
                .overfull(self.core, state.choice[item as usize])
                .is_some()
        })
    }

    /// An item on the train of an overfull row, its new option, and whether that fits. Prefers what fits, then what is
    /// cheap.
    fn eject(
        &self,
        active: &Active,
        row: u32,
        state: &State,
        random: &mut Random,
    ) -> Option<(u32, u32, bool)> {
        let core = self.core;
        let train = self.train_of[row as usize];
        let aboard = state.aboard(train as usize);
        let lack = -state.room[row as usize];
        let mut best: Option<(u32, u32, bool)> = None;
        let mut best_key = (true, i64::MAX);
        for _ in 0..SAMPLE.min(aboard.len()) {
            let victim = aboard[random.below(aboard.len())];
            let options = active.of(victim as usize);
            if options.len() < 2 || self.chain.iter().any(|link| link.0 == victim) {
                continue;
            }
            let old = state.choice[victim as usize];
            let uses = core.uses(old as usize);
            if uses
                .iter()
                .any(|used| used.row == row && used.amount < lack)
            {
                continue;
            }
            for &option in options {
                if option == old || core.legs(option as usize).contains(&train) {
                    continue;
                }
                let dearer = core.cost(option as usize) - core.cost(old as usize);
                let key = (false, dearer);
                if key < best_key && state.fits_instead(core, old, option) {
                    (best, best_key) = (Some((victim, option, true)), key);
                } else if (true, dearer) < best_key && self.chain.len() < MAX_LINKS {
                    (best, best_key) = (Some((victim, option, false)), (true, dearer));
                }
            }
        }
        best
    }
}
