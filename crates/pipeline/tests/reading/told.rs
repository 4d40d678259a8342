//! What was told of windows, in the order in which it left.

use std::collections::BTreeMap;

use events::Message;
use events::v1::{StatKind, WindowStat};
use pipeline::memory::MemoryLog;
use pipeline::roster::REVISIONS_A_LIFE;

/// Final rows by query, sorted, without their revision. What is told of a key is in order: revisions count up; early rows,
/// then one on time, then corrections; the last row alone is final, and some queries may owe it. Those that may begin anew
/// may do so at the next life of their revisions.
pub fn finals(
    log: &MemoryLog,
    may_owe: impl Fn(&str) -> bool,
    may_begin_anew: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<Vec<u8>>>, String> {
    let mut rows: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut open: BTreeMap<Vec<u8>, WindowStat> = BTreeMap::new();
    for record in log.records("window-stats").into_iter().flatten() {
        let mut stat = WindowStat::decode(record.value.unwrap_or_default().as_slice())
            .map_err(|error| error.to_string())?;
        let before = open.insert(record.key.unwrap_or_default(), stat.clone());
        if !may_follow(before.as_ref(), &stat, &may_begin_anew) {
            return Err(format!("after {before:?} came {stat:?}"));
        }
        if stat.kind() == StatKind::Final {
            stat.revision = 0;
            let of = rows.entry(stat.query.clone()).or_default();
            of.push(stat.encode_to_vec());
        }
    }
    if let Some((key, _)) = open
        .iter()
        .find(|(_, stat)| !stat.is_final && !may_owe(&stat.query))
    {
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

/// Which life of its query a row is of.
pub fn life(stat: &WindowStat) -> i64 {
    i64::from(stat.revision) / REVISIONS_A_LIFE
}

fn may_follow(
    before: Option<&WindowStat>,
    stat: &WindowStat,
    may_begin_anew: &impl Fn(&str) -> bool,
) -> bool {
    use StatKind::{Corrected, Early, Final, OnTime, Unspecified, Withdrawn};
    let ends = matches!(stat.kind(), Final | Withdrawn);
    let says_so = stat.kind() != Unspecified && (stat.kind() != Final || stat.is_final);
    let is_first = i64::from(stat.revision) % REVISIONS_A_LIFE == 0;
    let Some(before) = before else {
        return says_so && is_first && stat.kind() != Withdrawn;
    };
    // Queries that come, go or fail may be taken up anew, and what was told ahead before that be withdrawn.
    if may_begin_anew(&stat.query) && life(stat) > life(before) {
        let withdraws_nothing = stat.kind() == Withdrawn && before.kind() == Withdrawn;
        return says_so && is_first && !before.is_final && !withdraws_nothing;
    }
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
