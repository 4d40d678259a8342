//! At least once: records, then positions. What comes between the two repeats records and loses none.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka::{Connection, Delivery, connect};
use pipeline::log::{LogError, Sink, Source};

use crate::cluster::{Cluster, numbers, unique, worker};
use crate::copy::Copier;
use crate::exactly_once::{fetch_some, offsets};
use crate::proxy::{OFFSET_COMMIT, Proxy};

/// librdkafka asks again after each of these, thrice in all.
const ANSWER_MAX_MS: u64 = 1_000;
/// Until it gives up, with room for a busy machine.
const GIVES_UP_WITHIN: Duration = Duration::from_secs(30);

struct Stage {
    cluster: Cluster,
    proxy: Proxy,
    input: String,
    output: String,
    group: String,
}

impl Stage {
    /// Ten records that wait to be copied.
    fn new() -> Stage {
        let cluster = Cluster::start();
        let (input, output) = (cluster.topic("in", 1), cluster.topic("out", 1));
        cluster.fill(&input, 1, 0..10);
        Stage {
            proxy: Proxy::start(&cluster.bootstrap),
            group: unique("g"),
            cluster,
            input,
            output,
        }
    }

    /// A copier that is to fetch three records at once.
    fn copier(&self, instance: &str) -> Copier {
        let mut connection = Connection::new(self.proxy.address(), "quaystream-test");
        let answer_max_ms = ANSWER_MAX_MS.to_string();
        connection
            .properties
            .insert("socket.timeout.ms".to_owned(), answer_max_ms);
        let mut settings = worker(&self.group, instance, &self.input);
        settings.delivery = Delivery::AtLeastOnce;
        settings.batch_rows = 3;
        let pair = connect(&connection, settings).expect("connect");
        Copier::new(pair, &self.output)
    }

    /// How often each record was copied.
    fn copies(&self) -> BTreeMap<u32, usize> {
        let mut copies = BTreeMap::new();
        for number in numbers(&self.cluster.committed(&self.output)) {
            *copies.entry(number).or_default() += 1;
        }
        copies
    }
}

/// Commits three records whose positions are not answered. The copier, and the offsets of those records.
fn commit_in_the_dark(stage: &Stage, request_lost: bool) -> (Copier, Vec<i64>) {
    let mut copier = stage.copier("a");
    copier.run(|copier| copier.copied >= 3);
    let batch = fetch_some(&mut copier);
    match request_lost {
        true => stage.proxy.lose_requests(OFFSET_COMMIT),
        false => stage.proxy.lose_responses(OFFSET_COMMIT),
    }
    let began = Instant::now();
    let done = copier.sink.commit(copier.commit_of(&batch));
    assert!(began.elapsed() < GIVES_UP_WITHIN, "{:?}", began.elapsed());
    assert!(matches!(done, Err(LogError::Aborted(_))), "{done:?}");
    stage.proxy.lose_nothing();
    (copier, offsets(&batch))
}

/// Each record once, those of the commit in the dark twice.
fn expected(again: &[i64], count: u32) -> BTreeMap<u32, usize> {
    let times = |number: u32| 1 + usize::from(again.contains(&i64::from(number)));
    (0..count).map(|number| (number, times(number))).collect()
}

#[test]
fn who_dies_between_records_and_positions_repeats_that_commit_and_loses_nothing() {
    let stage = Stage::new();
    let (dead, again) = commit_in_the_dark(&stage, true);
    assert_eq!(stage.copies().len(), again[0] as usize + again.len());
    drop(dead);
    let mut heir = stage.copier("b");
    heir.run(|copier| copier.copied == 10 - again[0] as usize);
    assert_eq!(stage.copies(), expected(&again, 10));
    // It goes on.
    stage.cluster.fill(&stage.input, 1, 10..20);
    let goal = heir.copied + 10;
    heir.run(|copier| copier.copied == goal);
    assert_eq!(stage.copies(), expected(&again, 20));
}

/// The group is ahead then: but the state that the engine goes back to is that before the commit, and lacks what was read since.
#[test]
fn who_does_not_hear_that_positions_were_committed_reads_from_its_own_again() {
    let stage = Stage::new();
    let (mut copier, again) = commit_in_the_dark(&stage, false);
    copier.source.rewind().expect("rewind");
    let batch = fetch_some(&mut copier);
    assert_eq!(offsets(&batch)[0], again[0]);
    copier
        .sink
        .commit(copier.commit_of(&batch))
        .expect("commit");
    copier.copied += batch.len();
    copier.run(|copier| copier.copied == 10);
    assert_eq!(stage.copies(), expected(&again, 10));
}
