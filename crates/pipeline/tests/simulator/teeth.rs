//! Would the simulation notice? Bugs are planted one at a time; each must be found within 300 seeds, by a history that passes
//! without it.

use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::planted::{Bug, plant};
use pipeline::ticks::TickBy;

use crate::program::Shelves;
use crate::seeds::{history_by, threads, told};

const SEEDS_MAX: u64 = 300;

#[test]
fn every_planted_bug_is_found() {
    find(&Bug::ALL, TickBy::Watermark);
}

#[test]
fn bugs_of_ticks_are_found_where_the_planner_follows_the_clock() {
    find(
        &[Bug::TickAppliedTwice, Bug::PlanWithoutTick],
        TickBy::Clock,
    );
}

/// Bugs are planted in a thread, so each core looks for one.
fn find(bugs: &[Bug], tick_by: TickBy) {
    let next = AtomicUsize::new(0);
    let look = || {
        let mut shelves = Shelves::default();
        let mut missed = Vec::new();
        while let Some(&bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !is_found(bug, tick_by, &mut shelves) {
                missed.push(bug);
            }
        }
        missed
    };
    let missed: Vec<Bug> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads()).map(|_| scope.spawn(look)).collect();
        let missed = threads.into_iter();
        missed
            .flat_map(|thread| thread.join().expect("bugs that were looked for"))
            .collect()
    });
    assert!(
        missed.is_empty(),
        "not found in {SEEDS_MAX} seeds: {missed:?}"
    );
}

fn is_found(bug: Bug, tick_by: TickBy, shelves: &mut Shelves) -> bool {
    for seed in 0..SEEDS_MAX {
        // The day is made before the bug is there.
        told(seed, shelves);
        plant(Some(bug));
        let history = history_by(tick_by, seed, shelves);
        plant(None);
        let Err(reason) = history.result else {
            continue;
        };
        let reason: String = reason.chars().take(120).collect();
        println!(
            "{bug:?}, {tick_by:?}: found after {} seeds: {reason}",
            seed + 1
        );
        let without = history_by(tick_by, seed, shelves).result;
        assert_eq!(
            without,
            Ok(()),
            "seed {seed} fails without {bug:?} too, and so found nothing"
        );
        return true;
    }
    false
}
