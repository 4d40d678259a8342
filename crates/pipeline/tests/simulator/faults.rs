//! What goes wrong in a history, and when.

use pipeline::memory::{CommitFault, Step, Survival};
use pipeline::ticks::TickBy;

use crate::dice::Dice;
use crate::program::Change;

/// Turns over which the day is written.
pub const FEED_TURNS: u64 = 240;
/// Different faults of a history, at least.
pub const KINDS_MIN: usize = 5;
/// Turns over which a fold is dead.
pub const DEAD_TURNS: u64 = 48;
/// Turns over which a source is silent, at least: nearly three times the idle timeout.
pub const SILENT_TURNS: u64 = 110;
/// Turn from which on queries that have failed may be mended.
const SICK_TURN: u64 = 100;

/// The kinds of faults, those of a commit by step and by what becomes of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Commit(CommitFault),
    Kill,
    Zombie,
    StaleStart,
    Rebalance,
    Join,
    Leave,
    FetchAgain,
    FetchLate,
    SlowEnds,
    ClockJump,
    ClockSet,
    DeadFold,
    CutOff,
    TornSnapshot,
    StoreAway,
    ShortMemory,
    NewQueries(Change),
    Silence,
}

/// Of histories with snapshots in the topic, or in an object store, and with ticks of either kind: those that can do
/// something there.
pub fn kinds(is_stored: bool, tick_by: TickBy) -> Vec<Fault> {
    let steps = [
        Step::BeforeProduce,
        Step::MidProduce,
        Step::AfterProduce,
        Step::AfterPositions,
        Step::Ambiguous { is_committed: true },
        Step::Ambiguous {
            is_committed: false,
        },
        Step::AfterCommit,
    ];
    let mut kinds = vec![
        Fault::Kill,
        Fault::Zombie,
        Fault::StaleStart,
        Fault::Rebalance,
        Fault::Join,
        Fault::Leave,
        Fault::FetchAgain,
        Fault::FetchLate,
        Fault::SlowEnds,
        Fault::ClockJump,
        Fault::DeadFold,
        Fault::CutOff,
        Fault::TornSnapshot,
        Fault::ShortMemory,
        Fault::NewQueries(Change::FromNow),
        Fault::NewQueries(Change::WithPast),
        Fault::NewQueries(Change::Mended),
        Fault::Silence,
    ];
    if is_stored {
        kinds.push(Fault::StoreAway);
    }
    if tick_by == TickBy::Clock {
        kinds.push(Fault::ClockSet);
    }
    for step in steps {
        for survival in [Survival::Lives, Survival::Dies] {
            let is_whole = matches!(
                step,
                Step::Ambiguous { is_committed: true } | Step::AfterCommit
            );
            // Who lives on behind a commit that has happened learns that, and nothing was wrong.
            if survival == Survival::Dies || !is_whole {
                kinds.push(Fault::Commit(CommitFault { step, survival }));
            }
        }
    }
    kinds
}

/// When a history goes wrong: the turn, and how.
pub fn schedule(dice: &mut Dice, is_stored: bool, tick_by: TickBy) -> Vec<(u64, Fault)> {
    let kinds = kinds(is_stored, tick_by);
    let count = 6 + dice.below(5) as usize;
    let mut faults: Vec<(u64, Fault)> = Vec::new();
    while faults.len() < count {
        let fault = *dice.pick(&kinds);
        // Queries change once.
        let is_like = |known: &Fault| match known {
            Fault::NewQueries(_) => matches!(fault, Fault::NewQueries(_)),
            known => *known == fault,
        };
        if !faults.iter().any(|(_, known)| is_like(known)) {
            let (first, last) = match fault {
                Fault::DeadFold => (5, FEED_TURNS - DEAD_TURNS - 5),
                Fault::Silence => (5, FEED_TURNS - SILENT_TURNS),
                // Behind the first windows that the sick ones cannot compute.
                Fault::NewQueries(Change::Mended) => (SICK_TURN, FEED_TURNS - 5),
                _ => (5, FEED_TURNS - 5),
            };
            faults.push((first + dice.below(last - first), fault));
        }
    }
    faults.sort();
    faults
}
