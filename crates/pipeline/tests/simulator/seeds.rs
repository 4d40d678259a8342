//! Many seeds, and what each must show.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use events::v1::StatKind;
use pipeline::ticks::TickBy;

use crate::check::Plans;
use crate::faults::{KINDS_MIN, kinds};
use crate::history::{History, calm, run};
use crate::program::{Change, Shelves, expected};
use crate::reading::{Expected, Record};
use crate::workload::{EVENTS, day};

/// Days that the first seeds are told over, one after the other.
const DAYS: u64 = 8;
/// So many seeds behind them share a day of their own.
const SEEDS_A_DAY: u64 = 20;
/// Seeds of an ordinary run.
const SEEDS: u64 = 40;
/// Long runs say after so many seeds how far they are.
const TELL_EVERY: u64 = 250;
/// A run ends when so many have failed.
const FAILED_MAX: usize = 8;

/// A day and all that must come of it.
pub struct Told {
    pub day: Vec<Record>,
    pub expected: Expected,
    pub plans: Plans,
}

static DAY: LazyLock<Mutex<BTreeMap<u64, Arc<Told>>>> = LazyLock::new(Mutex::default);

/// The day of a seed. Made once a process.
pub fn told(seed: u64, shelves: &Shelves) -> Arc<Told> {
    let number = match seed < SEEDS {
        true => seed % DAYS,
        false => DAYS + (seed - SEEDS) / SEEDS_A_DAY,
    };
    // Whoever panics while it makes a day puts none in.
    let mut days = DAY.lock().unwrap_or_else(PoisonError::into_inner);
    // Those of long ago do not come again.
    days.retain(|known, _| *known < DAYS || known + 2 > number);
    let told = days.entry(number).or_insert_with(|| {
        let day = day(number);
        Arc::new(Told {
            expected: expected(&day),
            plans: calm(&day, shelves.clone()),
            day,
        })
    });
    Arc::clone(told)
}

/// What the planner of a seed follows.
pub fn tick_by(seed: u64) -> TickBy {
    match seed % 3 {
        2 => TickBy::Clock,
        _ => TickBy::Watermark,
    }
}

pub fn history(seed: u64, shelves: &mut Shelves) -> History {
    history_by(tick_by(seed), seed, shelves)
}

pub fn history_by(tick_by: TickBy, seed: u64, shelves: &mut Shelves) -> History {
    caught(shelves, |shelves, lines| {
        let told = told(seed, shelves);
        let plans = Some(&told.plans).filter(|_| tick_by == TickBy::Watermark);
        let shelves = shelves.clone();
        run(seed, &told.day, &told.expected, plans, shelves, lines)
    })
}

/// A panic, of the engine or of the world around it, is the failure of this one history.
fn caught(
    shelves: &mut Shelves,
    tell: impl FnOnce(&Shelves, &mut Vec<String>) -> History,
) -> History {
    let mut lines = Vec::new();
    match catch_unwind(AssertUnwindSafe(|| tell(shelves, &mut lines))) {
        Ok(history) => history,
        Err(panic) => {
            // Nobody knows in which state the programs are.
            *shelves = Shelves::default();
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            History::panicked(lines, text.unwrap_or("without a message"))
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// One for each core.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What `QUAYSTREAM_SEEDS` asks for: so many from the first on, or a range (`3000..10000`).
fn asked() -> Range<u64> {
    let Ok(asked) = std::env::var("QUAYSTREAM_SEEDS") else {
        return 0..SEEDS;
    };
    let (from, to) = asked.split_once("..").unwrap_or(("0", &asked));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from < to => from..to,
        _ => panic!("QUAYSTREAM_SEEDS={asked}: give a number, or a range as 3000..10000"),
    }
}

/// How a seed failed, and what replays it; none if it passed.
fn failure(seed: u64, history: &History) -> Option<String> {
    let reason = match &history.result {
        Err(reason) => reason.clone(),
        Ok(()) if history.kinds.len() < KINDS_MIN => {
            format!("too few kinds of faults: {:?}", history.kinds)
        }
        Ok(()) => return None,
    };
    Some(format!(
        "seed {seed}: {reason}\n  {}\nagain: QUAYSTREAM_SEED={seed} cargo test --release --test simulator seeds",
        history.lines.join("\n  ")
    ))
}

#[test]
fn rows_rejects_and_plans_survive_any_history_of_faults() {
    if let Some(seed) = variable("QUAYSTREAM_SEED") {
        let history = history(seed, &mut Shelves::default());
        println!("{}", history.lines.join("\n"));
        println!("snapshots and starts from one: {:?}", history.snapshots);
        println!("ticks: {}, plans: {}", history.ticks, history.plans);
        if let Some(failure) = failure(seed, &history) {
            panic!("{failure}");
        }
        return;
    }
    let Range { start, end } = asked();
    let seeds = end - start;
    let next = AtomicU64::new(start);
    let failed = Mutex::new(Vec::new());
    let seen = Mutex::new(BTreeSet::new());
    let rows = Mutex::new(BTreeMap::<StatKind, u64>::new());
    let (written, restored) = (AtomicU64::new(0), AtomicU64::new(0));
    let (ticks, clocked) = (AtomicU64::new(0), AtomicU64::new(0));
    let (splits, late) = (AtomicU64::new(0), AtomicU64::new(0));
    let came = Mutex::new(BTreeMap::<Change, usize>::new());
    let (spilled, pauses) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                let mut shelves = Shelves::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let history = history(seed, &mut shelves);
                    if seed > start && (seed - start).is_multiple_of(TELL_EVERY) {
                        eprintln!("{} of {seeds} seeds", seed - start);
                    }
                    if let Some(failure) = failure(seed, &history) {
                        eprintln!("{failure}");
                        let mut failed = failed.lock().expect("no panic before");
                        failed.push(seed);
                        if failed.len() >= FAILED_MAX {
                            next.store(end, Ordering::Relaxed);
                        }
                        continue;
                    }
                    written.fetch_add(history.snapshots.0, Ordering::Relaxed);
                    restored.fetch_add(history.snapshots.1, Ordering::Relaxed);
                    if tick_by(seed) == TickBy::Clock {
                        ticks.fetch_add(history.ticks as u64, Ordering::Relaxed);
                        clocked.fetch_add(history.plans as u64, Ordering::Relaxed);
                    }
                    splits.fetch_add(history.splits, Ordering::Relaxed);
                    late.fetch_add(history.late as u64, Ordering::Relaxed);
                    for (change, rows) in &history.came {
                        let mut came = came.lock().expect("no panic before");
                        *came.entry(*change).or_default() += rows;
                    }
                    spilled.fetch_add(history.spills.0, Ordering::Relaxed);
                    pauses.fetch_add(history.spills.1, Ordering::Relaxed);
                    seen.lock().expect("no panic before").extend(history.kinds);
                    for (kind, count) in history.rows {
                        *rows
                            .lock()
                            .expect("no panic before")
                            .entry(kind)
                            .or_default() += count;
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic before");
    assert!(
        failed.is_empty(),
        "seeds that failed, each told above: {failed:?}"
    );
    let seen = seen.into_inner().expect("no panic before");
    let (written, restored) = (written.into_inner(), restored.into_inner());
    let (ticks, clocked) = (ticks.into_inner(), clocked.into_inner());
    let (splits, late) = (splits.into_inner(), late.into_inner());
    let (spilled, pauses) = (spilled.into_inner(), pauses.into_inner());
    println!(
        "{seeds} seeds, {} kinds of faults, {written} snapshots, {restored} starts from one; {ticks} ticks of the clock, {clocked} plans at them; \
         {splits} split commits, {spilled} bytes spilled, {pauses} pauses, {late} times late behind a silence",
        seen.len()
    );
    let rows = rows.into_inner().expect("no panic before");
    let came = came.into_inner().expect("no panic before");
    println!("rows that left: {rows:?}; of queries that came: {came:?}");
    if seeds >= SEEDS {
        use StatKind::{Corrected, Early, Final, OnTime};
        let is_told = |kind| rows.get(&kind).is_some_and(|count| *count > seeds);
        assert!(
            [Early, OnTime, Corrected, Final].into_iter().all(is_told),
            "{rows:?}"
        );
        assert!(written > 4 * seeds && restored > 2 * seeds && splits > 10 * seeds);
        assert!(
            spilled > 0 && pauses > 0 && 4 * late > seeds,
            "{spilled} {pauses} {late}"
        );
        let has_come = |change| came.get(&change).is_some_and(|rows| *rows as u64 > seeds);
        assert!(
            [Change::FromNow, Change::WithPast, Change::Mended]
                .into_iter()
                .all(has_come),
            "{came:?}"
        );
        assert!(ticks > 2 * seeds && clocked > seeds, "{ticks} {clocked}");
        assert_eq!(
            seen.len(),
            kinds(true, TickBy::Clock).len(),
            "every kind of fault was seen"
        );
    }
}

#[test]
fn one_seed_is_one_history() {
    let mut shelves = Shelves::default();
    for seed in [2, 4, 5, 7] {
        let first = history(seed, &mut shelves);
        let again = history(seed, &mut Shelves::default());
        assert_eq!((first.lines, first.digest), (again.lines, again.digest));
    }
}

#[test]
fn a_panic_is_the_failure_of_its_seed() {
    let mut shelves = Shelves::default();
    let history = caught(&mut shelves, |_, lines| {
        lines.push("turn 3: fold-1: Kill".to_owned());
        panic!("planted {}", "here")
    });
    let failure = failure(7, &history).expect("no pass");
    let told = [
        "seed 7: panicked: planted here\n  turn 3: fold-1: Kill\n",
        "again: QUAYSTREAM_SEED=7 cargo test --release --test simulator seeds",
    ];
    assert!(told.iter().all(|told| failure.contains(told)), "{failure}");
}

#[test]
fn a_day_holds_every_outcome() {
    let told = told(0, &Shelves::default());
    assert!(told.day.len() >= EVENTS + 300, "{}", told.day.len());
    let reasons: BTreeSet<i32> = told
        .expected
        .rejects
        .iter()
        .map(|reject| reject.3)
        .collect();
    assert!(reasons.len() >= 3, "{reasons:?}");
    let outcomes = &told.expected.outcomes;
    let classes = [
        "accepted",
        "corrected",
        "retracted",
        "void",
        "superseded",
        "duplicate",
        "late",
        "rejected",
        "heartbeat",
    ];
    for class in classes {
        let records = outcomes.get(class).copied().unwrap_or_default();
        assert!(records >= 5, "{class}: {outcomes:?}");
    }
    assert!(told.expected.rejects.len() > 30);
    assert!(told.expected.rows.values().all(|rows| rows.len() >= 4));
    let plans: Vec<usize> = told.plans.values().map(Vec::len).collect();
    assert!(plans.iter().all(|records| *records >= 4), "{plans:?}");
}
