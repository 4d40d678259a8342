//! Reads the partials log again, all of it, without fetches, faults or snapshots: what left must be what it says. So rows of
//! every kind, their revisions, and plans are a function of the partials log, ticks included.

use std::collections::BTreeMap;
use std::sync::Arc;

use events::Message;
use events::internal::{Partials, Tick};
use events::v1::{Reject, WindowStat};
use pipeline::budget::Memory;
use pipeline::log::{Batch, Outgoing, Partition};
use pipeline::memory::{HandClock, MemoryLog, Stored};
use pipeline::merge::Merge;
use pipeline::ticks::TickBy;
use pipeline::worker::programs::Portion;

use crate::check::{Pair, plans};
use crate::silence;
use crate::world::World;

type Records = Vec<Pair>;

/// Ticks of the clock in the log, those that count twice or not at all among them.
pub fn ticks(log: &MemoryLog) -> Vec<Tick> {
    let records = log.written("partials").into_iter().flatten();
    let ticks = records.filter_map(|(_, record)| {
        let message = Partials::decode(record.value.unwrap_or_default().as_slice());
        message.ok()?.tick
    });
    ticks.collect()
}

pub fn check(world: &World) -> Result<(), String> {
    let mut settings = world.settings().as_ref().clone();
    // Plans of the watermark are known without.
    settings.planners.rail.is_on = settings.planners.tick_by == TickBy::Clock;
    let has_plans = settings.planners.rail.is_on;
    let settings = Arc::new(settings);
    let mut again: BTreeMap<String, Records> = BTreeMap::new();
    for (index, records) in (0..).zip(world.log.written("partials")) {
        let programs = world.programs();
        let program = programs
            .take(Portion::of(index), &settings)
            .map_err(|error| error.to_string())?;
        let partition = Partition::new("partials", index);
        let mut merge = Merge::new(
            Arc::clone(&settings),
            program,
            Arc::<HandClock>::default(),
            Arc::default(),
            partition.clone(),
            true,
            &Memory::new(usize::MAX),
        )
        .map_err(|error| error.to_string())?;
        for record in read(&mut merge, &partition, records)? {
            let topic = again.entry(record.topic.to_string()).or_default();
            topic.push((record.key, record.value));
        }
    }
    // What queries tell that come, go or fail hangs on the processes, too.
    let is_steady = |query: &str| world.running().is_steady(query);
    let is_told = |topic: &str, (_, value): &Pair| {
        let value = value.as_deref().unwrap_or_default();
        match topic {
            "rejects" => Reject::decode(value)
                .is_ok_and(|reject| silence::is_pointer(&reject) && is_steady(&reject.query)),
            _ => WindowStat::decode(value).is_ok_and(|stat| is_steady(&stat.query)),
        }
    };
    for topic in ["window-stats", "rejects"] {
        let left = world.log.records(topic).into_iter().flatten();
        let left = left.map(|record| (record.key, record.value));
        let told = again.remove(topic).unwrap_or_default().into_iter();
        same(
            topic,
            sorted(left.filter(|record| is_told(topic, record)).collect()),
            sorted(told.filter(|record| is_told(topic, record)).collect()),
        )?;
    }
    for (topic, left) in plans(&world.log).into_iter().filter(|_| has_plans) {
        same(topic, left, again.remove(topic).unwrap_or_default())?;
    }
    Ok(())
}

fn read(
    merge: &mut Merge,
    partition: &Partition,
    records: Vec<(i64, Stored)>,
) -> Result<Vec<Outgoing>, String> {
    let mut batch = Batch::default();
    for (offset, record) in records {
        let value = record.value.as_deref();
        batch.push(partition, offset, record.timestamp_ms, None, value);
    }
    merge.take(&batch).map_err(|error| error.to_string())
}

/// Two partitions of merge write into one topic, and which of them is first is no matter.
fn sorted(mut records: Records) -> Records {
    records.sort();
    records
}

fn same(topic: &str, left: Records, again: Records) -> Result<(), String> {
    match left == again {
        true => Ok(()),
        false => Err(format!(
            "{topic}: the partials log gives {} records when it is read again, {} had left; alone {:?} and {:?}",
            again.len(),
            left.len(),
            only(topic, &again, &left),
            only(topic, &left, &again)
        )),
    }
}

/// A record that others do not have.
fn only(topic: &str, records: &Records, others: &Records) -> Option<String> {
    let record = records.iter().find(|record| !others.contains(record))?;
    let value = record.1.as_deref()?;
    match topic {
        "rejects" => Some(format!("{:?}", Reject::decode(value).ok()?)),
        _ => Some(format!("{:?}", WindowStat::decode(value).ok()?)),
    }
}
