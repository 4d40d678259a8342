//! Offsets asked of the brokers: committed, oldest, newest, by time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline::log::{Beginning, Partition, Position, SaidBy};
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

impl Committed {
    /// The marker of the commit.
    pub(crate) fn marker(&self) -> &str {
        read_metadata(&self.metadata).1
    }

    /// Where the partition's next owner takes up.
    pub(crate) fn beginning(&self) -> Option<Beginning> {
        let (within, marker) = read_metadata(&self.metadata);
        let position = Position {
            next_offset: self.next?,
            within: within.to_owned(),
        };
        let said_by = match marker {
            "" => SaidBy::Operator,
            _ => SaidBy::Engine,
        };
        Some(Beginning { position, said_by })
    }
}

/// The marker of commits without a transaction, of which none needs to be told from the others.
pub(crate) const PLAIN_MARKER: &str = "at-least-once";

/// Before the length of what an offset's metadata says of the record that it points at.
const WITHIN: &str = "within ";

/// The metadata of an offset: what is done within its record, if anything, and the marker of the commit.
pub(crate) fn metadata(within: &str, marker: &str) -> String {
    match within {
        "" => marker.to_owned(),
        within => format!("{WITHIN}{} {within} {marker}", within.len()),
    }
}

/// What is done within the record, and the marker.
fn read_metadata(metadata: &str) -> (&str, &str) {
    let within = || {
        let (length, rest) = metadata.strip_prefix(WITHIN)?.split_once(' ')?;
        let (within, rest) = rest.split_at_checked(length.parse().ok()?)?;
        Some((within, rest.strip_prefix(' ')?))
    };
    within().unwrap_or(("", metadata))
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

/// A list with positions, to be committed under a marker.
pub(crate) fn marked<'a>(
    positions: impl IntoIterator<Item = (&'a Partition, &'a Position)>,
    marker: &str,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, position) in positions {
        let mut element = list.add_partition(&partition.topic, partition.index);
        element.set_offset(Offset::Offset(position.next_offset))?;
        element.set_metadata(metadata(&position.within, marker));
    }
    Ok(list)
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

/// Where the offsets of a group do not come though the brokers are up.
pub(crate) const HANGING: &str = "if the brokers are up, look for a transaction that hangs on the group's offsets (kafka-transactions.sh find-hanging)";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_says_what_is_done_within_a_record_and_which_commit_it_is_of() {
        for (within, marker) in [
            ("", "host/7/0/3"),
            ("-5 7 query a b", "a b/1/2/3"),
            ("é", ""),
        ] {
            let text = metadata(within, marker);
            assert_eq!(read_metadata(&text), (within, marker), "{text}");
        }
        for odd in [
            "",
            "within",
            "within x y z",
            "within 9 short m",
            "within 1 ab",
        ] {
            assert_eq!(read_metadata(odd), ("", odd));
        }
    }
}
