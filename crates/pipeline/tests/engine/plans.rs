//! Both planners over a simulated port, with the shipped inputs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use events::Message;
use events::v1::cell::Value;
use events::v1::planner_event::Body;
use events::v1::{
    BerthClosure, BerthPlan, Cell, Classifier, CommandKind, Envelope, PlanDelta, PlanExplanation,
    PlannerEvent, RailCommand, RailSlotPlan,
};
use pipeline::log::Outgoing;
use pipeline::memory::MemoryLog;
use pipeline::outcome::Tally;
use pipeline::plans::PlannerRun;
use pipeline::plans::agenda::Triggers;
use pipeline::settings::Settings;
use windows::sql::parse::SqlFile;

use crate::fixture::{port_with, run, settings};

/// The shipped SQL files of one folder, named as the engine names them.
pub fn shipped(folder: &str) -> Vec<SqlFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pipelines/duisburg");
    let entries = std::fs::read_dir(root.join(folder)).expect(folder);
    let mut paths: Vec<_> = entries.map(|entry| entry.expect(folder).path()).collect();
    paths.sort();
    let named = |path: &std::path::PathBuf| {
        let stem = path.file_stem().expect("a name").to_string_lossy();
        let name = match folder.strip_prefix("planners/") {
            Some(planner) => format!("{planner}/{stem}"),
            None => stem.into_owned(),
        };
        SqlFile::new(name, std::fs::read_to_string(path).expect("readable"))
    };
    paths.iter().map(named).collect()
}

pub fn planning(every_min: u64) -> Settings {
    let mut settings = settings(2, 1);
    settings.queries = shipped("tables");
    let tolerances = [
        ("arrival_min", 90),
        ("water_cm", 20),
        ("departure_min", 1),
        ("ready_min", 60),
    ];
    let planner = |inputs, iterations| PlannerRun {
        is_on: true,
        inputs,
        every: Duration::from_secs(60 * every_min),
        triggers: Triggers {
            every: Duration::from_secs(900),
            interval_min: Duration::from_secs(1_800),
            tolerances: tolerances
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        },
        iterations,
        seed: 1,
    };
    settings.planners.berths = planner(shipped("planners/berths"), 400);
    settings.planners.rail = planner(shipped("planners/rail"), 2_000);
    settings
}

struct Plans {
    log: MemoryLog,
    tally: Arc<Tally>,
}

/// Eight hours, planned once for all tests that only read.
static EIGHT_HOURS: LazyLock<Plans> = LazyLock::new(|| plans(8, 12_000, 3_000, 0));

fn plans(hours: u32, records: u64, rows_max: usize, abort_every: usize) -> Plans {
    let settings = planning(60);
    let (log, _) = port_with(5, hours, records, &settings, &commands());
    let tally = run(&log, settings, rows_max, abort_every);
    Plans { log, tally }
}

/// What planners say in the second hour, minutes after the start.
const CLOSED_MIN: i64 = 75;
const BUMPED_MIN: i64 = 100;

/// A berth is closed for a day, and a unit is taken off its train.
fn commands() -> [Outgoing; 2] {
    let start_us = portsim::Settings::default().start_at_us;
    let command = |minute: i64, key: &str, body: Body| {
        let at_us = start_us + minute * 60_000_000;
        let envelope = Envelope {
            event_id: format!("by-hand-{minute}"),
            source: "planner".to_owned(),
            event_time_us: at_us,
            record_time_us: at_us,
            classifier: Classifier::Act.into(),
            ..Envelope::default()
        };
        let event = PlannerEvent {
            envelope: Some(envelope),
            body: Some(body),
        };
        Outgoing {
            topic: "planner".into(),
            partition: Some(0),
            key: Some(key.as_bytes().to_vec()),
            value: Some(event.encode_to_vec()),
            timestamp_ms: at_us / 1_000,
            headers: Vec::new(),
        }
    };
    let closure = BerthClosure {
        closure_id: "by-hand".to_owned(),
        berth_id: "DIT-B1".to_owned(),
        from_at_us: start_us + 7_200_000_000,
        to_at_us: start_us + 93_600_000_000,
        ..BerthClosure::default()
    };
    let bump = RailCommand {
        kind: CommandKind::Lock.into(),
        unit_id: "MSCU0000000".to_owned(),
        ..RailCommand::default()
    };
    [
        command(CLOSED_MIN, "by-hand", Body::BerthClosure(closure)),
        command(BUMPED_MIN, "MSCU0000000", Body::RailCommand(bump)),
    ]
}

/// What fired, and the minute after the start at which it made a plan.
fn fired(deltas: &[PlanDelta], planner: &str, cause: &str) -> Vec<i64> {
    let start_us = portsim::Settings::default().start_at_us;
    let of = deltas.iter().filter(|delta| {
        delta.planner == planner && delta.causes.iter().any(|one| one.starts_with(cause))
    });
    of.map(|delta| (delta.planned_at_us - start_us) / 60_000_000)
        .collect()
}

type Bytes = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Plans {
    /// Keys and values of a topic.
    fn bytes(&self, topic: &str) -> Vec<Bytes> {
        let records = self.log.records(topic).into_iter().flatten();
        records.map(|record| (record.key, record.value)).collect()
    }

    /// Every message of a topic with its key; none is a tombstone's.
    fn messages<M: Message + Default>(&self, topic: &str) -> Vec<(String, Option<M>)> {
        let read = |(key, value): Bytes| {
            let key = String::from_utf8(key.expect("a key")).expect("a text");
            (
                key,
                value.map(|value| M::decode(value.as_slice()).expect("a message")),
            )
        };
        self.bytes(topic).into_iter().map(read).collect()
    }

    fn deltas(&self) -> Vec<PlanDelta> {
        let deltas = self.messages::<PlanDelta>("plan-deltas");
        deltas
            .into_iter()
            .map(|(_, delta)| delta.expect("no tombstone"))
            .collect()
    }
}

#[test]
fn both_planners_publish_plans_with_bounds() {
    let plans = &*EIGHT_HOURS;
    assert_eq!(plans.tally.failures(), Vec::<String>::new());
    let deltas = plans.deltas();
    for planner in ["berths", "rail"] {
        let of: Vec<&PlanDelta> = deltas
            .iter()
            .filter(|delta| delta.planner == planner)
            .collect();
        assert!(of.len() >= 7, "{} plans of {planner}", of.len());
        assert!(
            of.iter()
                .map(|delta| delta.plan_seq)
                .eq(1..=of.len() as u64)
        );
        for delta in &of {
            assert!(delta.bound <= delta.value && delta.bound >= 0, "{delta:?}");
        }
        let last = of[of.len() - 1];
        assert!(last.assigned > 10, "{planner} assigns {}", last.assigned);
    }
}

/// The newest row of every key, as a reader of a compacted topic has it after plan `plan_seq`.
fn newest<M: Message + Default + Clone>(
    rows: &[(String, Option<M>)],
    upto: usize,
) -> BTreeMap<String, M> {
    let mut newest = BTreeMap::new();
    for (key, row) in &rows[..upto] {
        match row {
            Some(row) => newest.insert(key.clone(), row.clone()),
            None => newest.remove(key),
        };
    }
    newest
}

/// Where each planning run ends in a topic: the changes that its delta counts.
fn ends(deltas: &[PlanDelta], planner: &str) -> Vec<usize> {
    let mut end = 0;
    let of = deltas.iter().filter(|delta| delta.planner == planner);
    of.map(|delta| {
        end += delta.changes.len();
        end
    })
    .collect()
}

#[test]
fn no_two_vessels_share_a_place_and_frozen_stays_hold() {
    let plans = &*EIGHT_HOURS;
    let rows = plans.messages::<BerthPlan>("berth-plan");
    let ends = ends(&plans.deltas(), "berths");
    assert_eq!(ends.last(), Some(&rows.len()), "deltas count every record");
    let mut before: BTreeMap<String, BerthPlan> = BTreeMap::new();
    let mut compared = 0;
    for upto in ends {
        let plan = newest(&rows, upto);
        let stays: Vec<&BerthPlan> = plan.values().filter(|row| row.is_assigned).collect();
        for (n, a) in stays.iter().enumerate() {
            assert!(
                a.berthing_planned_at_us < a.departure_planned_at_us,
                "{a:?}"
            );
            for b in &stays[n + 1..] {
                let same_time = a.berthing_planned_at_us < b.departure_planned_at_us
                    && b.berthing_planned_at_us < a.departure_planned_at_us;
                let same_metres = a.quay_from_dm < b.quay_to_dm && b.quay_from_dm < a.quay_to_dm;
                let facts = a.reason == "alongside" && b.reason == "alongside";
                let clash = a.berth_id == b.berth_id && same_time && same_metres && !facts;
                assert!(!clash, "{a:?} and {b:?}");
            }
        }
        for row in stays.iter().filter(|row| row.reason == "frozen") {
            let last = &before[&row.berth_visit_id];
            assert_eq!(last.berth_id, row.berth_id);
            assert_eq!(last.berthing_planned_at_us, row.berthing_planned_at_us);
            compared += 1;
        }
        before = plan;
    }
    assert!(compared > 5, "{compared} frozen stays");
}

#[test]
fn plans_come_at_their_ticks_and_sooner_when_something_has_changed() {
    let plans = &*EIGHT_HOURS;
    let deltas = plans.deltas();
    for planner in ["berths", "rail"] {
        let of: Vec<&PlanDelta> = deltas
            .iter()
            .filter(|delta| delta.planner == planner)
            .collect();
        for pair in of.windows(2) {
            let apart_us = pair[1].planned_at_us - pair[0].planned_at_us;
            assert!(apart_us >= 1_800_000_000, "{planner}: {pair:?}");
            assert!(apart_us <= 5_400_000_000, "{planner}: {pair:?}");
        }
        let at_tick = |delta: &&&PlanDelta| delta.planned_at_us % 3_600_000_000 == 0;
        let mut triggered = of.iter().filter(|delta| !delta.causes.is_empty());
        assert!(triggered.all(|delta| !at_tick(&delta)), "{planner}");
        assert!(of.iter().filter(at_tick).count() > 2, "{planner}");
    }
    // Looked at every quarter of an hour, half an hour after the last plan at the soonest.
    assert_eq!(fired(&deltas, "berths", "closures by-hand"), [90]);
    assert_eq!(fired(&deltas, "rail", "locks MSCU0000000"), [105]);
    assert!(!fired(&deltas, "berths", "arrival_min").is_empty());
    let moved = deltas
        .iter()
        .map(|delta| delta.moved as usize)
        .sum::<usize>();
    let changes = deltas
        .iter()
        .map(|delta| delta.changes.len())
        .sum::<usize>();
    assert!(0 < moved && moved < changes, "{moved} of {changes}");
}

#[test]
fn everything_planned_is_explained_and_nothing_else() {
    let plans = &*EIGHT_HOURS;
    let explanations = plans.messages::<PlanExplanation>("plan-explanations");
    let explained = newest(&explanations, explanations.len());
    let berths = plans.messages::<BerthPlan>("berth-plan");
    let rail = plans.messages::<RailSlotPlan>("rail-plan");
    let (berths, rail) = (newest(&berths, berths.len()), newest(&rail, rail.len()));
    let keys = berths.keys().map(|key| format!("berths/{key}"));
    let keys = keys.chain(rail.keys().map(|key| format!("rail/{key}")));
    assert!(keys.eq(explained.keys().cloned()));
    for (visit, row) in &berths {
        let found = &explained[&format!("berths/{visit}")];
        assert!(!found.binding_constraint.is_empty(), "{found:?}");
        let sum: i64 = found.cost_terms.iter().map(integer).sum();
        let change: i64 = found
            .cost_terms
            .iter()
            .filter(|term| term.name == "change")
            .map(integer)
            .sum();
        assert!(
            !row.is_assigned || sum - change == row.cost,
            "{row:?} {found:?}"
        );
        assert!(
            row.is_assigned || !found.conflicting.is_empty(),
            "{found:?}"
        );
    }
    let runners_up = explained.values().filter(|one| !one.runner_up.is_empty());
    assert!(runners_up.count() > 20);
    for (unit, row) in rail.iter().filter(|(_, row)| !row.is_assigned) {
        let found = &explained[&format!("rail/{unit}")];
        assert!(found.binding_constraint == row.reason || !found.conflicting.is_empty());
        assert!(
            !found.remedies.is_empty() || !found.conflicting.is_empty(),
            "{found:?}"
        );
    }
}

fn integer(cell: &Cell) -> i64 {
    match cell.value {
        Some(Value::Integer(value)) => value,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn no_train_is_overfull() {
    let plans = &*EIGHT_HOURS;
    let rows = plans.messages::<RailSlotPlan>("rail-plan");
    let mut most = 0;
    for upto in ends(&plans.deltas(), "rail") {
        let mut trains: BTreeMap<String, (u32, u64)> = BTreeMap::new();
        for row in newest(&rows, upto).values().filter(|row| row.is_assigned) {
            assert_eq!(
                row.train_slot_ids.len(),
                1,
                "every train starts in the port"
            );
            let train = trains.entry(row.train_slot_ids[0].clone()).or_default();
            train.0 += row.teu_quarters;
            train.1 += u64::from(row.gross_kg);
        }
        for (train, (teu_quarters, gross_kg)) in trains {
            // The simulated lines take 400 quarters and 1,500 t at most.
            assert!(
                teu_quarters <= 400 && gross_kg <= 1_500_000,
                "{train} {teu_quarters} {gross_kg}"
            );
            most = most.max(teu_quarters);
        }
    }
    assert!(
        most > 200,
        "the fullest train holds {most} quarters of a TEU"
    );
}

#[test]
fn the_same_input_gives_the_same_bytes_however_it_is_cut_and_whatever_is_aborted() {
    let expected = plans(3, 4_000, 100_000, 0);
    for (rows_max, abort_every) in [(1_000, 0), (2_000, 8)] {
        let found = plans(3, 4_000, rows_max, abort_every);
        for topic in [
            "berth-plan",
            "rail-plan",
            "plan-deltas",
            "plan-explanations",
            "train-loads",
        ] {
            let expected = expected.bytes(topic);
            assert!(expected.len() > 4, "{topic}");
            assert!(
                found.bytes(topic) == expected,
                "{topic}, {rows_max} rows, abort {abort_every}"
            );
        }
    }
}
