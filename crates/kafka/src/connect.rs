//! Setting up a worker: its consumer, its producer, and the topics that it needs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::log::LogError;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::assignment::Owned;
use crate::config::{Connection, Membership, Worker};
use crate::context::{SharedConsumer, WorkerContext, serve};
use crate::error::Error;
use crate::raw::FetchQueue;
use crate::rebalance::LOOKUP_WAIT;
use crate::sink::KafkaSink;
use crate::source::KafkaSource;

/// Connects one worker: its source and its sink, which share one consumer (hence one thread).
///
/// Waits up to [`Worker::patience`] for the brokers, and fails at once when a topic is missing or a setting is wrong.
pub fn connect(
    connection: &Connection,
    worker: Worker,
) -> Result<(KafkaSource, KafkaSink), LogError> {
    let faults = worker.faults();
    if !faults.is_empty() {
        return Err(LogError::Fatal(faults.join("; ")));
    }
    let consumer: BaseConsumer<WorkerContext> = worker
        .consumer_config(connection)
        .create_with_context(WorkerContext::default())
        .map_err(|cause| Error::Setup(Box::new(cause)))?;
    let consumer: SharedConsumer = Arc::new(consumer);
    check_topics(&consumer, &worker)?;
    let sink = KafkaSink::connect(connection, &worker, consumer.clone())?;
    let source = KafkaSource {
        queue: FetchQueue::new(consumer.client()),
        owned: Owned::default(),
        assigning: VecDeque::new(),
        assigning_since: None,
        revoking: None,
        paused: false,
        pending: Vec::new(),
        connection: connection.clone(),
        worker,
        consumer,
        trimming: None,
    };
    source.join()?;
    Ok((source, sink))
}

/// Fails where a topic is missing; waits for brokers.
pub(crate) fn check_topics(consumer: &SharedConsumer, worker: &Worker) -> Result<(), LogError> {
    let topics: Vec<String> = match &worker.membership {
        Membership::Topics(topics) => topics.clone(),
        Membership::Fixed(list) => list.iter().map(|p| p.topic.to_string()).collect(),
    };
    let deadline = Instant::now() + worker.patience;
    for topic in topics {
        loop {
            match consumer.fetch_metadata(Some(&topic), LOOKUP_WAIT) {
                Ok(found) if found.topics().iter().any(|t| !t.partitions().is_empty()) => break,
                Ok(_) => {
                    return Err(Error::NoTopic { topic }.into());
                }
                Err(cause) if worker.stopped() || Instant::now() >= deadline => {
                    return Err(LogError::Fatal(format!(
                        "cannot read the metadata of topic {topic}: {cause}; check that the brokers are up and the \
                         credentials are right"
                    )));
                }
                Err(error) => {
                    tracing::debug!(%error, topic, "waiting for metadata");
                    serve(consumer, Duration::from_millis(50));
                }
            }
        }
    }
    Ok(())
}
