//! Pieces to objects and back. An object holds whole pieces, each behind its length as a varint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use events::Message;
use events::internal::{SnapshotObject, SnapshotPiece};
use twox_hash::XxHash3_64;

use super::{Depot, Store, Stored, object_name};
use crate::error::EngineError;
use crate::snapshot::fault;
use crate::snapshot::pieces::{Decoded, decode};

/// Objects read at once.
const READERS: usize = 2;

/// Objects that one reader may be ahead.
const AHEAD: usize = 1;

/// Appends the value of a piece to an object.
pub fn append(object: &mut Vec<u8>, piece: &[u8]) {
    let mut length = piece.len();
    while length >= 0x80 {
        object.push(length as u8 | 0x80);
        length >>= 7;
    }
    object.push(length as u8);
    object.extend_from_slice(piece);
}

/// Size and checksum of an object.
pub fn seal(object: &[u8]) -> SnapshotObject {
    SnapshotObject {
        bytes: object.len() as u64,
        checksum: XxHash3_64::oneshot(object),
    }
}

/// Why the objects of a snapshot could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// One is missing, or is not what was written: this snapshot is of no use any more.
    #[error("object {0} is {1}")]
    Torn(String, &'static str),
    /// The store does not answer: it may be there.
    #[error("object {0} cannot be read: {1}")]
    Unreachable(String, super::StoreError),
    /// The engine cannot use what is there, or was asked to stop.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

type Pieces = Result<Vec<Decoded>, Unread>;

/// Reads the objects of a snapshot, and calls `visit` with all pieces in their order.
pub fn read(
    depot: &Depot,
    stored: &Stored,
    visit: &mut dyn FnMut(Decoded) -> Result<(), EngineError>,
) -> Result<(), Unread> {
    let mut all = |pieces: Pieces| -> Result<(), Unread> {
        for piece in pieces? {
            visit(piece)?;
        }
        Ok(())
    };
    if !depot.is_threaded {
        for place in 0..stored.objects.len() {
            all(fetch(depot.store.as_ref(), stored, place))?;
        }
        return Ok(());
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = READERS.min(stored.objects.len().max(1));
        let receivers: Vec<Receiver<Pieces>> = (0..readers)
            .map(|first| {
                let (send, receive) = sync_channel(AHEAD);
                let store = Arc::clone(&depot.store);
                let is_over = &is_over;
                scope.spawn(move || {
                    let places = (first..stored.objects.len()).step_by(readers);
                    reader(store.as_ref(), stored, places, is_over, &send);
                });
                receive
            })
            .collect();
        let visited = (0..stored.objects.len()).try_for_each(|place| {
            // A reader that is gone has panicked; its message is in the log.
            let gone = || EngineError::Bug("a reader of snapshots stopped".to_owned()).into();
            let pieces = receivers[place % readers].recv();
            all(pieces.unwrap_or_else(|_| Err(gone())))
        });
        is_over.store(true, Ordering::Relaxed);
        visited
    })
}

fn reader(
    store: &dyn Store,
    stored: &Stored,
    places: impl Iterator<Item = usize>,
    is_over: &AtomicBool,
    send: &SyncSender<Pieces>,
) {
    for place in places {
        if is_over.load(Ordering::Relaxed) || send.send(fetch(store, stored, place)).is_err() {
            return;
        }
    }
}

/// Reads one object, checks it and takes it apart.
fn fetch(store: &dyn Store, stored: &Stored, place: usize) -> Pieces {
    let name = object_name(&stored.folder, place);
    let bytes = match store.get(&name) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Unread::Torn(name, "missing")),
        Err(error) => {
            crate::outcome::store_failed("get");
            return Err(Unread::Unreachable(name, error));
        }
    };
    if seal(&bytes) != stored.objects[place] {
        return Err(Unread::Torn(name, "damaged"));
    }
    let mut left = bytes.as_slice();
    let mut pieces = Vec::new();
    while !left.is_empty() {
        let piece = SnapshotPiece::decode_length_delimited(&mut left)
            .map_err(|error| fault(format!("object {name} cannot be read: {error}")))?;
        pieces.push(decode(piece)?);
    }
    Ok(pieces)
}
