//! What a worker is told, and the librdkafka settings that follow from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pipeline::log::Partition;
use rdkafka::ClientConfig;

/// How to reach a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Comma-separated `host:port` of some brokers.
    pub bootstrap: String,
    /// Name shown in the brokers' logs and quotas.
    pub client_id: String,
    /// Further librdkafka properties: `security.protocol`, `sasl.*`, `ssl.*`, tuning. They win over our tuning, but not
    /// over what delivery rests on.
    pub properties: BTreeMap<String, String>,
}

impl Connection {
    /// A plaintext connection with no further properties.
    pub fn new(bootstrap: impl Into<String>, client_id: impl Into<String>) -> Self {
        Connection {
            bootstrap: bootstrap.into(),
            client_id: client_id.into(),
            properties: BTreeMap::new(),
        }
    }

    fn with_tuning(&self, tuning: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in tuning {
            config.set(*key, *value);
        }
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        config.set("bootstrap.servers", &self.bootstrap);
        config.set("client.id", &self.client_id);
        config
    }

    /// For administration and offset queries.
    pub(crate) fn plain_config(&self) -> ClientConfig {
        self.with_tuning(&[("allow.auto.create.topics", "false")])
    }

    /// For a consumer that commits and resets nothing of its own accord. `queued_bytes` bounds what is fetched ahead.
    pub(crate) fn consumer_config(
        &self,
        group: &str,
        isolation: Isolation,
        queued_bytes: usize,
        record_bytes_max: usize,
    ) -> ClientConfig {
        let queued_kb = (queued_bytes / 1024).clamp(1024, 2_000_000).to_string();
        let record_bytes = record_bytes_max.max(FETCH_PARTITION_BYTES);
        let response_bytes = (record_bytes + 1024 * 1024).max(FETCH_RESPONSE_BYTES);
        let mut config = self.with_tuning(&[
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.error.backoff.ms", "50"),
            ("fetch.wait.max.ms", "100"),
            // A queued message costs librdkafka some 350 bytes beside its own, which its bound on bytes leaves out.
            ("queued.min.messages", "100000"),
            ("queued.max.messages.kbytes", &queued_kb),
            (
                "fetch.message.max.bytes",
                &FETCH_PARTITION_BYTES.to_string(),
            ),
            ("fetch.max.bytes", &FETCH_RESPONSE_BYTES.to_string()),
            (
                "receive.message.max.bytes",
                &(response_bytes + 1024 * 1024).to_string(),
            ),
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            ("statistics.interval.ms", "1000"),
            ("topic.metadata.refresh.interval.ms", "60000"),
        ]);
        config
            .set("group.id", group)
            .set("isolation.level", isolation.as_str())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false");
        config
    }

    /// For every producer: in order, without loss or doubling within one session, keys placed as Java does.
    pub(crate) fn producer_config(&self, record_bytes_max: usize) -> ClientConfig {
        let mut config = self.with_tuning(&[
            ("linger.ms", "5"),
            ("batch.size", "1000000"),
            ("compression.type", "lz4"),
            ("queue.buffering.max.messages", "500000"),
            ("queue.buffering.max.kbytes", "262144"),
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            // A transaction begun right after another is told to try again while the broker ends that one.
            ("retry.backoff.ms", "10"),
            ("retry.backoff.max.ms", "500"),
            ("statistics.interval.ms", "0"),
        ]);
        config
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", record_bytes_max.to_string());
        config
    }
}

const FETCH_PARTITION_BYTES: usize = 1024 * 1024;
const FETCH_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// Which records a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Only records of committed transactions.
    ReadCommitted,
    /// All records, those of aborted transactions too.
    ReadUncommitted,
}

impl Isolation {
    /// Kafka's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Isolation::ReadCommitted => "read_committed",
            Isolation::ReadUncommitted => "read_uncommitted",
        }
    }
}

/// Where a partition starts that the group has never committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record kept.
    Earliest,
    /// At the next record to be written.
    Latest,
    /// At the first record with this timestamp or a later one, milliseconds since 1970.
    At(i64),
}

/// How partitions come to a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// By the group's rebalance, over all partitions of these topics.
    Topics(Vec<String>),
    /// Always these, without a rebalance. Offsets are still committed to the group, but only the transactional id
    /// fences: exactly-once needs a [`TransactionalId::Slot`].
    Fixed(Vec<Partition>),
}

/// Whose transactional id it is: decides what a fence means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionalId {
    /// Unique to this process and worker (fold: the group's generation fences it off). When the broker refuses it,
    /// the transaction has timed out: the worker renews it and goes on.
    Process(String),
    /// A stable slot (merge). When the broker refuses it, a newer instance has it: the worker stops.
    Slot(String),
}

impl TransactionalId {
    /// The id itself.
    pub fn as_str(&self) -> &str {
        match self {
            TransactionalId::Process(id) | TransactionalId::Slot(id) => id,
        }
    }
}

/// What a commit promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Records and positions in one transaction.
    ExactlyOnce {
        /// The producer's identity across restarts.
        id: TransactionalId,
        /// After this time without a commit the broker aborts the transaction.
        timeout: Duration,
    },
    /// Records first, then positions: a crash between them repeats records.
    AtLeastOnce,
}

/// One worker: its consumer, its producer, their bounds.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Consumer group; also names the application's offsets.
    pub group: String,
    /// Unique to this process and worker; part of the commit marker.
    pub instance: String,
    /// Use `instance` as `group.instance.id`: a restart within the session timeout causes no rebalance. Then
    /// `instance` must be stable across restarts.
    pub static_member: bool,
    /// How partitions come to it.
    pub membership: Membership,
    /// Where a partition starts that was never committed.
    pub start: Start,
    /// Which records it sees. Exactly-once needs [`Isolation::ReadCommitted`], also for topics without transactions:
    /// it makes a takeover wait for the offsets of a transaction that is still open.
    pub isolation: Isolation,
    /// What a commit promises.
    pub delivery: Delivery,
    /// At most this many records a fetch.
    pub batch_rows: usize,
    /// A fetch stops at the first record that brings keys and values above this many bytes.
    pub batch_bytes: usize,
    /// Bytes of keys and values fetched ahead of the engine, over all partitions: up to this much waits in
    /// librdkafka, and as much again is being handed over.
    pub queued_bytes: usize,
    /// Largest record, bytes of key and value, read or written.
    pub record_bytes_max: usize,
    /// A member that is silent this long is dropped from the group.
    pub session_timeout: Duration,
    /// A member that does not fetch for this long gives its partitions away.
    pub poll_interval_max: Duration,
    /// How long to wait for a log that cannot be reached while connecting, committing or replaying.
    pub patience: Duration,
    /// When set, those waits end at once.
    pub stop: Arc<AtomicBool>,
}

impl Worker {
    /// An exactly-once worker with the usual bounds. Its transactional id is made of group and instance: that of a
    /// process where a group assigns, that of a slot where the partitions are fixed.
    pub fn new(
        group: impl Into<String>,
        instance: impl Into<String>,
        membership: Membership,
    ) -> Self {
        let (group, instance) = (group.into(), instance.into());
        let id = format!("{group}/{instance}");
        let id = match &membership {
            Membership::Topics(_) => TransactionalId::Process(id),
            Membership::Fixed(_) => TransactionalId::Slot(id),
        };
        Worker {
            group,
            instance,
            static_member: false,
            membership,
            start: Start::Earliest,
            isolation: Isolation::ReadCommitted,
            delivery: Delivery::ExactlyOnce {
                id,
                timeout: Duration::from_secs(10),
            },
            batch_rows: 65_536,
            batch_bytes: 32 * 1024 * 1024,
            queued_bytes: 64 * 1024 * 1024,
            record_bytes_max: 16 * 1024 * 1024,
            session_timeout: Duration::from_secs(10),
            poll_interval_max: Duration::from_secs(300),
            patience: Duration::from_secs(600),
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    /// All that is wrong with these settings, one line each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut want = |holds: bool, text: &str| {
            if !holds {
                faults.push(text.to_owned());
            }
        };
        want(!self.group.is_empty(), "the group name is empty");
        want(!self.instance.is_empty(), "the instance name is empty");
        want(self.batch_rows > 0, "batch_rows must be at least 1");
        want(self.batch_bytes > 0, "batch_bytes must be at least 1");
        want(
            self.poll_interval_max >= self.session_timeout,
            "poll_interval_max must not be below session_timeout",
        );
        match &self.membership {
            Membership::Topics(topics) => want(!topics.is_empty(), "there is no topic to read"),
            Membership::Fixed(list) => want(!list.is_empty(), "there is no partition to read"),
        }
        if let Delivery::ExactlyOnce { id, timeout } = &self.delivery {
            want(!id.as_str().is_empty(), "the transactional id is empty");
            want(
                matches!(
                    (&self.membership, id),
                    (Membership::Topics(_), _) | (_, TransactionalId::Slot(_))
                ),
                "fixed partitions need the transactional id of a slot: nothing else would fence two instances",
            );
            want(
                self.isolation == Isolation::ReadCommitted,
                "exactly-once needs isolation read_committed",
            );
            want(
                *timeout >= Duration::from_secs(1),
                "the transaction timeout must be at least 1 s",
            );
            want(
                self.poll_interval_max > *timeout * 4,
                "poll_interval_max must be above four transaction timeouts",
            );
        }
        faults
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn consumer_config(&self, connection: &Connection) -> ClientConfig {
        let mut config = connection.consumer_config(
            &self.group,
            self.isolation,
            self.queued_bytes,
            self.record_bytes_max,
        );
        if !connection
            .properties
            .contains_key("partition.assignment.strategy")
        {
            config.set("partition.assignment.strategy", "cooperative-sticky");
        }
        config
            .set(
                "session.timeout.ms",
                self.session_timeout.as_millis().to_string(),
            )
            .set(
                "heartbeat.interval.ms",
                (self.session_timeout.as_millis() / 4)
                    .clamp(100, 3000)
                    .to_string(),
            )
            .set(
                "max.poll.interval.ms",
                self.poll_interval_max.as_millis().to_string(),
            );
        if self.static_member {
            config.set("group.instance.id", &self.instance);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once() {
        let mut worker = Worker::new("", "a", Membership::Topics(vec![]));
        worker.isolation = Isolation::ReadUncommitted;
        worker.batch_rows = 0;
        assert_eq!(worker.faults().len(), 4);
        let sound = Worker::new("g", "a", Membership::Topics(vec!["t".into()]));
        assert!(sound.faults().is_empty());
    }

    #[test]
    fn properties_win_over_tuning_but_not_over_delivery() {
        let mut connection = Connection::new("localhost:9092", "test");
        connection
            .properties
            .insert("linger.ms".into(), "50".into());
        connection
            .properties
            .insert("enable.idempotence".into(), "false".into());
        let config = connection.producer_config(1000);
        assert_eq!(config.get("linger.ms"), Some("50"));
        assert_eq!(config.get("enable.idempotence"), Some("true"));
    }
}
