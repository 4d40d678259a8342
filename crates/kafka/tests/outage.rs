//! Brokers that go away and come back.

use std::time::{Duration, Instant};

use kafka::connect;
use pipeline::log::{Batch, Partition, Signal, Source};
use rdkafka::mocking::MockCluster;

use crate::cluster::{Cluster, numbers, unique, worker};
use crate::copy::Copier;
use crate::proxy::{OFFSET_FETCH, Proxy};

#[test]
fn an_outage_is_said_once_and_the_copy_goes_on_after_it() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 2);
    let output = cluster.topic("out", 2);
    cluster.fill(&input, 2, 0..100);
    let (proxy, connection) = cluster.behind_a_proxy();
    let mut copier = Copier::new(
        connect(&connection, worker(&unique("g"), "a", &input)).expect("connect"),
        &output,
    );
    copier.run(|copier| copier.copied == 100);
    proxy.cut();
    cluster.fill(&input, 2, 100..200);
    let said = |copier: &Copier| {
        let count =
            |wanted: fn(&Signal) -> bool| copier.signals.iter().filter(|s| wanted(s)).count();
        (
            count(|signal| matches!(signal, Signal::Unreachable(_))),
            count(|signal| matches!(signal, Signal::Reachable)),
        )
    };
    copier.run(|copier| said(copier).0 == 1);
    let until = Instant::now() + Duration::from_secs(2);
    copier.run(|_| Instant::now() >= until);
    assert_eq!(said(&copier), (1, 0));
    proxy.mend();
    copier.run(|copier| copier.copied == 200 && said(copier) == (1, 1));
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..200).collect::<Vec<_>>()
    );
}

#[test]
fn a_commit_waits_for_an_outage_to_end_and_loses_nothing() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    cluster.fill(&input, 1, 0..10);
    let (proxy, connection) = cluster.behind_a_proxy();
    let mut settings = worker(&unique("g"), "a", &input);
    settings.batch_rows = 1;
    settings.delivery = kafka::Delivery::ExactlyOnce {
        id: kafka::TransactionalId::Process(unique("id")),
        timeout: Duration::from_secs(2),
    };
    let mut copier = Copier::new(connect(&connection, settings).expect("connect"), &output);
    copier.run(|copier| copier.copied == 3);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            proxy.cut();
            std::thread::sleep(Duration::from_secs(6));
            proxy.mend();
        });
        copier.run(|copier| copier.copied == 10);
    });
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..10).collect::<Vec<_>>()
    );
}

#[test]
fn a_worker_stops_soon_while_the_brokers_are_away() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    cluster.fill(&input, 1, 0..10);
    let (proxy, connection) = cluster.behind_a_proxy();
    let settings = worker(&unique("g"), "a", &input);
    let stop = settings.stop.clone();
    let mut copier = Copier::new(connect(&connection, settings).expect("connect"), &output);
    copier.run(|copier| copier.copied == 10);
    proxy.cut();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let started = Instant::now();
    drop(copier);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// That the group has given a worker up is only noted while it is busy elsewhere. librdkafka waits for the answer for
/// ever, also when it is closed.
#[test]
fn a_worker_that_was_given_up_unheard_stops_too() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    cluster.fill(&input, 1, 0..10);
    let (proxy, connection) = cluster.behind_a_proxy();
    let mut settings = worker(&unique("g"), "a", &input);
    settings.session_timeout = Duration::from_secs(3);
    settings.patience = Duration::from_secs(8);
    let mut copier = Copier::new(connect(&connection, settings).expect("connect"), &output);
    copier.run(|copier| copier.copied == 10);
    proxy.cut();
    let home = Partition::new(input.as_str(), 0);
    let mut read = || copier.source.replay(&home, None, None, &mut |_| Ok(()));
    read().expect_err("the brokers are away");
    proxy.mend();
    let until = Instant::now() + Duration::from_secs(8);
    while Instant::now() < until {
        read().expect("the broker is back");
    }
    let (stopped, has_stopped) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(copier);
        // Nobody hears it where the test has given up.
        let _ = stopped.send(());
    });
    has_stopped
        .recv_timeout(Duration::from_secs(30))
        .expect("stopping hangs");
}

#[test]
fn offsets_that_never_come_end_in_an_error_that_says_why() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let proxy = Proxy::start(&cluster.bootstrap);
    proxy.lose_requests(OFFSET_FETCH);
    let mut connection = cluster.connection();
    connection.bootstrap = proxy.address();
    let mut settings = worker(&unique("g"), "a", &input);
    settings.patience = Duration::from_secs(5);
    settings.delivery = kafka::Delivery::AtLeastOnce;
    let (mut source, _sink) = connect(&connection, settings).expect("connect");
    let deadline = Instant::now() + Duration::from_secs(60);
    let error = loop {
        assert!(Instant::now() < deadline, "it waits for ever");
        match source.fetch(&mut Batch::default(), Duration::from_millis(50)) {
            Ok(signals) => assert!(
                !signals
                    .iter()
                    .any(|signal| matches!(signal, Signal::Assigned(_))),
                "without offsets there is nothing to start from"
            ),
            Err(error) => break error.to_string(),
        }
    };
    for part in ["committed offsets", "find-hanging"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

/// `KAFKA_RESTART` is a command that kills the Apache Kafka of `KAFKA_BOOTSTRAP` and starts it again on the same data.
#[test]
fn a_restart_of_the_broker_is_waited_for() {
    let (Ok(restart), true) = (
        std::env::var("KAFKA_RESTART"),
        std::env::var("KAFKA_BOOTSTRAP").is_ok(),
    ) else {
        eprintln!("skipped: KAFKA_RESTART and KAFKA_BOOTSTRAP are not set");
        return;
    };
    let cluster = Cluster::start();
    let input = cluster.topic("in", 2);
    let output = cluster.topic("out", 2);
    cluster.fill(&input, 2, 0..2_000);
    let mut settings = worker(&unique("g"), "a", &input);
    settings.batch_rows = 20;
    let pair = connect(&cluster.connection(), settings).expect("connect");
    let mut copier = Copier::new(pair, &output);
    copier.run(|copier| copier.copied >= 300);
    std::thread::scope(|scope| {
        let restarting = scope.spawn(|| {
            std::process::Command::new("sh")
                .args(["-c", &restart])
                .status()
        });
        copier.run(|copier| copier.copied == 2_000);
        let status = restarting.join().expect("join").expect("restart");
        assert!(status.success(), "{status}");
    });
    // Not only the rest of what was fetched before: what comes after it too.
    cluster.fill(&input, 2, 2_000..2_100);
    copier.run(|copier| copier.copied == 2_100);
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..2_100).collect::<Vec<_>>()
    );
    eprintln!(
        "{} commits were aborted and repeated; {:?}",
        copier.aborted, copier.signals
    );
}

/// The mock cluster, for what no real broker does on demand: here, to be down from the start.
#[test]
fn connecting_waits_for_brokers_that_are_down() {
    let mock = MockCluster::new(1).expect("mock cluster");
    mock.create_topic("in", 1, 1).expect("topic");
    mock.broker_down(1).expect("down");
    let mut settings = worker("g", "a", "in");
    settings.delivery = kafka::Delivery::AtLeastOnce;
    let connection = kafka::Connection::new(mock.bootstrap_servers(), "test");
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let started = Instant::now();
            connect(&connection, settings.clone()).expect("connect");
            started.elapsed()
        });
        std::thread::sleep(Duration::from_secs(1));
        mock.broker_up(1).expect("up");
        waiting.join().expect("join")
    });
    assert!(waited >= Duration::from_millis(900), "{waited:?}");

    mock.broker_down(1).expect("down");
    settings.patience = Duration::from_millis(500);
    let error = connect(&connection, settings)
        .map(|_| ())
        .expect_err("patience is over");
    assert!(
        error.to_string().contains("check that the brokers are up"),
        "{error}"
    );
}
