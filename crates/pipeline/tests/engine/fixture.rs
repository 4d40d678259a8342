//! A simulated port in a log in memory, and an engine over it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use events::v1::{Reject, WindowStat};
use events::{Message, Stream};
use pipeline::budget::Memory;
use pipeline::intake::state::StateBounds;
use pipeline::log::{Outgoing, Partition};
use pipeline::memory::{HandClock, MemoryLog, MemorySink, MemorySource};
use pipeline::merge::Merge;
use pipeline::outcome::Tally;
use pipeline::plans::agenda::Triggers;
use pipeline::plans::berths::BerthRules;
use pipeline::plans::rail::RailRules;
use pipeline::plans::{PlannerRun, PlannerSettings};
use pipeline::settings::{
    Bounded, Doubt, Input, OnTimeSettings, Settings, SnapshotSettings, SourceSettings, Topics,
};
use pipeline::ticks::TickBy;
use pipeline::worker::programs::{Portion, Programs};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

pub const QUERIES: [(&str, &str); 5] = [
    (
        "moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves, sum(teu_quarters) AS teu
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "intake_all",
        "INSERT INTO window_stat SELECT window_start, window_end, source, outcome, count(*) AS records
         FROM HOP(intake, DESCRIPTOR(row_time), INTERVAL '30' MINUTE, INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end, source, outcome",
    ),
    (
        "yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, yard_block, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_block, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id, yard_block), yard_delta_teu_quarters, INTERVAL '30' MINUTE)",
    ),
    (
        "slot",
        "CREATE TABLE slot (PRIMARY KEY (train_slot_id)) AS SELECT train_slot_id, corridor, departure_planned_at FROM train_slot",
    ),
    (
        "open_slots",
        "INSERT INTO window_stat SELECT window_start, window_end, corridor, count(*) AS trains
         FROM TICK(INTERVAL '60' MINUTE) AS t JOIN slot ON slot.departure_planned_at > t.tick_at
         GROUP BY window_start, window_end, corridor",
    ),
];

pub fn settings(partitions: i32, partials_partitions: i32) -> Settings {
    let inputs = Stream::ALL.map(|stream| Input {
        stream,
        topic: stream.name().into(),
        partitions,
    });
    let sources = portsim::sources().into_iter().map(|source| SourceSettings {
        name: source.name.to_owned(),
        streams: source.streams.to_vec(),
        out_of_order_max: Duration::from_secs(u64::from(source.out_of_order_max_s)),
        has_corrections: source.has_corrections,
    });
    let off = PlannerRun {
        is_on: false,
        inputs: Vec::new(),
        every: Duration::from_secs(900),
        triggers: Triggers::default(),
        iterations: 100,
        seed: 1,
    };
    Settings {
        inputs: inputs.to_vec(),
        topics: Topics {
            partials: "partials".into(),
            partials_partitions,
            intake_state: "intake-state".into(),
            snapshots: "snapshots".into(),
            rejects: "rejects".into(),
            sinks: BTreeMap::from([("window_stat".to_owned(), "window-stats".into())]),
            berth_plan: "berth-plan".into(),
            rail_plan: "rail-plan".into(),
            plan_deltas: "plan-deltas".into(),
            plan_explanations: "plan-explanations".into(),
            train_loads: "train-loads".into(),
        },
        sources: sources.collect(),
        out_of_order_max: Duration::from_secs(60),
        correction_max: Duration::ZERO,
        future_max: Duration::from_secs(300),
        past_max: None,
        sources_max: 100,
        terminals: Vec::new(),
        unknown_terminal: Doubt::Flag,
        check_digits: Doubt::Flag,
        record_bytes_max: 10_000_000,
        commit_interval: Duration::from_millis(200),
        commit_bytes_max: 64 << 20,
        partials_bytes: pipeline::partials::RECORD_BYTES,
        transaction_bytes_max: 16 << 20,
        memory_bytes_max: 1 << 30,
        snapshots: SnapshotSettings::default(),
        intake_state: StateBounds::default(),
        idle_timeout: Duration::from_secs(60),
        bounded: Bounded::UntilEnd,
        backfill: None,
        queries: QUERIES
            .iter()
            .map(|(name, text)| SqlFile::new(*name, *text))
            .collect(),
        early: BTreeMap::new(),
        on_time: OnTimeSettings::default(),
        waits_for: BTreeMap::new(),
        rest_after: Duration::from_secs(86_400),
        table_keys_max: 100_000,
        query_keys_max: 100_000,
        planners: PlannerSettings {
            tick_by: TickBy::Watermark,
            berths: off.clone(),
            berth_rules: BerthRules::default(),
            rail: off,
            rail_rules: RailRules::default(),
        },
    }
}

/// A log with all topics, empty.
pub fn topics(settings: &Settings) -> MemoryLog {
    let log = MemoryLog::default();
    for input in &settings.inputs {
        log.create(&input.topic, input.partitions);
    }
    log.create("partials", settings.topics.partials_partitions);
    log.create("snapshots", settings.topics.partials_partitions);
    log.create("intake-state", settings.inputs[0].partitions);
    for topic in [
        "rejects",
        "window-stats",
        "berth-plan",
        "rail-plan",
        "plan-deltas",
        "plan-explanations",
        "train-loads",
    ] {
        log.create(topic, 1);
    }
    log
}

/// Hours of the simulated port in a new log with all topics.
pub fn port(
    seed: u64,
    hours: u32,
    records: u64,
    settings: &Settings,
) -> (MemoryLog, portsim::Truth) {
    port_with(seed, hours, records, settings, &[])
}

/// As [`port`], with records of one's own, by their Kafka timestamps.
pub fn port_with(
    seed: u64,
    hours: u32,
    records: u64,
    settings: &Settings,
    own: &[Outgoing],
) -> (MemoryLog, portsim::Truth) {
    let log = topics(settings);
    let partitions = settings.inputs[0].partitions;
    let mut simulation = portsim::Simulation::new(
        portsim::Settings {
            seed,
            hours,
            partitions: portsim::Partitions::all(partitions as u32),
            ..portsim::Settings::default()
        }
        .with_records(records),
    )
    .expect("settings are in range");
    let mut own = own.iter().peekable();
    for produced in simulation.by_ref() {
        while let Some(next) = own.next_if(|next| next.timestamp_ms <= produced.timestamp_ms) {
            log.append(next.clone()).expect("the topic exists");
        }
        append(&log, produced);
    }
    (log, simulation.truth().clone())
}

/// Writes a record of the simulated port.
pub fn append(log: &MemoryLog, produced: portsim::Produced) {
    log.append(Outgoing {
        topic: produced.stream.name().into(),
        partition: produced.partition,
        key: Some(produced.key),
        value: Some(produced.value),
        timestamp_ms: produced.timestamp_ms,
        headers: Vec::new(),
    })
    .expect("the topic exists");
}

/// A worker of each stage, and their clock.
pub struct Engine {
    log: MemoryLog,
    clock: Arc<HandClock>,
    fold: FoldWorker<MemorySource, MemorySink>,
    merge: MergeWorker<MemorySource, MemorySink>,
    pub tally: Arc<Tally>,
    abort_every: usize,
    turns: usize,
    has_ended: (bool, bool),
}

impl Engine {
    /// `rows_max` records a fetch, an abort after every `abort_every`-th turn.
    pub fn new(log: &MemoryLog, settings: Settings, rows_max: usize, abort_every: usize) -> Self {
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
        let (source, sink) = log.join("fold", None, &inputs, rows_max);
        let fold = FoldWorker::new(shared.clone(), source, sink).expect("fold starts");
        let (source, sink) = log.join("merge", None, &partials, 64);
        Engine {
            log: log.clone(),
            clock,
            fold,
            merge: MergeWorker::new(shared, source, sink),
            tally,
            abort_every,
            turns: 0,
            has_ended: (false, false),
        }
    }

    /// One turn of each stage, after so much time. True once the input has ended.
    pub fn turn(&mut self, after: Duration) -> bool {
        self.clock.advance(after);
        self.turns += 1;
        if self.abort_every > 0 && self.turns.is_multiple_of(self.abort_every) {
            self.log.abort_next(1);
        }
        let (folded, merged) = self.has_ended;
        let folded = folded || self.fold.turn(Duration::ZERO).expect("fold goes on") == Turn::Done;
        let merged =
            merged || self.merge.turn(Duration::ZERO).expect("merge goes on") == Turn::Done;
        self.has_ended = (folded, merged);
        folded && merged
    }
}

/// Runs both stages to the end of the input, `rows_max` records a fetch, an abort after every `abort_every`-th turn.
pub fn run(log: &MemoryLog, settings: Settings, rows_max: usize, abort_every: usize) -> Arc<Tally> {
    let mut engine = Engine::new(log, settings, rows_max, abort_every);
    for _ in 0..1_000_000 {
        if engine.turn(Duration::from_millis(50)) {
            return engine.tally;
        }
    }
    panic!(
        "the engine does not come to its end; {:?}",
        engine.merge.slowest()
    );
}

/// The rejects that were written.
pub fn rejects(log: &MemoryLog) -> Vec<Reject> {
    let records = log.records("rejects").swap_remove(0).into_iter();
    let rejects = records.map(|record| {
        let value = record.value.expect("no tombstones");
        Reject::decode(value.as_slice()).expect("a Reject")
    });
    rejects.collect()
}

/// All rows that left, decoded, in a fixed order.
pub fn stats(log: &MemoryLog) -> Vec<WindowStat> {
    let records = log.records("window-stats").into_iter().flatten();
    let mut stats: Vec<WindowStat> = records
        .map(|record| {
            WindowStat::decode(record.value.expect("no tombstones").as_slice())
                .expect("a WindowStat")
        })
        .collect();
    stats.sort_by_key(|stat| {
        (
            stat.query.clone(),
            stat.window_start_us,
            format!("{:?}", stat.cells),
        )
    });
    stats
}

/// Merge over the whole port, with its partition.
pub fn merge_of(settings: &Settings) -> Merge {
    let programs = Programs::default();
    let program = programs
        .take(Portion::Whole, settings)
        .expect("it compiles");
    Merge::new(
        Arc::new(settings.clone()),
        program,
        Arc::<HandClock>::default(),
        Arc::default(),
        Partition::new("partials", 0),
        true,
        &Memory::new(settings.memory_bytes_max),
    )
    .expect("it starts")
}
