//! The configuration: a TOML file over the shipped one, checked as a whole, made into the engine's settings once.
//!
//! `raw` and `raw_planners` are the file as written, `reader` finds all its faults with their places, `settings` makes
//! [`Config`] of it, `planners` the planners' part, `folder` reads the SQL files.

pub mod folder;
mod planners;
pub mod raw;
mod raw_planners;
pub mod reader;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kafka::admin::Topic;
use pipeline::settings::Settings;
use windows::error::Fault;

pub use folder::Folder;
pub use raw::Guarantee;

/// The shipped configuration: what is used where a file leaves an option out.
pub const SHIPPED: &str = include_str!("../../../deploy/quaystream.toml");

/// Where snapshots are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotPlace {
    /// The snapshots topic.
    Topic,
    /// The object store at this URL.
    Store(String),
}

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names the consumer groups and the transactional ids.
    pub application: String,
    /// Stable name of this process, if it has one.
    pub instance: Option<String>,
    /// Filter of the log.
    pub log_level: String,
    /// Where Prometheus reads the metrics.
    pub metrics_address: Option<SocketAddr>,
    /// The cluster.
    pub kafka: kafka::Connection,
    /// How long to wait for brokers that do not answer.
    pub patience: Duration,
    /// What a commit promises.
    pub guarantee: Guarantee,
    /// Longest transaction.
    pub transaction_timeout: Duration,
    /// Threads of the first stage.
    pub fold_workers: usize,
    /// Threads of the second stage.
    pub merge_workers: usize,
    /// Records of one fetch.
    pub fetch_rows_max: usize,
    /// Bytes of one fetch.
    pub fetch_bytes_max: usize,
    /// Bytes fetched ahead.
    pub queued_bytes_max: usize,
    /// Where snapshots are written.
    pub snapshots: SnapshotPlace,
    /// Where rows go that memory has no room for.
    pub spill_folder: PathBuf,
    /// Every topic, as it is to be created.
    pub topics: Vec<Topic>,
    /// By topic: the message in it, as `events::describe` names it.
    pub messages: BTreeMap<String, &'static str>,
    /// The engine's part.
    pub engine: Settings,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: check the path given with --config")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// What is wrong with it.
    #[error("the configuration has {} fault{}:{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, lines(.0))]
    Faults(Vec<Fault>),
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

impl Config {
    /// The shipped configuration with the shipped pipeline.
    pub fn shipped() -> Result<Config, ConfigError> {
        Config::parse("deploy/quaystream.toml", SHIPPED, |_| Ok(Folder::shipped()))
    }

    /// Reads a file, and the pipeline's folder that it names.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.display().to_string(),
            source,
        })?;
        let base: PathBuf = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Config::parse(&path.display().to_string(), &text, |folder| {
            Folder::open(&base, folder)
        })
    }

    /// The file if one is given, else the shipped configuration.
    pub fn load_or_shipped(path: Option<&Path>) -> Result<Config, ConfigError> {
        path.map_or_else(Config::shipped, Config::load)
    }

    /// Reads a text. `folder` opens the pipeline that it names.
    pub fn parse(
        file: &str,
        text: &str,
        folder: impl FnOnce(&str) -> Result<Folder, Vec<Fault>>,
    ) -> Result<Config, ConfigError> {
        settings::build(file, text, folder).map_err(ConfigError::Faults)
    }

    /// Faults of the SQL files, and of what they and the configuration say of each other.
    pub fn query_faults(&self) -> Vec<Fault> {
        let program = match windows::program::Program::compile(
            &self.engine.files(),
            &pipeline::fold::streams(),
        ) {
            Ok(program) => program,
            Err(faults) => return faults,
        };
        let mut faults = Vec::new();
        for query in &program.queries {
            if !self.engine.topics.sinks.contains_key(&query.sink) {
                faults.push(Fault::new(
                    format!("{}.sql", query.name),
                    format!("writes into {}, which is no sink", query.sink),
                    format!("add [sinks.{}] to the configuration", query.sink),
                ));
            }
        }
        let early = self.engine.early.keys().map(|name| ("early_s", name));
        let except = self.engine.on_time.except.iter();
        let except = except.map(|name| ("on_time.except", name));
        let waits_for = self.engine.waits_for.keys();
        let waits_for = waits_for.map(|name| ("waits_for", name));
        for (section, name) in early.chain(except).chain(waits_for) {
            if !program.queries.iter().any(|query| query.name == *name) {
                faults.push(Fault::new(
                    section,
                    format!("there is no query {name}"),
                    "mend the name or remove it",
                ));
            }
        }
        for query in &program.queries {
            let is_named = self.engine.waits_for.contains_key(&query.name);
            if is_named && !query.may_be_apart() {
                faults.push(Fault::new(
                    "waits_for",
                    format!("{} reads tables, levels or ticks, which need all sources", query.name),
                    "remove the line: TUMBLE, HOP, CUMULATE and SESSION without tables may name the sources that they wait for",
                ));
            }
        }
        faults
    }

    /// The longest record that the engine writes, bytes: a reject holds a part of a record, and the state of one commit is
    /// shorter than the input that it stands for.
    pub fn written_bytes_max(&self) -> usize {
        written_bytes_max(
            self.engine.record_bytes_max,
            self.engine.commit_bytes_max,
            self.fetch_bytes_max,
        )
    }

    /// The topic of a stream.
    pub fn topic_of(&self, stream: events::Stream) -> Option<&str> {
        self.engine
            .inputs
            .iter()
            .find(|input| input.stream == stream)
            .map(|input| &*input.topic)
    }
}

fn written_bytes_max(
    record_bytes_max: usize,
    commit_bytes_max: usize,
    fetch_bytes_max: usize,
) -> usize {
    record_bytes_max
        .max(commit_bytes_max.saturating_add(fetch_bytes_max))
        .saturating_add(1_048_576)
}

#[cfg(test)]
mod tests;
