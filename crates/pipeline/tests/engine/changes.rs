//! Queries are added, changed and taken out while others go on: of those nothing is touched, and of what is new each window
//! is told once and whole, or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use events::v1::WindowStat;
use events::{Message, Stream};
use pipeline::log::{Outgoing, Partition};
use pipeline::memory::faults::{CommitFault, Step as At, Survival};
use pipeline::memory::{HandClock, Member, MemoryLog, MemorySink, MemorySource};
use pipeline::settings::{OnTimeSettings, Settings, SnapshotSettings};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

use crate::fixture::{port, settings};

/// Queries to come, of every kind that has windows.
const NEW: [(&str, &str); 7] = [
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
fn old() -> Settings {
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
fn new() -> Settings {
    let mut settings = old();
    settings.queries.retain(|file| file.name != "intake_all");
    let files = NEW.iter().map(|(name, text)| SqlFile::new(*name, *text));
    settings.queries.extend(files);
    settings
}

/// Processes over one log; each may have queries of its own.
struct Crew {
    log: MemoryLog,
    clock: Arc<HandClock>,
    folds: Vec<FoldWorker<MemorySource, MemorySink>>,
    merges: Vec<MergeWorker<MemorySource, MemorySink>>,
    /// Of the merges, in the order of joining.
    members: Vec<Member>,
}

impl Crew {
    fn new() -> Self {
        let (log, _) = port(5, 2, 3_000, &old());
        Crew {
            log,
            clock: Arc::new(HandClock::default()),
            folds: Vec::new(),
            merges: Vec::new(),
            members: Vec::new(),
        }
    }

    fn shared(&self, settings: Settings) -> Shared {
        Shared::new(settings, self.clock.clone(), Stop::default())
    }

    fn fold(&mut self, settings: Settings) {
        let shared = self.shared(settings);
        let inputs: Vec<Arc<str>> = shared
            .settings
            .inputs
            .iter()
            .map(|input| Arc::clone(&input.topic))
            .collect();
        let (source, sink) = self.log.join("fold", None, &inputs, 25);
        let fold = FoldWorker::new(shared, source, sink).expect("fold starts");
        self.folds.push(fold);
    }

    fn merge(&mut self, settings: Settings) {
        let shared = self.shared(settings);
        let topics = [Arc::clone(&shared.settings.topics.partials)];
        let (source, sink) = self.log.join("merge", None, &topics, 3);
        self.members.push(source.member());
        self.merges
            .push(MergeWorker::new(shared, source, sink, true));
    }

    /// So many turns of every worker. True once all have ended.
    fn turn(&mut self, turns: usize) -> bool {
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
    fn die_after_a_commit(&mut self) -> bool {
        let mut merge = self.merges.pop().expect("a merge");
        let member = self.members.pop().expect("its member");
        for turn in 0..200 {
            self.clock.advance(Duration::from_millis(50));
            if turn > 0 {
                let fault = CommitFault {
                    step: At::AfterCommit,
                    survival: Survival::Dies,
                };
                self.log.fail_commit(member, fault);
            }
            if merge.turn(Duration::ZERO).is_err() {
                return true;
            }
        }
        false
    }

    fn is_within_a_record(&self) -> bool {
        let partitions = [0, 1].map(|index| Partition::new("partials", index));
        let mut positions = partitions
            .iter()
            .filter_map(|partition| self.log.position("merge", partition));
        positions.any(|position| !position.within.is_empty())
    }

    /// Until fold has committed so much of the container events.
    fn read_percent(&mut self, percent: i64) {
        let moves = Stream::Container.name();
        let inputs = [0, 1].map(|index| Partition::new(moves, index));
        let records = self.log.records(moves);
        let all: usize = records.iter().map(Vec::len).sum();
        for _ in 0..4_000 {
            let positions = inputs.iter();
            let positions = positions.filter_map(|input| self.log.position("fold", input));
            let read: i64 = positions.map(|position| position.next_offset).sum();
            if read * 100 >= all as i64 * percent {
                return;
            }
            self.turn(1);
        }
        panic!("fold does not come to {percent} % of the input");
    }

    /// To the end of the input, with these queries: the rows that left, by query.
    fn finish(&mut self, settings: &Settings) -> BTreeMap<String, Vec<Row>> {
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
type Row = (i64, Vec<u8>);

fn rows(log: &MemoryLog) -> BTreeMap<String, Vec<Row>> {
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

fn undisturbed(settings: &Settings) -> BTreeMap<String, Vec<Row>> {
    Crew::new().finish(settings)
}

/// The rows are those that an undisturbed run tells of windows from some instant on.
#[track_caller]
fn assert_whole_from_some_instant(name: &str, found: &[Row], all: &[Row]) {
    let first = found.first().map(|row| row.0);
    let first = first.unwrap_or_else(|| panic!("{name} tells nothing"));
    let expected = all.iter().filter(|row| row.0 >= first);
    let expected: Vec<&Row> = expected.collect();
    assert!(
        found.iter().collect::<Vec<_>>() == expected,
        "{name}: {} rows from {first} on, of {} expected",
        found.len(),
        expected.len()
    );
    assert!(found.len() < all.len(), "{name} was there from the start");
}

/// What is replaced next.
#[derive(Clone, Copy)]
enum Step {
    Fold,
    Merge,
    Nothing,
}

/// Two folds and a merge with the old queries; by the steps each is replaced by one with the new ones.
fn rolling(steps: &[Step], turns: usize) -> BTreeMap<String, Vec<Row>> {
    rolling_with(|settings| settings, steps, turns)
}

/// As [`rolling`], under other settings.
fn rolling_with(
    change: fn(Settings) -> Settings,
    steps: &[Step],
    turns: usize,
) -> BTreeMap<String, Vec<Row>> {
    let (old, new) = (|| change(old()), || change(new()));
    let mut crew = Crew::new();
    crew.fold(old());
    crew.fold(old());
    crew.merge(old());
    crew.read_percent(75);
    for step in steps {
        match step {
            Step::Fold => {
                drop(crew.folds.remove(0));
                crew.fold(new());
            }
            Step::Merge => {
                drop(crew.merges.remove(0));
                crew.merge(new());
            }
            Step::Nothing => {}
        }
        crew.turn(turns);
    }
    crew.finish(&new())
}

#[test]
fn queries_come_and_go_in_a_rolling_restart_and_the_others_notice_nothing() {
    let (before, after) = (undisturbed(&old()), undisturbed(&new()));
    use Step::{Fold, Merge};
    for steps in [
        [Fold, Fold, Merge],
        [Merge, Fold, Fold],
        [Fold, Merge, Fold],
    ] {
        let found = rolling(&steps, 3);
        for name in ["moves", "yard", "open_slots"] {
            assert!(found[name] == before[name], "{name} differs");
        }
        let told = found.get("intake_all").map_or(&[][..], Vec::as_slice);
        assert!(
            told.iter().all(|row| before["intake_all"].contains(row)),
            "a row of the query that went is not whole"
        );
        assert!(told.len() < before["intake_all"].len());
        for (name, _) in NEW {
            assert_whole_from_some_instant(
                name,
                found.get(name).map_or(&[][..], Vec::as_slice),
                &after[name],
            );
        }
    }
}

/// Rows are told on time, corrected and finally, and leave in many small commits.
fn told_ahead(settings: Settings) -> Settings {
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
fn finals(rows: &[Row]) -> Vec<Row> {
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

#[test]
fn rows_ahead_and_split_commits_do_not_change_what_is_whole() {
    use Step::{Fold, Merge, Nothing};
    let before = undisturbed(&told_ahead(old()));
    let after = undisturbed(&told_ahead(new()));
    for (steps, turns) in [
        ([Fold, Merge, Fold, Nothing], 1),
        ([Merge, Fold, Merge, Fold], 2),
    ] {
        let found = rolling_with(told_ahead, &steps, turns);
        for name in ["moves", "yard", "open_slots"] {
            assert!(
                finals(&found[name]) == finals(&before[name]),
                "{name} differs"
            );
        }
        for (name, _) in NEW {
            let rows = found.get(name).map_or(&[][..], Vec::as_slice);
            let ahead = rows.len() - finals(rows).len();
            assert!(
                ahead > 0 || name == "new_session",
                "{name} tells nothing ahead"
            );
            assert_whole_from_some_instant(name, &finals(rows), &finals(&after[name]));
        }
        for (name, rows) in &found {
            let mut once = rows.clone();
            once.dedup();
            assert!(once == *rows, "{name}: a row left twice");
        }
    }
}

#[test]
fn merge_may_learn_of_a_query_long_after_fold_and_nothing_is_lost() {
    use Step::{Fold, Merge, Nothing};
    // Whether merge is replaced before the folds or after them, the same windows are whole: the log has what it needs.
    let early = rolling(&[Merge, Fold, Fold, Nothing, Nothing, Nothing], 10);
    let late = rolling(&[Nothing, Fold, Fold, Nothing, Nothing, Merge], 10);
    for (name, _) in NEW.iter().filter(|(name, _)| *name != "new_as_of") {
        assert!(
            !early[*name].is_empty() && early[*name] == late[*name],
            "{name}"
        );
    }
}

#[test]
fn a_query_that_old_instances_run_again_for_a_while_tells_each_window_once() {
    let after = undisturbed(&new());
    let mut crew = Crew::new();
    crew.fold(new());
    crew.merge(new());
    for round in 0..8 {
        crew.read_percent(30 + 8 * round);
        drop(crew.merges.remove(0));
        crew.merge(if round % 2 == 0 { old() } else { new() });
    }
    let found = crew.finish(&new());
    for (name, _) in NEW {
        let mut told = found[name].clone();
        told.dedup();
        assert!(told == found[name], "{name}: a row left twice");
        assert!(
            told.iter().all(|row| after[name].contains(row)),
            "{name}: a row is not whole"
        );
    }
    // Its rows lie in the log all the time.
    assert!(found["new_tumble"] == after["new_tumble"]);
}

#[test]
fn a_query_that_was_written_down_tells_what_was_due_after_a_crash_too() {
    let after = undisturbed(&new());
    let told = |crashes: usize| {
        let mut crew = Crew::new();
        crew.fold(new());
        crew.merge(old());
        crew.read_percent(90);
        // No partials come while merge is replaced, again and again.
        let folds = std::mem::take(&mut crew.folds);
        crew.turn(20);
        for _ in 0..=crashes {
            crew.merges.clear();
            crew.merge(new());
            crew.turn(10);
        }
        drop(folds);
        crew.finish(&new())
    };
    for crashes in [0, 1, 3] {
        let found = told(crashes);
        assert!(
            found["new_tumble"] == after["new_tumble"],
            "{crashes} crashes"
        );
        assert!(found["new_gate"] == after["new_gate"], "{crashes} crashes");
    }
}

#[test]
fn a_query_that_comes_in_the_middle_of_a_split_commit_tells_all() {
    let before = undisturbed(&told_ahead(old()));
    let after = undisturbed(&told_ahead(new()));
    let folded = || {
        let mut crew = Crew::new();
        crew.fold(told_ahead(new()));
        crew.read_percent(100);
        crew.folds.clear();
        crew
    };
    // Over the same partials, with nobody dying.
    let whole = folded().finish(&told_ahead(old()));
    for places in [8, 12] {
        let mut crew = folded();
        let mut seen = 0;
        for _ in 0..2_000 {
            crew.merge(told_ahead(old()));
            let died = crew.die_after_a_commit();
            seen += usize::from(crew.is_within_a_record());
            if !died || seen == places {
                break;
            }
        }
        assert_eq!(seen, places, "no commit was split");
        let found = crew.finish(&told_ahead(new()));
        for name in ["moves", "yard", "open_slots"] {
            assert!(found[name] == whole[name], "{name} differs");
            assert!(
                finals(&found[name]) == finals(&before[name]),
                "{name} differs"
            );
        }
        for name in ["new_tumble", "new_hop", "new_gate"] {
            assert!(
                finals(&found[name]) == finals(&after[name]),
                "{name} differs"
            );
        }
    }
}

#[test]
fn a_changed_query_begins_anew_and_crashes_change_nothing() {
    let changed = || {
        let mut settings = old();
        for file in &mut settings.queries {
            if file.name == "moves" {
                file.text = file.text.replace("sum(teu_quarters)", "max(teu_quarters)");
            }
        }
        settings
    };
    let (before, after) = (undisturbed(&old()), undisturbed(&changed()));
    let mut crew = Crew::new();
    crew.fold(old());
    crew.merge(old());
    crew.read_percent(75);
    (crew.folds, crew.merges) = (Vec::new(), Vec::new());
    let told = rows(&crew.log).remove("moves").unwrap_or_default();
    for round in 0..12 {
        crew.fold(changed());
        crew.merge(changed());
        // The commit in which the new queries are written down is one of those that are lost.
        crew.log.abort_next(round % 3);
        crew.turn(2 + round);
        (crew.folds, crew.merges) = (Vec::new(), Vec::new());
    }
    let mut found = crew.finish(&changed());
    for name in ["intake_all", "yard", "open_slots"] {
        assert!(found[name] == before[name], "{name} differs");
    }
    let mut moves = found.remove("moves").expect("rows");
    moves.retain(|row| !told.contains(row));
    assert_whole_from_some_instant("moves", &moves, &after["moves"]);
    let last = told.last().map(|row| row.0);
    assert!(
        moves.first().map(|row| row.0) > last,
        "a window has two versions"
    );
}

#[test]
fn what_is_not_written_down_is_of_a_version_before_and_goes_on() {
    let crew = {
        let mut crew = Crew::new();
        crew.fold(old());
        crew.merge(old());
        crew.read_percent(75);
        crew
    };
    // The roster goes: an installation of before has none.
    for partition in 0..2 {
        let forgotten = Outgoing {
            topic: "snapshots".into(),
            partition: Some(partition),
            key: Some(b"queries".to_vec()),
            value: None,
            timestamp_ms: 0,
            headers: Vec::new(),
        };
        crew.log.append(forgotten).expect("the topic exists");
    }
    let mut crew = crew;
    let found = crew.finish(&old());
    let before = undisturbed(&old());
    for (name, rows) in &before {
        assert!(found[name] == *rows, "{name} differs");
    }
}
