//! What the group says of where to begin, held against the state that was committed with it.
//!
//! State and positions leave in one commit, so that they belong together. Where the group's offsets are gone (they expire
//! once all instances have been away for `offsets.retention.minutes`), were set back, or a topic of the engine was emptied, rows
//! would leave twice, or copies count: that is an error before the first commit, and not a fault that shows later.

use crate::error::EngineError;
use crate::intake::state::takeover::Takeover;
use crate::log::{BEGIN_ANEW, Partition, SaidBy};
use crate::snapshot::read::Shelf;

/// Merge would tell again what it has told.
pub(super) fn check_merge(
    partition: &Partition,
    said_by: SaidBy,
    offset: i64,
    home: &Partition,
    shelf: &Shelf,
) -> Result<(), EngineError> {
    let newest = shelf.whole.iter().map(|known| known.next_offset).max();
    let has_state = newest.is_some() || shelf.roster.is_some();
    match (said_by, newest) {
        (SaidBy::Nobody, _) if has_state => {
            let reaches = newest.map_or_else(String::new, |newest| {
                format!(", a snapshot of everything below offset {newest} among it")
            });
            Err(offsets_gone(
                partition,
                &format!("{home} holds its state{reaches}"),
            ))
        }
        (_, Some(newest)) if newest > offset => Err(set_back(
            partition,
            offset,
            &format!("{home} holds a snapshot of everything below offset {newest}"),
        )),
        _ => Ok(()),
    }
}

/// Fold would send again what it has sent.
pub(super) fn check_fold(
    said_by: SaidBy,
    offset: i64,
    home: &Partition,
    takeover: &Takeover,
) -> Result<(), EngineError> {
    let partition = takeover.partition();
    let Some(reaches) = takeover.reaches() else {
        return Ok(());
    };
    let held = format!("{home} holds its intake state up to offset {reaches}");
    match said_by {
        SaidBy::Nobody => Err(offsets_gone(partition, &held)),
        _ if reaches > offset => Err(set_back(partition, offset, &held)),
        _ => Ok(()),
    }
}

/// Says that a partition could not be taken up, and that the group is asked whether this member still has it.
pub(super) fn ask_whose(partition: &Partition, error: &EngineError) {
    tracing::warn!(%partition, %error, "not taken up; asking the group whether it is still this member's");
}

/// The topic does not hold what was committed with the offset, and waiting did not bring it.
pub(super) fn lacking(home: &Partition, offset: i64, takeover: &Takeover) -> EngineError {
    let partition = takeover.partition();
    let held = match takeover.reaches() {
        Some(reaches) => format!("its intake state up to {reaches} only"),
        None => "no intake state of it".to_owned(),
    };
    EngineError::State(format!(
        "{partition} was read up to offset {offset}, and {home} holds {held}: start again once all brokers are up; if the \
         group's offsets were moved on with other tools, move them back; if the topic was emptied, restore it from a copy, or \
         {BEGIN_ANEW}"
    ))
}

fn offsets_gone(partition: &Partition, held: &str) -> EngineError {
    EngineError::State(format!(
        "the group has no committed offset of {partition}, and {held}: the offset has expired or was deleted, and what has \
         left would leave again; set it to where it was (an instance that stops in good order logs it), or \
         {BEGIN_ANEW}"
    ))
}

fn set_back(partition: &Partition, offset: i64, held: &str) -> EngineError {
    EngineError::State(format!(
        "the group's offset of {partition} is {offset}, and {held}: the offset was set back, or lost with a broker, and what \
         has left would leave again; set it to where it was, or {BEGIN_ANEW}"
    ))
}
