//! Processes over one log that come, die and are replaced, each with queries of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use events::v1::WindowStat;
use events::{Message, Stream};
use pipeline::backfill::Archive;
use pipeline::log::Partition;
use pipeline::memory::faults::{CommitFault, Step as At, Survival};
use pipeline::memory::{HandClock, Member, MemoryLog, MemorySink, MemorySource};
use pipeline::settings::{OnTimeSettings, Settings, SnapshotSettings};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

use crate::fixture::{port, settings};

/// Queries to come, of every kind that has windows.
pub const NEW: [(&str, &str); 9] = [
    (
        "new_tumble",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, equipment_id, count(*) AS moves
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
         GROUP BY window_start, window_end, terminal_id, equipment_id",
    ),
    (
        "new_hop",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "new_session",
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '7' MINUTE)
         GROUP BY window_start, window_end, equipment_id",
    ),
    (
        "new_joined",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((
           SELECT g.row_time, g.terminal_id FROM equipment_event g
           JOIN move_event m ON m.container_id = g.container_id
             AND m.row_time BETWEEN g.row_time - INTERVAL '10' MINUTE AND g.row_time + INTERVAL '5' MINUTE),
           DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "new_session_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM SESSION((
           SELECT g.row_time, g.terminal_id FROM equipment_event g
           JOIN move_event m ON m.container_id = g.container_id
             AND m.row_time BETWEEN g.row_time - INTERVAL '3' MINUTE AND g.row_time + INTERVAL '2' MINUTE),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), INTERVAL '2' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "new_beside",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS pairs
         FROM (SELECT m.window_start, m.window_end, m.terminal_id
               FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) AS m
               JOIN HOP(equipment_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) AS g
                 ON g.window_end = m.window_end AND g.container_id = m.container_id)
         GROUP BY window_start, window_end, terminal_id",
    ),
    // Rows of the gate may be taken back: merge computes with them once they are not any more.
    (
        "new_gate",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS passages
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "new_gate_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((
           SELECT g.row_time, g.terminal_id FROM gate_event g
           JOIN equipment_event e ON e.terminal_id = g.terminal_id
             AND e.row_time BETWEEN g.row_time - INTERVAL '10' MINUTE AND g.row_time),
           DESCRIPTOR(row_time), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "new_as_of",
        "INSERT INTO window_stat SELECT b.window_start, b.window_end, coalesce(h.corridor, '') AS corridor, count(*) AS moves
         FROM TUMBLE((SELECT row_time, train_id FROM move_event), DESCRIPTOR(row_time), INTERVAL '5' MINUTE) AS b
         LEFT JOIN slot_history AS h
           ON h.train_slot_id = b.train_id AND h.valid_from <= b.row_time AND b.row_time < h.valid_to
         GROUP BY b.window_start, b.window_end, coalesce(h.corridor, '')",
    ),
];

/// As it is before.
pub fn old() -> Settings {
    Settings {
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(400),
            commit_bytes_max: 20_000,
            object_bytes: 1 << 20,
        },
        ..settings(2, 2)
    }
}

/// `intake_all` is taken out, the queries of [`NEW`] are added.
pub fn new() -> Settings {
    let mut settings = old();
    settings.queries.retain(|file| file.name != "intake_all");
    with(settings, &NEW)
}

/// With these queries and tables besides.
pub fn with(mut settings: Settings, added: &[(&str, &str)]) -> Settings {
    let files = added.iter();
    let files = files.map(|(name, text)| SqlFile::new(*name, *text));
    settings.queries.extend(files);
    settings
}

/// Processes over one log; each may have queries of its own.
pub struct Crew {
    pub log: MemoryLog,
    clock: Arc<HandClock>,
    pub folds: Vec<FoldWorker<MemorySource, MemorySink>>,
    pub merges: Vec<MergeWorker<MemorySource, MemorySink>>,
    /// Of the merges, in the order of joining.
    members: Vec<Member>,
    newest_fold: Option<Member>,
}

impl Crew {
    pub fn new() -> Self {
        let (log, _) = port(5, 2, 3_000, &old());
        Crew {
            log,
            clock: Arc::new(HandClock::default()),
            folds: Vec::new(),
            merges: Vec::new(),
            members: Vec::new(),
            newest_fold: None,
        }
    }

    fn shared(&self, settings: Settings) -> Shared {
        let archive = Archive {
            history: Arc::new(self.log.clone()),
            is_threaded: false,
        };
        Shared {
            archive: Some(archive),
            ..Shared::new(settings, self.clock.clone(), Stop::default())
        }
    }

    pub fn fold(&mut self, settings: Settings) {
        let shared = self.shared(settings);
        let inputs: Vec<Arc<str>> = shared
            .settings
            .inputs
            .iter()
            .map(|input| Arc::clone(&input.topic))
            .collect();
        let (source, sink) = self.log.join("fold", None, &inputs, 25);
        self.newest_fold = Some(source.member());
        let fold = FoldWorker::new(shared, source, sink).expect("fold starts");
        self.folds.push(fold);
    }

    pub fn merge(&mut self, settings: Settings) {
        let shared = self.shared(settings);
        let topics = [Arc::clone(&shared.settings.topics.partials)];
        let (source, sink) = self.log.join("merge", None, &topics, 3);
        self.members.push(source.member());
        self.merges.push(MergeWorker::new(shared, source, sink));
    }

    /// So many turns of every worker. True once all have ended.
    pub fn turn(&mut self, turns: usize) -> bool {
        let mut has_ended = false;
        for _ in 0..turns {
            self.clock.advance(Duration::from_millis(50));
            has_ended = true;
            for fold in &mut self.folds {
                has_ended &= fold.turn(Duration::ZERO).expect("fold goes on") == Turn::Done;
            }
            for merge in &mut self.merges {
                has_ended &= merge.turn(Duration::ZERO).expect("merge goes on") == Turn::Done;
            }
        }
        has_ended
    }

    /// The newest merge runs until it dies, just behind its second commit; true if it did.
    pub fn die_after_a_commit(&mut self) -> bool {
        let mut merge = self.merges.pop().expect("a merge");
        let member = self.members.pop().expect("its member");
        for turn in 0..200 {
            self.clock.advance(Duration::from_millis(50));
            if turn > 0 {
                let fault = CommitFault {
                    step: At::AfterCommit,
                    survival: Survival::Dies,
                };
                self.log.fail_commit(member, fault, 0);
            }
            if merge.turn(Duration::ZERO).is_err() {
                return true;
            }
        }
        false
    }

    /// The newest fold and the newest merge hear where to begin, and sleep for so many turns before they read the state; the group
    /// gives them up.
    pub fn sleep_at_start(&mut self, turns: usize) {
        for member in self.newest_fold.iter().chain(self.members.last()) {
            self.log.sleep_at_start(*member, turns);
        }
    }

    /// How many partials are gone from the log.
    pub fn trimmed(&self) -> usize {
        let written: usize = self.log.written("partials").iter().map(Vec::len).sum();
        let left: usize = self.log.records("partials").iter().map(Vec::len).sum();
        written - left
    }

    pub fn is_within_a_record(&self) -> bool {
        let partitions = [0, 1].map(|index| Partition::new("partials", index));
        let mut positions = partitions
            .iter()
            .filter_map(|partition| self.log.position("merge", partition));
        positions.any(|position| !position.within.is_empty())
    }

    /// How much of the container events fold has committed.
    pub fn percent_read(&self) -> i64 {
        let moves = Stream::Container.name();
        let inputs = [0, 1].map(|index| Partition::new(moves, index));
        let records = self.log.records(moves);
        let all: usize = records.iter().map(Vec::len).sum();
        let positions = inputs.iter();
        let positions = positions.filter_map(|input| self.log.position("fold", input));
        let read: i64 = positions.map(|position| position.next_offset).sum();
        read * 100 / all as i64
    }

    /// Until fold has committed so much of the container events.
    pub fn read_percent(&mut self, percent: i64) {
        for _ in 0..4_000 {
            if self.percent_read() >= percent {
                return;
            }
            self.turn(1);
        }
        panic!("fold does not come to {percent} % of the input");
    }

    /// To the end of the input, with these queries: the rows that left, by query.
    pub fn finish(&mut self, settings: &Settings) -> BTreeMap<String, Vec<Row>> {
        (self.folds, self.merges) = (Vec::new(), Vec::new());
        self.fold(settings.clone());
        self.merge(settings.clone());
        for _ in 0..100_000 {
            if self.turn(1) {
                return rows(&self.log);
            }
        }
        panic!("no end");
    }
}

/// Start of the window, and the whole message.
pub type Row = (i64, Vec<u8>);

pub fn rows(log: &MemoryLog) -> BTreeMap<String, Vec<Row>> {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for record in log.records("window-stats").into_iter().flatten() {
        let value = record.value.expect("no tombstones");
        let stat = WindowStat::decode(value.as_slice()).expect("a WindowStat");
        let of = rows.entry(stat.query.clone()).or_default();
        of.push((stat.window_start_us, value));
    }
    rows.values_mut().for_each(|rows| rows.sort());
    rows
}

pub fn undisturbed(settings: &Settings) -> BTreeMap<String, Vec<Row>> {
    Crew::new().finish(settings)
}

/// Rows are told on time, corrected and finally, and leave in many small commits.
pub fn told_ahead(settings: Settings) -> Settings {
    Settings {
        correction_max: Duration::from_secs(600),
        on_time: OnTimeSettings {
            corrected_every: Duration::from_secs(120),
            ..OnTimeSettings::default()
        },
        transaction_bytes_max: 600,
        ..settings
    }
}

/// Final rows without their revision: what is told before them hangs on the order of the partials.
pub fn finals(rows: &[Row]) -> Vec<Row> {
    let stats = rows.iter().map(|(start_us, value)| {
        let stat = WindowStat::decode(value.as_slice()).expect("a WindowStat");
        (*start_us, stat)
    });
    let last = stats.filter(|(_, stat)| stat.is_final);
    let mut last: Vec<Row> = last
        .map(|(start_us, mut stat)| {
            stat.revision = 0;
            (start_us, stat.encode_to_vec())
        })
        .collect();
    last.sort();
    last
}
