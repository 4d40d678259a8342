//! How long a processor that has lost its memory is away: from the start of the process to the first right row, by size of
//! its state. Broker and processor are processes of their own; snapshots lie in a folder.
//!
//! ```text
//! cargo bench --bench restore                        three sizes, the largest about a gigabyte of snapshot
//! cargo bench --bench restore -- 300000 600000       so many events each
//! cargo bench --bench restore -- --binary PATH ...   another build of the processor
//! ```
//!
//! Containers are moved and trucks pass the gates for five days. Two tables, a window of 28 days that hops by 7, one of 28
//! days, sessions, and levels (benches/restore) keep a row of every container or truck; the moves of each day by terminal are
//! told when it is over. Fold and merge work it all off; merge writes a snapshot and stops. Then the rest of the
//! fifth day is written and folded. What is timed is a new merge: its first row, of the fifth day, needs the
//! snapshot and the log behind it, and is compared with what was sent.
//!
//! Target: restore is linear in state. A byte of the largest state takes at most 1.5 times what one of the smallest takes, medians
//! of three restores; the program fails if that is missed clearly (`--test`: at twice the target).

#![allow(clippy::expect_used, clippy::print_stdout)] // a benchmark says what it found, or why it cannot run

#[path = "restore/crew.rs"]
mod crew;
#[path = "target.rs"]
mod target;
#[path = "restore/events.rs"]
mod traffic;

use std::time::{Duration, Instant};

use crew::{Crew, Subject};
use events::Message;
use events::v1::{WindowStat, cell};
use kafka::Isolation;
use kafka::tail::{From, Tail};
use target::{Targets, median};
use traffic::Traffic;

/// Bound on each wait.
const WAIT_MAX: Duration = Duration::from_secs(3_600);
/// Odd, so that one of them is the median.
const RESTORES: usize = 3;
/// Time of a byte of the largest state to that of the smallest.
const LINEAR_MOST: f64 = 1.5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let binary = arguments.iter().position(|argument| argument == "--binary");
    let binary = binary.map(|at| arguments.get(at + 1).expect("a path after --binary"));
    let sizes = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok());
    let mut sizes: Vec<u64> = sizes.collect();
    let is_quick = arguments.iter().any(|argument| argument == "--test");
    if sizes.is_empty() {
        sizes = match is_quick {
            true => vec![20_000, 60_000],
            false => vec![900_000, 1_800_000, 3_600_000],
        };
    }
    println!(
        "   events      keys  state MB  snapshot MB  written s  from nothing s  first row s  of these restore s  CPU s"
    );
    sizes.sort_unstable();
    let binary = binary.map_or(env!("CARGO_BIN_EXE_quaystream"), String::as_str);
    let rates: Vec<f64> = sizes.iter().map(|events| case(binary, *events)).collect();
    let mut targets = Targets::new(is_quick);
    if let [smallest, .., largest] = rates[..] {
        let ratio = largest / smallest;
        let word = targets.judge("restore by byte of state", ratio, LINEAR_MOST);
        println!("restore, a byte of the largest state to one of the smallest: {ratio:.2} {word}");
    }
    targets.end();
}

/// Seconds of restore by byte of state.
fn case(binary: &str, events: u64) -> f64 {
    let subject = Subject {
        pipeline: "restore",
        out_of_order_s: 0,
    };
    let crew = Crew::new(binary, subject);
    let mut traffic = Traffic::new(events);
    traffic.write(&crew.config, 0..events);

    let fold = crew.start("fold", 0);
    wait(|| fold.metric("quaystream_records_total") >= events as f64);
    fold.stop();
    let merge = crew.start("merge", 0);
    wait(|| merge.metric("quaystream_frontier_seconds") * 1e6 >= traffic.latest_us() as f64);
    merge.stop();

    let merge = crew.start("merge", 1);
    wait(|| merge.metric("quaystream_snapshot_bytes") > 0.0);
    let (bytes, written_s) = (
        merge.metric("quaystream_snapshot_bytes"),
        merge.metric("quaystream_snapshot_seconds_sum"),
    );
    let from_nothing_s = merge.metric("quaystream_restore_seconds_sum");
    merge.stop();

    traffic.end_day(&crew.config);
    let fold = crew.start("fold", 0);
    wait(|| fold.metric("quaystream_records_total") >= traffic.written_last() as f64);
    fold.stop();

    let mut tail = Tail::open(
        &crew.config.kafka,
        &crew.config.engine.topics.sinks["window_stat"],
        None,
        From::End,
        Isolation::ReadCommitted,
    )
    .expect("a reader");
    // The reader is at the end before there is anything to read.
    while tail
        .next(Duration::from_millis(200))
        .expect("readable")
        .is_some()
    {}
    let began = Instant::now();
    let merge = crew.start("merge", 0);
    let row = first_row(&mut tail);
    let (first_s, cpu_s) = (began.elapsed().as_secs_f64(), merge.cpu_s());
    traffic.check(&row);
    let mut restores = vec![merge.metric("quaystream_restore_seconds_sum")];
    wait(|| merge.metric("quaystream_state_bytes") > 0.0);
    let state_bytes = merge.metric("quaystream_state_bytes");
    merge.stop();
    // Once more each, without a row to wait for.
    while restores.len() < RESTORES {
        let merge = crew.start("merge", 0);
        wait(|| merge.metric("quaystream_restore_seconds_sum") > 0.0);
        restores.push(merge.metric("quaystream_restore_seconds_sum"));
        merge.stop();
    }
    let restore_s = median(restores);
    println!(
        "{events:9} {:9} {:9.1} {:12.1} {written_s:10.2} {from_nothing_s:15.2} {first_s:12.2} {restore_s:19.2} {cpu_s:6.2}",
        traffic.keys(),
        state_bytes / 1e6,
        bytes / 1e6,
    );
    restore_s / state_bytes
}

fn first_row(tail: &mut Tail) -> WindowStat {
    let began = Instant::now();
    while began.elapsed() < WAIT_MAX {
        if let Some(record) = tail.next(Duration::from_millis(5)).expect("readable") {
            let value = record.value.expect("no tombstones");
            return WindowStat::decode(value.as_slice()).expect("a row");
        }
    }
    panic!("no row within {} s", WAIT_MAX.as_secs());
}

fn wait(is_there: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < WAIT_MAX, "it takes too long");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A whole number in a row.
fn number(row: &WindowStat, column: &str) -> Option<i64> {
    let cell = row.cells.iter().find(|cell| cell.name == column)?;
    match cell.value {
        Some(cell::Value::Integer(number)) => Some(number),
        _ => None,
    }
}
