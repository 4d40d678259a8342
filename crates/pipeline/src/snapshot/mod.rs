//! Snapshots: merge's state in a compacted topic, so that a start reads the log from there and not from its beginning.
//!
//! A snapshot stands for all partials below an offset. It is taken between two records, and ends with its manifest: pieces,
//! checksum, offset. Its pieces are written to the topic with the commits that follow, so many bytes with each, or beside
//! them into an object store ([`crate::depot`]); the manifest leaves with a commit once they are all there. What has no
//! manifest, lacks a piece, or does not add up is torn and is never taken. The newest [`KEPT`] stay; the log may be trimmed
//! below the oldest of them.
//!
//! Reading order: this file (what a snapshot is), [`pieces`] (state to records and back), [`mod@write`] and [`read`] (whole
//! snapshots in the topic), [`crate::depot`], and `worker/snapshots.rs` (when).

pub mod pieces;
pub mod read;
pub mod write;

use events::internal::{Covered, Frontier, FrontierState, MergeProgress};
use windows::frontier::{Origin, Progress};
use windows::state::waiting;

use crate::depot::Stored;
use crate::error::EngineError;

/// Format of snapshots. A version reads its own and those before.
pub const FORMAT: u32 = 4;
/// What is written where no rows wait for some queries alone: the version before reads it too.
const FORMAT_BEFORE: u32 = 3;

/// Snapshots that stay. With one alone, a fault in it would leave nothing once the log is trimmed.
pub const KEPT: usize = 2;

/// A whole snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its number.
    pub number: u64,
    /// It stands for all partials below this offset.
    pub next_offset: i64,
    /// Its pieces in the topic.
    pub pieces: u32,
    /// Its objects, if its pieces are not in the topic.
    pub stored: Option<Stored>,
}

/// What a record's key says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A piece, from 0.
    Piece(u32),
    /// The manifest.
    Manifest,
}

/// The least format that says what a state holds.
pub(crate) fn format_of(state: &[State]) -> u32 {
    let mut rows = state.iter();
    let is_apart = rows.any(|state| match state {
        State::Rows(piece) => waiting::is_apart(&piece.name),
        State::Progress(_) | State::Planner(..) => false,
    });
    match is_apart {
        true => FORMAT,
        false => FORMAT_BEFORE,
    }
}

const MANIFEST: &str = "manifest";

/// The key of a record: `12/3`, `12/manifest`.
pub fn key(number: u64, place: Place) -> Vec<u8> {
    match place {
        Place::Piece(place) => format!("{number}/{place}"),
        Place::Manifest => format!("{number}/{MANIFEST}"),
    }
    .into_bytes()
}

/// Number and place of a record, if the key is one of [`key`].
pub fn parse(key: &[u8]) -> Option<(u64, Place)> {
    let (number, place) = std::str::from_utf8(key).ok()?.split_once('/')?;
    let place = match place {
        MANIFEST => Place::Manifest,
        place => Place::Piece(place.parse().ok()?),
    };
    Some((number.parse().ok()?, place))
}

/// What one source's progress is as a message.
pub(crate) fn told(origin: &Origin, progress: &Progress) -> Option<Frontier> {
    let mut told = Frontier {
        topic: origin.topic.clone(),
        partition: origin.partition,
        source: origin.source.clone(),
        ..Frontier::default()
    };
    match *progress {
        Progress::Unheard => return None,
        Progress::Active { complete_to_us } => {
            told.set_state(FrontierState::Active);
            told.complete_to_us = complete_to_us;
        }
        Progress::Idle => told.set_state(FrontierState::Idle),
        Progress::Ended { row_time_max_us } => {
            told.set_state(FrontierState::Ended);
            told.row_time_max_us = row_time_max_us;
        }
    }
    Some(told)
}

/// How far each input partition is covered, as messages.
pub(crate) fn covered<'a>(
    covered: impl Iterator<Item = (&'a (String, i32), &'a i64)>,
) -> Vec<Covered> {
    let covered = covered.map(|((topic, partition), to)| Covered {
        topic: topic.clone(),
        partition: *partition,
        from: *to,
        to: *to,
        seen_us: None,
    });
    covered.collect()
}

/// State that leaves merge, in the order in which it comes back.
#[derive(Debug)]
pub enum State {
    /// A query's or table's.
    Rows(windows::merge::Piece),
    /// How far merge has come.
    Progress(MergeProgress),
    /// What a planner remembers, with its name.
    Planner(String, Box<events::internal::PlannerState>),
}

/// The snapshot cannot be used.
pub(crate) fn fault(what: impl std::fmt::Display) -> EngineError {
    EngineError::State(format!(
        "{what}; start the version that wrote it, or begin anew as docs/DELIVERY.md says (Beginning anew): what has left leaves again"
    ))
}
