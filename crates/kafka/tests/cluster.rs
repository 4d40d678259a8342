//! The broker under test, and topics of one's own on it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka::admin::{Admin, Topic};
use kafka::feed::Feeder;
use kafka::tail::{From, Tail, TailRecord};
use kafka::{Connection, Isolation, Membership, Worker};

use crate::proxy::Proxy;

static NAMES: AtomicU32 = AtomicU32::new(0);

pub const PATIENCE: Duration = Duration::from_secs(30);
pub const MB16: usize = 16 * 1024 * 1024;

pub struct Cluster {
    pub bootstrap: String,
    _embedded: Option<broker::Broker>,
}

impl Cluster {
    pub fn start() -> Self {
        if let Ok(bootstrap) = std::env::var("KAFKA_BOOTSTRAP") {
            return Cluster {
                bootstrap,
                _embedded: None,
            };
        }
        let embedded = broker::Broker::start(broker::Settings::default()).expect("embedded broker");
        Cluster {
            bootstrap: embedded.bootstrap().to_string(),
            _embedded: Some(embedded),
        }
    }

    pub fn connection(&self) -> Connection {
        Connection::new(&self.bootstrap, "quaystream-test")
    }

    /// A proxy before the broker, and a connection through it.
    pub fn behind_a_proxy(&self) -> (Proxy, Connection) {
        let proxy = Proxy::start(&self.bootstrap);
        let mut connection = self.connection();
        connection.bootstrap = proxy.address();
        (proxy, connection)
    }

    pub fn admin(&self) -> Admin {
        Admin::connect(&self.connection(), PATIENCE).expect("admin")
    }

    /// A topic that no other test and no earlier run has.
    pub fn topic(&self, name: &str, partitions: usize) -> String {
        let name = unique(name);
        let topic = Topic {
            name: name.clone(),
            partitions,
            replication: 1,
            settings: vec![
                ("max.message.bytes".into(), "16777216".into()),
                // The records carry timestamps of 1970.
                ("retention.ms".into(), "-1".into()),
            ],
        };
        self.admin().ensure(&[topic]).expect("topic");
        name
    }

    pub fn feeder(&self) -> Feeder {
        Feeder::connect(&self.connection(), MB16, PATIENCE).expect("feeder")
    }

    /// `count` records, numbered in their values, spread over the partitions in turn.
    pub fn fill(&self, topic: &str, partitions: i32, numbers: std::ops::Range<u32>) {
        let mut feeder = self.feeder();
        for number in numbers {
            let partition = number as i32 % partitions;
            let value = number.to_be_bytes();
            feeder
                .send(topic, Some(partition), Some(b"k"), Some(&value), 1_000)
                .expect("send");
        }
        feeder.flush().expect("flush");
    }

    /// All that a `read_committed` reader sees.
    pub fn committed(&self, topic: &str) -> Vec<TailRecord> {
        let connection = self.connection();
        Tail::open(
            &connection,
            topic,
            None,
            From::Beginning,
            Isolation::ReadCommitted,
        )
        .and_then(|mut tail| tail.read_to_end(PATIENCE))
        .expect("read to end")
    }
}

/// The numbers in the records' values, sorted.
pub fn numbers(records: &[TailRecord]) -> Vec<u32> {
    let mut numbers: Vec<u32> = records
        .iter()
        .map(|record| {
            let value = record.value.as_deref().expect("value");
            u32::from_be_bytes(value.try_into().expect("four bytes"))
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

pub fn unique(name: &str) -> String {
    let ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("clock")
        .as_millis();
    let serial = NAMES.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{ms}-{}-{serial}", std::process::id())
}

/// A worker over `topic` with short timeouts.
pub fn worker(group: &str, instance: &str, topic: &str) -> Worker {
    let mut worker = Worker::new(group, instance, Membership::Topics(vec![topic.to_owned()]));
    worker.patience = PATIENCE;
    worker.session_timeout = Duration::from_secs(6);
    worker
}
