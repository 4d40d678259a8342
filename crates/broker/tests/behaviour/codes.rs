//! Corner cases that no well-behaved client shows: which code answers what. The lines are compared with Apache Kafka's.

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;

use super::Outcome;
use super::client::{Target, eventually, unique};
use crate::wire::{BatchSpec, Wire, batch, text};

pub(super) fn topic_name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

/// Sends one batch; gives code and offset.
pub(super) fn produce(
    wire: &mut Wire,
    topic: &str,
    id: Option<&str>,
    records: Bytes,
    acks: i16,
) -> (i16, i64) {
    let data = PartitionProduceData::default()
        .with_index(0)
        .with_records(Some(records));
    let topic = TopicProduceData::default()
        .with_name(topic_name(topic))
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_transactional_id(id.map(|id| TransactionalId(text(id))))
        .with_acks(acks)
        .with_timeout_ms(5_000)
        .with_topic_data(vec![topic]);
    let response = wire.ask(&request, 9);
    let part = &response.responses[0].partition_responses[0];
    (part.error_code, part.base_offset)
}

/// Asks until the coordinator has come up: Apache Kafka makes its internal topics at the first request.
pub(super) fn init(wire: &mut Wire, id: Option<&str>, expected: (i64, i16)) -> (i16, i64, i16) {
    eventually("a producer id", || {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(id.map(|id| TransactionalId(text(id))))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(expected.0))
            .with_producer_epoch(expected.1);
        let response = wire.ask(&request, 4);
        let is_loading = [14, 15, 16, 51].contains(&response.error_code);
        (!is_loading).then_some((
            response.error_code,
            response.producer_id.0,
            response.producer_epoch,
        ))
    })
}

/// Coordinators, asked for so that they come up.
pub(super) fn coordinators(wire: &mut Wire, key: &str) {
    for kind in [0, 1] {
        eventually("a coordinator", || {
            let request = FindCoordinatorRequest::default()
                .with_key_type(kind)
                .with_coordinator_keys(vec![text(key)]);
            (wire.ask(&request, 4).coordinators[0].error_code == 0).then_some(())
        });
    }
}

pub fn sequence_codes(target: &Target) -> Outcome {
    let topic = target.create_topic("sequences", 1, &[("retention.ms", "-1")]);
    let wire = &mut Wire::connect(&target.bootstrap);
    let (_, producer_id, epoch) = init(wire, None, (-1, -1));
    let spec = |epoch, sequence, values| BatchSpec {
        producer_id,
        epoch,
        sequence,
        values,
        ..BatchSpec::default()
    };
    let mut seen = vec![format!("epoch {epoch}")];
    let sent: [(&str, i16, i32, &[&str]); 12] = [
        ("first", 0, 0, &["a", "b"]),
        ("second", 0, 2, &["c"]),
        ("first again", 0, 0, &["a", "b"]),
        ("second again", 0, 2, &["c"]),
        ("part of the first", 0, 0, &["a"]),
        ("gap", 0, 7, &["x"]),
        ("third", 0, 3, &["d"]),
        ("new epoch, wrong start", 1, 4, &["x"]),
        ("new epoch", 1, 0, &["e"]),
        ("old epoch", 0, 4, &["x"]),
        ("new epoch again", 1, 0, &["e"]),
        ("next", 1, 1, &["f"]),
    ];
    for (what, epoch, sequence, values) in sent {
        let answer = produce(wire, &topic, None, batch(spec(epoch, sequence, values)), -1);
        seen.push(format!("{what} {answer:?}"));
    }
    let unknown = BatchSpec {
        producer_id: producer_id + 100_000,
        epoch: 3,
        sequence: 50,
        ..BatchSpec::default()
    };
    seen.push(format!(
        "unknown producer {:?}",
        produce(wire, &topic, None, batch(unknown), -1)
    ));
    seen
}

pub fn produce_codes(target: &Target) -> Outcome {
    let topic = target.create_topic("produce", 1, &[("retention.ms", "-1")]);
    let strict = target.create_topic("strict", 1, &[("message.timestamp.before.max.ms", "1000")]);
    let replicated = target.create_topic("replicated", 1, &[("min.insync.replicas", "2")]);
    let wire = &mut Wire::connect(&target.bootstrap);
    let good = batch(BatchSpec::default());
    let broken = |at: usize| {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1;
        Bytes::from(bytes)
    };
    let two = Bytes::from([&good[..], &good[..]].concat());
    let records: [(&str, &str, Bytes, i16); 12] = [
        ("good", &topic, good.clone(), -1),
        ("acks 1", &topic, good.clone(), 1),
        ("acks 5", &topic, good.clone(), 5),
        (
            "gzip",
            &topic,
            batch(BatchSpec {
                gzip: true,
                values: &["a", "b"],
                ..BatchSpec::default()
            }),
            -1,
        ),
        ("bad checksum", &topic, broken(19), -1),
        ("bad content", &topic, broken(good.len() - 2), -1),
        ("two batches", &topic, two, -1),
        ("too old", &strict, good.clone(), -1),
        (
            "more replicas wanted than there are",
            &replicated,
            good.clone(),
            -1,
        ),
        ("the same with acks 1", &replicated, good.clone(), 1),
        ("no topic", "nowhere-at-all", good.clone(), -1),
        (
            "transactional without a transaction",
            &topic,
            batch(BatchSpec {
                transactional: true,
                producer_id: 1,
                epoch: 0,
                sequence: 0,
                ..BatchSpec::default()
            }),
            -1,
        ),
    ];
    records
        .into_iter()
        .map(|(what, topic, records, acks)| {
            let id = what.starts_with("transactional").then_some("no-such-id");
            format!("{what} {:?}", produce(wire, topic, id, records, acks))
        })
        .collect()
}

pub(super) fn add_partition(wire: &mut Wire, id: &str, producer: (i64, i16), topic: &str) -> i16 {
    let topic = AddPartitionsToTxnTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(TransactionalId(text(id)))
        .with_v3_and_below_producer_id(ProducerId(producer.0))
        .with_v3_and_below_producer_epoch(producer.1)
        .with_v3_and_below_topics(vec![topic]);
    eventually("an end of the transaction before", || {
        let response = wire.ask(&request, 3);
        let code =
            response.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
        // 51: the markers of the transaction before are still being written.
        (code != 51).then_some(code)
    })
}

pub(super) fn end(wire: &mut Wire, id: &str, producer: (i64, i16), committed: bool) -> i16 {
    let request = EndTxnRequest::default()
        .with_transactional_id(TransactionalId(text(id)))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_committed(committed);
    eventually("an end of the transaction", || {
        let code = wire.ask(&request, 3).error_code;
        (code != 51).then_some(code)
    })
}

pub fn transaction_codes(target: &Target) -> Outcome {
    let topic = target.create_topic("transaction-codes", 1, &[("retention.ms", "-1")]);
    let wire = &mut Wire::connect(&target.bootstrap);
    let id = unique("codes");
    coordinators(wire, &id);
    let (code, producer_id, epoch) = init(wire, Some(&id), (-1, -1));
    let mut seen = vec![format!("init {code} {epoch}")];
    let spec = |epoch, sequence| BatchSpec {
        producer_id,
        epoch,
        sequence,
        transactional: true,
        ..BatchSpec::default()
    };
    let own = (producer_id, 0);
    seen.push(format!(
        "not added {:?}",
        produce(wire, &topic, Some(&id), batch(spec(0, 0)), -1).0
    ));
    seen.push(format!("end nothing {}", end(wire, &id, own, true)));
    seen.push(format!("add {}", add_partition(wire, &id, own, &topic)));
    seen.push(format!(
        "add unknown topic {}",
        add_partition(wire, &id, own, "nowhere-at-all")
    ));
    seen.push(format!(
        "write {:?}",
        produce(wire, &topic, Some(&id), batch(spec(0, 0)), -1)
    ));
    seen.push(format!(
        "wrong epoch {}",
        add_partition(wire, &id, (producer_id, 5), &topic)
    ));
    seen.push(format!(
        "wrong producer {}",
        add_partition(wire, &id, (producer_id + 1, 0), &topic)
    ));
    seen.push(format!(
        "wrong id {}",
        add_partition(wire, "no-such-id", own, &topic)
    ));
    seen.push(format!("commit {}", end(wire, &id, own, true)));
    seen.push(format!("commit again {}", end(wire, &id, own, true)));
    seen.push(format!(
        "abort what is committed {}",
        end(wire, &id, own, false)
    ));
    let (code, same, epoch) = init(wire, Some(&id), (-1, -1));
    seen.push(format!("init again {code} {} {epoch}", same == producer_id));
    seen.push(format!(
        "old epoch {}",
        add_partition(wire, &id, own, &topic)
    ));
    seen.push(format!("old epoch ends {}", end(wire, &id, own, true)));
    let (code, _, epoch) = init(wire, Some(&id), (producer_id, 1));
    seen.push(format!("bump {code} {epoch}"));
    let (code, _, epoch) = init(wire, Some(&id), (producer_id, 1));
    seen.push(format!("bump retried {code} {epoch}"));
    let (code, _, _) = init(wire, Some(&id), (producer_id, 0));
    seen.push(format!("bump from an old epoch {code}"));
    let (code, _, _) = init(wire, Some(&id), (producer_id + 1, 0));
    seen.push(format!("bump of another {code}"));
    let (code, _, _) = init(wire, Some(""), (-1, -1));
    seen.push(format!("empty id {code}"));
    let long = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(text(&id))))
        .with_transaction_timeout_ms(900_001)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    seen.push(format!("long timeout {}", wire.ask(&long, 4).error_code));
    seen
}

fn commit_in_transaction(
    wire: &mut Wire,
    id: &str,
    producer: (i64, i16),
    group: &str,
    topic: &str,
    member: (i32, &str),
) -> i16 {
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(3);
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(id)))
        .with_group_id(GroupId(text(group)))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_generation_id(member.0)
        .with_member_id(text(member.1))
        .with_topics(vec![topic]);
    wire.ask(&request, 3).topics[0].partitions[0].error_code
}

pub(super) fn fetch_offset(wire: &mut Wire, group: &str, topic: &str, stable: bool) -> (i64, i16) {
    let topic = OffsetFetchRequestTopics::default()
        .with_name(topic_name(topic))
        .with_partition_indexes(vec![0]);
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(GroupId(text(group)))
        .with_topics(Some(vec![topic]));
    let request = OffsetFetchRequest::default()
        .with_groups(vec![group])
        .with_require_stable(stable);
    let response = wire.ask(&request, 8);
    let partition = &response.groups[0].topics[0].partitions[0];
    (partition.committed_offset, partition.error_code)
}

pub fn transactional_offset_codes(target: &Target) -> Outcome {
    let topic = target.create_topic("offset-codes", 1, &[]);
    let wire = &mut Wire::connect(&target.bootstrap);
    let (id, group) = (unique("offset-codes"), unique("offset-codes"));
    coordinators(wire, &id);
    let (_, producer_id, epoch) = init(wire, Some(&id), (-1, -1));
    let own = (producer_id, epoch);
    let mut seen = Vec::new();
    seen.push(format!(
        "not added {}",
        commit_in_transaction(wire, &id, own, &group, &topic, (-1, ""))
    ));
    let add = AddOffsetsToTxnRequest::default()
        .with_transactional_id(TransactionalId(text(&id)))
        .with_producer_id(ProducerId(producer_id))
        .with_producer_epoch(epoch)
        .with_group_id(GroupId(text(&group)));
    seen.push(format!("add {}", wire.ask(&add, 3).error_code));
    seen.push(format!(
        "generation of nothing {}",
        commit_in_transaction(wire, &id, own, &group, &topic, (4, "m"))
    ));
    seen.push(format!(
        "commit {}",
        commit_in_transaction(wire, &id, own, &group, &topic, (-1, ""))
    ));
    seen.push(format!(
        "pending {:?}",
        fetch_offset(wire, &group, &topic, false)
    ));
    seen.push(format!(
        "pending, stable wanted {:?}",
        fetch_offset(wire, &group, &topic, true)
    ));
    seen.push(format!("end {}", end(wire, &id, own, true)));
    let settled = eventually("a stable offset", || {
        let found = fetch_offset(wire, &group, &topic, true);
        (found.1 != 88).then_some(found)
    });
    seen.push(format!("settled {settled:?}"));
    seen
}
