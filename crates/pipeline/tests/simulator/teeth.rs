//! Would the simulation notice? Bugs are planted one at a time; each must be found within 300 seeds, by a history that passes
//! without it.

use pipeline::planted::{Bug, plant};
use pipeline::ticks::TickBy;

use crate::program::Shelves;
use crate::seeds::{history_by, told};

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

fn find(bugs: &[Bug], tick_by: TickBy) {
    let mut shelves = Shelves::default();
    let mut missed = Vec::new();
    for &bug in bugs {
        let mut found = None;
        for seed in 0..SEEDS_MAX {
            // The day is made before the bug is there.
            told(seed, &shelves);
            plant(Some(bug));
            let history = history_by(tick_by, seed, &mut shelves);
            plant(None);
            if let Err(reason) = history.result {
                found = Some((seed, reason));
                break;
            }
        }
        let Some((seed, reason)) = found else {
            missed.push(bug);
            continue;
        };
        let reason: String = reason.chars().take(120).collect();
        println!(
            "{bug:?}, {tick_by:?}: found after {} seeds: {reason}",
            seed + 1
        );
        let without = history_by(tick_by, seed, &mut shelves).result;
        assert_eq!(
            without,
            Ok(()),
            "seed {seed} fails without {bug:?} too, and so found nothing"
        );
    }
    assert!(
        missed.is_empty(),
        "not found in {SEEDS_MAX} seeds: {missed:?}"
    );
}
