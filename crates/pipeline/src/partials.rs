//! What fold sends to merge, cut into records that fit a Kafka message.

mod half_read;

pub use half_read::HalfRead;

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use events::internal::{Covered, Delta, Frontier, FrontierState, Partials, RunningTables};
use events::{Message, ipc};
use twox_hash::XxHash3_64;
use windows::frontier::{Origin, Progress};
use windows::program::MergeKey;

use crate::log::{Outgoing, Partition};

/// Format of [`Partials`] records.
pub const FORMAT: u32 = 1;

/// Aim for the size of one record, bytes: well below Kafka's default limit of 1 MiB.
pub const RECORD_BYTES: usize = 768 * 1024;

/// Rows of one query or table on their way to merge.
#[derive(Debug, Clone)]
pub struct Part {
    /// Query or table.
    pub name: String,
    /// Of its plan.
    pub fingerprint: u64,
    /// Where its rows are joined.
    pub merge_key: MergeKey,
    /// The rows.
    pub batches: Vec<RecordBatch>,
}

/// What one commit of fold tells every partition of merge.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Input that it stands for.
    pub covered: Vec<Covered>,
    /// How far the sources have come.
    pub frontiers: Vec<Frontier>,
    /// Fingerprints of all queries that were run.
    pub running: Vec<u64>,
    /// Of all tables of which rows were sent.
    pub tables: Option<RunningTables>,
}

/// The partition of merge that a terminal belongs to.
pub fn partition_of_terminal(terminal_id: &str, partitions: i32) -> i32 {
    (XxHash3_64::oneshot(terminal_id.as_bytes()) % partitions.max(1) as u64) as i32
}

/// The partition of merge where the whole port is joined.
pub const PORT_PARTITION: i32 = 0;

/// One commit of fold, as records of the partials topic of about `bytes_max` at most: at least one to each partition, since
/// each needs the frontiers.
pub fn write(
    topic: &Arc<str>,
    partitions: i32,
    parts: &[Part],
    told: &Told,
    bytes_max: usize,
    timestamp_ms: i64,
) -> Result<Vec<Outgoing>, ArrowError> {
    let mut deltas: Vec<Vec<Delta>> = vec![Vec::new(); partitions.max(1) as usize];
    for part in parts {
        for batch in &part.batches {
            for (partition, rows) in route(&part.merge_key, batch, partitions)? {
                pack(part, &rows, bytes_max, &mut deltas[partition as usize])?;
            }
        }
    }
    let mut records = Vec::new();
    for (index, deltas) in deltas.into_iter().enumerate() {
        let messages = group(deltas, bytes_max);
        let parts = messages.len() as u32;
        for (part, deltas) in messages.into_iter().enumerate() {
            let is_last = part as u32 + 1 == parts;
            let mut told = told.clone();
            let mut input = Vec::new();
            if !is_last {
                input = std::mem::take(&mut told).covered;
            }
            let message = Partials {
                format: FORMAT,
                part: part as u32,
                parts,
                covered: told.covered,
                frontiers: told.frontiers,
                deltas,
                tick: None,
                running: told.running,
                tables: told.tables,
                input,
            };
            records.push(Outgoing {
                topic: Arc::clone(topic),
                partition: Some(index as i32),
                key: None,
                value: Some(message.encode_to_vec()),
                timestamp_ms,
                headers: Vec::new(),
            });
        }
    }
    Ok(records)
}

/// The rows that belong to one partition of merge.
pub fn share(
    merge_key: &MergeKey,
    batch: RecordBatch,
    partition: i32,
    partitions: i32,
) -> Result<RecordBatch, ArrowError> {
    if partitions <= 1 {
        return Ok(batch);
    }
    let mut routed = route(merge_key, &batch, partitions)?.into_iter();
    let own = routed.find(|(home, _)| *home == partition);
    Ok(own.map_or_else(|| batch.slice(0, 0), |(_, rows)| rows))
}

fn route(
    merge_key: &MergeKey,
    batch: &RecordBatch,
    partitions: i32,
) -> Result<Vec<(i32, RecordBatch)>, ArrowError> {
    if *merge_key == MergeKey::Everywhere {
        return Ok((0..partitions.max(1))
            .map(|index| (index, batch.clone()))
            .collect());
    }
    if *merge_key == MergeKey::Port || partitions <= 1 {
        return Ok(vec![(PORT_PARTITION, batch.clone())]);
    }
    let terminals = batch
        .column_by_name("terminal_id")
        .and_then(|column| column.as_string_opt::<i32>());
    let Some(terminals) = terminals else {
        return Ok(vec![(PORT_PARTITION, batch.clone())]);
    };
    let homes: Vec<i32> = (0..terminals.len())
        .map(|row| {
            if terminals.is_null(row) {
                PORT_PARTITION
            } else {
                partition_of_terminal(terminals.value(row), partitions)
            }
        })
        .collect();
    let has_port = *merge_key == MergeKey::PortAndTerminal;
    let mut routed = Vec::new();
    for partition in 0..partitions {
        let is_all = has_port && partition == PORT_PARTITION;
        let is_home = homes.iter().map(|home| Some(is_all || *home == partition));
        let mask: BooleanArray = is_home.collect();
        if mask.true_count() > 0 {
            routed.push((partition, filter_record_batch(batch, &mask)?));
        }
    }
    Ok(routed)
}

/// Appends the rows as deltas that each fit a record.
fn pack(
    part: &Part,
    rows: &RecordBatch,
    bytes_max: usize,
    deltas: &mut Vec<Delta>,
) -> Result<(), ArrowError> {
    cut(rows, bytes_max, &mut |ipc, rows| {
        deltas.push(Delta {
            query: part.name.clone(),
            fingerprint: part.fingerprint,
            ipc,
            rows: rows as u32,
        });
    })
}

/// Rows as Arrow IPC streams that each fit a record, in their order, with the number of rows in each.
pub(crate) fn cut(
    rows: &RecordBatch,
    bytes_max: usize,
    visit: &mut dyn FnMut(Vec<u8>, usize),
) -> Result<(), ArrowError> {
    let bytes = ipc::write(&rows.schema(), std::slice::from_ref(rows))?;
    if bytes.len() > bytes_max && rows.num_rows() > 1 {
        let half = rows.num_rows() / 2;
        cut(&rows.slice(0, half), bytes_max, visit)?;
        return cut(&rows.slice(half, rows.num_rows() - half), bytes_max, visit);
    }
    visit(bytes, rows.num_rows());
    Ok(())
}

/// Deltas in their order, as few messages as fit.
fn group(deltas: Vec<Delta>, bytes_max: usize) -> Vec<Vec<Delta>> {
    let mut groups: Vec<Vec<Delta>> = vec![Vec::new()];
    let mut bytes = 0;
    for delta in deltas {
        if bytes > 0 && bytes + delta.ipc.len() > bytes_max {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += delta.ipc.len();
        if let Some(last) = groups.last_mut() {
            last.push(delta);
        }
    }
    groups
}

/// Why a record of the partials topic cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PartialsError {
    /// Not what fold writes.
    #[error(
        "{at} offset {offset} is not a partials record: {reason}; the topic belongs to the engine alone"
    )]
    Unreadable {
        /// Where it stands.
        at: Partition,
        /// Its offset.
        offset: i64,
        /// What was found.
        reason: String,
    },
    /// Written by another version.
    #[error(
        "{at} offset {offset} has format {format}, this version reads {FORMAT}: drain the topic with the version that wrote it"
    )]
    Format {
        /// Where it stands.
        at: Partition,
        /// Its offset.
        offset: i64,
        /// Its format.
        format: u32,
    },
}

/// Reads one record of the partials topic.
pub fn read(at: &Partition, offset: i64, value: &[u8]) -> Result<Partials, PartialsError> {
    let message = Partials::decode(value).map_err(|error| PartialsError::Unreadable {
        at: at.clone(),
        offset,
        reason: error.to_string(),
    })?;
    if message.format != FORMAT {
        return Err(PartialsError::Format {
            at: at.clone(),
            offset,
            format: message.format,
        });
    }
    Ok(message)
}

/// The fingerprints of the queries that the fold of a record ran; none if it does not say so, as those did that do not speak of
/// tables either.
pub fn running(message: &Partials) -> Option<&[u64]> {
    let says_so = !message.running.is_empty() || message.tables.is_some();
    says_so.then_some(&message.running)
}

/// The input that the commit stands for of which a record is a part.
pub fn input(message: &Partials) -> &[Covered] {
    match message.covered.is_empty() {
        true => &message.input,
        false => &message.covered,
    }
}

/// Takes in what fold says of its sources.
pub fn update(frontier: &mut windows::frontier::Frontier, told: Vec<Frontier>) {
    for told in told {
        let begin_us = told.begin_us;
        if let Some((origin, progress)) = heard(told) {
            frontier.update(origin, progress, begin_us);
        }
    }
}

/// What a message says of one source.
pub(crate) fn heard(told: Frontier) -> Option<(Origin, Progress)> {
    let progress = match told.state() {
        FrontierState::Active => Progress::Active {
            complete_to_us: told.complete_to_us,
        },
        FrontierState::Idle => Progress::Idle,
        FrontierState::Ended => Progress::Ended {
            row_time_max_us: told.row_time_max_us,
        },
        FrontierState::Unspecified => return None,
    };
    let origin = Origin {
        topic: told.topic,
        partition: told.partition,
        source: told.source,
    };
    Some((origin, progress))
}
