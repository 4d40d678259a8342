//! What a run has written, read back as a consumer would: committed records only, decoded by prost.

use std::collections::BTreeMap;
use std::time::Duration;

use events::Message;
use events::v1::cell::Value;
use events::v1::{BerthPlan, PlanDelta, RailSlotPlan, Reject, StatKind, WindowStat};
use kafka::Isolation;
use kafka::tail::{From, Tail, TailRecord};
use twox_hash::XxHash3_64;

use crate::cli::CliError;
use crate::config::Config;

/// Longest wait for the next record of a topic that is known to hold one.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that left the processor.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Rows of windowed queries in the order of writing.
    pub rows: Vec<WindowStat>,
    /// The key of the record of each of them.
    pub row_keys: Vec<Vec<u8>>,
    /// The last berth plan, by visit.
    pub berths: Vec<BerthPlan>,
    /// The last rail plan, by unit.
    pub rail: Vec<RailSlotPlan>,
    /// Planning runs.
    pub deltas: Vec<PlanDelta>,
    /// Changes of plans, explanations and train loads as they are written: by topic key and value, in order.
    pub plan_records: Vec<(Vec<u8>, Vec<u8>)>,
    /// Records that were not used.
    pub rejects: Vec<Reject>,
    /// Of the final rows and all plan records, in a fixed order.
    pub digest: u64,
}

impl Outputs {
    /// Reads all output topics to their end.
    pub fn read(config: &Config) -> Result<Outputs, CliError> {
        let topics = &config.engine.topics;
        let mut outputs = Outputs::default();
        let mut digested: Vec<Vec<u8>> = Vec::new();
        for topic in topics.sinks.values() {
            for record in read(config, topic)? {
                let value = record.value.as_deref().unwrap_or_default();
                let row: WindowStat = decode(topic, value)?;
                if row.kind() == StatKind::Final {
                    // How often it was told before hangs on how the log was read.
                    let value = WindowStat {
                        revision: 0,
                        ..row.clone()
                    };
                    let value = value.encode_to_vec();
                    digested.push(value);
                }
                outputs.rows.push(row);
                outputs.row_keys.push(record.key.unwrap_or_default());
            }
        }
        digested.sort();
        outputs.berths = newest(
            read(config, &topics.berth_plan)?,
            &topics.berth_plan,
            &mut digested,
        )?;
        outputs.rail = newest(
            read(config, &topics.rail_plan)?,
            &topics.rail_plan,
            &mut digested,
        )?;
        let deltas = read(config, &topics.plan_deltas)?;
        let others = [&topics.plan_explanations, &topics.train_loads];
        let others = others.map(|topic| read(config, topic));
        for records in [Ok(deltas.clone())].into_iter().chain(others) {
            outputs
                .plan_records
                .extend(records?.into_iter().map(|record| {
                    let value = record.value.unwrap_or_default();
                    (record.key.unwrap_or_default(), value)
                }));
        }
        outputs.deltas = all(deltas, &topics.plan_deltas)?;
        outputs.rejects = all(read(config, &topics.rejects)?, &topics.rejects)?;
        outputs.digest = digested
            .iter()
            .fold(0, |sum, bytes| XxHash3_64::oneshot_with_seed(sum, bytes));
        Ok(outputs)
    }

    /// Sum of a column of whole numbers over the final rows of a query; none if it gave no row.
    pub fn sum(&self, query: &str, column: &str) -> Option<i64> {
        let rows = self.final_rows().remove(query)?;
        let cells = rows.iter().flat_map(|row| &row.cells);
        let numbers = cells
            .filter(|cell| cell.name == column)
            .map(|cell| match cell.value {
                Some(Value::Integer(number)) => number,
                _ => 0,
            });
        Some(numbers.sum())
    }

    /// Rows of one kind.
    pub fn count(&self, kind: StatKind) -> usize {
        self.rows.iter().filter(|row| row.kind() == kind).count()
    }

    /// Final rows by query, in the order of their windows.
    pub fn final_rows(&self) -> BTreeMap<&str, Vec<&WindowStat>> {
        let mut queries: BTreeMap<&str, Vec<&WindowStat>> = BTreeMap::new();
        let is_final = |row: &&WindowStat| row.kind() == StatKind::Final;
        for row in self.rows.iter().filter(is_final) {
            queries.entry(&row.query).or_default().push(row);
        }
        for rows in queries.values_mut() {
            rows.sort_by_key(|row| (row.window_end_us, row.window_start_us));
        }
        queries
    }
}

fn read(config: &Config, topic: &str) -> Result<Vec<TailRecord>, CliError> {
    let mut tail = Tail::open(
        &config.kafka,
        topic,
        None,
        From::Beginning,
        Isolation::ReadCommitted,
    )?;
    Ok(tail.read_to_end(PATIENCE)?)
}

fn decode<M: Message + Default>(topic: &str, value: &[u8]) -> Result<M, CliError> {
    M::decode(value).map_err(|error| {
        CliError::Usage(format!(
            "a record of topic {topic} is not what the processor writes: {error}; mend its name"
        ))
    })
}

fn all<M: Message + Default>(records: Vec<TailRecord>, topic: &str) -> Result<Vec<M>, CliError> {
    records
        .iter()
        .filter_map(|record| record.value.as_deref())
        .map(|value| decode(topic, value))
        .collect()
}

/// The newest message of each key, in the order of the keys; tombstones take theirs away.
fn newest<M: Message + Default>(
    records: Vec<TailRecord>,
    topic: &str,
    digested: &mut Vec<Vec<u8>>,
) -> Result<Vec<M>, CliError> {
    let mut by_key: BTreeMap<Vec<u8>, M> = BTreeMap::new();
    for record in records {
        let key = record.key.unwrap_or_default();
        digested.push(key.clone());
        digested.push(record.value.clone().unwrap_or_default());
        match record.value {
            None => drop(by_key.remove(&key)),
            Some(value) => drop(by_key.insert(key, decode(topic, &value)?)),
        }
    }
    Ok(by_key.into_values().collect())
}
