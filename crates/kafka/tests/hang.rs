//! Calls inside a commit that are not answered, for longer than they may take.
//!
//! Partitions that are not taken into the transaction are not among them: there librdkafka 2.12 ends the process now and then by an
//! assertion of its own (docs/DELIVERY.md, limits).

use std::time::{Duration, Instant};

use kafka::feed::Feeder;
use kafka::{Connection, Delivery, TransactionalId, Worker, connect};
use pipeline::log::{LogError, Sink, Source};
use rdkafka::mocking::{MockCluster, MockCoordinator};

use crate::cluster::{Cluster, MB16, PATIENCE, numbers, unique, worker};
use crate::copy::Copier;
use crate::exactly_once::fetch_some;
use crate::proxy::{ADD_OFFSETS_TO_TXN, TXN_OFFSET_COMMIT};

const TIMEOUT: Duration = Duration::from_secs(2);
/// The call, its watchdog's grace, a new producer, and room for a busy machine.
const GIVES_UP_WITHIN: Duration = Duration::from_secs(30);

fn transactional(mut worker: Worker) -> Worker {
    worker.delivery = Delivery::ExactlyOnce {
        id: TransactionalId::Process(unique("id")),
        timeout: TIMEOUT,
    };
    worker
}

/// Commits a batch in silence, which ends with the commit, or with the bound; what came of it within the bound.
fn commit_in_silence(copier: &mut Copier, begin: impl FnOnce(), end: impl FnOnce()) -> String {
    let batch = fetch_some(copier);
    let commit = copier.commit_of(&batch);
    begin();
    let began = Instant::now();
    let (done, took) = std::thread::scope(|scope| {
        let sink = &mut copier.sink;
        let committing = scope.spawn(move || sink.commit(commit));
        while !committing.is_finished() && began.elapsed() < GIVES_UP_WITHIN {
            std::thread::sleep(Duration::from_millis(20));
        }
        let took = began.elapsed();
        if took >= GIVES_UP_WITHIN {
            eprintln!("the commit has not returned after {took:?}");
            // Nothing ends the thread that waits in it.
            std::process::exit(1);
        }
        end();
        (committing.join().expect("no panic"), took)
    });
    assert!(took >= TIMEOUT, "{took:?}: it was answered");
    match done {
        Err(LogError::Aborted(reason)) => reason,
        done => panic!("{done:?} after {took:?}"),
    }
}

/// A commit of which no request of one kind is answered: nothing of it is seen, the worker goes on, each record once.
fn unanswered(kind: i32, request_lost: bool) {
    let cluster = Cluster::start();
    let (input, output) = (cluster.topic("in", 2), cluster.topic("out", 2));
    cluster.fill(&input, 2, 0..10);
    let (proxy, connection) = cluster.behind_a_proxy();
    let settings = transactional(worker(&unique("g"), "a", &input));
    let mut copier = Copier::new(connect(&connection, settings).expect("connect"), &output);
    copier.run(|copier| copier.copied == 10);
    cluster.fill(&input, 2, 10..20);
    let begin = || match request_lost {
        true => proxy.lose_requests(kind),
        false => proxy.lose_responses(kind),
    };
    commit_in_silence(&mut copier, begin, || proxy.lose_nothing());
    assert_eq!(cluster.committed(&output).len(), 10);
    copier.source.rewind().expect("rewind");
    copier.run(|copier| copier.copied == 20);
    let expected: Vec<u32> = (0..20).collect();
    assert_eq!(numbers(&cluster.committed(&output)), expected);
}

#[test]
fn a_commit_whose_offsets_are_not_answered_for_is_aborted_and_made_again() {
    unanswered(TXN_OFFSET_COMMIT, false);
    unanswered(TXN_OFFSET_COMMIT, true);
}

#[test]
fn a_commit_whose_group_is_not_taken_into_the_transaction_is_aborted_and_made_again() {
    unanswered(ADD_OFFSETS_TO_TXN, false);
    unanswered(ADD_OFFSETS_TO_TXN, true);
}

/// `send_offsets_to_transaction` looks at no clock while it waits for the group's coordinator (librdkafka #5456, #5511): it
/// would not return before that broker is back. The mock cluster has coordinators on brokers of their own.
#[test]
fn offsets_that_hang_beyond_their_timeout_are_given_up_by_the_watchdog() {
    let (mock, group) = (MockCluster::new(2).expect("mock cluster"), unique("g"));
    for topic in ["in", "out"] {
        mock.create_topic(topic, 1, 1).expect("topic");
        mock.partition_leader(topic, 0, Some(1)).expect("leader");
    }
    let settings = transactional(worker(&group, "a", "in"));
    let Delivery::ExactlyOnce { id, .. } = &settings.delivery else {
        panic!("with transactions");
    };
    let of = |coordinator, broker| mock.coordinator(coordinator, broker).expect("coordinator");
    of(MockCoordinator::Transaction(id.as_str().to_owned()), 1);
    of(MockCoordinator::Group(group), 2);
    let connection = Connection::new(mock.bootstrap_servers(), "test");
    let mut feeder = Feeder::connect(&connection, MB16, PATIENCE).expect("feeder");
    let mut feed = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            let value = number.to_be_bytes();
            feeder
                .send("in", Some(0), None, Some(&value), 1)
                .expect("send");
        }
        feeder.flush().expect("flush");
    };
    feed(0..5);
    let mut copier = Copier::new(connect(&connection, settings).expect("connect"), "out");
    copier.run(|copier| copier.copied == 5);

    feed(5..10);
    let reason = commit_in_silence(
        &mut copier,
        || mock.broker_down(2).expect("down"),
        || mock.broker_up(2).expect("up"),
    );
    assert!(reason.contains("hangs beyond its timeout"), "{reason}");
    // A new producer has the id, and the worker goes on.
    copier.source.rewind().expect("rewind");
    copier.run(|copier| copier.copied > 5);
}
