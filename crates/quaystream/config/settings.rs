//! From the file to [`Config`]: every section read, then the relations between options.

mod checks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use events::Stream;
use kafka::admin::Topic;
use pipeline::intake::state::StateBounds;
use pipeline::settings::{
    Bounded, Doubt, Input, OnTimeSettings, Settings, SnapshotSettings, SourceSettings, Topics,
};
use toml::Spanned;
use windows::error::Fault;

use super::planners::Planners;
use super::reader::Reader;
use super::{Config, Folder, SHIPPED, SnapshotPlace, raw};

/// Longest time that an option may say, seconds: a year.
const SECONDS_MAX: u64 = 366 * 86_400;

/// Settings of the topics that a start reads from their beginning. What is compacted away is what lies in older segments, once
/// it is a part of what is there; deletions are kept long enough for any reader to meet them.
const READ_AT_START: [(&str, &str); 3] = [
    ("segment.bytes", "67108864"),
    ("min.cleanable.dirty.ratio", "0.25"),
    ("delete.retention.ms", "3600000"),
];

/// The engine's own topics and the output topics, with the message in each.
const ENGINE_TOPICS: [(&str, &str); 9] = [
    ("partials", "partials"),
    ("intake_state", "intake_delta"),
    ("snapshots", "snapshot"),
    ("rejects", "reject"),
    ("berth_plan", "berth_plan"),
    ("rail_plan", "rail_slot_plan"),
    ("plan_deltas", "plan_delta"),
    ("plan_explanations", "plan_explanation"),
    ("train_loads", "train_load"),
];

pub(super) fn build(
    file: &str,
    text: &str,
    folder: impl FnOnce(&str) -> Result<Folder, Vec<Fault>>,
) -> Result<Config, Vec<Fault>> {
    let mut reader = Reader::new(file, text, SHIPPED);
    let sections = Sections::read(&mut reader);
    if let Some(sections) = &sections {
        sections.check(&mut reader);
    }
    let mut faults = reader.finish();
    let opened = sections
        .as_ref()
        .map(|sections| folder(sections.application.pipeline.get_ref()));
    match (sections, opened) {
        (Some(sections), Some(Ok(folder))) if faults.is_empty() => Ok(sections.config(folder)),
        (_, Some(Err(more))) => {
            faults.extend(more);
            Err(faults)
        }
        _ => Err(faults),
    }
}

struct Sections {
    application: raw::Application,
    kafka: raw::Kafka,
    delivery: raw::Delivery,
    state: raw::State,
    workers: raw::Workers,
    time: raw::Time,
    checks: raw::Checks,
    limits: raw::Limits,
    topics: BTreeMap<String, raw::Topic>,
    sinks: BTreeMap<String, raw::Topic>,
    early_s: BTreeMap<String, Spanned<u64>>,
    on_time: raw::OnTime,
    waits_for: BTreeMap<String, Spanned<Vec<String>>>,
    planners: Planners,
    sources: Vec<raw::Source>,
    metrics_address: Option<std::net::SocketAddr>,
}

impl Sections {
    /// Reads all, also after a fault, so that all faults are found.
    fn read(reader: &mut Reader<'_>) -> Option<Sections> {
        let application = reader.section::<raw::Application>(&["application"]);
        let kafka = reader.section(&["kafka"]);
        let delivery = reader.section(&["delivery"]);
        let state = reader.section(&["state"]);
        let workers = reader.section(&["workers"]);
        let time = reader.section(&["time"]);
        let checks = reader.section(&["checks"]);
        let limits = reader.section(&["limits"]);
        let known = ENGINE_TOPICS
            .iter()
            .map(|(name, _)| *name)
            .chain(Stream::ALL.map(Stream::name));
        let mut topics = BTreeMap::new();
        for name in known {
            topics.extend(
                reader
                    .section(&["topics", name])
                    .map(|topic| (name.to_owned(), topic)),
            );
        }
        let mut sinks = BTreeMap::new();
        for name in reader.names("sinks") {
            sinks.extend(
                reader
                    .section(&["sinks", &name])
                    .map(|sink| (name.clone(), sink)),
            );
        }
        let early_s = reader.section(&["early_s"]);
        let on_time = reader.section(&["on_time"]);
        let waits_for = reader.section(&["waits_for"]);
        let planners = Planners::read(reader);
        let sources = reader.list("sources");
        let application = application?;
        let address = &application.metrics_address;
        let metrics_address = match address.get_ref().as_str() {
            "" => None,
            text => {
                let parsed = text.parse();
                reader.want(
                    parsed.is_ok(),
                    address,
                    format!("metrics_address {text:?} is no address"),
                    "write an IP address and a port such as 127.0.0.1:9464, or \"\" for none",
                );
                parsed.ok()
            }
        };
        Some(Sections {
            application,
            kafka: kafka?,
            delivery: delivery?,
            state: state?,
            workers: workers?,
            time: time?,
            checks: checks?,
            limits: limits?,
            topics,
            sinks,
            early_s: early_s?,
            on_time: on_time?,
            waits_for: waits_for?,
            planners: planners?,
            sources,
            metrics_address,
        })
    }

    fn config(self, folder: Folder) -> Config {
        let topics = self.all_topics();
        let messages = self.messages();
        let mut kafka = kafka::Connection::new(
            self.kafka.bootstrap.get_ref(),
            self.kafka.client_id.get_ref(),
        );
        kafka.properties.clone_from(&self.kafka.properties);
        Config {
            application: self.application.name.get_ref().clone(),
            instance: Some(self.application.instance.get_ref().clone())
                .filter(|name| !name.is_empty()),
            log_level: self.application.log_level.get_ref().clone(),
            metrics_address: self.metrics_address,
            kafka,
            patience: seconds(&self.kafka.patience_s),
            guarantee: *self.delivery.guarantee.get_ref(),
            transaction_timeout: seconds(&self.delivery.transaction_timeout_s),
            fold_workers: *self.workers.fold.get_ref(),
            merge_workers: *self.workers.merge.get_ref(),
            fetch_rows_max: *self.limits.fetch_rows_max.get_ref(),
            fetch_bytes_max: *self.limits.fetch_bytes_max.get_ref(),
            queued_bytes_max: *self.limits.queued_bytes_max.get_ref(),
            snapshots: self.snapshots(),
            spill_folder: self.state.spill_folder.get_ref().into(),
            topics,
            messages,
            engine: self.engine(folder),
        }
    }

    /// What is left of the memory once the clients of all workers have their share.
    fn engine_bytes_max(&self) -> usize {
        let workers = self.workers.fold.get_ref() + self.workers.merge.get_ref();
        let queued = workers.saturating_mul(*self.limits.queued_bytes_max.get_ref());
        self.limits
            .memory_bytes_max
            .get_ref()
            .saturating_sub(queued)
    }

    fn engine(&self, folder: Folder) -> Settings {
        let name = |key: &str| {
            Arc::from(
                self.topics
                    .get(key)
                    .map_or(key, |topic| topic.name.get_ref().as_str()),
            )
        };
        let count = |key: &str| {
            self.topics
                .get(key)
                .map_or(1, |topic| *topic.partitions.get_ref())
        };
        let inputs = Stream::ALL.map(|stream| Input {
            stream,
            topic: name(stream.name()),
            partitions: count(stream.name()),
        });
        let sinks = self.sinks.iter();
        let sinks =
            sinks.map(|(sink, topic)| (sink.clone(), Arc::from(topic.name.get_ref().as_str())));
        Settings {
            inputs: inputs.to_vec(),
            topics: Topics {
                partials: name("partials"),
                partials_partitions: count("partials"),
                intake_state: name("intake_state"),
                snapshots: name("snapshots"),
                rejects: name("rejects"),
                sinks: sinks.collect(),
                berth_plan: name("berth_plan"),
                rail_plan: name("rail_plan"),
                plan_deltas: name("plan_deltas"),
                plan_explanations: name("plan_explanations"),
                train_loads: name("train_loads"),
            },
            sources: self.sources.iter().map(source).collect(),
            out_of_order_max: seconds(&self.time.out_of_order_max_s),
            correction_max: seconds(&self.time.correction_max_s),
            future_max: seconds(&self.time.future_max_s),
            past_max: Some(seconds(&self.time.past_max_s)).filter(|bound| !bound.is_zero()),
            sources_max: *self.limits.sources_max.get_ref(),
            terminals: self.checks.terminals.clone(),
            unknown_terminal: doubt(self.checks.unknown_terminal),
            check_digits: doubt(self.checks.check_digits),
            record_bytes_max: *self.limits.record_bytes_max.get_ref(),
            commit_interval: Duration::from_millis(*self.delivery.commit_interval_ms.get_ref()),
            commit_bytes_max: *self.delivery.commit_bytes_max.get_ref(),
            partials_bytes: pipeline::partials::RECORD_BYTES,
            transaction_bytes_max: *self.delivery.transaction_bytes_max.get_ref(),
            memory_bytes_max: self.engine_bytes_max(),
            snapshots: SnapshotSettings {
                interval: seconds(&self.state.snapshot_interval_s),
                ..SnapshotSettings::default()
            },
            intake_state: StateBounds::default(),
            idle_timeout: seconds(&self.time.idle_timeout_s),
            bounded: Bounded::Never,
            early: self
                .early_s
                .iter()
                .map(|(query, every_s)| (query.clone(), seconds(every_s)))
                .collect(),
            on_time: OnTimeSettings {
                corrected_every: seconds(&self.on_time.corrected_every_s),
                except: self.on_time.except.get_ref().iter().cloned().collect(),
            },
            waits_for: self
                .waits_for
                .iter()
                .map(|(query, sources)| {
                    (query.clone(), sources.get_ref().iter().cloned().collect())
                })
                .collect(),
            rest_after: seconds(&self.time.rest_after_s),
            table_keys_max: *self.limits.table_keys_max.get_ref(),
            query_keys_max: *self.limits.query_keys_max.get_ref(),
            backfill: None,
            queries: folder.queries.clone(),
            planners: self.planners.settings(folder),
        }
    }

    fn snapshots(&self) -> SnapshotPlace {
        match self.state.snapshots.get_ref().as_str() {
            "topic" => SnapshotPlace::Topic,
            url => SnapshotPlace::Store(url.to_owned()),
        }
    }

    fn all_topics(&self) -> Vec<Topic> {
        let record_bytes_max = super::written_bytes_max(
            *self.limits.record_bytes_max.get_ref(),
            *self.delivery.commit_bytes_max.get_ref(),
            *self.limits.fetch_bytes_max.get_ref(),
        );
        let is_input = |key: &str| Stream::from_name(key).is_some();
        let own = self.topics.iter().map(|(key, topic)| {
            let stamp = if is_input(key) {
                "CreateTime"
            } else {
                "LogAppendTime"
            };
            let is_read_at_start = matches!(key.as_str(), "snapshots" | "intake_state");
            (topic, stamp, is_read_at_start)
        });
        let sinks = self.sinks.values();
        own.chain(sinks.map(|topic| (topic, "LogAppendTime", false)))
            .map(|(topic, stamp, is_read_at_start)| {
                let replication = *self.kafka.replication.get_ref();
                let compact = topic.compact.get_ref();
                let mut topic = kafka_topic(topic, stamp, replication, record_bytes_max);
                if is_read_at_start && *compact {
                    let settings = READ_AT_START.map(|(key, value)| (key.into(), value.into()));
                    topic.settings.extend(settings);
                }
                topic
            })
            .collect()
    }

    fn messages(&self) -> BTreeMap<String, &'static str> {
        let streams = Stream::ALL.map(|stream| (stream.name(), stream.name()));
        let named = ENGINE_TOPICS.into_iter().chain(streams);
        let named = named.filter_map(|(key, message)| {
            Some((self.topics.get(key)?.name.get_ref().clone(), message))
        });
        let sinks = self
            .sinks
            .values()
            .map(|sink| (sink.name.get_ref().clone(), "window_stat"));
        named.chain(sinks).collect()
    }
}

/// Kafka's settings of a topic. What we write is kept for its retention time from when it was written (`LogAppendTime`),
/// be the events a year old; inputs keep their producers' time stamps, by which the future is told.
fn kafka_topic(
    topic: &raw::Topic,
    stamp: &str,
    replication: i32,
    record_bytes_max: usize,
) -> Topic {
    // A batch has some overhead.
    let message_bytes = record_bytes_max.max(1_048_576) + 65_536;
    let retention_ms = match *topic.retention_h.get_ref() {
        0 => "-1".to_owned(),
        hours => (hours * 3_600_000).to_string(),
    };
    let policy = if *topic.compact.get_ref() {
        "compact"
    } else {
        "delete"
    };
    Topic {
        name: topic.name.get_ref().clone(),
        partitions: usize::try_from(*topic.partitions.get_ref()).unwrap_or(1),
        replication,
        settings: vec![
            ("cleanup.policy".to_owned(), policy.to_owned()),
            ("retention.ms".to_owned(), retention_ms),
            ("message.timestamp.type".to_owned(), stamp.to_owned()),
            ("max.message.bytes".to_owned(), message_bytes.to_string()),
        ],
    }
}

fn source(source: &raw::Source) -> SourceSettings {
    SourceSettings {
        name: source.name.get_ref().clone(),
        streams: source
            .streams
            .get_ref()
            .iter()
            .filter_map(|name| Stream::from_name(name))
            .collect(),
        out_of_order_max: seconds(&source.out_of_order_max_s),
        has_corrections: source.corrections,
    }
}

fn doubt(doubt: raw::Doubt) -> Doubt {
    match doubt {
        raw::Doubt::Flag => Doubt::Flag,
        raw::Doubt::Reject => Doubt::Reject,
    }
}

fn seconds(value: &Spanned<u64>) -> Duration {
    Duration::from_secs(*value.get_ref())
}
