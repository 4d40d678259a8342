//! Exactly once under aborts, fences, lost answers.

use std::time::{Duration, Instant};

use kafka::{Delivery, Membership, TransactionalId, Worker, connect};
use pipeline::log::{Batch, Commit, LogError, Outgoing, Partition, Position, Signal, Sink, Source};

use crate::cluster::{Cluster, numbers, unique, worker};
use crate::copy::Copier;
use crate::proxy::END_TXN;

pub fn fetch_some(copier: &mut Copier) -> Batch {
    let mut batch = Batch::default();
    let deadline = Instant::now() + Duration::from_secs(60);
    while batch.is_empty() {
        assert!(Instant::now() < deadline, "no record");
        let signals = copier
            .source
            .fetch(&mut batch, Duration::from_millis(100))
            .expect("fetch");
        for signal in &signals {
            if let Signal::Assigned(starts) = signal {
                copier.begin(starts);
            }
        }
        copier.signals.extend(signals);
    }
    batch
}

pub fn offsets(batch: &Batch) -> Vec<i64> {
    batch.entries().iter().map(|entry| entry.offset).collect()
}

#[test]
fn nothing_of_an_aborted_commit_is_seen_and_rewind_reads_it_again() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    cluster.fill(&input, 1, 0..10);
    let mut settings = worker(&unique("g"), "a", &input);
    settings.batch_rows = 5;
    let mut copier = Copier::new(
        connect(&cluster.connection(), settings).expect("connect"),
        &output,
    );
    let batch = fetch_some(&mut copier);
    let mut commit = copier.commit_of(&batch);
    commit.records.push(Outgoing {
        topic: output.as_str().into(),
        partition: Some(99),
        key: Some(b"berth-7".to_vec()),
        value: None,
        timestamp_ms: 1,
        headers: vec![],
    });
    let error = copier
        .sink
        .commit(commit)
        .expect_err("there is no partition 99");
    let text = error.to_string();
    assert!(text.contains(&output) && text.contains("berth-7"), "{text}");

    copier.source.rewind().expect("rewind");
    let again = fetch_some(&mut copier);
    assert_eq!(offsets(&batch)[0], offsets(&again)[0]);
    copier
        .sink
        .commit(copier.commit_of(&again))
        .expect("commit");
    copier.copied = again.len();
    copier.run(|copier| copier.copied == 10);
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..10).collect::<Vec<_>>()
    );
}

#[test]
fn a_record_above_the_limit_is_named() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    let mut settings = worker(&unique("g"), "a", &input);
    settings.record_bytes_max = 100_000;
    let mut copier = Copier::new(
        connect(&cluster.connection(), settings).expect("connect"),
        &output,
    );
    let error = copier
        .sink
        .commit(Commit {
            records: vec![Outgoing {
                topic: output.as_str().into(),
                partition: None,
                key: Some(b"DUI-42".to_vec()),
                value: Some(vec![0; 200_000]),
                timestamp_ms: 1,
                headers: vec![],
            }],
            positions: vec![],
        })
        .expect_err("too large");
    let text = error.to_string();
    assert!(matches!(error, LogError::Fatal(_)), "{text}");
    for part in [output.as_str(), "DUI-42", "200006", "100000"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn records_of_sixteen_megabytes_pass() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    let mut feeder = cluster.feeder();
    let value: Vec<u8> = (0..15_900_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for _ in 0..2 {
        feeder
            .send(&input, Some(0), Some(b"k"), Some(&value), 1)
            .expect("send");
    }
    feeder.flush().expect("flush");
    let mut copier = Copier::new(
        connect(&cluster.connection(), worker(&unique("g"), "a", &input)).expect("connect"),
        &output,
    );
    copier.run(|copier| copier.copied == 2);
    let records = cluster.committed(&output);
    assert_eq!(records.len(), 2);
    assert!(
        records
            .iter()
            .all(|record| record.value.as_ref() == Some(&value))
    );
}

fn slot(worker: &mut Worker, name: &str) {
    worker.delivery = Delivery::ExactlyOnce {
        id: TransactionalId::Slot(name.to_owned()),
        timeout: Duration::from_secs(5),
    };
}

#[test]
fn a_slot_taken_over_fences_the_older_instance() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    let (group, name) = (unique("g"), unique("slot"));
    cluster.fill(&input, 1, 0..10);
    let mut settings = worker(&group, "old", &input);
    slot(&mut settings, &name);
    let mut old = Copier::new(
        connect(&cluster.connection(), settings).expect("connect"),
        &output,
    );
    let batch = fetch_some(&mut old);

    let mut settings = worker(&group, "new", &input);
    slot(&mut settings, &name);
    let mut new = Copier::new(
        connect(&cluster.connection(), settings).expect("connect"),
        &output,
    );
    let error = old.sink.commit(old.commit_of(&batch)).expect_err("fenced");
    assert!(matches!(error, LogError::Fenced(_)), "{error}");
    drop(old);
    new.run(|copier| copier.copied == 10);
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..10).collect::<Vec<_>>()
    );
}

#[test]
fn a_member_that_slept_too_long_commits_nothing() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    let group = unique("g");
    cluster.fill(&input, 1, 0..10);
    let short = |instance: &str| {
        let mut worker = worker(&group, instance, &input);
        worker.session_timeout = Duration::from_secs(4);
        worker.poll_interval_max = Duration::from_millis(4_500);
        worker.delivery = Delivery::ExactlyOnce {
            id: TransactionalId::Process(format!("{group}/{instance}")),
            timeout: Duration::from_secs(1),
        };
        connect(&cluster.connection(), worker).expect("connect")
    };
    let mut zombie = Copier::new(short("zombie"), &output);
    let batch = fetch_some(&mut zombie);
    let mut heir = Copier::new(short("heir"), &output);
    heir.run(|copier| copier.copied == 10);
    let error = zombie
        .sink
        .commit(zombie.commit_of(&batch))
        .expect_err("the partition is the heir's");
    assert!(matches!(error, LogError::Aborted(_)), "{error}");
    // The heir has committed: there is nothing to go back to, and the group says why.
    zombie.source.rewind().expect("rewind");
    zombie.run(|copier| {
        copier
            .signals
            .iter()
            .any(|signal| matches!(signal, Signal::Lost(_)))
    });
    drop(heir);
    cluster.fill(&input, 1, 10..20);
    zombie.run(|copier| copier.copied == 10);
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..20).collect::<Vec<_>>()
    );
}

/// What the engine would roll back to does not fit offsets that another instance has committed.
#[test]
fn fixed_partitions_that_another_instance_has_committed_are_not_read_again() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    let group = unique("g");
    cluster.fill(&input, 1, 0..10);
    let fixed = |instance: &str| {
        let partitions = vec![Partition::new(input.as_str(), 0)];
        let mut worker = Worker::new(&group, instance, Membership::Fixed(partitions));
        worker.session_timeout = Duration::from_secs(1);
        Copier::new(
            connect(&cluster.connection(), worker).expect("connect"),
            &output,
        )
    };
    let mut old = fixed("old");
    fetch_some(&mut old);
    old.source.rewind().expect("nobody has committed yet");
    fixed("new").run(|copier| copier.copied == 10);
    let error = old.source.rewind().expect_err("fenced");
    assert!(matches!(error, LogError::Fenced(_)), "{error}");
}

#[test]
fn what_is_done_within_a_record_is_told_to_the_next_owner_and_outlives_other_commits() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    cluster.fill(&input, 1, 0..10);
    let group = unique("g");
    let start = |instance: &str| {
        let settings = worker(&group, instance, &input);
        Copier::new(
            connect(&cluster.connection(), settings).expect("connect"),
            &output,
        )
    };
    let partition = Partition::new(input.as_str(), 0);
    let mut copier = start("a");
    let batch = fetch_some(&mut copier);
    let within = Position {
        next_offset: 4,
        within: "-5 7 query a b".to_owned(),
    };
    let mut commit = copier.commit_of(&batch);
    commit.positions = vec![(partition.clone(), within.clone())];
    copier.sink.commit(commit).expect("committed");
    // One that moves nothing keeps it.
    copier.sink.commit(Commit::default()).expect("committed");
    copier.source.rewind().expect("it is our own");
    assert_eq!(offsets(&fetch_some(&mut copier))[0], 4);
    drop(copier);
    let mut next = start("b");
    assert_eq!(offsets(&fetch_some(&mut next))[0], 4);
    assert_eq!(next.positions.get(&partition), Some(&within));
    let batch = Batch::default();
    let mut commit = next.commit_of(&batch);
    commit.positions = vec![(partition.clone(), 5.into())];
    next.sink.commit(commit).expect("committed");
    drop(next);
    let mut last = start("c");
    fetch_some(&mut last);
    assert_eq!(last.positions.get(&partition), Some(&5.into()));
}

#[test]
fn a_partition_that_is_not_owned_is_not_committed() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let (_source, mut sink) =
        connect(&cluster.connection(), worker(&unique("g"), "a", &input)).expect("connect");
    let error = sink
        .commit(Commit {
            records: vec![],
            positions: vec![(Partition::new(input.as_str(), 0), 5.into())],
        })
        .expect_err("not assigned yet");
    assert!(matches!(error, LogError::Aborted(_)), "{error}");
}

/// A commit whose end never gets an answer: either it happened (`Ok`) or it did not (`Aborted`), never both or neither.
fn commit_of_unknown_fate(request_lost: bool) {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 2);
    let output = cluster.topic("out", 2);
    cluster.fill(&input, 2, 0..10);
    let (proxy, connection) = cluster.behind_a_proxy();
    let mut settings = worker(&unique("g"), "a", &input);
    settings.delivery = Delivery::ExactlyOnce {
        id: TransactionalId::Process(unique("id")),
        timeout: Duration::from_secs(2),
    };
    let mut copier = Copier::new(connect(&connection, settings).expect("connect"), &output);
    copier.run(|copier| copier.copied == 10);
    cluster.fill(&input, 2, 10..12);
    let batch = fetch_some(&mut copier);
    // The second commit moves no offset: only the marker can tell.
    for commit in [
        copier.commit_of(&batch),
        Commit {
            records: copier.commit_of(&batch).records,
            positions: vec![],
        },
    ] {
        let seen_before = cluster.committed(&output).len();
        let added = commit.records.len();
        if request_lost {
            proxy.lose_requests(END_TXN);
        } else {
            proxy.lose_responses(END_TXN);
        }
        let done = copier.sink.commit(commit);
        proxy.lose_nothing();
        let expected = if request_lost {
            assert!(matches!(done, Err(LogError::Aborted(_))), "{done:?}");
            copier.source.rewind().expect("rewind");
            seen_before
        } else {
            done.expect("it happened");
            seen_before + added
        };
        assert_eq!(cluster.committed(&output).len(), expected);
    }
    // The worker goes on.
    cluster.fill(&input, 2, 12..14);
    let goal = copier.copied + if request_lost { 4 } else { 2 };
    copier.run(|copier| copier.copied >= goal);
    let mut seen = numbers(&cluster.committed(&output));
    seen.dedup();
    assert_eq!(seen, (0..14).collect::<Vec<_>>());
}

#[test]
fn a_commit_whose_request_was_lost_is_aborted() {
    commit_of_unknown_fate(true);
}

#[test]
fn a_commit_whose_answer_was_lost_has_happened() {
    commit_of_unknown_fate(false);
}
