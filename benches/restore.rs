//! How long a processor that has lost its memory is away: from the start of the process to the first right row, by size of
//! its state. Broker and processor are processes of their own; snapshots lie in a folder.
//!
//! ```text
//! cargo bench --bench restore                        three sizes, the largest over a gigabyte of snapshot
//! cargo bench --bench restore -- 300000 600000       so many events each
//! cargo bench --bench restore -- --binary PATH ...   another build of the processor
//! ```
//!
//! Containers are moved and trucks pass the gates for 33 days. Two tables, a window of 28 days that hops by a week, one of 28
//! days, sessions, and levels (benches/restore) keep a row of every container or truck; the moves of the last 28 days by
//! terminal are told every day. Fold and merge work it all off; merge writes a snapshot and stops. Its keys and panes are read
//! back and compared with what was sent. Then the rest of the 27th day is written and folded. What is timed is a new merge: its
//! first row, of the 28 days before, needs the snapshot and the log behind it, and is compared with what was sent. At last the
//! 28th day ends, and a new merge adds up four weeks of every container: the first of these rows is compared too.
//!
//! Targets: restore is linear in state: a byte of the largest state takes at most 1.5 times what one of the smallest takes,
//! medians of three restores. The first row of the largest is there in less than ten seconds. Without sizes: the largest has
//! two million keys or more, and a gigabyte of state, in memory as in the store. The program fails if one is missed (`--test`:
//! where the ratio is twice its target; the others are only printed).

#![allow(clippy::expect_used, clippy::print_stdout)] // a benchmark says what it found, or why it cannot run

#[path = "broker_process.rs"]
mod broker_process;
#[path = "restore/crew.rs"]
mod crew;
#[path = "restore/keys.rs"]
mod keys;
#[path = "target.rs"]
mod target;
#[path = "restore/events.rs"]
mod traffic;

use std::time::{Duration, Instant};

use crew::{Crew, Processor, Subject};
use events::Message;
use events::v1::WindowStat;
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
/// From the start of the process to the first row, seconds.
const FIRST_LESS_S: f64 = 10.0;
const KEYS_LEAST: f64 = 2e6;
/// Of state by the formula, and of the snapshot.
const BYTES_LEAST: f64 = 1e9;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let binary = arguments.iter().position(|argument| argument == "--binary");
    let binary = binary.map(|at| arguments.get(at + 1).expect("a path after --binary"));
    let sizes = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok());
    let mut sizes: Vec<u64> = sizes.collect();
    let is_quick = arguments.iter().any(|argument| argument == "--test");
    let are_ours = sizes.is_empty();
    if are_ours {
        sizes = match is_quick {
            true => vec![20_000, 60_000],
            false => vec![1_250_000, 2_500_000, 5_000_000],
        };
    }
    println!(
        "   events      keys  state MB  snapshot MB  written s  from nothing s  first row s  of these restore s  CPU s  first row of a container s"
    );
    sizes.sort_unstable();
    let binary = binary.map_or(env!("CARGO_BIN_EXE_quaystream"), String::as_str);
    let cases: Vec<Case> = sizes.iter().map(|events| case(binary, *events)).collect();
    let mut targets = Targets::new(is_quick);
    if let [smallest, .., largest] = &cases[..] {
        let ratio = largest.rate() / smallest.rate();
        let word = targets.judge("restore by byte of state", ratio, LINEAR_MOST);
        println!("restore, a byte of the largest state to one of the smallest: {ratio:.2} {word}");
    }
    if let Some(largest) = cases.last() {
        let word = targets.judge_time("first row of the largest", largest.first_s, FIRST_LESS_S);
        println!("first row of the largest: {:.2} s {word}", largest.first_s);
        let sizes = [
            ("keys", largest.keys as f64, KEYS_LEAST),
            ("bytes of state", largest.state_bytes, BYTES_LEAST),
            ("bytes of snapshot", largest.snapshot_bytes, BYTES_LEAST),
        ];
        for (what, size, least) in sizes.into_iter().filter(|_| are_ours) {
            let word = targets.judge_size(what, size, least);
            println!("{what} of the largest: {size} {word}");
        }
    }
    targets.end();
}

/// What was found at one size.
struct Case {
    keys: usize,
    state_bytes: f64,
    snapshot_bytes: f64,
    /// From the start of the process to its first row.
    first_s: f64,
    restore_s: f64,
}

impl Case {
    /// Seconds of restore by byte of state.
    fn rate(&self) -> f64 {
        self.restore_s / self.state_bytes
    }
}

fn case(binary: &str, events: u64) -> Case {
    let subject = Subject {
        pipeline: "restore",
        out_of_order_s: 0,
    };
    let crew = Crew::new(binary, subject);
    let mut traffic = Traffic::new(events);
    traffic.write(&crew.config);
    folded(&crew, events);
    let merge = crew.start("merge", 0);
    wait(|| merge.metric("quaystream_frontier_seconds") * 1e6 >= traffic.latest_us() as f64);
    merge.stop();

    let (written_s, from_nothing_s) = snapshot(&crew);
    let (keys, snapshot_bytes) = counted(&crew, &traffic);

    let rest = traffic.end_day(&crew.config);
    folded(&crew, rest);
    let mut tail = at_the_end(&crew);
    let began = Instant::now();
    let merge = crew.start("merge", 0);
    let row = row_of(&mut tail, |_| true);
    let (first_s, cpu_s) = (began.elapsed().as_secs_f64(), merge.cpu_s());
    traffic.check(&row);
    let (restore_s, state_bytes) = restores(&crew, merge);

    let rest = traffic.end_week(&crew.config);
    folded(&crew, rest);
    let began = Instant::now();
    let merge = crew.start("merge", 0);
    let row = row_of(&mut tail, |row| row.query == "moved_28_days");
    let container_s = began.elapsed().as_secs_f64();
    traffic.check_container(&row);
    drop(merge);
    println!(
        "{events:9} {keys:9} {:9.1} {:12.1} {written_s:10.2} {from_nothing_s:15.2} {first_s:12.2} {restore_s:19.2} {cpu_s:6.2} {container_s:27.2}",
        state_bytes / 1e6,
        snapshot_bytes / 1e6,
    );
    Case {
        keys,
        state_bytes,
        snapshot_bytes,
        first_s,
        restore_s,
    }
}

/// A new fold works off so many records.
fn folded(crew: &Crew, records: u64) {
    let fold = crew.start("fold", 0);
    wait(|| fold.metric("quaystream_records_total") >= records as f64);
    fold.stop();
}

/// A merge takes all up from the log and writes a snapshot; seconds of writing it, and of taking up.
fn snapshot(crew: &Crew) -> (f64, f64) {
    let merge = crew.start("merge", 1);
    wait(|| merge.metric("quaystream_snapshot_bytes") > 0.0);
    let written_s = merge.metric("quaystream_snapshot_seconds_sum");
    let from_nothing_s = merge.metric("quaystream_restore_seconds_sum");
    merge.stop();
    (written_s, from_nothing_s)
}

/// Keys and bytes of the snapshot; it holds the keys that were sent, and hopping windows are many panes.
fn counted(crew: &Crew, traffic: &Traffic) -> (usize, f64) {
    let counted = keys::count(&crew.config, &crew.snapshots());
    assert_eq!(counted.keys, traffic.keys(), "keys of the snapshot");
    let panes = |query| counted.panes.get(query).copied().unwrap_or_default();
    let (days, weeks) = (panes("four_weeks"), panes("moved_28_days"));
    assert!(days >= 27 && weeks >= 4, "{days} days, {weeks} weeks");
    (counted.keys.values().sum(), counted.bytes as f64)
}

/// Seconds of restore, the median of several, of which `merge` did the first; and bytes of the state.
fn restores(crew: &Crew, merge: Processor) -> (f64, f64) {
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
    (median(restores), state_bytes)
}

/// A reader of rows that is at the end before there is anything to read.
fn at_the_end(crew: &Crew) -> Tail {
    let mut tail = Tail::open(
        &crew.config.kafka,
        &crew.config.engine.topics.sinks["window_stat"],
        None,
        From::End,
        Isolation::ReadCommitted,
    )
    .expect("a reader");
    let wait = Duration::from_millis(200);
    while tail.next(wait).expect("readable").is_some() {}
    tail
}

/// The next of some rows.
fn row_of(tail: &mut Tail, is_it: impl Fn(&WindowStat) -> bool) -> WindowStat {
    let began = Instant::now();
    while began.elapsed() < WAIT_MAX {
        if let Some(record) = tail.next(Duration::from_millis(5)).expect("readable") {
            let value = record.value.expect("no tombstones");
            let row = WindowStat::decode(value.as_slice()).expect("a row");
            if is_it(&row) {
                return row;
            }
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
