//! The partitions that a source owns, how far each has been read, and how a message finds its own.

use pipeline::log::Partition;

use crate::raw::Taken;

/// One partition that the source owns.
#[derive(Debug)]
pub(crate) struct OwnedPartition {
    pub(crate) partition: Partition,
    /// The offset that the engine has not seen yet.
    pub(crate) next: i64,
}

/// Owned partitions, with a cache from librdkafka's topic pointers.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    partitions: Vec<OwnedPartition>,
    known: Vec<Known>,
    last: usize,
}

#[derive(Debug)]
struct Known {
    topic_token: usize,
    index: i32,
    /// Index into the owned ones; none where the partition is not owned (any more).
    owned: Option<usize>,
}

impl Owned {
    /// Adds a partition, or lets one that is there go on from `next`.
    pub(crate) fn set(&mut self, partition: &Partition, next: i64) {
        match self.find(partition) {
            Some(at) => self.partitions[at].next = next,
            None => {
                self.partitions.push(OwnedPartition {
                    partition: partition.clone(),
                    next,
                });
                self.partitions
                    .sort_by(|a, b| a.partition.cmp(&b.partition));
                self.forget();
            }
        }
    }

    pub(crate) fn remove(&mut self, partition: &Partition) {
        self.partitions
            .retain(|owned| owned.partition != *partition);
        self.forget();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub(crate) fn contains(&self, partition: &Partition) -> bool {
        self.find(partition).is_some()
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &OwnedPartition> {
        self.partitions.iter()
    }

    /// All of them, in order.
    pub(crate) fn list(&self) -> Vec<Partition> {
        self.iter().map(|owned| owned.partition.clone()).collect()
    }

    fn find(&self, partition: &Partition) -> Option<usize> {
        self.partitions
            .iter()
            .position(|owned| owned.partition == *partition)
    }

    /// The owned partition of a message.
    pub(crate) fn of(&mut self, message: &Taken) -> Option<&mut OwnedPartition> {
        let (topic_token, index) = (message.topic_token(), message.partition());
        let hit = |known: &Known| known.topic_token == topic_token && known.index == index;
        if !self.known.get(self.last).is_some_and(hit) {
            self.last = match self.known.iter().position(hit) {
                Some(at) => at,
                None => {
                    let owned = self.find(&Partition::new(message.topic(), index));
                    self.known.push(Known {
                        topic_token,
                        index,
                        owned,
                    });
                    self.known.len() - 1
                }
            };
        }
        self.known[self.last]
            .owned
            .map(|at| &mut self.partitions[at])
    }

    /// Topic pointers are good for one assignment only.
    fn forget(&mut self) {
        self.known.clear();
        self.last = 0;
    }
}
