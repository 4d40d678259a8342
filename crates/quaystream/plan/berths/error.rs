//! What can go wrong with an instance file.

use super::super::table::counted;
use super::locate::line_of;
use domain::berth::{Fault, Violation};
use std::path::Path;

/// Errors of `quaystream plan berths`.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no instance: line, field and reason.
    #[error("{path}: {reason}")]
    Bad {
        /// Which file.
        path: String,
        /// Line, field and reason.
        reason: String,
    },
    /// Neither a file nor a folder was named.
    #[error("name an instance file, or a folder with --bench")]
    NoFile,
    /// The output cannot be written as JSON.
    #[error("cannot write the plan as json")]
    Json(#[source] serde_json::Error),
    /// The instance makes no sense: line, object, field and reason of each fault.
    #[error("{path}: the instance has {}:{}", counted(.faults.len(), "fault"), lines(.faults))]
    Faults {
        /// Which file.
        path: String,
        /// The faults.
        faults: Vec<String>,
    },
    /// The plan breaks a rule.
    #[error("the plan has {}:{}", counted(.0.len(), "fault"), lines(.0))]
    Violations(Vec<Violation>),
    /// The solver's figures disagree with the checker's: a bug.
    #[error("the solver says value {value} and bound {bound}, the checker counts {checked}")]
    Inconsistent {
        /// The solver's value.
        value: i64,
        /// The solver's bound.
        bound: i64,
        /// The checker's value.
        checked: i64,
    },
}

impl PlanError {
    /// A file that cannot be read.
    pub fn read(path: &Path, source: std::io::Error) -> Self {
        PlanError::Read {
            path: path.display().to_string(),
            source,
        }
    }

    /// A file with a mistake in it.
    pub fn bad(path: &Path, reason: impl std::fmt::Display) -> Self {
        PlanError::Bad {
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

impl PlanError {
    /// A JSON file whose problem makes no sense.
    pub fn faults(path: &Path, content: &str, faults: &[Fault]) -> Self {
        let one = |fault: &Fault| match line_of(content, &fault.object, &fault.message) {
            Some(line) => format!("line {line}, {fault}"),
            None => fault.to_string(),
        };
        PlanError::Faults {
            path: path.display().to_string(),
            faults: faults.iter().map(one).collect(),
        }
    }

    /// A JSON file with a mistake in it: line, field and reason.
    pub fn bad_json(path: &Path, content: &str, error: &serde_json::Error) -> Self {
        let reason = error.to_string();
        let reason = match reason.rfind(" at line ") {
            Some(end) => &reason[..end],
            None => &reason[..],
        };
        let field = match field_before(content, error.line(), error.column()) {
            // a field that nobody knows is named by the reason; the one before it is not at fault
            Some(_) if reason.starts_with("unknown field") => String::new(),
            Some(field) if !reason.contains(&format!("`{field}`")) => format!(", {field}"),
            _ => String::new(),
        };
        PlanError::bad(path, format!("line {}{field}: {reason}", error.line()))
    }
}

/// The last key before a line and column, both from 1.
fn field_before(content: &str, line: usize, column: usize) -> Option<&str> {
    let start: usize = content
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let before = content.get(..(start + column).min(content.len()))?;
    let mut parts: Vec<&str> = before.split('"').collect();
    while parts.len() > 2 {
        let after = parts.pop()?;
        if after.trim_start().starts_with(':') {
            return parts.last().copied();
        }
    }
    None
}

fn lines<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("\n  {item}")).collect()
}
