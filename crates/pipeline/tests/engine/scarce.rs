//! Both stages on one account of memory that is short: what cannot be given back by waiting must not be waited for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline::budget::{Account, Budget, Memory};
use pipeline::error::EngineError;
use pipeline::intake::state::StateBounds;
use pipeline::log::Outgoing;
use pipeline::memory::{HandClock, MemoryFiles, MemoryLog, MemorySink, MemorySource};
use pipeline::outcome::Tally;
use pipeline::settings::{Bounded, Settings};
use pipeline::spill::Spilling;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

use crate::bounds::{idle, large};
use crate::fixture::{port, settings};

/// Enough for whoever gets on at all.
const TURNS_MAX: usize = 20_000;

/// A process with a worker of each stage.
struct Process {
    log: MemoryLog,
    clock: Arc<HandClock>,
    tally: Arc<Tally>,
    budget: Arc<Budget>,
    files: MemoryFiles,
    fold: FoldWorker<MemorySource, MemorySink>,
    merge: MergeWorker<MemorySource, MemorySink>,
    /// The most that was held after any turn, and the most ids.
    peak: usize,
    peak_ids: usize,
}

impl Process {
    fn new(log: &MemoryLog, settings: &Settings, rows_max: usize) -> Self {
        let clock = Arc::new(HandClock::default());
        let mut shared = Shared::new(settings.clone(), clock.clone(), Stop::default());
        let (tally, files) = (Arc::clone(&shared.tally), MemoryFiles::default());
        let spilling = Spilling::new(Box::new(files.clone()), Arc::clone(&tally));
        shared.memory = Memory {
            spill: Some(Arc::new(spilling)),
            ..Memory::new(settings.memory_bytes_max)
        };
        let inputs = settings.inputs.iter();
        let inputs: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
        let (source, sink) = log.join("fold", None, &inputs, rows_max);
        let fold = FoldWorker::new(shared.clone(), source, sink).expect("fold starts");
        let (source, sink) = log.join("merge", None, &["partials".into()], 1);
        Process {
            log: log.clone(),
            budget: Arc::clone(&shared.memory.budget),
            merge: MergeWorker::new(shared, source, sink),
            clock,
            tally,
            files,
            fold,
            peak: 0,
            peak_ids: 0,
        }
    }

    fn look(&mut self) {
        self.peak = self.peak.max(self.budget.bytes());
        self.peak_ids = self.peak_ids.max(self.budget.ids());
    }

    /// To the end of the input; false if it does not come to it.
    fn run(&mut self) -> Result<bool, EngineError> {
        let (mut folded, mut merged) = (false, false);
        for _ in 0..TURNS_MAX {
            self.clock.advance(Duration::from_millis(50));
            folded = folded || self.fold.turn(Duration::ZERO)? == Turn::Done;
            self.look();
            merged = merged || self.merge.turn(Duration::ZERO)? == Turn::Done;
            self.look();
            if folded && merged {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Key and value.
type Pair = (Option<Vec<u8>>, Option<Vec<u8>>);

/// The rows that left. How the partials are cut says in which order.
fn rows(log: &MemoryLog) -> Vec<Pair> {
    let records = log.records("window-stats").into_iter().flatten();
    let mut rows: Vec<_> = records.map(|record| (record.key, record.value)).collect();
    rows.sort_unstable();
    rows
}

/// Events are known for hours, and little else is held.
fn long_known() -> Settings {
    let mut settings = settings(1, 1);
    settings.queries.retain(|query| query.name == "moves");
    Settings {
        correction_max: Duration::from_secs(4 * 3_600),
        ..settings
    }
}

/// A process that has come to its end, over hours of the port.
fn ended(settings: &Settings, records: u64, rows_max: usize) -> Process {
    let (log, _) = port(7, 6, records, settings);
    let mut process = Process::new(&log, settings, rows_max);
    let has_ended = process.run().expect("it goes on");
    assert!(
        has_ended,
        "{} of {} held, ids {}, {} pauses",
        process.budget.bytes(),
        process.budget.bytes_max(),
        process.budget.ids(),
        process.tally.pauses()
    );
    process
}

const RECORDS: u64 = 20_000;
/// Of one fetch.
const ROWS: usize = 20;

#[test]
fn ids_that_fill_most_of_the_memory_do_not_stop_fold() {
    let roomy = ended(&long_known(), RECORDS, ROWS);
    // They take seven eighths of it, and all but a twentieth.
    for (percent, held_max) in [(115, 8), (105, 9)] {
        let bytes_max = roomy.peak_ids * percent / 100;
        let tight = Settings {
            memory_bytes_max: bytes_max,
            ..long_known()
        };
        let found = ended(&tight, RECORDS, ROWS);
        assert!(found.peak_ids > bytes_max / 4 * 3, "{}", found.peak_ids);
        assert!(
            found.peak <= bytes_max / 8 * held_max,
            "{} of {bytes_max}",
            found.peak
        );
        assert!(rows(&found.log) == rows(&roomy.log), "rows differ");
    }
}

#[test]
fn ids_beyond_the_memory_end_fold_with_a_way_out_and_nothing_is_lost() {
    let roomy = ended(&long_known(), RECORDS, ROWS);
    let tight = Settings {
        memory_bytes_max: roomy.peak_ids / 2,
        ..long_known()
    };
    let (log, _) = port(7, 6, RECORDS, &tight);
    let mut process = Process::new(&log, &tight, ROWS);
    let error = process.run().expect_err("there is no room");
    let text = error.to_string();
    for way_out in ["memory_bytes_max", "correction_max_s", "out_of_order_max_s"] {
        assert!(text.contains(way_out), "{text}");
    }
    assert!(
        process.peak <= tight.memory_bytes_max / 8 * 9,
        "{}",
        process.peak
    );
    drop(process);
    let mut heir = Process::new(&log, &long_known(), ROWS);
    assert!(heir.run().expect("it goes on"), "it stands still");
    assert!(rows(&log) == rows(&roomy.log), "rows differ");
}

#[test]
fn fold_reads_on_step_by_step_where_pausing_gives_nothing_back_and_listens() {
    let settings = Settings {
        bounded: Bounded::Never,
        ..settings(1, 1)
    };
    let (log, truth) = port(7, 1, 2_000, &settings);
    let mut process = Process::new(&log, &settings, ROWS);
    let turns = |process: &mut Process, count: usize| {
        for _ in 0..count {
            process.clock.advance(Duration::from_millis(300));
            process.fold.turn(Duration::ZERO).expect("fold goes on");
        }
    };
    turns(&mut process, 2);
    // Held by a stage that cannot keep it away.
    let mut other = Account::new(&process.budget);
    other.set(settings.memory_bytes_max / 16 * 13);
    turns(&mut process, 40);
    let some = process.tally.intake_counts().records;
    assert!(
        some < truth.records / 2,
        "it waits before each step: {some}"
    );
    turns(&mut process, 2_000);
    assert_eq!(process.tally.intake_counts().records, truth.records);
    assert_eq!(process.tally.pauses(), 1);
    let idle = idle(&log);
    assert!(idle > 0, "silent sources would hold the rest for good");
    // What comes back counts, and what is full stays closed.
    other.set(settings.memory_bytes_max + 1);
    log.append(again(&log)).expect("the topic exists");
    turns(&mut process, 400);
    assert_eq!(process.tally.intake_counts().records, truth.records);
    drop(other);
    turns(&mut process, 4);
    assert_eq!(process.tally.intake_counts().records, truth.records + 1);
}

/// A record of the input once more.
fn again(log: &MemoryLog) -> Outgoing {
    let first = log.records("container").remove(0).remove(0);
    Outgoing {
        topic: "container".into(),
        partition: Some(0),
        key: first.key,
        value: first.value,
        timestamp_ms: first.timestamp_ms,
        headers: Vec::new(),
    }
}

/// Of each record a row that is kept for half a day.
const LONG: (&str, &str) = (
    "long",
    "INSERT INTO window_stat SELECT window_start, window_end, source, stream, table_name, terminal_id, outcome, reason, copies, row_time
     FROM TUMBLE(intake, DESCRIPTOR(row_time), INTERVAL '720' MINUTE)",
);

#[test]
fn both_stages_at_ten_times_the_memory_that_they_share_tell_the_same_rows() {
    let Settings {
        inputs,
        mut sources,
        ..
    } = settings(1, 1);
    for source in &mut sources {
        // Ids are few then.
        source.out_of_order_max = source.out_of_order_max.min(Duration::from_secs(30));
    }
    let queries = large().queries.into_iter();
    let queries: Vec<SqlFile> = queries.chain([SqlFile::new(LONG.0, LONG.1)]).collect();
    let many = |memory_bytes_max| Settings {
        queries: queries.clone(),
        inputs: inputs.clone(),
        sources: sources.clone(),
        intake_state: StateBounds {
            deltas_max: 4,
            delta_entries_min: 100,
            ..StateBounds::default()
        },
        early: BTreeMap::new(),
        memory_bytes_max,
        partials_bytes: 20_000,
        transaction_bytes_max: 20_000,
        ..large()
    };
    let roomy = ended(&many(1 << 30), 40_000, 100);
    assert_eq!(roomy.tally.pauses(), 0);
    let bytes_max = roomy.peak / 10;
    let found = ended(&many(bytes_max), 40_000, 100);
    let (_, ever) = found.tally.spills();
    assert!(ever as usize > bytes_max, "{ever}");
    assert!(found.tally.pauses() > 0, "fold has paused, and gone on");
    assert!(found.peak <= bytes_max, "{} of {bytes_max}", found.peak);
    assert!(rows(&found.log) == rows(&roomy.log), "rows differ");
    drop((found.fold, found.merge));
    let left = (found.tally.spills().0, found.files.count());
    assert_eq!(left, (0, 0), "all is let go");
    assert_eq!((found.budget.bytes(), found.budget.ids()), (0, 0));
}
