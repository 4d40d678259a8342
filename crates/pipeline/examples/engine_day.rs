//! A simulated day through the whole engine in memory, with the shipped queries: how fast, and where the time goes.
//!
//! `cargo run --release -p quaystream-pipeline --example engine_day -- [records] [partitions]`

#![allow(clippy::expect_used, clippy::print_stdout)] // a program for a person at a terminal

#[path = "../tests/engine/fixture.rs"]
#[allow(dead_code)]
mod fixture;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::memory::HandClock;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

fn shipped() -> Vec<SqlFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pipelines/duisburg");
    let mut files = Vec::new();
    for folder in ["tables", "queries"] {
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
                name,
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
    settings.queries = shipped();
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
    let mut merge = MergeWorker::new(shared, source, sink, true);
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
    println!(
        "{} rows out, rejects {:?}, failures {:?}",
        tally.rows_out(),
        tally.rejects(),
        tally.failures()
    );
}
