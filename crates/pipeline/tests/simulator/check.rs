//! Reads what left and compares. It stands apart from the engine: topics in, verdict out.

use std::collections::BTreeMap;

use events::Message;
use events::v1::{Reject, WindowStat};
use pipeline::memory::MemoryLog;

use crate::oracle::{Expected, Rejects};

/// Records of the plan topics, in the order of each partition.
pub type Plans = BTreeMap<&'static str, Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>>;

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

/// What is wrong, if anything.
pub fn verdict(log: &MemoryLog, expected: &Expected, plans_expected: &Plans) -> Result<(), String> {
    let rejects = rejects(log)?;
    if rejects != expected.rejects {
        let more: Vec<_> = rejects.difference(&expected.rejects).take(3).collect();
        let less: Vec<_> = expected.rejects.difference(&rejects).take(3).collect();
        return Err(format!(
            "rejects differ: too many {more:?}, missing {less:?}"
        ));
    }
    let rows = finals(log)?;
    for (query, expected) in &expected.rows {
        let found = rows.get(query).map_or(&[][..], Vec::as_slice);
        if found != expected.as_slice() {
            let only = |left: &[Vec<u8>], right: &[Vec<u8>]| {
                let row = left.iter().find(|row| !right.contains(row));
                row.map(|row| format!("{:?}", WindowStat::decode(row.as_slice())))
            };
            return Err(format!(
                "{query}: {} rows, expected {}; found alone {:?}, expected alone {:?}",
                found.len(),
                expected.len(),
                only(found, expected),
                only(expected, found)
            ));
        }
    }
    match plans(log) == *plans_expected {
        true => Ok(()),
        false => Err(format!(
            "plans differ: {:?} records, expected {:?}",
            plans(log).values().map(Vec::len).collect::<Vec<_>>(),
            plans_expected.values().map(Vec::len).collect::<Vec<_>>()
        )),
    }
}

fn rejects(log: &MemoryLog) -> Result<Rejects, String> {
    let mut found = Rejects::new();
    for record in log.records("rejects").into_iter().flatten() {
        let reject = Reject::decode(record.value.unwrap_or_default().as_slice())
            .map_err(|error| error.to_string())?;
        let place = (reject.topic, reject.partition, reject.offset, reject.reason);
        if !found.insert(place.clone()) {
            return Err(format!("rejected twice: {place:?}"));
        }
    }
    Ok(found)
}

/// Final rows by query. Of every key, revisions count up and the last row alone is final.
pub fn finals(log: &MemoryLog) -> Result<BTreeMap<String, Vec<Vec<u8>>>, String> {
    let mut rows: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut open: BTreeMap<Vec<u8>, (i64, bool)> = BTreeMap::new();
    for record in log.records("window-stats").into_iter().flatten() {
        let mut stat = WindowStat::decode(record.value.unwrap_or_default().as_slice())
            .map_err(|error| error.to_string())?;
        let before = open.insert(
            record.key.unwrap_or_default(),
            (i64::from(stat.revision), stat.is_final),
        );
        let (last, was_final) = before.unwrap_or((-1, false));
        if was_final || i64::from(stat.revision) != last + 1 {
            return Err(format!(
                "after revision {last} (final: {was_final}) came {stat:?}"
            ));
        }
        if stat.is_final {
            stat.revision = 0;
            let of = rows.entry(stat.query.clone()).or_default();
            of.push(stat.encode_to_vec());
        }
    }
    if let Some((key, _)) = open.iter().find(|(_, (_, is_final))| !is_final) {
        return Err(format!("{} has no final row", String::from_utf8_lossy(key)));
    }
    rows.values_mut().for_each(|rows| rows.sort());
    Ok(rows)
}
