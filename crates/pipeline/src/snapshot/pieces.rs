//! State to the values of records, none of them larger than a record may be, and back.

use events::internal::{MergeProgress, PlannerState, SnapshotPart, SnapshotPiece};
use events::{Message, ipc};
use windows::merge::{Part, Piece};
use windows::state::held::Held;

use super::{State, fault};
use crate::error::EngineError;
use crate::partials::{self, RECORD_BYTES};

/// Calls `visit` with the value of each record that `state` becomes.
pub fn encode(state: &State, visit: &mut dyn FnMut(Vec<u8>)) -> Result<(), EngineError> {
    match state {
        State::Rows(piece) => encode_rows(piece, visit),
        State::Progress(progress) => {
            stretch("", SnapshotPart::Progress, &progress.encode_to_vec(), visit);
            Ok(())
        }
        State::Planner(name, memory) => {
            stretch(name, SnapshotPart::Planner, &memory.encode_to_vec(), visit);
            Ok(())
        }
    }
}

fn encode_rows(piece: &Piece, visit: &mut dyn FnMut(Vec<u8>)) -> Result<(), EngineError> {
    let (part, side) = match piece.part {
        Part::Rows(side) => (SnapshotPart::Rows, side),
        Part::Live => (SnapshotPart::Live, 0),
        Part::Pending => (SnapshotPart::Pending, 0),
        Part::Changed => (SnapshotPart::Changed, 0),
        Part::Numbers => (SnapshotPart::Numbers, 0),
        Part::Revisions => (SnapshotPart::Revisions, 0),
        Part::Stopped => (SnapshotPart::Stopped, 0),
    };
    let message = |content: Vec<u8>| SnapshotPiece {
        name: piece.name.clone(),
        fingerprint: piece.fingerprint,
        part: part.into(),
        side,
        numbers: piece.numbers.clone(),
        content,
    };
    let Some(rows) = piece.batch()? else {
        visit(message(Vec::new()).encode_to_vec());
        return Ok(());
    };
    partials::cut(&rows, RECORD_BYTES, &mut |content, _| {
        visit(message(content).encode_to_vec());
    })?;
    Ok(())
}

/// An encoded message in stretches that each fit a record; one of them at least.
fn stretch(name: &str, part: SnapshotPart, bytes: &[u8], visit: &mut dyn FnMut(Vec<u8>)) {
    let mut tell = |content: &[u8]| {
        let piece = SnapshotPiece {
            name: name.to_owned(),
            part: part.into(),
            content: content.to_vec(),
            ..SnapshotPiece::default()
        };
        visit(piece.encode_to_vec());
    };
    match bytes {
        [] => tell(&[]),
        bytes => bytes.chunks(RECORD_BYTES).for_each(tell),
    }
}

/// What the value of one record says.
#[derive(Debug)]
pub enum Decoded {
    /// Of a query or table.
    Rows(Piece),
    /// A stretch of [`MergeProgress`].
    Progress(Vec<u8>),
    /// A stretch of a planner's [`PlannerState`], with its name.
    Planner(String, Vec<u8>),
}

/// Reads the value of one record.
pub fn read(value: &[u8]) -> Result<Decoded, EngineError> {
    let piece = SnapshotPiece::decode(value)
        .map_err(|error| fault(format!("a piece of a snapshot cannot be read: {error}")))?;
    decode(piece)
}

/// Takes a piece apart.
pub fn decode(piece: SnapshotPiece) -> Result<Decoded, EngineError> {
    let part = match piece.part() {
        SnapshotPart::Rows => Part::Rows(piece.side),
        SnapshotPart::Live => Part::Live,
        SnapshotPart::Pending => Part::Pending,
        SnapshotPart::Changed => Part::Changed,
        SnapshotPart::Numbers => Part::Numbers,
        SnapshotPart::Revisions => Part::Revisions,
        SnapshotPart::Stopped => Part::Stopped,
        SnapshotPart::Progress => return Ok(Decoded::Progress(piece.content)),
        SnapshotPart::Planner => return Ok(Decoded::Planner(piece.name, piece.content)),
        SnapshotPart::Unspecified => {
            let part = piece.part;
            return Err(fault(format!("a piece of a snapshot is of kind {part}")));
        }
    };
    let rows = match piece.content.is_empty() {
        true => Vec::new(),
        false => ipc::read(piece.content)?
            .into_iter()
            .map(Held::from)
            .collect(),
    };
    Ok(Decoded::Rows(Piece {
        name: piece.name,
        fingerprint: piece.fingerprint,
        part,
        numbers: piece.numbers,
        rows,
    }))
}

/// Puts the pieces of a snapshot together again, in their order.
#[derive(Debug, Default)]
pub struct Decoder {
    progress: Vec<u8>,
    planners: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Decoder {
    /// Keeps what has to be put together; the piece, if it is of a query or table.
    pub fn gather(&mut self, decoded: Decoded) -> Option<Piece> {
        match decoded {
            Decoded::Rows(piece) => return Some(piece),
            Decoded::Progress(stretch) => self.progress.extend_from_slice(&stretch),
            Decoded::Planner(name, stretch) => {
                let stretches = self.planners.entry(name).or_default();
                stretches.extend_from_slice(&stretch);
            }
        }
        None
    }

    /// After the last record: how far merge had come, and what its planners remember.
    pub fn finish(
        self,
    ) -> Result<
        (
            MergeProgress,
            std::collections::BTreeMap<String, PlannerState>,
        ),
        EngineError,
    > {
        let progress = MergeProgress::decode(self.progress.as_slice())
            .map_err(|error| fault(format!("the progress of merge cannot be read: {error}")))?;
        let planners = self.planners.into_iter().map(|(name, bytes)| {
            let state = PlannerState::decode(bytes.as_slice()).map_err(|error| {
                fault(format!(
                    "the memory of planner {name} cannot be read: {error}"
                ))
            })?;
            Ok((name, state))
        });
        Ok((progress, planners.collect::<Result<_, EngineError>>()?))
    }
}
