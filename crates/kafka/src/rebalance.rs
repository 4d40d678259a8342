//! What the group gives and takes: noted in callbacks, answered here.

use std::time::{Duration, Instant};

use pipeline::log::{Beginning, LogError, Partition, SaidBy, Signal};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::config::Delivery;
use crate::connect::check_topics;
use crate::context::{Notice, serve};
use crate::error::{fatal, is_denied, is_fence};
use crate::metrics::Outcome;
use crate::offsets;
use crate::source::KafkaSource;

/// One question to the brokers about offsets, inside `fetch`.
pub(crate) const LOOKUP_WAIT: Duration = Duration::from_secs(2);
/// How long after its timeout a broker may abort a transaction: it looks every 10 s where nothing else is set.
const ABORT_WAIT: Duration = Duration::from_secs(20);
/// Callbacks served before a fetch goes on.
pub(crate) const EVENTS_PER_FETCH: usize = 16;

impl KafkaSource {
    pub(crate) fn cooperative(&self) -> bool {
        matches!(
            self.consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        )
    }

    pub(crate) fn serve_group(&mut self, signals: &mut Vec<Signal>) -> Result<(), LogError> {
        for _ in 0..EVENTS_PER_FETCH {
            serve(&self.consumer, Duration::ZERO);
            let Some(notice) = self.consumer.context().take() else {
                break;
            };
            self.act(notice, signals)?;
        }
        self.assign_next(signals)
    }

    fn act(&mut self, notice: Notice, signals: &mut Vec<Signal>) -> Result<(), LogError> {
        match notice {
            Notice::Assign(partitions) => self.assigning.push_back(partitions),
            Notice::Revoke { partitions, lost } => self.take_away(partitions, lost, signals)?,
            Notice::Down(reason) => {
                Outcome::Unreachable { reason: &reason }.emit();
                signals.push(Signal::Unreachable(reason));
            }
            Notice::Up => {
                Outcome::Reachable.emit();
                signals.push(Signal::Reachable);
            }
            Notice::Failed(error) => self.judge(&error)?,
        }
        Ok(())
    }

    /// Errors of the consumer as a whole: librdkafka retries what can be retried.
    pub(crate) fn judge(&self, error: &KafkaError) -> Result<(), LogError> {
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        if is_fence(code) {
            return Err(LogError::Fenced(format!(
                "group {}: {error}",
                self.worker.group
            )));
        }
        if matches!(
            code,
            RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition
        ) {
            // A broker that has just started may not know its topics yet: ask again before giving up.
            return check_topics(&self.consumer, &self.worker);
        }
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) || is_denied(code) {
            return Err(fatal(
                &format!("consume as group {}", self.worker.group),
                error,
            ));
        }
        tracing::debug!(%error, "consumer");
        Ok(())
    }

    fn take_away(
        &mut self,
        partitions: Vec<Partition>,
        lost: bool,
        signals: &mut Vec<Signal>,
    ) -> Result<(), LogError> {
        self.assigning_since = None;
        // What was offered and never assigned has to be assigned before it can be given back.
        for offered in std::mem::take(&mut self.assigning) {
            self.assign_at(&offsets::list_of(&offered))
                .map_err(|error| fatal("assign partitions", &error))?;
        }
        let ours: Vec<Partition> = partitions
            .iter()
            .filter(|partition| self.owned.contains(partition))
            .cloned()
            .collect();
        self.revoking = Some(partitions);
        if lost {
            Outcome::Lost {
                partitions: ours.len(),
            }
            .emit();
            self.give_up()?;
            if !ours.is_empty() {
                signals.push(Signal::Lost(ours));
            }
        } else if ours.is_empty() {
            self.give_up()?;
        } else {
            signals.push(Signal::Revoking(ours));
        }
        Ok(())
    }

    pub(crate) fn give_up(&mut self) -> Result<(), LogError> {
        let Some(partitions) = self.revoking.take() else {
            return Ok(());
        };
        for partition in &partitions {
            self.owned.remove(partition);
            self.consumer.context().positions().remove(partition);
        }
        self.queue.keep(|message| self.owned.of(message).is_some());
        let answer = if self.cooperative() {
            self.consumer
                .incremental_unassign(&offsets::list_of(&partitions))
        } else {
            self.consumer.unassign()
        };
        answer.map_err(|error| fatal("give partitions back", &error))
    }

    /// Assigns what the group has offered, once the brokers have told where to start.
    fn assign_next(&mut self, signals: &mut Vec<Signal>) -> Result<(), LogError> {
        while let Some(offered) = self.assigning.front() {
            let starts = match self.starts(offered) {
                Ok(starts) => starts,
                Err(error) => {
                    self.judge(&error)?;
                    return self.wait_for_offsets(&error);
                }
            };
            self.assigning_since = None;
            self.assigning.pop_front();
            let places = starts.iter();
            let places = places.map(|(partition, it)| (partition, it.position.next_offset));
            let list =
                offsets::list_at(places).map_err(|error| fatal("assign partitions", &error))?;
            self.assign_at(&list)
                .map_err(|error| fatal("assign partitions", &error))?;
            let mut positions = self.consumer.context().positions();
            for (partition, Beginning { position, .. }) in &starts {
                self.owned.set(partition, position.next_offset);
                positions.insert(partition.clone(), position.clone());
            }
            if !starts.is_empty() {
                Outcome::Assigned {
                    partitions: starts.len(),
                }
                .emit();
            }
            // That there is nothing is an answer too.
            if !starts.is_empty() || self.owned.is_empty() {
                signals.push(Signal::Assigned(starts));
            }
        }
        Ok(())
    }

    /// Waits for the offsets of what is offered, which `error` keeps back, until patience ends.
    fn wait_for_offsets(&mut self, error: &KafkaError) -> Result<(), LogError> {
        let Some(since) = self.assigning_since else {
            tracing::warn!(
                %error,
                patience_s = self.worker.patience.as_secs(),
                "waiting for the group's committed offsets; {}",
                offsets::HANGING
            );
            self.assigning_since = Some(Instant::now());
            return Ok(());
        };
        // What a worker that died has left open stays so for its transaction's timeout.
        let patience = match &self.worker.delivery {
            Delivery::ExactlyOnce { timeout, .. } => {
                self.worker.patience.max(*timeout * 2 + ABORT_WAIT)
            }
            Delivery::AtLeastOnce => self.worker.patience,
        };
        if since.elapsed() < patience {
            return Ok(());
        }
        Err(LogError::Fatal(format!(
            "group {} does not tell its committed offsets, or the topics where to start: {error}; {}",
            self.worker.group,
            offsets::HANGING
        )))
    }

    fn starts(&self, partitions: &[Partition]) -> KafkaResult<Vec<(Partition, Beginning)>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let committed = offsets::committed(&self.consumer, partitions, LOOKUP_WAIT)?;
        let mut starts = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let found = committed.get(partition);
            let beginning = match found.and_then(offsets::Committed::beginning) {
                Some(beginning) => beginning,
                None => Beginning {
                    position: offsets::start(
                        &self.consumer,
                        partition,
                        self.worker.start,
                        LOOKUP_WAIT,
                    )?
                    .into(),
                    said_by: SaidBy::Nobody,
                },
            };
            starts.push((partition.clone(), beginning));
        }
        Ok(starts)
    }

    pub(crate) fn assign_at(&mut self, list: &TopicPartitionList) -> KafkaResult<()> {
        for element in list.elements() {
            self.queue
                .attach(self.consumer.client(), element.topic(), element.partition())?;
        }
        if self.cooperative() {
            self.consumer.incremental_assign(list)
        } else {
            self.consumer.assign(list)
        }
    }
}
