//! The keys of a snapshot, counted: each query's and table's own rows are read back from the store.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use events::Message;
use events::internal::SnapshotManifest;
use kafka::Isolation;
use kafka::tail::{From, Tail};
use pipeline::depot::{Depot, Stored, objects};
use pipeline::snapshot::pieces::Decoded;
use quaystream::config::Config;
use windows::merge::Part;

/// Queries and tables, and the columns of a snapshot that hold their keys.
const KEYS: [(&str, &[&str]); 7] = [
    ("container", &["container_id"]),
    ("truck", &["truck_id"]),
    ("four_weeks", &["terminal_id"]),
    ("handled", &["column_0"]),
    ("moved_28_days", &["container_id"]),
    ("passages_28_days", &["terminal_id", "truck_id", "haulier"]),
    ("visits", &["truck_id"]),
];

/// What a snapshot holds.
#[derive(Default)]
pub struct Counted {
    /// Bytes of all objects.
    pub bytes: u64,
    /// Different keys, by query or table.
    pub keys: BTreeMap<&'static str, usize>,
    /// Starts of different panes, by query.
    pub panes: BTreeMap<&'static str, usize>,
}

/// Reads the newest snapshot of each partition.
pub fn count(config: &Config, store: &str) -> Counted {
    let store = store::open(store, []).expect("the folder");
    let depot = Depot::new(store, "count", true);
    let mut counted = Counted::default();
    let mut keys: BTreeMap<&'static str, HashSet<u64>> = BTreeMap::new();
    let mut panes: BTreeMap<&'static str, BTreeSet<i64>> = BTreeMap::new();
    for manifest in manifests(config) {
        counted.bytes += manifest
            .objects
            .iter()
            .map(|object| object.bytes)
            .sum::<u64>();
        let stored = Stored {
            folder: manifest.folder,
            objects: manifest.objects,
        };
        objects::read(&depot, &stored, &mut |decoded| {
            let Decoded::Rows(piece) = decoded else {
                return Ok(());
            };
            let is_row = matches!(piece.part, Part::Rows(_) | Part::Live | Part::Pending);
            if let Some(batch) = piece.batch().expect("rows").filter(|_| is_row) {
                let (name, columns) = KEYS
                    .iter()
                    .find(|(name, _)| *name == piece.name)
                    .expect("known");
                keys.entry(name)
                    .or_default()
                    .extend(hashes(&batch, columns));
                panes.entry(name).or_default().extend(starts(&batch));
            }
            Ok(())
        })
        .expect("a whole snapshot");
    }
    counted.keys = keys
        .iter()
        .map(|(name, keys)| (*name, keys.len()))
        .collect();
    counted.panes = panes
        .iter()
        .map(|(name, panes)| (*name, panes.len()))
        .collect();
    counted
}

/// The newest of each partition.
fn manifests(config: &Config) -> impl Iterator<Item = SnapshotManifest> {
    let topic = &config.engine.topics.snapshots;
    let (from, isolation) = (From::Beginning, Isolation::ReadCommitted);
    let tail = Tail::open(&config.kafka, topic, None, from, isolation);
    let mut tail = tail.expect("a reader");
    let mut newest = BTreeMap::new();
    while !tail.at_end() {
        let record = tail.next(Duration::from_millis(100)).expect("readable");
        let Some(record) = record else { continue };
        let key = record.key.expect("a compacted topic");
        if let Some(value) = record.value
            && key.ends_with(b"/manifest")
        {
            let manifest = SnapshotManifest::decode(value.as_slice()).expect("a manifest");
            newest.insert(record.partition, manifest);
        }
    }
    newest.into_values()
}

/// A hash for each row's key: of ten million two are the same with a chance of one in 370,000.
fn hashes(batch: &RecordBatch, columns: &[&str]) -> Vec<u64> {
    let column = |name: &&str| {
        let column = batch.column_by_name(name);
        column
            .unwrap_or_else(|| panic!("{name} in {:?}", batch.schema()))
            .as_string::<i32>()
    };
    let columns: Vec<_> = columns.iter().map(column).collect();
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let hash = |row: usize| {
        let mut hasher = hasher.build_hasher();
        let values = columns.iter();
        values.for_each(|column| {
            column
                .is_valid(row)
                .then(|| column.value(row))
                .hash(&mut hasher)
        });
        hasher.finish()
    };
    (0..batch.num_rows()).map(hash).collect()
}

/// Starts of the panes that the rows are of, if they are of any.
fn starts(batch: &RecordBatch) -> BTreeSet<i64> {
    let column = batch.column_by_name("window_start");
    let starts = column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    starts
        .map(|starts| starts.values().iter().copied().collect())
        .unwrap_or_default()
}
