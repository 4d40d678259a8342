//! The partitions that a source owns, and how a message finds its own.

use std::collections::BTreeSet;

use pipeline::log::Partition;

use crate::raw::Taken;

/// Owned partitions, with a cache from librdkafka's topic pointers.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    partitions: BTreeSet<Partition>,
    known: Vec<Known>,
    last: usize,
}

#[derive(Debug)]
struct Known {
    topic_token: usize,
    index: i32,
    /// None where the partition is not owned (any more).
    partition: Option<Partition>,
}

impl Owned {
    pub(crate) fn add(&mut self, partition: Partition) {
        self.partitions.insert(partition);
        self.forget();
    }

    pub(crate) fn remove(&mut self, partition: &Partition) -> bool {
        self.forget();
        self.partitions.remove(partition)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub(crate) fn contains(&self, partition: &Partition) -> bool {
        self.partitions.contains(partition)
    }

    /// All of them, in order.
    pub(crate) fn list(&self) -> Vec<Partition> {
        self.partitions.iter().cloned().collect()
    }

    /// The owned partition of a message.
    pub(crate) fn partition_of(&mut self, message: &Taken) -> Option<&Partition> {
        let (topic_token, index) = (message.topic_token(), message.partition());
        let hit = |known: &Known| known.topic_token == topic_token && known.index == index;
        if !self.known.get(self.last).is_some_and(hit) {
            self.last = match self.known.iter().position(hit) {
                Some(at) => at,
                None => {
                    let named = Partition::new(message.topic(), index);
                    self.known.push(Known {
                        topic_token,
                        index,
                        partition: self.partitions.get(&named).cloned(),
                    });
                    self.known.len() - 1
                }
            };
        }
        self.known[self.last].partition.as_ref()
    }

    /// Topic pointers are good for one assignment only.
    fn forget(&mut self) {
        self.known.clear();
        self.last = 0;
    }
}
