//! A source that had been idle and then writes of before: what merge finds too late it points at, and nothing else is missing.

use std::collections::BTreeMap;

use events::v1::cell::Value;
use events::v1::{Reject, RejectReason, WindowStat};
use events::{Event, Message};
use pipeline::memory::MemoryLog;
use pipeline::partials::{PORT_PARTITION, partition_of_terminal};

use crate::check::rejects;
use crate::program::{FUTURE_US, PARTIALS};
use crate::reading::Record;
use crate::workload::source;

/// The source that falls silent: no table and no plan hangs on it.
pub const SOURCE: &str = "gate";

/// The query that reads its rows with those of the others.
const OF_ALL: &str = "intake_all";

/// Those that read its rows alone, each of them in one window.
const OF_IT: [&str; 3] = ["goes_gates", "comes_gates", "ails_gates"];

pub fn reads(query: &str) -> bool {
    query == OF_ALL || OF_IT.contains(&query)
}

/// Does it point at rows that came too late for merge?
pub fn is_pointer(reject: &Reject) -> bool {
    reject.reason() == RejectReason::LateInMerge
}

/// How long a query ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    AllAlong,
    /// From some time on.
    Since,
    /// Not at some time: nobody points at what came then.
    AtTimes,
}

/// Rows that a query did not take, and the input that they stand for.
struct Pointer {
    /// The partition of merge that says so.
    home: i32,
    rows: i64,
    /// Topic, partition, offsets.
    input: Vec<(String, i32, std::ops::Range<i64>)>,
}

impl Pointer {
    fn of(reject: &Reject) -> Option<Self> {
        let (rows, _) = reject.detail.split_once(' ')?;
        let (_, input) = reject.detail.split_once("; input: ")?;
        let input = input.split(", ").map(|part| {
            let (topic, rest) = part.split_once('[')?;
            let (partition, offsets) = rest.split_once("] ")?;
            let (from, to) = offsets.split_once(" to ")?;
            let offsets = from.parse().ok()?..to.parse().ok()?;
            Some((topic.to_owned(), partition.parse().ok()?, offsets))
        });
        Some(Pointer {
            home: reject.partition,
            rows: rows.parse().ok()?,
            input: input.collect::<Option<_>>()?,
        })
    }
}

/// A row without what it counts, which is its last column; and that number.
fn counted(row: &[u8]) -> Option<(Vec<u8>, i64)> {
    let mut stat = WindowStat::decode(row).ok()?;
    match stat.cells.pop()?.value? {
        Value::Integer(count) => Some((stat.encode_to_vec(), count)),
        _ => None,
    }
}

fn counts(rows: &[Vec<u8>]) -> Option<BTreeMap<Vec<u8>, i64>> {
    rows.iter().map(|row| counted(row)).collect()
}

/// Compares the final rows of a query that counts with those due: what they lack must be pointed at. `order`: the input as it
/// was written.
pub fn check(
    log: &MemoryLog,
    order: &[Record],
    (query, ran): (&str, Ran),
    due: &[Vec<u8>],
    found: &[Vec<u8>],
) -> Result<(), String> {
    let (due, found) = (counts(due), counts(found));
    let (due, mut found) = due.zip(found).ok_or(format!("{query} does not count"))?;
    let pointers: Vec<Pointer> = rejects(log)
        .filter(|reject| is_pointer(reject) && reject.query == query)
        .map(|reject| Pointer::of(&reject).ok_or(format!("points at nothing: {reject:?}")))
        .collect::<Result<_, _>>()?;
    let candidates = candidates(query, order, &pointers);
    let mut missing = 0;
    for (row, due) in due {
        let lacks = due - found.remove(&row).unwrap_or_default();
        let stat = WindowStat::decode(row.as_slice()).unwrap_or_default();
        let pointed = match query {
            OF_ALL if !has(&stat, SOURCE) => 0,
            _ => within(&candidates, &stat),
        };
        if lacks < 0 || lacks > pointed && ran != Ran::AtTimes {
            return Err(format!(
                "{query}: {stat:?} lacks {lacks} rows, {pointed} are pointed at"
            ));
        }
        missing += lacks;
    }
    if let Some((row, count)) = found.first_key_value() {
        let stat = WindowStat::decode(row.as_slice());
        return Err(format!("{query}: {stat:?} with {count} is not expected"));
    }
    // Each row that is pointed at stands for one record or more, in one window or more.
    let pointed: i64 = pointers.iter().map(|pointer| pointer.rows).sum();
    match pointed > missing && ran == Ran::AllAlong {
        false => Ok(()),
        true => Err(format!(
            "{query}: {pointed} rows are pointed at, {missing} are missing"
        )),
    }
}

/// Time and terminal of the source's records that pointers name, as far as the query tells them apart.
fn candidates(query: &str, order: &[Record], pointers: &[Pointer]) -> Vec<(i64, Option<String>)> {
    let mut places: BTreeMap<(String, i32), (i64, i64)> = BTreeMap::new();
    let mut found = Vec::new();
    for record in order {
        let place = (record.stream.name().to_owned(), record.partition);
        let (next, latest_us) = places.entry(place.clone()).or_insert((0, i64::MIN));
        let offset = *next;
        *next += 1;
        if source(record) != SOURCE {
            continue;
        }
        let event = Event::decode(record.stream, &record.value);
        let Some(envelope) = event.ok().and_then(|event| event.envelope().cloned()) else {
            continue;
        };
        let at_us = match envelope.event_time_us {
            0 => envelope.record_time_us,
            at_us => at_us,
        };
        if at_us <= record.timestamp_ms * 1_000 + FUTURE_US {
            *latest_us = at_us.max(*latest_us);
        }
        let names = |(topic, partition, offsets): &(String, i32, std::ops::Range<i64>)| {
            (topic, *partition) == (&place.0, place.1) && offsets.contains(&offset)
        };
        let home = match query {
            OF_ALL => PORT_PARTITION,
            _ => partition_of_terminal(&envelope.terminal_id, PARTIALS),
        };
        let mut pointers = pointers.iter().filter(|pointer| pointer.home == home);
        if pointers.any(|pointer| pointer.input.iter().any(names)) {
            found.push(match query {
                // What became of a record is told at the latest time of its source there.
                OF_ALL => (*latest_us, None),
                _ => (at_us, Some(envelope.terminal_id)),
            });
        }
    }
    found
}

/// How many lie in the window of a row, and at its terminal.
fn within(candidates: &[(i64, Option<String>)], stat: &WindowStat) -> i64 {
    let window = stat.window_start_us..stat.window_end_us;
    let is_at = |terminal: &Option<String>| {
        let terminal = terminal.as_ref();
        terminal.is_none_or(|terminal| has(stat, terminal))
    };
    let found = candidates.iter();
    let found = found.filter(|(at_us, terminal)| window.contains(at_us) && is_at(terminal));
    found.count() as i64
}

fn has(stat: &WindowStat, text: &str) -> bool {
    let text = Value::Text(text.to_owned());
    let mut cells = stat.cells.iter();
    cells.any(|cell| cell.value.as_ref() == Some(&text))
}
