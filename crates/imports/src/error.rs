//! Why a whole file cannot be imported.

use thiserror::Error;

/// A file that gives nothing at all.
#[derive(Debug, Error)]
pub enum ImportError {
    /// It looks like none of the formats.
    #[error("the file is of no known format ({seen}): name one of {known} if you know better", known = crate::Format::names())]
    UnknownFormat {
        /// What it looks like.
        seen: String,
    },
    /// A document that must be read as a whole is too long for that.
    #[error("the document is longer than {limit_bytes} bytes: split it into several")]
    TooLong {
        /// The limit.
        limit_bytes: u64,
    },
    /// The file is not of the format at all.
    #[error("the file is not {format}: {reason}")]
    NotOfFormat {
        /// The format that was asked for or seen.
        format: crate::Format,
        /// What is wrong, with line and column where known.
        reason: String,
    },
    /// Reading failed.
    #[error("the file cannot be read")]
    Read(#[from] std::io::Error),
}
