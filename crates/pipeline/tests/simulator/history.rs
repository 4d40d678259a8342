//! One history: the day is written while the processes run and fail, then the input ends and all is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use events::v1::StatKind;
use pipeline::memory::{CommitFault, Member};
use pipeline::roster;
use pipeline::ticks::TickBy;

use crate::check::{self, Plans, told_plans, verdict};
use crate::dice::Dice;
use crate::faults::{DEAD_TURNS, FEED_TURNS, Fault, KINDS_MIN, SILENT_TURNS, schedule};
use crate::program::{self, Change, IDLE_TIMEOUT, Running, Shelves};
use crate::reading::told::kinds;
use crate::reading::{Expected, Record};
use crate::workload::source;
use crate::world::{Process, STAGES, World};
use crate::{replay, silence};

const TURNS_MAX: u64 = 20_000;
/// A commit goes wrong after fewer than so many that go well: a step of merge is split into as many.
const COMMITS_BEFORE: u64 = 12;

/// What happened.
pub struct History {
    pub lines: Vec<String>,
    pub kinds: BTreeSet<Fault>,
    pub result: Result<(), String>,
    /// How many rows of each kind left.
    pub rows: BTreeMap<StatKind, u64>,
    /// Ticks of the clock in the log, and plans.
    pub ticks: usize,
    pub plans: usize,
    /// Rows of queries that came in the middle, by how they came.
    pub came: BTreeMap<Change, usize>,
    /// Rejects that point at rows which came too late for merge.
    pub late: usize,
    /// Snapshots that were written, and starts of merge from one.
    pub snapshots: (u64, u64),
    /// Commits of merge that hold a part of a step.
    pub splits: u64,
    /// Bytes that were kept away for want of memory, and pauses for want of it.
    pub spills: (u64, u64),
    /// Everything that left, for comparison with the same seed again.
    pub digest: u64,
}

impl History {
    /// One that broke off, and how far it had come.
    pub fn panicked(lines: Vec<String>, message: &str) -> Self {
        History {
            lines,
            result: Err(format!("panicked: {message}")),
            kinds: BTreeSet::new(),
            rows: BTreeMap::new(),
            ticks: 0,
            plans: 0,
            came: BTreeMap::new(),
            late: 0,
            snapshots: (0, 0),
            splits: 0,
            spills: (0, 0),
            digest: 0,
        }
    }
}

/// Tells the history of a seed, line by line into `lines`, which are there also if it panics. The plans of a day are known where they follow the watermark; those that follow the clock
/// are compared with what the partials log gives when it is read again.
pub fn run(
    seed: u64,
    day: &[Record],
    expected: &Expected,
    plans: Option<&Plans>,
    shelves: Shelves,
    lines: &mut Vec<String>,
) -> History {
    let tick_by = match plans {
        Some(_) => TickBy::Watermark,
        None => TickBy::Clock,
    };
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9) ^ 0xfa17);
    // Of every two days told, one has its snapshots in an object store.
    let is_stored = seed % 4 >= 2;
    let faults = schedule(&mut dice, is_stored, tick_by);
    let store = is_stored.then(Arc::default);
    let strikes = |fault| faults.iter().any(|(_, struck)| *struck == fault);
    let running = match strikes(Fault::NewQueries(Change::Mended)) {
        true => Running::Sick,
        false => Running::AtFirst,
    };
    let world = World::with(shelves, 20 + dice.below(400), tick_by, running, store);
    let mut telling = Telling {
        world,
        lines,
        kinds: BTreeSet::new(),
        settle_at: 0,
        dead: None,
        armed: Vec::new(),
        replaced: BTreeMap::new(),
        awaits_mend: false,
        order: strikes(Fault::Silence).then(Vec::new),
        silent_until: 0,
        withheld: Vec::new(),
    };
    let result = telling.tell(&mut dice, day, &faults);
    let result = result
        .and_then(|()| {
            let silent = telling.order.as_deref();
            // Where its records lie hangs on when it fell silent.
            let again = silent.map(program::expected);
            verdict(&telling.world, again.as_ref().unwrap_or(expected), silent)
        })
        .and_then(|()| told_plans(&telling.world, plans))
        .and_then(|()| replay::check(&telling.world))
        .and_then(|()| {
            if telling.order.is_none()
                && let Some(count) = telling.world.tally.rejects().get("late_in_merge")
            {
                return Err(format!("{count} rows came too late for merge"));
            }
            let mut late = check::rejects(&telling.world.log).filter(silence::is_pointer);
            match late.find(|reject| !silence::reads(&reject.query)) {
                None => Ok(()),
                Some(reject) => Err(format!("rows came too late for merge: {reject:?}")),
            }
        })
        .and_then(|()| match telling.world.files.count() {
            0 => Ok(()),
            files => Err(format!("{files} files of spilled rows are left")),
        });
    History {
        digest: digest(&telling.world),
        rows: kinds(&telling.world.log),
        ticks: replay::ticks(&telling.world.log).len(),
        plans: check::plans(&telling.world.log)["plan-deltas"].len(),
        came: check::came(&telling.world),
        late: check::rejects(&telling.world.log)
            .filter(silence::is_pointer)
            .count(),
        snapshots: telling.world.tally.snapshots(),
        splits: telling.world.tally.splits(),
        spills: (telling.world.tally.spills().1, telling.world.tally.pauses()),
        lines: std::mem::take(telling.lines),
        kinds: telling.kinds,
        result,
    }
}

/// The same day without any fault, in few large steps.
pub fn calm(day: &[Record], shelves: Shelves) -> Plans {
    let mut world = World::new(shelves, 100_000, TickBy::Watermark);
    day.iter().for_each(|record| world.feed(record));
    world.drain();
    let mut dice = Dice(0);
    for turn in 0..TURNS_MAX {
        world.clock.advance(Duration::from_millis(500));
        let place = turn as usize % world.processes.len();
        world.turn(place, &mut dice).expect("no fault, no error");
        if world.is_done() {
            return check::plans(&world.log);
        }
    }
    panic!("the engine does not come to its end without a fault");
}

fn digest(world: &World) -> u64 {
    let topics = [
        "window-stats",
        "rejects",
        "rail-plan",
        "plan-deltas",
        "plan-explanations",
        "train-loads",
        "partials",
        "intake-state",
        "snapshots",
    ];
    let mut bytes = Vec::new();
    for record in topics
        .into_iter()
        .flat_map(|topic| world.log.records(topic))
        .flatten()
    {
        bytes.extend_from_slice(&record.key.unwrap_or_default());
        bytes.extend_from_slice(&record.value.unwrap_or_default());
    }
    twox_hash::XxHash3_64::oneshot(&bytes)
}

struct Telling<'a> {
    world: World,
    lines: &'a mut Vec<String>,
    kinds: BTreeSet<Fault>,
    settle_at: u64,
    /// A process that is stopped for ten times the idle timeout while nobody takes its partitions over, and until when.
    /// Its sources go on; nobody may take the silence for idleness.
    dead: Option<(String, u64)>,
    /// Commits that are to go wrong, of processes by name.
    armed: Vec<(String, Member, CommitFault)>,
    /// Processes that are replaced by others with new queries, by turn.
    replaced: BTreeMap<u64, String>,
    /// Queries are to be mended, once they have failed everywhere.
    awaits_mend: bool,
    /// The input as it was written, where a source falls silent.
    order: Option<Vec<Record>>,
    /// The turn at which it writes on, and what it then writes.
    silent_until: u64,
    withheld: Vec<Record>,
}

impl Telling<'_> {
    fn tell(
        &mut self,
        dice: &mut Dice,
        day: &[Record],
        faults: &[(u64, Fault)],
    ) -> Result<(), String> {
        for stage in ["fold", "merge", "fold", "merge"] {
            self.world.start(stage);
        }
        let mut fed = 0;
        let mut due = faults.iter().peekable();
        for turn in 0..FEED_TURNS {
            let upto = day.len() * (turn + 1) as usize / FEED_TURNS as usize;
            if turn >= self.silent_until {
                std::mem::take(&mut self.withheld)
                    .iter()
                    .for_each(|record| self.feed(record));
            }
            for record in &day[fed..upto] {
                match turn < self.silent_until && source(record) == silence::SOURCE {
                    true => self.withheld.push(record.clone()),
                    false => self.feed(record),
                }
            }
            fed = upto;
            while let Some((_, fault)) = due.next_if(|(at, _)| *at <= turn) {
                self.strike(turn, *fault, dice);
            }
            if self.awaits_mend && self.world.has_ailed() {
                self.awaits_mend = false;
                self.change_queries(turn, Change::Mended, dice);
            }
            self.step(turn, dice)?;
            self.look_at_commits();
        }
        std::mem::take(&mut self.withheld)
            .iter()
            .for_each(|record| self.feed(record));
        // Where too few have come of those that hang on others.
        let sure = [
            Fault::Kill,
            Fault::Rebalance,
            Fault::FetchAgain,
            Fault::FetchLate,
            Fault::Zombie,
        ];
        for (turn, fault) in (FEED_TURNS..).zip(sure) {
            if self.kinds.len() < KINDS_MIN {
                self.strike(turn, fault, dice);
                self.step(turn, dice)?;
            }
        }
        self.world.drain();
        self.dead = None;
        self.replaced.clear();
        self.lines
            .push("the input ends; all are started anew".to_owned());
        for turn in FEED_TURNS..TURNS_MAX {
            self.step(turn, dice)?;
            if self.world.is_done() {
                return Ok(());
            }
        }
        Err("the engine does not come to its end".to_owned())
    }

    fn feed(&mut self, record: &Record) {
        self.world.feed(record);
        if let Some(order) = &mut self.order {
            order.push(record.clone());
        }
    }

    /// Processes are replaced by others with new queries, one after the other, in any order.
    fn change_queries(&mut self, turn: u64, change: Change, dice: &mut Dice) {
        self.world.change_queries(change);
        self.kinds.insert(Fault::NewQueries(change));
        for process in &self.world.processes {
            let mut at = turn + dice.below(60);
            while self.replaced.contains_key(&at) {
                at += 1;
            }
            self.replaced.insert(at, process.name.clone());
        }
        self.lines
            .push(format!("turn {turn}: queries change: {change:?}"));
    }

    fn step(&mut self, turn: u64, dice: &mut Dice) -> Result<(), String> {
        let world = &mut self.world;
        world
            .clock
            .advance(Duration::from_millis(50 + dice.below(400)));
        if turn >= self.settle_at && (world.log.is_unsettled() || turn.is_multiple_of(16)) {
            world.log.settle();
        }
        if turn.is_multiple_of(4) {
            world.log.compact("intake-state");
        }
        if let Some((dead, until)) = &self.dead {
            world.clock.advance(IDLE_TIMEOUT * 10 / DEAD_TURNS as u32);
            if turn >= *until {
                let place = world
                    .processes
                    .iter()
                    .position(|process| process.name == *dead);
                place.inspect(|place| world.kill(*place, 0));
                self.dead = None;
            }
        }
        let later = self.replaced.split_off(&(turn + 1));
        for name in std::mem::replace(&mut self.replaced, later).into_values() {
            let is_it = |process: &Process| process.name == name;
            if let Some(place) = world.processes.iter().position(is_it) {
                world.kill(place, dice.below(10));
            }
        }
        let is_dead = |name: &str| self.dead.as_ref().is_some_and(|(dead, _)| dead == name);
        for _ in 0..2 {
            let place = dice.below(world.processes.len() as u64) as usize;
            let name = world.processes[place].name.clone();
            if is_dead(&name) {
                continue;
            }
            let member = world.processes[place].member;
            world.turn(place, dice).inspect_err(|error| {
                self.lines.push(format!("turn {turn}: {name}: {error}"));
            })?;
            if world.processes[place].member != member {
                self.lines
                    .push(format!("turn {turn}: {name} is started anew"));
            }
        }
        Ok(())
    }

    fn strike(&mut self, turn: u64, fault: Fault, dice: &mut Dice) {
        let world = &mut self.world;
        let stage = *dice.pick(&STAGES);
        let stage = match fault {
            Fault::DeadFold => "fold",
            Fault::TornSnapshot | Fault::StoreAway => "merge",
            _ => stage,
        };
        let of: Vec<usize> = (0..world.processes.len())
            .filter(|place| world.processes[*place].stage == stage)
            .collect();
        // What befalls one that is not there would do nothing.
        let mut there = of.clone();
        there.retain(|place| world.processes[*place].is_there());
        let place = *dice.pick(if there.is_empty() { &of } else { &there });
        let (member, name) = (
            world.processes[place].member,
            world.processes[place].name.clone(),
        );
        match fault {
            Fault::Commit(fault) => {
                let before = dice.below(COMMITS_BEFORE) as usize;
                world.log.fail_commit(member, fault, before);
                self.armed.push((name.clone(), member, fault));
            }
            Fault::Kill => world.kill(place, 1 + dice.below(30)),
            Fault::Zombie => {
                world.log.expel(member);
                world.log.blind(member, 1 + dice.below(3) as usize);
                world.processes[place].rests = 10 + dice.below(30);
            }
            Fault::StaleStart => {
                world.log.expel(member);
                let fetches = 10 + dice.below(40) as usize;
                world.log.sleep_at_start(member, fetches);
            }
            Fault::Rebalance => world.log.rebalance(stage),
            Fault::Join => world.start(stage),
            Fault::Leave if of.len() > 1 => world.remove(place),
            Fault::Leave => world.kill(place, 1),
            Fault::FetchAgain => world.log.fetch_again(member, 1 + dice.below(60) as usize),
            Fault::FetchLate => world.log.delay_fetches(member, 5 + dice.below(40) as usize),
            Fault::SlowEnds => {
                world.log.hold_markers();
                self.settle_at = turn + 5 + dice.below(30);
            }
            Fault::ClockJump => world.clock.advance(Duration::from_secs(3_600)),
            Fault::ClockSet => {
                // The hands alone: somebody has set the clock right, or wrong.
                let by_s = 5 + dice.below(40) as i64;
                let sign = [-1, 1][dice.below(2) as usize];
                world.clock.shift(sign * by_s * 1_000_000);
            }
            Fault::DeadFold => self.dead = Some((name.clone(), turn + DEAD_TURNS)),
            Fault::TornSnapshot => {
                // A piece is gone that a manifest names, or will name; and all must take up from what is left.
                let is_of_snapshot = |key: &[u8]| key != roster::KEY;
                match &world.store {
                    None => world.log.lose("snapshots", &is_of_snapshot, 1),
                    Some(store) if dice.below(2) == 0 => store.tear(1),
                    Some(store) => store.lose(dice.below(3) as usize),
                }
                let rests = 1 + dice.below(10);
                of.iter().for_each(|place| world.kill(*place, rests));
            }
            Fault::StoreAway => {
                // Calls of all kinds fail: writes, and the reads of those that start.
                let store = world.store.as_ref().expect("such histories have one");
                store.cut_off(1 + dice.below(12) as usize);
                if dice.below(2) == 0 {
                    world.kill(place, 1);
                }
            }
            Fault::NewQueries(Change::Mended) => self.awaits_mend = true,
            Fault::NewQueries(change) => self.change_queries(turn, change, dice),
            Fault::Silence => self.silent_until = turn + SILENT_TURNS + dice.below(40),
            Fault::ShortMemory => world.squeeze(place, 5 + dice.below(40)),
            Fault::CutOff => {
                world.log.cut_off(member, 3 + dice.below(6) as usize);
                world.clock.advance(IDLE_TIMEOUT * 2);
            }
        }
        // A commit fails later on, if one comes; queries are mended once they have failed.
        let is_to_come = matches!(fault, Fault::Commit(_) | Fault::NewQueries(Change::Mended));
        if !is_to_come {
            self.kinds.insert(fault);
        }
        self.lines.push(format!("turn {turn}: {name}: {fault:?}"));
    }

    /// Commits that have gone wrong count. Those of a process that has died before are for who comes under its name.
    fn look_at_commits(&mut self) {
        let world = &self.world;
        let kinds = &mut self.kinds;
        self.armed.retain_mut(|(name, member, fault)| {
            if !world.log.awaits_failure(*member) {
                kinds.insert(Fault::Commit(*fault));
                return false;
            }
            let is_it = |process: &&Process| process.name == *name;
            if let Some(process) = world.processes.iter().find(is_it)
                && process.member != *member
            {
                *member = process.member;
                world.log.fail_commit(*member, *fault, 0);
            }
            true
        });
    }
}
