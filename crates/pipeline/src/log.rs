//! The log as the engine sees it: records come from a [`Source`], everything that leaves goes through one [`Sink`]
//! commit. `kafka` implements both; [`crate::memory`] does so for tests and benchmarks.

use std::sync::Arc;
use std::time::Duration;

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, from 0.
    pub index: i32,
}

impl Partition {
    /// The partition `index` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, index: i32) -> Self {
        Partition {
            topic: topic.into(),
            index,
        }
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.topic, self.index)
    }
}

/// How far a reader of a partition has come. It is committed with what the reader writes, and told when somebody takes over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Offset of the next record to read.
    pub next_offset: i64,
    /// What of that record is done already, in words of the reader alone; empty: nothing.
    pub within: String,
}

impl From<i64> for Position {
    fn from(next_offset: i64) -> Self {
        Position {
            next_offset,
            within: String::new(),
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.next_offset)?;
        if !self.within.is_empty() {
            write!(f, " ({} done)", self.within)?;
        }
        Ok(())
    }
}

/// Where reading of a partition begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The first record to read, and what of it is done.
    pub position: Position,
    /// Who says so.
    pub said_by: SaidBy,
}

/// Who says where reading of a partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    /// The group has committed nothing of it: the log's first record, or what the settings say.
    Nobody,
    /// Somebody has set the group's offset with other tools.
    Operator,
    /// A commit of the engine.
    Engine,
}

/// Where the bytes of one record lie in a [`Batch`].
#[derive(Debug, Clone)]
pub struct Entry {
    /// Index into [`Batch::partitions`].
    pub partition: usize,
    /// Offset in that partition.
    pub offset: i64,
    /// Kafka's record timestamp, milliseconds since 1970.
    pub timestamp_ms: i64,
    key: Option<(usize, usize)>,
    value: Option<(usize, usize)>,
}

/// Records of one fetch, their bytes in one arena so that a batch costs no allocation once it has grown.
#[derive(Debug, Default)]
pub struct Batch {
    arena: Vec<u8>,
    partitions: Vec<Partition>,
    entries: Vec<Entry>,
}

impl Batch {
    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
    }

    /// Appends one record. Records of one partition must come in the order of their offsets.
    pub fn push(
        &mut self,
        partition: &Partition,
        offset: i64,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) {
        let partition = match self.entries.last() {
            Some(last) if self.partitions[last.partition] == *partition => last.partition,
            _ => self.partition_index(partition),
        };
        let mut store = |bytes: &[u8]| {
            let from = self.arena.len();
            self.arena.extend_from_slice(bytes);
            (from, self.arena.len())
        };
        let key = key.map(&mut store);
        let value = value.map(&mut store);
        self.entries.push(Entry {
            partition,
            offset,
            timestamp_ms,
            key,
            value,
        });
    }

    fn partition_index(&mut self, partition: &Partition) -> usize {
        match self.partitions.iter().position(|known| known == partition) {
            Some(index) => index,
            None => {
                self.partitions.push(partition.clone());
                self.partitions.len() - 1
            }
        }
    }

    /// The partitions that [`Entry::partition`] refers to.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The records in order of arrival.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The partition of a record.
    pub fn partition(&self, entry: &Entry) -> &Partition {
        &self.partitions[entry.partition]
    }

    /// The key of a record, if it has one.
    pub fn key(&self, entry: &Entry) -> Option<&[u8]> {
        entry.key.map(|(from, to)| &self.arena[from..to])
    }

    /// The value of a record; none for a tombstone.
    pub fn value(&self, entry: &Entry) -> Option<&[u8]> {
        entry.value.map(|(from, to)| &self.arena[from..to])
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is no record.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// What it takes in memory.
    pub fn capacity(&self) -> usize {
        self.arena.capacity() + self.entries.capacity() * std::mem::size_of::<Entry>()
    }
}

/// What a source tells beside records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// These partitions are now ours, and reading begins there. Without partitions: the group has answered, and gives us
    /// nothing.
    Assigned(Vec<(Partition, Beginning)>),
    /// These partitions will be taken away. The source waits, and keeps them, until [`Source::release`]: commit first.
    Revoking(Vec<Partition>),
    /// These partitions are gone already: drop what was not committed, and commit nothing for them.
    Lost(Vec<Partition>),
    /// Everything that was in this partition has been fetched; the next record will have this offset.
    End(Partition, i64),
    /// The log cannot be reached; the source goes on trying. Said once a spell.
    Unreachable(String),
    /// The log can be reached again.
    Reachable,
}

/// Why the log could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The commit did not happen and nothing of it is visible: roll the state back and read again from the committed
    /// offsets.
    #[error("the commit was aborted and can be tried again: {0}")]
    Aborted(String),
    /// Another instance has taken over; this one must stop.
    #[error(
        "this instance was fenced off by a newer one: {0}; stop one of them or give them different instance names"
    )]
    Fenced(String),
    /// Nothing can be done by trying again.
    #[error("{0}")]
    Fatal(String),
}

/// The way out where state is lost, in full in docs/DELIVERY.md.
pub const BEGIN_ANEW: &str = "stop all instances, delete the engine's own topics (partials, snapshots, intake_state) and the \
     groups' offsets, and begin anew with the events that are there (docs/DELIVERY.md, Beginning anew)";

/// The error of a replay that asks for more of a partition than there is: `there` and `needed` are first offset and end.
pub fn missing(partition: &Partition, there: (i64, i64), needed: (i64, i64)) -> LogError {
    let ((oldest, end), (from, to)) = (there, needed);
    LogError::Fatal(format!(
        "{partition} holds offsets {oldest} to {end}, and {from} to {to} are needed to restore state: restore the topic from \
         a copy, or {BEGIN_ANEW}"
    ))
}

/// Where records come from: a member of a consumer group, or a fake.
pub trait Source {
    /// Waits at most `wait` for records, appends them to `batch` up to its own limits of rows and bytes, and says what
    /// else happened: changes of ownership before the records of `batch`, ends of partitions after them. Returns early when there is something. Must be called often, also while paused: it keeps the
    /// group membership alive.
    fn fetch(&mut self, batch: &mut Batch, wait: Duration) -> Result<Vec<Signal>, LogError>;

    /// Gives up the partitions of the last [`Signal::Revoking`].
    fn release(&mut self) -> Result<(), LogError>;

    /// Stops (true) or goes on (false) fetching records; signals still come.
    fn pause(&mut self, paused: bool) -> Result<(), LogError>;

    /// Reads again from where we have committed last, after an aborted commit. Returns the partitions that are still ours; of the
    /// others [`Signal::Lost`] will tell.
    fn rewind(&mut self) -> Result<Vec<Partition>, LogError>;

    /// The offset behind the last record of a partition that is ours, as the brokers know it now; none if they cannot be
    /// asked.
    fn end(&mut self, partition: &Partition) -> Option<i64>;

    /// True if the group has committed every partition of the topics read to its end. Asked by members that own nothing,
    /// to know whether there will be something.
    fn is_drained(&mut self) -> Result<bool, LogError>;

    /// Lets the records of a partition before `before` go, some time soon. Nobody may need them any more. An error may be that of
    /// the call before.
    fn trim(&mut self, partition: &Partition, before: i64) -> Result<(), LogError>;

    /// Reads one partition from its first record, or `from`, to `to` (exclusive; its end at the time of the call if
    /// none), outside the group, for recovery of state. Committed records only. Calls `visit` for each batch and
    /// returns the offset after the last record. If `from` is no longer there, that is an error that names the way out.
    fn replay(
        &mut self,
        partition: &Partition,
        from: Option<i64>,
        to: Option<i64>,
        visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    ) -> Result<i64, LogError>;
}

/// One record to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition; by the key (murmur2, as Kafka's Java client does) where none is given.
    pub partition: Option<i32>,
    /// Key; none only where the topic is not compacted.
    pub key: Option<Vec<u8>>,
    /// Value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Record timestamp, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Headers, by name.
    pub headers: Vec<(&'static str, Vec<u8>)>,
}

impl Outgoing {
    /// What it takes in a batch of the log, roughly: key, value, headers and the record's own fields.
    pub fn bytes(&self) -> usize {
        let of = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        of(&self.key) + of(&self.value) + headers + RECORD_OVERHEAD_BYTES
    }
}

/// What a record has beside key, value and headers.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// Everything that one step changes outside the process: it becomes visible together or not at all (with
/// `delivery = "exactly-once"`; else in this order: records, then positions).
#[derive(Debug, Default)]
pub struct Commit {
    /// Outputs, partials, state deltas, rejects.
    pub records: Vec<Outgoing>,
    /// How far each input partition has been read.
    pub positions: Vec<(Partition, Position)>,
}

/// Where records go.
pub trait Sink {
    /// Writes one commit. On return it is durable.
    fn commit(&mut self, commit: Commit) -> Result<(), LogError>;

    /// True if records and positions of a commit become visible together or not at all; false if a crash may leave the
    /// records alone.
    fn is_atomic(&self) -> bool;
}
