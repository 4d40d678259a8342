//! The bounds on memory and on transactions, each at ten times what it allows: what leaves is the same to the byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::budget::{Account, Memory};
use pipeline::log::{Commit, LogError, Sink};
use pipeline::memory::{HandClock, MemoryFiles, MemoryLog, MemorySink, Stored};
use pipeline::outcome::Tally;
use pipeline::settings::{Settings, SnapshotSettings};
use pipeline::spill::Spilling;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

use crate::fixture::{port, run, settings};

/// Many keys in long windows, of every kind that keeps rows.
const LARGE: [(&str, &str); 5] = [
    (
        "large_tumbling",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves, sum(teu_quarters) AS teu
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '60' MINUTE) GROUP BY window_start, window_end, container_id",
    ),
    (
        "large_sliding",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves, max(teu_quarters) AS most
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '30' MINUTE, INTERVAL '720' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "early",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves, count(DISTINCT container_id) AS containers
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '60' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "large_rows",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, equipment_id, teu_quarters
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '120' MINUTE)",
    ),
    (
        "large_joined",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((
           SELECT g.row_time, g.terminal_id FROM equipment_event g
           JOIN move_event m ON m.terminal_id = g.terminal_id AND m.container_id = g.container_id
             AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '40' MINUTE), DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
];

pub fn large() -> Settings {
    let mut settings = settings(2, 1);
    settings.queries = LARGE
        .iter()
        .map(|(name, text)| SqlFile::new(*name, *text))
        .collect();
    settings.early = [("early".to_owned(), Duration::from_secs(900))].into();
    settings
}

/// A log with the partials of some hours; `rows_max` records of input a commit.
fn folded(settings: &Settings, records: u64, rows_max: usize) -> MemoryLog {
    let (log, _) = port(7, 6, records, settings);
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(settings.clone(), clock.clone(), Stop::default());
    let inputs = shared.settings.inputs.iter();
    let inputs: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
    let (source, sink) = log.join("fold", None, &inputs, rows_max);
    let mut fold = FoldWorker::new(shared, source, sink).expect("fold starts");
    while fold.turn(Duration::ZERO).expect("fold goes on") != Turn::Done {
        clock.advance(Duration::from_millis(200));
    }
    log
}

/// Bytes of the outputs of each commit.
type Sizes = Arc<Mutex<Vec<usize>>>;

/// Passes commits on, and dies behind some of them.
struct Mortal {
    sink: MemorySink,
    sizes: Sizes,
    left: usize,
}

const DEATH: &str = "died behind a commit";

impl Sink for Mortal {
    fn commit(&mut self, commit: Commit) -> Result<(), LogError> {
        let outputs = commit.records.iter();
        let outputs = outputs.filter(|record| &*record.topic != "snapshots");
        let bytes = outputs.map(pipeline::log::Outgoing::bytes).sum();
        self.sizes.lock().expect("no panic before").push(bytes);
        self.sink.commit(commit)?;
        self.left -= 1;
        match self.left {
            0 => Err(LogError::Fatal(DEATH.to_owned())),
            _ => Ok(()),
        }
    }

    fn is_atomic(&self) -> bool {
        self.sink.is_atomic()
    }
}

/// What a run of merge came to.
struct Merged {
    tally: Arc<Tally>,
    sizes: Vec<usize>,
    /// The most that was held after any turn.
    peak: usize,
    files: MemoryFiles,
    rows: Vec<Vec<Stored>>,
}

/// Merges what `log` holds. Each worker dies behind its `commits`-th commit, and another one takes over.
fn merged(log: &MemoryLog, settings: Settings, commits: usize) -> Merged {
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(settings, clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let (sizes, files) = (Sizes::default(), MemoryFiles::default());
    let topics = [Arc::clone(&shared.settings.topics.partials)];
    let mut peak = 0;
    for _ in 0..10_000 {
        let mut memory = Memory::new(shared.settings.memory_bytes_max);
        let spilling = Spilling::new(Box::new(files.clone()), Arc::clone(&tally));
        memory.spill = Some(Arc::new(spilling));
        let budget = Arc::clone(&memory.budget);
        let shared = Shared {
            memory,
            ..shared.clone()
        };
        let (source, sink) = log.join("merge", None, &topics, 1);
        let sink = Mortal {
            sink,
            sizes: Arc::clone(&sizes),
            left: commits,
        };
        let mut merge = MergeWorker::new(shared, source, sink);
        for turn in 0.. {
            let largest = tally.largest();
            assert!(
                turn < 3_000,
                "{} of {} held, {largest:?}, {:?} spilled, {:?} snapshots, {} rows, paused {}",
                budget.bytes(),
                budget.bytes_max(),
                tally.spills(),
                tally.snapshots(),
                tally.rows_out(),
                tally.pauses(),
            );
            clock.advance(Duration::from_millis(50));
            let turned = merge.turn(Duration::ZERO);
            peak = peak.max(budget.bytes());
            match turned {
                Ok(Turn::Done) => {
                    drop(merge);
                    let sizes = std::mem::take(&mut *sizes.lock().expect("no panic before"));
                    return Merged {
                        tally,
                        sizes,
                        peak,
                        files,
                        rows: log.records("window-stats"),
                    };
                }
                Ok(_) => {}
                Err(error) if error.to_string() == DEATH => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    panic!("merge does not come to its end");
}

#[test]
fn what_falls_due_at_once_is_split_and_each_row_leaves_once_whoever_dies() {
    let settings = large();
    let whole = merged(
        &folded(&settings, 2_000, 1_000_000),
        settings.clone(),
        usize::MAX,
    );
    let most = whole.sizes.iter().copied().max().unwrap_or(0);
    assert_eq!(whole.tally.splits(), 0);
    let bytes_max = most / 25;
    let split = Settings {
        transaction_bytes_max: bytes_max,
        ..settings.clone()
    };
    for commits in [usize::MAX, 3] {
        let found = merged(&folded(&settings, 2_000, 1_000_000), split.clone(), commits);
        assert!(found.tally.splits() >= 10, "{}", found.tally.splits());
        let largest = found.sizes.iter().copied().max().unwrap_or(0);
        assert!(largest <= bytes_max, "{largest} of {bytes_max}");
        assert!(
            found.rows == whole.rows,
            "rows differ, {commits} commits a life"
        );
    }
}

#[test]
fn state_of_ten_times_the_memory_is_spilled_and_no_row_changes() {
    let settings = large();
    let roomy = merged(
        &folded(&settings, 40_000, 100),
        settings.clone(),
        usize::MAX,
    );
    assert_eq!(roomy.tally.spills(), (0, 0));
    let bytes_max = roomy.peak / 10;
    let tight = Settings {
        memory_bytes_max: bytes_max,
        transaction_bytes_max: bytes_max / 16,
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(400),
            commit_bytes_max: 20_000,
            ..SnapshotSettings::default()
        },
        ..settings.clone()
    };
    for commits in [usize::MAX, 40] {
        let found = merged(&folded(&settings, 40_000, 100), tight.clone(), commits);
        let (left, ever) = found.tally.spills();
        assert!(ever as usize > bytes_max, "{ever}");
        assert_eq!((left, found.files.count()), (0, 0), "all is let go");
        assert!(found.peak <= bytes_max, "{} of {bytes_max}", found.peak);
        assert!(
            found.rows == roomy.rows,
            "rows differ, {commits} commits a life"
        );
    }
}

#[test]
fn a_full_disk_stops_reading_and_not_the_process_and_a_sick_one_stops_it_before_a_commit() {
    let settings = large();
    let roomy = merged(&folded(&settings, 2_000, 150), settings.clone(), usize::MAX);
    let tight = Settings {
        memory_bytes_max: roomy.peak / 10,
        ..settings.clone()
    };
    let log = folded(&settings, 2_000, 150);
    let clock = Arc::new(HandClock::default());
    let mut shared = Shared::new(tight, clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let files = MemoryFiles::default();
    let spilling = Spilling::new(Box::new(files.clone()), Arc::clone(&tally));
    shared.memory.spill = Some(Arc::new(spilling));
    let topics = [Arc::clone(&shared.settings.topics.partials)];
    let budget = Arc::clone(&shared.memory.budget);
    let (source, sink) = log.join("merge", None, &topics, 4);
    let mut merge = MergeWorker::new(shared, source, sink);
    let mut turn = || {
        clock.advance(Duration::from_millis(50));
        merge.turn(Duration::ZERO)
    };
    files.fill_up(true);
    for _ in 0..200 {
        turn().expect("it goes on");
    }
    assert_eq!(tally.pauses(), 1);
    let bytes = budget.bytes();
    assert!(bytes > budget.bytes_max() && bytes < 2 * budget.bytes_max());
    let (largest, _) = tally.largest().expect("somebody holds most");
    assert!(largest.starts_with("large_"), "{largest}");
    files.fill_up(false);
    for _ in 0..20 {
        turn().expect("it goes on");
    }
    assert!(budget.bytes() < budget.bytes_max(), "it has made room");
    let committed = log.records("window-stats");
    files.damage();
    let error = (0..10_000).find_map(|_| turn().err()).expect("it is found");
    let text = error.to_string();
    let whole = format!("{text}: {:?}", std::error::Error::source(&error));
    assert!(whole.contains("they are not what was written"), "{whole}");
    assert!(
        roomy.rows[0].starts_with(&log.records("window-stats")[0]),
        "nothing wrong has left"
    );
    assert!(committed[0].len() <= log.records("window-stats")[0].len());
}

/// How often a source was said to be idle.
pub fn idle(log: &MemoryLog) -> usize {
    let records = log.records("partials").remove(0).into_iter();
    let messages = records.map(|record| {
        let value = record.value.unwrap_or_default();
        let at = pipeline::log::Partition::new("partials", 0);
        pipeline::partials::read(&at, 0, &value).expect("readable")
    });
    let told = messages.flat_map(|message| message.frontiers);
    told.filter(|told| told.state() == events::internal::FrontierState::Idle)
        .count()
}

#[test]
fn fold_reads_nothing_while_memory_is_short_and_takes_nobody_for_idle() {
    let settings = Settings {
        bounded: pipeline::settings::Bounded::Never,
        ..settings(2, 1)
    };
    let (log, _) = port(7, 1, 2_000, &settings);
    let expected = {
        let (log, _) = port(7, 1, 2_000, &settings);
        run(&log, crate::fixture::settings(2, 1), 700, 0).intake_counts()
    };
    let clock = Arc::new(HandClock::default());
    let shared = Shared::new(settings, clock.clone(), Stop::default());
    let tally = Arc::clone(&shared.tally);
    let budget = Arc::clone(&shared.memory.budget);
    let inputs = shared.settings.inputs.iter();
    let inputs: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
    let (source, sink) = log.join("fold", None, &inputs, 100);
    let mut fold = FoldWorker::new(shared, source, sink).expect("fold starts");
    let mut turns = |count: usize| {
        for _ in 0..count {
            clock.advance(Duration::from_millis(300));
            fold.turn(Duration::ZERO).expect("fold goes on");
        }
    };
    turns(4);
    let before = tally.intake_counts().records;
    let mut other = Account::new(&budget);
    other.set(budget.bytes_max());
    // Longer than the idle timeout.
    turns(400);
    let paused = tally.intake_counts().records;
    assert!(before > 0 && paused < expected.records / 2, "{paused}");
    assert_eq!(idle(&log), 0, "nobody was listened to");
    drop(other);
    turns(400);
    assert_eq!(tally.intake_counts(), expected);
    assert!(idle(&log) > 0);
    assert_eq!(tally.pauses(), 1);
}
