//! Many seeds, and what each must show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use pipeline::worker::programs::Programs;

use crate::check::Plans;
use crate::history::{History, calm, kinds, run};
use crate::oracle::{Expected, expect};
use crate::workload::{EVENTS, Record, day};

/// Days that the seeds are told over.
const DAYS: u64 = 8;
/// Seeds of an ordinary run.
const SEEDS: u64 = 40;

/// A day and all that must come of it.
pub struct Told {
    pub day: Vec<Record>,
    pub expected: Expected,
    pub plans: Plans,
}

static DAY: LazyLock<Mutex<BTreeMap<u64, Arc<Told>>>> = LazyLock::new(Mutex::default);

/// The day of a seed. Made once a process.
pub fn told(seed: u64, programs: &Programs) -> Arc<Told> {
    let number = seed % DAYS;
    let mut days = DAY.lock().expect("no panic before");
    let told = days.entry(number).or_insert_with(|| {
        let day = day(number);
        Arc::new(Told {
            expected: expect(&day),
            plans: calm(&day, programs.clone()),
            day,
        })
    });
    Arc::clone(told)
}

pub fn history(seed: u64, programs: &Programs) -> History {
    let told = told(seed, programs);
    run(
        seed,
        &told.day,
        &told.expected,
        &told.plans,
        programs.clone(),
    )
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn fail(seed: u64, history: &History) -> ! {
    let reason = history.result.as_ref().err().map_or("", String::as_str);
    panic!(
        "seed {seed}: {reason}\n  {}\nagain: QUAYSTREAM_SEED={seed} cargo test -p quaystream-pipeline --test simulator seeds",
        history.lines.join("\n  ")
    );
}

#[test]
fn rows_rejects_and_plans_survive_any_history_of_faults() {
    let programs = Programs::default();
    if let Some(seed) = variable("QUAYSTREAM_SEED") {
        let history = history(seed, &programs);
        println!("{}", history.lines.join("\n"));
        println!("snapshots and starts from one: {:?}", history.snapshots);
        if history.result.is_err() {
            fail(seed, &history);
        }
        return;
    }
    let seeds = variable("QUAYSTREAM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let seen = Mutex::new(BTreeSet::new());
    let (written, restored) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let programs = Programs::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let history = history(seed, &programs);
                    if history.result.is_err() {
                        next.store(seeds, Ordering::Relaxed);
                        fail(seed, &history);
                    }
                    assert!(history.kinds.len() >= 5, "seed {seed}: {:?}", history.kinds);
                    written.fetch_add(history.snapshots.0, Ordering::Relaxed);
                    restored.fetch_add(history.snapshots.1, Ordering::Relaxed);
                    seen.lock().expect("no panic before").extend(history.kinds);
                }
            });
        }
    });
    let seen = seen.into_inner().expect("no panic before");
    let (written, restored) = (written.into_inner(), restored.into_inner());
    println!(
        "{seeds} seeds, {} kinds of faults, {written} snapshots, {restored} starts from one",
        seen.len()
    );
    if seeds >= SEEDS {
        assert!(written > 4 * seeds && restored > 2 * seeds);
        assert_eq!(
            seen.len(),
            kinds(true).len(),
            "every kind of fault was seen"
        );
    }
}

#[test]
fn one_seed_is_one_history() {
    let programs = Programs::default();
    let first = history(5, &programs);
    let again = history(5, &Programs::default());
    assert_eq!((first.lines, first.digest), (again.lines, again.digest));
}

#[test]
fn a_day_holds_every_outcome() {
    let told = told(0, &Programs::default());
    assert!(told.day.len() >= EVENTS + 300, "{}", told.day.len());
    let reasons: BTreeSet<i32> = told
        .expected
        .rejects
        .iter()
        .map(|reject| reject.3)
        .collect();
    assert!(reasons.len() >= 3, "{reasons:?}");
    assert!(told.expected.rejects.len() > 30);
    assert!(told.expected.rows.values().all(|rows| rows.len() >= 4));
    let plans: Vec<usize> = told.plans.values().map(Vec::len).collect();
    assert!(plans.iter().all(|records| *records >= 4), "{plans:?}");
}
