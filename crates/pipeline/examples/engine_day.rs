//! A simulated day through the whole engine in memory, with the shipped queries: how fast, and where the time goes.
//!
//! `cargo run --release -p quaystream-pipeline --example engine_day -- [records] [partitions] [iterations] [watch]`: with a
//! budget the berth planner plans hourly with it, and the rail planner with 20,000 moves; with a watch, seconds, triggers
//! fire as well. Without a budget nothing is planned.

#![allow(clippy::expect_used, clippy::print_stdout)] // a program for a person at a terminal

#[path = "../tests/engine/fixture.rs"]
#[allow(dead_code)]
mod fixture;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use events::Message;
use events::v1::PlanDelta;
use pipeline::memory::HandClock;
use pipeline::plans::agenda::Triggers;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

/// As the shipped configuration has them.
const TOLERANCES: [(&str, i64); 5] = [
    ("arrival_min", 30),
    ("water_cm", 20),
    ("departure_min", 15),
    ("cut_off_min", 0),
    ("ready_min", 120),
];

/// The shipped files of some folders; names of planners' inputs have their planner before them.
fn shipped(folders: &[&str], prefix: &str) -> Vec<SqlFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pipelines/duisburg");
    let mut files = Vec::new();
    for folder in folders {
        let mut names: Vec<_> = std::fs::read_dir(root.join(folder))
            .expect("the folder")
            .flatten()
            .map(|entry| entry.path())
            .collect();
        names.sort();
        for path in names {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            files.push(SqlFile::new(
                format!("{prefix}{name}"),
                std::fs::read_to_string(&path).expect("readable"),
            ));
        }
    }
    files
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let records = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(250_000);
    let partitions = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2);
    let mut settings = fixture::settings(partitions, 1);
    settings.queries = shipped(&["tables", "queries"], "");
    let budget: Option<u64> = arguments.next().and_then(|text| text.parse().ok());
    let watch_s = arguments.next().and_then(|text| text.parse().ok());
    if let Some(iterations) = budget {
        let triggers = Triggers {
            every: Duration::from_secs(watch_s.unwrap_or(0)),
            interval_min: Duration::from_secs(900),
            tolerances: TOLERANCES
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        };
        for (run, name, iterations) in [
            (&mut settings.planners.berths, "berths", iterations),
            (&mut settings.planners.rail, "rail", 20_000),
        ] {
            run.is_on = true;
            run.every = Duration::from_secs(3_600);
            run.triggers = triggers.clone();
            run.iterations = iterations;
            run.inputs = shipped(&[&format!("planners/{name}")], &format!("{name}/"));
        }
    }
    let started = Instant::now();
    let (log, truth) = fixture::port(1, 24, records, &settings);
    println!(
        "{} records made in {:.2} s",
        truth.records,
        started.elapsed().as_secs_f64()
    );
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(settings, clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let inputs: Vec<Arc<str>> = shared
        .settings
        .inputs
        .iter()
        .map(|input| Arc::clone(&input.topic))
        .collect();
    let partials = [Arc::clone(&shared.settings.topics.partials)];
    let (source, sink) = log.join("fold", None, &inputs, 20_000);
    let mut fold = FoldWorker::new(shared.clone(), source, sink).expect("fold");
    let (source, sink) = log.join("merge", None, &partials, 64);
    let mut merge = MergeWorker::new(shared, source, sink);
    let (mut folded, mut merged) = (false, false);
    let (mut fold_time, mut merge_time) = (Duration::ZERO, Duration::ZERO);
    while !(folded && merged) {
        clock.advance(Duration::from_millis(200));
        let at = Instant::now();
        folded = folded || fold.turn(Duration::ZERO).expect("fold") == Turn::Done;
        fold_time += at.elapsed();
        let at = Instant::now();
        merged = merged || merge.turn(Duration::ZERO).expect("merge") == Turn::Done;
        merge_time += at.elapsed();
    }
    let rate = |time: Duration| truth.records as f64 / time.as_secs_f64() / 1e3;
    println!(
        "fold  {:.2} s, {:.0} thousand records a second",
        fold_time.as_secs_f64(),
        rate(fold_time)
    );
    println!(
        "merge {:.2} s, {:.0} thousand records a second",
        merge_time.as_secs_f64(),
        rate(merge_time)
    );
    for (planner, plan) in tally.plans() {
        println!("{planner}: {plan:?}");
    }
    let mut deltas: BTreeMap<String, [u64; 5]> = BTreeMap::new();
    for record in log.records("plan-deltas").into_iter().flatten() {
        let value = record.value.expect("no tombstone");
        let delta = PlanDelta::decode(value.as_slice()).expect("a delta");
        let sums = deltas.entry(delta.planner).or_default();
        let gap_percent = (delta.value - delta.bound) * 100 / delta.value.max(1);
        let adds = [
            1,
            u64::from(!delta.causes.is_empty()),
            delta.changes.len() as u64,
            u64::from(delta.moved),
            gap_percent as u64,
        ];
        sums.iter_mut().zip(adds).for_each(|(sum, add)| *sum += add);
    }
    for (planner, [plans, triggered, changes, moved, gaps]) in deltas {
        let mean = gaps / plans.max(1);
        println!(
            "{planner}: {plans} plans, {triggered} of them triggered, {changes} changes, {moved} moves, mean gap {mean} %"
        );
    }
    for topic in ["plan-explanations", "train-loads"] {
        let records: Vec<_> = log.records(topic).into_iter().flatten().collect();
        let bytes: usize = records
            .iter()
            .map(|record| record.value.as_ref().map_or(0, Vec::len))
            .sum();
        println!("{topic}: {} records, {bytes} bytes", records.len());
    }
    println!(
        "{} rows out, rejects {:?}, failures {:?}",
        tally.rows_out(),
        tally.rejects(),
        tally.failures()
    );
}
