//! Reads what left and compares. It stands apart from the engine: topics in, verdict out.

use std::collections::BTreeMap;

use events::Message;
use events::internal::Partials;
use events::v1::{PlanDelta, Reject, StatKind, WindowStat};
use pipeline::memory::MemoryLog;
use pipeline::roster::REVISIONS_A_LIFE;
use pipeline::worker::programs::Portion;

use crate::program::{Change, Running, may_begin_anew};
use crate::reading::told::{self, life};
use crate::reading::{Expected, Record, Rejects};
use crate::silence::{self, Ran};
use crate::world::World;

/// Key and value of a record.
pub type Pair = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Records of the plan topics, in the order of each partition.
pub type Plans = BTreeMap<&'static str, Vec<Pair>>;

pub fn plans(log: &MemoryLog) -> Plans {
    let read = |topic: &'static str| {
        let records = log.records(topic).into_iter().flatten();
        let records = records.map(|record| (record.key, record.value)).collect();
        (topic, records)
    };
    [
        "rail-plan",
        "plan-deltas",
        "plan-explanations",
        "train-loads",
    ]
    .map(read)
    .into()
}

/// So long before a window the rows may lie that a session or a join needs.
const NEEDED_US: i64 = 600_000_000;

/// What is wrong, if anything. `silent`: the input as it was written, if a source fell silent and then wrote on.
pub fn verdict(
    world: &World,
    expected: &Expected,
    silent: Option<&[Record]>,
) -> Result<(), String> {
    let rejects = refused(&world.log)?;
    if rejects != expected.rejects {
        let more: Vec<_> = rejects.difference(&expected.rejects).take(3).collect();
        let less: Vec<_> = expected.rejects.difference(&rejects).take(3).collect();
        return Err(format!(
            "rejects differ: too many {more:?}, missing {less:?}"
        ));
    }
    let running = world.running();
    let mut back_us = BTreeMap::new();
    for query in expected.rows.keys() {
        if let Some(at_us) = self::back_us(world, query)? {
            back_us.insert(query.as_str(), at_us);
        }
    }
    // Merge may have been without the query, too, and have let go what it told ahead.
    let may_owe = |query: &str| running.breaks_off(query) || back_us.contains_key(query);
    let rows = finals(&world.log, may_owe)?;
    let lives = lives(&world.log);
    for (query, expected) in &expected.rows {
        let found = rows.get(query).map_or(&[][..], Vec::as_slice);
        let mut expected = due(running, query, expected, found, &lives);
        let back_us = back_us.get(query.as_str());
        if let Some(order) = silent.filter(|_| silence::reads(query)) {
            let ran = back_us.map_or(running.ran(query), |_| Ran::AtTimes);
            silence::check(&world.log, order, (query, ran), &expected, found)?;
            continue;
        }
        if let Some(back_us) = back_us {
            // Nobody has seen all rows of these windows; what was told ahead of them was withdrawn.
            let may_lack = |row: &Vec<u8>| stat(row).window_start_us <= back_us + NEEDED_US;
            expected.retain(|row| !may_lack(row) || found.contains(row));
        }
        if found != expected.as_slice() {
            let only = |left: &[Vec<u8>], right: &[Vec<u8>]| {
                let row = left.iter().find(|row| !right.contains(row));
                row.map(|row| format!("{:?}", WindowStat::decode(row.as_slice())))
            };
            return Err(format!(
                "{query}: {} rows, expected {}; found alone {:?}, expected alone {:?}",
                found.len(),
                expected.len(),
                only(found, &expected),
                only(&expected, found)
            ));
        }
    }
    Ok(())
}

/// Of the rows that a query would tell over the whole day those that it must tell in this history, of which `found` left.
/// Of a terminal a query that comes tells all from some window on, and one that breaks off all up to some window; where a
/// merge that runs it came back, all between two windows of that life.
fn due(
    running: Running,
    query: &str,
    all: &[Vec<u8>],
    found: &[Vec<u8>],
    lives: &Lives,
) -> Vec<Vec<u8>> {
    let mut due = all.to_vec();
    if !running.runs(query) {
        due.clear();
    } else if running.comes_late(query) {
        let first = first_told(found);
        let is_due = |stat: WindowStat| {
            let first = first.get(&terminal(&stat));
            first.is_some_and(|first| stat.window_start_us >= *first)
        };
        due.retain(|row| is_due(stat(row)));
    } else if running.breaks_off(query) {
        let is_due = |stat: WindowStat| {
            let lives = lives.get(&(query.to_owned(), terminal(&stat)));
            let mut lives = lives.into_iter().flatten();
            lives.any(|(life, (first_us, last_us))| {
                let has_begun = *life == 0 || *first_us <= stat.window_start_us;
                has_begun && stat.window_end_us <= *last_us
            })
        };
        due.retain(|row| is_due(stat(row)));
    }
    due
}

/// By query and terminal, of each life the first start and the last end of a window with a final row.
type Lives = BTreeMap<(String, String), BTreeMap<i64, (i64, i64)>>;

fn lives(log: &MemoryLog) -> Lives {
    let mut lives = Lives::new();
    for record in log.records("window-stats").into_iter().flatten() {
        let stat = stat(record.value.as_deref().unwrap_or_default());
        if stat.kind() == StatKind::Final {
            let (from_us, to_us) = (stat.window_start_us, stat.window_end_us);
            let of = lives
                .entry((stat.query.clone(), terminal(&stat)))
                .or_default();
            let known = of.entry(life(&stat)).or_insert((from_us, to_us));
            *known = (known.0.min(from_us), known.1.max(to_us));
        }
    }
    lives
}

/// The latest row that processes without a query had seen after others had run it: where old ones came back while the
/// queries changed.
fn back_us(world: &World, query: &str) -> Result<Option<i64>, String> {
    let running = world.running();
    if running.is_steady(query) || !running.runs(query) || running.breaks_off(query) {
        return Ok(None);
    }
    let program = world.programs().take(Portion::Whole, world.settings());
    let program = program.expect("it has run");
    let mut queries = program.queries.iter();
    let Some(query) = queries.find(|known| known.name == query) else {
        return Ok(None);
    };
    // By input partition where it has run: does it now? All that come, go or fail read containers.
    let mut runs: BTreeMap<i32, bool> = BTreeMap::new();
    let mut back_us = None;
    for (_, record) in world.log.written("partials").swap_remove(0) {
        let message = Partials::decode(record.value.unwrap_or_default().as_slice());
        let message = message.expect("partials");
        let is_running = message.running.contains(&query.fingerprint);
        let covered = message.covered.into_iter();
        for covered in covered.filter(|covered| covered.topic == "container") {
            match (runs.get(&covered.partition), is_running) {
                (None, false) => continue,
                (Some(false), true) => back_us = back_us.max(covered.seen_us),
                _ => {}
            }
            runs.insert(covered.partition, is_running);
        }
    }
    match runs.values().all(|is_running| *is_running) {
        true => Ok(back_us),
        false => Err(format!("{} is not run at the end: {runs:?}", query.name)),
    }
}

/// By terminal the first start of a window of the rows.
fn first_told(rows: &[Vec<u8>]) -> BTreeMap<String, i64> {
    let mut told = BTreeMap::new();
    for stat in rows.iter().map(|row| stat(row)) {
        let at_us = stat.window_start_us;
        let known = told.entry(terminal(&stat)).or_insert(at_us);
        *known = at_us.min(*known);
    }
    told
}

fn stat(row: &[u8]) -> WindowStat {
    WindowStat::decode(row).unwrap_or_default()
}

/// Rows of one terminal are made in one partition of merge, and so are those of none.
fn terminal(stat: &WindowStat) -> String {
    let cell = stat.cells.iter().find(|cell| cell.name == "terminal_id");
    format!("{:?}", cell.map(|cell| &cell.value))
}

/// Plans are those expected; where they follow the clock and nothing is known before, each is made once for its instant.
pub fn told_plans(world: &World, expected: Option<&Plans>) -> Result<(), String> {
    let found = plans(&world.log);
    match expected {
        Some(expected) if found != *expected => Err(format!(
            "plans differ: {:?} records, expected {:?}",
            found.values().map(Vec::len).collect::<Vec<_>>(),
            expected.values().map(Vec::len).collect::<Vec<_>>()
        )),
        Some(_) => Ok(()),
        None => each_once(&found["plan-deltas"]),
    }
}

fn each_once(deltas: &[Pair]) -> Result<(), String> {
    let mut last: Option<PlanDelta> = None;
    for (_, value) in deltas {
        let delta = PlanDelta::decode(value.as_deref().unwrap_or_default())
            .map_err(|error| error.to_string())?;
        let (seq, at_us) = last.map_or((0, i64::MIN), |last| (last.plan_seq, last.planned_at_us));
        if delta.plan_seq != seq + 1 || delta.planned_at_us <= at_us {
            return Err(format!("after plan {seq} as of {at_us} came {delta:?}"));
        }
        last = Some(delta);
    }
    Ok(())
}

/// All records of the reject topic.
pub fn rejects(log: &MemoryLog) -> impl Iterator<Item = Reject> {
    let records = log.records("rejects").into_iter().flatten();
    records.map(|record| {
        let value = record.value.expect("no tombstones");
        Reject::decode(value.as_slice()).expect("a reject")
    })
}

/// What fold refused.
fn refused(log: &MemoryLog) -> Result<Rejects, String> {
    let mut found = Rejects::new();
    for reject in rejects(log).filter(|reject| !silence::is_pointer(reject)) {
        let place = (reject.topic, reject.partition, reject.offset, reject.reason);
        if !found.insert(place.clone()) {
            return Err(format!("rejected twice: {place:?}"));
        }
    }
    Ok(found)
}

/// As [`told::finals`]: queries that come, go or fail may be taken up anew.
pub fn finals(
    log: &MemoryLog,
    may_owe: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<Vec<u8>>>, String> {
    told::finals(log, may_owe, may_begin_anew)
}

/// How many rows left of queries that came in the middle of the history, or went on there.
pub fn came(world: &World) -> BTreeMap<Change, usize> {
    let records = world.log.records("window-stats").into_iter().flatten();
    let stats = records.map(|record| stat(record.value.as_deref().unwrap_or_default()));
    let change = world.running().change();
    let rows = stats.filter(|stat| match change {
        Some(Change::Mended) => {
            let is_new = i64::from(stat.revision) >= REVISIONS_A_LIFE;
            is_new && Change::ails().any(|name| name == stat.query)
        }
        _ => Change::comes().any(|name| name == stat.query),
    });
    let rows = rows.count();
    change.map(|change| (change, rows)).into_iter().collect()
}
