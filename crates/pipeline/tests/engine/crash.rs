//! A seeded history of crashes: workers die between any two steps and start again from the log alone, commits are
//! aborted, fetches are of any size. The final rows are those of a run without faults, each once.
//!
//! `QUAYSTREAM_SEEDS=1000 cargo test -p quaystream-pipeline crash` runs more seeds; a failing one is named.

use std::sync::Arc;
use std::time::Duration;

use pipeline::memory::{HandClock, MemoryLog, MemorySink, MemorySource};
use pipeline::outcome::Tally;
use pipeline::settings::Settings;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};

use crate::fixture::{port, run, settings, stats};

/// splitmix64: the history hangs on the seed alone.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

type Fold = FoldWorker<MemorySource, MemorySink>;
type Merge = MergeWorker<MemorySource, MemorySink>;

struct World {
    log: MemoryLog,
    shared: Shared,
    inputs: Vec<Arc<str>>,
}

impl World {
    fn fold(&self, rows_max: usize) -> Fold {
        FoldWorker::new(
            self.shared.clone(),
            self.log.source("fold", &self.inputs, rows_max),
            self.log.sink("fold"),
        )
        .expect("fold starts")
    }

    fn merge(&self, rows_max: usize) -> Merge {
        let partials = [Arc::clone(&self.shared.settings.topics.partials)];
        MergeWorker::new(
            self.shared.clone(),
            self.log.source("merge", &partials, rows_max),
            self.log.sink("merge"),
            true,
        )
    }
}

/// Returns the number of faults.
fn history(seed: u64, log: &MemoryLog, settings: Settings) -> usize {
    let clock = Arc::new(HandClock::default());
    let world = World {
        log: log.clone(),
        inputs: settings
            .inputs
            .iter()
            .map(|input| Arc::clone(&input.topic))
            .collect(),
        shared: Shared {
            settings: Arc::new(settings),
            clock: clock.clone(),
            tally: Arc::new(Tally::default()),
            stop: Stop::default(),
        },
    };
    let mut dice = Dice(seed);
    let mut size = || 200 + dice.below(3_000) as usize;
    let (mut fold, mut merge) = (world.fold(size()), world.merge(8));
    let mut dice = Dice(!seed);
    let (mut folded, mut merged, mut faults) = (false, false, 0);
    for _ in 0..100_000 {
        clock.advance(Duration::from_millis(20 + dice.below(120)));
        let calm = folded && merged;
        match dice.below(100) {
            0 => {
                (fold, folded) = (world.fold(200 + dice.below(3_000) as usize), false);
                faults += 1;
            }
            1 => {
                (merge, merged) = (world.merge(1 + dice.below(16) as usize), false);
                faults += 1;
            }
            2..=3 => {
                log.abort_next(1 + dice.below(2) as usize);
                faults += 1;
            }
            4..=50 if !folded => {
                folded = fold.turn(Duration::ZERO).expect("fold goes on") == Turn::Done
            }
            _ if !merged => {
                merged = merge.turn(Duration::ZERO).expect("merge goes on") == Turn::Done
            }
            _ => {}
        }
        if calm && folded && merged && faults >= 5 {
            log.abort_next(0);
            return faults;
        }
    }
    panic!(
        "seed {seed}: the engine does not come to its end; {:?}",
        merge.slowest()
    );
}

#[test]
fn final_rows_survive_any_history_of_crashes_and_aborts() {
    let seeds = std::env::var("QUAYSTREAM_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(6);
    let expected = {
        let settings = settings(2, 2);
        let (log, _) = port(3, 3, 6_000, &settings);
        run(&log, settings, 100_000, 0);
        stats(&log)
    };
    for seed in 0..seeds {
        let settings = settings(2, 2);
        let (log, _) = port(3, 3, 6_000, &settings);
        let faults = history(seed, &log, settings);
        let found = stats(&log);
        assert_eq!(found.len(), expected.len(), "seed {seed}, {faults} faults");
        assert!(
            found == expected,
            "seed {seed}, {faults} faults: rows differ"
        );
    }
}
