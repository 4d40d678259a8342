//! The configuration file as it is written: one struct a section, every option with its unit in its name.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// `[application]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Names the consumer groups and the transactional ids.
    pub name: Spanned<String>,
    /// Unique and stable name of this process; empty: one is made of host and process id.
    pub instance: Spanned<String>,
    /// Folder of the SQL files, relative to the configuration file.
    pub pipeline: Spanned<String>,
    /// Filter of the log, as `tracing` has it: "info", "warn,quaystream=debug".
    pub log_level: Spanned<String>,
    /// Where Prometheus reads the metrics; empty: nowhere.
    pub metrics_address: Spanned<String>,
}

/// `[kafka]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// Comma-separated `host:port`.
    pub bootstrap: Spanned<String>,
    /// Name in the brokers' logs.
    pub client_id: Spanned<String>,
    /// Copies of each partition of the topics that `quaystream topics create` makes; -1 for the cluster's default.
    pub replication: Spanned<i32>,
    /// How long to wait for brokers that do not answer, seconds.
    pub patience_s: Spanned<u64>,
    /// librdkafka properties, passed on as they are.
    pub properties: BTreeMap<String, String>,
}

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// Records and positions in one transaction.
    ExactlyOnce,
    /// Records, then positions.
    AtLeastOnce,
}

/// `[delivery]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// What a commit promises.
    pub guarantee: Spanned<Guarantee>,
    /// From one commit to the next, milliseconds.
    pub commit_interval_ms: Spanned<u64>,
    /// Input that may wait for a commit, bytes.
    pub commit_bytes_max: Spanned<usize>,
    /// Output of one commit, bytes.
    pub transaction_bytes_max: Spanned<usize>,
    /// A transaction is aborted by the broker after so many seconds.
    pub transaction_timeout_s: Spanned<u64>,
}

/// `[state]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// From one snapshot of merge to the next, seconds; 0: none are written.
    pub snapshot_interval_s: Spanned<u64>,
    /// "topic", or the URL of an object store.
    pub snapshots: Spanned<String>,
    /// Folder for rows that memory has no room for.
    pub spill_folder: Spanned<String>,
}

/// `[workers]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workers {
    /// Threads of the first stage in this process.
    pub fold: Spanned<usize>,
    /// Threads of the second stage in this process.
    pub merge: Spanned<usize>,
}

/// `[time]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// For sources that are not listed, seconds.
    pub out_of_order_max_s: Spanned<u64>,
    /// From the end of a window to its final row, seconds.
    pub correction_max_s: Spanned<u64>,
    /// How far a row may lie ahead of its record's Kafka timestamp, seconds.
    pub future_max_s: Spanned<u64>,
    /// How far a row may lie behind its record's Kafka timestamp, seconds; 0: as far as it likes.
    pub past_max_s: Spanned<u64>,
    /// Silence after which a source is idle, seconds.
    pub idle_timeout_s: Spanned<u64>,
    /// How long levels, ticks and planners go on after a row, seconds.
    pub rest_after_s: Spanned<u64>,
}

/// `[on_time]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnTime {
    /// From one look at what late rows changed to the next, seconds of event time; 0: no query gives rows on time.
    pub corrected_every_s: Spanned<u64>,
    /// Queries that do not.
    pub except: Spanned<Vec<String>>,
}

/// What to do with a doubtful record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doubt {
    /// Use it and say so.
    Flag,
    /// Write it to the reject topic.
    Reject,
}

/// `[checks]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Terminals that events may name; empty accepts all.
    pub terminals: Vec<String>,
    /// An event names another terminal.
    pub unknown_terminal: Doubt,
    /// A number with a wrong check digit.
    pub check_digits: Doubt,
}

/// `[limits]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Longest record, bytes.
    pub record_bytes_max: Spanned<usize>,
    /// Records of one fetch.
    pub fetch_rows_max: Spanned<usize>,
    /// Bytes of one fetch.
    pub fetch_bytes_max: Spanned<usize>,
    /// Bytes fetched ahead of a worker.
    pub queued_bytes_max: Spanned<usize>,
    /// What a process may hold, bytes.
    pub memory_bytes_max: Spanned<usize>,
    /// Keys of one table.
    pub table_keys_max: Spanned<usize>,
    /// Keys of one query's open windows.
    pub query_keys_max: Spanned<usize>,
    /// Sources that a partition may have before those that are not listed are refused.
    pub sources_max: Spanned<usize>,
}

/// `[topics.*]` and `[sinks.*]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name in Kafka.
    pub name: Spanned<String>,
    /// Partitions. They cannot be changed once the topic is there.
    pub partitions: Spanned<i32>,
    /// How long records are kept, hours; 0 keeps them for ever.
    pub retention_h: Spanned<u64>,
    /// Keep the newest record of each key instead of a time.
    pub compact: Spanned<bool>,
}

/// `[[sources]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// As in the events' envelopes.
    pub name: Spanned<String>,
    /// Streams that it writes to.
    pub streams: Spanned<Vec<String>>,
    /// How far its rows may be out of order, seconds.
    pub out_of_order_max_s: Spanned<u64>,
    /// Later versions of an event stand in place of earlier ones, and retractions take events back.
    #[serde(default)]
    pub corrections: bool,
}
