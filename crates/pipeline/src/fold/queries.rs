//! All queries over the rows of one commit, and the rows that one of them cannot use.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use events::decode::Projection;
use events::v1::RejectReason;
use windows::fold::FoldPlan;
use windows::program::{MergeKey, Program, Streams};
use windows::state::activity;

use super::Fold;
use super::doubts::OWN_COLUMNS;
use crate::error::EngineError;
use crate::intake::checks::CHECKS;
use crate::intake::rejects::Refusal;
use crate::partials::Part;

/// The streams that queries see: every table of the schema, and `intake`.
pub fn streams() -> Streams {
    let tables = events::schema::tables()
        .iter()
        .map(|table| (table.name.clone(), Arc::clone(&table.schema)));
    tables
        .chain([(windows::intake::NAME.to_owned(), windows::intake::schema())])
        .collect()
}

/// The columns that queries and checks need.
pub(super) fn projection(program: &Program) -> Result<Projection, EngineError> {
    let mut projection = Projection::none();
    let mut add = |table: &str, columns: &[&str]| {
        projection
            .add(table, columns)
            .map_err(|error| EngineError::Schema(error.to_string()))
    };
    for (table, columns) in program.needed_columns() {
        if table != windows::intake::NAME {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            add(&table, &columns)?;
            add(&table, &OWN_COLUMNS)?;
        }
    }
    for check in CHECKS {
        add(check.table, &OWN_COLUMNS)?;
        add(check.table, &[check.column])?;
    }
    Ok(projection)
}

impl Fold {
    /// All queries and tables over rows of the streams.
    pub(super) fn run_queries(
        &mut self,
        streams: &BTreeMap<String, Vec<RecordBatch>>,
    ) -> Result<Vec<Part>, EngineError> {
        let program = Arc::clone(&self.program);
        for (stream, rows) in streams {
            program.fill(stream, rows.clone());
        }
        let mut parts = Vec::new();
        let mut failed: Vec<(Part, &FoldPlan, &str)> = Vec::new();
        for (mut part, fold, stream) in stages(&program) {
            if !streams.contains_key(stream) {
                continue;
            }
            match fold.run() {
                Ok(batches) => {
                    part.batches = batches;
                    parts.push(part);
                }
                Err(_) => failed.push((part, fold, stream)),
            }
        }
        for (mut part, fold, stream) in failed {
            part.batches = self.without_bad_rows(&part.name, fold, stream, &streams[stream]);
            parts.push(part);
        }
        for stream in streams.keys() {
            program.fill(stream, Vec::new());
        }
        parts.retain(|part| part.batches.iter().any(|batch| batch.num_rows() > 0));
        Ok(parts)
    }

    /// When rows came that queries read: merge rests while none do.
    pub(super) fn activity(
        &self,
        tables: &BTreeMap<String, Vec<RecordBatch>>,
    ) -> Result<Part, EngineError> {
        let read = tables.iter().filter(|(name, _)| self.program.reads(name));
        let told = activity::told(read.flat_map(|(_, rows)| rows))
            .map_err(|error| EngineError::Bug(format!("rows have no time: {error}")))?;
        Ok(Part {
            name: activity::NAME.to_owned(),
            fingerprint: activity::FINGERPRINT,
            merge_key: MergeKey::Everywhere,
            batches: vec![told],
        })
    }

    /// A query cannot compute with some row. Finds those rows by halving, rejects them in the query's name, and runs the
    /// query over the others.
    fn without_bad_rows(
        &mut self,
        name: &str,
        fold: &FoldPlan,
        stream: &str,
        rows: &[RecordBatch],
    ) -> Vec<RecordBatch> {
        let computed = self.program.compute(fold, stream, rows.to_vec());
        for (batch, error) in computed.bad {
            let refusal = Refusal {
                query: name.to_owned(),
                ..Refusal::new(
                    RejectReason::QueryError,
                    format!("{error}; mend the query or the record, other queries have used it"),
                )
            };
            self.reject_row(stream, &batch, 0, refusal);
        }
        computed.batches
    }
}

/// The first stage of each table and of each input of a query: what it makes, without rows, its plan, and its stream.
fn stages(program: &Program) -> impl Iterator<Item = (Part, &FoldPlan, &str)> {
    let tables = program.tables.iter().map(|table| {
        let part = Part {
            name: table.name.clone(),
            fingerprint: table.fingerprint,
            merge_key: MergeKey::Port,
            batches: Vec::new(),
        };
        (part, &table.fold, table.stream.as_str())
    });
    let inputs = program.queries.iter().flat_map(|query| {
        query.inputs.iter().map(|input| {
            let part = Part {
                name: query.name.clone(),
                fingerprint: input.fingerprint,
                merge_key: query.merge_key.clone(),
                batches: Vec::new(),
            };
            (part, &input.fold, input.stream.as_str())
        })
    });
    tables.chain(inputs)
}
