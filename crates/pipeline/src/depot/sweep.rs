//! Objects of no use any more go: those of older snapshots, and those that were never published.

use super::{Store, StoreError, folder_of, shelf_of};
use crate::log::Partition;

/// Objects deleted in one sweep at most; what is left goes with the next snapshot.
pub const DELETED_MAX: usize = 10_000;

/// Deletes the objects of the partition `home` whose snapshots are older than the snapshot `number`, but for the folders
/// `kept`. To be called by the owner of the partition, once its snapshot `number` is committed: whoever owns it later
/// counts from there, so that nothing of theirs is touched; what owners before wrote under a lower number was either kept or
/// can never be published. Returns how many were deleted.
pub fn sweep(
    store: &dyn Store,
    home: &Partition,
    number: u64,
    kept: &[String],
) -> Result<usize, StoreError> {
    let shelf = shelf_of(home);
    let names = store
        .list(&shelf)
        .inspect_err(|_| crate::outcome::store_failed("list"))?;
    let mut deleted = 0;
    for name in names {
        let Some((folder, of)) = folder_of(&shelf, &name) else {
            continue;
        };
        if of >= number || kept.iter().any(|kept| kept == folder) {
            continue;
        }
        if deleted == DELETED_MAX {
            break;
        }
        store
            .delete(&name)
            .inspect_err(|_| crate::outcome::store_failed("delete"))?;
        deleted += 1;
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn older_folders_go_and_those_of_a_later_owner_stay() {
        let store = MemoryStore::default();
        let home = Partition::new("snapshots", 1);
        let names = [
            "snapshots/1/3-a-0/0",
            "snapshots/1/4-a-1/0",
            "snapshots/1/4-a-1/1",
            "snapshots/1/5-a-2/0",
            "snapshots/1/5-zombie-9/0",
            "snapshots/1/6-later-0/0",
            "snapshots/1/readme",
            "snapshots/11/1-b-0/0",
        ];
        for name in names {
            store.put(name, &[1]).expect("written");
        }
        let kept = [
            "snapshots/1/4-a-1".to_owned(),
            "snapshots/1/5-a-2".to_owned(),
        ];
        assert_eq!(sweep(&store, &home, 5, &kept).expect("swept"), 1);
        let mut expected = names[1..].to_vec();
        expected.sort_unstable();
        assert_eq!(store.names(), expected);
        assert_eq!(sweep(&store, &home, 6, &kept).expect("swept"), 1);
        assert!(
            !store
                .names()
                .contains(&"snapshots/1/5-zombie-9/0".to_owned())
        );
    }
}
