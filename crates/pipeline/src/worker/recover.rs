//! How the state of a partition of merge comes back: a snapshot, and records that are read again in silence.

use crate::depot::Depot;
use crate::depot::objects::Unread;
use crate::error::EngineError;
use crate::log::{Batch, Outgoing};
use crate::merge::{Merge, Parcel};
use crate::planted::{Bug, has};
use crate::snapshot::read::Shelf;

/// The state of the newest snapshot that can be read and does not lie behind `offset`, or no state. What is torn leaves the
/// shelf; if the store could not be asked for a newer one, that is told too.
pub(super) fn restore(
    fresh: &dyn Fn() -> Result<Merge, EngineError>,
    shelf: &mut Shelf,
    depot: Option<&Depot>,
    offset: i64,
) -> Result<(Merge, Option<String>), EngineError> {
    let mut unreached = None;
    let mut offset_max = offset;
    loop {
        let mut merge = fresh()?;
        let Some(known) = shelf.newest(offset_max).cloned() else {
            return Ok((merge, unreached));
        };
        let (number, next_offset) = (known.number, known.next_offset);
        let Some(stored) = known.stored else {
            merge.restore(next_offset, std::mem::take(&mut shelf.pieces))?;
            return Ok((merge, unreached));
        };
        let error = match depot {
            None => format!(
                "snapshot {number} lies in an object store, in {}, and state.snapshots names none",
                stored.folder
            ),
            Some(depot) => match merge.restore_from(next_offset, depot, &stored) {
                Ok(()) => return Ok((merge, unreached)),
                Err(Unread::Engine(error)) => return Err(error),
                Err(error @ Unread::Torn(..)) => {
                    tracing::warn!(number, %error, "a snapshot is torn and is passed over");
                    shelf.pass_over(number);
                    continue;
                }
                Err(error) => error.to_string(),
            },
        };
        tracing::warn!(
            number,
            error,
            "a snapshot cannot be read; an older one is tried"
        );
        unreached.get_or_insert(error);
        offset_max = next_offset - 1;
    }
}

/// Takes records in whose rows have left before. They are let go as they come; `twice` is of use to
/// [`Bug::FinalRowTwice`] alone.
pub(super) fn take_in_silence(
    merge: &mut Merge,
    batch: &Batch,
    bytes_max: usize,
    twice: &mut Vec<Outgoing>,
) -> Result<(), EngineError> {
    let mut parcel = Parcel::new(bytes_max);
    for entry in batch.entries() {
        let mut is_done = !merge.begin(batch, entry)?;
        while !is_done {
            is_done = merge.go_on(&mut parcel)?;
            let records = parcel.empty();
            if has(Bug::FinalRowTwice) && !records.is_empty() {
                *twice = records;
            }
        }
    }
    Ok(())
}
