//! Input read outside all groups, for backfills.

use pipeline::backfill::History;
use pipeline::log::{Batch, LogError, Partition};
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::config::{Connection, Isolation, Start, Worker};
use crate::context::QuietContext;
use crate::{offsets, replay};

/// The input as it lies in Kafka.
#[derive(Debug)]
pub struct KafkaHistory {
    connection: Connection,
    worker: Worker,
}

impl KafkaHistory {
    /// Reads with the patience and within the limits of a worker.
    pub fn new(connection: &Connection, worker: Worker) -> Self {
        KafkaHistory {
            connection: connection.clone(),
            worker,
        }
    }
}

impl History for KafkaHistory {
    fn begin(&self, partition: &Partition, at_ms: Option<i64>) -> Result<(i64, i64), LogError> {
        let consumer: BaseConsumer<QuietContext> = self
            .connection
            .consumer_config(
                &format!("{}-backfill", self.worker.group),
                Isolation::ReadCommitted,
                self.worker.queued_bytes,
                self.worker.record_bytes_max,
            )
            .create_with_context(QuietContext)
            .map_err(|cause| crate::error::Error::Setup(Box::new(cause)))?;
        let failed = |error| {
            LogError::Fatal(format!(
                "cannot ask for the offsets of {partition}: {error}; check that its broker is up"
            ))
        };
        let wait = self.worker.patience;
        let watermarks = consumer.fetch_watermarks(&partition.topic, partition.index, wait);
        let (oldest, _) = watermarks.map_err(failed)?;
        let begin = match at_ms {
            None => oldest,
            Some(at_ms) => {
                let start = Start::At(at_ms.max(0));
                offsets::start(&consumer, partition, start, wait).map_err(failed)?
            }
        };
        Ok((oldest, begin))
    }

    fn read(
        &self,
        partition: &Partition,
        from: i64,
        to: i64,
        visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let range = Some(from)..Some(to);
        let read = replay::replay(
            &self.connection,
            &self.worker,
            partition,
            range,
            visit,
            &|| {},
        );
        read.map(drop)
    }
}
