//! What stops the engine. Bad records and failing queries do not.

use crate::log::LogError;
use crate::partials::PartialsError;
use windows::error::{Fault, QueryError};
use windows::state::held::SpillError;

/// The engine cannot start, or must stop without committing.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Faults in SQL files.
    #[error("the queries have faults:\n{}", list(.0))]
    Queries(Vec<Fault>),
    /// A query could not be set up.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The schema and the queries do not fit.
    #[error("the schema of events does not fit: {0}")]
    Schema(String),
    /// Stored state cannot be used.
    #[error("{0}")]
    State(String),
    /// A record of the partials topic cannot be used.
    #[error(transparent)]
    Partials(#[from] PartialsError),
    /// Partials do not continue those before.
    #[error(
        "partials of {partition} jump from offset {expected} to {found}: a fold commit was lost or doubled; stop all instances and begin anew as docs/DELIVERY.md says (Beginning anew): what has left leaves again"
    )]
    Gap {
        /// Input partition.
        partition: String,
        /// Where they should continue.
        expected: i64,
        /// Where they do.
        found: i64,
    },
    /// The log refused.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Arrow refused; a bug.
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A plan broke a rule; it was not published.
    #[error(
        "a {planner} plan breaks its rules and was not published: {violations}; please report this with the planner's inputs"
    )]
    Infeasible {
        /// Which planner.
        planner: &'static str,
        /// What the checker said.
        violations: String,
    },
    /// A stop was requested in the middle of a step; what was not committed is done again at the next start.
    #[error("stopped in the middle of a step")]
    Stopped,
    /// Rows that were kept outside memory are lost.
    #[error(transparent)]
    Spill(#[from] SpillError),
    /// The engine contradicts itself.
    #[error("{0}; please report this")]
    Bug(String),
}

fn list(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| format!("  {fault}"))
        .collect::<Vec<_>>()
        .join("\n")
}
