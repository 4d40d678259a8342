//! What can go wrong with a query: before it runs ([`Fault`]) and while it runs ([`QueryError`]).

use datafusion::common::{Diagnostic, Span};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::tokenizer::Span as SqlSpan;

use crate::state::held::SpillError;

/// An error at a place in the SQL, with a way to mend it.
pub(crate) fn misuse(span: SqlSpan, message: impl Into<String>, hint: &str) -> DataFusionError {
    let message = message.into();
    let mut diagnostic =
        Diagnostic::new_error(message.clone(), Span::try_from_sqlparser_span(span));
    diagnostic.add_help(hint, None);
    DataFusionError::Plan(message).with_diagnostic(diagnostic)
}

/// One thing wrong with one SQL file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// File name as given.
    pub file: String,
    /// Line and column, from 1; none where the whole file is meant.
    pub at: Option<(u64, u64)>,
    /// What is wrong.
    pub message: String,
    /// How to mend it; may be empty.
    pub hint: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

impl Fault {
    /// A fault of the whole file.
    pub fn new(
        file: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Fault {
            file: file.into(),
            at: None,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Reads place and hint out of DataFusion's error.
    pub(crate) fn from_datafusion(file: &str, error: &DataFusionError) -> Self {
        let diagnostic = error.diagnostic();
        let message = match diagnostic {
            Some(diagnostic) => diagnostic.message.clone(),
            None => match error.find_root() {
                DataFusionError::SQL(error, _) => error.to_string(),
                root => root.message().into_owned(),
            },
        };
        let message = message.replace("datafusion.public.", "");
        let at = diagnostic
            .and_then(|diagnostic| diagnostic.span)
            .map(|span| (span.start.line, span.start.column))
            .or_else(|| place_in_text(&message));
        let hint = diagnostic
            .map(|diagnostic| {
                let notes = diagnostic.notes.iter().map(|note| note.message.as_str());
                let helps = diagnostic.helps.iter().map(|help| help.message.as_str());
                notes.chain(helps).collect::<Vec<_>>().join("; ")
            })
            .unwrap_or_default();
        let is_unknown = hint.is_empty() && message.starts_with("table '");
        let hint = match is_unknown {
            true => "streams are named after their messages, such as port_call_timestamp; `quaystream check` lists streams and tables".to_owned(),
            false => hint,
        };
        Fault {
            file: file.to_owned(),
            at,
            message,
            hint,
        }
    }
}

/// The parser puts "Line: 3, Column: 7" into its text.
fn place_in_text(text: &str) -> Option<(u64, u64)> {
    let (_, rest) = text.split_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let column: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line.trim().parse().ok()?, column.parse().ok()?))
}

/// A query cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("query {query} failed: {source}")]
pub struct QueryError {
    /// Name of the query.
    pub query: String,
    /// What the execution said.
    #[source]
    pub source: DataFusionError,
}

impl QueryError {
    /// True if rows that were kept away are at fault, and no query.
    pub fn is_spill(&self) -> bool {
        match self.source.find_root() {
            DataFusionError::External(source) => source.is::<SpillError>(),
            _ => false,
        }
    }

    pub(crate) fn new(query: &str, source: impl Into<DataFusionError>) -> Self {
        QueryError {
            query: query.to_owned(),
            source: source.into(),
        }
    }
}
