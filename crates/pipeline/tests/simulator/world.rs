//! The processes of one history: two workers of fold and two of merge at first, each of which can be stopped, given up,
//! killed and started again.

use std::sync::Arc;
use std::time::Duration;

use pipeline::backfill::Archive;
use pipeline::budget::{Account, Memory};
use pipeline::depot::Depot;
use pipeline::error::EngineError;
use pipeline::log::{LogError, Outgoing};
use pipeline::memory::{
    HandClock, Member, MemoryFiles, MemoryLog, MemorySink, MemorySource, MemoryStore, faults,
    store::AWAY,
};
use pipeline::outcome::Tally;
use pipeline::roster::{self, Roster};
use pipeline::settings::{Bounded, Settings};
use pipeline::spill::Spilling;
use pipeline::ticks::TickBy;
use pipeline::worker::programs::{Portion, Programs};
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};

use crate::dice::Dice;
use crate::program::{Change, PARTIALS, PARTITIONS, Running, Shelves, settings};
use crate::reading::Record;
use crate::workload::DAY_US;

pub const STAGES: [&str; 2] = ["fold", "merge"];

enum Worker {
    Fold(Box<FoldWorker<MemorySource, MemorySink>>),
    Merge(Box<MergeWorker<MemorySource, MemorySink>>),
}

type Started = (Worker, Member, Memory);

/// A process, or the place of a dead one.
pub struct Process {
    pub stage: &'static str,
    pub name: String,
    pub member: Member,
    worker: Option<Worker>,
    memory: Memory,
    /// Somebody else has its memory, for so many turns.
    squeeze: Option<(Account, u64)>,
    /// Turns until it goes on, or is started anew.
    pub rests: u64,
    pub is_done: bool,
}

impl Process {
    /// It has been started and has not died.
    pub fn is_there(&self) -> bool {
        self.worker.is_some()
    }
}

pub struct World {
    pub log: MemoryLog,
    pub clock: Arc<HandClock>,
    pub processes: Vec<Process>,
    pub tally: Arc<Tally>,
    /// Rows that memory had no room for, of all processes.
    pub files: MemoryFiles,
    shelves: Shelves,
    /// Which queries the processes run that start from now on.
    running: Running,
    settings: Arc<Settings>,
    started: u64,
    rows_max: u64,
    /// Where snapshots lie, if not in the topic.
    pub store: Option<Arc<MemoryStore>>,
    depot: Option<Depot>,
    tick_by: TickBy,
}

/// A log with all topics.
pub fn topics() -> MemoryLog {
    let log = MemoryLog::default();
    for topic in ["container", "rail", "intake-state"] {
        log.create(topic, PARTITIONS);
    }
    log.create("partials", PARTIALS);
    log.create("snapshots", PARTIALS);
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

impl World {
    pub fn new(shelves: Shelves, rows_max: u64, tick_by: TickBy) -> Self {
        World::with(shelves, rows_max, tick_by, Running::AtFirst, None)
    }

    /// As [`World::new`], with other queries, or an object store for the snapshots.
    pub fn with(
        shelves: Shelves,
        rows_max: u64,
        tick_by: TickBy,
        running: Running,
        store: Option<Arc<MemoryStore>>,
    ) -> Self {
        let depot = |store: &Arc<MemoryStore>| Depot::new(store.clone(), "world", false);
        let clock = Arc::<HandClock>::default();
        clock.shift(DAY_US);
        World {
            depot: store.as_ref().map(depot),
            store,
            log: topics(),
            clock,
            processes: Vec::new(),
            tally: Arc::default(),
            files: MemoryFiles::default(),
            shelves,
            running,
            settings: Arc::new(settings(Bounded::Never, tick_by, running)),
            started: 0,
            rows_max,
            tick_by,
        }
    }

    pub fn feed(&self, record: &Record) {
        let outgoing = Outgoing {
            topic: record.stream.name().into(),
            partition: Some(record.partition),
            key: None,
            value: Some(record.value.clone()),
            timestamp_ms: record.timestamp_ms,
            headers: Vec::new(),
        };
        self.log.append(outgoing).expect("the topic exists");
    }

    fn worker(&self, stage: &str, name: &str, rows_max: u64) -> Result<Started, EngineError> {
        let mut memory = Memory::new(self.settings.memory_bytes_max);
        let files = Box::new(self.files.clone());
        memory.spill = Some(Arc::new(Spilling::new(files, Arc::clone(&self.tally))));
        let shared = Shared {
            memory: memory.clone(),
            settings: Arc::clone(&self.settings),
            clock: self.clock.clone(),
            tally: Arc::clone(&self.tally),
            stop: Stop::default(),
            programs: self.programs().clone(),
            depot: self.depot.clone(),
            archive: Some(Archive {
                history: Arc::new(self.log.clone()),
                is_threaded: false,
            }),
        };
        let rows = rows_max.max(1) as usize;
        match stage {
            "fold" => {
                let inputs = shared.settings.inputs.iter();
                let topics: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
                let (source, sink) = self.log.join("fold", None, &topics, rows);
                let member = source.member();
                let worker = FoldWorker::new(shared, source, sink)?;
                Ok((Worker::Fold(Box::new(worker)), member, memory))
            }
            _ => {
                let topics = [Arc::clone(&shared.settings.topics.partials)];
                let (source, sink) = self.log.join("merge", Some(name), &topics, rows.min(16));
                let member = source.member();
                let worker = MergeWorker::new(shared, source, sink);
                Ok((Worker::Merge(Box::new(worker)), member, memory))
            }
        }
    }

    /// Starts a process under a name that nobody has had.
    pub fn start(&mut self, stage: &'static str) {
        self.started += 1;
        let name = format!("{stage}-{}", self.started);
        let started = self.worker(stage, &name, self.rows_max);
        let (worker, member, memory) = started.expect("it starts");
        self.processes.push(Process {
            memory,
            squeeze: None,
            stage,
            name,
            member,
            worker: Some(worker),
            rests: 0,
            is_done: false,
        });
    }

    /// The process dies; what it had open stays open. It is started anew under its name after so many turns.
    pub fn kill(&mut self, place: usize, rests: u64) {
        let process = &mut self.processes[place];
        process.worker = None;
        process.rests = rests;
        process.is_done = false;
    }

    /// Something else takes all of the memory that a process may have, for so many of its turns.
    pub fn squeeze(&mut self, place: usize, turns: u64) {
        let process = &mut self.processes[place];
        let mut account = Account::new(&process.memory.budget);
        account.set(process.memory.budget.bytes_max());
        process.squeeze = Some((account, turns));
    }

    /// Processes that start from now on run other queries.
    pub fn change_queries(&mut self, change: Change) {
        self.running = Running::Since(change);
        self.settings = Arc::new(settings(Bounded::Never, self.tick_by, self.running));
    }

    /// It dies for good.
    pub fn remove(&mut self, place: usize) {
        self.processes.remove(place);
    }

    /// Stops all, waits for open transactions, and starts again with an end to the input.
    pub fn drain(&mut self) {
        self.processes.clear();
        self.log.settle();
        self.settings = Arc::new(settings(Bounded::UntilEnd, self.tick_by, self.running));
        for stage in ["fold", "fold", "merge", "merge"] {
            self.start(stage);
        }
    }

    /// One turn of one process. An error that is no death and no fence is the engine's confession.
    pub fn turn(&mut self, place: usize, dice: &mut Dice) -> Result<(), String> {
        let process = &mut self.processes[place];
        if process.rests > 0 {
            process.rests -= 1;
            return Ok(());
        }
        if process.is_done {
            return Ok(());
        }
        let Some(worker) = &mut process.worker else {
            let (stage, name) = (process.stage, process.name.clone());
            let rows = 1 + dice.below(2 * self.rows_max);
            let started = self.worker(stage, &name, rows);
            let (worker, member, memory) = started.map_err(|error| error.to_string())?;
            let process = &mut self.processes[place];
            (process.worker, process.member) = (Some(worker), member);
            (process.memory, process.squeeze) = (memory, None);
            return Ok(());
        };
        process.squeeze = process
            .squeeze
            .take()
            .and_then(|(account, turns)| Some((account, turns.checked_sub(1)?)));
        let turned = match worker {
            Worker::Fold(worker) => worker.turn(Duration::ZERO),
            Worker::Merge(worker) => worker.turn(Duration::ZERO),
        };
        match turned {
            Ok(Turn::Done) => {
                process.is_done = true;
                process.worker = None;
            }
            Ok(_) => {}
            Err(EngineError::Log(LogError::Fatal(reason))) if reason == faults::CRASH => {
                self.kill(place, 1 + dice.below(20));
            }
            Err(EngineError::Log(LogError::Fenced(_))) => self.kill(place, 1 + dice.below(20)),
            // A start without its object store, over a log that is trimmed: it is tried again.
            Err(EngineError::State(reason)) if reason.contains(AWAY) => {
                self.kill(place, 1 + dice.below(20));
            }
            Err(error) => return Err(format!("{} stopped: {error}", process.name)),
        }
        Ok(())
    }

    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub fn programs(&self) -> &Programs {
        self.shelves.of(self.running)
    }

    /// Which queries the processes run.
    pub fn running(&self) -> Running {
        self.running
    }

    /// True once every partition of merge has written down of each query that is to fail there that it has.
    pub fn has_ailed(&self) -> bool {
        let mut partitions = (0..).zip(self.log.records("snapshots"));
        partitions.all(|(index, records)| {
            let mut newest = records.into_iter().rev();
            let newest = newest.find(|record| record.key.as_deref() == Some(roster::KEY));
            let value = newest.and_then(|record| record.value).unwrap_or_default();
            let roster = Roster::decode(&value).expect("a roster");
            let program = self.programs().take(Portion::of(index), &self.settings);
            let program = program.expect("it has started");
            let mut ails = Change::ails()
                .filter(|name| program.queries.iter().any(|query| query.name == *name));
            ails.all(|name| roster.stop(name).is_some())
        })
    }

    pub fn is_done(&self) -> bool {
        self.processes.iter().all(|process| process.is_done)
    }
}
