//! Topics, offsets and lags, asked and set.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use pipeline::log::Partition;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::{Client, ClientContext};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::config::{Connection, Isolation};
use crate::context::QuietContext;
use crate::error::Error;
use crate::offsets;

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Name.
    pub name: String,
    /// Number of partitions.
    pub partitions: usize,
    /// Copies of each; -1 for the cluster's default.
    pub replication: i32,
    /// Settings as Kafka names them: `cleanup.policy`, `retention.ms`, `max.message.bytes`...
    pub settings: Vec<(String, String)>,
}

/// What [`Admin::ensure`] found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ensured {
    /// The topic was not there.
    Created,
    /// It was there, just so.
    Existed,
    /// It was there with other settings, which were left alone.
    Differs(Vec<Difference>),
}

/// One setting of a topic that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Kafka's name of the setting, or `replication`.
    pub setting: String,
    /// As it is; none where the broker does not tell.
    pub found: Option<String>,
    /// As it should be.
    pub wanted: String,
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Name.
    pub name: String,
    /// Number of partitions.
    pub partitions: usize,
    /// Copies of each (of partition 0).
    pub replication: usize,
    /// Settings that are not the default, by name.
    pub settings: BTreeMap<String, String>,
}

/// How far a group is behind in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// The partition.
    pub partition: Partition,
    /// Offset of the oldest record.
    pub oldest: i64,
    /// Offset of the next record to be written.
    pub end: i64,
    /// What the group has committed, if anything.
    pub committed: Option<i64>,
}

impl Lag {
    /// Records (and control records) still to be read.
    pub fn records(&self) -> i64 {
        let from = self.committed.unwrap_or(self.oldest).max(self.oldest);
        (self.end - from).max(0)
    }
}

/// Administers a cluster.
pub struct Admin {
    client: AdminClient<QuietContext>,
    connection: Connection,
    wait: Duration,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Admin {
    /// An administrator whose requests wait at most `wait` each.
    pub fn connect(connection: &Connection, wait: Duration) -> Result<Self, Error> {
        Ok(Admin {
            client: connection
                .plain_config()
                .create_with_context(QuietContext)
                .map_err(|cause| Error::Setup(Box::new(cause)))?,
            connection: connection.clone(),
            wait,
        })
    }

    fn request(&self, action: impl Into<String>) -> impl FnOnce(KafkaError) -> Error {
        let (action, bootstrap) = (action.into(), self.connection.bootstrap.clone());
        move |cause| Error::Request {
            action,
            bootstrap,
            cause: Box::new(cause),
        }
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(self.wait))
            .operation_timeout(Some(self.wait))
    }

    /// Creates the topics that are missing and compares the others, in the order given. Another number of partitions
    /// is an error; other settings are told.
    pub fn ensure(&self, topics: &[Topic]) -> Result<Vec<Ensured>, Error> {
        let mut ensured = Vec::with_capacity(topics.len());
        for topic in topics {
            let done = match self.compare(topic)? {
                Some(done) => done,
                None if self.create(topic)? => Ensured::Created,
                // Another instance was faster.
                None => self.compare(topic)?.unwrap_or(Ensured::Created),
            };
            ensured.push(done);
        }
        Ok(ensured)
    }

    /// True if created, false if it was there already.
    fn create(&self, topic: &Topic) -> Result<bool, Error> {
        let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
        let mut new = NewTopic::new(
            &topic.name,
            partitions,
            TopicReplication::Fixed(topic.replication),
        );
        for (key, value) in &topic.settings {
            new = new.set(key, value);
        }
        let results = block_on(self.client.create_topics([&new], &self.options()))
            .map_err(self.request(format!("create topic {}", topic.name)))?;
        for result in results {
            match result {
                Ok(_) => {}
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => return Ok(false),
                Err((name, code)) => {
                    return Err(Error::Topic {
                        action: "create",
                        topic: name,
                        code,
                    });
                }
            }
        }
        self.await_topic(&topic.name, true)?;
        Ok(true)
    }

    /// Waits until the brokers' metadata says that the topic is there (or gone).
    fn await_topic(&self, name: &str, there: bool) -> Result<(), Error> {
        let deadline = Instant::now() + self.wait;
        loop {
            let found = partition_count(self.client.inner(), name, self.wait)
                .map_err(self.request(format!("look up topic {name}")))?;
            if found.is_some() == there || Instant::now() >= deadline {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn compare(&self, topic: &Topic) -> Result<Option<Ensured>, Error> {
        let Some(found) = self.describe(&topic.name)? else {
            return Ok(None);
        };
        if found.partitions != topic.partitions {
            return Err(Error::PartitionCount {
                topic: topic.name.clone(),
                found: found.partitions,
                wanted: topic.partitions,
            });
        }
        let all = self.settings(&topic.name)?;
        let mut differences: Vec<Difference> = topic
            .settings
            .iter()
            .filter(|(key, wanted)| {
                all.get(key).and_then(|(value, _)| value.as_ref()) != Some(wanted)
            })
            .map(|(key, wanted)| Difference {
                setting: key.clone(),
                found: all.get(key).and_then(|(value, _)| value.clone()),
                wanted: wanted.clone(),
            })
            .collect();
        if usize::try_from(topic.replication).is_ok_and(|wanted| wanted != found.replication) {
            differences.push(Difference {
                setting: "replication".to_owned(),
                found: Some(found.replication.to_string()),
                wanted: topic.replication.to_string(),
            });
        }
        Ok(Some(if differences.is_empty() {
            Ensured::Existed
        } else {
            Ensured::Differs(differences)
        }))
    }

    /// A topic as it is; none if it is not there.
    pub fn describe(&self, name: &str) -> Result<Option<Described>, Error> {
        let metadata = self
            .client
            .inner()
            .fetch_metadata(Some(name), self.wait)
            .map_err(self.request(format!("look up topic {name}")))?;
        let found = metadata
            .topics()
            .iter()
            .find(|topic| topic.name() == name && !topic.partitions().is_empty());
        let Some(found) = found else {
            return Ok(None);
        };
        let settings = self
            .settings(name)?
            .into_iter()
            .filter_map(|(key, (value, default))| Some((key, value.filter(|_| !default)?)))
            .collect();
        Ok(Some(Described {
            name: name.to_owned(),
            partitions: found.partitions().len(),
            replication: found.partitions()[0].replicas().len(),
            settings,
        }))
    }

    /// Every setting: its value, and whether that is the default.
    fn settings(&self, name: &str) -> Result<BTreeMap<String, (Option<String>, bool)>, Error> {
        let resource = ResourceSpecifier::Topic(name);
        let answers = block_on(self.client.describe_configs([&resource], &self.options()))
            .map_err(self.request(format!("describe topic {name}")))?;
        let mut settings = BTreeMap::new();
        for answer in answers {
            let answer = answer.map_err(|code| Error::Topic {
                action: "describe",
                topic: name.to_owned(),
                code,
            })?;
            for entry in answer.entries {
                let default = entry.is_default || entry.source == ConfigSource::Default;
                settings.insert(entry.name, (entry.value, default));
            }
        }
        Ok(settings)
    }

    /// Names of all topics but Kafka's own, in order.
    pub fn topics(&self) -> Result<Vec<String>, Error> {
        let metadata = self
            .client
            .inner()
            .fetch_metadata(None, self.wait)
            .map_err(self.request("list the topics"))?;
        let mut names: Vec<String> = metadata
            .topics()
            .iter()
            .map(|topic| topic.name().to_owned())
            .filter(|name| !name.starts_with("__"))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Deletes topics; one that is not there is no error.
    pub fn delete(&self, names: &[&str]) -> Result<(), Error> {
        let results = block_on(self.client.delete_topics(names, &self.options()))
            .map_err(self.request("delete topics"))?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((topic, code)) => {
                    return Err(Error::Topic {
                        action: "delete",
                        topic,
                        code,
                    });
                }
            }
        }
        names
            .iter()
            .try_for_each(|name| self.await_topic(name, false))
    }

    /// Lets the records of a partition before `before` go.
    pub fn trim(&self, partition: &Partition, before: i64) -> Result<(), Error> {
        let list = offsets::list_at([(partition, before)])
            .map_err(self.request(format!("name the offset {before} of {partition}")))?;
        let answer = block_on(self.client.delete_records(&list, &self.options()))
            .map_err(self.request(format!("delete records of {partition}")))?;
        for element in answer.elements() {
            element
                .error()
                .map_err(self.request(format!("delete records of {partition} before {before}")))?;
        }
        Ok(())
    }

    /// All partitions of a topic.
    pub fn partitions(&self, topic: &str) -> Result<Vec<Partition>, Error> {
        let count = partition_count(self.client.inner(), topic, self.wait)
            .map_err(self.request(format!("look up topic {topic}")))?
            .ok_or_else(|| Error::NoTopic {
                topic: topic.to_owned(),
            })?;
        let shared: std::sync::Arc<str> = std::sync::Arc::from(topic);
        Ok((0..i32::try_from(count).unwrap_or(i32::MAX))
            .map(|index| Partition::new(shared.clone(), index))
            .collect())
    }

    /// Oldest offset and end of each partition of a topic. Control records count.
    pub fn offsets(&self, topic: &str) -> Result<BTreeMap<Partition, (i64, i64)>, Error> {
        let mut offsets = BTreeMap::new();
        for partition in self.partitions(topic)? {
            let found = self
                .client
                .inner()
                .fetch_watermarks(topic, partition.index, self.wait)
                .map_err(self.request(format!("ask for the offsets of {partition}")))?;
            offsets.insert(partition, found);
        }
        Ok(offsets)
    }

    /// How far a group is behind, by partition, over these topics.
    pub fn lags(&self, group: &str, topics: &[&str]) -> Result<Vec<Lag>, Error> {
        let consumer: BaseConsumer<QuietContext> = self
            .connection
            .consumer_config(group, Isolation::ReadCommitted, 0, 0)
            .create_with_context(QuietContext)
            .map_err(|cause| Error::Setup(Box::new(cause)))?;
        let mut lags = Vec::new();
        for topic in topics {
            let offsets = self.offsets(topic)?;
            let partitions: Vec<Partition> = offsets.keys().cloned().collect();
            let committed = offsets::committed(&consumer, &partitions, self.wait)
                .map_err(self.request(format!("ask what group {group} has committed")))?;
            for (partition, (oldest, end)) in offsets {
                let committed = committed.get(&partition).and_then(|found| found.next);
                lags.push(Lag {
                    partition,
                    oldest,
                    end,
                    committed,
                });
            }
        }
        Ok(lags)
    }
}

/// How many partitions a topic has; none if it is not there.
pub(crate) fn partition_count<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    wait: Duration,
) -> KafkaResult<Option<usize>> {
    let metadata = client.fetch_metadata(Some(topic), wait)?;
    Ok(metadata
        .topics()
        .iter()
        .find(|found| found.name() == topic && !found.partitions().is_empty())
        .map(|found| found.partitions().len()))
}
