//! What librdkafka tells a worker's consumer from inside `poll`: noted here, acted on by the source.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline::log::{Partition, Position};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Statistics, TopicPartitionList};

use crate::metrics::Outcome;

/// A worker's consumer, shared by its source and its sink.
pub(crate) type SharedConsumer = Arc<BaseConsumer<WorkerContext>>;

/// Something to act on.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The group gives these; they are not assigned yet.
    Assign(Vec<Partition>),
    /// The group takes these back; they are not unassigned yet.
    Revoke {
        partitions: Vec<Partition>,
        lost: bool,
    },
    /// No broker can be reached.
    Down(String),
    /// A broker can be reached again.
    Up,
    /// An error that `poll` returned.
    Failed(KafkaError),
}

/// The callbacks' side of a worker's consumer.
#[derive(Debug, Default)]
pub(crate) struct WorkerContext {
    inbox: Mutex<VecDeque<Notice>>,
    positions: Mutex<BTreeMap<Partition, Position>>,
    down: AtomicBool,
    closing: AtomicBool,
}

impl WorkerContext {
    /// The oldest notice.
    pub(crate) fn take(&self) -> Option<Notice> {
        locked(&self.inbox).pop_front()
    }

    /// Leaves a notice.
    pub(crate) fn post(&self, notice: Notice) {
        locked(&self.inbox).push_back(notice);
    }

    /// Owned partitions and what the group has, or would have, committed for each.
    pub(crate) fn positions(&self) -> MutexGuard<'_, BTreeMap<Partition, Position>> {
        locked(&self.positions)
    }

    /// From now on rebalances are answered at once: nobody reads on.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    fn note_up(&self) {
        if self.down.swap(false, Ordering::Relaxed) {
            self.post(Notice::Up);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves callbacks, without taking messages, waiting at most `wait` for the first.
pub(crate) fn serve(consumer: &SharedConsumer, wait: Duration) {
    // A partition's messages are forwarded before it is assigned: none can come this way.
    if let Some(Err(error)) = consumer.poll(wait) {
        consumer.context().post(Notice::Failed(error));
    }
}

impl ClientContext for WorkerContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        if statistics
            .brokers
            .values()
            .any(|broker| broker.state == "UP")
        {
            self.note_up();
        }
        let positions = self.positions();
        for (partition, position) in positions.iter() {
            let known = statistics
                .topics
                .get(&*partition.topic)
                .and_then(|topic| topic.partitions.get(&partition.index));
            if let Some(known) = known {
                let end = known.hi_offset.max(known.ls_offset);
                if end >= 0 {
                    crate::metrics::lag(partition, (end - position.next_offset).max(0));
                }
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        Outcome::ClientError { code, reason }.emit();
        if code == RDKafkaErrorCode::AllBrokersDown && !self.down.swap(true, Ordering::Relaxed) {
            self.post(Notice::Down(reason.to_owned()));
        }
    }
}

impl ConsumerContext for WorkerContext {
    /// Only notes it: librdkafka waits until the source has assigned or unassigned.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assign = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::SeqCst) {
            answer_at_once(consumer, assign, list);
            return;
        }
        let partitions = crate::offsets::partitions(list);
        self.post(if assign {
            Notice::Assign(partitions)
        } else {
            Notice::Revoke {
                partitions,
                lost: consumer.assignment_lost(),
            }
        });
    }
}

fn answer_at_once(consumer: &BaseConsumer<WorkerContext>, assign: bool, list: &TopicPartitionList) {
    let cooperative = matches!(
        consumer.rebalance_protocol(),
        RebalanceProtocol::Cooperative
    );
    let answer = match (assign, cooperative) {
        (true, true) => consumer.incremental_assign(list),
        (true, false) => consumer.assign(list),
        (false, true) => consumer.incremental_unassign(list),
        (false, false) => consumer.unassign(),
    };
    if let Err(error) = answer {
        tracing::debug!(%error, "rebalance while closing");
    }
}

/// One line of librdkafka's own log.
pub(crate) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, message),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, message)
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, message),
    }
}

/// For clients whose callers see every error as an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct QuietContext;

impl ClientContext for QuietContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn stats(&self, _: Statistics) {}

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
    }
}

impl ConsumerContext for QuietContext {}
