//! The topics: names, ids, options, partitions.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kafka_protocol::ResponseError;
use uuid::Uuid;

use crate::log::partition::Partition;
use crate::memory::Memory;
use crate::topic_config::TopicConfig;

/// A topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    config: RwLock<Arc<TopicConfig>>,
    partitions: RwLock<Vec<Arc<Partition>>>,
}

impl Topic {
    pub(crate) fn config(&self) -> Arc<TopicConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_config(&self, config: TopicConfig) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn partition_count(&self) -> usize {
        self.partitions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    pub(crate) fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        let index = usize::try_from(index).ok()?;
        self.partitions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(index)
            .cloned()
    }
}

/// A refusal: the code and the sentence for the client.
pub(crate) type Refusal = (ResponseError, String);

#[derive(Debug, Default)]
struct Index {
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: BTreeMap<Uuid, Arc<Topic>>,
}

/// All topics.
#[derive(Debug)]
pub(crate) struct Topics {
    index: RwLock<Index>,
    memory: Arc<Memory>,
    partitions_max: usize,
}

impl Topics {
    pub(crate) fn new(memory: Arc<Memory>, partitions_max: usize) -> Self {
        Self {
            index: RwLock::default(),
            memory,
            partitions_max,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.read().by_name.get(name).cloned()
    }

    pub(crate) fn get_by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.read().by_id.get(&id).cloned()
    }

    /// All topics in order of name.
    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.read().by_name.values().cloned().collect()
    }

    pub(crate) fn partition(&self, name: &str, index: i32) -> Option<Arc<Partition>> {
        self.get(name)?.partition(index)
    }

    /// Creates a topic, or only says whether it could be created.
    pub(crate) fn create(
        &self,
        name: &str,
        id: Uuid,
        partition_count: usize,
        config: TopicConfig,
        validate_only: bool,
    ) -> Result<(), Refusal> {
        check_name(name)?;
        let mut index = self.write();
        if index.by_name.contains_key(name) {
            return Err((
                ResponseError::TopicAlreadyExists,
                format!("Topic '{name}' already exists."),
            ));
        }
        let folded = name.replace('.', "_");
        if let Some(other) = index
            .by_name
            .keys()
            .find(|other| other.replace('.', "_") == folded)
        {
            let why = format!("Topic '{name}' collides with existing topic: {other}");
            return Err((ResponseError::InvalidTopicException, why));
        }
        self.check_room(&index, partition_count)?;
        if !validate_only {
            let topic = Arc::new(Topic {
                name: name.to_owned(),
                id,
                config: RwLock::new(Arc::new(config)),
                partitions: RwLock::new(self.new_partitions(partition_count)),
            });
            index.by_name.insert(name.to_owned(), Arc::clone(&topic));
            index.by_id.insert(id, topic);
        }
        Ok(())
    }

    /// Adds partitions up to `total`.
    pub(crate) fn grow(&self, name: &str, total: i32, validate_only: bool) -> Result<(), Refusal> {
        let index = self.write();
        let Some(topic) = index.by_name.get(name) else {
            let why = "This server does not host this topic-partition.".to_owned();
            return Err((ResponseError::UnknownTopicOrPartition, why));
        };
        let now = topic.partition_count();
        let refused = |why: String| Err((ResponseError::InvalidPartitions, why));
        match usize::try_from(total) {
            Ok(total) if total == now => refused(format!("Topic already has {now} partition(s).")),
            Ok(total) if total > now => {
                self.check_room(&index, total - now)?;
                if !validate_only {
                    let added = self.new_partitions(total - now);
                    topic
                        .partitions
                        .write()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(added);
                }
                Ok(())
            }
            _ => refused(format!(
                "The topic {name} currently has {now} partition(s); {total} would not be an increase."
            )),
        }
    }

    /// Removes a topic; its readers wake and learn of it.
    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Topic>> {
        let mut index = self.write();
        let topic = index.by_name.remove(name)?;
        index.by_id.remove(&topic.id);
        drop(index);
        for partition in topic.partitions() {
            partition.wake();
        }
        Some(topic)
    }

    fn new_partitions(&self, count: usize) -> Vec<Arc<Partition>> {
        (0..count)
            .map(|_| Arc::new(Partition::new(Arc::clone(&self.memory))))
            .collect()
    }

    fn check_room(&self, index: &Index, more: usize) -> Result<(), Refusal> {
        let now: usize = index
            .by_name
            .values()
            .map(|topic| topic.partition_count())
            .sum();
        if now.saturating_add(more) > self.partitions_max {
            let why = format!(
                "The embedded broker holds at most {} partitions: delete topics or run Apache Kafka.",
                self.partitions_max
            );
            return Err((ResponseError::PolicyViolation, why));
        }
        Ok(())
    }
}

/// Whether this can be a topic's name.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let refused = |why: String| Err((ResponseError::InvalidTopicException, why));
    if name.is_empty() {
        return refused("Topic name is invalid: the empty string is not allowed".to_owned());
    }
    if name == "." || name == ".." {
        return refused(format!("Topic name is invalid: '{name}' is not allowed"));
    }
    if name.len() > 249 {
        return refused(format!(
            "Topic name is invalid: the length of '{name}' is longer than the max allowed length 249"
        ));
    }
    let permitted =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if !name.chars().all(permitted) {
        let why =
            "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
        return refused(format!("Topic name is invalid: '{name}' {why}"));
    }
    Ok(())
}
