//! Reading one partition outside the group, from an offset to an end that is fixed at the call.

use std::ops::Range;
use std::time::{Duration, Instant};

use pipeline::log::{Batch, LogError, Partition, missing};
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::config::{Connection, Isolation, Worker};
use crate::context::QuietContext;
use crate::raw::FetchQueue;
use crate::source::partition_error;

const REPLAY_SLICE: Duration = Duration::from_millis(100);
const LOOKUP_WAIT: Duration = Duration::from_secs(2);

/// Visits the committed records of `range` (see [`pipeline::log::Source::replay`]); `alive` is called often, to keep
/// the group membership.
pub(crate) fn replay(
    connection: &Connection,
    worker: &Worker,
    partition: &Partition,
    range: Range<Option<i64>>,
    visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    alive: &dyn Fn(),
) -> Result<i64, LogError> {
    let connect = |isolation| -> Result<BaseConsumer<QuietContext>, LogError> {
        let group = format!("{}-replay", worker.group);
        let (queued, record_max) = (worker.queued_bytes, worker.record_bytes_max);
        let config = connection.consumer_config(&group, isolation, queued, record_max);
        let consumer = config.create_with_context(QuietContext);
        Ok(consumer.map_err(|cause| crate::error::Error::Setup(Box::new(cause)))?)
    };
    let consumer = connect(Isolation::ReadCommitted)?;
    let (oldest, end) = match range.end {
        Some(_) => watermarks(&consumer, worker, partition, alive)?,
        // The end of a commit reaches one partition after the other. What the group's offsets tell already is waited for
        // here too: behind the last record, decided or not, lies nothing that they can stand for.
        None => watermarks(
            &connect(Isolation::ReadUncommitted)?,
            worker,
            partition,
            alive,
        )?,
    };
    let from = range.start.unwrap_or(oldest);
    let to = range.end.unwrap_or(end);
    if from < oldest || to > end {
        return Err(missing(partition, (oldest, end), (from, to)));
    }
    alive();
    if worker.stopped() {
        return Err(stopped(partition, from, to));
    }
    if from >= to {
        return Ok(from);
    }
    let mut queue = FetchQueue::new(consumer.client());
    let failed = |error: KafkaError| LogError::Fatal(format!("cannot replay {partition}: {error}"));
    queue
        .attach(consumer.client(), &partition.topic, partition.index)
        .map_err(failed)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&partition.topic, partition.index, Offset::Offset(from))
        .and_then(|()| consumer.assign(&list))
        .map_err(failed)?;

    let mut next = from;
    let mut batch = Batch::default();
    let mut last_progress = Instant::now();
    loop {
        alive();
        if worker.stopped() {
            return Err(stopped(partition, next, to));
        }
        if let Some(Err(error)) = consumer.poll(Duration::ZERO) {
            tracing::debug!(%error, "replay");
        }
        batch.clear();
        let reached = fill(&mut queue, &mut batch, worker, partition, &mut next, to)?;
        if !batch.is_empty() {
            visit(&batch)?;
        }
        if reached {
            return Ok(to);
        }
        if !batch.is_empty() {
            last_progress = Instant::now();
        } else if last_progress.elapsed() >= worker.patience {
            return Err(LogError::Fatal(format!(
                "{partition} could be read up to offset {next} and not to {to} within {} s: check that its broker is up \
                 and that no transaction on it hangs",
                worker.patience.as_secs()
            )));
        }
    }
}

/// Fills a batch; true when everything before `to` has been seen. What is between the last record and `to` may be
/// control records only: then the end of the partition tells.
fn fill(
    queue: &mut FetchQueue,
    batch: &mut Batch,
    worker: &Worker,
    partition: &Partition,
    next: &mut i64,
    to: i64,
) -> Result<bool, LogError> {
    let mut wait = REPLAY_SLICE;
    while batch.len() < worker.batch_rows && batch.bytes() < worker.batch_bytes {
        let Some(message) = queue.next(wait) else {
            return Ok(false);
        };
        wait = Duration::ZERO;
        match message.error() {
            None if message.offset() >= to => return Ok(true),
            None => {
                batch.push(
                    partition,
                    message.offset(),
                    message.timestamp_ms(),
                    message.key(),
                    message.value(),
                );
                *next = message.offset() + 1;
                if *next >= to {
                    return Ok(true);
                }
            }
            Some(RDKafkaErrorCode::PartitionEOF) if message.offset() >= to => return Ok(true),
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(code) => partition_error(partition, *next, code, &message)?,
        }
    }
    Ok(false)
}

fn stopped(partition: &Partition, next: i64, to: i64) -> LogError {
    LogError::Aborted(format!(
        "asked to stop while reading {partition}, at offset {next} of {to}"
    ))
}

fn watermarks(
    consumer: &BaseConsumer<QuietContext>,
    worker: &Worker,
    partition: &Partition,
    alive: &dyn Fn(),
) -> Result<(i64, i64), LogError> {
    let deadline = Instant::now() + worker.patience;
    loop {
        let error = match consumer.fetch_watermarks(&partition.topic, partition.index, LOOKUP_WAIT)
        {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let denied = error
            .rdkafka_error_code()
            .is_some_and(crate::error::is_denied);
        if denied || worker.stopped() || Instant::now() >= deadline {
            return Err(LogError::Fatal(format!(
                "cannot ask for the offsets of {partition}: {error}; check that the topic exists and its broker is up"
            )));
        }
        alive();
        std::thread::sleep(Duration::from_millis(20));
    }
}
