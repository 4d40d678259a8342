//! Reading a partition for recovery.

use std::time::Duration;

use kafka::{KafkaSource, connect};
use pipeline::log::{LogError, Partition, Source};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::cluster::{Cluster, unique, worker};
use crate::copy::Copier;

fn replay(
    source: &mut KafkaSource,
    partition: &Partition,
    from: Option<i64>,
    to: Option<i64>,
) -> Result<(usize, i64), LogError> {
    let mut seen = 0;
    let mut last = -1;
    let next = source.replay(partition, from, to, &mut |batch| {
        for entry in batch.entries() {
            assert!(entry.offset > last, "out of order");
            last = entry.offset;
        }
        seen += batch.len();
        Ok(())
    })?;
    Ok((seen, next))
}

#[test]
fn replay_reads_committed_records_up_to_the_end_also_over_control_records() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let state = cluster.topic("state", 1);
    cluster.fill(&input, 1, 0..100);
    let mut settings = worker(&unique("g"), "a", &input);
    settings.batch_rows = 10;
    let mut copier = Copier::new(
        connect(&cluster.connection(), settings).expect("connect"),
        &state,
    );
    let partition = Partition::new(state.as_str(), 0);
    assert_eq!(
        replay(&mut copier.source, &partition, None, None).expect("empty"),
        (0, 0)
    );
    copier.run(|copier| copier.copied == 100);

    let (_, end) = cluster.admin().offsets(&state).expect("offsets")[&partition];
    assert!(end > 100, "no control record in between");
    let source = &mut copier.source;
    assert_eq!(
        replay(source, &partition, None, None).expect("all"),
        (100, end)
    );
    // From the last control record on there is no record at all.
    assert_eq!(
        replay(source, &partition, Some(end - 1), None).expect("tail"),
        (0, end)
    );
    assert_eq!(
        replay(source, &partition, Some(end), None).expect("nothing"),
        (0, end)
    );
    assert_eq!(
        replay(source, &partition, None, Some(5)).expect("five"),
        (5, 5)
    );
    assert_eq!(
        replay(source, &partition, Some(2), Some(5)).expect("three"),
        (3, 5)
    );

    let error = replay(source, &partition, None, Some(end + 10)).expect_err("beyond the end");
    assert!(error.to_string().contains("restore"), "{error}");
    let missing = Partition::new("no-such-topic", 0);
    let error = replay(source, &missing, None, None).expect_err("no topic");
    assert!(error.to_string().contains("no-such-topic"), "{error}");

    // What was let go is gone, and only who needs it is told.
    source.trim(&partition, 40).expect("asked for");
    let all = 100;
    let mut left = (0..200).map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        // Who begins to read just as they go is told that they are gone.
        replay(source, &partition, None, None).map_or(all, |(left, _)| left)
    });
    let left = left.find(|left| *left < all);
    let left = left.expect("gone within ten seconds");
    // Forty offsets are forty records and control records.
    assert!((60..100).contains(&left), "{left}");
    let error = replay(source, &partition, Some(0), None).expect_err("gone");
    assert!(error.to_string().contains("holds offsets 40 to"), "{error}");

    // The member is still one, and an error of the visitor comes through.
    cluster.fill(&input, 1, 100..110);
    copier.run(|copier| copier.copied == 110);
    let stop = copier.source.replay(&partition, None, None, &mut |_| {
        Err(LogError::Fatal("enough".to_owned()))
    });
    assert!(matches!(stop, Err(LogError::Fatal(text)) if text == "enough"));
    copier.step(Duration::ZERO).expect("step");
}

#[test]
fn a_transaction_whose_end_has_not_come_is_waited_for() {
    let cluster = Cluster::start();
    let (input, state) = (cluster.topic("in", 1), cluster.topic("state", 1));
    let (mut source, _sink) =
        connect(&cluster.connection(), worker(&unique("g"), "a", &input)).expect("connect");
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &cluster.bootstrap)
        .set("transactional.id", unique("slow"))
        .create()
        .expect("a producer");
    let wait = Duration::from_secs(10);
    producer.init_transactions(wait).expect("init");
    producer.begin_transaction().expect("begin");
    for _ in 0..3 {
        let record = BaseRecord::to(&state).partition(0).key("k").payload("late");
        producer.send(record).expect("queued");
    }
    producer.flush(wait).expect("written, and not decided");

    let partition = Partition::new(state.as_str(), 0);
    let (read, waited) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| replay(&mut source, &partition, None, None));
        std::thread::sleep(Duration::from_millis(500));
        let waited = !reading.is_finished();
        producer.commit_transaction(wait).expect("commit");
        (reading.join().expect("no panic"), waited)
    });
    assert_eq!(read.expect("all"), (3, 3));
    assert!(waited, "it had read without the end");
}
