//! What the engine needs to know before it starts. The root package makes these from the configuration file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use events::Stream;
use windows::sql::parse::SqlFile;

use crate::backfill::BackfillFrom;
use crate::intake::partition::SourceRules;
use crate::intake::state::StateBounds;
use crate::log::Partition;
use crate::plans::PlannerSettings;

/// One input topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The kind of messages in it.
    pub stream: Stream,
    /// Topic name.
    pub topic: Arc<str>,
    /// Number of partitions. Fixed when the topic is created: the frontier waits for each of them.
    pub partitions: i32,
}

/// One source of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSettings {
    /// Its name, as in the events' envelopes.
    pub name: String,
    /// The streams that it writes to. The frontier waits for it in every partition of their topics.
    pub streams: Vec<Stream>,
    /// How far behind its latest row a row may be and still be in time.
    pub out_of_order_max: Duration,
    /// Its events can be corrected and retracted: of an id the version of the latest record time counts. Else every version
    /// is an event of its own.
    pub has_corrections: bool,
}

/// What to do with a record that is readable but doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Doubt {
    /// Use it, and say so in the `intake` stream.
    #[default]
    Flag,
    /// Write it to the reject topic.
    Reject,
}

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// From fold to merge.
    pub partials: Arc<str>,
    /// Partitions of `partials`.
    pub partials_partitions: i32,
    /// State of intake, by input partition.
    pub intake_state: Arc<str>,
    /// Snapshots of merge, by partition of `partials`.
    pub snapshots: Arc<str>,
    /// Records that could not be used.
    pub rejects: Arc<str>,
    /// Rows of windowed queries, by the name in `INSERT INTO`.
    pub sinks: BTreeMap<String, Arc<str>>,
    /// Berth plan, one record a visit.
    pub berth_plan: Arc<str>,
    /// Rail-slot plan, one record a unit.
    pub rail_plan: Arc<str>,
    /// One record a planning run.
    pub plan_deltas: Arc<str>,
    /// Why the plans are as they are, one record a visit or unit.
    pub plan_explanations: Arc<str>,
    /// What is known of the trains of the rail plan, one record a train.
    pub train_loads: Arc<str>,
}

/// How ticks, idleness and the end of input are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bounded {
    /// Input goes on for ever: sources that are silent for [`Settings::idle_timeout`] stop holding the frontier.
    #[default]
    Never,
    /// Input ends where its partitions end at the time of reading: every source is waited for, then all is flushed.
    UntilEnd,
}

/// When merge writes its state down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotSettings {
    /// From one snapshot to the next; zero: none are written.
    pub interval: Duration,
    /// A commit takes pieces of a snapshot until they hold so many bytes.
    pub commit_bytes_max: usize,
    /// An object of a store ends with the piece that makes it so large.
    pub object_bytes: usize,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        SnapshotSettings {
            interval: Duration::from_secs(300),
            commit_bytes_max: 8 << 20,
            // Large enough that a store's answer times do not count, small enough to be held a few times.
            object_bytes: 16 << 20,
        }
    }
}

/// Which queries give rows at the watermark, [`Settings::correction_max`] before the final ones, and again when late rows
/// changed them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnTimeSettings {
    /// From one look at what late rows changed to the next, in event time; zero: no query gives such rows.
    pub corrected_every: Duration,
    /// Queries that do not.
    pub except: BTreeSet<String>,
}

/// The engine's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Input topics.
    pub inputs: Vec<Input>,
    /// Topics written.
    pub topics: Topics,
    /// Sources of events.
    pub sources: Vec<SourceSettings>,
    /// Bound for sources that are not declared.
    pub out_of_order_max: Duration,
    /// How long after its end a window still takes late rows in before it is final.
    pub correction_max: Duration,
    /// How far a row may lie ahead of its record's Kafka timestamp.
    pub future_max: Duration,
    /// How far a row may lie behind its record's Kafka timestamp; none: as far as it likes.
    pub past_max: Option<Duration>,
    /// Sources that a partition may have before those that are not declared are refused.
    pub sources_max: usize,
    /// Terminals that events may name; empty accepts all.
    pub terminals: Vec<String>,
    /// A terminal that is not listed.
    pub unknown_terminal: Doubt,
    /// A container, vessel or wagon number with a wrong check digit.
    pub check_digits: Doubt,
    /// Longest record that is decoded, bytes.
    pub record_bytes_max: usize,
    /// From one commit to the next.
    pub commit_interval: Duration,
    /// A commit is made earlier once so many bytes of input wait for it.
    pub commit_bytes_max: usize,
    /// A record of the partials topic is cut about here, bytes ([`crate::partials::RECORD_BYTES`]).
    pub partials_bytes: usize,
    /// A commit of merge whose outputs are larger is split, bytes.
    pub transaction_bytes_max: usize,
    /// What the engine may hold in one process, bytes.
    pub memory_bytes_max: usize,
    /// When merge writes its state down.
    pub snapshots: SnapshotSettings,
    /// Bounds of the intake-state topic.
    pub intake_state: StateBounds,
    /// Silence after which a source is idle in a partition that has been read to its end.
    pub idle_timeout: Duration,
    /// Whether input ends.
    pub bounded: Bounded,
    /// Queries that are new begin with the input of before, from there.
    pub backfill: Option<BackfillFrom>,
    /// Tables and windowed queries.
    pub queries: Vec<SqlFile>,
    /// By query: how often windows that are still open are computed.
    pub early: BTreeMap<String, Duration>,
    /// Rows once the watermark passes the end of a window.
    pub on_time: OnTimeSettings,
    /// By query: the sources that it waits for, in place of all.
    pub waits_for: BTreeMap<String, BTreeSet<String>>,
    /// How long levels, ticks and planners go on after a row.
    pub rest_after: Duration,
    /// Keys that one table may hold.
    pub table_keys_max: usize,
    /// Keys that the open windows, sessions or levels of one query may hold.
    pub query_keys_max: usize,
    /// The two planners.
    pub planners: PlannerSettings,
}

impl Settings {
    /// The topic of a stream, if it is read.
    pub fn input(&self, topic: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| *input.topic == *topic)
    }

    /// True if the source is declared.
    pub fn declares(&self, source: &str) -> bool {
        self.sources.iter().any(|declared| declared.name == source)
    }

    /// What may be expected of a source.
    pub fn rules(&self, source: &str) -> SourceRules {
        let declared = self.sources.iter().find(|declared| declared.name == source);
        let bound = declared.map_or(self.out_of_order_max, |declared| declared.out_of_order_max);
        SourceRules {
            out_of_order_us: micros(bound),
            has_corrections: declared.is_some_and(|declared| declared.has_corrections),
        }
    }

    /// The sources that are waited for in a topic.
    pub fn sources_of(&self, stream: Stream) -> impl Iterator<Item = &SourceSettings> {
        self.sources
            .iter()
            .filter(move |source| source.streams.contains(&stream))
    }

    /// All files that make the program: tables and queries, then the planners' inputs.
    pub fn files(&self) -> Vec<SqlFile> {
        let planners = [&self.planners.berths.inputs, &self.planners.rail.inputs];
        self.queries
            .iter()
            .chain(planners.into_iter().flatten())
            .map(|file| SqlFile {
                waits_for: self.waits_for.get(&file.name).cloned().unwrap_or_default(),
                ..file.clone()
            })
            .collect()
    }

    /// Every input partition.
    pub fn partitions(&self) -> impl Iterator<Item = (Partition, Stream)> + '_ {
        self.inputs.iter().flat_map(|input| {
            (0..input.partitions).map(|index| {
                (
                    Partition::new(Arc::clone(&input.topic), index),
                    input.stream,
                )
            })
        })
    }

    /// The partition of `snapshots` that holds those of a partition of `partials`.
    pub fn snapshot_partition(&self, partials: &Partition) -> Partition {
        Partition::new(Arc::clone(&self.topics.snapshots), partials.index)
    }

    /// The partition of `intake_state` that holds the state of an input partition.
    pub fn state_partition(&self, input: &Partition) -> Partition {
        Partition::new(Arc::clone(&self.topics.intake_state), input.index)
    }
}

/// A duration in microseconds.
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
