//! The rdkafka client as the cases use it: short time-outs, names that no other case uses.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

pub const PATIENCE: Duration = Duration::from_secs(30);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A broker that a case runs on.
#[derive(Debug, Clone)]
pub struct Target {
    pub bootstrap: String,
    /// Whether it is the embedded broker: only where a difference is known and stated may a case look at this.
    pub is_embedded: bool,
}

pub fn now_ms() -> i64 {
    i64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    )
    .unwrap()
}

/// A name that nothing else uses, on this broker or in another run.
pub fn unique(stem: &str) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{stem}-{}-{}-{number}", std::process::id(), now_ms())
}

/// Waits for a future on a small runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Repeats `look` until it gives something, for as long as patience lasts.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "did not come about: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Remembers what became of each record.
#[derive(Debug, Default)]
pub struct Deliveries {
    pub results: std::sync::Mutex<Vec<Result<i64, RDKafkaErrorCode>>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use rdkafka::Message;
        let kept = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap()),
        };
        self.results.lock().unwrap().push(kept);
    }
}

pub type TestProducer = BaseProducer<Deliveries>;

impl Target {
    pub fn config(&self, options: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        for (name, value) in options {
            config.set(*name, *value);
        }
        config
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config(&[]).create().unwrap()
    }

    pub fn create_topic(&self, stem: &str, partitions: i32, options: &[(&str, &str)]) -> String {
        let name = unique(stem);
        self.create_named(&name, partitions, 1, options).unwrap();
        name
    }

    pub fn create_named(
        &self,
        name: &str,
        partitions: i32,
        replicas: i32,
        options: &[(&str, &str)],
    ) -> Result<(), RDKafkaErrorCode> {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
        for (option, value) in options {
            topic = topic.set(option, value);
        }
        let results = block_on(self.admin().create_topics([&topic], &AdminOptions::new())).unwrap();
        let created = results
            .into_iter()
            .next()
            .unwrap()
            .map(|_| ())
            .map_err(|(_, code)| code);
        if created.is_ok() {
            self.await_leaders(name, usize::try_from(partitions).unwrap());
        }
        created
    }

    /// A topic that was just created may still be without leaders on Apache Kafka.
    fn await_leaders(&self, name: &str, partitions: usize) {
        let consumer: BaseConsumer = self.config(&[]).create().unwrap();
        eventually("leaders for a new topic", || {
            let metadata = consumer
                .fetch_metadata(Some(name), Duration::from_secs(5))
                .ok()?;
            let topic = metadata.topics().first()?;
            let led = topic
                .partitions()
                .iter()
                .filter(|one| one.leader() >= 0 && one.error().is_none())
                .count();
            (led == partitions).then_some(())
        });
    }

    pub fn producer(&self, options: &[(&str, &str)]) -> TestProducer {
        let mut all = vec![("linger.ms", "0"), ("message.timeout.ms", "15000")];
        all.extend_from_slice(options);
        let mut config = self.config(&all);
        if options.iter().any(|(name, _)| *name == "transactional.id") {
            config.remove("message.timeout.ms");
        }
        config.create_with_context(Deliveries::default()).unwrap()
    }

    pub fn transactional(&self, id: &str, timeout_ms: u32) -> TestProducer {
        let timeout = timeout_ms.to_string();
        self.producer(&[
            ("transactional.id", id),
            ("transaction.timeout.ms", &timeout),
        ])
    }

    pub fn consumer(&self, group: &str, options: &[(&str, &str)]) -> BaseConsumer {
        let mut all = vec![
            ("group.id", group),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "300"),
            ("fetch.wait.max.ms", "100"),
        ];
        all.extend_from_slice(options);
        self.config(&all).create().unwrap()
    }

    /// A reader of one partition from an offset on, in no group.
    pub fn reader(
        &self,
        topic: &str,
        partition: i32,
        offset: Offset,
        options: &[(&str, &str)],
    ) -> BaseConsumer {
        let group = unique("reader");
        let consumer = self.consumer(&group, options);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, offset).unwrap();
        consumer.assign(&list).unwrap();
        consumer
    }

    /// Reads partition 0 from its start until `count` records have come.
    pub fn read(&self, topic: &str, count: usize, options: &[(&str, &str)]) -> Vec<OwnedMessage> {
        take(&self.reader(topic, 0, Offset::Beginning, options), count)
    }

    /// Reads all that is in partition 0, to the end that holds when it is called.
    pub fn read_all(&self, topic: &str, isolation: &str) -> Vec<OwnedMessage> {
        let options = [
            ("enable.partition.eof", "true"),
            ("isolation.level", isolation),
        ];
        let reader = self.reader(topic, 0, Offset::Beginning, &options);
        let started = Instant::now();
        let mut found = Vec::new();
        while started.elapsed() < PATIENCE {
            match reader.poll(Duration::from_millis(100)) {
                None => {}
                Some(Ok(message)) => found.push(message.detach()),
                Some(Err(KafkaError::PartitionEOF(_))) => return found,
                Some(Err(error)) => panic!("{error}"),
            }
        }
        panic!("no end of {topic} within {PATIENCE:?}")
    }
}

/// Takes `count` messages.
pub fn take(consumer: &BaseConsumer, count: usize) -> Vec<OwnedMessage> {
    let started = Instant::now();
    let mut found = Vec::new();
    while found.len() < count {
        assert!(
            started.elapsed() < PATIENCE,
            "{} of {count} records came",
            found.len()
        );
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(message)) => found.push(BorrowedMessage::detach(&message)),
            Some(Err(error)) => panic!("{error}"),
        }
    }
    found
}

/// Nothing comes for a while.
pub fn is_silent(consumer: &BaseConsumer, wait: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < wait {
        if let Some(Ok(_)) = consumer.poll(Duration::from_millis(20)) {
            return false;
        }
    }
    true
}

pub fn send(producer: &TestProducer, topic: &str, key: &str, value: &str) {
    send_record(
        producer,
        BaseRecord::to(topic).partition(0).key(key).payload(value),
    );
}

pub fn send_record(producer: &TestProducer, record: BaseRecord<'_, str, str>) {
    producer.send(record).map_err(|(error, _)| error).unwrap();
}

/// Sends all that is queued, in short slices: `flush` of this client sleeps in slices of 100 ms.
pub fn settle(producer: &TestProducer) {
    eventually("all records delivered", || {
        producer.poll(Duration::from_millis(1));
        (producer.in_flight_count() == 0).then_some(())
    });
}

/// Offsets and errors of all records so far.
pub fn deliveries(producer: &TestProducer) -> Vec<Result<i64, RDKafkaErrorCode>> {
    settle(producer);
    producer.context().results.lock().unwrap().clone()
}

pub fn text(message: &OwnedMessage) -> String {
    use rdkafka::Message;
    String::from_utf8(message.payload().unwrap_or_default().to_vec()).unwrap()
}

pub fn texts(messages: &[OwnedMessage]) -> Vec<String> {
    messages.iter().map(text).collect()
}

/// The broker's code in a client error.
pub fn code(error: &KafkaError) -> String {
    match error {
        KafkaError::Transaction(inner) => format!("{:?}", inner.code()),
        other => other
            .rdkafka_error_code()
            .map_or_else(|| format!("{other:?}"), |code| format!("{code:?}")),
    }
}
