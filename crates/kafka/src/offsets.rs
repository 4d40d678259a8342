//! Offsets asked of the brokers: committed, oldest, newest, by time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline::log::Partition;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use crate::config::Start;

/// What the group has committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) next: Option<i64>,
    pub(crate) metadata: String,
}

/// The partitions of a list, in order, topics shared.
pub(crate) fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    let mut topics: BTreeMap<String, Arc<str>> = BTreeMap::new();
    let mut found: Vec<Partition> = list
        .elements()
        .iter()
        .map(|element| {
            let topic = topics
                .entry(element.topic().to_owned())
                .or_insert_with(|| Arc::from(element.topic()));
            Partition::new(topic.clone(), element.partition())
        })
        .collect();
    found.sort();
    found
}

/// A list without offsets.
pub(crate) fn list_of<'a>(
    partitions: impl IntoIterator<Item = &'a Partition>,
) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic, partition.index);
    }
    list
}

/// A list with offsets.
pub(crate) fn list_at<'a>(
    positions: impl IntoIterator<Item = (&'a Partition, i64)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, next) in positions {
        list.add_partition_offset(&partition.topic, partition.index, Offset::Offset(next))?;
    }
    Ok(list)
}

/// What the group has committed. Waits, within `wait`, for transactions that are still open.
pub(crate) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[Partition],
    wait: Duration,
) -> KafkaResult<BTreeMap<Partition, Committed>> {
    let answer = consumer.committed_offsets(list_of(partitions), wait)?;
    let mut found = BTreeMap::new();
    for partition in partitions {
        let Some(element) = answer.find_partition(&partition.topic, partition.index) else {
            continue;
        };
        element.error()?;
        let next = match element.offset() {
            Offset::Offset(next) => Some(next),
            _ => None,
        };
        let metadata = element.metadata().to_owned();
        found.insert(partition.clone(), Committed { next, metadata });
    }
    Ok(found)
}

/// Where a partition without a committed offset starts.
pub(crate) fn start<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partition: &Partition,
    start: Start,
    wait: Duration,
) -> KafkaResult<i64> {
    let (oldest, end) = consumer.fetch_watermarks(&partition.topic, partition.index, wait)?;
    match start {
        Start::Earliest => Ok(oldest),
        Start::Latest => Ok(end),
        Start::At(timestamp_ms) => {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(
                &partition.topic,
                partition.index,
                Offset::Offset(timestamp_ms),
            )?;
            let answer = consumer.offsets_for_times(list, wait)?;
            match answer.find_partition(&partition.topic, partition.index) {
                Some(element) => {
                    element.error()?;
                    match element.offset() {
                        Offset::Offset(next) => Ok(next),
                        _ => Ok(end),
                    }
                }
                None => Err(KafkaError::OffsetFetch(
                    rdkafka::error::RDKafkaErrorCode::UnknownPartition,
                )),
            }
        }
    }
}
