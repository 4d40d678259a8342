//! The depot: where the pieces of snapshots lie when they are not in the log. A [`Store`] keeps objects by name; the crate
//! `store` has the real one, [`crate::memory`] one that tears, loses and fails.
//!
//! The log stays in command. Objects are written beforehand, under a folder that nobody else writes to; what makes a
//! snapshot of them is a manifest in the snapshots topic, which leaves in a transaction of the partition's owner. One who has
//! lost the partition can fill the store with objects, and never publish one.
//!
//! Reading order: this file (what is asked of a store, and what things are called), [`objects`] (pieces to objects and back),
//! [`upload`] (a snapshot on its way out), [`sweep`] (what is of no use goes), `beside` (on which thread).

pub mod beside;
pub mod objects;
pub mod sweep;
pub mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use events::internal::SnapshotObject;

use crate::log::Partition;

/// Why a store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Objects by name. Names are paths with slashes. Calls may take long; they come from several threads.
pub trait Store: Send + Sync {
    /// Writes an object, over one of the same name. On return it is there, whole.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Reads an object; none if there is none.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Names of all objects below a folder, in any order.
    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError>;

    /// Deletes an object; one that is not there is no error.
    fn delete(&self, name: &str) -> Result<(), StoreError>;

    /// Where it is, in words for the log.
    fn place(&self) -> String;
}

/// A store, and how a process works with it. Clones share it.
#[derive(Clone)]
pub struct Depot {
    /// Where objects are kept.
    pub store: Arc<dyn Store>,
    writer: Arc<str>,
    begun: Arc<AtomicU64>,
    /// Objects are written and read on threads of their own; else one after the other on the worker's, so that a run is
    /// the same twice.
    pub is_threaded: bool,
}

impl std::fmt::Debug for Depot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Depot")
            .field("place", &self.store.place())
            .field("writer", &self.writer)
            .finish_non_exhaustive()
    }
}

impl Depot {
    /// `writer` must be unique to this start of this process: no two may ever write to one folder.
    pub fn new(store: Arc<dyn Store>, writer: impl Into<Arc<str>>, is_threaded: bool) -> Self {
        Depot {
            store,
            writer: writer.into(),
            begun: Arc::default(),
            is_threaded,
        }
    }

    /// A folder that was never used, for the snapshot `number` of the partition `home`.
    pub(crate) fn new_folder(&self, home: &Partition, number: u64) -> String {
        let begun = self.begun.fetch_add(1, Ordering::Relaxed);
        format!("{}/{number}-{}-{begun}", shelf_of(home), self.writer)
    }
}

/// The folder of all snapshots of a partition.
pub(crate) fn shelf_of(home: &Partition) -> String {
    format!("{}/{}", home.topic, home.index)
}

/// The name of the object at a place in a folder.
pub(crate) fn object_name(folder: &str, place: usize) -> String {
    format!("{folder}/{place}")
}

/// The folder of an object below [`shelf_of`], with the number of its snapshot; none if the name is not one of ours.
pub(crate) fn folder_of<'a>(shelf: &str, name: &'a str) -> Option<(&'a str, u64)> {
    let rest = name.strip_prefix(shelf)?.strip_prefix('/')?;
    let (folder, place) = rest.split_once('/')?;
    place.parse::<usize>().ok()?;
    let number = folder.split_once('-')?.0.parse().ok()?;
    Some((&name[..shelf.len() + 1 + folder.len()], number))
}

/// The objects of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Their folder.
    pub folder: String,
    /// Size and checksum of each, in their order.
    pub objects: Vec<SnapshotObject>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn every_folder_is_new_and_tells_its_number() {
        let depot = Depot::new(Arc::new(MemoryStore::default()), "host-1-2", false);
        let home = Partition::new("port.snapshots", 3);
        let folders = [1, 1, 27].map(|number| depot.new_folder(&home, number));
        assert_ne!(folders[0], folders[1]);
        let shelf = shelf_of(&home);
        for (folder, number) in folders.iter().zip([1, 1, 27]) {
            let name = object_name(folder, 12);
            assert_eq!(folder_of(&shelf, &name), Some((folder.as_str(), number)));
        }
        for foreign in [
            "port.snapshots/3/notes.txt",
            "port.snapshots/3/7-x/notes",
            "port.snapshots/33/7-x/1",
            "elsewhere",
        ] {
            assert_eq!(folder_of(&shelf, foreign), None, "{foreign}");
        }
    }
}
