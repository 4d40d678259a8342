//! What can go wrong with `quaystream plan rail`.

use std::path::{Path, PathBuf};

use optimise::rail::read::ReadError;

/// A fault, with the file it lies in.
#[derive(Debug, thiserror::Error)]
pub enum RailError {
    /// No instance was named.
    #[error("name an instance file, or a folder with --bench")]
    NoFile,
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A text is not of its format.
    #[error("{}, {source}", file.display())]
    Text {
        /// The file.
        file: PathBuf,
        /// Line, field, reason.
        source: ReadError,
    },
    /// A JSON text is not of its format.
    #[error("{}, line {line}, column {column}{object}: {reason}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The object and field behind a comma, where they are known.
        object: String,
        /// Why.
        reason: String,
    },
    /// JSON of the right form that makes no sense.
    #[error("{}, {field}: {reason}", file.display())]
    Meaning {
        /// The file.
        file: PathBuf,
        /// Where.
        field: String,
        /// Why.
        reason: String,
    },
    /// No plan keeps all capacities (an instance without roll-over).
    #[error("{}: no plan within the capacities was found; give it more time", file.display())]
    NoPlan {
        /// The file.
        file: PathBuf,
    },
    /// The checker refuses a plan.
    #[error("{}: the plan breaks {}:\n{}", file.display(), rules(violations.len()), violations.join("\n"))]
    Refused {
        /// The file.
        file: PathBuf,
        /// What is broken.
        violations: Vec<String>,
    },
    /// A plan cannot be written as JSON.
    #[error("cannot write the plan: {0}")]
    Write(serde_json::Error),
}

/// A file's text.
pub fn read(file: &Path) -> Result<String, RailError> {
    std::fs::read_to_string(file).map_err(|source| RailError::File {
        file: file.to_owned(),
        source,
    })
}

impl RailError {
    /// A plan that the checker refuses. What reads alike is said once.
    pub fn refused(file: &Path, mut violations: Vec<String>) -> Self {
        violations.dedup();
        RailError::Refused {
            file: file.to_owned(),
            violations,
        }
    }
}

fn rules(count: usize) -> String {
    match count {
        1 => "1 rule".to_owned(),
        count => format!("{count} rules"),
    }
}
