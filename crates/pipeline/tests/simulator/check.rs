//! Reads what left and compares. It stands apart from the engine: topics in, verdict out.

use std::collections::BTreeMap;

use events::Message;
use events::v1::{PlanDelta, Reject, StatKind, WindowStat};
use pipeline::memory::MemoryLog;

use crate::oracle::{Expected, Rejects};
use crate::world::World;

/// Key and value of a record.
type Pair = (Option<Vec<u8>>, Option<Vec<u8>>);

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

/// What is wrong, if anything.
pub fn verdict(log: &MemoryLog, expected: &Expected) -> Result<(), String> {
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
    Ok(())
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

/// Final rows by query. What is told of a key is in order: revisions count up; early rows, then one on time, then
/// corrections; the last row alone is final.
pub fn finals(log: &MemoryLog) -> Result<BTreeMap<String, Vec<Vec<u8>>>, String> {
    let mut rows: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut open: BTreeMap<Vec<u8>, WindowStat> = BTreeMap::new();
    for record in log.records("window-stats").into_iter().flatten() {
        let mut stat = WindowStat::decode(record.value.unwrap_or_default().as_slice())
            .map_err(|error| error.to_string())?;
        let before = open.insert(record.key.unwrap_or_default(), stat.clone());
        if !may_follow(before.as_ref(), &stat) {
            return Err(format!("after {before:?} came {stat:?}"));
        }
        if stat.kind() == StatKind::Final {
            stat.revision = 0;
            let of = rows.entry(stat.query.clone()).or_default();
            of.push(stat.encode_to_vec());
        }
    }
    if let Some((key, _)) = open.iter().find(|(_, stat)| !stat.is_final) {
        return Err(format!("{} has no final row", String::from_utf8_lossy(key)));
    }
    rows.values_mut().for_each(|rows| rows.sort());
    Ok(rows)
}

/// How many rows of each kind left.
pub fn kinds(log: &MemoryLog) -> BTreeMap<StatKind, u64> {
    let mut kinds = BTreeMap::new();
    for record in log.records("window-stats").into_iter().flatten() {
        let value = record.value.unwrap_or_default();
        let stat = WindowStat::decode(value.as_slice()).unwrap_or_default();
        *kinds.entry(stat.kind()).or_default() += 1;
    }
    kinds
}

fn may_follow(before: Option<&WindowStat>, stat: &WindowStat) -> bool {
    use StatKind::{Corrected, Early, Final, OnTime, Unspecified, Withdrawn};
    let ends = matches!(stat.kind(), Final | Withdrawn);
    let says_so = stat.kind() != Unspecified && (stat.kind() != Final || stat.is_final);
    let Some(before) = before else {
        return says_so && stat.revision == 0 && stat.kind() != Withdrawn;
    };
    let is_next = match (before.kind(), stat.kind()) {
        (Withdrawn, kind) => kind != Withdrawn || stat.is_final,
        (Early, kind) => kind != Unspecified,
        (OnTime | Corrected, kind) => matches!(kind, Corrected | Final | Withdrawn),
        _ => false,
    };
    says_so
        && is_next
        && !before.is_final
        && stat.revision == before.revision + 1
        && (ends || !stat.is_final)
}
