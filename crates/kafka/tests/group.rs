//! Groups: rebalances without gap or duplicate, ends, offsets that are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kafka::{Connection, Delivery, Membership, Start, Worker, connect};
use pipeline::log::{Batch, Beginning, LogError, Partition, SaidBy, Signal, Sink, Source};

use crate::cluster::{Cluster, numbers, unique, worker};
use crate::copy::Copier;

/// Two copiers: the second joins while the first reads, the first leaves while both read.
fn rebalance_while_copying(connection: &Connection, cluster: &Cluster) {
    let input = cluster.topic("in", 4);
    let output = cluster.topic("out", 4);
    let group = unique("group");
    let copied: Arc<[AtomicUsize; 2]> = Arc::default();
    // How many records there are in all; until that is known, no end.
    let goal = Arc::new(AtomicUsize::new(usize::MAX));
    let copier = |who: usize, done: fn(first: usize, second: usize, goal: usize) -> bool| {
        let mut worker = worker(&group, ["a", "b"][who], &input);
        worker.batch_rows = 100;
        let pair = connect(connection, worker).expect("connect");
        let (copied, goal, output) = (copied.clone(), goal.clone(), output.clone());
        std::thread::spawn(move || {
            let mut copier = Copier::new(pair, &output);
            copier.run(|copier| {
                copied[who].store(copier.copied, Ordering::SeqCst);
                let count = |who: usize| copied[who].load(Ordering::SeqCst);
                done(count(0), count(1), goal.load(Ordering::SeqCst))
            });
            copier.signals.clone()
        })
    };
    let first = copier(0, |_, second, _| second >= 1_000);
    let mut second = None;
    let mut filled = 0;
    let deadline = Instant::now() + Duration::from_secs(180);
    while filled < 5_000 || copied[1].load(Ordering::SeqCst) < 2_000 {
        assert!(Instant::now() < deadline, "copied {copied:?} of {filled}");
        cluster.fill(&input, 4, filled..filled + 500);
        filled += 500;
        std::thread::sleep(Duration::from_millis(20));
        if second.is_none() && copied[0].load(Ordering::SeqCst) >= 1_000 {
            second = Some(copier(1, |first, second, goal| first + second >= goal));
        }
    }
    goal.store(filled as usize, Ordering::SeqCst);
    let signals = first.join().expect("first copier");
    second.expect("second").join().expect("second copier");
    assert!(
        signals
            .iter()
            .any(|signal| matches!(signal, Signal::Revoking(_))),
        "the second member took nothing from the first"
    );
    let records = cluster.committed(&output);
    assert_eq!(numbers(&records), (0..filled).collect::<Vec<_>>());
    for partition in 0..4 {
        let values: Vec<_> = records
            .iter()
            .filter(|record| record.partition == partition)
            .map(|record| record.value.clone())
            .collect();
        assert!(values.is_sorted(), "partition {partition} is out of order");
    }
    let lags = cluster.admin().lags(&group, &[&input]).expect("lags");
    assert!(lags.iter().all(|lag| lag.records() == 0), "{lags:?}");
}

#[test]
fn a_member_joins_and_another_leaves_without_gap_or_duplicate() {
    let cluster = Cluster::start();
    rebalance_while_copying(&cluster.connection(), &cluster);
}

#[test]
fn the_eager_protocol_works_as_well() {
    let cluster = Cluster::start();
    let mut connection = cluster.connection();
    connection
        .properties
        .insert("partition.assignment.strategy".into(), "range".into());
    rebalance_while_copying(&connection, &cluster);
}

/// librdkafka's batch call counts an end of partition as a record (2.12), and a rebalance goes on from that count.
#[test]
fn a_rebalance_at_the_end_of_a_partition_skips_nothing() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 2);
    let output = cluster.topic("out", 2);
    let group = unique("group");
    cluster.fill(&input, 2, 0..10);
    let pair = connect(&cluster.connection(), worker(&group, "a", &input)).expect("connect");
    let mut first = Copier::new(pair, &output);
    first.run(|copier| copier.ends.len() == 2);
    let pair = connect(&cluster.connection(), worker(&group, "b", &input)).expect("connect");
    let mut second = Copier::new(pair, &output);
    let deadline = Instant::now() + Duration::from_secs(90);
    while second.positions.is_empty() {
        assert!(
            Instant::now() < deadline,
            "no partition for the second member"
        );
        first.step(Duration::from_millis(10)).expect("first");
        second.step(Duration::from_millis(10)).expect("second");
    }
    assert_eq!(first.positions.len(), 1, "the first member keeps one");
    cluster.fill(&input, 2, 10..20);
    while first.copied + second.copied < 20 {
        assert!(
            Instant::now() < deadline,
            "{} and {}",
            first.copied,
            second.copied
        );
        first.step(Duration::from_millis(10)).expect("first");
        second.step(Duration::from_millis(10)).expect("second");
    }
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..20).collect::<Vec<_>>()
    );
}

#[test]
fn ends_are_told_and_the_group_resumes_where_it_committed() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 2);
    let output = cluster.topic("out", 2);
    let group = unique("group");
    cluster.fill(&input, 2, 0..100);
    let mut first = Copier::new(
        connect(&cluster.connection(), worker(&group, "a", &input)).expect("connect"),
        &output,
    );
    first.run(|copier| copier.ends.len() == 2 && copier.copied == 100);
    assert!(
        first.ends.values().all(|next| *next == 50),
        "{:?}",
        first.ends
    );
    drop(first);

    cluster.fill(&input, 2, 100..110);
    let mut second = Copier::new(
        connect(&cluster.connection(), worker(&group, "b", &input)).expect("connect"),
        &output,
    );
    second.run(|copier| copier.ends.values().filter(|next| **next == 55).count() == 2);
    assert_eq!(second.copied, 10);
    let Some(Signal::Assigned(starts)) = second.signals.first() else {
        panic!("{:?}", second.signals);
    };
    assert!(
        starts
            .iter()
            .all(|(_, start)| start.position == 50.into() && start.said_by == SaidBy::Engine),
        "{starts:?}"
    );
}

#[test]
fn ends_count_the_control_records_of_transactions() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let middle = cluster.topic("middle", 1);
    let output = cluster.topic("out", 1);
    cluster.fill(&input, 1, 0..10);
    let mut first = Copier::new(
        connect(&cluster.connection(), worker(&unique("g"), "a", &input)).expect("connect"),
        &middle,
    );
    first.run(|copier| copier.copied == 10);
    let mut second = Copier::new(
        connect(&cluster.connection(), worker(&unique("g"), "b", &middle)).expect("connect"),
        &output,
    );
    second.run(|copier| copier.copied == 10 && !copier.ends.is_empty());
    let (_, end) = cluster.admin().offsets(&middle).expect("offsets")[&Partition::new(middle, 0)];
    assert!(end > 10, "no control record at the tail");
    second.run(|copier| copier.ends.values().all(|next| *next == end));
}

#[test]
fn paused_a_source_gives_signals_only() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    cluster.fill(&input, 1, 0..10);
    let (mut source, _sink) =
        connect(&cluster.connection(), worker(&unique("g"), "a", &input)).expect("connect");
    source.pause(true).expect("pause");
    let mut batch = Batch::default();
    let deadline = Instant::now() + Duration::from_secs(90);
    let mut assigned = false;
    while !assigned {
        assert!(Instant::now() < deadline);
        let signals = source
            .fetch(&mut batch, Duration::from_millis(50))
            .expect("fetch");
        assigned = signals
            .iter()
            .any(|signal| matches!(signal, Signal::Assigned(_)));
    }
    for _ in 0..5 {
        source
            .fetch(&mut batch, Duration::from_millis(50))
            .expect("fetch");
    }
    assert!(batch.is_empty());
    source.pause(false).expect("resume");
    while batch.len() < 10 {
        assert!(Instant::now() < deadline);
        source
            .fetch(&mut batch, Duration::from_millis(50))
            .expect("fetch");
    }
}

#[test]
fn fixed_partitions_need_no_group_and_resume_all_the_same() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 2);
    let output = cluster.topic("out", 2);
    let group = unique("g");
    cluster.fill(&input, 2, 0..20);
    let fixed = |instance: &str| {
        let partitions = vec![Partition::new(input.as_str(), 1)];
        let worker = Worker::new(&group, instance, Membership::Fixed(partitions));
        Copier::new(
            connect(&cluster.connection(), worker).expect("connect"),
            &output,
        )
    };
    let mut first = fixed("a");
    first.run(|copier| copier.copied == 10);
    drop(first);
    cluster.fill(&input, 2, 20..24);
    let mut second = fixed("b");
    second.run(|copier| copier.ends.values().any(|next| *next == 12));
    assert_eq!(second.copied, 2);
    let odd: Vec<u32> = (0..24).filter(|number| number % 2 == 1).collect();
    assert_eq!(numbers(&cluster.committed(&output)), odd);
}

#[test]
fn at_least_once_commits_positions_after_records() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    let group = unique("g");
    cluster.fill(&input, 1, 0..100);
    let plain = |instance: &str| {
        let mut worker = worker(&group, instance, &input);
        worker.delivery = Delivery::AtLeastOnce;
        Copier::new(
            connect(&cluster.connection(), worker).expect("connect"),
            &output,
        )
    };
    let mut first = plain("a");
    first.run(|copier| copier.copied == 100);
    drop(first);
    cluster.fill(&input, 1, 100..110);
    let mut second = plain("b");
    second.run(|copier| copier.ends.values().any(|next| *next == 110));
    assert_eq!(second.copied, 10);
    assert_eq!(
        numbers(&cluster.committed(&output)),
        (0..110).collect::<Vec<_>>()
    );
}

#[test]
fn a_start_offset_that_is_gone_names_the_way_out() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let output = cluster.topic("out", 1);
    let group = unique("g");
    cluster.fill(&input, 1, 0..10);
    let pair = connect(&cluster.connection(), worker(&group, "a", &input)).expect("connect");
    let mut copier = Copier::new(pair, &output);
    copier.run(|copier| copier.copied == 10);
    // A position beyond the end stands for one whose records are gone.
    copier
        .sink
        .commit(pipeline::log::Commit {
            records: vec![],
            positions: vec![(Partition::new(input.as_str(), 0), 1_000.into())],
        })
        .expect("commit");
    drop(copier);
    let pair = connect(&cluster.connection(), worker(&group, "b", &input)).expect("connect");
    let mut copier = Copier::new(pair, &output);
    let deadline = Instant::now() + Duration::from_secs(90);
    let error = loop {
        assert!(Instant::now() < deadline, "no error");
        if let Err(error) = copier.step(Duration::from_millis(50)) {
            break error;
        }
    };
    let text = error.to_string();
    assert!(matches!(error, LogError::Fatal(_)), "{text}");
    for part in [&*input, "partition 0", "1000", "reset the group's offsets"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn a_new_group_starts_where_it_is_told() {
    let cluster = Cluster::start();
    let input = cluster.topic("in", 1);
    let mut feeder = cluster.feeder();
    for second in 1..=10 {
        feeder
            .send(&input, Some(0), None, Some(b"v"), second * 1_000)
            .expect("send");
    }
    feeder.flush().expect("flush");
    for (start, expected) in [
        (Start::Earliest, 0),
        (Start::Latest, 10),
        (Start::At(4_500), 4),
    ] {
        let mut worker = worker(&unique("g"), "a", &input);
        worker.start = start;
        let (mut source, _sink) = connect(&cluster.connection(), worker).expect("connect");
        let mut assigned = None;
        let deadline = Instant::now() + Duration::from_secs(60);
        while assigned.is_none() {
            assert!(Instant::now() < deadline);
            let signals = source
                .fetch(&mut Batch::default(), Duration::from_millis(50))
                .expect("fetch");
            // A busy broker may be out of reach for a moment, which is told too.
            assigned = signals
                .into_iter()
                .find(|signal| matches!(signal, Signal::Assigned(_)));
        }
        let beginning = Beginning {
            position: expected.into(),
            said_by: SaidBy::Nobody,
        };
        let wanted = vec![(Partition::new(input.as_str(), 0), beginning)];
        assert_eq!(assigned, Some(Signal::Assigned(wanted)), "{start:?}");
    }
}

#[test]
fn a_missing_topic_is_told_at_once() {
    let cluster = Cluster::start();
    let started = Instant::now();
    let error = connect(&cluster.connection(), worker("g", "a", "no-such-topic"))
        .map(|_| ())
        .expect_err("must fail");
    assert!(
        error
            .to_string()
            .contains("topic no-such-topic does not exist"),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_secs(10));
}
